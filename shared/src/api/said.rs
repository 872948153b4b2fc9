//! A message as it comes in. Each face has a name of its own for what is said, `text` or `message`, and clients change
//! between faces; so every face reads each of the names.

use super::{Chat, Part, SendMessage};
use crate::ids::{AgentId, ClientId, ConversationId};
use serde::Deserialize;

/// All that a message may come with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
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

impl Said {
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

impl TryFrom<Said> for SendMessage {
    type Error = String;

    fn try_from(mut said: Said) -> Result<Self, String> {
        if said.conversation_id.is_some() {
            return Err("unknown field `conversation_id`: the path names the conversation".to_owned());
        }
        let text = said.words()?;
        Ok(Self { client_id: said.client_id, text, agents: said.agents, parts: said.parts })
    }
}

impl TryFrom<Said> for Chat {
    type Error = String;

    fn try_from(mut said: Said) -> Result<Self, String> {
        let conversation_id = said.conversation_id.take();
        Ok(Self { conversation_id, message: said.try_into()? })
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
