//! The optional sentence embedder beside the lexical model: the encoder of an installation or a model file, which run in
//! this process, or an OpenAI-compatible endpoint. What is made of its vectors is pure: `head`, `zero_shot` and `blend`.

pub(crate) mod blend;
mod cache;
mod encoder;
mod endpoint;
pub(crate) mod head;
mod lanes;
mod model;
mod regression;
#[cfg(test)]
mod tests;
mod tokens;
mod vector;
mod whitening;
pub(crate) mod zero_shot;

use crate::{
    config::EmbedderConfig,
    metrics::{EMBED_FAILURES, EMBED_SECONDS},
};
use cache::{Cache, Key};
use encoder::Encoder;
use endpoint::Endpoint;
use futures::{StreamExt, TryStreamExt, stream};
use model::Model;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use switchboard_shared::cause::Cause;
use tokio::time::Instant;

/// Texts of examples that are remembered with their vectors; 384 numbers each make 32 MB of it.
const REMEMBERED: usize = 20_000;
/// Texts sent to an endpoint in one request.
const BATCH: usize = 32;
/// A token of most languages has about so many characters; a longer text is cut before it is tokenised or sent.
const CHARS_PER_TOKEN: usize = 4;

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbedError {
    #[error("the embedder's {what} {path} cannot be read: {}", Cause::of(.source))]
    Read { what: &'static str, path: String, source: std::io::Error },
    #[error("the embedder's {what} {path} cannot be used: {reason}")]
    Unusable { what: &'static str, path: String, reason: String },
    #[error("the embedder's model failed: {0}")]
    Failed(String),
    #[error("the embedder's endpoint did not answer in time")]
    TimedOut,
    #[error("the embedder's endpoint cannot be reached: {0}")]
    Unreachable(String),
    #[error("the embedder's endpoint answered with HTTP status {status} {said}")]
    Refused { status: u16, said: String },
    #[error("the embedder's answer cannot be used: {0}")]
    Nonsense(String),
    #[error("the embedder made {got} numbers of a text, and {expected} of those before")]
    Dimensions { expected: usize, got: usize },
}

impl EmbedError {
    /// The metric's label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Unusable { .. } => "unusable",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed_out",
            Self::Unreachable(_) => "unreachable",
            Self::Refused { status: 429, .. } => "rate_limited",
            Self::Refused { status: 500.., .. } => "server_error",
            Self::Refused { .. } => "refused",
            Self::Nonsense(_) => "nonsense",
            Self::Dimensions { .. } => "dimensions",
        }
    }
}

/// Makes vectors of unit length from texts; the closer two are, the nearer the meanings. The vector of a text in a
/// language that it does not know is empty.
#[derive(Debug)]
pub(crate) struct Embedder {
    source: Source,
    fingerprint: String,
    /// What a longer text is cut to.
    max_chars: usize,
    /// Known from the start of a model file, and after the first answer of an endpoint.
    dimensions: OnceLock<usize>,
    remembered: Mutex<Cache>,
}

#[derive(Debug)]
enum Source {
    Encoder(Arc<Encoder>),
    Model(Arc<Model>),
    Endpoint(Box<Endpoint>),
}

