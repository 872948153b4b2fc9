//! Agents that a message names: `@agent` where it is said to somebody. What else begins with `@` is text: decorators,
//! packages, rules of style sheets, addresses, what is quoted or pasted.

mod called;
mod forbidden;
#[cfg(test)]
mod tests;

use super::{
    Because, Roster, clauses, joins, lexical, prose,
    rules::{plan, step, together},
    words,
};
use crate::agents::Agent;
use called::called_until;
pub(super) use forbidden::hold_back;
use std::collections::BTreeSet;
use switchboard_shared::{
    events::{Mode, Plan, Reason, Stage, Step},
    ids::{AgentId, UserId},
};

/// Signs of names in one message that are looked at.
const MOST_SIGNS: usize = 64;
/// A longer name is no agent's id.
const MAX_NAME_BYTES: usize = 64;
/// What Switchboard itself is called.
const OWN_NAME: &str = "switchboard";
/// The sign, and its full width.
const SIGNS: [char; 2] = ['@', '\u{FF20}'];

/// Decides by the agents that a text addresses; a slip of the pen at its beginning is asked about.
pub(super) fn mentioned(roster: &Roster, text: &str, max_agents: usize) -> Option<Plan> {
    let found: Vec<_> =
        find_mentions(text).into_iter().filter(|mention| !forbidden::forbids(text, mention)).collect();
    let known = known(roster, &found);
    let switched_off = named_off(roster, &found);
    if known.is_empty() && !switched_off.is_empty() {
        return Some(off(&switched_off));
    }
    if known.is_empty() {
        let first = found.first().filter(|first| leads(text, first))?;
        let meant = slips(roster, &first.name);
        return (!meant.is_empty()).then(|| unknown(&first.name, &meant));
    }
    if let Some(plan) = held_back(roster, text, &known) {
        return Some(plan);
    }
    let steps = addressed(text, &known, max_agents);
    let left_out: BTreeSet<AgentId> =
        known.iter().map(|(_, id)| id).filter(|id| !asks(&steps, id)).cloned().collect();
    let because = match left_out.is_empty() {
        true => Reason::Named.into(),
        false => Because::left_out(left_out.into_iter().collect(), max_agents),
    };
    let degraded = (!switched_off.is_empty()).then(|| without_stop(words::switched_off(&switched_off)));
    Some(Plan { degraded, ..plan(together(&steps), steps, because) })
}

/// Asks first where an agent that acts is named within a message: it may be what somebody else wrote, or what is to be
/// judged or translated. At the beginning of a message it is who shall do it.
fn held_back(roster: &Roster, text: &str, known: &[(&Mention, AgentId)]) -> Option<Plan> {
    let within = &known[leading(text, known)..];
    let acting = |id: &AgentId| roster.agent(id).filter(|agent| agent.has_effects());
    let acting: Vec<_> = within.iter().filter_map(|(_, id)| acting(id)).collect();
    (!acting.is_empty()).then(|| words::ask_before(&acting, Stage::Rule, 1.0, Reason::NamedWithin))
}

/// The plan of a message that is for agents which are switched off: nobody else is asked instead.
pub(super) fn off(ids: &[AgentId]) -> Plan {
    let says = format!("{} Ask without the name, and others may answer.", words::switched_off(ids));
    words::without_agents(Mode::None, Stage::Rule, 1.0, Reason::SwitchedOff, says)
}

fn without_stop(sentence: String) -> String {
    sentence.trim_end_matches('.').to_owned()
}

fn asks(steps: &[Step], id: &AgentId) -> bool {
    steps.iter().any(|step| step.agent == *id)
}

fn known<'a>(roster: &Roster, found: &'a [Mention]) -> Vec<(&'a Mention, AgentId)> {
    let agent = |mention: &Mention| roster.agents.iter().find(|agent| agent.id.as_str() == mention.name);
    found.iter().filter_map(|mention| Some((mention, agent(mention)?.id.clone()))).collect()
}

