//! The LLM: OpenAI-compatible endpoints in order of preference. When one fails the next is asked, once; the only one is
//! asked again, unless it was its time that ended. Each failure is logged and counted.

pub(crate) mod address;
mod chunk;
mod dialect;
#[cfg(test)]
mod dialects;
mod endpoint;
#[cfg(test)]
pub(crate) mod fake;
mod fault;
mod lenient;
mod message;
mod request;
mod schema;
#[cfg(test)]
mod tests;
mod thoughts;
mod transport;
mod writing;

pub(crate) use fault::LlmError;
pub(crate) use message::{Message, Role, Tokens, fence};
pub(crate) use schema::Schema;

use crate::config::LlmConfig;
use endpoint::Endpoint;
use fault::{Fault, Kind};
use request::Wanted;
use serde_json::Value;
use std::time::Duration;
use switchboard_shared::api::LlmEndpoint;
use tokio::time::{Instant, sleep};

/// Endpoints asked for one thing.
const MAX_TRIES: usize = 2;

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

    /// How each endpoint is.
    pub(crate) fn states(&self) -> Vec<LlmEndpoint> {
        self.endpoints.iter().map(Endpoint::state).collect()
    }

    /// The model that some tokens are of.
    pub(crate) fn model_of(&self, tokens: &Tokens) -> &str {
        self.endpoints.get(tokens.endpoint).map_or("", Endpoint::model)
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
            let endpoint = tries.next(deadline).await?;
            let until = tries.share_of(deadline);
            match endpoint.json(&wanted, until).await {
                Ok((value, tokens)) => return Ok((value, tries.told(tokens))),
                Err(fault) => tries.failed(fault, until)?,
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
            let endpoint = tries.next(if tries.alone() { both } else { deadline }).await?;
            let first = if tries.alone() { both } else { Instant::now() + first_token }.min(deadline);
            match endpoint.stream(&wanted, first, deadline, on_text).await {
                Ok(tokens) => return Ok(tries.told(tokens)),
                Err((fault, true)) => return Err(LlmError::Cut(fault)),
                Err((fault, false)) => tries.failed(fault, first)?,
            }
        }
    }

    fn tries(&self) -> Tries<'_> {
        Tries { endpoints: &self.endpoints, at: 0, made: 0 }
    }
}

/// Which endpoint is tried next: the first one that does not rest, the one after it, or the only one again where that
/// can help.
struct Tries<'a> {
    endpoints: &'a [Endpoint],
    /// The place of the next one.
    at: usize,
    made: usize,
}

impl<'a> Tries<'a> {
    /// Where all that are left asked not to be asked for a while, this waits for the first of them, if there is time.
    async fn next(&mut self, deadline: Instant) -> Result<&'a Endpoint, LlmError> {
        let last = self.endpoints.len().checked_sub(1).ok_or(LlmError::NotConfigured)?;
        let left = self.endpoints.iter().enumerate().skip(self.at.min(last));
        let (at, endpoint) =
            left.min_by_key(|(_, endpoint)| endpoint.rest_left()).ok_or(LlmError::NotConfigured)?;
        let rest = endpoint.rest_left();
        if Instant::now() + rest >= deadline {
            let text = format!("it asked not to be asked for another {} s", rest.as_secs() + 1);
            return Err(LlmError::Failed(Fault::new(Kind::RateLimited, text)));
        }
        sleep(rest).await;
        (self.at, self.made) = (at + 1, self.made + 1);
        Ok(endpoint)
    }

    /// By whom they were told: the endpoint that was asked last.
    fn told(&self, tokens: Tokens) -> Tokens {
        Tokens { endpoint: self.at.saturating_sub(1), ..tokens }
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

    /// Decides whether to go on after a fault of a try that had time until then.
    fn failed(&self, fault: Fault, until: Instant) -> Result<(), LlmError> {
        let same_again = self.at >= self.endpoints.len();
        let rest = self.endpoints.last().map(Endpoint::rest_left).unwrap_or_default();
        let hopeless = same_again && (fault.kind == Kind::Refused || Instant::now() + rest >= until);
        if self.made >= MAX_TRIES || hopeless { Err(LlmError::Failed(fault)) } else { Ok(()) }
    }
}
