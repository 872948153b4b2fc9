//! An agent whose tasks are in memory, served as a house would serve it: one path for JSON-RPC, prefixes for HTTP+JSON and gRPC.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, RawQuery, State},
    http::{HeaderMap, Method, Response},
    routing::{any, post},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_a2a::{
    Abilities, Agent, Asked, Fault, Kind, Running,
    client::{self, grpc::Ended},
    grpc, jsonrpc, rest,
    task::{apply, goes_on},
    wire::{
        AgentCard, Artifact, CancelTaskRequest, ListTasksRequest, ListTasksResponse, Message, Part, Role,
        SendMessageRequest, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus,
        TaskStatusUpdateEvent,
    },
};
use tokio::{net::TcpListener, sync::broadcast, time::Instant};
use tokio_util::task::TaskTracker;

/// So long a task is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of one message over gRPC.
const MOST_BYTES: usize = 1_000_000;

pub(crate) struct Memory {
    pub(crate) abilities: Abilities,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    owner: String,
    messages: Vec<String>,
    task: Task,
    events: broadcast::Sender<StreamResponse>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what happens to the last task.
    pub(crate) fn happens(&self, update: impl Fn(&Task) -> StreamResponse) {
        let mut kept = self.kept();
        let last = kept.last_mut().expect("there is one");
        let update = update(&last.task);
        apply(&mut last.task, update.clone());
        drop(last.events.send(update));
    }

    fn of<R>(&self, owner: &str, id: &str, act: impl FnOnce(&mut Kept) -> R) -> Result<R, Fault> {
        let mut kept = self.kept();
        kept.iter_mut()
            .find(|kept| kept.owner == owner && kept.task.id == id)
            .map(act)
            .ok_or_else(Fault::no_task)
    }
}

pub(crate) fn status(task: &Task, state: TaskState) -> StreamResponse {
    let status = TaskStatus { state, message: None, timestamp: None };
    let (task_id, context_id) = (task.id.clone(), task.context_id.clone());
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id, context_id, status, metadata: None })
}

pub(crate) fn piece(task: &Task, text: &str) -> StreamResponse {
    let artifact = artifact(text);
    let (task_id, context_id) = (task.id.clone(), task.context_id.clone());
    let append = Some(task.artifacts.is_some());
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id,
        context_id,
        artifact,
        append,
        last_chunk: None,
        metadata: None,
    })
}

fn running(kept: &Kept) -> Running {
    let heard = stream::unfold(kept.events.subscribe(), async |mut events| {
        let event = events.recv().await.ok()?;
        Some((Ok(event), events))
    });
    Running { task: kept.task.clone(), updates: heard.boxed() }
}

impl Agent for Memory {
    type Caller = String;

    fn abilities(&self) -> Abilities {
        self.abilities.clone()
    }

    fn is_tenant(&self, _caller: &String, tenant: &str) -> bool {
        tenant == "acme"
    }

    async fn begin(&self, caller: &String, request: SendMessageRequest) -> Result<Running, Fault> {
        let Message { message_id, task_id, context_id, parts, .. } = &request.message;
        let mut kept = self.kept();
        if let Some(known) = kept.iter().find(|kept| kept.messages.contains(message_id)) {
            return Ok(running(known));
        }
        let text = parts.iter().find_map(Part::as_text).unwrap_or_default().to_owned();
        if let Some(id) = task_id {
            let known = kept.iter_mut().find(|kept| kept.owner == *caller && kept.task.id == *id);
            let known = known.ok_or_else(Fault::no_task)?;
            if known.task.status.state != TaskState::InputRequired {
                return Err(Fault::new(Kind::UnsupportedOperation, "It does not wait for anything."));
            }
            known.messages.push(message_id.clone());
            known.task.status.state = TaskState::Completed;
            return Ok(running(known));
        }
        let state = match text.as_str() {
            "ask back" => TaskState::InputRequired,
            "work" => TaskState::Working,
            _ => TaskState::Completed,
        };
        let task = Task {
            id: format!("task-{}", kept.len()),
            context_id: context_id.clone().unwrap_or_else(|| format!("context-{}", kept.len())),
            status: TaskStatus { state, message: None, timestamp: None },
            artifacts: (text == "say it").then(|| vec![artifact("said")]),
            history: Some(vec![request.message.clone(), Message::new(Role::Agent, vec![Part::text("…")])]),
            metadata: None,
        };
        let events = broadcast::channel(64).0;
        kept.push(Kept { owner: caller.clone(), messages: vec![message_id.clone()], task, events });
        Ok(running(kept.last().expect("it was put in")))
    }

