//! Stage rule: what needs no model. An agent that was chosen, addressed, or waits; small talk; a short word that goes
//! on with what was being talked about.

use super::{
    Because, Question, Roster, lexical,
    mentions::{mentioned, no_such, off, without_meant},
    words,
};
use switchboard_shared::{
    events::{Mode, Plan, Reason, Stage, Step},
    ids::AgentId,
};

const GREETINGS: &[&str] = &[
    "hello",
    "hi",
    "hey",
    "hello there",
    "hi there",
    "hey there",
    "good morning",
    "good afternoon",
    "good evening",
    "hallo",
    "guten morgen",
    "guten tag",
    "guten abend",
    "moin",
    "servus",
    "grüß gott",
    "hola",
    "buenos días",
    "buenas tardes",
    "buenas noches",
    "buenas",
    "bonjour",
    "salut",
    "bonsoir",
    "ciao",
    "buongiorno",
    "buonasera",
    "olá",
    "oi",
    "bom dia",
    "boa tarde",
    "hoi",
    "goedemorgen",
    "cześć",
    "dzień dobry",
    "merhaba",
    "привет",
    "здравствуйте",
    "你好",
    "こんにちは",
    "مرحبا",
    "help",
    "hilfe",
    "ayuda",
    "aide",
    "who are you",
    "what can you do",
    "what can i ask",
    "what can i ask here",
    "how are you",
    "wer bist du",
    "was kannst du",
    "wie geht es dir",
    "quién eres",
    "qué puedes hacer",
    "cómo estás",
    "qui es tu",
    "que peux tu faire",
    "comment ça va",
    "ça va",
];
const THANKS: &[&str] = &[
    "thanks",
    "thank you",
    "thanks a lot",
    "thank you very much",
    "many thanks",
    "thx",
    "cheers",
    "danke",
    "danke schön",
    "vielen dank",
    "dankeschön",
    "gracias",
    "muchas gracias",
    "merci",
    "merci beaucoup",
    "grazie",
    "grazie mille",
    "obrigado",
    "obrigada",
    "dank je",
    "bedankt",
    "dziękuję",
    "teşekkürler",
    "спасибо",
    "谢谢",
    "ありがとう",
    "شكرا",
];
/// First words of a message that goes on with the last one.
const GOES_ON: &[&str] = &[
    "and",
    "but",
    "also",
    "again",
    "more",
    "why",
    "ok",
    "okay",
    "yes",
    "no",
    "sure",
    "please",
    "same",
    "instead",
    "now",
    "how about",
    "what about",
    "und",
    "aber",
    "auch",
    "nochmal",
    "mehr",
    "warum",
    "ja",
    "nein",
    "bitte",
    "jetzt",
    "und was",
    "y",
    "pero",
    "también",
    "más",
    "por qué",
    "sí",
    "vale",
    "ahora",
    "et",
    "mais",
    "aussi",
    "encore",
    "plus",
    "pourquoi",
    "oui",
    "non",
    "e",
    "ma",
    "anche",
    "ancora",
    "sì",
    "perché",
    "mas",
    "também",
    "sim",
    "não",
    "да",
    "нет",
    "а",
    "и",
    "еще",
];
const SHORT_WORDS: usize = 7;
const BARE_WORDS: usize = 2;

/// Decides by what was said outright. An agent that waits gets what is said next, unless the message is surely for
/// `elsewhere`.
pub(super) fn explicit(
    roster: &Roster,
    question: &Question<'_>,
    elsewhere: Option<&AgentId>,
    max_agents: usize,
) -> Option<Plan> {
    if !question.chosen.is_empty() {
        return Some(chosen(roster, question, max_agents));
    }
    if let Some(plan) = mentioned(roster, question.text, max_agents) {
        return Some(plan);
    }
    let waiting = question.waiting.filter(|id| roster.knows(id));
    if let Some(waiting) = waiting.filter(|id| elsewhere.is_none_or(|elsewhere| elsewhere == *id)) {
        return Some(awaited(waiting, question.text));
    }
    which_waits(roster, question, elsewhere).or_else(|| small_talk(roster, question))
}

fn awaited(agent: &AgentId, text: &str) -> Plan {
    plan(Mode::Direct, vec![step(agent, text)], Because::waits(agent))
}

/// Where several wait, whose answer this is: surely one's, or it is asked. Another agent's message goes past them.
fn which_waits(roster: &Roster, question: &Question<'_>, elsewhere: Option<&AgentId>) -> Option<Plan> {
    let (unclear, text) = (question.unclear, question.text);
    let waiting: Vec<_> = unclear.iter().filter_map(|id| roster.agent(id)).collect();
    match (waiting.as_slice(), elsewhere) {
        ([], _) => None,
        (waiting, Some(agent)) => {
            waiting.iter().find(|one| one.id == *agent).map(|one| awaited(&one.id, text))
        }
        (waiting, None) => Some(words::which_waits(waiting)),
    }
}

