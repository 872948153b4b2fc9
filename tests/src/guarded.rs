//! An agent that answers only who shows what its card wants, on a real socket, with a token endpoint of its own.

use crate::server::Server;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// What opens the agent.
#[derive(Clone, Debug)]
pub enum Lock {
    /// A header with this value.
    Header(&'static str, String),
    /// A parameter of the query, with this value.
    Query(&'static str, String),
    /// The newest token that its endpoint has given to who shows this in the header `Authorization`.
    Token(String),
}

/// The agent, and everything that it was sent.
#[derive(Debug)]
pub struct GuardedAgent {
    server: Server,
    state: Arc<Shared>,
}

/// The head of a request.
type Head = (Uri, HeaderMap);

#[derive(Debug)]
struct Shared {
    name: String,
    scheme: Value,
    lock: Lock,
    /// Whether its card is kept from strangers too.
    hides_card: Mutex<bool>,
    tokens: Mutex<usize>,
    seen: Mutex<Vec<Head>>,
    url: Mutex<String>,
}

impl GuardedAgent {
    /// Starts one whose card has this security scheme; `{url}` in it is where the agent is.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(name: &str, scheme: Value, lock: Lock) -> anyhow::Result<Self> {
        let state = Arc::new(Shared {
            name: name.to_owned(),
            scheme,
            lock,
            hides_card: Mutex::default(),
            tokens: Mutex::default(),
            seen: Mutex::default(),
            url: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/agent-card.json", get(card))
            .route("/", post(answer))
            .route("/token", post(token))
            .with_state(Arc::clone(&state));
        let server = Server::start(routes).await?;
        server.url.clone_into(&mut locked(&state.url));
        Ok(Self { server, state })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Keeps its card from strangers from now on.
    pub fn hide_card(&self) {
        *locked(&self.state.hides_card) = true;
    }

    /// How many tokens were given.
    #[must_use]
    pub fn tokens(&self) -> usize {
        *locked(&self.state.tokens)
    }

    /// The heads of all questions so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Head> {
        locked(&self.state.seen).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn opens(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let is = |name: &str, wanted: &str| headers.get(name).is_some_and(|value| value == wanted);
        match &self.lock {
            Lock::Header(name, value) => is(name, value),
            Lock::Query(name, value) => {
                let mut pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
                pairs.any(|(key, found)| key == *name && found == *value)
            }
            Lock::Token(_) => is("authorization", &format!("Bearer token-{}", locked(&self.tokens))),
        }
    }
}

async fn card(State(state): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    if *locked(&state.hides_card) && !state.opens(&uri, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let url = locked(&state.url).clone();
    let scheme = state.scheme.to_string().replace("{url}", &url);
    let scheme: Value = serde_json::from_str(&scheme).unwrap_or_default();
    Json(json!({
        "name": state.name, "description": format!("The {} of the tests.", state.name), "version": "1.0.0",
        "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        "capabilities": {"streaming": true},
        "securitySchemes": {"it": scheme}, "securityRequirements": [{"schemes": {"it": {"list": []}}}],
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        "skills": [{"id": "test", "name": state.name, "description": "A test", "tags": ["test"]}],
    }))
    .into_response()
}

async fn answer(
    State(state): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let opens = state.opens(&uri, &headers);
    locked(&state.seen).push((uri, headers));
    if !opens {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let message =
        json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": format!("I am {}.", state.name)}]});
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": {"message": message}})).into_response()
}

/// Gives tokens by a client's id and secret (RFC 6749 §4.4).
async fn token(State(state): State<Arc<Shared>>, headers: HeaderMap, form: String) -> Response {
    let known = match &state.lock {
        Lock::Token(basic) => headers.get(header::AUTHORIZATION).is_some_and(|value| value == basic),
        Lock::Header(..) | Lock::Query(..) => false,
    };
    if !known || !form.contains("grant_type=client_credentials") {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let mut tokens = locked(&state.tokens);
    *tokens += 1;
    Json(json!({"access_token": format!("token-{tokens}"), "token_type": "Bearer", "expires_in": 600}))
        .into_response()
}
