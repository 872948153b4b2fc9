//! An OpenAI-compatible `/v1/embeddings` endpoint: bounded in time and size, and not believed.

use super::{EmbedError, vector};
use crate::{config::EmbedderConfig, kept, llm::address};
use bytes::{Bytes, BytesMut};
use reqwest::Response;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;
use switchboard_shared::{cause::Cause, config::Secret, proxy::Proxy, telemetry};
use tokio::time::timeout;
use tracing::{Instrument, Span};
use url::Url;

/// Of one answer: vectors of thousands of numbers for a whole batch.
const MAX_BODY_BYTES: usize = 8_388_608;
const MAX_DIMENSIONS: usize = 8_192;
const MAX_ERROR_CHARS: usize = 300;
const CONNECT: Duration = Duration::from_secs(5);

/// The endpoint and one model of it.
#[derive(Debug)]
pub(super) struct Endpoint {
    client: reqwest::Client,
    url: Url,
    host: String,
    model: String,
    api_key: Secret,
    proxy: Proxy,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl Endpoint {
    pub(super) fn open(config: &EmbedderConfig, digest: &mut Sha256) -> Result<Self, EmbedError> {
        let unusable =
            |reason: String| EmbedError::Unusable { what: "endpoint", path: config.url.clone(), reason };
        let base = Url::parse(&config.url).map_err(|error| unusable(error.to_string()))?;
        let client = (config.proxy.client())
            .map_err(|error| unusable(error.to_string()))?
            .connect_timeout(CONNECT.min(config.timeout))
            .pool_idle_timeout(kept::IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        digest.update(format!("{}\n{}\n", config.url, config.url_model));
        Ok(Self {
            client,
            url: address::under(&base, "embeddings"),
            host: base.host_str().unwrap_or_default().to_owned(),
            model: config.url_model.clone(),
            api_key: config.api_key.clone(),
            proxy: config.proxy.clone(),
            timeout: config.timeout,
        })
    }

    /// Embeds a batch in one request, in order. It is not tried again: the caller can do without.
    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let span = self.span();
        let body = timeout(self.timeout, self.ask(texts, &span)).instrument(span.clone()).await;
        let body = body.unwrap_or(Err(EmbedError::TimedOut));
        body.and_then(|body| vectors(&body, texts.len())).inspect_err(|error| {
            span.record("error.type", error.kind());
        })
    }

    async fn ask(&self, texts: &[String], span: &Span) -> Result<Bytes, EmbedError> {
        let mut request =
            self.client.post(self.url.clone()).json(&json!({"model": self.model, "input": texts}));
        if !self.api_key.expose().is_empty() {
            request = request.bearer_auth(self.api_key.expose());
        }
        let mut request = request.build().map_err(unreachable)?;
        telemetry::inject(span, request.headers_mut());
        let response = self
            .client
            .execute(request)
            .await
            .map_err(|error| EmbedError::Unreachable(format!("{}{}", Cause::of(&error), self.proxy)))?;
        let status = response.status();
        let body = read(response).await?;
        if status.is_success() { Ok(body) } else { Err(refusal(status.as_u16(), &body)) }
    }

    fn span(&self) -> Span {
        tracing::info_span!(
            "embeddings",
            otel.name = format!("embeddings {}", self.model),
            otel.kind = "client",
            gen_ai.operation.name = "embeddings",
            gen_ai.provider.name = "openai",
            gen_ai.request.model = self.model,
            server.address = self.host,
            error.type = tracing::field::Empty,
        )
    }
}

fn unreachable(error: reqwest::Error) -> EmbedError {
    EmbedError::Unreachable(Cause::of(&error).to_string())
}

async fn read(mut response: Response) -> Result<Bytes, EmbedError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(EmbedError::Nonsense("it is too large".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn refusal(status: u16, body: &[u8]) -> EmbedError {
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let said = said.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or_default();
    let said = said.chars().filter(|c| !c.is_control()).take(MAX_ERROR_CHARS).collect();
    EmbedError::Refused { status, said }
}

fn vectors(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, EmbedError> {
    let nonsense = |what: &str| EmbedError::Nonsense(what.to_owned());
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| nonsense("it is not a list of embeddings"))?;
    if answer.data.len() != count {
        return Err(nonsense("it has another number of embeddings than there were texts"));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    for (place, row) in answer.data.into_iter().enumerate() {
        if row.embedding.len() > MAX_DIMENSIONS {
            return Err(nonsense("an embedding is too long"));
        }
        // Some servers leave the index out; they answer in order.
        let slot = vectors.get_mut(row.index.unwrap_or(place)).filter(|slot| slot.is_none());
        let slot = slot.ok_or_else(|| nonsense("an index is wrong"))?;
        *slot = Some(vector::unit(row.embedding).ok_or_else(|| nonsense("an embedding has no direction"))?);
    }
    Ok(vectors.into_iter().flatten().collect())
}
