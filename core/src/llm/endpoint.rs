//! One OpenAI-compatible endpoint and one model of it, and what is remembered of it.

use super::{
    LlmError, Tokens,
    chunk::Piece,
    dialect::{Dialect, Json},
    fault::{Fault, Kind},
    lenient,
    request::{Body, Wanted},
    transport::{Chunk, Line},
    writing::Writing,
};
use crate::{
    config::LlmConfig,
    metrics::{LLM_REQUESTS, LLM_SECONDS},
    outside,
};
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use std::{
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::api::{LlmEndpoint, LlmState};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

#[derive(Debug)]
pub(super) struct Endpoint {
    line: Line,
    model: String,
    host: String,
    memory: Mutex<Memory>,
}

/// What is remembered of an endpoint.
#[derive(Debug, Default)]
struct Memory {
    dialect: Dialect,
    /// Until then it asked not to be asked.
    rests_until: Option<Instant>,
    /// Whether it answered last.
    answered: Option<bool>,
}

impl Endpoint {
    pub(super) fn new(config: &LlmConfig) -> Result<Self, LlmError> {
        let host = config.base_url.host_str().unwrap_or_default().to_owned();
        let line = Line::new(config)?;
        // The log names the endpoint, and the proxy on the way to it.
        let host = format!("{host}{}", config.proxy);
        Ok(Self { line, model: config.model.clone(), host, memory: Mutex::default() })
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// How long it still asked not to be asked.
    pub(super) fn rest_left(&self) -> Duration {
        let now = Instant::now();
        let until = self.memory.lock().unwrap_or_else(PoisonError::into_inner).rests_until;
        until.map(|until| until.saturating_duration_since(now)).unwrap_or_default()
    }

    /// What became of the last request, or that it asked not to be asked.
    pub(super) fn state(&self) -> LlmEndpoint {
        let answered = self.memory.lock().unwrap_or_else(PoisonError::into_inner).answered;
        let state = match answered {
            _ if !self.rest_left().is_zero() => LlmState::Rests,
            None => LlmState::Unknown,
            Some(true) => LlmState::Works,
            Some(false) => LlmState::Fails,
        };
        LlmEndpoint { endpoint: self.host.clone(), model: self.model.clone(), state }
    }

    pub(super) async fn json(
        &self,
        wanted: &Wanted<'_>,
        deadline: Instant,
    ) -> Result<(Value, Tokens), Fault> {
        let span = self.span();
        let began = Instant::now();
        let asking = AssertUnwindSafe(Box::pin(self.ask_json(wanted, deadline))).catch_unwind();
        let result = timeout_at(deadline, asking).instrument(span.clone()).await;
        let late = |_| Ok(Err(Fault::new(Kind::TimedOut, "it did not answer in time")));
        let result = result.unwrap_or_else(late).unwrap_or_else(|_| Err(panicked()));
        self.note("json", began, result.as_ref().map(|(_, tokens)| *tokens), &span);
        result
    }

    /// Hands out the text as it comes. The flag of an error says whether any had been handed out.
    pub(super) async fn stream(
        &self,
        wanted: &Wanted<'_>,
        first: Instant,
        deadline: Instant,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Tokens, (Fault, bool)> {
        let span = self.span();
        let began = Instant::now();
        let mut on_text = |text: &str| on_text(&outside::text(text));
        let mut writing = Writing::new(self.dialect().opens, &mut on_text);
        let result = Box::pin(self.write(wanted, first, deadline, &mut writing));
        let result = AssertUnwindSafe(result.instrument(span.clone())).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(panicked())).map(|()| writing.tokens);
        self.note("stream", began, result.as_ref().copied(), &span);
        result.map_err(|fault| (fault, writing.begun))
    }

    async fn ask_json(&self, wanted: &Wanted<'_>, deadline: Instant) -> Result<(Value, Tokens), Fault> {
        let mut dialect = self.dialect();
        loop {
            let mut text = String::new();
            let mut on_text = |piece: &str| text.push_str(piece);
            let mut writing = Writing::new(false, &mut on_text);
            let asked = self.ask(wanted, dialect, false, (deadline, deadline), &mut writing).await;
            writing.flush();
            let said = writing.into_said();
            let next = match asked {
                Ok(()) => match lenient::json_among([&said.raw, &text, &said.call, &said.apart]) {
                    Some(value) => {
                        self.learn(Dialect { opens: dialect.opens && !said.unopened, ..dialect });
                        return Ok((outside::value(value), said.tokens));
                    }
                    None => self.after_nonsense(dialect, said.too_long),
                },
                Err(fault) => dialect.after(&fault, true).ok_or(fault),
            };
            dialect = next?;
        }
    }

    /// What to do where no JSON came: to leave room for thoughts, where those took all of it. Otherwise it is asked for in
    /// another way next time: an endpoint that does not heed a form never sees the schema, and one that does not heed
    /// words may heed a form.
    fn after_nonsense(&self, dialect: Dialect, too_long: bool) -> Result<Dialect, Fault> {
        if too_long && !dialect.thinks {
            return Ok(Dialect { thinks: true, ..dialect });
        }
        if too_long {
            return Err(Fault::new(
                Kind::Nonsense,
                "it wrote more than it may before it had finished its JSON",
            ));
        }
        let json = if dialect.json == Json::Words { Json::Schema } else { Json::Words };
        self.learn(Dialect { json, ..dialect });
        Err(Fault::new(Kind::Nonsense, "it did not write the JSON it was asked for"))
    }

    async fn write(
        &self,
        wanted: &Wanted<'_>,
        first: Instant,
        deadline: Instant,
        writing: &mut Writing<'_>,
    ) -> Result<(), Fault> {
        let mut dialect = self.dialect();
        loop {
            let asked = self.ask(wanted, dialect, true, (first, deadline), writing).await;
            writing.flush();
            let result = asked.and_then(|()| writing.end());
            if writing.begun {
                let opens = !writing.thoughts.unopened && (dialect.opens || result.is_ok());
                self.learn(Dialect { opens, ..dialect });
                return result;
            }
            dialect = match result {
                Ok(()) => return Ok(()),
                Err(_) if writing.is_too_long() && !dialect.thinks => Dialect { thinks: true, ..dialect },
                Err(fault) => dialect.after(&fault, false).ok_or(fault)?,
            };
            writing.restart(dialect.opens);
        }
    }

    /// Asks once. The first of the times is for its first sign of life, a thought or a word; the second for all.
    async fn ask(
        &self,
        wanted: &Wanted<'_>,
        dialect: Dialect,
        stream: bool,
        (first, deadline): (Instant, Instant),
        writing: &mut Writing<'_>,
    ) -> Result<(), Fault> {
        let late = |lives: bool| match lives {
            true => Fault::new(Kind::Cut, "its time was up before it had finished"),
            false => Fault::new(Kind::TimedOut, "it did not begin to write in time"),
        };
        let body = Body::new(&self.model, wanted, dialect, stream);
        let until = |lives: bool| if lives { deadline } else { first };
        let sent = timeout_at(until(writing.lives), self.line.send(&body)).await;
        let mut chunks = sent.map_err(|_| late(false))?.inspect_err(|fault| self.rest(fault))?;
        loop {
            match timeout_at(until(writing.lives), chunks.next()).await.map_err(|_| late(writing.lives))? {
                Some(Ok(Chunk::Said(chunk))) => writing.take(Piece::read(&chunk))?,
                Some(Ok(Chunk::Done)) => writing.done(),
                Some(Err(fault)) => {
                    self.rest(&fault);
                    return Err(fault);
                }
                None => return Ok(()),
            }
        }
    }

    fn dialect(&self) -> Dialect {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).dialect
    }

    fn learn(&self, dialect: Dialect) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).dialect = dialect;
    }

    /// Leaves the endpoint alone for as long as it asks for.
    fn rest(&self, fault: &Fault) {
        if let Some(wait) = fault.retry_after {
            let until = Some(Instant::now() + wait);
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).rests_until = until;
        }
    }

    fn span(&self) -> Span {
        tracing::info_span!(
            "chat",
            otel.name = format!("chat {}", self.model),
            otel.kind = "client",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = "openai",
            gen_ai.request.model = self.model,
            gen_ai.usage.input_tokens = tracing::field::Empty,
            gen_ai.usage.output_tokens = tracing::field::Empty,
            server.address = self.host,
            error.type = tracing::field::Empty,
        )
    }

    fn note(&self, operation: &str, began: Instant, result: Result<Tokens, &Fault>, span: &Span) {
        let outcome = match result {
            Ok(tokens) => {
                span.record("gen_ai.usage.input_tokens", tokens.input);
                span.record("gen_ai.usage.output_tokens", tokens.output);
                "ok"
            }
            Err(fault) => {
                let kind = fault.kind.name();
                span.record("error.type", kind);
                tracing::warn!(parent: span, provider = self.host, operation, kind, %fault, "the LLM failed");
                kind
            }
        };
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).answered = Some(outcome == "ok");
        LLM_REQUESTS.with_label_values(&[self.host.as_str(), operation, outcome]).inc();
        LLM_SECONDS
            .with_label_values(&[self.host.as_str(), operation])
            .observe(began.elapsed().as_secs_f64());
    }
}

/// A panic on the way is this request's failure, and not that of the turn it is for.
fn panicked() -> Fault {
    Fault::new(Kind::Nonsense, "something went wrong on our side while it was asked")
}
