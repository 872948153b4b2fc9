//! Stage rule: what needs no model. An agent that was chosen, addressed, or waits; small talk; a short word that goes
//! on with what was being talked about.

use super::{Question, Roster, clauses, lexical, words};
use crate::agents::Agent;
use switchboard_shared::{
    events::{Mode, Plan, Stage, Step},
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

/// Decides by what was said outright.
pub(super) fn explicit(roster: &Roster, question: &Question<'_>, max_agents: usize) -> Option<Plan> {
    if !question.chosen.is_empty() {
        return Some(chosen(roster, question, max_agents));
    }
    if let Some(plan) = mentioned(roster, question.text, max_agents) {
        return Some(plan);
    }
    if let Some(waiting) = question.waiting.filter(|id| knows(roster, id)) {
        let steps = vec![step(waiting, question.text)];
        return Some(plan(Mode::Direct, steps, format!("{waiting} waits for this.")));
    }
    small_talk(roster, question)
}

/// Stays with the agents of the turn before, for a short message that is not clearly for another.
pub(super) fn sticky(roster: &Roster, question: &Question<'_>, sure_of: Option<&AgentId>) -> Option<Plan> {
    let previous: Vec<_> = question.previous.iter().filter(|id| knows(roster, id)).collect();
    let elsewhere = sure_of.is_some_and(|agent| !previous.contains(&agent));
    let goes_on = match goes_on(question.text) {
        GoesOn::Surely => true,
        GoesOn::Perhaps => !elsewhere,
        GoesOn::No => false,
    };
    if previous.is_empty() || !goes_on {
        return None;
    }
    let steps: Vec<_> = previous.iter().map(|id| step(id, question.text)).collect();
    Some(plan(together(&steps), steps, "It goes on with what was being talked about.".to_owned()))
}

fn chosen(roster: &Roster, question: &Question<'_>, max_agents: usize) -> Plan {
    if let Some(unknown) = question.chosen.iter().find(|id| !knows(roster, id)) {
        return no_such(roster, &unknown.to_string());
    }
    let steps: Vec<_> = question.chosen.iter().take(max_agents).map(|id| step(id, question.text)).collect();
    plan(together(&steps), steps, "You chose.".to_owned())
}

fn mentioned(roster: &Roster, text: &str, max_agents: usize) -> Option<Plan> {
    let mut mentions = Vec::new();
    for mention in find_mentions(text) {
        match roster.agents.iter().find(|agent| agent.id.to_string() == mention.name) {
            Some(agent) => mentions.push((mention, agent.id.clone())),
            None if looks_like_an_agent(roster, &mention.name) => {
                return Some(no_such(roster, &mention.name));
            }
            None => {}
        }
    }
    if mentions.is_empty() {
        return None;
    }
    let left_out = mentions.len().saturating_sub(max_agents);
    let steps = addressed(text, &mentions, max_agents);
    let mode = together(&steps);
    let reason = match left_out {
        0 => "You addressed them by name.".to_owned(),
        _ => format!("You addressed them by name; at most {max_agents} are asked at once."),
    };
    Some(plan(mode, steps, reason))
}

/// Gives each agent what stands after its name, or all of them everything.
fn addressed(text: &str, mentions: &[(Mention, AgentId)], max_agents: usize) -> Vec<Step> {
    let ends = mentions.iter().skip(1).map(|(next, _)| next.start).chain([text.len()]);
    let own: Vec<_> =
        mentions.iter().zip(ends).map(|((mention, _), end)| text[mention.end..end].trim()).collect();
    let leads = text[..mentions[0].0.start].trim().is_empty();
    let apart = mentions.len() > 1 && leads && own.iter().all(|own| lexical::words(own).len() > 1);
    let whole = without_mentions(text, mentions);
    let mut steps: Vec<Step> = Vec::new();
    for (i, (_, id)) in mentions.iter().enumerate() {
        if steps.len() == max_agents || steps.iter().any(|step| step.agent == *id) {
            continue;
        }
        let mut next = step(id, if apart { own[i] } else { &whole });
        if apart && i > 0 && clauses::hands_over(own[i - 1]) && !steps.is_empty() {
            next.depends_on = vec![steps.len() - 1];
        }
        steps.push(next);
    }
    steps
}

fn without_mentions(text: &str, mentions: &[(Mention, AgentId)]) -> String {
    let mut rest = String::new();
    let mut from = 0;
    for (mention, _) in mentions {
        rest.push_str(&text[from..mention.start]);
        from = mention.end;
    }
    rest.push_str(&text[from..]);
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || ",:".contains(c)).to_owned();
    if rest.is_empty() { text.trim().to_owned() } else { rest }
}

#[derive(Debug, PartialEq, Eq)]
struct Mention {
    name: String,
    start: usize,
    end: usize,
}

/// `@name` where a word begins; not the @ of a mail address.
fn find_mentions(text: &str) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for (start, _) in text.match_indices('@') {
        if text[..start].ends_with(|c: char| c.is_alphanumeric() || "@._-/".contains(c)) {
            continue;
        }
        let name = &text[start + 1..];
        let length = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.len());
        let name = name[..length].trim_end_matches('-');
        if !name.is_empty() {
            mentions.push(Mention { name: name.to_ascii_lowercase(), start, end: start + 1 + name.len() });
        }
    }
    mentions
}

fn looks_like_an_agent(roster: &Roster, name: &str) -> bool {
    name.contains('-') || !close(roster, name).is_empty()
}

fn no_such(roster: &Roster, name: &str) -> Plan {
    let closest = close(roster, name);
    let reason = "An agent was named that is not here.";
    words::without_agents(Mode::Clarify, Stage::Rule, 1.0, reason, words::unknown(name, &closest))
}

/// The agents whose ids are most like a name.
fn close(roster: &Roster, name: &str) -> Vec<AgentId> {
    let mut found: Vec<(usize, &Agent)> = Vec::new();
    for agent in &roster.agents {
        let id = agent.id.to_string();
        let distance = distance(name, &id);
        let part = name.len() >= 3 && (id.contains(name) || name.contains(&id));
        if part || distance <= 2.min(name.len() / 3) {
            found.push((if part { 0 } else { distance }, agent));
        }
    }
    found.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    found.into_iter().map(|(_, agent)| agent.id.clone()).collect()
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn small_talk(roster: &Roster, question: &Question<'_>) -> Option<Plan> {
    let text = plain(question.text);
    let (reply, reason) = if THANKS.contains(&text.as_str()) {
        (words::thanked(), "It is a word of thanks.")
    } else if GREETINGS.contains(&text.as_str()) {
        (words::welcome(&roster.agents), "It is a greeting, or asks what can be asked here.")
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
    let count = plain.split(' ').count();
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
fn plain(text: &str) -> String {
    let text: String = text.chars().take(200).flat_map(char::to_lowercase).collect();
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn knows(roster: &Roster, id: &AgentId) -> bool {
    roster.agents.iter().any(|agent| agent.id == *id)
}

fn step(id: &AgentId, question: &str) -> Step {
    Step { agent: id.clone(), question: question.to_owned(), confidence: 1.0, depends_on: Vec::new() }
}

fn plan(mode: Mode, steps: Vec<Step>, reason: String) -> Plan {
    Plan { mode, steps, confidence: 1.0, reason, stage: Stage::Rule, degraded: None, reply: None }
}

/// How a plan with these steps is carried out.
pub(super) fn together(steps: &[Step]) -> Mode {
    match steps {
        [_] => Mode::Direct,
        steps if steps.iter().any(|step| !step.depends_on.is_empty()) => Mode::Sequential,
        _ => Mode::Parallel,
    }
}
