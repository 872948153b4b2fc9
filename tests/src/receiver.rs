//! A receiver of push notifications (A2A 1.0, section 4.3.3) that takes them, or not, as a test wants.

use crate::{person::PATIENCE, server::Server};
use anyhow::Context;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use std::{
    future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::watch, time::timeout};

/// What becomes of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It is answered with this status.
    Answers(u16),
    /// It is never answered.
    Hangs,
}

/// The receiver, and everything that it was told.
#[derive(Debug)]
pub struct Receiver {
    server: Server,
    state: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    taking: Mutex<Taking>,
    told: watch::Sender<Vec<Told>>,
}

/// A notification, and whether it was taken.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its header fields.
    pub headers: HeaderMap,
    /// What happened.
    pub body: Value,
    /// Whether it was answered with a status of 2xx.
    pub taken: bool,
}

impl Receiver {
    /// Starts it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(taking: Taking) -> anyhow::Result<Self> {
        let state = Arc::new(Shared { taking: Mutex::new(taking), told: watch::Sender::default() });
        let routes = Router::new().route("/told", post(take)).with_state(Arc::clone(&state));
        Ok(Self { server: Server::start(routes).await?, state })
    }

    /// Where it is told.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/told", self.server.url)
    }

    /// Changes what becomes of notifications.
    pub fn set(&self, taking: Taking) {
        *self.state.taking.lock().unwrap_or_else(PoisonError::into_inner) = taking;
    }

    /// All that it was told, once that is enough.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn told(&self, enough: impl Fn(&[Told]) -> bool) -> anyhow::Result<Vec<Told>> {
        let mut told = self.state.told.subscribe();
        let waited = timeout(PATIENCE, told.wait_for(|told| enough(told))).await;
        let waited = waited.map(|told| told.map(|told| told.clone()));
        Ok(waited.with_context(|| format!("{:?}", self.state.told.borrow()))??)
    }
}

async fn take(State(state): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let taking = *state.taking.lock().unwrap_or_else(PoisonError::into_inner);
    let status = match taking {
        Taking::Answers(status) => StatusCode::from_u16(status).ok(),
        Taking::Hangs => None,
    };
    let taken = status.is_some_and(|status| status.is_success());
    state.told.send_modify(|told| told.push(Told { headers, body, taken }));
    match status {
        Some(status) => status,
        None => future::pending().await,
    }
}
