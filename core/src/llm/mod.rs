//! The LLM: OpenAI-compatible endpoints in order of preference. When one fails the next is asked, once; the only one is
//! asked again, unless it was its time that ended. Each failure is logged and counted.

mod endpoint;
#[cfg(test)]
pub(crate) mod fake;
mod request;
mod schema;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use schema::Schema;

use crate::config::LlmConfig;
use endpoint::Endpoint;
use request::Wanted;
use serde_json::Value;
use std::{ops::AddAssign, time::Duration};
use tokio::time::{Instant, sleep};

/// Endpoints asked for one thing.
const MAX_TRIES: usize = 2;

/// What a model read and wrote, as its endpoint counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
    }
}

/// One message to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    User,
}

/// Makes a mark to fence data in a prompt with; whoever wrote the data cannot know it, and so cannot end the fence.
pub(crate) fn fence() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// Why there is no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LlmError {
    #[error("no LLM configured")]
    NotConfigured,
    #[error("the LLM's endpoint {0} cannot be used: {1}")]
    Endpoint(String, String),
    /// Nothing was handed out.
    #[error("{0}")]
    Failed(#[source] Fault),
    /// A part of the text was handed out before this.
    #[error("{0}")]
    Cut(#[source] Fault),
}

impl LlmError {
    /// Its label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NotConfigured => "no_llm",
            Self::Endpoint(..) => "unusable",
            Self::Failed(fault) | Self::Cut(fault) => fault.kind.name(),
        }
    }
}

/// What was wrong with one try.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Fault {
    kind: Kind,
    text: String,
    retry_after: Option<Duration>,
}

impl Fault {
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), retry_after: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TimedOut,
    Unreachable,
    RateLimited,
    /// Another 4xx; trying the same again does not help.
    Refused,
    ServerError,
    Nonsense,
    /// It stopped in the middle.
    Cut,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::ServerError => "server_error",
            Self::Nonsense => "nonsense",
            Self::Cut => "cut",
        }
    }
}

/// The endpoints.
#[derive(Debug)]
pub(crate) struct Llm {
    endpoints: Vec<Endpoint>,
}

impl Llm {
    pub(crate) fn new(endpoints: &[LlmConfig]) -> Result<Self, LlmError> {
        let endpoints = endpoints.iter().map(Endpoint::new).collect::<Result<_, _>>()?;
        Ok(Self { endpoints })
    }

    pub(crate) fn is_configured(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// Asks for one JSON value after a schema. That it follows the schema is for the caller to check.
    pub(crate) async fn json(
        &self,
        messages: &[Message],
        schema_name: &str,
        schema: &Schema,
        max_tokens: u32,
        deadline: Instant,
    ) -> Result<(Value, Tokens), LlmError> {
        let wanted = Wanted { messages, max_tokens, schema: Some((schema_name, schema)) };
        let mut tries = self.tries();
        loop {
            let endpoint = tries.next()?;
            let until = tries.share_of(deadline);
            match endpoint.json(&wanted, until).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => tries.failed(fault, until, deadline).await?,
            }
        }
    }

    /// Has a text written, and hands it out as it comes. `first_token` bounds the wait for its beginning at each
    /// endpoint, and twice that at the only one, instead of asking it twice; once it has begun, no other endpoint is
    /// asked.
    pub(crate) async fn stream(
        &self,
        messages: &[Message],
        max_tokens: u32,
        first_token: Duration,
        deadline: Instant,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Tokens, LlmError> {
        let wanted = Wanted { messages, max_tokens, schema: None };
        let mut tries = self.tries();
        let both = Instant::now() + first_token * 2;
        loop {
            let endpoint = tries.next()?;
            let first = if tries.alone() { both } else { Instant::now() + first_token }.min(deadline);
            match endpoint.stream(&wanted, first, deadline, on_text).await {
                Ok(tokens) => return Ok(tokens),
                Err((fault, true)) => return Err(LlmError::Cut(fault)),
                Err((fault, false)) => tries.failed(fault, first, deadline).await?,
            }
        }
    }

    fn tries(&self) -> Tries<'_> {
        Tries { endpoints: &self.endpoints, made: 0 }
    }
}

/// Which endpoint is tried next: the second one after the first, or the only one again where that can help.
struct Tries<'a> {
    endpoints: &'a [Endpoint],
    made: usize,
}

impl<'a> Tries<'a> {
    fn next(&mut self) -> Result<&'a Endpoint, LlmError> {
        let endpoint =
            self.endpoints.get(self.made).or(self.endpoints.last()).ok_or(LlmError::NotConfigured)?;
        self.made += 1;
        Ok(endpoint)
    }

    /// Whether there is no other endpoint to leave time for.
    fn alone(&self) -> bool {
        self.endpoints.len() == 1
    }

    /// A first try must leave time for the second at another endpoint. The only one gets all of it at once: to ask it
    /// anew would throw away what it has done so far.
    fn share_of(&self, deadline: Instant) -> Instant {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.made < MAX_TRIES && !self.alone() { Instant::now() + left.mul_f64(0.6) } else { deadline }
    }

    /// Decides whether to go on after a fault of a try that had time until then, and waits where the endpoint asks
    /// for it.
    async fn failed(&self, fault: Fault, until: Instant, deadline: Instant) -> Result<(), LlmError> {
        let same_again = self.made >= self.endpoints.len();
        let wait = fault.retry_after.filter(|_| same_again).unwrap_or_default();
        let hopeless = same_again && (fault.kind == Kind::Refused || Instant::now() + wait >= until);
        if self.made >= MAX_TRIES || hopeless || Instant::now() + wait >= deadline {
            return Err(LlmError::Failed(fault));
        }
        sleep(wait).await;
        Ok(())
    }
}
