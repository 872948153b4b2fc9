//! What is said in a conversation, as it comes in and as it is shown. Each face has a name of its own for what comes in,
//! `text` or `message`, and clients change between faces; so every face reads each of the names.

use crate::{
    api::FileView,
    events::{Plan, TurnState},
    ids::{AgentId, ClientId, ConversationId, MessageId, TurnId, UserId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `POST /v1/conversations/{id}/messages`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Incoming")]
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
    /// Its files, without their bytes: those that its author sent, or that agents gave with an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// The turn it began or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The agent whose reply it is, where that came later than the answer of its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The sender's own id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// `POST /chat`: ask once, wait for the whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Incoming")]
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
    /// Files that agents gave with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
}

/// All that a message may come with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    text: Option<String>,
    message: Option<String>,
    prompt: Option<String>,
    client_id: Option<ClientId>,
    #[serde(default)]
    agents: Vec<AgentId>,
    #[serde(default)]
    parts: Vec<Part>,
    conversation_id: Option<ConversationId>,
}

impl Incoming {
    /// What is said: under one name, or the same under several.
    fn words(&mut self) -> Result<String, String> {
        let names = [("text", &mut self.text), ("message", &mut self.message), ("prompt", &mut self.prompt)];
        let mut given = names.into_iter().filter_map(|(name, words)| Some((name, words.take()?)));
        let (name, words) = given.next().ok_or("`text` is missing")?;
        match given.find(|(_, other)| *other != words) {
            Some((other, _)) => Err(format!("`{name}` and `{other}` say different things; give one of them")),
            None => Ok(words),
        }
    }
}

impl TryFrom<Incoming> for SendMessage {
    type Error = String;

    fn try_from(mut incoming: Incoming) -> Result<Self, String> {
        if incoming.conversation_id.is_some() {
            return Err("unknown field `conversation_id`: the path names the conversation".to_owned());
        }
        let text = incoming.words()?;
        Ok(Self { client_id: incoming.client_id, text, agents: incoming.agents, parts: incoming.parts })
    }
}

impl TryFrom<Incoming> for Chat {
    type Error = String;

    fn try_from(mut incoming: Incoming) -> Result<Self, String> {
        let conversation_id = incoming.conversation_id.take();
        Ok(Self { conversation_id, message: incoming.try_into()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_may_stand_under_any_of_its_names() {
        for (name, body, words) in [
            ("text", r#"{"text":"a"}"#, Some("a")),
            ("message", r#"{"message":"a"}"#, Some("a")),
            ("prompt", r#"{"prompt":"a"}"#, Some("a")),
            ("the same twice", r#"{"message":"a","text":"a"}"#, Some("a")),
            ("an empty one beside it", r#"{"message":"a","text":null}"#, Some("a")),
            ("two different ones", r#"{"message":"a","text":"b"}"#, None),
            ("an empty and another one", r#"{"message":"a","text":""}"#, None),
            ("none", r#"{"agents":[]}"#, None),
            ("no text", r#"{"text":7}"#, None),
            ("a name twice", r#"{"text":"a","text":"a"}"#, None),
            ("something unknown", r#"{"text":"a","words":"b"}"#, None),
        ] {
            let sent = serde_json::from_str::<SendMessage>(body).map(|message| message.text);
            let asked = serde_json::from_str::<Chat>(body).map(|chat| chat.message.text);
            assert_eq!(sent.as_deref().ok(), words, "{name}");
            assert_eq!(asked.as_deref().ok(), words, "{name}");
        }
        let both = serde_json::from_str::<Chat>(r#"{"prompt":"a","text":"b"}"#).unwrap_err().to_string();
        assert!(both.contains("`text` and `prompt` say different things"), "{both}");
    }

    #[test]
    fn a_question_takes_what_a_message_takes() {
        let body = r#"{"text":"a","client_id":"c","agents":["x"],"conversation_id":null,
                       "parts":[{"name":"n","media_type":"text/plain","data":"YQ=="}]}"#;
        let chat: Chat = serde_json::from_str(body).unwrap();
        assert_eq!((chat.message.agents.len(), chat.message.parts.len()), (1, 1));
        let id = ConversationId::new();
        let elsewhere = format!(r#"{{"text":"a","conversation_id":"{id}"}}"#);
        assert_eq!(serde_json::from_str::<Chat>(&elsewhere).unwrap().conversation_id, Some(id));
        assert!(serde_json::from_str::<SendMessage>(&elsewhere).is_err());
    }
}
