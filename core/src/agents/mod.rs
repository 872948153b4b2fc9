//! The agents: their cards, and asking them over A2A 1.0.

mod ask;
mod breaker;
mod call;
mod card;
mod draft;
mod files;
mod guard;
mod line;
mod look;
#[cfg(test)]
mod tests;
mod transcript;
mod wire;

pub(crate) use ask::{AgentError, Ask, Progress, Reply};
pub(crate) use card::{Agent, Skill};
pub(crate) use files::SentFile;
pub(crate) use guard::Guard;
pub(crate) use look::{look, unread};
pub(crate) use transcript::WAITS_FOR_SIGN_IN;

use crate::{config::AgentsConfig, kept, outside};
use breaker::{Breakers, Outcome, Rule};
use files::FileBounds;
use futures::FutureExt;
use line::Line;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use switchboard_shared::{
    cause::Cause,
    events::CallState,
    ids::{AgentId, TenantId},
};
use tokio::time::Instant;
use tracing::{Instrument, Span};
use transcript::{End, Transcript};
use url::Url;
use wire::methods;

/// Where an agent's card lies (A2A 1.0, section 8.2).
const WELL_KNOWN: &str = "/.well-known/agent-card.json";

/// Fetches cards and asks agents.
#[derive(Debug)]
pub(crate) struct Agents {
    client: reqwest::Client,
    guard: Guard,
    breakers: Breakers,
    files: FileBounds,
    config: AgentsConfig,
}

impl Agents {
    pub(crate) fn new(config: &AgentsConfig) -> Result<Self, AgentError> {
        let guard = Guard { allow_private: config.allow_private_addresses };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(guard)
            .connect_timeout(config.connect)
            .pool_idle_timeout(kept::IDLE)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(AgentError::Client)?;
        let rule = Rule { failures: config.breaker_failures.max(1), open: config.breaker_open };
        let (breakers, files) = (Breakers::new(rule), FileBounds::new(config));
        Ok(Self { client, guard, breakers, files, config: config.clone() })
    }

    /// Where a card is looked for.
    pub(crate) fn card_url(url: &Url) -> Url {
        card_url(url)
    }

    /// Fetches the card that lies at `url`, or under it; returns where it lay.
    pub(crate) async fn fetch_card(&self, url: &Url) -> Result<(Url, Value), AgentError> {
        let url = card_url(url);
        self.guard.check(&url).map_err(AgentError::Refused)?;
        let request = self.client.get(url.clone()).header(a2a::SVC_PARAM_VERSION, a2a::VERSION);
        let request = request.header(http::header::ACCEPT, "application/json");
        let fetch = async {
            let response = request.send().await.map_err(line::unreachable)?;
            match line::refusal(&response) {
                None => line::read(response, self.config.max_card_bytes).await,
                Some(refusal) => Err(refusal),
            }
        };
        let body = match tokio::time::timeout(self.config.card, fetch).await {
            Ok(body) => body.map_err(|fault| AgentError::Fetch(format!("{fault} (asked: {url})")))?,
            Err(_) => return Err(AgentError::Fetch(format!("it did not come in time (asked: {url})"))),
        };
        let card = outside::json(&body)
            .map_err(|error| AgentError::Card(format!("{} (asked: {url})", Cause::of(&error))))?;
        Ok((url, card))
    }

    /// Asks an agent, no longer than until the deadline (and a moment to cancel its task then).
    pub(crate) async fn ask(
        &self,
        tenant: &TenantId,
        agent: &Agent,
        mut ask: Ask,
        progress: &mut (dyn FnMut(Progress) + Send + Sync),
    ) -> Reply {
        let span = span(agent, &ask);
        if ask.hops >= self.config.max_hops {
            return skipped(
                &format!("the question has passed through {} switchboards already", ask.hops),
                &span,
            );
        }
        if !self.breakers.enter(tenant, &agent.id, Instant::now()) {
            return skipped("it failed several times in a row and is not asked for a moment", &span);
        }
        ask.deadline = ask.deadline.min(Instant::now() + self.config.call);
        // A call that is dropped must not hold the half-open breaker's only try.
        let mut held = Held { breakers: &self.breakers, tenant, agent: &agent.id, outcome: Outcome::Unknown };
        // A panic on the way is this call's failure: the turn has other agents, who may have answered already.
        let call = AssertUnwindSafe(self.call(agent, &ask, progress, &span).instrument(span.clone()));
        let (reply, outcome) = call.catch_unwind().await.unwrap_or_else(|_| (broken(), Outcome::Failed));
        held.outcome = outcome;
        drop(held);
        if !matches!(reply.state, CallState::Completed | CallState::InputRequired) {
            span.record("error.type", reply.state.name());
            tracing::info!(parent: &span, agent = %agent.id, state = reply.state.name(),
                reason = reply.reason.as_deref().unwrap_or_default(), "an agent did not complete");
        }
        reply
    }

    /// `closed`, `open` or `half_open`.
    pub(crate) fn breaker_state(&self, tenant: &TenantId, agent: &Agent) -> &'static str {
        self.breakers.state(tenant, &agent.id, Instant::now())
    }

    /// The agents that are not asked just now, or only tried: whose, which, and whether one call may try.
    pub(crate) fn open_breakers(&self) -> Vec<(TenantId, AgentId, bool)> {
        self.breakers.open(Instant::now())
    }

    async fn call(
        &self,
        agent: &Agent,
        ask: &Ask,
        progress: &mut (dyn FnMut(Progress) + Send + Sync),
        span: &Span,
    ) -> (Reply, Outcome) {
        let AgentsConfig { max_stream_bytes, max_reply_bytes, .. } = self.config;
        match Line::new(&self.client, self.guard, agent, ask.hops, max_stream_bytes, span) {
            Ok(line) => {
                let bounds = (max_reply_bytes, &self.files);
                Box::pin(call::run(&line, agent, ask, bounds, progress)).await
            }
            Err(fault) => (Transcript::new(0, None).reply(End::Failed(fault.to_string())), Outcome::Failed),
        }
    }
}

/// A call that the breaker let through.
struct Held<'a> {
    breakers: &'a Breakers,
    tenant: &'a TenantId,
    agent: &'a AgentId,
    outcome: Outcome,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.breakers.leave(self.tenant, self.agent, self.outcome, Instant::now());
    }
}

fn span(agent: &Agent, ask: &Ask) -> Span {
    let method = if agent.streaming { methods::SEND_STREAMING_MESSAGE } else { methods::SEND_MESSAGE };
    tracing::info_span!(
        "route_to_agent",
        otel.kind = "client",
        agent.id = %agent.id,
        prompt.length = ask.question.chars().count(),
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.id = %agent.id,
        gen_ai.agent.name = agent.name,
        gen_ai.conversation.id = ask.context_id,
        server.address = agent.endpoint.url.host_str().unwrap_or_default(),
        a2a.method.name = method,
        error.type = tracing::field::Empty,
    )
}

/// The panic itself is in the log already.
fn broken() -> Reply {
    tracing::error!("asking an agent ended in a panic");
    let reason = "something went wrong on our side while it was asked".to_owned();
    Transcript::new(0, None).reply(End::Failed(reason))
}

fn skipped(reason: &str, span: &Span) -> Reply {
    span.record("error.type", CallState::Skipped.name());
    let (text, reason) = (String::new(), Some(reason.to_owned()));
    Reply { state: CallState::Skipped, text, task_id: None, reason, partial: false, files: Vec::new() }
}

fn card_url(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    if !url.path().ends_with(".json") {
        let path = format!("{}{WELL_KNOWN}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    url
}
