//! What the router would do, or did, with a message, and why.

use crate::{
    events::{Mode, Plan, Stage},
    ids::{AgentId, ConversationId, TurnId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `POST /v1/analyze`: what the router would do; nothing is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analyze {
    /// The message; `message` and `prompt` are read as well.
    #[serde(alias = "message", alias = "prompt")]
    pub text: String,
    /// The conversation it would be said in, for context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Whether to explain the decision as well; that takes longer than to make it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub explain: bool,
}

/// The answer to [`Analyze`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// What would be done.
    pub plan: Plan,
    /// Every agent's score by the local model, best first.
    pub scores: Vec<Score>,
    /// How long the decision took, in microseconds.
    pub us: u64,
    /// Why it was made; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// An agent's score by the local model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The agent.
    pub agent: AgentId,
    /// 0 to 1.
    pub score: f64,
}

/// Why the router decides as it does, and what would have changed its choice. Everything here was found by asking the
/// router again; no LLM is asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Which stage decided, and why, in one sentence for a person.
    pub because: String,
    /// What the rules and the local model do alone, without an LLM.
    pub local: Outcome,
    /// How likely the local model finds each agent, best first, and nobody; the unlikely ones are left out.
    pub shares: Vec<AgentShare>,
    /// Which share of the message's words the agents' texts have, rare words counting more; absent for a caller who may
    /// not read examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<f64>,
    /// How unlike the message is to every example, 0 to 1; absent for a caller who may not read examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<f64>,
    /// What the local model is held to before it decides about the whole message. Empty where that plays no part: without
    /// agents, when a rule has decided, and when it has divided the message.
    pub bounds: Vec<Bound>,
    /// The examples that are most like it by their words, the likest first; with them the nearest one of each agent of
    /// the plan and of the next best agent. None for a caller who may not read examples.
    pub nearest: Vec<NearExample>,
    /// Its requests one by one, when it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<ClauseShare>,
    /// What the parts are held to together before the message is divided among their agents; empty where it cannot be
    /// divided, and when a rule has decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<Bound>,
    /// What would have changed the choice: bounds first, words last, the strongest of them first.
    pub changes: Vec<Change>,
    /// How many different words were left out, one at a time, to find those that matter; the rest was too much.
    pub words_tried: u32,
    /// How many of them change the choice as well and are not among the changes.
    #[serde(default)]
    pub more_words: u32,
    /// How long the explanation took, in microseconds.
    pub us: u64,
}

/// How likely an agent is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentShare {
    /// The agent; absent: nobody here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// All things considered, 0 to 1.
    pub share: f64,
    /// By the words alone, as if nothing had been said before.
    pub words: f64,
    /// By words and meaning, as if nothing had been said before; absent without an embedder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_meaning: Option<f64>,
}

/// Something that the local model is held to before it decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Its key in the core's configuration; `division`: what the examples ask of the parts of a message together.
    pub key: String,
    /// What the likeliest agent, or the message, has.
    pub value: f64,
    /// What it needs.
    pub limit: f64,
    /// Whether that is enough. An agent of the turn before need not meet `route.min_known`.
    pub met: bool,
}

impl Bound {
    /// The value and the limit in so many digits, two at least, that what is compared is true as it is written.
    #[must_use]
    pub fn digits(&self) -> (String, String) {
        let of = |digits: usize| (written(self.value, digits), written(self.limit, digits));
        (2..MOST_DIGITS)
            .map(of)
            .find(|(value, limit)| self.value >= self.limit || value != limit)
            .unwrap_or_else(|| of(MOST_DIGITS))
    }
}

/// A share in so many digits; nothing but all of it is written as 1.
#[must_use]
pub fn written(share: f64, digits: usize) -> String {
    let rounded = format!("{share:.digits$}");
    if share < 1.0 && rounded.starts_with('1') { format!("0.{}", "9".repeat(digits)) } else { rounded }
}

/// Two shares that are alike in so many digits are the same to anybody.
const MOST_DIGITS: usize = 9;

/// An example that is like a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearExample {
    /// The agent it is an example of; absent: of what is for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// 0 to 1.
    pub likeness: f64,
    /// What it says; absent for a caller who may not read examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One request of a message that has several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClauseShare {
    /// What it says; the beginning of a longer one.
    pub text: String,
    /// The agent it is likest to be for.
    pub agent: AgentId,
    /// How likely, 0 to 1.
    pub share: f64,
    /// Whether the local model would give it to that agent.
    pub sure: bool,
    /// What it is held to for that: `route.accept_each` and what the whole is held to as well. Empty when a rule has
    /// decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<Bound>,
}

/// Something that would have changed the choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What would have been otherwise.
    pub kind: ChangeKind,
    /// The word that is left out, wherever it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// How often the word stands in the message, when that is more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The bounds that fail now, and where they would have been met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<OtherBound>,
    /// What would have been done then.
    pub then: Outcome,
}

/// What would have been otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Other bounds in the configuration.
    Bounds,
    /// Without the agents that were chosen apart from the text.
    WithoutChosen,
    /// Without the agents that the text addresses by name.
    WithoutMention,
    /// Without the agent that waits for input.
    WithoutWaiting,
    /// Without the agents of the turn before.
    WithoutPrevious,
    /// Without a word.
    WithoutWord,
}

/// A bound as it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherBound {
    /// Its key in the core's configuration.
    pub key: String,
    /// What it would have to be, at most.
    pub value: f64,
}

/// What would be done with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The stage that would decide.
    pub stage: Stage,
    /// How the agents would be asked; absent when that is left to the LLM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Who would be asked.
    pub agents: Vec<AgentId>,
    /// Whether the stage is sure of it. If not, the LLM is asked, and this is what is done where there is none.
    pub sure: bool,
}

/// `GET /v1/decisions/{turn}`: what the router knew when it decided, and what it decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionView {
    /// The turn.
    pub turn: TurnId,
    /// The message.
    pub question: String,
    /// The agents that its sender named apart from the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<AgentId>,
    /// The agents of the turn before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<AgentId>,
    /// The agent that waited for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<AgentId>,
    /// The registry as it was then: it counts its changes.
    pub registry_version: u64,
    /// What was decided.
    pub plan: Plan,
    /// Every agent's score by the local model, best first.
    pub scores: Vec<Score>,
    /// How long the decision took, in microseconds.
    pub us: u64,
    /// When.
    pub at: DateTime<Utc>,
}
