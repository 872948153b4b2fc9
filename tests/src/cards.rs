//! A place where a card lies, as it is put there.

use crate::server::Server;
use axum::{Json, Router, extract::State, routing::get};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Serves one card; nobody answers for it.
#[derive(Debug)]
pub struct CardServer {
    server: Server,
    card: Arc<Mutex<Value>>,
}

impl CardServer {
    /// Starts without a card.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        let card = Arc::new(Mutex::default());
        let routes =
            Router::new().route("/.well-known/agent-card.json", get(shown)).with_state(Arc::clone(&card));
        Ok(Self { server: Server::start(routes).await?, card })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Puts a card there.
    pub fn show(&self, card: &Value) {
        *self.card.lock().unwrap_or_else(PoisonError::into_inner) = card.clone();
    }
}

async fn shown(State(card): State<Arc<Mutex<Value>>>) -> Json<Value> {
    Json(card.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
