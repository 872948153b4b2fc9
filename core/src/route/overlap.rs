//! Where the examples of different agents are so alike that the local model confuses them: what whoever writes examples
//! should look at first.

use super::{
    Roster,
    explain::near_example,
    lexical::{self, HeldOut},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use switchboard_shared::{
    api::{DuplicateExample, LostExample, Overlap, OverlapPair},
    ids::AgentId,
};

const MOST_PAIRS: usize = 50;
const MOST_EXAMPLES: usize = 5;
const MOST_DUPLICATES: usize = 50;

/// Compares all agents. CPU-bound: it is for a thread where that may be.
pub(crate) fn overlap(roster: &Roster) -> Overlap {
    let nobody = roster.agents.len();
    let examples = roster.model.held_out().iter().filter(|held| held.class < nobody);
    let owners = roster.model.owners();
    // What the other agent has as well is for both.
    let lost = examples.clone().filter_map(|held| Lost::of(held, nobody));
    let lost: Vec<Lost<'_>> = lost.filter(|lost| !owners.have(lost.to, &lost.held.text)).collect();
    Overlap {
        examples: count(examples.count()),
        lost: count(lost.len()),
        pairs: pairs(roster, &lost),
        duplicates: duplicates(roster),
    }
}

/// An example that another agent would get.
struct Lost<'a> {
    held: &'a HeldOut,
    to: usize,
}

impl<'a> Lost<'a> {
    fn of(held: &'a HeldOut, nobody: usize) -> Option<Self> {
        let to = (0..held.shares.len()).max_by(|&a, &b| held.shares[a].total_cmp(&held.shares[b]))?;
        (to != held.class && to != nobody).then_some(Self { held, to })
    }

    /// How much likelier the other agent is.
    fn lead(&self) -> f64 {
        self.held.shares[self.to] - self.held.shares[self.held.class]
    }

    fn shown(&self, roster: &Roster) -> LostExample {
        let near = roster.model.nearest_of(self.to, &self.held.text);
        LostExample {
            agent: id(roster, self.held.class),
            text: self.held.text.clone(),
            share: self.held.shares[self.held.class],
            other_share: self.held.shares[self.to],
            near: near.map(|near| near_example(roster, &near)),
        }
    }
}

