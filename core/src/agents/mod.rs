//! The agents: their cards, and asking them over A2A 1.0.

mod ask;
mod breaker;
mod call;
mod card;
mod credentials;
mod draft;
mod files;
mod guard;
mod interfaces;
mod later;
mod line;
mod look;
mod pins;
mod security;
#[cfg(test)]
mod tests;
mod transcript;
mod wire;

pub(crate) use ask::{AgentError, Ask, Progress, Reply};
pub(crate) use card::{Agent, Skill};
pub(crate) use credentials::{Asker, Credential, read};
pub(crate) use files::SentFile;
pub(crate) use guard::Guard;
pub(crate) use look::{look, unread};
pub(crate) use pins::Pins;
pub(crate) use transcript::WAITS_FOR_SIGN_IN;

use crate::{
    config::AgentsConfig,
    error::Result as Written,
    outside,
    seal::{Sealed, Sealer},
};
use breaker::{Breakers, Outcome, Rule};
use call::Bounds;
use credentials::{CredentialFault, Credentials, Pass};
use files::FileBounds;
use futures::FutureExt;
use line::{Clients, Fault, Line};
use security::Security;
use serde_json::Value;
use std::{panic::AssertUnwindSafe, path::Path, sync::Arc};
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
pub(crate) struct Agents {
    clients: Clients,
    credentials: Credentials,
    guard: Guard,
    breakers: Breakers,
    files: FileBounds,
    config: AgentsConfig,
}

impl Agents {
    pub(crate) fn new(config: &AgentsConfig, sealer: Arc<Sealer>) -> Result<Self, AgentError> {
        let guard = Guard { allow_private: config.allow_private_addresses };
        let authorities = authorities(&config.ca_file)?;
        let client = || guard.client(config.connect).tls_certs_merge(authorities.clone());
        let any = client().build().map_err(AgentError::Client)?;
        let http2 = client().http2_prior_knowledge().build().map_err(AgentError::Client)?;
        let credentials = Credentials::new(any.clone(), guard, sealer, config.card);
        let rule = Rule { failures: config.breaker_failures.max(1), open: config.breaker_open };
        let (breakers, files) = (Breakers::new(rule), FileBounds::new(config));
        Ok(Self {
            clients: Clients { any, http2 },
            credentials,
            guard,
            breakers,
            files,
            config: config.clone(),
        })
    }

    /// Where a card is looked for.
    pub(crate) fn card_url(url: &Url) -> Url {
        card_url(url)
    }

