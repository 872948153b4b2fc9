//! nlp-agent: language, keywords, counts and mood of a text.

mod mood;

use std::collections::HashMap;
use std::fmt::Write as _;

use async_trait::async_trait;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::subject::subject;
use crate::reading::words::{counted, excerpt, has_any};
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "nlp-agent",
    name: "Language Agent",
    description: "Works on the language of a text: detects which language it is in, finds keywords, counts words and sentences, and measures the mood with a small word list (English, German, French, Spanish, Italian, some Chinese, Japanese and Arabic). It does not translate and does not rewrite.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "language_detection",
            name: "Detect the language",
            description: "Tells which of about seventy languages a text is written in.",
            tags: &["language", "detect", "script", "multilingual"],
            examples: &[
                "Which language is this: \"Dobrý den, jak se máte?\"",
                "Can you tell what language this customer wrote in?",
                "In welcher Sprache ist dieser Satz geschrieben?",
                "¿En qué idioma está escrito este párrafo?",
                "这段文字是什么语言写的？",
            ],
        },
        Skill {
            id: "sentiment_analysis",
            name: "Measure the mood",
            description: "Positive, negative or neutral, by words that carry a mood, with the words it found.",
            tags: &["sentiment", "mood", "opinion", "review", "feedback"],
            examples: &[
                "Is this review positive or negative: \"The room was lovely but the staff were rude\"",
                "How does the customer feel in this message?",
                "Wie ist die Stimmung in diesem Kommentar?",
                "Ce commentaire client est-il plutôt positif ?",
                "このレビューは好意的ですか、それとも否定的ですか？",
                "ما هو شعور العميل في هذه الرسالة؟",
            ],
        },
        Skill {
            id: "text_analysis",
            name: "Keywords and counts",
            description: "Keywords, and the number of words, sentences and characters.",
            tags: &["keywords", "word count", "sentences", "topics"],
            examples: &[
                "Pull the keywords out of this article",
                "How many words and sentences are in this paragraph?",
                "Welche Schlüsselwörter hat dieser Text?",
                "Extrae las palabras clave de este texto",
                "Combien de mots dans ce paragraphe ?",
            ],
        },
    ],
};

/// Words that say nothing about a text's topic; English, German, French, Spanish.
const STOP_WORDS: &str = "\
    the and that this with from have has had are was were for but not you your our their they them \
    its into about will would can could should been being than then there here what which when who \
    how all any some more most very just also over such only because she his her him out did does \
    please der die das und ist ein eine einen nicht mit von auf für dem den des sich auch wir ich \
    sie war aber zum zur wie als bei aus oder nach über les une est pas pour dans que qui sur avec \
    sont mais nous vous par plus cette ces los las una por para con del como más pero sus este esta \
    son muy";

/// Words of requests about a text.
const ABOUT_TEXTS: &[&str] = &[
    "sentiment",
    "mood",
    "which language",
    "what language",
    "keywords",
    "word count",
    "count the words",
    "how many words",
    "this text",
    "this review",
    "this article",
    "this paragraph",
    "this message",
    "this comment",
    "this sentence",
    "stimmung",
    "sprache",
    "schlüsselwörter",
    "diesen text",
    "dieser text",
    "diesem kommentar",
    "dieser satz",
    "ce texte",
    "ce commentaire",
    "ce paragraphe",
    "mots-clés",
    "quelle langue",
    "este texto",
    "este párrafo",
    "qué idioma",
    "palabras clave",
    "情感",
    "关键词",
    "这段",
    "什么语言",
    "感情",
    "キーワード",
    "このレビュー",
    "この文",
    "مشاعر",
    "شعور",
    "هذا النص",
    "هذه الرسالة",
];

/// The agent.
pub(super) struct NlpAgent;

#[async_trait]
impl Agent for NlpAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let found = subject(&request.text);
        let text = found.unwrap_or(&request.text).trim();
        // A question about "this review" without the review is not the text meant.
        let only_asked = found.is_none() && text.lines().count() == 1 && has_any(text, ABOUT_TEXTS);
        if only_asked || !text.chars().any(char::is_alphabetic) {
            return Outcome::AskedBack("Which text? Please paste it here.".to_owned());
        }
        reporter.progress(format!("Reading {} characters.", text.chars().count()));
        let mut answer = report(text);
        if has_any(&request.text, &["translat*", "übersetz*", "tradui*", "traduc*", "翻译", "翻訳", "ترجم"])
        {
            answer.push_str("\nI do not translate; this is all I can say about the text.\n");
        }
        Outcome::Answered(answer)
    }
}

fn report(text: &str) -> String {
    let words = words(text);
    let sentences = text
        .split(['.', '!', '?', '。', '！', '？', '؟', '\n'])
        .filter(|part| part.chars().any(char::is_alphanumeric));
    let mut answer = format!("About the text \"{}\":\n\n", excerpt(text, 80).replace('\n', " "));
    writeln!(answer, "- language: {}", language(text)).ok();
    writeln!(answer, "- mood: {}", mood::mood(text, &words)).ok();
    let keywords = keywords(&words);
    if !keywords.is_empty() {
        writeln!(answer, "- keywords: {}", keywords.join(", ")).ok();
    }
    let ideographs = text.chars().filter(|letter| is_ideograph(*letter)).count();
    if ideographs > words.len() {
        writeln!(
            answer,
            "- size: {ideographs} characters (this script does not part words), {}",
            counted(sentences.count(), "sentence")
        )
        .ok();
    } else {
        writeln!(
            answer,
            "- size: {}, {}, {} characters",
            counted(words.len(), "word"),
            counted(sentences.count(), "sentence"),
            text.chars().count()
        )
        .ok();
    }
    answer
}

fn language(text: &str) -> String {
    match whatlang::detect(text) {
        Some(found) => {
            let sure = if found.is_reliable() { "" } else { " (not sure; the text is short)" };
            format!("{} ({}), script {}{sure}", found.lang().eng_name(), found.lang().code(), found.script())
        }
        None => "not recognised".to_owned(),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '\'' | '’' | '-')))
        .map(|word| word.trim_matches(['\'', '’', '-']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

fn keywords(words: &[String]) -> Vec<String> {
    let mut seen: HashMap<&str, (usize, usize)> = HashMap::new();
    let worth = |word: &&String| {
        (3..=30).contains(&word.chars().count())
            && word.chars().filter(|letter| is_ideograph(*letter)).count() <= 6
            && !STOP_WORDS.split(' ').any(|stop| stop == *word)
            && !word.chars().all(|c| c.is_ascii_digit())
    };
    for (place, word) in words.iter().filter(worth).enumerate() {
        seen.entry(word).or_insert((0, place)).0 += 1;
    }
    let mut ranked: Vec<(&str, (usize, usize))> = seen.into_iter().collect();
    ranked.sort_by_key(|(word, (count, place))| {
        (std::cmp::Reverse(*count), std::cmp::Reverse(word.chars().count().min(8)), *place)
    });
    ranked
        .into_iter()
        .take(8)
        .map(|(word, (count, _))| if count > 1 { format!("{word} ({count})") } else { word.to_owned() })
        .collect()
}

fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::report;

    #[test]
    fn mood_and_language_are_told() {
        let english = report("The room was wonderful and the staff were friendly, I loved it.");
        assert!(english.contains("English") && english.contains("mood: positive"), "{english}");
        let german = report("Das Essen war leider schlecht und der Service war sehr langsam.");
        assert!(german.contains("German") && german.contains("mood: negative"), "{german}");
        assert!(report("This is not good at all").contains("against: not good"));
    }
}
