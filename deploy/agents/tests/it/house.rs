//! A house of agents on a free port with a folder of its own, and a client for it.

use std::path::PathBuf;

use futures::StreamExt;
use serde_json::{Value, json};
use switchboard_agents::{Limits, Settings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A running house; ends with the test.
pub(crate) struct House {
    pub(crate) url: String,
    pub(crate) data: PathBuf,
    client: reqwest::Client,
    stop: CancellationToken,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::start_with(false).await
    }

    pub(crate) async fn start_with(allow_private_addresses: bool) -> Self {
        let data = std::env::temp_dir().join(format!("agents-{}", uuid::Uuid::now_v7()));
        let settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: data.clone(),
            allow_private_addresses,
            public_url: None,
            limits: Limits::default(),
        };
        let house = switchboard_agents::House::bind(settings).await.unwrap();
        let (url, stop) = (house.directory().url, CancellationToken::new());
        let tracker = TaskTracker::new();
        tracker.spawn(house.serve(stop.clone()));
        Self { url, data, client: reqwest::Client::builder().no_proxy().build().unwrap(), stop }
    }

    /// Posts a raw body and returns status and JSON.
    pub(crate) async fn post(&self, agent: &str, version: Option<&str>, body: String) -> (u16, Value) {
        let mut request =
            self.client.post(format!("{}/{agent}", self.url)).header("content-type", "application/json");
        if let Some(version) = version {
            request = request.header("A2A-Version", version);
        }
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn call(&self, agent: &str, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": "1", "method": method, "params": params});
        self.post(agent, Some("1.0"), body.to_string()).await.1
    }

    /// Sends a message and returns the task it led to.
    pub(crate) async fn send(&self, agent: &str, message: Value) -> Value {
        let answer = self.call(agent, "SendMessage", json!({"message": message})).await;
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"]["task"].clone()
    }

    /// Says a text and returns the whole answer; fails unless the task completes.
    pub(crate) async fn ask(&self, agent: &str, text: &str) -> String {
        let task = self.send(agent, said(text)).await;
        assert_eq!(state(&task), "TASK_STATE_COMPLETED", "{task}");
        answer(&task)
    }

    /// Says a text and returns state and words of the status.
    pub(crate) async fn status(&self, agent: &str, text: &str) -> (String, String) {
        let task = self.send(agent, said(text)).await;
        let words = task["status"]["message"]["parts"][0]["text"].as_str().unwrap_or_default();
        (state(&task).to_owned(), words.to_owned())
    }

    /// Every event of a stream, to its end.
    pub(crate) async fn stream(&self, agent: &str, method: &str, params: Value) -> Vec<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let request = self.client.post(format!("{}/{agent}/", self.url)).header("A2A-Version", "1.0");
        let response = request.json(&body).send().await.unwrap();
        let mut chunks = response.bytes_stream();
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk.unwrap()));
        }
        let frames = text.lines().filter_map(|line| line.strip_prefix("data: "));
        frames.map(|frame| serde_json::from_str::<Value>(frame).unwrap()["result"].clone()).collect()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
        std::fs::remove_dir_all(&self.data).ok();
    }
}

/// A user's message of one text.
pub(crate) fn said(text: &str) -> Value {
    json!({"messageId": uuid::Uuid::now_v7(), "role": "ROLE_USER", "parts": [{"text": text}]})
}

pub(crate) fn state(task: &Value) -> &str {
    task["status"]["state"].as_str().unwrap_or_default()
}

pub(crate) fn answer(task: &Value) -> String {
    let parts = task["artifacts"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|artifact| artifact["parts"].as_array().into_iter().flatten());
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// A small web site on a free port, for agents that fetch.
pub(crate) async fn site() -> String {
    use axum::response::{Html, Redirect};
    use axum::routing::{get, post};
    let page = "<html><head><title>Shop news</title></head><body><h1>Autumn sale</h1><main><p>All lamps are half price.</p></main><a href='/more'>more</a></body></html>";
    let router = axum::Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/status", get(|| async { axum::Json(json!({"status": "green", "load": 0.4})) }))
        .route("/echo", post(|body: axum::Json<Value>| async move { body }))
        .route("/away", get(|| async { Redirect::to("/") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    url
}