/// Stays with the agents of the turn before, for a short message that is not clearly for another.
pub(super) fn sticky(
    roster: &Roster,
    question: &Question<'_>,
    sure_of: Option<&AgentId>,
    max_agents: usize,
) -> Option<Plan> {
    let previous: Vec<_> = question.previous.iter().filter(|id| roster.knows(id)).collect();
    let elsewhere = sure_of.is_some_and(|agent| !previous.contains(&agent));
    let goes_on = match goes_on(question.text) {
        GoesOn::Surely => true,
        GoesOn::Perhaps => !elsewhere,
        GoesOn::No => false,
    };
    if previous.is_empty() || !goes_on {
        return None;
    }
    let steps = steps_for(previous.into_iter(), question.text, max_agents);
    Some(plan(together(&steps), steps, Reason::GoesOn))
}

fn chosen(roster: &Roster, question: &Question<'_>, max_agents: usize) -> Plan {
    let switched_off: Vec<_> = question.chosen.iter().filter(|id| roster.has_off(id)).cloned().collect();
    if !switched_off.is_empty() {
        return off(&switched_off);
    }
    if let Some(unknown) = question.chosen.iter().find(|id| !roster.knows(id)) {
        return no_such(roster, &unknown.to_string());
    }
    let text = without_meant(question.text, question.chosen);
    let steps = steps_for(question.chosen.iter(), text, max_agents);
    plan(together(&steps), steps, Reason::Chosen)
}

/// A step for each agent, each once.
fn steps_for<'a>(agents: impl Iterator<Item = &'a AgentId>, text: &str, max_agents: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for id in agents {
        if steps.len() < max_agents && !steps.iter().any(|step| step.agent == *id) {
            steps.push(step(id, text));
        }
    }
    steps
}

fn small_talk(roster: &Roster, question: &Question<'_>) -> Option<Plan> {
    let text = plain(question.text);
    let (reply, reason) = if THANKS.contains(&text.as_str()) {
        (words::thanked(), Reason::Thanks)
    } else if GREETINGS.contains(&text.as_str()) {
        (words::welcome(&roster.agents), Reason::Greeting)
    } else {
        return None;
    };
    question.files.is_empty().then(|| words::without_agents(Mode::None, Stage::Rule, 1.0, reason, reply))
}

enum GoesOn {
    Surely,
    Perhaps,
    No,
}

fn goes_on(text: &str) -> GoesOn {
    let plain = plain(text);
    // Where no space stands between words, most have two characters.
    let unspaced = plain.chars().filter(|c| lexical::is_unspaced(*c)).count();
    let count = plain.split(' ').count() + unspaced / 2;
    let rests: Vec<_> = GOES_ON.iter().filter_map(|word| plain.strip_prefix(*word)).collect();
    if rests.contains(&"") {
        GoesOn::Surely
    } else if count <= BARE_WORDS || (count <= SHORT_WORDS && rests.iter().any(|rest| rest.starts_with(' ')))
    {
        GoesOn::Perhaps
    } else {
        GoesOn::No
    }
}

/// Lower case, letters and digits only, single spaces.
pub(super) fn plain(text: &str) -> String {
    let text: String = text.chars().take(200).flat_map(char::to_lowercase).collect();
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

pub(super) fn step(id: &AgentId, question: &str) -> Step {
    Step { agent: id.clone(), question: question.to_owned(), confidence: 1.0, depends_on: Vec::new() }
}

pub(super) fn plan(mode: Mode, steps: Vec<Step>, because: impl Into<Because>) -> Plan {
    let Because { sentence, why } = because.into();
    Plan {
        mode,
        steps,
        confidence: 1.0,
        reason: sentence,
        why,
        stage: Stage::Rule,
        degraded: None,
        says: None,
        choices: Vec::new(),
    }
}

/// How a plan with these steps is carried out.
pub(super) fn together(steps: &[Step]) -> Mode {
    match steps {
        [_] => Mode::Direct,
        steps if steps.iter().any(|step| !step.depends_on.is_empty()) => Mode::Sequential,
        _ => Mode::Parallel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_message_goes_on_however_its_words_are_spaced() {
        for text in ["the report", "那个", "それで"] {
            assert!(matches!(goes_on(text), GoesOn::Perhaps), "{text}");
        }
        for text in ["send this result to Ann please now", "把这个结果发给小赵", "結果をアンに送ってください"]
        {
            assert!(matches!(goes_on(text), GoesOn::No), "{text}");
        }
    }
}
