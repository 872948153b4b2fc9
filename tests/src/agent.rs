//! An A2A agent that does what a test wants, well or badly, on a real socket.

use crate::server::Server;
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// How the agent behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Says this.
    Says(String),
    /// Answers with these parts of an artifact (A2A 1.0, section 4.1.6).
    Gives(Vec<Value>),
    /// Says this, word by word, with a pause before each.
    Slowly(String, Duration),
    /// Accepts the question and never answers.
    Silent,
    /// Answers with this status.
    Status(u16),
    /// Answers with bytes that mean nothing.
    Garbage,
    /// Streams for ever.
    Endless,
    /// Answers with this many bytes.
    Huge(usize),
    /// Asks this first, and with the user's answer says "thank you, …".
    AsksBack(String),
    /// Names its task, works on it, and says this once it is done.
    Works(Option<String>),
    /// Refuses the question, and says this.
    Rejects(String),
    /// Sends these bytes as an event stream with this status; `{fine}` is a whole answer that says "Fine.", and `{id}`
    /// the id of the request.
    Stream(u16, String),
}

/// The agent, and everything that it was asked.
#[derive(Debug)]
pub struct FakeAgent {
    server: Server,
    state: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    examples: Vec<String>,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<(HeaderMap, Value)>>,
    url: Mutex<String>,
}

impl FakeAgent {
    /// Starts an agent with a name, and examples from which the router learns it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(name: &str, examples: &[&str], manner: Manner) -> anyhow::Result<Self> {
        let state = Arc::new(Shared {
            name: name.to_owned(),
            examples: examples.iter().map(|example| (*example).to_owned()).collect(),
            manner: Mutex::new(manner),
            asked: Mutex::default(),
            url: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/agent-card.json", get(card))
            .route("/", post(ask))
            .with_state(Arc::clone(&state));
        let server = Server::start(routes).await?;
        (*state.url.lock().unwrap_or_else(PoisonError::into_inner)).clone_from(&server.url);
        Ok(Self { server, state })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Changes how it behaves.
    pub fn set(&self, manner: Manner) {
        *self.state.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// Headers and bodies of all calls so far.
    #[must_use]
    pub fn asked(&self) -> Vec<(HeaderMap, Value)> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn card(State(state): State<Arc<Shared>>) -> Json<Value> {
    let url = state.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Json(json!({
        "name": state.name, "description": format!("The {} of the tests.", state.name), "version": "1.0.0",
        "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        "capabilities": {"streaming": true},
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        "skills": [{
            "id": "test", "name": state.name, "description": format!("What the {} does", state.name),
            "tags": ["test"], "examples": state.examples,
        }],
    }))
}

async fn ask(State(state): State<Arc<Shared>>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push((headers, request.clone()));
    let (id, method) = (request["id"].clone(), request["method"].as_str().unwrap_or_default());
    let manner = state.manner.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let knows_tasks = matches!(manner, Manner::Status(_) | Manner::Works(_));
    if !knows_tasks && !matches!(method, "SendMessage" | "SendStreamingMessage") {
        return Json(
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32001, "message": "no such task"}}),
        )
        .into_response();
    }
    match manner {
        Manner::Works(done) => works(&id, method, done.as_deref()),
        Manner::Says(text) => events(vec![(Duration::ZERO, completed(&id, &text))]),
        Manner::Gives(parts) => events(vec![(Duration::ZERO, completed_with(&id, &json!(parts)))]),
        Manner::Slowly(text, pause) => slowly(&id, &text, pause),
        Manner::Silent => std::future::pending().await,
        Manner::Status(status) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY).into_response()
        }
        Manner::Garbage => {
            ([("content-type", "text/event-stream")], "data: \u{1}\u{2}{{{[[\n\ndata: 17\n\n").into_response()
        }
        Manner::Endless => endless(&id),
        Manner::Stream(status, body) => {
            let body = body.replace("{fine}", &completed(&id, "Fine.").to_string());
            let body = body.replace("{id}", &id.to_string());
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, [("content-type", "text/event-stream")], body).into_response()
        }
        Manner::Huge(bytes) => events(vec![(Duration::ZERO, completed(&id, &"x".repeat(bytes)))]),
        Manner::AsksBack(question) => asks_back(&id, &request, &question),
        Manner::Rejects(why) => {
            let status = json!({"state": "TASK_STATE_REJECTED", "message": agent_message(&why)});
            let task = json!({"task": {"id": "task-1", "contextId": "c", "status": status}});
            events(vec![(Duration::ZERO, envelope(&id, &task))])
        }
    }
}

