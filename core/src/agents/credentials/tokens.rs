//! Tokens of OAuth 2 for a client's own id and secret (RFC 6749 §4.4): kept until shortly before they end, and asked for
//! by one call while the others wait for that.

use crate::{outside, seal::Sealed};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use lru::LruCache;
use reqwest::Client;
use serde::Deserialize;
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::{
    api::Hidden,
    cause::Cause,
    ids::{AgentId, TenantId},
};
use tokio::time::{Instant, timeout};
use url::{
    Url,
    form_urlencoded::{Serializer, byte_serialize},
};

/// Agents whose token is kept; of more, the one not asked for the longest is asked for again.
const MAX_KEPT: NonZeroUsize = NonZeroUsize::new(4_096).expect("it is not zero");
/// The longest answer that is read.
const MAX_BYTES: usize = 65_536;
/// How long a token is kept that does not say how long it is good for, ...
const UNSAID: Duration = Duration::from_secs(300);
/// ... how long before its end it is not shown any more, or a tenth of its time where that is less, ...
const MARGIN: Duration = Duration::from_secs(30);
/// ... and for how long one is kept at most.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Where a token is asked for, and by whom.
pub(super) struct Wish<'a> {
    pub(super) url: &'a Url,
    pub(super) client_id: &'a str,
    pub(super) secret: &'a Hidden,
    pub(super) scopes: &'a [String],
}

/// The tokens of all agents, on this core.
pub(super) struct Tokens {
    kept: Mutex<LruCache<(TenantId, AgentId), Arc<Kept>>>,
    patience: Duration,
}

/// The token that one credential has led to. Its lock is held while it is asked for, which is bounded in time: who comes
/// meanwhile takes what comes of that.
struct Kept {
    of: Sealed,
    token: tokio::sync::Mutex<Option<Token>>,
}

struct Token {
    /// As it is shown.
    value: HeaderValue,
    until: Instant,
}

/// The answer of a token endpoint (RFC 6749 §5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: Hidden,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
}

/// The same where it refuses (§5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Tokens {
    pub(super) fn new(patience: Duration) -> Self {
        Self { kept: Mutex::new(LruCache::new(MAX_KEPT)), patience }
    }

    /// A token to be shown: not the refused one.
    pub(super) async fn get(
        &self,
        client: &Client,
        (tenant, agent, sealed): (&TenantId, &AgentId, &Sealed),
        wish: &Wish<'_>,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, String> {
        let kept = self.kept((tenant.clone(), agent.clone()), sealed);
        let mut token = kept.token.lock().await;
        let good = |token: &&Token| Some(&token.value) != refused && Instant::now() < token.until;
        if let Some(token) = token.as_ref().filter(good) {
            return Ok(token.value.clone());
        }
        *token = None;
        let asked = timeout(self.patience, ask(client, wish)).await;
        let new = asked.map_err(|_| "its token endpoint did not answer in time".to_owned())??;
        Ok(token.insert(new).value.clone())
    }

    /// Another credential in the place of this one begins anew.
    fn kept(&self, whose: (TenantId, AgentId), sealed: &Sealed) -> Arc<Kept> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(&whose).filter(|kept| kept.of == *sealed) {
            return Arc::clone(kept);
        }
        let new = Arc::new(Kept { of: sealed.clone(), token: tokio::sync::Mutex::default() });
        all.put(whose, Arc::clone(&new));
        new
    }
}

async fn ask(client: &Client, wish: &Wish<'_>) -> Result<Token, String> {
    let request = client.post(wish.url.clone()).body(form(wish));
    let request = request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, basic(wish)?);
    let failed = |error: reqwest::Error| format!("its token endpoint cannot be asked: {}", Cause::of(&error));
    let mut response = request.send().await.map_err(failed)?;
    let (status, mut body) = (response.status(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(format!("its token endpoint answered with more than {MAX_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        // The word alone: a description may hold what it was asked with.
        let word = serde_json::from_slice::<Refusal>(&body).map_or_else(|_| String::new(), |it| it.error);
        let word = match outside::line(&word, 64) {
            word if word.is_empty() => word,
            word => format!(" ({word})"),
        };
        return Err(format!("its token endpoint answered with HTTP status {}{word}", status.as_u16()));
    }
    token(&body).ok_or_else(|| "its token endpoint answered with no bearer token".to_owned())
}

fn form(wish: &Wish<'_>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !wish.scopes.is_empty() {
        form.append_pair("scope", &wish.scopes.join(" "));
    }
    form.finish()
}

/// Who asks: each half encoded as in a form first (RFC 6749 §2.3.1).
fn basic(wish: &Wish<'_>) -> Result<HeaderValue, String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(wish.client_id), encoded(wish.secret.expose()));
    let mut value: HeaderValue = format!("Basic {}", STANDARD.encode(pair))
        .parse()
        .map_err(|_| "its client cannot be named in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn token(body: &[u8]) -> Option<Token> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let is_bearer = answer.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let token = Some(answer.access_token.expose()).filter(|token| is_bearer && !token.is_empty())?;
    let mut value: HeaderValue = format!("Bearer {token}").parse().ok()?;
    value.set_sensitive(true);
    let said = answer.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let good = said.unwrap_or(UNSAID).min(LONGEST);
    Some(Token { value, until: Instant::now() + good - MARGIN.min(good / 10) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_until_shortly_before_its_end() {
        for (answer, good_s) in [
            (r#"{"access_token": "t", "token_type": "bearer", "expires_in": 3600}"#, 3_570),
            (r#"{"access_token": "t", "expires_in": 10}"#, 9),
            (r#"{"access_token": "t", "token_type": "Bearer"}"#, 270),
            (r#"{"access_token": "t", "expires_in": 1e300}"#, 270),
            (r#"{"access_token": "t", "expires_in": 1e9}"#, 86_370),
        ] {
            let token = token(answer.as_bytes()).unwrap();
            assert_eq!(token.until - Instant::now(), Duration::from_secs(good_s), "{answer}");
            assert_eq!(token.value, "Bearer t");
        }
        for none in [
            r#"{"access_token": "t", "token_type": "mac"}"#,
            r#"{"access_token": ""}"#,
            "{}",
            "[",
            r#"{"access_token": "a\nb"}"#,
        ] {
            assert!(token(none.as_bytes()).is_none(), "{none}");
        }
    }
}
