//! What is sent to an endpoint (OpenAI's "Create chat completion"), as far as it takes it.

use super::{
    Message, Role, Schema,
    dialect::{Bound, Dialect, Json},
};
use serde::Serialize;

/// Room for thoughts beside the answer, at an endpoint that is known to think.
const THINKING_TOKENS: u32 = 8_192;

/// What a model is to write.
pub(super) struct Wanted<'a> {
    pub(super) messages: &'a [Message],
    pub(super) max_tokens: u32,
    /// Name and schema, when it is to be JSON.
    pub(super) schema: Option<(&'a str, &'a Schema)>,
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
    messages: Vec<Said>,
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
struct Said {
    role: &'static str,
    content: String,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, wanted: &Wanted<'a>, dialect: Dialect, stream: bool) -> Self {
        let stream = stream && !dialect.without_stream;
        let room = if dialect.thinks { THINKING_TOKENS } else { 0 };
        let most = wanted.max_tokens.saturating_add(room);
        let response_format = wanted.schema.and_then(|(name, schema)| match dialect.json {
            Json::Schema => Some(Format::JsonSchema { json_schema: Named { name, strict: true, schema } }),
            Json::Object => Some(Format::JsonObject),
            Json::Words => None,
        });
        Self {
            model,
            stream,
            max_tokens: (dialect.bound == Bound::MaxTokens).then_some(most),
            temperature: (!dialect.without_temperature).then_some(0),
            max_completion_tokens: (dialect.bound == Bound::MaxCompletionTokens).then_some(most),
            stream_options: (stream && !dialect.without_usage)
                .then_some(StreamOptions { include_usage: true }),
            response_format,
            messages: messages(wanted, dialect),
        }
    }
}

/// One message of the system, and it is the first: many templates take no other.
fn messages(wanted: &Wanted<'_>, dialect: Dialect) -> Vec<Said> {
    let of = |role| wanted.messages.iter().filter(move |message| message.role == role);
    let mut system: Vec<String> = of(Role::System).map(|message| message.text.clone()).collect();
    if let Some((_, schema)) = wanted.schema.filter(|_| dialect.json != Json::Schema) {
        let only = "Answer with one JSON object and nothing else, without a word before or after it.";
        system.push(format!("{only} It follows this JSON schema:\n{schema}"));
    }
    let mut users: Vec<String> = of(Role::User).map(|message| message.text.clone()).collect();
    let system = system.join("\n\n");
    let mut said = Vec::new();
    match users.first_mut() {
        _ if system.is_empty() => {}
        Some(first) if dialect.without_system => *first = format!("{system}\n\n{first}"),
        Some(_) | None => said.push(Said { role: "system", content: system }),
    }
    said.extend(users.into_iter().map(|content| Said { role: "user", content }));
    said
}
