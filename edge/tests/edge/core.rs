//! A core that answers as little as is needed. It runs in a runtime of its own, so that killing it closes every socket
//! at once, as a killed process does. Several cores share one [`Log`], as real ones share Postgres and Redis.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use switchboard_shared::{
    headers,
    identity::{Identity, SignedFor},
    ids::{ConversationId, TurnId},
    keys::SigningKeys,
};
use tokio::sync::{broadcast, mpsc};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// What the cores agree on.
pub(crate) struct Log {
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) messages: Mutex<Vec<String>>,
    events: Mutex<Vec<(Option<u64>, String)>>,
    live: broadcast::Sender<(Option<u64>, String)>,
    pub(crate) conversation: ConversationId,
    pub(crate) turn: TurnId,
}

impl Log {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            messages: Mutex::default(),
            events: Mutex::default(),
            live: broadcast::Sender::new(4096),
            conversation: ConversationId::new(),
            turn: TurnId::new(),
        })
    }

    fn add(&self, durable: bool, kind: &str, data: Value) -> u64 {
        let mut events = self.events.lock().unwrap();
        let last = events.iter().filter_map(|(seq, _)| *seq).max().unwrap_or(0);
        let seq = durable.then_some(last + 1);
        let mut event = json!({
            "conversation": self.conversation, "turn": self.turn, "at": "2026-01-01T00:00:00Z",
            "type": kind, "data": data,
        });
        if let Some(seq) = seq {
            event["seq"] = seq.into();
        }
        events.push((seq, event.to_string()));
        // Nobody may be listening.
        drop(self.live.send((seq, event.to_string())));
        seq.unwrap_or(last)
    }

    /// A durable event.
    pub(crate) fn durable(&self) -> u64 {
        self.add(true, "answer.started", json!({"attempt": 1}))
    }

    /// A durable event of a certain size.
    pub(crate) fn large(&self, bytes: usize) -> u64 {
        self.add(true, "conversation.renamed", json!({"title": "x".repeat(bytes)}))
    }

    /// A piece of the answer; sent again, from the first one, to whoever attaches.
    pub(crate) fn delta(&self, offset: usize, text: &str) {
        self.add(false, "answer.delta", json!({"attempt": 1, "offset": offset, "text": text}));
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| seen.path.clone()).collect()
    }
}