impl Embedder {
    /// Opens what the configuration names, if it names anything. Reads files and tries the model once: it blocks, for
    /// about a second.
    pub(crate) fn open(config: &EmbedderConfig) -> Result<Option<Self>, EmbedError> {
        let mut digest = Sha256::new();
        let (source, dimensions) = if !config.folder.is_empty() {
            let encoder = Encoder::open(&config.folder, &mut digest)?;
            let dimensions = OnceLock::from(encoder.dimensions());
            (Source::Encoder(Arc::new(encoder)), dimensions)
        } else if !config.model.is_empty() {
            let model = Model::open(config, &mut digest)?;
            let dimensions = OnceLock::from(model.embed("dimensions")?.len());
            (Source::Model(Arc::new(model)), dimensions)
        } else if !config.url.is_empty() {
            (Source::Endpoint(Box::new(Endpoint::open(config, &mut digest)?)), OnceLock::new())
        } else {
            return Ok(None);
        };
        digest.update(config.max_tokens.to_le_bytes());
        let fingerprint = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Self {
            source,
            fingerprint,
            max_chars: config.max_tokens.saturating_mul(CHARS_PER_TOKEN),
            dimensions,
            remembered: Mutex::new(Cache::new(REMEMBERED)),
        }))
    }

    /// How many numbers a vector has; none before an endpoint's first answer.
    pub(crate) fn dimensions(&self) -> Option<usize> {
        self.dimensions.get().copied()
    }

    /// Whether it says of itself that it knows a language, so that no examples have to show it.
    pub(crate) fn knows(&self, language: &str) -> bool {
        matches!(self.source, Source::Encoder(_)) && encoder::knows(language)
    }

    /// Tells apart embedders whose vectors must not be mixed.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Embeds messages. What is asked is not remembered, but what is remembered is not computed again.
    pub(crate) async fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let began = Instant::now();
        let vectors = self.look_up(texts, false).await;
        EMBED_SECONDS.with_label_values(&[self.source.name()]).observe(began.elapsed().as_secs_f64());
        vectors
    }

    /// Embeds what a model is trained on, and remembers it, so that the next training embeds only what is new. After a
    /// failure what was done until then is remembered too.
    pub(crate) async fn embed_examples(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.look_up(texts, true).await
    }

    async fn look_up(&self, texts: &[&str], remember: bool) -> Result<Vec<Vec<f32>>, EmbedError> {
        let keys: Vec<Key> = texts.iter().map(|text| Key::of(text)).collect();
        let mut known: HashMap<Key, Vec<f32>> = HashMap::new();
        let mut missing: Vec<(Key, String)> = Vec::new();
        {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, text) in keys.iter().zip(texts) {
                if known.contains_key(key) {
                    continue;
                }
                // An empty vector stands for one that is being made.
                known.insert(*key, remembered.get(key).unwrap_or_default());
                if known[key].is_empty() {
                    missing.push((*key, excerpt(text, self.max_chars)));
                }
            }
        }
        let (missing, texts): (Vec<Key>, Vec<String>) = missing.into_iter().unzip();
        let mut made = self.source.embed(&texts, remember);
        let mut missing = missing.into_iter();
        while let Some(vectors) = made.try_next().await.inspect_err(|error| self.failed(error))? {
            for (vector, key) in vectors.into_iter().zip(missing.by_ref()) {
                self.check(&vector).inspect_err(|error| self.failed(error))?;
                if remember {
                    let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
                    remembered.put(key, vector.clone());
                }
                known.insert(key, vector);
            }
        }
        Ok(keys.iter().map(|key| known[key].clone()).collect())
    }

    fn check(&self, vector: &[f32]) -> Result<(), EmbedError> {
        if vector.is_empty() {
            return Ok(());
        }
        let (expected, got) = (*self.dimensions.get_or_init(|| vector.len()), vector.len());
        if got == expected { Ok(()) } else { Err(EmbedError::Dimensions { expected, got }) }
    }

    fn failed(&self, error: &EmbedError) {
        EMBED_FAILURES.with_label_values(&[self.source.name(), error.kind()]).inc();
    }
}

impl Source {
    fn name(&self) -> &'static str {
        match self {
            Self::Encoder(_) => "encoder",
            Self::Model(_) => "model",
            Self::Endpoint(_) => "endpoint",
        }
    }

    /// Makes the vectors in order, some at a time. Work `in_background` leaves half of the processor to others.
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        in_background: bool,
    ) -> stream::BoxStream<'a, Result<Vec<Vec<f32>>, EmbedError>> {
        match self {
            Self::Encoder(encoder) => {
                in_lanes(texts, in_background, |text| Arc::clone(encoder).embed_in_lane(text))
            }
            Self::Model(model) => {
                in_lanes(texts, in_background, |text| Arc::clone(model).embed_in_lane(text))
            }
            Self::Endpoint(endpoint) => {
                stream::iter(texts.chunks(BATCH)).then(|texts| endpoint.embed(texts)).boxed()
            }
        }
    }
}

/// Each text by itself, in this process.
fn in_lanes<'a, F>(
    texts: &'a [String],
    in_background: bool,
    embed: impl Fn(String) -> F + Send + 'a,
) -> stream::BoxStream<'a, Result<Vec<Vec<f32>>, EmbedError>>
where
    F: Future<Output = Result<Vec<f32>, EmbedError>> + Send + 'a,
{
    let one = move |text: &String| embed(text.clone());
    let at_once = lanes::at_once(in_background);
    stream::iter(texts).map(one).buffered(at_once).map_ok(|vector| vec![vector]).boxed()
}

/// The beginning and the end of a longer text; requests stand there, pasted data in between.
fn excerpt(text: &str, max_chars: usize) -> String {
    let length = text.chars().count();
    if length <= max_chars {
        return text.to_owned();
    }
    let tail = max_chars * 3 / 10;
    let head = text.chars().take(max_chars - tail);
    head.chain([' ']).chain(text.chars().skip(length - tail)).collect()
}