    async fn task(&self, caller: &String, id: &str) -> Result<Task, Fault> {
        self.of(caller, id, |kept| kept.task.clone())
    }

    async fn tasks(&self, caller: &String, request: ListTasksRequest) -> Result<ListTasksResponse, Fault> {
        let begin = request.page_token.map_or(Ok(0), |token| token.parse::<usize>());
        let begin = begin.map_err(|_| Fault::invalid("pageToken", "it is none of ours"))?;
        let size = usize::try_from(request.page_size.unwrap_or(1)).unwrap_or(1);
        let kept = self.kept();
        let own: Vec<_> = kept.iter().rev().filter(|kept| kept.owner == *caller).collect();
        let tasks: Vec<_> = own.iter().skip(begin).take(size).map(|kept| kept.task.clone()).collect();
        let next = begin + tasks.len();
        Ok(ListTasksResponse {
            next_page_token: if next < own.len() { next.to_string() } else { String::new() },
            page_size: i32::try_from(size).unwrap_or(i32::MAX),
            total_size: i32::try_from(own.len()).unwrap_or(i32::MAX),
            tasks,
        })
    }

    async fn cancel(&self, caller: &String, request: CancelTaskRequest) -> Result<Task, Fault> {
        let canceled = self.of(caller, &request.id, |kept| {
            let over = kept.task.status.state.is_terminal();
            if !over {
                let update = status(&kept.task, TaskState::Canceled);
                apply(&mut kept.task, update.clone());
                drop(kept.events.send(update));
            }
            (!over).then(|| kept.task.clone())
        })?;
        canceled.ok_or_else(|| Fault::new(Kind::TaskNotCancelable, "It is over."))
    }

    async fn follow(&self, caller: &String, id: &str) -> Result<Running, Fault> {
        self.of(caller, id, |kept| running(kept))
    }

    async fn card(&self, caller: &String) -> Result<AgentCard, Fault> {
        let card = json!({"name": caller, "description": "d", "version": "1", "supportedInterfaces": [],
            "capabilities": {}, "defaultInputModes": [], "defaultOutputModes": [], "skills": []});
        serde_json::from_value(card).map_err(|error| Fault::new(Kind::Internal, error.to_string()))
    }
}

fn artifact(text: &str) -> Artifact {
    Artifact {
        artifact_id: "answer".into(),
        name: None,
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    }
}

/// The agent on a port.
pub(crate) struct House {
    pub(crate) memory: Arc<Memory>,
    pub(crate) url: String,
    client: reqwest::Client,
}

impl House {
    pub(crate) async fn start() -> Self {
        let all = Abilities { streaming: true, push: false, extended_card: true, ..Abilities::default() };
        Self::with(all).await
    }

    pub(crate) async fn with(abilities: Abilities) -> Self {
        let memory = Arc::new(Memory { abilities, kept: Mutex::default() });
        let routes = Router::new()
            .route("/", post(by_jsonrpc))
            .route("/v1/{*path}", any(by_rest))
            .route("/lf.a2a.v1.A2AService/{method}", post(by_grpc))
            .with_state(Arc::clone(&memory));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has one"));
        TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
        Self { memory, url, client: reqwest::Client::new() }
    }