fn asks_back(id: &Value, request: &Value, question: &str) -> Response {
    let message = &request["params"]["message"];
    let said = message["parts"][0]["text"].as_str().unwrap_or_default();
    match message["taskId"].as_str() {
        Some(_) => events(vec![(Duration::ZERO, completed(id, &format!("thank you, {said}")))]),
        None => {
            let status = json!({"state": "TASK_STATE_INPUT_REQUIRED", "message": agent_message(question)});
            let task = json!({"task": {"id": "task-1", "contextId": "c", "status": status}});
            events(vec![(Duration::ZERO, envelope(id, &task))])
        }
    }
}

fn works(id: &Value, method: &str, done: Option<&str>) -> Response {
    let task = |state: &str, text: Option<&str>| {
        let parts = text.map(|text| json!({"artifactId": "a", "parts": [{"text": text}]}));
        let artifacts: Vec<_> = parts.into_iter().collect();
        let status = json!({"state": format!("TASK_STATE_{state}")});
        json!({"id": "task-1", "contextId": "c", "status": status, "artifacts": artifacts})
    };
    let now = if done.is_some() { task("COMPLETED", done) } else { task("WORKING", None) };
    match method {
        "SendMessage" | "SendStreamingMessage" => {
            events(vec![(Duration::ZERO, envelope(id, &json!({"task": now})))])
        }
        "GetTask" => Json(envelope(id, &now)).into_response(),
        "CancelTask" => Json(envelope(id, &task("CANCELED", None))).into_response(),
        _ => Json(json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32004, "message": "not this"}}))
            .into_response(),
    }
}

fn slowly(id: &Value, text: &str, pause: Duration) -> Response {
    let update = |state: &str| {
        let status = json!({"state": state});
        envelope(id, &json!({"statusUpdate": {"taskId": "task-1", "contextId": "c", "status": status}}))
    };
    let task = json!({"task": {"id": "task-1", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}}});
    let mut frames = vec![(Duration::ZERO, envelope(id, &task))];
    for word in text.split_inclusive(' ') {
        let artifact = json!({"artifactId": "a", "parts": [{"text": word}]});
        let update = json!({"artifactUpdate": {
            "taskId": "task-1", "contextId": "c", "artifact": artifact, "append": frames.len() > 1,
        }});
        frames.push((pause, envelope(id, &update)));
    }
    frames.push((Duration::ZERO, update("TASK_STATE_COMPLETED")));
    events(frames)
}

fn endless(id: &Value) -> Response {
    let status = json!({"state": "TASK_STATE_WORKING", "message": agent_message("still at it")});
    let update =
        envelope(id, &json!({"statusUpdate": {"taskId": "task-1", "contextId": "c", "status": status}}));
    let frames = futures::stream::unfold(update, async |update| {
        sleep(Duration::from_millis(5)).await;
        Some((Ok::<_, Infallible>(Bytes::from(frame(&update))), update))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(frames)).into_response()
}

fn completed(id: &Value, text: &str) -> Value {
    completed_with(id, &json!([{"text": text}]))
}

fn completed_with(id: &Value, parts: &Value) -> Value {
    let artifact = json!({"artifactId": "a", "parts": parts});
    envelope(
        id,
        &json!({"task": {
            "id": "task-1", "contextId": "c", "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [artifact],
        }}),
    )
}

fn agent_message(text: &str) -> Value {
    json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": text}]})
}

fn envelope(id: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn frame(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn events(frames: Vec<(Duration, Value)>) -> Response {
    let frames = futures::stream::unfold(frames.into_iter(), async |mut frames| {
        let (pause, value) = frames.next()?;
        sleep(pause).await;
        Some((Ok::<_, Infallible>(Bytes::from(frame(&value))), frames))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(frames)).into_response()
}
