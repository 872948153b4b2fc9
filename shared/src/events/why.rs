//! Why a plan is what it is, as a code with what is put in: a page says it in its reader's language.

use crate::ids::AgentId;
use serde::{Deserialize, Serialize};

/// Why a plan is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Which reason it is.
    pub code: Reason,
    /// The agents that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// How many agents are asked at once, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
}

/// The reasons of rules and of the local model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The agents were chosen apart from the text.
    Chosen,
    /// The agents were addressed by name.
    Named,
    /// So they were, and these were too many.
    NamedTooMany,
    /// Who was addressed is switched off.
    SwitchedOff,
    /// Who was addressed is not here.
    NotHere,
    /// Who acts is named, but not at the beginning.
    NamedWithin,
    /// Whom it seems to be for is not to be asked.
    Forbidden,
    /// This agent waits for it.
    Waits,
    /// Several agents wait, and it does not say which one it is for.
    SeveralWait,
    /// It goes on with what was being talked about.
    GoesOn,
    /// It may go on with that.
    MayGoOn,
    /// A word of thanks.
    Thanks,
    /// A greeting, or what can be asked here.
    Greeting,
    /// There are no agents.
    NoAgents,
    /// It is said to somebody who is here.
    ToSomebody,
    /// Several people are here, and it was not said to Switchboard.
    BetweenPeople,
    /// It is like what this agent is asked.
    Like,
    /// It is like what these agents are asked together.
    LikeTogether,
    /// Each part is like what one of these agents is asked.
    LikeParts,
    /// A guess that it is for these agents together.
    GuessTogether,
    /// A guess that each part is for one of these agents.
    GuessParts,
    /// A guess at the first parts, as many as may be asked.
    GuessFirst,
    /// A guess without an order to choose an agent.
    GuessAllowed,
    /// This agent is the best guess.
    Guess,
    /// So it is, and more is asked than is looked at one by one.
    GuessOfMany,
    /// This agent is the best guess by what is asked before the rest.
    GuessBefore,
    /// A guess is not enough for what these agents do.
    Acts,
    /// It asks for more agents than are asked at once.
    TooMany,
    /// One agent might do it.
    PerhapsOne,
    /// Several agents might do it.
    PerhapsSeveral,
    /// Nothing here is like it.
    Nothing,
    /// The LLM decided, and gave no reason.
    Llm,
}
