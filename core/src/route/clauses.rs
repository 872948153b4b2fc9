//! Splits a message into its requests: "plot the sales and then mail them to Ann" is two, one after the other.

use super::{
    joins::{self, Joins},
    lexical::{is_mark, is_unspaced},
    prose,
};
use std::ops::Range;

/// One request of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Where it stands in the message, without what joins it to the one before.
    pub(super) at: Range<usize>,
    /// Whether it needs what came before: "then …", "… the result".
    pub(super) after: bool,
    /// Whether it is a sentence that begins with a joining word: "… . And …".
    pub(super) adds: bool,
}

const FEWEST_WORDS: usize = 2;
/// A longer request is mostly what is to be worked on, and not looked through.
const MOST_BYTES: usize = 4_000;
const MOST_CLAUSES: usize = 8;

/// What is asked, and what it is asked about: pasted code, tables, text after a colon at a line's end.
pub(super) fn data_of(text: &str) -> (&str, &str) {
    let fence = text.find("```");
    let below = text.find("\n\n").or_else(|| text.find(":\n"));
    match fence.into_iter().chain(below).chain(prose::code_below(text)).min() {
        Some(at) if !text[..at].trim().is_empty() => text.split_at(at),
        _ => (text, ""),
    }
}

/// What is asked before a colon, a line's end, or a question mark that no sentence follows; the rest is what it is about.
pub(super) fn before_its_matter(text: &str) -> Option<&str> {
    let text = text.trim();
    let ends = |(at, c): &(usize, char)| {
        let rest = &text[at + c.len_utf8()..];
        let is_matter = !rest.trim_start().starts_with(char::is_alphabetic);
        match c {
            '\n' | '：' => true,
            ':' => rest.starts_with(char::is_whitespace),
            '?' | '？' => rest.starts_with('\n') || (rest.starts_with(char::is_whitespace) && is_matter),
            _ => false,
        }
    };
    let (end, _) = text.char_indices().find(ends)?;
    Some(text[..end].trim()).filter(|request| !request.is_empty())
}

/// The requests of a message, and how they stand to each other.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// In order; none, if they are too many.
    pub(super) clauses: Vec<Clause>,
    /// Whether the message has the form of an order: "first …", "… and then …".
    pub(super) ordered: bool,
    /// Whether there are too many to look at.
    pub(super) many: bool,
}

/// The requests of a message without its data, in order.
pub(super) fn split(text: &str) -> Vec<Clause> {
    requests(text).clauses
}

/// The same, with their form.
pub(super) fn requests(text: &str) -> Requests {
    let mut clauses: Vec<Clause> = Vec::new();
    if text.len() > MOST_BYTES {
        return Requests::default();
    }
    let (mut held, mut ordered, mut said, mut ended) = (None, false, false, false);
    let joins = Joins::of(text);
    let pieces = pieces(text, &joins);
    for (i, piece) in pieces.iter().enumerate() {
        let (order, rest) = joins.lead(&text[piece.clone()]);
        let joined = rest.len() < text[piece.clone()].trim_start().len();
        let rest = rest.trim_matches(|c: char| c.is_whitespace() || ",;:，、،؛".contains(c));
        let sentence = ends_a_sentence(&text[piece.clone()]);
        let at = end_of(rest, text) - rest.len()..end_of(rest, text);
        let (count, is_last) = (words(rest), i + 1 == pieces.len());
        if rest.is_empty() {
            continue;
        }
        let order = order || joins.orders_within(rest);
        ordered |= if said { order } else { opens_an_order(&joins, rest, pieces.len() > 1) };
        let adds = std::mem::replace(&mut ended, sentence) && joined;
        if count == 1 && !is_last && !sentence {
            // A verb that its clause was cut from: "und schicke | danach …".
            held.get_or_insert(at.start);
        } else if let Some(last) = clauses.last_mut().filter(|_| count < FEWEST_WORDS && held.is_none()) {
            last.at.end = at.end;
        } else {
            let after = !clauses.is_empty() && (order || names_a_result(rest));
            let at = held.take().unwrap_or(at.start)..at.end;
            clauses.push(Clause { at, after, adds });
        }
        said |= !clauses.is_empty();
    }
    let many = clauses.len() > MOST_CLAUSES;
    Requests { clauses: if many { Vec::new() } else { clauses }, ordered, many }
}