    /// Fetches the card that lies at `url`, or under it; returns where it lay. It is asked for with what an agent that is
    /// known already is shown there.
    pub(crate) async fn fetch_card(
        &self,
        url: &Url,
        known: Option<(&TenantId, &Agent)>,
    ) -> Result<(Url, Value), AgentError> {
        let url = card_url(url);
        self.guard.check(&url).map_err(AgentError::Refused)?;
        let request = self.clients.any.get(url.clone()).header(a2a::SVC_PARAM_VERSION, a2a::VERSION);
        let request = request.header(http::header::ACCEPT, "application/json");
        let pass = match known {
            Some((tenant, agent)) => self.pass(tenant, agent),
            None => self.credentials.pass(None),
        };
        let pass = pass.map_err(|fault| AgentError::Fetch(fault.to_string()))?.only_at(&url);
        let fetch = async {
            let request = request.build().map_err(line::unreachable)?;
            let response = pass.send(&self.clients.any, request).await.map_err(line::unsent)?;
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
        let call = AssertUnwindSafe(self.call(tenant, agent, &ask, progress, &span).instrument(span.clone()));
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

    /// Tells an agent that nobody goes on with its work; whether it knows that now.
    pub(crate) async fn cancel(&self, tenant: &TenantId, agent: &Agent, task: &str) -> bool {
        let span = tracing::info_span!("cancel_at_agent", otel.kind = "client", agent.id = %agent.id);
        let canceled = async {
            let pass = self.pass(tenant, agent)?;
            let most = self.config.max_stream_bytes;
            Line::new(&self.clients, self.guard, (agent, &pass), 0, most, &span)?.cancel(task).await
        };
        match tokio::time::timeout(self.config.card, canceled.instrument(span.clone())).await {
            Ok(canceled) => canceled.is_ok(),
            Err(_) => false,
        }
    }

    /// Looks at work that goes on beyond its call: its reply, once it is there. Why it could not be looked at, where that
    /// may pass.
    pub(crate) async fn look_at(
        &self,
        tenant: &TenantId,
        agent: &Agent,
        (task, hops): (&str, u32),
    ) -> Result<Option<Reply>, String> {
        let span = tracing::info_span!("look_at_agent", otel.kind = "client", agent.id = %agent.id);
        let looked = async {
            let pass = self.pass(tenant, agent)?;
            let AgentsConfig { max_stream_bytes: most, max_reply_bytes, .. } = self.config;
            let line = Line::new(&self.clients, self.guard, (agent, &pass), hops, most, &span)?;
            let found = later::look(&line, task, max_reply_bytes, &self.files).await?;
            let hidden = |reply: Reply| Reply { reason: reply.reason.map(|why| pass.hide(&why)), ..reply };
            Ok::<_, Fault>(found.map(hidden))
        };
        match tokio::time::timeout(self.config.card, looked.instrument(span.clone())).await {
            Ok(looked) => looked.map_err(|fault| fault.to_string()),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    }

    /// `closed`, `open` or `half_open`.
    pub(crate) fn breaker_state(&self, tenant: &TenantId, agent: &Agent) -> &'static str {
        self.breakers.state(tenant, &agent.id, Instant::now())
    }

    /// The agents that are not asked just now, or only tried: whose, which, and whether one call may try.
    pub(crate) fn open_breakers(&self) -> Vec<(TenantId, AgentId, bool)> {
        self.breakers.open(Instant::now())
    }

    /// Seals what an agent is to be shown; `None` where this house has no key for that.
    pub(crate) fn seal(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        credential: &Credential,
    ) -> Written<Option<Sealed>> {
        let can = self.credentials.can_seal();
        can.then(|| self.credentials.seal(tenant, agent, credential)).transpose()
    }

    /// What an agent's card wants to be shown, in words, where what is set for the agent does not do.
    pub(crate) fn wants(&self, tenant: &TenantId, agent: &Agent, card: &Value) -> Vec<String> {
        Security::of(card).wants(self.pass(tenant, agent).ok().and_then(|pass| pass.kind()))
    }

    /// Why an agent is not shown its credential where it is asked, if it is not.
    pub(crate) fn check_credential(&self, tenant: &TenantId, agent: &Agent) -> Result<(), AgentError> {
        let pass = self.pass(tenant, agent).map_err(|fault| AgentError::Refused(fault.to_string()))?;
        match pass.check(&agent.endpoint.url) {
            Err(fault) if agent.others.iter().all(|other| pass.check(&other.url).is_err()) => {
                Err(AgentError::Refused(fault.to_string()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn pass<'a>(&'a self, tenant: &'a TenantId, agent: &'a Agent) -> Result<Pass<'a>, CredentialFault> {
        self.credentials.pass(agent.credential.as_ref().map(|sealed| (tenant, &agent.id, sealed)))
    }

    async fn call(
        &self,
        tenant: &TenantId,
        agent: &Agent,
        ask: &Ask,
        progress: &mut (dyn FnMut(Progress) + Send + Sync),
        span: &Span,
    ) -> (Reply, Outcome) {
        let AgentsConfig { max_stream_bytes, max_reply_bytes, outage, .. } = self.config;
        let failed = |fault: Fault| {
            // An agent that was not asked for want of our own credential has not failed.
            let is_ours = matches!(fault, Fault::Credential(_));
            let outcome = if is_ours { Outcome::Unknown } else { Outcome::Failed };
            (Transcript::new(0, None).reply(End::Failed(fault.to_string())), outcome)
        };
        let pass = match self.pass(tenant, agent) {
            Ok(pass) => pass,
            Err(fault) => return failed(fault.into()),
        };
        let line = Line::new(&self.clients, self.guard, (agent, &pass), ask.hops, max_stream_bytes, span);
        let (reply, outcome) = match line {
            Ok(line) => {
                let bounds = Bounds { max_reply_bytes, files: &self.files, outage };
                Box::pin(call::run(&line, agent, ask, bounds, progress)).await
            }
            Err(fault) => failed(fault),
        };
        (Reply { reason: reply.reason.map(|reason| pass.hide(&reason)), ..reply }, outcome)
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

/// Those of a private CA, that are trusted beside those that the system trusts.
fn authorities(ca_file: &Path) -> Result<Vec<reqwest::Certificate>, AgentError> {
    if ca_file.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let pem = std::fs::read(ca_file).map_err(|error| AgentError::Authority(Cause::of(&error)))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(AgentError::Client)
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
    Reply::skipped(reason.to_owned())
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
