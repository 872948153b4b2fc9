//! An agent for drills, in a few lines of HTTP/1.1: it answers at once, or takes every question and never does.

use super::http;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::BufReader,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) url: String,
    serving: JoinHandle<()>,
}

/// How it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) hangs: bool,
    /// How long its description is.
    pub(super) card_bytes: usize,
    /// How long it takes for an answer.
    pub(super) after: Duration,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Agent {
    pub(super) async fn start(name: &str, manner: Manner) -> Result<Self> {
        let listening = |source| Error::Io { doing: "an agent's port".to_owned(), source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(listening)?;
        let url = format!("http://{}", listener.local_addr().map_err(listening)?);
        let card = json!({
            "name": name, "description": format!("{name} {}", "x".repeat(manner.card_bytes)), "version": "1",
            "capabilities": {"streaming": false}, "skills": [],
            "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
            "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let tasks = tokio_util::task::TaskTracker::new();
        let serving = tasks.clone().spawn(async move {
            let mut held = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream.set_nodelay(true));
                let card = card.to_string();
                #[allow(
                    clippy::disallowed_methods,
                    reason = "the set goes, and they with it, when the agent does"
                )]
                held.spawn(async move { drop(serve(stream, &card, manner).await) });
            }
        });
        Ok(Self { url, serving })
    }
}

async fn serve(stream: TcpStream, card: &str, manner: Manner) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (asks, body) = http::request(&mut stream).await?;
    if asks && manner.hangs {
        return std::future::pending().await;
    }
    if asks {
        sleep(manner.after).await;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = json!({"message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Here."}]}});
    let reply = json!({"jsonrpc": "2.0", "id": request["id"], "result": said}).to_string();
    http::answer(&mut stream, "200 OK", "application/json", if asks { &reply } else { card }).await
}
