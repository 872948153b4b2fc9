//! Somebody on a client library that we ship: the same words for the one in Rust and for the module under Node.

use crate::{House, person::PATIENCE};
use anyhow::Context;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use switchboard_client::{Options, Received, Session};
use switchboard_shared::ids::ConversationId;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use url::Url;

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// `edge/clients/rust`.
    Rust,
    /// `edge/clients/js`.
    Module,
}

/// Somebody on a client library. What they receive is what the module hands on: `{"kind": "event", "event": …}`.
#[derive(Debug)]
pub struct Guest {
    commands: UnboundedSender<Value>,
    received: UnboundedReceiver<Value>,
    edge: String,
    _stop: DropGuard,
}

impl Guest {
    /// Comes to the house by one of these edges.
    ///
    /// # Errors
    /// When none of them lets them in.
    pub async fn open(
        library: Library,
        house: &House,
        name: &str,
        edges: &[Url],
        look_every: Duration,
    ) -> anyhow::Result<Self> {
        let token = house.topology().token(name, &["user"])?;
        Self::with_tokens(library, house, vec![token], edges, look_every).await
    }

    /// As [`Guest::open`], with these tokens, one after another; the last one stays.
    ///
    /// # Errors
    /// As [`Guest::open`].
    pub async fn with_tokens(
        library: Library,
        house: &House,
        tokens: Vec<String>,
        edges: &[Url],
        look_every: Duration,
    ) -> anyhow::Result<Self> {
        let (commands, to_do) = unbounded_channel();
        let (hand, received) = unbounded_channel();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stopped = stop.clone();
        match library {
            Library::Rust => {
                let http = house.client_at(house.topology().url(), "ann")?.http();
                let asked = AtomicUsize::new(0);
                let token = move || {
                    let asked = asked.fetch_add(1, Ordering::Relaxed).min(tokens.len() - 1);
                    std::future::ready(Ok(tokens[asked].clone()))
                };
                let mut options = Options::new(http, edges.iter().cloned(), token);
                options.look_every = look_every;
                let session = Session::open(options).await?;
                tasks.spawn(async move {
                    stopped.run_until_cancelled(talk(session, to_do, hand)).await;
                });
            }
            Library::Module => {
                let child = node("switchboard.mjs")
                    .arg(look_every.as_millis().to_string())
                    .arg(tokens.join(","))
                    .args(edges.iter().map(Url::as_str))
                    .env("NODE_EXTRA_CA_CERTS", house.topology().ca())
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()?;
                tasks.spawn(async move {
                    // A guest who is gone has nothing more to say.
                    drop(stopped.run_until_cancelled(relay(child, to_do, hand)).await);
                });
            }
        }
        let mut guest = Self { commands, received, edge: String::new(), _stop: stop.drop_guard() };
        guest.until(|received| received["kind"] == "at").await?;
        Ok(guest)
    }

    /// The edge that they are at, or were at last.
    #[must_use]
    pub fn edge(&self) -> &str {
        &self.edge
    }

    /// Comes into a conversation and waits until they are in.
    ///
    /// # Errors
    /// When they are not let in.
    pub async fn join(&mut self, room: ConversationId, after: u64) -> anyhow::Result<()> {
        self.commands.send(json!({"do": "join", "conversation": room, "after": after}))?;
        self.until(|received| received["frame"]["type"] == "joined").await.map(drop)
    }

    /// Says something, and does not wait.
    ///
    /// # Errors
    /// When the guest is gone.
    pub fn send(&self, id: &str, room: ConversationId, text: &str) -> anyhow::Result<()> {
        Ok(self.commands.send(json!({"do": "send", "id": id, "conversation": room, "text": text}))?)
    }

    /// What comes until something holds, that last.
    ///
    /// # Errors
    /// When nothing that holds comes in time, or the session cannot go on.
    pub async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let next = timeout(PATIENCE, self.received.recv()).await;
            let next = next.with_context(|| format!("nothing came after {all:?}"))?;
            let received = next.with_context(|| format!("the guest is gone after {all:?}"))?;
            anyhow::ensure!(received["kind"] != "failed", "{received}");
            if let (Some("at"), Some(edge)) = (received["kind"].as_str(), received["edge"].as_str()) {
                edge.trim_end_matches('/').clone_into(&mut self.edge);
            }
            let last = holds(&received);
            all.push(received);
            if last {
                return Ok(all);
            }
        }
    }
}

/// A program of `interop/` under Node; `deploy/install test` brings what it needs.
#[must_use]
pub fn node(program: &str) -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("node");
    command.arg(root.join("interop").join(program)).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn talk(mut session: Session, mut to_do: UnboundedReceiver<Value>, hand: UnboundedSender<Value>) {
    let edge = session.edge().map(ToString::to_string);
    let mut next = json!({"kind": "at", "edge": edge});
    while hand.send(next).is_ok() {
        next = loop {
            tokio::select! {
                received = session.next() => break shown(received),
                Some(command) = to_do.recv() => {
                    if let Err(error) = obey(&mut session, command) {
                        break json!({"kind": "failed", "why": error.to_string()});
                    }
                }
            }
        };
        if next["kind"] == "failed" {
            drop(hand.send(next));
            return;
        }
    }
}

fn obey(session: &mut Session, mut command: Value) -> anyhow::Result<()> {
    let conversation = serde_json::from_value(command["conversation"].take())?;
    if command["do"] == "join" {
        session.join(conversation, command["after"].as_u64());
        return Ok(());
    }
    let word = |name: &str| command[name].as_str().unwrap_or_default();
    Ok(session.send(word("id").parse()?, conversation, word("text"))?)
}

fn shown(received: switchboard_client::Result<Received>) -> Value {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    match received {
        Ok(Received::Event(text, _)) => json!({"kind": "event", "event": json(&text)}),
        Ok(Received::Frame(text, _) | Received::Unknown(text)) => {
            json!({"kind": "frame", "frame": json(&text)})
        }
        Ok(Received::At(edge)) => json!({"kind": "at", "edge": edge}),
        Ok(Received::Away(why)) => json!({"kind": "away", "why": why}),
        Err(error) => json!({"kind": "failed", "why": error.to_string()}),
    }
}

/// Between the channels and the program's lines.
async fn relay(
    mut child: Child,
    mut to_do: UnboundedReceiver<Value>,
    hand: UnboundedSender<Value>,
) -> anyhow::Result<()> {
    let mut input = child.stdin.take().context("it is piped")?;
    let mut lines = BufReader::new(child.stdout.take().context("it is piped")?).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => hand.send(serde_json::from_str(&line)?)?,
                None => return Ok(()),
            },
            Some(command) = to_do.recv() => input.write_all(format!("{command}\n").as_bytes()).await?,
        }
    }
}
