//! One OpenAI-compatible endpoint and one model of it.

use super::{
    Fault, Kind, LlmError, Tokens,
    request::{Body, Spared, Wanted},
    transport,
};
use crate::{config::LlmConfig, outside};
use async_openai::{Client, config::OpenAIConfig, middleware::HttpRequestFactory};
use futures::{FutureExt, StreamExt};
use prometheus::{HistogramVec, IntCounterVec, register_histogram_vec, register_int_counter_vec};
use serde_json::Value;
use std::{panic::AssertUnwindSafe, sync::LazyLock, time::Duration};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let labels = &["provider", "operation", "outcome"];
    register_int_counter_vec!(
        "llm_requests_total",
        "Requests to LLM endpoints, by what became of them",
        labels
    )
    .expect("the name is registered here alone")
});
static SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let buckets = vec![0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0];
    let labels = &["provider", "operation"];
    register_histogram_vec!("llm_request_seconds", "How long requests to LLM endpoints took", labels, buckets)
        .expect("the name is registered here alone")
});

const MAX_FINISH_CHARS: usize = 40;
/// No request has more.
const MOST_TOKENS: u64 = 100_000_000;

#[derive(Debug)]
pub(super) struct Endpoint {
    client: Client<OpenAIConfig>,
    model: String,
    host: String,
}

impl Endpoint {
    pub(super) fn new(config: &LlmConfig) -> Result<Self, LlmError> {
        let host = config.base_url.host_str().unwrap_or_default().to_owned();
        let refused = |why: String| LlmError::Endpoint(host.clone(), why);
        let key = config.api_key.expose();
        if !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(refused("api_key must be visible ASCII".into()));
        }
        let http = (config.proxy.client())
            .map_err(|error| refused(error.to_string()))?
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| refused(error.to_string()))?;
        // The organisation is set to nothing, since it would be read from the environment otherwise.
        let openai = OpenAIConfig::new()
            .with_api_base(config.base_url.as_str().trim_end_matches('/'))
            .with_api_key(key)
            .with_org_id("")
            .with_project_id("");
        let service =
            tower::service_fn(move |factory: HttpRequestFactory| transport::send(http.clone(), factory));
        let client = Client::with_config(openai).with_http_service(service);
        // The log names the endpoint, and the proxy on the way to it.
        let host = format!("{host}{}", config.proxy);
        Ok(Self { client, model: config.model.clone(), host })
    }

    pub(super) async fn json(
        &self,
        wanted: &Wanted<'_>,
        deadline: Instant,
    ) -> Result<(Value, Tokens), Fault> {
        let span = self.span();
        let began = Instant::now();
        let asking = AssertUnwindSafe(Box::pin(self.ask_json(wanted))).catch_unwind();
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
        let mut writing = Writing { begun: false, finish: None, tokens: Tokens::default() };
        let result = Box::pin(self.write(wanted, first, deadline, &mut writing, on_text));
        let result = AssertUnwindSafe(result.instrument(span.clone())).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(panicked())).map(|()| writing.tokens);
        self.note("stream", began, result.as_ref().copied(), &span);
        result.map_err(|fault| (fault, writing.begun))
    }

    async fn ask_json(&self, wanted: &Wanted<'_>) -> Result<(Value, Tokens), Fault> {
        let mut spared = Spared::default();
        let answer: Value = loop {
            match self.client.chat().create_byot(Body::new(&self.model, wanted, spared, false)).await {
                Ok(answer) => break answer,
                Err(error) => spared = spare(transport::fault(error), spared)?,
            }
        };
        let text = answer.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default();
        let value = serde_json::from_str(unfenced(text))
            .map_err(|_| Fault::new(Kind::Nonsense, "it did not write the JSON it was asked for"))?;
        Ok((outside::value(value), tokens(&answer)))
    }

    async fn write(
        &self,
        wanted: &Wanted<'_>,
        first: Instant,
        deadline: Instant,
        writing: &mut Writing,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), Fault> {
        let late = || Fault::new(Kind::TimedOut, "it did not begin to write in time");
        let mut stream = timeout_at(first, self.open(wanted)).await.map_err(|_| late())??;
        loop {
            let until = if writing.begun { deadline } else { first };
            let Ok(chunk) = timeout_at(until, stream.next()).await else {
                return Err(if writing.begun {
                    Fault::new(Kind::Cut, "its time was up before it had finished")
                } else {
                    late()
                });
            };
            match chunk {
                Some(Ok(chunk)) => writing.take(&chunk, on_text),
                Some(Err(error)) => return Err(transport::fault(error)),
                None => return writing.end(),
            }
        }
    }

    async fn open(
        &self,
        wanted: &Wanted<'_>,
    ) -> Result<async_openai::types::stream::StreamResponse<Value>, Fault> {
        let mut spared = Spared::default();
        loop {
            match self.client.chat().create_stream_byot(Body::new(&self.model, wanted, spared, true)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => spared = spare(transport::fault(error), spared)?,
            }
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
        REQUESTS.with_label_values(&[self.host.as_str(), operation, outcome]).inc();
        SECONDS.with_label_values(&[self.host.as_str(), operation]).observe(began.elapsed().as_secs_f64());
    }
}

/// A panic on the way is this request's failure, and not that of the turn it is for.
fn panicked() -> Fault {
    Fault::new(Kind::Nonsense, "something went wrong on our side while it was asked")
}

/// A text that is being written.
struct Writing {
    begun: bool,
    finish: Option<String>,
    tokens: Tokens,
}

impl Writing {
    fn take(&mut self, chunk: &Value, on_text: &mut (dyn FnMut(&str) + Send)) {
        if chunk.get("usage").is_some_and(Value::is_object) {
            self.tokens = tokens(chunk);
        }
        let text = chunk.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default();
        if !text.is_empty() {
            self.begun = true;
            on_text(&outside::text(text));
        }
        if let Some(finish) = chunk.pointer("/choices/0/finish_reason").and_then(Value::as_str) {
            self.finish = Some(outside::line(finish, MAX_FINISH_CHARS));
        }
    }

    fn end(&self) -> Result<(), Fault> {
        match self.finish.as_deref() {
            _ if !self.begun => Err(Fault::new(Kind::Nonsense, "it wrote nothing")),
            Some("stop") => Ok(()),
            Some(reason) => Err(Fault::new(Kind::Cut, format!("it stopped early ({reason})"))),
            None => Err(Fault::new(Kind::Cut, "its stream ended before it had finished")),
        }
    }
}

/// After a refusal: what to leave out next time, if that is what it was refused for.
fn spare(fault: Fault, spared: Spared) -> Result<Spared, Fault> {
    let may_be_the_form = fault.kind == Kind::Refused && fault.text.contains("status 400");
    let next = if fault.text.contains("max_tokens") || fault.text.contains("temperature") {
        Spared { sampling: true, ..spared }
    } else {
        Spared { schema: true, ..spared }
    };
    if may_be_the_form && next != spared { Ok(next) } else { Err(fault) }
}

/// As the endpoint counts, within reason: what it says is added up and kept.
fn tokens(answer: &Value) -> Tokens {
    let count =
        |pointer| answer.pointer(pointer).and_then(Value::as_u64).unwrap_or_default().min(MOST_TOKENS);
    Tokens { input: count("/usage/prompt_tokens"), output: count("/usage/completion_tokens") }
}

/// Some models wrap JSON in a Markdown fence even in JSON mode.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    inner.and_then(|inner| inner.strip_suffix("```")).unwrap_or(text).trim()
}
