//! An identity provider that does what a test wants, well or badly, on a real socket.

use crate::server::Server;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard::topology::issuer::Issuer;
use tokio::time::sleep;
use url::form_urlencoded;

/// How it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// As it should.
    Good,
    /// Answers what it is asked for tokens with this status.
    Status(u16),
    /// Says no when it is asked for tokens.
    SaysNo,
    /// Answers too late.
    Late(Duration),
    /// Puts this into its ID tokens instead.
    Claim(&'static str, Value),
    /// Signs with a key that it does not show.
    ForeignKey,
    /// Signs with another key from now on, and shows that one alone.
    NewKey,
    /// Does not sign at all, and says so (`alg` is `none`).
    Unsigned,
    /// Sends whoever asks for tokens somewhere else.
    SendsElsewhere,
    /// Says more than anybody would read.
    Endless,
    /// Says nothing that could be read.
    Garbage,
    /// Sends the browser back in somebody else's name (RFC 9207).
    MixedUp,
    /// Says in its description that it is somebody else.
    SomebodyElse,
    /// Says in its description that tokens are given where everybody can read along.
    Open,
}

/// The provider, and what it was asked for tokens.
#[derive(Debug)]
pub struct FakeProvider {
    server: Server,
    desk: Arc<Desk>,
}

struct Desk {
    issuer: Issuer,
    foreign: Issuer,
    keys: Value,
    foreign_keys: Value,
    url: Mutex<String>,
    conduct: Mutex<Conduct>,
    /// The nonce of each code.
    nonces: Mutex<HashMap<String, String>>,
    asked: Mutex<Vec<HashMap<String, String>>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl FakeProvider {
    /// Starts it, with keys in this folder.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let (issuer, foreign) =
            (Issuer::ensure(&folder.join("own"))?, Issuer::ensure(&folder.join("other"))?);
        let desk = Arc::new(Desk {
            keys: serde_json::from_slice(&std::fs::read(issuer.jwks())?)?,
            foreign_keys: serde_json::from_slice(&std::fs::read(foreign.jwks())?)?,
            issuer,
            foreign,
            url: Mutex::default(),
            conduct: Mutex::new(Conduct::Good),
            nonces: Mutex::default(),
            asked: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(description))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(desk.clone());
        let server = Server::start(routes).await?;
        lock(&desk.url).clone_from(&server.url);
        Ok(Self { server, desk })
    }

    /// Its issuer.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Changes how it behaves.
    pub fn set(&self, conduct: Conduct) {
        *lock(&self.desk.conduct) = conduct;
    }

    /// What it was asked for tokens, of this kind.
    #[must_use]
    pub fn asked(&self, grant_type: &str) -> Vec<HashMap<String, String>> {
        let asked = lock(&self.desk.asked).clone();
        asked
            .into_iter()
            .filter(|form| form.get("grant_type").is_some_and(|kind| kind == grant_type))
            .collect()
    }

    /// A logout token (OpenID Connect Back-Channel Logout §2.4).
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn logout_token(&self, changed: &Value) -> anyhow::Result<String> {
        let now_s = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "iss": self.url(), "aud": "us", "iat": now_s, "exp": now_s + 60, "jti": uuid::Uuid::now_v7(),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        merge(&mut claims, changed);
        Ok(self.desk.issuer.mint(&self.desk.issuer.header(), &claims)?)
    }

    /// A core's configuration with this provider beside that for development.
    #[must_use]
    pub fn config(&self, more: &str) -> toml::Table {
        let url = self.url();
        let text = format!(
            "[login]\nprovider_ms = 1000\n{more}\n[[login.providers]]\nid = \"fake\"\nissuer = \"{url}\"\n\
             client_id = \"us\"\nclient_secret = \"s3cret:/\"\nscopes = [\"openid\"]\n"
        );
        toml::from_str(&text).unwrap_or_default()
    }
}

async fn description(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let url = lock(&desk.url).clone();
    let issuer = match &*lock(&desk.conduct) {
        Conduct::SomebodyElse => "https://somebody.example".to_owned(),
        _ => url.clone(),
    };
    let at = |path: &str| format!("{url}{path}");
    let tokens = match &*lock(&desk.conduct) {
        Conduct::Open => "http://id.example/token".to_owned(),
        _ => at("/token"),
    };
    Json(json!({
        "issuer": issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": tokens,
        "jwks_uri": at("/keys"),
    }))
}

async fn keys(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let is_new = *lock(&desk.conduct) == Conduct::NewKey;
    Json(if is_new { desk.foreign_keys.clone() } else { desk.keys.clone() })
}

async fn authorize(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<HashMap<String, String>>,
) -> impl IntoResponse {
    let code = uuid::Uuid::now_v7().to_string();
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    lock(&desk.nonces).insert(code.clone(), field("nonce"));
    let mixed_up = *lock(&desk.conduct) == Conduct::MixedUp;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code), ("state", field("state"))])
        .extend_pairs(mixed_up.then_some(("iss", "https://somebody.example")))
        .finish();
    (StatusCode::FOUND, [(header::LOCATION, format!("{}?{query}", field("redirect_uri")))])
}

async fn token(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let code = form.get("code").cloned().unwrap_or_default();
    lock(&desk.asked).push(form);
    let conduct = lock(&desk.conduct).clone();
    match conduct {
        Conduct::Status(status) => {
            return StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT).into_response();
        }
        Conduct::SaysNo => {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
        }
        Conduct::SendsElsewhere => {
            let to = [(header::LOCATION, "https://evil.example/token")];
            return (StatusCode::TEMPORARY_REDIRECT, to).into_response();
        }
        Conduct::Endless => return "x".repeat(2 << 20).into_response(),
        Conduct::Garbage => return "<html>".into_response(),
        Conduct::Late(by) => sleep(by).await,
        _ => {}
    }
    let (now_s, url) = (chrono::Utc::now().timestamp(), lock(&desk.url).clone());
    let mut claims = json!({
        "iss": url, "aud": "us", "sub": "carol", "tenant": "demo", "sid": "their-session",
        "iat": now_s, "exp": now_s + 60, "nonce": lock(&desk.nonces).get(&code),
    });
    if let Conduct::Claim(name, value) = &conduct {
        claims[*name] = value.clone();
    }
    let foreign = matches!(conduct, Conduct::ForeignKey | Conduct::NewKey);
    let issuer = if foreign { &desk.foreign } else { &desk.issuer };
    let mut head = if conduct == Conduct::NewKey { desk.foreign.header() } else { desk.issuer.header() };
    head["typ"] = json!("JWT");
    if conduct == Conduct::Unsigned {
        head["alg"] = json!("none");
    }
    match issuer.mint(&head, &claims) {
        Ok(signed) => {
            let bare = signed.rsplit_once('.').map(|(bare, _)| format!("{bare}."));
            let id_token = bare.filter(|_| conduct == Conduct::Unsigned).unwrap_or(signed);
            let refresh = uuid::Uuid::now_v7();
            Json(json!({"id_token": id_token, "refresh_token": refresh, "token_type": "Bearer"}))
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn merge(claims: &mut Value, changed: &Value) {
    for (name, value) in changed.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