/// Those of the names that are agents which are switched off.
fn named_off(roster: &Roster, found: &[Mention]) -> Vec<AgentId> {
    let names = |id: &&AgentId| found.iter().any(|mention| mention.name == id.as_str());
    roster.off.iter().filter(names).cloned().collect()
}

/// Gives each agent what stands after its name, or all of them everything.
fn addressed(text: &str, mentions: &[(&Mention, AgentId)], max_agents: usize) -> Vec<Step> {
    let ends = mentions.iter().skip(1).map(|(next, _)| next.start).chain([text.len()]);
    let own: Vec<_> =
        mentions.iter().zip(ends).map(|((mention, _), end)| text[mention.end..end].trim()).collect();
    let leads = leads(text, mentions[0].0);
    let apart = mentions.len() > 1 && leads && own.iter().all(|own| lexical::words(own).len() > 1);
    let whole = without_leading(text, mentions);
    let mut steps: Vec<Step> = Vec::new();
    for (i, (_, id)) in mentions.iter().enumerate() {
        if steps.len() == max_agents || asks(&steps, id) {
            continue;
        }
        let mut next = step(id, if apart { bare(own[i]) } else { whole });
        if apart && i > 0 && joins::hands_over(own[i - 1]) && !steps.is_empty() {
            next.depends_on = vec![steps.len() - 1];
        }
        steps.push(next);
    }
    steps
}

/// How many of the names a text begins with.
fn leading(text: &str, mentions: &[(&Mention, AgentId)]) -> usize {
    let before = |at: usize| if at == 0 { 0 } else { mentions[at - 1].0.end };
    let leads = |at: &usize| text[before(*at)..mentions[*at].0.start].chars().all(is_between);
    (0..mentions.len()).take_while(leads).count()
}

/// The text behind the names that it begins with; a name within a sentence belongs to it, and where one is joined to
/// others, or to a word, nothing is cut out of that.
fn without_leading<'a>(text: &'a str, mentions: &[(&Mention, AgentId)]) -> &'a str {
    let count = leading(text, mentions);
    let end = count.checked_sub(1).map_or(0, |last| mentions[last].0.end);
    let is_joined = text[end..].starts_with(char::is_alphanumeric);
    if count < mentions.len() && count > 0 || is_joined {
        return text.trim();
    }
    or_all(bare(&text[end..]), text)
}

/// What is left of a text without names; where nothing is, all of it.
fn or_all<'a>(rest: &'a str, text: &'a str) -> &'a str {
    if rest.is_empty() { text.trim() } else { rest }
}

/// Without what sets a name apart from what is asked.
fn bare(text: &str) -> &str {
    let text = text.trim_start_matches(['.', '!', '?', '…']).trim_start_matches(is_between);
    // A point or a hyphen alone: one before a digit belongs to it.
    let rest = text.strip_prefix(['.', '-']).filter(|rest| rest.starts_with(char::is_whitespace));
    rest.unwrap_or(text).trim()
}

/// Whether the character only stands between names, or before the first one.
fn is_between(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || ",:;–—，、：；".contains(c)
}

/// A name that a message begins with is whom it is for.
fn leads(text: &str, mention: &Mention) -> bool {
    text[..mention.start].chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// To whom a message is said, by the names in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressee {
    /// Agents, or Switchboard.
    Us,
    /// People.
    People,
    /// It names nobody.
    Anybody,
}

/// Reads the names in a message; `people` are those it may be said to.
pub(crate) fn addressee(roster: &Roster, text: &str, people: &[UserId]) -> Addressee {
    let found = find_mentions(text);
    let is_ours = |mention: &Mention| {
        mention.name == OWN_NAME || (leads(text, mention) && !slips(roster, &mention.name).is_empty())
    };
    let names_ours = !known(roster, &found).is_empty() || !named_off(roster, &found).is_empty();
    if names_ours || called_until(text).is_some() {
        Addressee::Us
    } else if is_one_named(text, people) {
        Addressee::People
    } else if found.iter().any(is_ours) {
        Addressee::Us
    } else {
        Addressee::Anybody
    }
}

