//! The mood of a text by words that carry one.

/// English, German, French, Spanish, Italian.
const POSITIVE: &str = "\
    good great excellent love loved lovely wonderful amazing happy best perfect nice fast helpful \
    friendly fantastic enjoy enjoyed thanks beautiful pleased delighted brilliant recommend \
    reliable gut toll super wunderbar liebe freundlich schnell perfekt glücklich zufrieden \
    hervorragend schön danke prima großartig bon bonne excellente merveilleux parfait heureux aime \
    adore magnifique merci rapide génial bueno buena excelente maravilloso perfecto feliz encanta \
    gracias rápido genial hermoso amable buono ottimo perfetto felice bello grazie fantastico";
/// The same languages.
const NEGATIVE: &str = "\
    bad terrible awful hate hated worst poor slow rude broken angry sad disappointed disappointing \
    useless dirty expensive problem problems bug crash crashes late never annoying horrible wrong \
    fail failed unhelpful schlecht furchtbar schrecklich hasse langsam kaputt enttäuscht \
    enttäuschend unfreundlich teuer traurig wütend leider nie mies fehler mauvais mauvaise déteste \
    lent cassé déçu triste nul cher jamais malo mala odio lento roto decepcionado caro peor nunca \
    pésimo cattivo pessimo orribile rotto deluso";
/// Chinese, Japanese and Arabic are not cut into words, so these count wherever they stand.
const POSITIVE_ANYWHERE: &str = "\
    喜欢 很好 满意 高兴 优秀 棒 好き 良い 素晴らしい 嬉しい 楽しい 最高 رائع ممتاز سعيد جميل شكرا";
/// The same languages.
const NEGATIVE_ANYWHERE: &str = "\
    不好 糟糕 失望 讨厌 生气 太差 嫌い 悪い 最悪 残念 悲しい 遅い سيئ حزين غاضب محبط بطيء";
/// They turn the mood of the next two words.
const NEGATIONS: &str = "\
    not no never don't doesn't didn't isn't wasn't nicht kein keine pas jamais nunca non";

/// Counts words that carry a mood; one after a negation counts for the other side.
pub(super) fn mood(text: &str, words: &[String]) -> String {
    let (mut good, mut bad): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (place, word) in words.iter().enumerate() {
        let negated = words[place.saturating_sub(2)..place].iter().any(|before| among(NEGATIONS, before));
        let shown = if negated { format!("not {word}") } else { word.clone() };
        match (among(POSITIVE, word), among(NEGATIVE, word), negated) {
            (true, _, false) | (false, true, true) => good.push(shown),
            (true, _, true) | (false, true, false) => bad.push(shown),
            (false, false, _) => {}
        }
    }
    let anywhere = |list: &str| {
        list.split(' ').filter(|word| text.contains(*word)).map(|word| word.to_owned()).collect::<Vec<_>>()
    };
    bad.extend(anywhere(NEGATIVE_ANYWHERE));
    good.extend(anywhere(POSITIVE_ANYWHERE));
    let verdict = match good.len().cmp(&bad.len()) {
        std::cmp::Ordering::Greater => "positive",
        std::cmp::Ordering::Less => "negative",
        std::cmp::Ordering::Equal if good.is_empty() => {
            return "neutral (no word of my small list found)".to_owned();
        }
        std::cmp::Ordering::Equal => "mixed",
    };
    let list = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    format!("{verdict} (for: {}; against: {})", list(&good), list(&bad))
}

fn among(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}
