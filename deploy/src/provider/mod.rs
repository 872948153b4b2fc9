//! The development provider: an identity provider on loopback that lets in whoever asks, as `ann` or as `bob`, so that the
//! page of a house of `switchboard up` can be signed in to out of the box. Everything else is real: it describes itself,
//! signs what it says, checks PKCE, takes each code once and renews its refresh tokens.
//!
//! - `users`: whom it lets in
//! - `grants`: codes and refresh tokens
//! - `page`: what a person sees

mod grants;
mod page;
mod users;

pub use users::{CLIENT_ID, USERS};

use crate::{
    error::{Error, Result},
    topology::issuer::Issuer,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use grants::{Grants, Wish};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use url::form_urlencoded;

/// Its own id in the cores' configuration.
pub const ID: &str = "dev";

/// A running development provider; it ends when this is dropped.
#[derive(Debug)]
pub struct Provider {
    /// Its issuer, and where it listens.
    pub url: String,
    _stop: DropGuard,
}

/// What it works with.
struct Desk {
    url: String,
    issuer: Issuer,
    keys: Value,
    grants: Grants,
    /// Where browsers may be sent back to.
    redirects: Vec<String>,
}

impl Provider {
    /// Starts it, with the key in `folder`, for a house whose pages have these origins.
    ///
    /// # Errors
    /// When it cannot listen, or its key cannot be used.
    pub async fn start(folder: &Path, origins: &[String]) -> Result<Self> {
        let issuer = Issuer::ensure(folder)?;
        let keys = std::fs::read(issuer.jwks()).map_err(Error::file(issuer.jwks()))?;
        let keys = serde_json::from_slice(&keys).map_err(|error| Error::Failed(error.to_string()))?;
        let failed = |error| Error::Failed(format!("the development provider cannot listen: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let redirects = origins.iter().map(|origin| format!("{origin}/auth/callback")).collect();
        let desk = Desk { url: url.clone(), issuer, keys, grants: Grants::default(), redirects };
        let (stop, routes) = (CancellationToken::new(), routes(desk));
        // It works without as well, only later.
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                served = axum::serve(listener, routes) => drop(served),
                () = stopped.cancelled() => {}
            }
        });
        Ok(Self { url, _stop: stop.drop_guard() })
    }
}

fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(description))
        .route("/keys", get(async |State(desk): State<Arc<Desk>>| Json(desk.keys.clone())))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .with_state(Arc::new(desk))
}

async fn description(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", desk.url);
    Json(json!({
        "issuer": desk.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// What a browser comes with (OpenID Connect Core §3.1.2.1).
#[derive(Deserialize)]
struct Asked {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
    login_hint: Option<String>,
}

async fn authorize(State(desk): State<Arc<Desk>>, Query(asked): Query<Asked>) -> Response {
    let known = asked.client_id == CLIENT_ID && desk.redirects.contains(&asked.redirect_uri);
    let pkce = asked.code_challenge_method == "S256" && asked.code_challenge.len() == 43;
    let openid = asked.scope.split(' ').any(|scope| scope == "openid");
    if !(known && pkce && openid && asked.response_type == "code") {
        return (StatusCode::BAD_REQUEST, "this is no sign-in of this house").into_response();
    }
    let user = asked.login_hint.as_deref().and_then(users::find);
    let Some(user) = user else {
        return Html(page::choose(&own_query(&asked))).into_response();
    };
    let wish = Wish {
        user,
        redirect_uri: asked.redirect_uri.clone(),
        nonce: asked.nonce,
        challenge: asked.code_challenge,
    };
    let code = desk.grants.code(wish);
    let back = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code.as_str()), ("state", &asked.state), ("iss", &desk.url)])
        .finish();
    (StatusCode::FOUND, [(header::LOCATION, format!("{}?{back}", asked.redirect_uri))]).into_response()
}

/// The same question again, to be asked with a name behind it.
fn own_query(asked: &Asked) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", asked.response_type.as_str()),
            ("client_id", &asked.client_id),
            ("redirect_uri", &asked.redirect_uri),
            ("scope", &asked.scope),
            ("state", &asked.state),
            ("nonce", &asked.nonce),
            ("code_challenge", &asked.code_challenge),
            ("code_challenge_method", &asked.code_challenge_method),
        ])
        .finish()
}

async fn token(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let granted = match field("grant_type") {
        "authorization_code" if field("client_id") == CLIENT_ID => {
            desk.grants.redeem(field("code"), field("redirect_uri"), field("code_verifier"))
        }
        "refresh_token" if field("client_id") == CLIENT_ID => {
            desk.grants.renew(&desk.keys, field("refresh_token"))
        }
        _ => None,
    };
    let tokens = granted.and_then(|granted| grants::tokens(&desk.issuer, &desk.url, &granted).ok());
    match tokens {
        Some(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response(),
    }
}
