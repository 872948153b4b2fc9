//! Splits a message into its requests: "plot the sales and then mail them to Ann" is two, one after the other.

use std::ops::Range;

/// One request of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Where it stands in the message, without what joins it to the one before.
    pub(super) at: Range<usize>,
    /// Whether it needs what came before: "then …", "… the result".
    pub(super) after: bool,
}

/// Words that join two requests.
const JOINS: &[&str] = &[
    "and",
    "also",
    "plus",
    "und",
    "sowie",
    "außerdem",
    "y",
    "e",
    "además",
    "et",
    "aussi",
    "ed",
    "inoltre",
    "também",
    "en",
    "oraz",
    "ve",
    "и",
    "а также",
];
/// Words that put a request after the one before.
const ORDERS: &[&str] = &[
    "then",
    "and then",
    "after that",
    "afterwards",
    "finally",
    "dann",
    "und dann",
    "danach",
    "anschließend",
    "zum schluss",
    "luego",
    "y luego",
    "después",
    "y después",
    "entonces",
    "ensuite",
    "et ensuite",
    "puis",
    "et puis",
    "enfin",
    "poi",
    "e poi",
    "infine",
    "depois",
    "e depois",
    "em seguida",
    "daarna",
    "en dan",
    "potem",
    "następnie",
    "sonra",
    "потом",
    "затем",
    "а потом",
];
/// Words that stand for what another request brings.
const RESULTS: &[&str] = &[
    "it",
    "them",
    "the result",
    "the results",
    "the answer",
    "the output",
    "the summary",
    "das ergebnis",
    "die ergebnisse",
    "damit",
    "daraus",
    "el resultado",
    "los resultados",
    "le résultat",
    "les résultats",
    "il risultato",
    "o resultado",
    "результат",
];
const FEWEST_WORDS: usize = 2;
/// A longer request is mostly what is to be worked on, and not looked through.
const MOST_BYTES: usize = 4_000;
const MOST_CLAUSES: usize = 8;
const MOST_JOINS_BYTES: usize = 64;

/// What is asked, and what it is asked about: pasted code, tables, text after a colon at a line's end.
pub(super) fn data_of(text: &str) -> (&str, &str) {
    let fence = text.find("```");
    let below = text.find("\n\n").or_else(|| text.find(":\n"));
    match fence.into_iter().chain(below).min() {
        Some(at) if !text[..at].trim().is_empty() => text.split_at(at),
        _ => (text, ""),
    }
}

/// The requests of a message without its data, in order.
pub(super) fn split(text: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    if text.len() > MOST_BYTES {
        return clauses;
    }
    let mut held = None;
    let pieces = pieces(text);
    for (i, piece) in pieces.iter().enumerate() {
        let (order, rest) = lead(&text[piece.clone()]);
        let rest = rest.trim_matches(|c: char| c.is_whitespace() || ",;:".contains(c));
        let sentence = ends_a_sentence(&text[piece.clone()]);
        let at = end_of(rest, text) - rest.len()..end_of(rest, text);
        let (count, is_last) = (words(rest), i + 1 == pieces.len());
        if rest.is_empty() {
            continue;
        } else if count == 1 && !is_last && !sentence {
            // A verb that its clause was cut from: "und schicke | danach …".
            held.get_or_insert(at.start);
        } else if let Some(last) = clauses.last_mut().filter(|_| count < FEWEST_WORDS && held.is_none()) {
            last.at.end = at.end;
        } else {
            let order = order || orders_itself(rest);
            let after = !clauses.is_empty() && (order || names_a_result(rest));
            let at = held.take().unwrap_or(at.start)..at.end;
            clauses.push(Clause { at, after });
        }
    }
    if clauses.len() > MOST_CLAUSES { Vec::new() } else { clauses }
}

/// Where a part of a text ends in it.
fn end_of(part: &str, text: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr() + part.len()
}

fn ends_a_sentence(piece: &str) -> bool {
    piece.trim_end().ends_with(['.', '?', '!', ';', '。', '？', '！', '；']) || piece.ends_with('\n')
}

/// "Schicke danach …": some languages put the word second or third.
fn orders_itself(text: &str) -> bool {
    let first: Vec<_> = text.split_whitespace().take(3).map(str::to_lowercase).collect();
    first.iter().any(|word| ORDERS.contains(&word.as_str()))
}

/// Says whether a text ends or begins with a word that puts what follows after it.
pub(super) fn hands_over(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    ORDERS
        .iter()
        .any(|order| text.strip_suffix(order).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric)))
}

/// Cuts at the end of sentences and before joining words, outside of quotes and brackets.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut quote: Option<char> = None;
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, _) if opens(c, before).is_some() => quote = opens(c, before),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) if depth > 0 => {}
            (None, '.' | '?' | '!' | ';' | ',')
                if next.is_whitespace() && (c != ',' || joins(&text[at + 1..])) =>
            {
                pieces.push(from..at + 1);
                from = at + 1;
            }
            (None, '。' | '？' | '！' | '；' | '\n') => {
                pieces.push(from..at + c.len_utf8());
                from = at + c.len_utf8();
            }
            (None, c) if c.is_whitespace() && joins(&text[at..]) && !only_joins(&text[from..at]) => {
                pieces.push(from..at);
                from = at;
            }
            _ => {}
        }
        before = c;
    }
    // A quote that is never closed was an apostrophe; nothing is lost, the rest is one piece.
    pieces.push(from..text.len());
    pieces
}

