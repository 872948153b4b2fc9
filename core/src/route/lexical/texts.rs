//! What is learned of the agents: their examples, what they say of themselves, and messages that are for nobody.

use super::{negatives, profiles, words};
use crate::agents::{Agent, Skill};
use std::{collections::HashSet, sync::Arc};

/// Examples that are learned of all agents together: sixteen with 750 each.
const MAX_EXAMPLES: usize = 12_000;
/// How much of a description is learned: enough to say what an agent does, too little to claim everything.
pub(super) const MAX_DESCRIPTION_CHARS: usize = 300;

/// A text to learn from; the class after the last agent is nobody.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) class: usize,
    pub(super) is_message: bool,
}

/// All texts, the messages first.
pub(super) fn texts(agents: &[Arc<Agent>], nobody: &[String]) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut tags = Vec::new();
    // Said twice, an example would be held out and yet be known.
    let mut seen = HashSet::new();
    for (class, examples) in examples(agents).into_iter().enumerate() {
        for text in examples.into_iter().filter(|text| seen.insert((class, text.to_lowercase()))) {
            // A single word is a tag rather than a message; as a message it would claim all that have the word.
            let is_message = words(text).len() > 1;
            let list = if is_message { &mut texts } else { &mut tags };
            list.push(Text { text: text.to_owned(), class, is_message });
        }
    }
    let nobody = negatives::NEGATIVES.iter().copied().chain(nobody.iter().map(String::as_str));
    let nobody = nobody.filter(|text| seen.insert((agents.len(), text.to_lowercase())));
    texts.extend(nobody.map(|text| Text { text: text.to_owned(), class: agents.len(), is_message: true }));
    texts.append(&mut tags);
    for (class, agent) in agents.iter().enumerate() {
        let description: String = agent.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
        let own = format!("{} {description}", profiles::spaced(&agent.name));
        let skills = agent.skills.iter().map(skill);
        texts.extend(std::iter::once(own).chain(skills).map(|text| Text { text, class, is_message: false }));
    }
    texts
}

pub(super) fn skill(skill: &Skill) -> String {
    let description: String = skill.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
    format!("{} {description} {}", profiles::spaced(&skill.name), skill.tags.join(" "))
}

/// The examples that are learned, by agent. Of too many, those with the most give up some, evenly chosen from first to
/// last: examples of a language most often stand together, and no language may go.
pub(crate) fn examples(agents: &[Arc<Agent>]) -> Vec<Vec<&str>> {
    let all: Vec<Vec<&str>> = agents.iter().map(|agent| agent.all_examples().collect()).collect();
    let most = most_of_each(all.iter().map(Vec::len).collect(), MAX_EXAMPLES);
    let left: usize = all.iter().map(|own| own.len().saturating_sub(most)).sum();
    if left > 0 {
        tracing::warn!(left, most, "more examples than the router learns: of each agent some are left out");
    }
    all.into_iter().map(|own| evenly(own.len(), most).map(|i| own[i]).collect()).collect()
}

/// How many of each there may be, so that together they are no more than `bound`; one at least.
fn most_of_each(mut counts: Vec<usize>, bound: usize) -> usize {
    counts.sort_unstable();
    let (mut left, mut others) = (bound, counts.len());
    for count in counts {
        if count > left / others {
            return (left / others).max(1);
        }
        left -= count;
        others -= 1;
    }
    bound
}

/// The places of so many of them, from first to last.
pub(super) fn evenly(all: usize, most: usize) -> impl Iterator<Item = usize> + Clone {
    let chosen = all.min(most);
    let gaps = chosen.saturating_sub(1).max(1);
    (0..chosen).map(move |i| i * all.saturating_sub(1) / gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_most_gives_up_some_from_first_to_last() {
        assert_eq!(most_of_each(vec![10, 3, 50], 40), 27);
        assert_eq!(most_of_each(vec![10, 3, 20], 40), 40);
        assert_eq!(most_of_each(vec![5; 100], 40), 1, "no agent is left without any");
        let places = |all, most| evenly(all, most).collect::<Vec<_>>();
        assert_eq!((places(10, 4), places(2, 4), places(2, 1)), (vec![0, 3, 6, 9], vec![0, 1], vec![0]));
        assert_eq!((places(0, 4), places(4, 0)), (vec![], vec![]));
    }
}
