//! Where to find edges, and as whom.

use crate::{error::TokenError, rules};
use futures::{FutureExt, future::BoxFuture};
use std::{sync::Arc, time::Duration};
use url::Url;

pub(crate) type Tokens = Arc<dyn Fn() -> BoxFuture<'static, Result<String, TokenError>> + Send + Sync>;

/// Where to find edges, and as whom.
#[derive(Clone)]
pub struct Options {
    pub(crate) http: reqwest::Client,
    pub(crate) edges: Vec<Url>,
    pub(crate) tokens: Tokens,
    /// After so many failed tries in a row the session ends with an error.
    pub most_tries: u32,
    /// How often to look for a nearer edge.
    pub look_every: Duration,
}

impl Options {
    /// Edges to begin at, the way there (HTTP/1.1, with the trust and the proxy that it needs), and who is asked for a
    /// token: at each connection, and before a token ends.
    pub fn new<F>(
        http: reqwest::Client,
        edges: impl IntoIterator<Item = Url>,
        token: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, TokenError>> + Send + 'static,
    {
        let tokens: Tokens = Arc::new(move || token().boxed());
        let edges = edges.into_iter().collect();
        Self { http, edges, tokens, most_tries: u32::MAX, look_every: rules::LOOK_EVERY }
    }
}
