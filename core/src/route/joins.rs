//! The words that join two requests, and those that put one after the other, in the languages that messages come in.
//! What a language lacks here costs a division, never an answer: the message goes on whole.

use std::{collections::HashMap, sync::LazyLock};

/// Words that join two requests. Short ones that mean something else in another language are left out.
const JOINS: &[&[&str]] = &[
    // en
    &["and", "also", "plus"],
    // de
    &["und", "sowie", "außerdem"],
    // es, pt
    &["y", "e", "además", "también", "também"],
    // fr
    &["et", "aussi"],
    // it
    &["ed", "inoltre"],
    // nl
    &["en", "ook"],
    // pl
    &["oraz"],
    // cs, sk
    &["a také", "a taktiež"],
    // ru, uk, be, bg, sr, mk
    &["и", "і", "й", "та", "а также", "а також", "а таксама"],
    // sv, da, nb
    &["och", "og", "samt"],
    // fi, et
    &["ja", "sekä", "ning"],
    // hu
    &["és", "valamint"],
    // ro
    &["și", "precum și"],
    // tr, az
    &["ve", "və", "ayrıca"],
    // el
    &["και", "επίσης"],
    // ca
    &["i també"],
    // eu
    &["eta"],
    // sq
    &["dhe"],
    // ar, fa, ur
    &["و", "وأيضا", "وكذلك", "همچنین", "اور"],
    // he
    &["וגם"],
    // hi, mr, ne
    &["और", "तथा", "आणि", "र"],
    // bn
    &["এবং", "আর", "ও"],
    // gu
    &["અને"],
    // pa
    &["ਅਤੇ"],
    // ta
    &["மற்றும்"],
    // te
    &["మరియు"],
    // kn
    &["ಮತ್ತು"],
    // ml
    &["കൂടാതെ"],
    // si
    &["සහ"],
    // id, ms
    &["dan", "serta"],
    // vi
    &["và", "đồng thời"],
    // kk, uz
    &["және", "hamda"],
    // ka
    &["და"],
    // hy
    &["և", "ու"],
    // ko
    &["그리고"],
    // th, my, km
    &["และ", "နှင့်", "និង"],
    // cy, ga
    &["ac", "agus"],
    // am
    &["እና"],
];
/// Words that put a request after the one before.
const ORDERS: &[&[&str]] = &[
    // en
    &["then", "and then", "after that", "afterwards", "finally"],
    // de
    &["dann", "und dann", "danach", "anschließend", "zum schluss"],
    // es
    &["luego", "y luego", "después", "y después", "entonces", "por último", "finalmente"],
    // fr
    &["ensuite", "et ensuite", "puis", "et puis", "enfin", "après cela"],
    // it
    &["poi", "e poi", "dopo di che", "infine"],
    // pt, gl
    &["depois", "e depois", "em seguida", "por fim", "despois", "e despois"],
    // ca
    &["després", "i després", "a continuació", "finalment"],
    // ro
    &["apoi", "și apoi", "după aceea", "iar apoi", "la final"],
    // nl, af
    &["daarna", "en dan", "en daarna", "vervolgens", "ten slotte"],
    // sv
    &["och sedan", "därefter", "till sist", "slutligen"],
    // da
    &["derefter", "og derefter", "bagefter", "til sidst"],
    // nb, nn
    &["deretter", "og deretter", "etterpå", "til slutt"],
    // is
    &["síðan", "og síðan", "að lokum"],
    // fi
    &["sitten", "ja sitten", "sen jälkeen", "lopuksi"],
    // et
    &["seejärel", "ja siis", "pärast seda", "lõpuks"],
    // hu
    &["majd", "aztán", "utána", "azután", "végül"],
    // pl
    &["potem", "a potem", "następnie", "a następnie", "na koniec"],
    // cs
    &["pak", "a pak", "potom", "a potom", "poté", "nakonec"],
    // sk
    &["následne", "nakoniec"],
    // sl
    &["in nato", "na koncu"],
    // hr, bs
    &["zatim", "a zatim", "onda", "i onda", "pa onda", "nakon toga", "pa"],
    // sr, mk
    &["онда", "и онда", "па", "након тога", "потоа", "на крају"],
    // ru
    &["потом", "затем", "а потом", "а затем", "после этого", "наконец"],
    // uk
    &["потім", "а потім", "після цього", "далі", "нарешті"],
    // be
    &["потым", "а потым", "пасля"],
    // bg
    &["след това", "после", "и после", "накрая"],
    // lt
    &["tada", "po to", "paskui", "galiausiai"],
    // lv
    &["pēc tam", "un tad", "visbeidzot"],
    // el
    &["μετά", "και μετά", "έπειτα", "στη συνέχεια", "τέλος"],
    // tr
    &["sonra", "ve sonra", "ardından", "daha sonra", "son olarak"],
    // az
    &["sonra da", "ardınca"],
    // kk
    &["содан кейін", "сосын", "кейін"],
    // uz
    &["keyin", "so'ng", "va keyin"],
    // sq
    &["pastaj", "më pas"],
    // eu
    &["gero", "ondoren", "eta gero"],
    // cy, ga
    &["wedyn", "ac yna", "ansin"],
    // ka
    &["შემდეგ", "მერე", "და შემდეგ"],
    // hy
    &["հետո", "ապա", "և հետո"],
    // ar
    &["ثم", "وبعد ذلك", "بعد ذلك", "ومن ثم", "وأخيرا", "وأخيرًا"],
    // fa
    &["سپس", "و سپس", "بعد", "و بعد", "بعد از آن", "در پایان"],
    // ur
    &["پھر", "اور پھر", "اس کے بعد"],
    // he
    &["ואז", "אחר כך", "ואחר כך", "לאחר מכן", "ולבסוף"],
    // hi
    &["फिर", "और फिर", "उसके बाद", "इसके बाद"],
    // mr, ne
    &["मग", "आणि मग", "नंतर", "त्यानंतर", "अनि", "त्यसपछि"],
    // bn
    &["তারপর", "এরপর", "এবং তারপর"],
    // gu, pa
    &["પછી", "અને પછી", "ਫਿਰ", "ਅਤੇ ਫਿਰ", "ਉਸ ਤੋਂ ਬਾਅਦ"],
    // ta, te
    &["பிறகு", "பின்னர்", "அதன் பிறகு", "తర్వాత", "ఆ తర్వాత"],
    // kn, ml
    &["ನಂತರ", "ಆಮೇಲೆ", "പിന്നെ", "ശേഷം", "അതിനുശേഷം"],
    // si
    &["පසුව", "ඊට පස්සේ"],
    // id, ms
    &["lalu", "kemudian", "setelah itu", "selepas itu", "akhirnya"],
    // tl
    &["tapos", "pagkatapos", "at pagkatapos"],
    // sw
    &["kisha", "halafu", "baada ya hapo"],
    // vi
    &["rồi", "sau đó", "cuối cùng"],
    // ko
    &["그런 다음", "그 다음", "그다음", "그리고 나서", "마지막으로"],
    // th, km
    &["แล้ว", "จากนั้น", "แล้วก็", "បន្ទាប់មក"],
    // am
    &["ከዚያ", "ከዚያም"],
];
/// Of languages that put no space after them.
const UNSPACED_JOINS: &[&str] =
    &["并且", "並且", "并", "而且", "以及", "还有", "同时", "そして", "また", "และ"];