/// The agents that confuse each other, most often first; of as many, where the model is surest of what is wrong.
fn pairs(roster: &Roster, lost: &[Lost<'_>]) -> Vec<OverlapPair> {
    let mut by_pair: BTreeMap<(usize, usize), Vec<&Lost<'_>>> = BTreeMap::new();
    for one in lost {
        let (from, to) = (one.held.class, one.to);
        by_pair.entry((from.min(to), from.max(to))).or_default().push(one);
    }
    by_pair.values_mut().for_each(|lost| lost.sort_by(|a, b| b.lead().total_cmp(&a.lead())));
    let mut pairs: Vec<_> = by_pair.into_iter().collect();
    pairs.sort_by(|(_, a), (_, b)| (b.len().cmp(&a.len())).then(b[0].lead().total_cmp(&a[0].lead())));
    let pair = |((agent, other), lost): ((usize, usize), Vec<&Lost<'_>>)| {
        let of_agent = lost.iter().filter(|one| one.held.class == agent).count();
        OverlapPair {
            agent: id(roster, agent),
            other: id(roster, other),
            lost: count(of_agent),
            gained: count(lost.len() - of_agent),
            examples: lost.iter().take(MOST_EXAMPLES).map(|one| one.shown(roster)).collect(),
        }
    };
    pairs.into_iter().take(MOST_PAIRS).map(pair).collect()
}

/// Texts that are the same to the model and are examples of several agents; those of most agents first.
fn duplicates(roster: &Roster) -> Vec<DuplicateExample> {
    let mut by_words: HashMap<Vec<Vec<char>>, (&str, BTreeSet<usize>)> = HashMap::new();
    for (place, examples) in lexical::examples(&roster.agents).into_iter().enumerate() {
        for text in examples {
            let words = lexical::words(text);
            if !words.is_empty() {
                by_words.entry(words).or_insert((text, BTreeSet::new())).1.insert(place);
            }
        }
    }
    let mut several: Vec<_> = by_words.into_values().filter(|(_, agents)| agents.len() > 1).collect();
    several.sort_by(|(a, of_a), (b, of_b)| of_b.len().cmp(&of_a.len()).then(a.cmp(b)));
    let duplicate = |(text, agents): (&str, BTreeSet<usize>)| DuplicateExample {
        text: text.to_owned(),
        agents: agents.into_iter().map(|place| id(roster, place)).collect(),
    };
    several.into_iter().take(MOST_DUPLICATES).map(duplicate).collect()
}

fn id(roster: &Roster, place: usize) -> AgentId {
    roster.agents[place].id.clone()
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agents::Agent, route::tests::agents};
    use std::sync::Arc;
    use switchboard_shared::api::Example;

    /// The six agents, some of whose examples are given to another one as well.
    fn with(more: &[(&str, &str)]) -> Roster {
        let agents = agents().into_iter().map(|agent| {
            let mut agent = Agent::clone(&agent);
            let own = more.iter().filter(|(id, _)| agent.id.as_str() == *id);
            let example =
                |(_, text): &(&str, &str)| Example { text: (*text).into(), language: String::new() };
            agent.examples.extend(own.map(example));
            Arc::new(agent)
        });
        Roster::new(1, agents.collect())
    }

    #[test]
    fn examples_that_another_agent_would_get_are_shown_with_what_they_are_like() {
        let wrong = "Convert 70 dollars to euros and pounds";
        let overlap = overlap(&with(&[("calendar", wrong)]));
        let pair = overlap.pairs.iter().find(|pair| pair.examples.iter().any(|lost| lost.text == wrong));
        let pair = pair.unwrap_or_else(|| panic!("{overlap:?}"));
        assert_eq!((pair.agent.as_str(), pair.other.as_str()), ("money", "calendar"));
        assert!(pair.gained >= 1 && overlap.lost >= 1 && overlap.examples > 60, "{overlap:?}");
        let lost = pair.examples.iter().find(|lost| lost.text == wrong).unwrap();
        assert_eq!(lost.agent.as_str(), "calendar");
        assert!(lost.other_share > lost.share, "{lost:?}");
        let near = lost.near.as_ref().unwrap();
        assert_eq!(near.text.as_deref(), Some("Convert 50 dollars to euros"));
        assert_eq!(near.agent.as_ref().unwrap().as_str(), "money");
        let said: u32 = overlap.pairs.iter().map(|pair| pair.lost + pair.gained).sum();
        assert_eq!(said, overlap.lost, "each lost example is in one pair");
    }

    #[test]
    fn what_several_agents_have_is_found_however_it_is_written() {
        let overlap = overlap(&with(&[("money", "is it going to SNOW"), ("code", "Is it going to snow!")]));
        let duplicate = overlap.duplicates.first().unwrap();
        assert_eq!((overlap.duplicates.len(), duplicate.text.as_str()), (1, "Is it going to snow?"));
        let agents: Vec<_> = duplicate.agents.iter().map(AgentId::as_str).collect();
        assert_eq!(agents, ["weather", "money", "code"]);
    }

    #[test]
    fn the_worst_pairs_come_first_and_no_list_is_endless() {
        let foreign =
            ["Convert 70 dollars to euros", "Convert 9 euros to yen", "How many yen for 20 dollars?"];
        let worst = overlap(&with(&foreign.map(|text| ("calendar", text))));
        let first = &worst.pairs[0];
        assert_eq!((first.agent.as_str(), first.other.as_str()), ("money", "calendar"), "{worst:?}");
        let texts: Vec<String> =
            (0..60).map(|i| format!("convert dollars to euros, letter {}", name(i))).collect();
        let more: Vec<_> =
            texts.iter().flat_map(|text| [("money", text.as_str()), ("code", text.as_str())]).collect();
        let overlap = overlap(&with(&more));
        assert_eq!(overlap.duplicates.len(), MOST_DUPLICATES);
        assert!(overlap.pairs.iter().all(|pair| (1..=MOST_EXAMPLES).contains(&pair.examples.len())));
        assert!(overlap.pairs.is_sorted_by_key(|pair| std::cmp::Reverse(pair.lost + pair.gained)));
    }

    #[test]
    fn without_agents_nothing_overlaps() {
        let none = Overlap { examples: 0, lost: 0, pairs: vec![], duplicates: vec![] };
        assert_eq!(overlap(&Roster::new(0, vec![])), none);
    }

    fn name(i: u8) -> String {
        [b'a' + i / 26, b'a' + i % 26].map(char::from).iter().collect()
    }
}
