//! Why a plan is what it is: the sentences, in English, of the reasons that rules and the local model have. A page says
//! the same in its reader's language, by the code.

use crate::agents::Agent;
use switchboard_shared::{
    events::{Reason, Why},
    ids::AgentId,
};

/// A reason, as a sentence and, unless an LLM wrote it, as a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Because {
    pub(crate) sentence: String,
    pub(crate) why: Option<Why>,
}

impl From<Reason> for Because {
    fn from(code: Reason) -> Self {
        Self::new(code, Vec::new(), "", None)
    }
}

impl Because {
    /// With the agents that it is about, by their names.
    pub(super) fn of<'a>(code: Reason, agents: impl IntoIterator<Item = &'a Agent>) -> Self {
        let (ids, names): (Vec<_>, Vec<_>) =
            agents.into_iter().map(|agent| (agent.id.clone(), agent.name.as_str())).unzip();
        Self::new(code, ids, &names.join(", "), None)
    }

    /// The agent that waits.
    pub(super) fn waits(agent: &AgentId) -> Self {
        Self::new(Reason::Waits, vec![agent.clone()], agent.as_str(), None)
    }

    /// The agents that were too many.
    pub(super) fn left_out(agents: Vec<AgentId>, most: usize) -> Self {
        let names: Vec<_> = agents.iter().map(|id| format!("@{id}")).collect();
        Self::new(Reason::NamedTooMany, agents, &names.join(", "), Some(most))
    }

    /// With how many agents are asked at once.
    pub(super) fn at_most(code: Reason, most: usize) -> Self {
        Self::new(code, Vec::new(), "", Some(most))
    }

    /// What an LLM wrote.
    pub(super) fn written(sentence: String) -> Self {
        match sentence.is_empty() {
            true => Reason::Llm.into(),
            false => Self { sentence, why: None },
        }
    }

    fn new(code: Reason, agents: Vec<AgentId>, names: &str, most: Option<usize>) -> Self {
        let sentence = sentence(code, names, most.unwrap_or_default());
        Self { sentence, why: Some(Why { code, agents, most }) }
    }
}

fn sentence(code: Reason, names: &str, most: usize) -> String {
    let alone = match code {
        Reason::Chosen => "You chose.",
        Reason::Named => "You addressed them by name.",
        Reason::NamedTooMany => {
            return format!("You addressed them by name; at most {most} are asked at once, so not {names}.");
        }
        Reason::SwitchedOff => "You addressed what is switched off.",
        Reason::NotHere => "An agent was named that is not here.",
        Reason::NamedWithin => "Who acts is named within the message, and not at its beginning.",
        Reason::Forbidden => "Whom it seems to be for is not to be asked.",
        Reason::Waits => return format!("{names} waits for this."),
        Reason::SeveralWait => "Several agents wait, and it does not say which of them it is for.",
        Reason::GoesOn => "It goes on with what was being talked about.",
        Reason::MayGoOn => "It may go on with what was being talked about.",
        Reason::Thanks => "It is a word of thanks.",
        Reason::Greeting => "It is a greeting, or asks what can be asked here.",
        Reason::NoAgents => "No agents are registered.",
        Reason::ToSomebody => "It is said to somebody who is here.",
        Reason::BetweenPeople => "Several people are here, and it was not said to Switchboard.",
        Reason::Like => return format!("It is like what {names} is asked."),
        Reason::LikeTogether => return format!("It is like what {names} are asked together."),
        Reason::LikeParts => return format!("Each part is like what one of {names} is asked."),
        Reason::GuessTogether => return format!("A guess: It is like what {names} are asked together."),
        Reason::GuessParts => return format!("A guess: Each part is like what one of {names} is asked."),
        Reason::GuessFirst => {
            return format!(
                "A guess: it asks for more things than agents may be asked, and only the first {most} are asked (`turn.max_agents`)."
            );
        }
        Reason::GuessAllowed => "A guess: an order to choose an agent is left out.",
        Reason::Guess => return format!("{names} is the best guess."),
        Reason::GuessOfMany => {
            return format!(
                "{names} is the best guess. The message asks for more things than are looked at one by one."
            );
        }
        Reason::GuessBefore => return format!("{names} is the best guess by what is asked before the rest."),
        Reason::Acts => return format!("A guess is not enough for what {names} does."),
        Reason::TooMany => {
            return format!(
                "It asks for more than the {most} agents that are asked at once (`turn.max_agents`)."
            );
        }
        Reason::PerhapsOne => "One agent might do this.",
        Reason::PerhapsSeveral => "Several agents might do this.",
        Reason::Nothing => "Nothing here is like it.",
        Reason::Llm => "The LLM decided.",
    };
    alone.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::{local, question, roster};

    #[tokio::test]
    async fn a_reason_is_a_sentence_and_a_code_with_what_is_put_in() {
        for (text, code, agents) in [
            ("@weather will it rain tomorrow in London?", Reason::Named, &[][..]),
            ("will it rain tomorrow in London?", Reason::Like, &["weather"]),
            ("@wether Rome", Reason::NotHere, &[]),
            ("thanks", Reason::Thanks, &[]),
        ] {
            let plan = local().plan(&roster(), &question(text)).await.plan;
            let why = plan.why.unwrap_or_else(|| panic!("{text}: {}", plan.reason));
            let about: Vec<_> = why.agents.iter().map(AgentId::as_str).collect();
            assert_eq!((why.code, about.as_slice()), (code, agents), "{text}");
            assert!(plan.reason.ends_with('.'), "{}", plan.reason);
        }
    }

    #[test]
    fn what_an_llm_wrote_has_no_code_and_what_it_did_not_write_has() {
        assert_eq!(Because::written("Es regnet.".into()).why, None);
        assert_eq!(Because::written(String::new()).sentence, "The LLM decided.");
        let left_out = Because::left_out(vec!["a".parse().unwrap()], 4);
        assert_eq!(left_out.sentence, "You addressed them by name; at most 4 are asked at once, so not @a.");
        assert_eq!(
            serde_json::to_value(&left_out.why).unwrap(),
            serde_json::json!({"code": "named_too_many", "agents": ["a"], "most": 4})
        );
    }
}