/// Whether one of them is named by all of the id, or by what stands before the host of a mail address.
fn is_one_named(text: &str, people: &[UserId]) -> bool {
    if people.is_empty() || !text.contains(SIGNS) {
        return false;
    }
    let ids = || people.iter().map(UserId::as_str);
    let names = || ids().flat_map(|id| [id, id.split('@').next().unwrap_or(id)]);
    let shown = prose::pasted(text);
    let mut signs = text.match_indices(SIGNS).take(MOST_SIGNS);
    signs.any(|(start, sign)| {
        let rest = &text[start + sign.len()..];
        let begins = |name: &str| {
            rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
                && goes_on_as_prose(&rest[name.len()..], false)
        };
        may_follow(&text[..start])
            && !prose::is_shown(&shown, start)
            && names().any(|name| !name.is_empty() && begins(name))
    })
}

/// The text without Switchboard's own name before it.
pub(crate) fn without_own_name(text: &str) -> &str {
    let first = find_mentions(text).into_iter().next();
    let first = first.filter(|first| first.name == OWN_NAME && leads(text, first));
    let end = first.map(|first| first.end).or_else(|| called_until(text));
    end.map(|end| bare(&text[end..])).filter(|rest| !rest.is_empty()).unwrap_or(text)
}

/// The text without the agents that it addresses; none, if it addresses none.
pub(super) fn unaddressed(roster: &Roster, text: &str) -> Option<String> {
    let found = find_mentions(text);
    let known = known(roster, &found);
    let (mut rest, mut from) = (String::new(), 0);
    for (mention, _) in &known {
        rest.push_str(&text[from..mention.start]);
        from = mention.end;
    }
    rest.push_str(&text[from..]);
    (!known.is_empty()).then(|| or_all(bare(&rest), text).to_owned())
}

#[derive(Debug, PartialEq, Eq)]
struct Mention {
    name: String,
    start: usize,
    end: usize,
}

/// `@name` in prose, as a word of its own.
fn find_mentions(text: &str) -> Vec<Mention> {
    if !text.contains(SIGNS) {
        return Vec::new();
    }
    let (request, shown) = (clauses::data_of(text).0.len(), prose::pasted(text));
    let signs = text.match_indices(SIGNS).take(MOST_SIGNS);
    let mut mentions: Vec<Mention> = Vec::new();
    for (start, sign) in signs.filter(|(start, _)| !prose::is_shown(&shown, *start)) {
        let leads_a_line = text[..start].trim_end_matches([' ', '\t']).ends_with('\n');
        if (start >= request && !leads_a_line) || !may_follow(&text[..start]) {
            continue;
        }
        let name = &text[start + sign.len()..];
        let length = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.len());
        let name = name[..length].trim_end_matches('-');
        let end = start + sign.len() + name.len();
        let is_name = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
        let is_first = text[mentions.last().map_or(0, |last| last.end)..start].chars().all(is_between);
        if is_name && goes_on_as_prose(&text[end..], leads_a_line && !is_first) {
            mentions.push(Mention { name: name.to_ascii_lowercase(), start, end });
        }
    }
    mentions
}

/// Whether a name may stand behind this: at the beginning, after a space or an opening bracket, and where no spaces are
/// written.
fn may_follow(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| {
        c.is_whitespace()
            || is_invisible(c)
            || lexical::is_unspaced(c)
            || "([{*,;!?¿¡，、。：；！？（［【「『".contains(c)
    })
}

