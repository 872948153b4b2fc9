//! An LLM endpoint on a real socket that does as it is told.

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::DropGuard;

use super::Llm;
use crate::config::LlmConfig;

/// What it does at the next request.
#[derive(Clone)]
pub(crate) enum Act {
    Say(String),
    /// Streams the pieces; the last flag says whether it ends as it should.
    Stream(Vec<String>, bool),
    Status(u16, Option<u64>),
    Raw(String),
    /// A status, the type of the body, and the body.
    Http(u16, &'static str, String),
    /// Refuses requests that it does not take, by a status and a body, and does the other thing with the others.
    Picky(fn(&Value) -> Option<(u16, Value)>, Box<Self>),
    /// Sends the pieces, each after a while.
    Slow(Duration, Vec<String>),
    /// Does another thing after a while.
    Late(Duration, Box<Self>),
    Hang,
}

/// The endpoint; ends when dropped.
pub(crate) struct Fake {
    pub(crate) config: LlmConfig,
    seen: Seen,
    heads: Seen,
    acts: Acts,
    _stop: DropGuard,
}

impl Fake {
    /// Does each act once, and the last one for ever.
    pub(crate) async fn start(acts: Vec<Act>) -> Self {
        let (seen, heads) = (Seen::default(), Seen::default());
        let acts = Arc::new(Mutex::new(acts));
        let state = (Arc::clone(&acts), Arc::clone(&seen), Arc::clone(&heads));
        let app = Router::new().route("/v1/chat/completions", post(answer)).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
        let stop = tokio_util::sync::CancellationToken::new();
        let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio_util::task::TaskTracker::new().spawn(server.into_future());
        let config = LlmConfig {
            base_url,
            api_key: Default::default(),
            model: "fake".into(),
            proxy: Default::default(),
        };
        Self { config, seen, heads, acts, _stop: stop.drop_guard() }
    }

    pub(crate) fn llm(&self) -> Llm {
        Llm::new(std::slice::from_ref(&self.config)).unwrap()
    }

    /// Does other things from now on.
    pub(crate) fn does(&self, acts: Vec<Act>) {
        *self.acts.lock().unwrap() = acts;
    }

    /// Of each request its path, and both headers that may hold a key.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }

    /// The requests as they came.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

type Seen = Arc<Mutex<Vec<String>>>;
type Acts = Arc<Mutex<Vec<Act>>>;

async fn answer(
    State((acts, seen, heads)): State<(Acts, Seen, Seen)>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let key = |name: &str| headers.get(name).and_then(|key| key.to_str().ok()).unwrap_or_default();
    heads.lock().unwrap().push(format!("{uri} {} {}", key("authorization"), key("api-key")));
    seen.lock().unwrap().push(body.clone());
    let act = {
        let mut acts = acts.lock().unwrap();
        if acts.len() > 1 { acts.remove(0) } else { acts[0].clone() }
    };
    let act = match act {
        Act::Late(wait, then) => {
            tokio::time::sleep(wait).await;
            *then
        }
        act => act,
    };
    let act = match act {
        Act::Picky(refuses, then) => match refuses(&serde_json::from_str(&body).unwrap()) {
            Some((status, error)) => Act::Http(status, "application/json", error.to_string()),
            None => *then,
        },
        act => act,
    };
    match act {
        Act::Say(text) => Json(json!({
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))
        .into_response(),
        Act::Stream(pieces, whole) => {
            let mut text: String = pieces
                .iter()
                .map(|piece| format!("data: {}\n\n", json!({"choices": [{"delta": {"content": piece}}]})))
                .collect();
            if whole {
                let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
                text.push_str(&format!("data: {end}\n\ndata: [DONE]\n\n"));
            }
            ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
        }
        Act::Status(status, retry_after) => {
            let error = json!({"error": {"message": "no"}}).to_string();
            let mut response = (StatusCode::from_u16(status).unwrap(), error).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Act::Raw(text) => Body::from(text).into_response(),
        Act::Http(status, kind, body) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Act::Slow(pause, pieces) => {
            let pieces = stream::iter(pieces).then(move |piece| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, Infallible>(piece)
            });
            ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(pieces)).into_response()
        }
        Act::Late(..) | Act::Picky(..) | Act::Hang => std::future::pending().await,
    }
}
