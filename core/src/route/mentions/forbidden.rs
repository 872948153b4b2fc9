//! Agents that a message names so that they are not asked: "do not ask @agent".

use super::{Mention, Roster, find_mentions, known};
use crate::{
    agents::Agent,
    route::{lexical, rules, words},
};
use switchboard_shared::{
    api::Score,
    events::{Plan, Reason},
    ids::AgentId,
};

/// What stands directly before such a name, a phrase a line, in lower case and without marks.
const PHRASES: &str = include_str!("forbidden.txt");
/// What is looked at before a name: the longest phrase is shorter.
const MOST_CHARS: usize = 60;

/// Whether a message says of a name that it is not to be asked.
pub(super) fn forbids(text: &str, mention: &Mention) -> bool {
    let before = &text[..mention.start];
    let skipped = before.chars().count().saturating_sub(MOST_CHARS);
    let before: String = before.chars().skip(skipped).filter(|c| !matches!(c, '\'' | '’')).collect();
    // What ends with a mark is another sentence: "I do not. @agent".
    let own = before.rsplit(['.', '!', '?', ',', ';', ':', '\n']).next().unwrap_or_default();
    let said = rules::plain(own);
    // Where no space stands between words, a phrase may begin anywhere.
    let begins = |rest: &str, phrase: &str| {
        rest.is_empty() || rest.ends_with(' ') || phrase.starts_with(lexical::is_unspaced)
    };
    let ends = |phrase: &str| said.strip_suffix(phrase).is_some_and(|rest| begins(rest, phrase));
    PHRASES.lines().any(ends)
}

/// Takes out of a plan whoever is not to be asked, by whichever stage it was chosen. Where nobody is left, the user
/// chooses among the likeliest others.
pub(in crate::route) fn hold_back(roster: &Roster, text: &str, scores: &[Score], plan: &mut Plan) {
    let found: Vec<_> = find_mentions(text).into_iter().filter(|mention| forbids(text, mention)).collect();
    let held: Vec<AgentId> = known(roster, &found).into_iter().map(|(_, id)| id).collect();
    let is_held = |id: &AgentId| held.contains(id);
    if !plan.steps.iter().any(|step| is_held(&step.agent)) && !plan.choices.iter().any(is_held) {
        return;
    }
    // Steps that wait for one that is not taken would have nothing to go on.
    let is_apart = plan.steps.iter().all(|step| step.depends_on.is_empty());
    if is_apart && plan.steps.iter().any(|step| !is_held(&step.agent)) {
        plan.steps.retain(|step| !is_held(&step.agent));
        plan.mode = rules::together(&plan.steps);
        return;
    }
    let others: Vec<&Agent> = scores
        .iter()
        .filter(|score| !is_held(&score.agent))
        .filter_map(|score| roster.agent(&score.agent))
        .collect();
    let degraded = plan.degraded.take();
    *plan = Plan { degraded, ..words::ask_back(&others, plan.stage, plan.confidence, Reason::Forbidden) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::{local, question, roster};

    #[tokio::test]
    async fn who_is_not_to_be_asked_is_not_asked() {
        for (text, others) in [
            ("Will it rain tomorrow in London? Do not ask @money", &["weather"][..]),
            ("do not ask @weather, ask @money what 5 euro are", &["money"]),
            ("Don't ask @weather: will it rain tomorrow in London?", &[]),
            ("Regnet es morgen in Hamburg? Bitte frag nicht @money", &["weather"]),
        ] {
            let plan = local().plan(&roster(), &question(text)).await.plan;
            let asked: Vec<_> = plan.steps.iter().map(|step| step.agent.as_str()).collect();
            assert_eq!(asked, others, "{text}: {plan:?}");
            let says = plan.says.as_deref().unwrap_or_default();
            let offered = others.is_empty()
                && text.split('@').skip(1).any(|named| {
                    let id = named.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
                    plan.choices.is_empty()
                        || plan.choices.iter().any(|choice| choice.as_str() == id)
                        || says.contains(&format!("@{id}"))
                });
            assert!(!offered, "{text}: {plan:?}");
        }
    }

    #[test]
    fn what_only_sounds_so_addresses() {
        for text in [
            "why not ask @money",
            "why don't you ask @money",
            "I do not know, ask @money",
            "don't forget to ask @money",
            "I would not. @money what is it worth?",
            "@money do not ask the others",
            "Das weiß ich nicht @money",
        ] {
            assert!(find_mentions(text).iter().all(|mention| !forbids(text, mention)), "{text}");
        }
    }
}
