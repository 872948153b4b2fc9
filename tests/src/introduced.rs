//! A house as others reach it who hold no token: what stands before it adds one, and shows the card under its own address.

use crate::server::Server;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands before the house, and what was asked by way of it.
#[derive(Debug)]
pub struct Introduced {
    server: Server,
    state: Arc<Way>,
}

#[derive(Debug)]
struct Way {
    http: reqwest::Client,
    house: String,
    token: String,
    own: Mutex<String>,
    asked: Mutex<Vec<Value>>,
}

impl Introduced {
    /// Stands before a house, for the holder of a token.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(http: reqwest::Client, house: &str, token: String) -> anyhow::Result<Self> {
        let house = house.trim_end_matches('/').to_owned();
        let way = Way { http, house, token, own: Mutex::default(), asked: Mutex::default() };
        let state = Arc::new(way);
        let server = Server::start(Router::new().fallback(pass).with_state(Arc::clone(&state))).await?;
        state.own.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&server.url);
        Ok(Self { server, state })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The requests of JSON-RPC that came by.
    #[must_use]
    pub fn asked(&self) -> Vec<Value> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(State(way): State<Arc<Way>>, request: Request) -> Response {
    match passed(&way, request).await {
        Ok(response) => response,
        Err(error) => (axum::http::StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn passed(way: &Way, request: Request) -> anyhow::Result<Response> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await?;
    if let Ok(asked) = serde_json::from_slice(&body) {
        way.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }
    let url = format!("{}{}", way.house, head.uri);
    let mut onward = way.http.request(head.method, url).bearer_auth(&way.token).body(body);
    for (name, value) in
        head.headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
    {
        onward = onward.header(name, value);
    }
    let answer = onward.send().await?;
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    let body = match head.uri.path().ends_with("agent-card.json") {
        true => {
            let own = way.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Body::from(Bytes::from(answer.text().await?.replace(&way.house, &own)))
        }
        false => Body::from_stream(answer.bytes_stream()),
    };
    let mut response = (status, body).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    Ok(response)
}