/// Whether a sentence goes on behind a name, and not code: no call, no member, no path, no assignment.
fn goes_on_as_prose(after: &str, alone_is_code: bool) -> bool {
    let mut chars = after.chars();
    let Some(next) = chars.next() else { return true };
    let closes = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() || lexical::is_unspaced(c));
    let ends_here = match next {
        c if c.is_whitespace() || is_invisible(c) || lexical::is_unspaced(c) => true,
        '.' | ':' => closes(chars.next()) && !chars.as_str().starts_with('/'),
        c if ",;!?)]}*'\"".contains(c) => true,
        // Signs of any script, and what Korean joins to a name; with other letters, or marks on its own, it is another.
        c if !c.is_ascii() => {
            let is_mark = ('\u{300}'..='\u{36F}').contains(&c);
            !(c.is_alphanumeric() || is_mark) || ('\u{AC00}'..='\u{D7A3}').contains(&c)
        }
        _ => false,
    };
    let rest_of_line = after.split('\n').next().unwrap_or_default().trim();
    let is_alone = rest_of_line.is_empty() && !after.trim().is_empty();
    let is_code = rest_of_line.starts_with('=') || (alone_is_code && is_alone);
    ends_here && !is_code
}

/// Marks of direction and joiners: nobody sees them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// The plan of a message that chooses an agent who is not here.
pub(super) fn no_such(roster: &Roster, name: &str) -> Plan {
    unknown(name, &close(roster, name))
}

/// Says of a message that nobody can be asked of that the one whom it names is not here.
pub(super) fn name_unknown(roster: &Roster, text: &str, plan: &mut Plan) {
    if plan.stage == Stage::Rule || !plan.steps.is_empty() {
        return;
    }
    let found = find_mentions(text);
    let is_unknown = |first: &&Mention| leads(text, first) && first.name != OWN_NAME;
    let Some(first) = found.first().filter(is_unknown) else { return };
    if known(roster, &found).is_empty() {
        let meant = close(roster, &first.name);
        let missing = words::unknown(&first.name, &meant);
        let others = plan.says.take().filter(|_| meant.is_empty());
        let others = others.map_or_else(String::new, |others| format!("\n\n{others}"));
        plan.says = Some(format!("{missing}{others}"));
        if !meant.is_empty() {
            (plan.mode, plan.choices) = (Mode::Clarify, words::meant(&meant));
        }
    }
}

fn unknown(name: &str, closest: &[AgentId]) -> Plan {
    let says = words::unknown(name, closest);
    let asks = words::without_agents(Mode::Clarify, Stage::Rule, 1.0, Reason::NotHere, says);
    Plan { choices: words::meant(closest), ..asks }
}

/// The text without a name before it by which an agent that was chosen since is meant.
pub(super) fn without_meant<'a>(text: &'a str, chosen: &[AgentId]) -> &'a str {
    let first = find_mentions(text).into_iter().next().filter(|first| leads(text, first));
    let meant = first.filter(|first| chosen.iter().any(|id| nearness(&first.name, id.as_str()).is_some()));
    meant.map_or(text, |first| or_all(bare(&text[first.end..]), text))
}

/// The agents whose ids are most like a name, or a part of it.
fn close(roster: &Roster, name: &str) -> Vec<AgentId> {
    likest(roster, |id| nearness(name, id))
}

fn nearness(name: &str, id: &str) -> Option<usize> {
    let part = name.len() >= 3 && (id.contains(name) || name.contains(id));
    if part { Some(0) } else { slip(name, id) }
}

/// The agents whose ids a slip of the pen turns into a name.
fn slips(roster: &Roster, name: &str) -> Vec<AgentId> {
    likest(roster, |id| slip(name, id))
}

fn likest(roster: &Roster, distance: impl Fn(&str) -> Option<usize>) -> Vec<AgentId> {
    let of = |agent: &Agent| Some((distance(agent.id.as_str())?, agent.id.clone()));
    let mut found: Vec<_> = roster.agents.iter().filter_map(|agent| of(agent)).collect();
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

/// How far a name is from an id, where a slip of the pen makes the one of the other.
pub(super) fn slip(name: &str, id: &str) -> Option<usize> {
    let distance = distance(name, id);
    (distance <= 2.min(name.len() / 3)).then_some(distance)
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
