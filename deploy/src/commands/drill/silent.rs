//! An agent that has a card and never answers. Raw HTTP/1.1, since it has one thing to say.

use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use url::Url;

/// The agent; it ends when it is dropped.
pub(super) struct Silent {
    pub(super) url: Url,
    _serving: AbortOnDropHandle<()>,
}

impl Silent {
    /// Starts it; its card says `description`, and these are its examples.
    pub(super) async fn start(name: &str, description: &str, examples: &[String]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::io("a free port"))?;
        let address = listener.local_addr().map_err(Error::io("a free port"))?;
        let url: Url = format!("http://{address}/").parse().map_err(|e| Error::Failed(format!("{e}")))?;
        let card = card(name, description, examples, &url).to_string();
        let tracker = TaskTracker::new();
        let serving = AbortOnDropHandle::new(tracker.spawn(serve(listener, card, tracker.clone())));
        Ok(Self { url, _serving: serving })
    }
}

fn card(name: &str, description: &str, examples: &[String], url: &Url) -> Value {
    json!({
        "name": name, "description": description, "version": "1.0.0",
        "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        "capabilities": {"streaming": true},
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        "skills": [{"id": "s", "name": name, "description": description, "tags": ["drill"], "examples": examples}],
    })
}

async fn serve(listener: TcpListener, card: String, tracker: TaskTracker) {
    while let Ok((stream, _)) = listener.accept().await {
        tracker.spawn(answer(stream, card.clone()));
    }
}

/// Gives the card to whoever asks with GET; of a POST nothing is heard again until the caller goes.
async fn answer(mut stream: TcpStream, card: String) {
    let mut head = [0; 4096];
    let Ok(read) = stream.read(&mut head).await else { return };
    if head[..read].starts_with(b"GET ") {
        let length = card.len();
        let said = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{card}"
        );
        drop(stream.write_all(said.as_bytes()).await);
        return;
    }
    while stream.read(&mut head).await.is_ok_and(|read| read > 0) {}
}
