//! Requests and responses of the HTTP face, as the core serves them and its clients (edge, command line, tests) read them.

mod said;

use crate::{
    events::{CallState, Mode, Plan, Stage, TurnState, Usage},
    ids::{AgentId, CallId, ClientId, ConversationId, Group, MessageId, SuggestionId, TurnId, UserId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::collections::BTreeSet;

/// The most characters of a title.
pub const MAX_TITLE_CHARS: usize = 200;
/// The most items of a page.
pub const MAX_PAGE: u32 = 200;

/// `POST /v1/conversations`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateConversation {
    /// Shown in lists; empty means "from the first message".
    #[serde(default)]
    pub title: String,
    /// Who else is in it; the caller always is.
    #[serde(default)]
    pub members: Vec<UserId>,
    /// When Switchboard answers, once several people are in it.
    #[serde(default)]
    pub speaks: Speaks,
}

/// When Switchboard answers in a conversation of several people. Where one person is, it always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// Whatever is said, but what is said to a member by name.
    Always,
    /// What names an agent, or `@switchboard`, and what is said in reply to its question.
    #[default]
    WhenAsked,
}

/// `PATCH /v1/conversations/{id}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeConversation {
    /// The new title; absent: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When Switchboard answers from now on; absent: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaks: Option<Speaks>,
}

/// `POST /v1/conversations/{id}/members`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// Who.
    pub user: UserId,
}

/// Someone in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// `owner` or `member`.
    pub role: MemberRole,
}

/// What a member may do with the conversation itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// May rename and delete it, and add and remove members.
    Owner,
    /// May read and write.
    Member,
}

/// A conversation, as lists and joins show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSummary {
    /// Its id.
    pub id: ConversationId,
    /// Its title.
    pub title: String,
    /// The seq of its last event.
    pub last_seq: u64,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When something last happened.
    pub updated_at: DateTime<Utc>,
    /// Messages from before then were deleted, as the tenant's retention says; absent when none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_before: Option<DateTime<Utc>>,
    /// When Switchboard answers, where several people are in it.
    #[serde(default)]
    pub speaks: Speaks,
    /// Who is in it; absent in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
}

/// A page of a list; `next` asks for the following one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /v1/conversations/{id}/messages`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "said::Said")]
pub struct SendMessage {
    /// The idempotency key: the same id twice is one message. The `Idempotency-Key` header says it as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What is said; `message` and `prompt` are read as well.
    pub text: String,
    /// Ask just these agents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// Files that go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, in base64.
    pub data: String,
}

/// The answer to [`SendMessage`]: it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Where.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
    /// The turn that answers it.
    pub turn: TurnId,
    /// The seq of its `message.created`; the events of the turn come after it.
    pub seq: u64,
    /// Whether the same client id had been stored before.
    pub duplicate: bool,
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Author {
    /// A member.
    User(UserId),
    /// Switchboard, in an answer.
    Switchboard,
}

/// A message, as pages and events show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Its place in the conversation: the seq of the event that brought it.
    pub seq: u64,
    /// Who said it.
    pub author: Author,
    /// What.
    pub text: String,
    /// Names and media types of its files (without their bytes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// The turn it began or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The sender's own id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A file of a message, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// `GET /v1/turns/{id}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnView {
    /// Its id.
    pub id: TurnId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The message it answers.
    pub message: MessageId,
    /// Where it is.
    pub state: TurnState,
    /// How often a core took it up.
    pub attempt: u32,
    /// The router's decision, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The agents that were asked.
    pub calls: Vec<CallView>,
    /// The answer's text, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What the answer did without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// What it used.
    pub usage: Usage,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
}

/// One agent's part in a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// Its id.
    pub id: CallId,
    /// The agent.
    pub agent: AgentId,
    /// What it was asked.
    pub question: String,
    /// How it ended.
    pub state: CallState,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Why it did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

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

/// `GET /v1/agents/overlap`: where examples of different agents are so alike that the router confuses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// How many examples were looked at: those that the local model learns as messages.
    pub examples: u32,
    /// How many of them the local model would give to another agent, had it not learned just them.
    pub lost: u32,
    /// Which agents get them instead, the worst first; at most 50.
    pub pairs: Vec<OverlapPair>,
    /// Examples that several agents have; at most 50.
    pub duplicates: Vec<DuplicateExample>,
}

/// Two agents whose examples collide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverlapPair {
    /// One of them.
    pub agent: AgentId,
    /// The other one.
    pub other: AgentId,
    /// How many examples of the one the other would get.
    pub lost: u32,
    /// How many examples of the other the one would get.
    pub gained: u32,
    /// The worst of them first; at most 5.
    pub examples: Vec<LostExample>,
}

/// An example that another agent would get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LostExample {
    /// Whose example it is.
    pub agent: AgentId,
    /// What it says.
    pub text: String,
    /// How likely its own agent is.
    pub share: f64,
    /// How likely the other one is.
    pub other_share: f64,
    /// The other agent's example that is most like it; absent when none has anything in common with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<NearExample>,
}

