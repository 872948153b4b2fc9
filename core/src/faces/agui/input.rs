//! What a client of AG-UI sends: `RunAgentInput`, as far as it concerns a turn. State, tools and context are the
//! client's own and are read over.

use super::resume::Resume;
use crate::error::{Error, Result};
use serde::Deserialize;
use switchboard_shared::{api::Part, ids::AgentId, problem::ProblemKind};

/// The body of `POST /v1/ag-ui`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunInput {
    pub(super) thread_id: String,
    pub(super) run_id: String,
    #[serde(default)]
    messages: Vec<Said>,
    /// What became of the question that the run before ended with.
    #[serde(default)]
    resume: Option<Vec<Resume>>,
    #[serde(default)]
    forwarded_props: Option<Forwarded>,
}

/// Props that are ours; what else a program forwards is none of our business.
#[derive(Deserialize)]
#[serde(untagged)]
enum Forwarded {
    Ours {
        #[serde(default)]
        agents: Vec<AgentId>,
    },
    Others(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Said {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
    /// Of messages that are none of a user's.
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ContentPart {
    Text {
        text: String,
    },
    Image {
        source: Source,
    },
    Audio {
        source: Source,
    },
    Video {
        source: Source,
    },
    Document {
        source: Source,
    },
    /// Of versions before 1.0.
    #[serde(rename_all = "camelCase")]
    Binary {
        mime_type: String,
        data: Option<String>,
        filename: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Source {
    Data {
        value: String,
        #[serde(rename = "mimeType")]
        mime_type: String,
    },
    Url {},
}

impl RunInput {
    /// Whether the last message is the user's.
    pub(super) fn says_something(&self) -> bool {
        self.messages.last().is_some_and(|said| said.role == "user")
    }

    /// What became of questions; empty for a run that goes on from none.
    pub(super) fn resumes(&self) -> &[Resume] {
        self.resume.as_deref().unwrap_or_default()
    }

    /// The last message, which must be the user's: its text and files.
    pub(super) fn question(&self) -> Result<(String, Vec<Part>)> {
        let last = self.messages.last().filter(|_| self.says_something());
        match last.and_then(|said| said.content.as_ref()) {
            Some(Content::Text(text)) => Ok((text.clone(), Vec::new())),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().filter_map(ContentPart::text).collect::<Vec<_>>();
                let files = parts.iter().enumerate().filter_map(|(at, part)| part.file(at + 1).transpose());
                Ok((texts.join("\n"), files.collect::<Result<_>>()?))
            }
            Some(Content::Other(_)) | None => {
                Err(bad("The last of `messages` must be the user's, with its `content`."))
            }
        }
    }

    /// The agents that are to be asked, where the program forwards them.
    pub(super) fn agents(&self) -> Vec<AgentId> {
        match &self.forwarded_props {
            Some(Forwarded::Ours { agents }) => agents.clone(),
            Some(Forwarded::Others(_)) | None => Vec::new(),
        }
    }
}

impl ContentPart {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Image { .. }
            | Self::Audio { .. }
            | Self::Video { .. }
            | Self::Document { .. }
            | Self::Binary { .. } => None,
        }
    }

    fn file(&self, number: usize) -> Result<Option<Part>> {
        let part = |name: String, media_type: &str, data: &str| Part {
            name,
            media_type: media_type.to_owned(),
            data: data.to_owned(),
        };
        let (kind, source) = match self {
            Self::Text { .. } => return Ok(None),
            Self::Binary { mime_type, data: Some(data), filename } => {
                let name = filename.clone().unwrap_or_else(|| format!("file-{number}"));
                return Ok(Some(part(name, mime_type, data)));
            }
            Self::Binary { .. } => return Err(fetched()),
            Self::Image { source } => ("image", source),
            Self::Audio { source } => ("audio", source),
            Self::Video { source } => ("video", source),
            Self::Document { source } => ("document", source),
        };
        match source {
            Source::Data { value, mime_type } => Ok(Some(part(format!("{kind}-{number}"), mime_type, value))),
            Source::Url {} => Err(fetched()),
        }
    }
}

fn fetched() -> Error {
    bad("A file comes with its data; addresses are not fetched here, so send its bytes.")
}

fn bad(detail: &str) -> Error {
    Error::public(ProblemKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn input(messages: Value, forwarded: Value) -> RunInput {
        let body = json!({"threadId": "t", "runId": "r", "messages": messages, "forwardedProps": forwarded,
            "state": {"a": 1}, "tools": [], "context": []});
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn the_last_message_is_the_question_and_the_rest_is_read_over() {
        let activity = json!({"id": "0", "role": "activity", "content": {"steps": 1}});
        let parts = json!([{"type": "text", "text": "What is this?"},
            {"type": "image", "source": {"type": "data", "value": "AA==", "mimeType": "image/png"}}]);
        let run = input(
            json!([activity, {"id": "1", "role": "user", "content": parts}]),
            json!({"agents": ["weather"]}),
        );
        let (text, files) = run.question().unwrap();
        assert_eq!((text.as_str(), files[0].name.as_str()), ("What is this?", "image-2"));
        assert_eq!(run.agents().len(), 1);
        let url = json!([{"type": "image", "source": {"type": "url", "value": "https://a.example"}}]);
        let run = input(json!([{"id": "1", "role": "user", "content": url}]), json!({"agents": "all"}));
        assert!(run.question().is_err() && run.agents().is_empty());
        assert!(
            input(json!([{"id": "1", "role": "assistant", "content": "x"}]), Value::Null).question().is_err()
        );
    }
}