const UNSPACED_ORDERS: &[&str] = &[
    "然后",
    "然後",
    "接着",
    "接著",
    "最后",
    "最後に",
    "再",
    "之后",
    "それから",
    "次に",
    "その後",
    "そのあと",
    "จากนั้น",
    "แล้วก็",
];
const MOST_JOINS_BYTES: usize = 64;

/// Whether a run of words puts what follows after what came before.
#[derive(Debug, Clone, Copy)]
struct Join {
    words: &'static str,
    orders: bool,
}

/// By their first word.
static BY_FIRST: LazyLock<HashMap<&'static str, Vec<Join>>> = LazyLock::new(|| {
    let mut by_first: HashMap<_, Vec<Join>> = HashMap::new();
    for (lists, orders) in [(JOINS, false), (ORDERS, true)] {
        for &words in lists.iter().copied().flatten() {
            let first = words.split(' ').next().unwrap_or(words);
            by_first.entry(first).or_default().push(Join { words, orders });
        }
    }
    by_first
});

/// Whether a text begins with a joining word.
pub(super) fn begins(text: &str) -> bool {
    strip(text.trim_start()).is_some()
}

/// "and" of "and then": the cut was before it. No such run is long; a longer one is not read again at every word.
pub(super) fn only(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || (text.len() < MOST_JOINS_BYTES && lead(&format!("{text} ")).1.is_empty())
}

