//! The answer to a question back that lets the user choose: an agent's id or name, and nothing else.

use super::{Roster, mentions::slip, rules::plain};
use switchboard_shared::ids::AgentId;

/// A longer text is no name: an agent's has at most 64 characters, and an article may stand before it.
const MOST_BYTES: usize = 256;
/// In a shorter word a slip of the pen makes another word.
const FEWEST_FOR_A_SLIP: usize = 5;
const ARTICLES: &[&str] = &[
    "the", "a", "an", "der", "die", "das", "den", "dem", "el", "la", "los", "las", "le", "les", "il", "lo",
    "o", "os", "as", "de", "het",
];

/// The one of these agents that a text names, if it does nothing else; nobody where two are as near.
pub(crate) fn choice(roster: &Roster, choices: &[AgentId], text: &str) -> Option<AgentId> {
    if text.len() > MOST_BYTES || text.trim().contains('\n') {
        return None;
    }
    let said = plain(text);
    let near = |id: &AgentId| Some((distance(&said, &names(roster, id)?)?, id.clone()));
    let mut found: Vec<_> = choices.iter().filter_map(near).collect();
    found.sort();
    match found.as_slice() {
        [(first, _), (second, _), ..] if first == second => None,
        found => found.first().map(|(_, id)| id.clone()),
    }
}

/// What an agent that may be asked is called.
fn names(roster: &Roster, id: &AgentId) -> Option<[String; 2]> {
    let agent = roster.agent(id)?;
    Some([plain(id.as_str()), plain(&agent.name)])
}

/// How far a text is from the nearest of the names, with or without an article.
fn distance(said: &str, names: &[String]) -> Option<usize> {
    let article = said.split_once(' ').filter(|(first, _)| ARTICLES.contains(first));
    let bare = [Some(said), article.map(|(_, rest)| rest)];
    let pairs = bare.into_iter().flatten().flat_map(|said| names.iter().map(move |name| (said, name)));
    let near = |(said, name): (&str, &String)| {
        let distance = slip(said, name)?;
        (!said.is_empty() && (distance == 0 || said.len() >= FEWEST_FOR_A_SLIP)).then_some(distance)
    };
    pairs.filter_map(near).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agents::Agent, route::tests::agents};
    use std::sync::Arc;

    fn roster() -> Roster {
        let mut agents = agents();
        let mut notify = Agent::clone(&agents[0]);
        notify.id = "notification-agent".parse().unwrap();
        notify.name = "Message Sender".into();
        agents.push(Arc::new(notify));
        Roster::new(1, agents)
    }

    #[test]
    fn a_choice_is_a_name_alone_as_people_write_it() {
        let roster = roster();
        let choices: Vec<AgentId> =
            ["notification-agent", "code", "gone"].iter().map(|id| id.parse().unwrap()).collect();
        for (text, chosen) in [
            ("notification-agent", Some("notification-agent")),
            ("the notification agent", Some("notification-agent")),
            ("@notification-agent", Some("notification-agent")),
            ("  Notification-Agent. ", Some("notification-agent")),
            ("notifcation agent!", Some("notification-agent")),
            ("message sender", Some("notification-agent")),
            ("The MESSAGE sender, ", Some("notification-agent")),
            ("mesage sender", Some("notification-agent")),
            ("\"code\"", Some("code")),
            ("the code reviewer", Some("code")),
            ("core", None),
            ("weather", None),
            ("gone", None),
            ("", None),
            ("the", None),
            ("?", None),
            ("yes", None),
            ("notification-agent, tell ann as well", None),
            ("notification-agent or code", None),
            ("not the notification agent", None),
        ] {
            let found = choice(&roster, &choices, text);
            assert_eq!(found.as_ref().map(AgentId::as_str), chosen, "{text}");
        }
        assert_eq!(choice(&roster, &[], "code"), None, "nobody was to choose from");
    }

    #[test]
    fn between_two_that_are_as_near_nothing_is_chosen() {
        let mut agents = agents();
        agents.truncate(2);
        for (agent, id) in agents.iter_mut().zip(["report-a", "report-b"]) {
            let agent = Arc::make_mut(agent);
            (agent.id, agent.name) = (id.parse().unwrap(), id.to_owned());
        }
        let choices: Vec<AgentId> = agents.iter().map(|agent| agent.id.clone()).collect();
        let roster = Roster::new(1, agents);
        assert_eq!(choice(&roster, &choices, "report-c"), None);
        assert_eq!(choice(&roster, &choices, "report b").unwrap().as_str(), "report-b");
    }
}
