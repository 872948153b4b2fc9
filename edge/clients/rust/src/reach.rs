//! How a session gets to an edge: with a token, or with the next one where that does not hold.

use crate::{
    error::{Error, Result},
    options::{Options, Tokens},
    rules::{self, Next, TOKEN_WITHIN, after_refusal},
    socket::{self, Socket},
};
use futures::{FutureExt, future::BoxFuture};
use tokio::time::timeout;
use url::Url;

/// A socket that was just opened.
pub(crate) struct Opened {
    pub(crate) edge: Url,
    pub(crate) token: String,
    pub(crate) socket: Socket,
}

/// What came of it, and where.
pub(crate) type Reached = (Url, Box<Result<Opened>>);

/// Opens a socket at an edge; `refused` is a token that is known not to hold.
pub(crate) fn reach(options: &Options, refused: Option<String>, edge: Url) -> BoxFuture<'static, Reached> {
    let (http, tokens) = (options.http.clone(), options.tokens.clone());
    let opening = async move {
        let opened = open(&http, tokens, refused, &edge).await;
        let opened = opened.map(|(socket, token)| Opened { edge: edge.clone(), token, socket });
        (edge, Box::new(opened))
    };
    opening.boxed()
}

async fn open(
    http: &reqwest::Client,
    tokens: Tokens,
    refused: Option<String>,
    edge: &Url,
) -> Result<(Socket, String)> {
    let first = token(tokens.clone()).await?;
    if refused.as_ref() == Some(&first) {
        return Err(Error::Unauthenticated("there is no other one".to_owned()));
    }
    match socket::open(http, edge, "/ws", &first, rules::OPEN_WITHIN).await {
        Err(Error::Refused { status, problem, .. }) if after_refusal(status) == Next::NewToken => {
            let next = token(tokens).await?;
            if next == first {
                return Err(Error::Refused { edge: edge.clone(), status, problem });
            }
            Ok((socket::open(http, edge, "/ws", &next, rules::OPEN_WITHIN).await?, next))
        }
        opened => Ok((opened?, first)),
    }
}

/// Asks for a token.
pub(crate) async fn token(tokens: Tokens) -> Result<String> {
    match timeout(TOKEN_WITHIN, tokens()).await {
        Ok(token) => token.map_err(Error::Token),
        Err(_) => Err(Error::Token(format!("none came within {} s", TOKEN_WITHIN.as_secs()).into())),
    }
}
