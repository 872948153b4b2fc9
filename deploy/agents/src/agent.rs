//! What an agent is: a profile to be found by, and one verb.

use async_trait::async_trait;
use bytes::Bytes;

use crate::server::Reporter;

/// One of the sixteen.
#[async_trait]
pub(crate) trait Agent: Send + Sync {
    /// Who it is; the card is made of it.
    fn profile(&self) -> &'static Profile;

    /// Does the work. Dropped at any await when the task is cancelled or out of time.
    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome;
}

/// What the agent says about itself.
pub(crate) struct Profile {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Media types it reads.
    pub(crate) reads: &'static [&'static str],
    pub(crate) skills: &'static [Skill],
}

/// One thing it does. The router learns from the examples, so they are sentences people would write.
pub(crate) struct Skill {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) tags: &'static [&'static str],
    pub(crate) examples: &'static [&'static str],
}

/// Text in any wording.
pub(crate) const READS_TEXT: &[&str] = &["text/plain", "text/markdown"];
/// Text, tables and JSON.
pub(crate) const READS_DATA: &[&str] = &["text/plain", "text/markdown", "text/csv", "application/json"];

/// Everything the members of a task have said so far, read as one request: after an ask-back the first
/// message and the answer to the question stand together.
pub(crate) struct Request {
    /// All text, one message after the other; data parts and text files as their text.
    pub(crate) text: String,
    /// Files sent as bytes.
    pub(crate) files: Vec<File>,
    /// Files sent as links.
    pub(crate) links: Vec<String>,
    /// The caller's trace, to be passed on.
    pub(crate) traceparent: Option<String>,
}

/// A file sent as bytes.
pub(crate) struct File {
    pub(crate) name: Option<String>,
    pub(crate) bytes: Bytes,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With this text as the end (or all) of the answer.
    Answered(String),
    /// With a question; the answer to it continues the task.
    AskedBack(String),
    /// Not its work, or not allowed; says why.
    Refused(String),
    /// It tried and could not; says why.
    Failed(String),
}