/// Takes joining words off the beginning; says whether one of them puts it after what came before.
pub(super) fn lead(text: &str) -> (bool, &str) {
    let (mut orders, mut rest) = (false, text.trim_start());
    while let Some((join_orders, after)) = strip(rest) {
        (orders, rest) = (orders || join_orders, after);
    }
    (orders, rest)
}

/// "Schicke danach …": some languages put the word second or third.
pub(super) fn orders_within(text: &str) -> bool {
    text.split_whitespace().take(3).map(str::to_lowercase).any(|word| {
        let mut joins = BY_FIRST.get(word.as_str()).into_iter().flatten();
        joins.any(|join| join.orders && join.words == word)
    })
}

/// Says whether a text ends with a word that puts what follows after it.
pub(super) fn hands_over(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    ORDERS
        .iter()
        .copied()
        .flatten()
        .any(|order| text.strip_suffix(order).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric)))
}

/// The longest run of joining words that a text begins with is taken off it.
fn strip(text: &str) -> Option<(bool, &str)> {
    let is_end = |c: char| c.is_whitespace() || c == ',';
    if let Some(end) = text.find(is_end) {
        let first = text[..end].to_lowercase();
        let joins = BY_FIRST.get(first.as_str()).into_iter().flatten();
        let longest = joins.filter_map(|join| Some((join.orders, without(text, join.words)?)));
        if let Some((orders, rest)) = longest.min_by_key(|(orders, rest)| (rest.len(), !orders)) {
            return Some((orders, rest.trim_start_matches([',', ' ', '\t'])));
        }
    }
    let unspaced = |list: &'static [&str]| list.iter().find_map(|join| text.strip_prefix(join));
    unspaced(UNSPACED_ORDERS).map(|rest| (true, rest)).or_else(|| Some((false, unspaced(UNSPACED_JOINS)?)))
}

/// What comes after some words, if a text begins with them and they end there.
fn without<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text;
    for expected in words.chars() {
        let c = rest.chars().next()?;
        if !c.to_lowercase().eq([expected]) {
            return None;
        }
        rest = &rest[c.len_utf8()..];
    }
    rest.starts_with(|c: char| c.is_whitespace() || c == ',').then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_may_hand_over_to_the_next() {
        assert!(hands_over("sum this up, then") && hands_over("und dann ") && !hands_over("strengthen"));
    }

    #[test]
    fn the_longest_run_is_taken_off() {
        assert_eq!(lead("and then, sum it up"), (true, "sum it up"));
        assert_eq!(lead("And sum it up"), (false, "sum it up"));
        assert_eq!(lead("Android phones"), (false, "Android phones"));
        assert_eq!(lead("然后统计字数"), (true, "统计字数"));
        assert!(only("and") && only("") && !only("and sum"));
    }
}