    /// How many tasks there are.
    pub(crate) fn memory_tasks(&self) -> usize {
        self.memory.kept().len()
    }

    /// A request with its fields; what it is answered.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> (u16, String) {
        let method = method.parse().expect("it is one");
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.unwrap_or_default()).send().await.expect("it answers");
        (response.status().as_u16(), response.text().await.expect("it has an end"))
    }

    /// The result of a method of JSON-RPC, or its error.
    pub(crate) async fn call(&self, user: &str, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string();
        let headers = [("a2a-version", "1.0"), ("content-type", "application/json"), ("user", user)];
        let (_, text) = self.send("POST", "/", &headers, Some(body)).await;
        let answer: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
        match answer.get("result") {
            Some(result) => result.clone(),
            None => answer["error"].clone(),
        }
    }

    /// The status and the body of a path of HTTP+JSON.
    pub(crate) async fn rest(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let headers = [("a2a-version", "1.0"), ("content-type", "application/a2a+json"), ("user", user)];
        let (status, text) =
            self.send(method, &format!("/v1{path}"), &headers, body.map(|body| body.to_string())).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// What comes of a method of gRPC: its messages, and what ends them before their time.
    pub(crate) async fn grpc(&self, user: &str, method: &str, params: &Value) -> (Vec<Value>, Option<Ended>) {
        let (_, body) = client::grpc::request(method, params).expect("gRPC can say it");
        self.grpc_with(user, method, Some("1.0"), body).await
    }

    /// The same in some version, and with a body that may be anything.
    pub(crate) async fn grpc_with(
        &self,
        user: &str,
        method: &str,
        version: Option<&str>,
        body: Bytes,
    ) -> (Vec<Value>, Option<Ended>) {
        let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("it can be made");
        let request = client.post(format!("{}/lf.a2a.v1.A2AService/{method}", self.url)).body(body);
        let request = request.header("content-type", "application/grpc").header("user", user);
        let request =
            version.into_iter().fold(request, |request, version| request.header("a2a-version", version));
        let response = request.send().await.expect("it answers");
        let answers = client::grpc::answers(method, Response::<reqwest::Body>::from(response), MOST_BYTES);
        let mut said = Vec::new();
        let answers = match answers {
            Ok(answers) => answers,
            Err(ended) => return (said, Some(ended)),
        };
        let mut answers = std::pin::pin!(answers);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((value, _)) => said.push(value),
                Err(ended) => return (said, Some(ended)),
            }
        }
        (said, None)
    }
}

pub(crate) fn message(id: &str, text: &str) -> Value {
    json!({"message": {"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]}})
}

fn asked<'a>(memory: &'a Memory, user: &'a String) -> Asked<'a, Memory> {
    Asked { agent: memory, caller: user, until: Instant::now() + PATIENCE, ping: Duration::from_millis(50) }
}

fn user(headers: &HeaderMap) -> String {
    headers.get("user").and_then(|user| user.to_str().ok()).unwrap_or("ann").to_owned()
}

async fn by_jsonrpc(
    State(memory): State<Arc<Memory>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let user = user(&headers);
    jsonrpc::answer(&asked(&memory, &user), &headers, query.as_deref(), &body).await
}

async fn by_rest(
    State(memory): State<Arc<Memory>>,
    method: Method,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let user = user(&headers);
    let request = rest::Request {
        method: &method,
        path: &path,
        query: query.as_deref(),
        headers: &headers,
        body: &body,
    };
    rest::answer(&asked(&memory, &user), request).await
}

async fn by_grpc(
    State(memory): State<Arc<Memory>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let user = user(&headers);
    grpc::answer(&asked(&memory, &user), &method, &headers, body).await
}

/// Whether the last task goes on.
pub(crate) fn last_goes_on(memory: &Memory) -> bool {
    memory.kept().last().is_some_and(|kept| goes_on(&kept.task.status.state))
}