/// An example that several agents have, as the router reads it: without case, punctuation and the values of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateExample {
    /// What it says, in the words of the first agent.
    pub text: String,
    /// The agents that have it.
    pub agents: Vec<AgentId>,
}

/// An agent's score by the local model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The agent.
    pub agent: AgentId,
    /// 0 to 1.
    pub score: f64,
}

/// `POST /v1/agents`: register an agent by the URL of its card, or of the place under which the card lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterAgent {
    /// `https://host/path`; `/.well-known/agent-card.json` is added when it is not there.
    pub url: url::Url,
    /// The id to address it by; made from the card's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AgentId>,
    /// Messages that this agent should get, besides those on its card; without any, an agent that is registered already
    /// keeps those that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Whose members may use it; empty is everyone in the tenant. When absent, an agent that is registered already
    /// keeps its own, so that one which registers at each start is not opened to everyone by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<Group>>,
}

/// `PUT /v1/agents/{id}/groups`: whose members may use the agent from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetGroups {
    /// All of them; empty is everyone in the tenant.
    pub groups: BTreeSet<Group>,
}

/// A message that an agent should get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The message.
    pub text: String,
    /// Its language (BCP 47); empty when not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
}

/// An agent of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// The id to address it by.
    pub id: AgentId,
    /// Its name, from its card.
    pub name: String,
    /// What it does, from its card.
    pub description: String,
    /// Where its card lies.
    pub card_url: url::Url,
    /// Its skills' ids.
    pub skills: Vec<String>,
    /// Languages it has examples in.
    pub languages: Vec<String>,
    /// How many examples the router learns it from.
    pub examples: u32,
    /// Whether it streams.
    pub streaming: bool,
    /// Whether one of its skills has the tag `effect`: it does something outside, and no guess asks it.
    #[serde(default)]
    pub effects: bool,
    /// `closed` (it is asked), `open` (it is not, for a while) or `half_open` (one call may try).
    pub breaker: String,
    /// Whose members may use it, empty being everyone; shown to those who manage agents, to others absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<Group>>,
}

