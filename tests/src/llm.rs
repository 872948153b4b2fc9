//! An OpenAI-compatible endpoint that does what a test wants.

use crate::server::Server;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// How the endpoint feels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Routes to these agents; writes this answer.
    Good {
        /// Agents, each asked the whole message.
        agents: Vec<String>,
        /// What is streamed as the answer, word by word.
        answer: String,
    },
    /// Takes so long to write this answer; routes nowhere.
    Slow(Duration, String),
    /// Routes to this agent and says that it is not sure; writes nothing of use.
    Unsure(String),
    /// Routes to these agents with these questions; writes nothing of use.
    Asks(Vec<(String, String)>),
    /// Answers every request with this status.
    Erring(u16),
    /// Answers with text that is no JSON, and no answer either.
    Nonsense,
    /// Routes to an agent that does not exist.
    Inventive,
    /// Gives every chat this title.
    Titles(String),
    /// Drafts these examples, each a language and a text.
    Drafts(Vec<(String, String)>),
}

/// The endpoint, and everything that it was asked.
#[derive(Debug)]
pub struct FakeLlm {
    server: Server,
    state: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Value>>,
}

impl FakeLlm {
    /// Starts it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(mood: Mood) -> anyhow::Result<Self> {
        let state = Arc::new(Shared { mood: Mutex::new(mood), asked: Mutex::default() });
        let routes =
            Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&state));
        Ok(Self { server: Server::start(routes).await?, state })
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/v1", self.server.url)
    }

    /// Changes how it feels.
    pub fn set(&self, mood: Mood) {
        *self.state.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// The bodies of all requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Value> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn complete(State(state): State<Arc<Shared>>, Json(request): Json<Value>) -> Response {
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let mood = state.mood.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let wants_plan = request.get("response_format").is_some_and(|format| !format.is_null());
    match mood {
        Mood::Erring(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Json(json!({"error": {"message": "not now", "type": "server_error"}}))).into_response()
        }
        Mood::Nonsense if wants_plan => whole("Well, let me think about that."),
        Mood::Nonsense => {
            ([("content-type", "text/event-stream")], "data: {\"what\": 1}\n\n").into_response()
        }
        Mood::Inventive if wants_plan => whole(&plan(&["an-agent-that-is-not-there".to_owned()])),
        Mood::Good { agents, .. } if wants_plan => whole(&plan(&agents)),
        Mood::Asks(steps) if wants_plan => whole(&plan_of(&steps, "high")),
        Mood::Unsure(agent) if wants_plan => whole(&plan_of(&[(agent, "the question".to_owned())], "low")),
        Mood::Good { answer, .. } => streamed(&answer),
        Mood::Drafts(drafts) if wants_plan => {
            let example = |(language, text): &(String, String)| json!({"language": language, "text": text});
            let examples: Vec<_> = drafts.iter().map(example).collect();
            whole(&json!({"examples": examples}).to_string())
        }
        Mood::Slow(pause, answer) if !wants_plan => {
            sleep(pause).await;
            streamed(&answer)
        }
        Mood::Titles(title) if wants_plan => whole(&json!({"title": title}).to_string()),
        Mood::Inventive
        | Mood::Titles(_)
        | Mood::Drafts(_)
        | Mood::Asks(_)
        | Mood::Unsure(_)
        | Mood::Slow(..) => streamed("Nothing."),
    }
}

fn plan(agents: &[String]) -> String {
    let steps: Vec<_> = agents.iter().map(|agent| (agent.clone(), format!("the part for {agent}"))).collect();
    plan_of(&steps, "high")
}

fn plan_of(steps: &[(String, String)], confidence: &str) -> String {
    let step = |(agent, question): &(String, String)| json!({"agent": agent, "sub_question": question, "depends_on": []});
    let steps: Vec<_> = steps.iter().map(step).collect();
    json!({
        "steps": steps, "in_scope": true, "follow_up": false, "needs_clarification": null,
        "confidence": confidence, "reason": "the test says so",
    })
    .to_string()
}

fn whole(content: &str) -> Response {
    Json(json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "fake",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }))
    .into_response()
}

fn streamed(answer: &str) -> Response {
    let chunk = |delta: Value, finish: Value, usage: Value| {
        let chunk = json!({
            "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let mut body: String = answer
        .split_inclusive(' ')
        .map(|word| chunk(json!({"content": word}), Value::Null, Value::Null))
        .collect();
    let usage = json!({"prompt_tokens": 23, "completion_tokens": 5, "total_tokens": 28});
    body.push_str(&chunk(json!({}), json!("stop"), usage));
    body.push_str("data: [DONE]\n\n");
    ([("content-type", "text/event-stream")], body).into_response()
}