/// "First …": more comes after it, in the same sentence or in others.
fn opens_an_order(joins: &Joins<'_>, first: &str, goes_on: bool) -> bool {
    let lists = || first.split([',', '،', '，', '、']).filter(|part| words(part) >= FEWEST_WORDS).count() > 1;
    (goes_on || lists()) && joins.opens_an_order(first)
}

/// Where a part of a text ends in it.
fn end_of(part: &str, text: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr() + part.len()
}

fn ends_a_sentence(piece: &str) -> bool {
    let last = piece.trim_end().chars().next_back();
    last.is_some_and(|last| ".?!;".contains(last) || ends(last)) || piece.ends_with('\n')
}

/// Signs that end a sentence and nothing else, whatever follows them.
fn ends(c: char) -> bool {
    if c.is_ascii() { c == '\n' } else { "。？！；؟؛।۔።։။៕\n".contains(c) }
}

/// Cuts at the end of sentences and before joining words, outside of quotes and brackets.
fn pieces(text: &str, joins: &Joins<'_>) -> Vec<Range<usize>> {
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
                if next.is_whitespace() && (c != ',' || joins.begins(&text[at + 1..])) =>
            {
                pieces.push(from..at + 1);
                from = at + 1;
            }
            (None, '，' | '、' | '،') if joins.begins(&text[at + c.len_utf8()..]) => {
                pieces.push(from..at + c.len_utf8());
                from = at + c.len_utf8();
            }
            (None, c) if ends(c) => {
                pieces.push(from..at + c.len_utf8());
                from = at + c.len_utf8();
            }
            (None, c) if c.is_whitespace() && joins.begins(&text[at..]) && !joins.only(&text[from..at]) => {
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
    if c.is_alphanumeric() || c == ' ' {
        return None;
    }
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

/// Whether a request has words that stand for what another one brings.
fn names_a_result(text: &str) -> bool {
    let mut buffer = [0; joins::MOST_WORD_BYTES];
    let mut article = false;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = joins::lower(word, &mut buffer).unwrap_or_default();
        let brought = matches!(
            word,
            "result"
                | "results"
                | "answer"
                | "output"
                | "summary"
                | "ergebnis"
                | "ergebnisse"
                | "resultado"
                | "resultados"
                | "résultat"
                | "résultats"
                | "risultato"
        );
        if (article && brought) || matches!(word, "it" | "them" | "damit" | "daraus" | "результат") {
            return true;
        }
        article = matches!(word, "the" | "das" | "die" | "el" | "los" | "le" | "les" | "il" | "o");
    }
    false
}

/// How many words there are, as far as it matters. Numbers and signs alone request nothing.
fn words(text: &str) -> usize {
    let (mut count, mut has_letters) = (0, false);
    for c in text.chars() {
        let apart = is_unspaced(c);
        if apart || !(c.is_alphanumeric() || is_mark(c)) {
            count += usize::from(has_letters);
            has_letters = false;
        }
        count += usize::from(apart && c.is_alphabetic());
        has_letters |= !apart && c.is_alphabetic();
        if count >= FEWEST_WORDS {
            return count;
        }
    }
    count + usize::from(has_letters)
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
    fn code_below_a_question_is_what_it_asks_about() {
        for (text, asked) in [
            ("Why does this fail?\n@api.route(\"/x\")\ndef f(): return 1", "Why does this fail?"),
            ("Is it safe\nfn main() {\n}", "Is it safe"),
            ("What does it print\nfor x in range(3):\n  print(x)", "What does it print"),
            ("fn main() {\n    go();\n}", "fn main() {\n    go();\n}"),
            ("Check the weather;\nconvert 5 euro", "Check the weather;\nconvert 5 euro"),
            ("Tell me (soon)\n@money and write", "Tell me (soon)\n@money and write"),
        ] {
            assert_eq!(data_of(text).0, asked, "{text}");
        }
    }

    #[test]
    fn a_word_joins_in_its_own_language_alone() {
        for (name, text, parts) in [
            ("in, in Spanish", "Busca vuelos en primera clase", 1),
            ("the article in Swedish", "Kan du boka en resa", 1),
            ("the article in Danish", "Kan du finde en fejl i min kode", 1),
            ("the article in Danish, a word before the end", "Gem teksten i en fil", 1),
            ("the article in Norwegian", "Lag en sikkerhetskopi av alle filene", 1),
            ("the article of a neuter", "Skriv et brev til kunden min om regningen", 1),
            ("in, in French", "Explique ce code en quelques phrases simples", 1),
            ("in, in Catalan", "Escriu un resum en tres frases curtes", 1),
            ("most in Turkish", "Bu tablodaki en büyük sayıyı bul", 1),
            ("yes in German", "Sag mir ja nicht die Antwort vorher", 1),
            ("so in German", "Der Server ist langsam, also prüfe bitte die Logs", 1),
            ("more in French", "Quel est le mot le plus long de ce texte", 1),
            ("a letter in a formula", "Predict the value of y for these points please", 1),
            ("is in Catalan", "Digues quina és la mitjana d'aquests nombres", 1),
            ("go in Spanish", "Ahora ve al sitio web de la empresa", 1),
            ("take in Dutch", "Kun je dan de grootste waarde van deze lijst pakken", 1),
            ("a name in English", "Please tell Dan that the meeting is moved", 1),
            ("after in Russian", "Покажи отчёт после обеда", 1),
            ("and in Dutch", "Lees het bestand en tel de woorden in de tekst", 2),
            ("and in Spanish", "Lee el archivo y cuenta las palabras del texto", 2),
            ("and in Italian", "Leggi il file e conta le parole del testo", 2),
            ("and in French", "Lis le fichier et compte les mots du texte", 2),
            ("and in Finnish", "Tee yhteenveto ja lähetä se Annalle", 2),
            ("and in English", "Plot the sales and check the server", 2),
        ] {
            assert_eq!(split(text).len(), parts, "{name}: {:?}", texts(text));
        }
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
    fn the_form_of_an_order_is_known_in_many_languages() {
        for text in [
            "First read it, then count the words",
            "Read the file and then tell me its size",
            "Lees eerst het bestand en tel de woorden",
            "primero estadística, luego tendencia: 4 5 9",
            "Прво учитај страницу, затим извуци речи",
            "先读取文件，然后统计字数",
            "Đọc tệp này, rồi đếm số từ",
            "Najprej shrani datoteko, nato jo stisni",
            "まずファイルを読んで、それから単語を数えて",
        ] {
            assert!(requests(text).ordered, "{text}");
        }
        for text in [
            "Read the file and count the words",
            "Where is my first card",
            "Then what is my balance",
            "Öğleden sonra 5'e alarm kur",
            "",
        ] {
            assert!(!requests(text).ordered, "{text}");
        }
    }

    #[test]
    fn a_sentence_that_adds_a_request_is_told_from_one_that_goes_on() {
        let adds = |text: &str| split(text).into_iter().map(|clause| clause.adds).collect::<Vec<_>>();
        assert_eq!(adds("Tell Ann I am ill. And what is the time in Rome?"), [false, true]);
        assert_eq!(adds("Tell Ann I am ill. What is the time in Rome?"), [false, false]);
        assert_eq!(adds("Tell Ann I am ill and what is the time?"), [false, false]);
        assert_eq!(texts("¿Es segura la clave? ¿Y qué hora es?")[1], "qué hora es?");
        assert!(requests(&"go on and on. ".repeat(50)).many && !requests("go on").many);
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
    fn every_script_ends_its_sentences_and_joins_them() {
        for two in [
            "ما متوسط 10 و14؟ وأخبر علي أنني خرجت",
            "फ़ाइल पढ़ो और फिर शब्द गिनो",
            "先读取文件，然后统计字数",
            "ファイルを読んで、それから単語を数えて",
            "Přečti soubor a potom spočítej slova",
            "Đọc tệp này, rồi đếm số từ",
            "Διάβασε το αρχείο και μετά μέτρησε τις λέξεις",
            "파일을 읽고 그런 다음 단어를 세어 줘",
        ] {
            assert_eq!(split(two).len(), 2, "{two}");
        }
        assert_eq!(orders("先读取文件，然后统计字数"), [false, true]);
        assert_eq!(orders("Lue tiedosto ja sitten laske sanat"), [false, true]);
    }
}
