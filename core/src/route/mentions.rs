//! Agents that a message names: `@agent` outside what is quoted or pasted.

use super::{
    Roster, clauses, joins, lexical,
    rules::{plan, step, together},
    words,
};
use crate::agents::Agent;
use std::{cmp::Ordering, ops::Range};
use switchboard_shared::{
    events::{Mode, Plan, Stage, Step},
    ids::AgentId,
};

/// Signs of names in one message that are looked at.
const MOST_SIGNS: usize = 64;
/// A longer name is no agent's id.
const MAX_NAME_BYTES: usize = 64;

/// Decides by the agents that a text addresses.
pub(super) fn mentioned(roster: &Roster, text: &str, max_agents: usize) -> Option<Plan> {
    let mut mentions = Vec::new();
    for mention in find_mentions(text) {
        match roster.agents.iter().find(|agent| agent.id.to_string() == mention.name) {
            Some(agent) => mentions.push((mention, agent.id.clone())),
            None if is_addressed(text, &mention) || looks_like_an_agent(roster, &mention.name) => {
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
        if apart && i > 0 && joins::hands_over(own[i - 1]) && !steps.is_empty() {
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

/// The text without the agents that it addresses; none, if it addresses none.
pub(super) fn unaddressed(roster: &Roster, text: &str) -> Option<String> {
    let known = |mention: Mention| {
        let agent = roster.agents.iter().find(|agent| agent.id.as_str() == mention.name)?;
        Some((mention, agent.id.clone()))
    };
    let mentions: Vec<_> = find_mentions(text).into_iter().filter_map(known).collect();
    (!mentions.is_empty()).then(|| without_mentions(text, &mentions))
}

#[derive(Debug, PartialEq, Eq)]
struct Mention {
    name: String,
    start: usize,
    end: usize,
}

/// `@name` where a word begins; not the @ of a mail address, nor one in what is quoted or pasted.
fn find_mentions(text: &str) -> Vec<Mention> {
    let mut mentions = Vec::new();
    if !text.contains('@') {
        return mentions;
    }
    let (request, quoted) = (clauses::data_of(text).0.len(), quotes(text));
    for (start, _) in text.match_indices('@').take(MOST_SIGNS) {
        let leads_a_line = text[..start].trim_end_matches([' ', '\t']).ends_with('\n');
        let is_data = start >= request && !leads_a_line;
        let is_quoted = quoted.binary_search_by(|quote| place(quote, start)).is_ok();
        if is_data || is_quoted {
            continue;
        }
        if text[..start].ends_with(|c: char| c.is_alphanumeric() || "@._-/".contains(c)) {
            continue;
        }
        let name = &text[start + 1..];
        let length = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.len());
        let name = name[..length].trim_end_matches('-');
        if !name.is_empty() && name.len() <= MAX_NAME_BYTES {
            mentions.push(Mention { name: name.to_ascii_lowercase(), start, end: start + 1 + name.len() });
        }
    }
    mentions
}

/// A name that a message begins with is whom it is for; further on it may be anybody's.
fn is_addressed(text: &str, mention: &Mention) -> bool {
    text[..mention.start].trim().is_empty()
}

fn place(quote: &Range<usize>, at: usize) -> Ordering {
    if quote.end <= at {
        Ordering::Less
    } else if quote.start > at {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// Where something is quoted: code between backticks, and speech between quotation marks. A mark that nothing closes
/// quotes nothing.
fn quotes(text: &str) -> Vec<Range<usize>> {
    const MARKS: [(&str, &str); 6] =
        [("```", "```"), ("`", "`"), ("\"", "\""), ("“", "”"), ("„", "“"), ("«", "»")];
    let mut quotes = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    let mut from = 0;
    for (at, _) in text.char_indices() {
        let rest = &text[at..];
        if at < from {
            continue;
        } else if let Some((start, close)) = open {
            if rest.starts_with(close) {
                from = at + close.len();
                quotes.push(start..from);
                open = None;
            }
        } else if let Some((mark, close)) = MARKS.iter().find(|(mark, _)| rest.starts_with(mark)) {
            open = Some((at, close));
            from = at + mark.len();
        }
    }
    quotes
}

fn looks_like_an_agent(roster: &Roster, name: &str) -> bool {
    !close(roster, name).is_empty()
}

pub(super) fn no_such(roster: &Roster, name: &str) -> Plan {
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
