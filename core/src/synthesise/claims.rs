//! Which part of a text is whose claim: by the markers in it, or by the words it shares with the replies.

use super::{markers, material::NamedReply};
use std::collections::HashSet;
use switchboard_shared::{events::Claim, ids::AgentId};

/// Shared words below this share tie a sentence to nobody.
const FEWEST_SHARED: f64 = 0.3;

/// Claims beyond these are not told apart: an event has to stay small.
const MAX_CLAIMS: usize = 500;

/// Reads `claim [agent]`: a claim reaches from the marker or the paragraph before it to its marker.
pub(super) fn marked(text: &str, known: &[AgentId]) -> Vec<Claim> {
    let chars: Vec<char> = text.chars().collect();
    let mut claims: Vec<Claim> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < chars.len() {
        match marker_at(&chars, at, known) {
            Some((end, agents)) => {
                let (from, to) = trimmed(&chars, start, at);
                match claims.last_mut() {
                    // A second marker right after the first is of the same claim.
                    Some(last) if from == to => {
                        let new = agents.into_iter().filter(|agent| !last.agents.contains(agent));
                        last.agents = last.agents.iter().cloned().chain(new).collect();
                    }
                    _ if from == to => {}
                    _ => claims.push(Claim { start: offset(from), end: offset(to), agents }),
                }
                (start, at) = (end, end);
            }
            None if chars[at] == '\n' && chars.get(at + 1) == Some(&'\n') => {
                at += 2;
                start = at;
            }
            None => at += 1,
        }
    }
    claims.truncate(MAX_CLAIMS);
    claims
}

/// Ties each sentence to the reply that it shares most words with.
pub(super) fn by_overlap(text: &str, replies: &[&NamedReply]) -> Vec<Claim> {
    let vocabularies: Vec<_> = replies.iter().map(|reply| (words(&reply.text), &reply.agent)).collect();
    let mut claims: Vec<Claim> = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut start = 0;
    for at in 0..chars.len() {
        let ends_here = at + 1 == chars.len()
            || chars[at] == '\n'
            || (".?!。".contains(chars[at]) && chars[at + 1].is_whitespace());
        if !ends_here {
            continue;
        }
        let (from, to) = trimmed(&chars, start, at + 1);
        start = at + 1;
        let sentence = words(&chars[from..to].iter().collect::<String>());
        if let Some(agent) = closest(&sentence, &vocabularies) {
            match claims.last_mut() {
                Some(last) if last.agents == [agent.clone()] => last.end = offset(to),
                _ => claims.push(Claim { start: offset(from), end: offset(to), agents: vec![agent.clone()] }),
            }
        }
    }
    claims.truncate(MAX_CLAIMS);
    claims
}

fn closest<'a>(
    sentence: &HashSet<String>,
    vocabularies: &[(HashSet<String>, &'a AgentId)],
) -> Option<&'a AgentId> {
    let share = |vocabulary: &HashSet<String>| {
        let shared = sentence.intersection(vocabulary).count();
        f64::from(u32::try_from(shared).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(sentence.len()).unwrap_or(u32::MAX)).max(1.0)
    };
    let shares = vocabularies.iter().map(|(vocabulary, agent)| (share(vocabulary), *agent));
    shares
        .filter(|(share, _)| *share >= FEWEST_SHARED)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, agent)| agent)
}

fn marker_at(chars: &[char], at: usize, known: &[AgentId]) -> Option<(usize, Vec<AgentId>)> {
    let (length, inside) = markers::read(&chars[at..])?;
    let agents: Option<Vec<AgentId>> =
        markers::ids(&inside).map(|id| known.iter().find(|known| known.as_str() == id).cloned()).collect();
    Some((at + length, agents?))
}

/// Leaves out white space, and a full stop that followed the marker before.
fn trimmed(chars: &[char], mut from: usize, mut to: usize) -> (usize, usize) {
    while from < to && (chars[from].is_whitespace() || (from > 0 && ".,;".contains(chars[from]))) {
        from += 1;
    }
    while from < to && chars[to - 1].is_whitespace() {
        to -= 1;
    }
    (from, to)
}

fn words(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    words.map(str::to_lowercase).collect()
}

fn offset(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<AgentId> {
        ["a", "b"].map(|id| id.parse().unwrap()).to_vec()
    }

    fn read(text: &str) -> Vec<(String, String)> {
        let cut = |claim: &Claim| {
            let (start, end) = (usize::try_from(claim.start).unwrap(), usize::try_from(claim.end).unwrap());
            text.chars().skip(start).take(end - start).collect::<String>()
        };
        let agents =
            |claim: &Claim| claim.agents.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
        marked(text, &known()).iter().map(|claim| (cut(claim), agents(claim))).collect()
    }

    #[test]
    fn claims_end_at_their_markers_and_count_characters() {
        let claims = read("Größe é. [a] Then more. [b] [a]\n\nA headline\n\nLast [a, b].");
        let expected = [("Größe é.", "a"), ("Then more.", "b+a"), ("Last", "a+b")];
        assert_eq!(claims, expected.map(|(text, agents)| (text.to_owned(), agents.to_owned())));
    }

    #[test]
    fn what_is_no_marker_makes_no_claim() {
        assert_eq!(read("nothing, x[0], [b](http://b), [c], [a"), []);
        assert_eq!(read("[a] at the beginning"), []);
    }
}