fn opens(c: char, before: char) -> Option<char> {
    let at_word_start = !before.is_alphanumeric();
    match c {
        '"' => Some('"'),
        '`' => Some('`'),
        '“' => Some('”'),
        '„' => Some('“'),
        '«' => Some('»'),
        '\'' if at_word_start => Some('\''),
        _ => None,
    }
}

fn joins(text: &str) -> bool {
    let text = text.trim_start();
    strip_any(text, ORDERS).or_else(|| strip_any(text, JOINS)).is_some()
}

/// "and" of "and then": the cut was before it. No such run is long; a longer one is not read again at every word.
fn only_joins(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || (text.len() < MOST_JOINS_BYTES && lead(&format!("{text} ")).1.is_empty())
}

/// Takes joining words off the beginning; says whether one of them puts it after what came before.
fn lead(text: &str) -> (bool, &str) {
    let mut rest = text.trim_start();
    let mut order = false;
    loop {
        if let Some(after) = strip_any(rest, ORDERS) {
            (order, rest) = (true, after);
        } else if let Some(after) = strip_any(rest, JOINS) {
            rest = after;
        } else {
            return (order, rest);
        }
    }
}

fn strip_any<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let strip = |word: &&str| {
        let mut rest = text;
        for expected in word.chars() {
            let c = rest.chars().next()?;
            if !c.to_lowercase().eq([expected]) {
                return None;
            }
            rest = &rest[c.len_utf8()..];
        }
        let boundary = rest.chars().next()?;
        (boundary.is_whitespace() || boundary == ',').then(|| rest.trim_start_matches([',', ' ', '\t']))
    };
    words.iter().filter_map(strip).min_by_key(|rest| rest.len())
}

fn names_a_result(text: &str) -> bool {
    let text = format!(" {} ", text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " "));
    RESULTS.iter().any(|word| text.contains(&format!(" {word} ")))
}

/// Numbers and signs alone request nothing.
fn words(text: &str) -> usize {
    super::lexical::words(text).iter().filter(|word| word.iter().any(|c| c.is_alphabetic())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        split(text).into_iter().map(|clause| text[clause.at].to_owned()).collect()
    }

    fn orders(text: &str) -> Vec<bool> {
        split(text).into_iter().map(|clause| clause.after).collect()
    }

    #[test]
    fn requests_are_split_in_several_languages() {
        assert_eq!(
            texts("Check the weather in Rome and convert 5 euro."),
            ["Check the weather in Rome", "convert 5 euro."]
        );
        assert_eq!(
            texts("Wie ist das Wetter, und was kostet Gold?"),
            ["Wie ist das Wetter", "was kostet Gold?"]
        );
        assert_eq!(texts("Traduce esto y busca vuelos"), ["Traduce esto", "busca vuelos"]);
        assert_eq!(
            texts("Nimm 4, 8 und 9 und schicke danach Tom Post"),
            ["Nimm 4, 8 und 9", "schicke danach Tom Post"]
        );
        assert_eq!(texts("Get the page and then list my files"), ["Get the page", "list my files"]);
        assert_eq!(texts("Is it safe? Who wrote it?"), ["Is it safe?", "Who wrote it?"]);
    }

    #[test]
    fn what_comes_after_is_known_by_its_words() {
        assert_eq!(orders("Summarise this text and then translate that part"), [false, true]);
        assert_eq!(orders("Fass den Text zusammen, danach prüfe die Zahlen"), [false, true]);
        assert_eq!(orders("Lee el archivo y luego haz un resumen"), [false, true]);
        assert_eq!(orders("Lis le fichier, ensuite fais un graphique"), [false, true]);
        assert_eq!(orders("Summarise the report and mail it to Ann"), [false, true]);
        assert_eq!(orders("Berechne das Mittel und schicke danach eine Nachricht"), [false, true]);
        assert_eq!(orders("Plot the sales and check the server"), [false, false]);
    }

    #[test]
    fn quotes_brackets_and_single_words_are_not_split() {
        assert_eq!(texts("Translate \"wind and rain. And snow\" please").len(), 1);
        assert_eq!(texts("Run f(a and b) for me").len(), 1);
        assert_eq!(texts("salt and pepper").len(), 1);
        assert_eq!(texts("It's Ann's and it isn't broken").len(), 2);
        assert_eq!(texts("").len(), 0);
        assert_eq!(texts("cluster 1,1; 1,2; 9,9 and 8"), ["cluster 1,1; 1,2; 9,9 and 8"]);
        assert_eq!(texts(&"go on and on. ".repeat(50)).len(), 0, "a long story is not a list of requests");
    }

    #[test]
    fn data_is_told_from_the_request() {
        assert_eq!(data_of("Sort these:\n3\n1"), ("Sort these", ":\n3\n1"));
        assert_eq!(data_of("Review ```fn main() {}```").0, "Review ");
        assert_eq!(data_of("plain question"), ("plain question", ""));
    }

    #[test]
    fn a_piece_may_hand_over_to_the_next() {
        assert!(hands_over("sum this up, then") && hands_over("und dann ") && !hands_over("strengthen"));
    }
}
