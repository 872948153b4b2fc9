//! What is sent to an endpoint (OpenAI's "Create chat completion").

use super::{Message, Role, Schema};
use serde::Serialize;
use std::borrow::Cow;

/// What a model is to write.
pub(super) struct Wanted<'a> {
    pub(super) messages: &'a [Message],
    pub(super) max_tokens: u32,
    /// Name and schema, when it is to be JSON.
    pub(super) schema: Option<(&'a str, &'a Schema)>,
}

/// What an endpoint was found not to take.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spared {
    /// `json_schema`; plain JSON mode is used, and the schema goes into the prompt.
    pub(super) schema: bool,
    /// `temperature` and `max_tokens`, which reasoning models refuse.
    pub(super) sampling: bool,
}

/// Written to the wire as it stands: by way of a `Value` the schema would lose its order.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    messages: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Named<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a Schema,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: Cow<'a, str>,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, wanted: &Wanted<'a>, spared: Spared, stream: bool) -> Self {
        let mut messages: Vec<_> = wanted.messages.iter().map(Said::of).collect();
        let response_format = match wanted.schema {
            Some((_, schema)) if spared.schema => {
                let text = format!("Answer with one JSON object that follows this JSON schema:\n{schema}");
                messages.push(Said { role: "system", content: text.into() });
                Some(Format::JsonObject)
            }
            Some((name, schema)) => {
                Some(Format::JsonSchema { json_schema: Named { name, strict: true, schema } })
            }
            None => None,
        };
        Self {
            model,
            stream,
            max_tokens: (!spared.sampling).then_some(wanted.max_tokens),
            temperature: (!spared.sampling).then_some(0),
            max_completion_tokens: spared.sampling.then_some(wanted.max_tokens),
            stream_options: (stream && !spared.schema).then_some(StreamOptions { include_usage: true }),
            response_format,
            messages,
        }
    }
}

impl<'a> Said<'a> {
    fn of(message: &'a Message) -> Self {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
        };
        Self { role, content: message.text.as_str().into() }
    }
}
