//! What an endpoint was found to take and to do. Nothing of it is configured: it is learned from what the endpoint
//! refuses, and remembered as long as the core runs, so that no later message pays for it again.

use super::fault::Fault;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) json: Json,
    pub(super) bound: Bound,
    pub(super) without_temperature: bool,
    /// Without asking a stream for its usage.
    pub(super) without_usage: bool,
    /// What the system has to say stands before the user's first words.
    pub(super) without_system: bool,
    pub(super) without_stream: bool,
    /// It thinks before it answers, and needs room for that.
    pub(super) thinks: bool,
    /// Its texts are known to begin with the answer, or to say where thoughts begin. Of any other it is known only at
    /// the end: many templates open the thoughts in the prompt, and the text only closes them.
    pub(super) opens: bool,
}

/// How JSON is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Json {
    #[default]
    Schema,
    /// As some object, with the schema in the prompt.
    Object,
    /// In the prompt alone.
    Words,
}

/// How the length is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bound {
    #[default]
    MaxTokens,
    MaxCompletionTokens,
    Nothing,
}

impl Dialect {
    /// After a refusal: what to do without next time. What the endpoint names is left out; where it names nothing, JSON
    /// is asked for in another way, and then all is left out that can be. Nothing, where that changes nothing.
    pub(super) fn after(self, fault: &Fault, is_json: bool) -> Option<Self> {
        let code = fault.code?;
        if matches!(code, 401 | 403 | 404 | 408 | 413 | 429) || code > 501 {
            return None;
        }
        let next =
            self.without_named(&format!("{} {}", fault.text, fault.about).to_ascii_lowercase(), is_json);
        if next != self {
            return Some(next);
        }
        let unnamed = match self.json {
            _ if !matches!(code, 400 | 422) => self,
            Json::Schema | Json::Object if is_json => Self { json: self.json.next(), ..self },
            _ => self.plainest(),
        };
        (unnamed != self).then_some(unnamed)
    }

    fn without_named(mut self, said: &str, is_json: bool) -> Self {
        let names = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if is_json
            && names(&["response_format", "response format", "json_schema", "json_object", "json mode"])
        {
            self.json = self.json.next();
        }
        if is_json && names(&["structured output", "guided", "grammar"]) {
            self.json = self.json.next();
        }
        if names(&["max_tokens", "max_completion_tokens"]) {
            self.bound = self.bound.next();
        }
        self.without_temperature |= names(&["temperature"]);
        self.without_usage |= names(&["stream_options", "include_usage"]);
        self.without_stream |= said.ends_with("\"stream\"") || names(&["to stream", "streaming is not"]);
        let of_system =
            names(&["system", "developer"]) && names(&["role", "message", "instruction", "prompt"]);
        self.without_system |= of_system || names(&["must alternate"]);
        self
    }

    fn plainest(self) -> Self {
        Self {
            json: Json::Words,
            bound: Bound::Nothing,
            without_temperature: true,
            without_usage: true,
            without_system: true,
            ..self
        }
    }
}

impl Json {
    fn next(self) -> Self {
        match self {
            Self::Schema => Self::Object,
            Self::Object | Self::Words => Self::Words,
        }
    }
}

impl Bound {
    fn next(self) -> Self {
        match self {
            Self::MaxTokens => Self::MaxCompletionTokens,
            Self::MaxCompletionTokens | Self::Nothing => Self::Nothing,
        }
    }
}