pub(crate) struct FakeCore {
    pub(crate) address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeCore {
    pub(crate) fn start(log: &Arc<Log>) -> Self {
        Self::start_at(log, "127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn start_at(log: &Arc<Log>, address: SocketAddr) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let app = router(log.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
        Self { address, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it: every connection breaks.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for FakeCore {
    fn drop(&mut self) {
        self.kill();
    }
}

fn router(log: Arc<Log>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/openapi.json", get(|| async { "{}" }))
        .route("/internal/revocations", get(|| async { r#"{"revocations":[],"more":false}"# }))
        .route("/v1/agents", get(agents).post(echo))
        .route("/v1/conversations/{id}/messages", post(message))
        .route("/v1/conversations/{id}/events", get(events))
        .route("/v1/turns/{id}/cancel", post(no_turn))
        .route("/v1/conversations/{id}/break", post(break_off))
        .route("/v1/slow", get(slow))
        .route("/chat", post(echo))
        .layer(middleware::from_fn_with_state(log.clone(), note))
        .with_state(log)
}

/// Who asks, by the edge's signed word for this request.
pub(crate) fn who(headers: &HeaderMap, method: &str, target: &str) -> Option<Identity> {
    let signed = headers.get(headers::IDENTITY)?.to_str().ok()?;
    let request_id = headers.get(headers::REQUEST_ID)?.to_str().ok()?;
    let request = SignedFor { method, target, request_id };
    Identity::verify(signed, &SigningKeys::new(KEY, []), chrono::Utc::now().timestamp(), request).ok()
}

async fn note(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let path = request.uri().path_and_query().unwrap().to_string();
    // Edges ask for revocations all the time.
    if path != "/healthz" && !path.starts_with("/internal/") {
        let headers = request.headers().clone();
        let method = request.method().to_string();
        let known = who(&headers, &method, &path).is_some();
        let open = path == "/openapi.json" || path.starts_with("/auth/");
        log.seen.lock().unwrap().push(Seen { path, headers });
        if !known && !open {
            return StatusCode::UNAUTHORIZED.into_response();
        }
    }
    next.run(request).await
}

async fn agents() -> Response {
    ([("content-type", "application/json"), ("x-switchboard-secret", "1")], r#"{"items":[]}"#).into_response()
}

async fn echo(body: Bytes) -> Response {
    body.len().to_string().into_response()
}

async fn no_turn() -> Response {
    let problem = json!({"type": "t", "title": "t", "status": 404, "code": "not_found"});
    (StatusCode::NOT_FOUND, axum::Json(problem)).into_response()
}

async fn slow() -> Response {
    tokio::time::sleep(Duration::from_secs(2)).await;
    "late".into_response()
}

/// Ends the connection instead of answering.
async fn break_off() -> Response {
    panic!("a core that dies with a request in its hands")
}

async fn message(State(log): State<Arc<Log>>, Path(id): Path<ConversationId>, body: Bytes) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let client_id = message["client_id"].as_str().unwrap_or_default().to_owned();
    let text = message["text"].as_str().unwrap_or_default().to_owned();
    let duplicate = {
        let mut messages = log.messages.lock().unwrap();
        let known = messages.contains(&client_id);
        messages.push(client_id);
        known
    };
    let seq = log.durable();
    let answer = json!({
        "conversation": id, "message": ConversationId::new(), "turn": log.turn, "seq": seq, "duplicate": duplicate,
    });
    for (offset, letter) in text.chars().enumerate() {
        log.delta(offset, &letter.to_string());
    }
    (StatusCode::ACCEPTED, axum::Json(answer)).into_response()
}

async fn events(
    State(log): State<Arc<Log>>,
    Path(id): Path<ConversationId>,
    Query(query): Query<HashMap<String, u64>>,
) -> Response {
    if id != log.conversation {
        let problem = json!({"type": "t", "title": "t", "status": 404, "code": "not_found"});
        return (StatusCode::NOT_FOUND, axum::Json(problem)).into_response();
    }
    let (sender, receiver) = mpsc::channel::<String>(1);
    let ping = Duration::from_millis(query.get("ping_ms").copied().unwrap_or(300));
    tokio::spawn(async move { feed(&log, query.get("after").copied(), ping, sender).await });
    let stream = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|text| (Ok::<_, std::io::Error>(text), receiver))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(stream)).into_response()
}

async fn feed(log: &Log, after: Option<u64>, ping: Duration, sender: mpsc::Sender<String>) -> Option<()> {
    let (backlog, mut live) = {
        let events = log.events.lock().unwrap();
        (events.clone(), log.live.subscribe())
    };
    let last = backlog.iter().filter_map(|(seq, _)| *seq).max().unwrap_or(0);
    let conversation = json!({
        "id": log.conversation, "title": "t", "last_seq": last,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    let head = json!({"type": "attached", "conversation": conversation, "seq": last});
    sender.send(format!("event: attached\ndata: {head}\n\n")).await.ok()?;
    let after = after.unwrap_or(last);
    for (seq, text) in backlog {
        if seq.is_none_or(|seq| seq > after) {
            sender.send(format!("event: e\ndata: {text}\n\n")).await.ok()?;
        }
    }
    loop {
        tokio::select! {
            event = live.recv() => {
                let (_, text) = event.ok()?;
                sender.send(format!("event: e\ndata: {text}\n\n")).await.ok()?;
            }
            () = tokio::time::sleep(ping) => sender.send(": ping\n\n".into()).await.ok()?,
        }
    }
}

pub(crate) fn last_seen(log: &Log) -> Option<HeaderMap> {
    log.seen.lock().unwrap().last().map(|seen| seen.headers.clone())
}