/// The answer to `POST /v1/agents/{id}/probe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The agent.
    pub agent: AgentId,
    /// Whether its card could be fetched and read.
    pub ok: bool,
    /// How long that took, in milliseconds.
    pub ms: u64,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /chat`: ask once, wait for the whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "said::Said")]
pub struct Chat {
    /// Where to go on; a new conversation when absent.
    pub conversation_id: Option<ConversationId>,
    /// The question, with all that a message may come with.
    pub message: SendMessage,
}

/// The answer to [`Chat`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatAnswer {
    /// Where it was said.
    pub conversation_id: ConversationId,
    /// The turn.
    pub turn: TurnId,
    /// What was said.
    pub response: String,
    /// The router's decision.
    pub plan: Option<Plan>,
    /// How the turn ended.
    pub state: TurnState,
    /// What did not work and was done without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
}

/// `PUT /v1/agents/{id}/examples`: replaces the examples that were given at registration or since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetExamples {
    /// All of them, of the same text twice the first one; those on the agent's card stay as they are.
    pub examples: Vec<Example>,
    /// Whether they are to be learned even if the router gets worse.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The examples of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentExamples {
    /// The agent.
    pub agent: AgentId,
    /// Those that can be replaced.
    pub examples: Vec<Example>,
    /// How many more stand on its card.
    pub on_card: u32,
    /// What the change does to the router, after one that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

/// `GET /v1/nobody`, and the answer to a [`SetExamples`] that is put there: messages that are for no agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NobodyExamples {
    /// All of them; the router brings some of its own.
    pub examples: Vec<Example>,
    /// What the change does to the router, after one that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

/// `GET` and `PUT /v1/frozen`: the messages by which the router is measured, and from which it never learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenSet {
    /// All of them.
    pub rows: Vec<FrozenRow>,
    /// How many examples on agents' cards are not learned because they are among them; of no meaning in a request.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "whole")]
    pub left_out: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// A message whose right agents are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenRow {
    /// The message.
    pub text: String,
    /// The agents that should get it; empty: nobody.
    #[serde(default)]
    pub agents: Vec<AgentId>,
    /// Its language (BCP 47); empty when not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
}

/// How the router answers messages whose right agents are known, without a change and with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Whether it is not worse with the change.
    pub not_worse: bool,
    /// Why, in one sentence for a person.
    pub reason: String,
    /// On the frozen set; absent while that is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FrozenTrial>,
    /// On the examples themselves, each answered as if it had not been learned.
    pub examples: ExamplesTrial,
    /// Messages that were answered rightly without the change and are not with it; of a change that is refused, those
    /// that it is refused for. The first of them.
    pub lost: Vec<LostRow>,
}

/// How the frozen set is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenTrial {
    /// How many messages it has.
    pub rows: u32,
    /// Without the change.
    pub before: Figures,
    /// With it.
    pub after: Figures,
}

/// Counts of a frozen set's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Those that the local model decides by itself.
    pub decided: u32,
    /// Of those, the right ones.
    pub decided_right: u32,
    /// Those that its best guess is right for, decided or not.
    pub right: u32,
}

/// How the examples are answered that are there both without the change and with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExamplesTrial {
    /// How many there are.
    pub rows: u32,
    /// Right without the change.
    pub before: u32,
    /// Right with it.
    pub after: u32,
    /// Right without the change alone.
    pub lost: u32,
    /// How many more may be lost than are won before it is more than chance.
    pub tolerated: u32,
}

/// A message that speaks against a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRow {
    /// The message.
    pub text: String,
    /// The agents that should get it; empty: nobody.
    pub agents: Vec<AgentId>,
    /// What is made of it without the change.
    pub before: LocalAnswer,
    /// And with it.
    pub after: LocalAnswer,
}

/// What the local model makes of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalAnswer {
    /// The agents that it would ask; empty: none.
    pub agents: Vec<AgentId>,
    /// Whether it is sure enough to decide by itself.
    pub decided: bool,
}

/// `POST /v1/agents/{id}/examples/drafts`: has the LLM write examples; nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftExamples {
    /// Languages (BCP 47), at most 8.
    pub languages: Vec<String>,
    /// How many in each language, 1 to 20.
    #[serde(default = "ten", deserialize_with = "whole")]
    pub count: u32,
}

fn ten() -> u32 {
    10
}

/// Reads a whole number as JSON may write it: 3, 3.0 and 3e0 are the same (JSON Schema 2020-12, core, §4.2.2).
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    // Zero takes the sign off minus zero.
    let number = f64::deserialize(deserializer)? + 0.0;
    // Every u32 is an f64 exactly, and written out it is read back as what it is.
    format!("{number}")
        .parse()
        .map_err(|_| D::Error::custom(format!("{number} is not a whole number from 0 on")))
}

/// The answer to [`DraftExamples`]: for a person to read before they are given to `PUT /v1/agents/{id}/examples`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafts {
    /// The agent.
    pub agent: AgentId,
    /// What the LLM wrote.
    pub drafts: Vec<Example>,
}

/// `POST /v1/turns/{id}/feedback`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveFeedback {
    /// Whether the right agents were asked.
    pub value: Thumb,
    /// With `down`: the agents that would have been right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// A word for whoever reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Feedback that is kept, and what became of what it suggests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackKept {
    /// As it is kept.
    #[serde(flatten)]
    pub feedback: FeedbackView,
    /// Why nothing of it comes before a reviewer, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a member thinks of a turn, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackView {
    /// The turn.
    pub turn: TurnId,
    /// Who thinks it.
    pub user: UserId,
    /// Up or down.
    pub value: Thumb,
    /// The agents that would have been right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// A word for whoever reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was said last.
    pub at: DateTime<Utc>,
}

/// A thumb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thumb {
    /// It was right.
    Up,
    /// It was not.
    Down,
}

/// A message that an agent might learn from, and what has been decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionView {
    /// Its id.
    pub id: SuggestionId,
    /// The agent.
    pub agent: AgentId,
    /// The message.
    pub text: String,
    /// Its language (BCP 47); empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// What it comes from.
    pub source: SuggestionSource,
    /// Whether the agent should get such messages; if not, it should not.
    pub positive: bool,
    /// The turn it comes from.
    pub turn: TurnId,
    /// What has been decided.
    pub state: SuggestionState,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<UserId>,
    /// Whose example it became, empty: nobody's; absent while nothing is learned from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught: Option<Vec<AgentId>>,
    /// When it came up.
    pub at: DateTime<Utc>,
}

/// What a suggestion comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionSource {
    /// A thumb down that named the right agents.
    Correction,
    /// A thumb up on a turn that the LLM decided.
    Thumbs,
    /// Somebody who was asked back named the agent.
    Chip,
    /// The agent itself refused the question.
    Rejection,
}

impl SuggestionSource {
    /// Its name, as on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Thumbs => "thumbs",
            Self::Chip => "chip",
            Self::Rejection => "rejection",
        }
    }
}

/// What has been decided about a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionState {
    /// Nothing yet.
    Open,
    /// It is right.
    Approved,
    /// It is not.
    Dismissed,
}

impl SuggestionState {
    /// Its name, as on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Dismissed => "dismissed",
        }
    }
}

/// `POST /v1/suggestions/{id}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideSuggestion {
    /// `approved` or `dismissed`.
    pub state: SuggestionState,
    /// With `approved`: the agents that should get such messages, empty: nobody. The suggested one when absent; what an
    /// agent refused needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<AgentId>>,
    /// With `approved`: the message in better words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// With `approved`: its language (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether it is to be learned even if the router gets worse.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
}

impl DecideSuggestion {
    /// A decision that corrects nothing.
    #[must_use]
    pub fn new(state: SuggestionState) -> Self {
        Self { state, agents: None, text: None, language: None, force: false }
    }
}

/// The answer to [`DecideSuggestion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionReview {
    /// As it is now.
    pub suggestion: SuggestionView,
    /// Whether it is an example now, of agents or of nobody.
    pub learned: bool,
    /// What that means, in one sentence for a person.
    pub note: String,
    /// What the change does to the router, when it was tried for this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
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
