//! nlp-agent: language, keywords, counts and mood of a text.

use std::collections::HashMap;
use std::fmt::Write as _;

use async_trait::async_trait;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::subject::subject;
use crate::reading::words::{excerpt, has_any};
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
            description: "Keywords, number of words and sentences, reading time.",
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

const POSITIVE: &[&str] = &[
    "good",
    "great",
    "excellent",
    "love",
    "loved",
    "lovely",
    "wonderful",
    "amazing",
    "happy",
    "best",
    "perfect",
    "nice",
    "fast",
    "helpful",
    "friendly",
    "fantastic",
    "enjoy",
    "enjoyed",
    "thanks",
    "beautiful",
    "pleased",
    "delighted",
    "brilliant",
    "recommend",
    "reliable",
    "gut",
    "toll",
    "super",
    "wunderbar",
    "liebe",
    "freundlich",
    "schnell",
    "perfekt",
    "glücklich",
    "zufrieden",
    "hervorragend",
    "schön",
    "danke",
    "prima",
    "großartig",
    "bon",
    "bonne",
    "excellente",
    "super",
    "merveilleux",
    "parfait",
    "heureux",
    "aime",
    "adore",
    "magnifique",
    "merci",
    "rapide",
    "génial",
    "bueno",
    "buena",
    "excelente",
    "maravilloso",
    "perfecto",
    "feliz",
    "encanta",
    "gracias",
    "rápido",
    "genial",
    "hermoso",
    "amable",
    "buono",
    "ottimo",
    "perfetto",
    "felice",
    "bello",
    "grazie",
    "fantastico",
];
const NEGATIVE: &[&str] = &[
    "bad",
    "terrible",
    "awful",
    "hate",
    "hated",
    "worst",
    "poor",
    "slow",
    "rude",
    "broken",
    "angry",
    "sad",
    "disappointed",
    "disappointing",
    "useless",
    "dirty",
    "expensive",
    "problem",
    "problems",
    "bug",
    "crash",
    "crashes",
    "late",
    "never",
    "annoying",
    "horrible",
    "wrong",
    "fail",
    "failed",
    "unhelpful",
    "schlecht",
    "furchtbar",
    "schrecklich",
    "hasse",
    "langsam",
    "kaputt",
    "enttäuscht",
    "enttäuschend",
    "unfreundlich",
    "teuer",
    "traurig",
    "wütend",
    "leider",
    "nie",
    "mies",
    "fehler",
    "mauvais",
    "mauvaise",
    "terrible",
    "déteste",
    "lent",
    "cassé",
    "déçu",
    "triste",
    "nul",
    "horrible",
    "cher",
    "jamais",
    "malo",
    "mala",
    "odio",
    "lento",
    "roto",
    "decepcionado",
    "triste",
    "caro",
    "peor",
    "nunca",
    "pésimo",
    "cattivo",
    "pessimo",
    "orribile",
    "lento",
    "rotto",
    "deluso",
    "triste",
];
const POSITIVE_ANYWHERE: &[&str] = &[
    "喜欢",
    "很好",
    "满意",
    "高兴",
    "优秀",
    "棒",
    "好き",
    "良い",
    "素晴らしい",
    "嬉しい",
    "楽しい",
    "最高",
    "رائع",
    "ممتاز",
    "سعيد",
    "جميل",
    "شكرا",
];
const NEGATIVE_ANYWHERE: &[&str] = &[
    "不好",
    "糟糕",
    "失望",
    "讨厌",
    "生气",
    "太差",
    "嫌い",
    "悪い",
    "最悪",
    "残念",
    "悲しい",
    "遅い",
    "سيئ",
    "حزين",
    "غاضب",
    "محبط",
    "بطيء",
];
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "don't", "doesn't", "didn't", "isn't", "wasn't", "nicht", "kein", "keine", "pas",
    "jamais", "no", "nunca", "non",
];
const STOP_WORDS: &[&str] = &[
    "the", "and", "that", "this", "with", "from", "have", "has", "had", "are", "was", "were", "for", "but",
    "not", "you", "your", "our", "their", "they", "them", "its", "into", "about", "will", "would", "can",
    "could", "should", "been", "being", "than", "then", "there", "here", "what", "which", "when", "who",
    "how", "all", "any", "some", "more", "most", "very", "just", "also", "over", "such", "only", "because",
    "she", "his", "her", "him", "out", "did", "does", "please", "der", "die", "das", "und", "ist", "ein",
    "eine", "einen", "nicht", "mit", "von", "auf", "für", "dem", "den", "des", "sich", "auch", "wir", "ich",
    "sie", "war", "aber", "zum", "zur", "wie", "als", "bei", "aus", "oder", "nach", "über", "les", "des",
    "une", "est", "pas", "pour", "dans", "que", "qui", "sur", "avec", "sont", "mais", "nous", "vous", "par",
    "plus", "cette", "ces", "los", "las", "una", "por", "para", "con", "que", "del", "como", "más", "pero",
    "sus", "este", "esta", "son", "muy",
];

/// The agent.
pub(super) struct NlpAgent;

#[async_trait]
impl Agent for NlpAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let text = subject(&request.text).unwrap_or(&request.text).trim();
        if !text.chars().any(char::is_alphabetic) {
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
    writeln!(answer, "- mood: {}", mood(text, &words)).ok();
    let keywords = keywords(&words);
    if !keywords.is_empty() {
        writeln!(answer, "- keywords: {}", keywords.join(", ")).ok();
    }
    let ideographs = text.chars().filter(|letter| is_ideograph(*letter)).count();
    if ideographs > words.len() {
        writeln!(
            answer,
            "- size: {ideographs} characters (this script does not part words), {} sentences",
            sentences.count()
        )
        .ok();
    } else {
        writeln!(
            answer,
            "- size: {} words, {} sentences, {} characters",
            words.len(),
            sentences.count(),
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

/// Counts words that carry a mood; one after a negation counts for the other side.
fn mood(text: &str, words: &[String]) -> String {
    let (mut good, mut bad): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (place, word) in words.iter().enumerate() {
        let negated =
            words[place.saturating_sub(2)..place].iter().any(|before| NEGATIONS.contains(&before.as_str()));
        let shown = if negated { format!("not {word}") } else { word.clone() };
        match (POSITIVE.contains(&word.as_str()), NEGATIVE.contains(&word.as_str()), negated) {
            (true, _, false) | (false, true, true) => good.push(shown),
            (true, _, true) | (false, true, false) => bad.push(shown),
            (false, false, _) => {}
        }
    }
    let anywhere = |list: &[&str]| {
        list.iter().filter(|word| text.contains(**word)).map(|word| (*word).to_owned()).collect::<Vec<_>>()
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

fn keywords(words: &[String]) -> Vec<String> {
    let mut counted: HashMap<&str, (usize, usize)> = HashMap::new();
    let worth = |word: &&String| {
        word.chars().count() > 2
            && !STOP_WORDS.contains(&word.as_str())
            && !word.chars().all(|c| c.is_ascii_digit())
    };
    for (place, word) in words.iter().filter(worth).enumerate() {
        counted.entry(word).or_insert((0, place)).0 += 1;
    }
    let mut ranked: Vec<(&str, (usize, usize))> = counted.into_iter().collect();
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
