//! What a client of OpenAI asks for. Fields that are none of ours (`temperature`, `tools` and so on) are read over: no
//! model is called here, and nobody is asked to call a tool.

use super::content::Content;
use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use switchboard_shared::problem::ProblemKind;

/// The body of `POST /v1/chat/completions`.
#[derive(Deserialize)]
pub(crate) struct CompletionRequest {
    pub(super) model: String,
    messages: Vec<Said>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    n: Option<u32>,
    /// Whom of its people a client asks for.
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    include_reasoning: Option<bool>,
    #[serde(default)]
    reasoning_effort: Option<String>,
    #[serde(default)]
    response_format: Option<Format>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Said {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

impl CompletionRequest {
    /// What is asked: the last message, which must be the user's.
    pub(super) fn question(&self) -> Result<&Content> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(bad("There is one answer to a message: `n` must be 1."));
        }
        if self.response_format.as_ref().is_some_and(|format| format.kind != "text") {
            return Err(bad("Answers are text: `response_format` other than `text` cannot be promised."));
        }
        let last = self.messages.last().filter(|said| said.role == "user");
        last.and_then(|said| said.content.as_ref())
            .ok_or_else(|| bad("The last of `messages` must be the user's, with its `content`."))
    }

    /// What the system says first; empty where it says nothing.
    pub(super) fn system(&self) -> String {
        let first = self.messages.first().filter(|said| said.role == "system");
        first.and_then(|said| said.content.as_ref()).map(Content::text).unwrap_or_default()
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// Whether the usage comes at the end of a stream.
    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// Whether the plan comes as reasoning; as the house has it where the request does not say.
    pub(super) fn wants_reasoning(&self, house: bool) -> bool {
        match (self.metadata_text("reasoning"), self.include_reasoning, self.reasoning_effort.as_deref()) {
            (Some("on"), ..) | (_, Some(true), _) => true,
            (Some("off"), ..) | (_, Some(false), _) | (.., Some("none")) => false,
            _ => house,
        }
    }

    /// The client's own word for the chat.
    pub(super) fn conversation(&self) -> Option<&str> {
        self.metadata_text("conversation_id")
    }

    /// What the user has said before and with this message, each as a hash of all of it; before the first message there
    /// is nothing.
    pub(super) fn heads(&self) -> (Option<Vec<u8>>, Vec<u8>) {
        let users: Vec<_> = self.messages.iter().filter(|said| said.role == "user").collect();
        let head = |count: usize| {
            let mut hash = Sha256::new();
            let user = self.user.as_deref().unwrap_or_default();
            hash.update((user.len() as u64).to_be_bytes());
            hash.update(user);
            for said in &users[..count] {
                hash.update(said.content.as_ref().map(Content::fingerprint).unwrap_or_default());
            }
            hash.finalize().to_vec()
        };
        let before = users.len().saturating_sub(1);
        ((before > 0).then(|| head(before)), head(users.len()))
    }

    fn metadata_text(&self, name: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(name)?.as_str()
    }
}

fn bad(detail: &str) -> Error {
    Error::public(ProblemKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(messages: Value, more: Value) -> CompletionRequest {
        let mut body = json!({"model": "auto", "messages": messages});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn a_chat_is_known_by_what_its_user_has_said() {
        let of = |messages| request(messages, json!({})).heads();
        let user = |text: &str| json!({"role": "user", "content": text});
        let said = |text: &str| json!({"role": "assistant", "content": text});
        let system = json!({"role": "system", "content": "Today is Monday."});
        let (nothing, first) = of(json!([system, user("hello")]));
        assert_eq!(nothing, None);
        let (before, second) = of(json!([user("hello "), said("Hello! …"), user("and now?")]));
        assert_eq!(before.as_ref(), Some(&first), "whatever the system and we have said");
        assert_ne!(before, of(json!([user("hallo"), said("x"), user("and now?")])).0);
        assert_ne!(
            first,
            request(json!([user("hello")]), json!({"user": "bob"})).heads().1,
            "another person"
        );
        assert_eq!(of(json!([user("hello"), said("y"), user("and now?")])).1, second, "asked again");
    }

    #[test]
    fn what_cannot_be_promised_is_refused_and_what_is_none_of_ours_is_read_over() {
        let ask = json!([{"role": "user", "content": "hello"}]);
        let refused = |messages: &Value, more| request(messages.clone(), more).question().is_err();
        assert!(refused(&ask, json!({"n": 2})));
        assert!(refused(&ask, json!({"response_format": {"type": "json_object"}})));
        assert!(refused(&json!([{"role": "assistant", "content": "I"}]), json!({})));
        assert!(refused(&json!([]), json!({})));
        let tools = json!({"tools": [{"type": "function"}], "temperature": 0.5, "n": 1, "store": null});
        assert!(!refused(&ask, tools));
    }

    #[test]
    fn a_request_switches_the_reasoning_on_and_off() {
        let wants = |more: Value, house| request(json!([]), more).wants_reasoning(house);
        assert!(wants(json!({}), true) && !wants(json!({}), false));
        assert!(wants(json!({"metadata": {"reasoning": "on"}}), false));
        assert!(!wants(json!({"metadata": {"reasoning": "off"}}), true));
        assert!(!wants(json!({"include_reasoning": false}), true));
        assert!(
            !wants(json!({"reasoning_effort": "none"}), true)
                && wants(json!({"reasoning_effort": "low"}), true)
        );
    }
}
