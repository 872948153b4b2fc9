//! Somebody on a WebSocket, and over HTTP.

use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::{collections::VecDeque, time::Duration};
use switchboard::client::{Client, Closed, Socket, next_text, send_frame};
use switchboard_shared::{
    api::{ConversationSummary, CreateConversation, TurnView},
    ids::{ConversationId, UserId},
};
use tokio::time::timeout;

/// How long anything that should happen may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody with a token, and a socket once they have one.
#[derive(Debug)]
pub struct Person {
    /// Who.
    pub name: String,
    /// Over HTTP.
    pub http: Client,
    socket: Option<Socket>,
    /// Frames of a turn that came before its acknowledgement.
    early: VecDeque<Value>,
    sent: u32,
}

impl Person {
    /// Makes somebody without a socket yet.
    #[must_use]
    pub fn new(name: &str, http: Client) -> Self {
        Self { name: name.to_owned(), http, socket: None, early: VecDeque::new(), sent: 0 }
    }

    /// Opens a socket and waits for the welcome.
    ///
    /// # Errors
    /// When the edge refuses.
    pub async fn connect(&mut self) -> anyhow::Result<()> {
        self.socket = Some(self.http.socket("/ws").await?);
        self.early.clear();
        let welcome = self.read().await?;
        anyhow::ensure!(welcome["type"] == "welcome", "{welcome}");
        Ok(())
    }

    /// Drops the socket without a word, as a lost network does.
    pub fn vanish(&mut self) {
        self.socket = None;
    }

    /// Makes a conversation with `others`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn room(&self, others: &[&str]) -> anyhow::Result<ConversationId> {
        let members = others.iter().map(|name| name.parse::<UserId>()).collect::<Result<_, _>>()?;
        let new = CreateConversation { members, ..CreateConversation::default() };
        Ok(self.http.post::<ConversationSummary>("/v1/conversations", &new).await?.id)
    }

    /// Comes into a conversation.
    ///
    /// # Errors
    /// When the edge says anything but `joined`.
    pub async fn join(&mut self, room: ConversationId, after: Option<u64>) -> anyhow::Result<Value> {
        self.send(&json!({"type": "join", "conversation": room, "after": after})).await?;
        let joined = self.read().await?;
        anyhow::ensure!(joined["type"] == "joined", "{joined}");
        Ok(joined)
    }

    /// Says something and waits for the acknowledgement.
    ///
    /// # Errors
    /// When it is answered by an error frame.
    pub async fn say(&mut self, room: ConversationId, text: &str) -> anyhow::Result<Value> {
        self.sent += 1;
        let id = format!("{}-{}", self.name, self.sent);
        self.say_as(room, &id, text).await
    }

    /// Says something under an id of the test's choice.
    ///
    /// # Errors
    /// When it is answered by an error frame.
    pub async fn say_as(&mut self, room: ConversationId, id: &str, text: &str) -> anyhow::Result<Value> {
        self.send(&json!({"type": "send", "id": id, "conversation": room, "text": text})).await?;
        let mut frames = self.until(|frame| frame["id"] == id && is_answer(frame)).await?;
        let answer = frames.pop().context("at least the answer")?;
        anyhow::ensure!(answer["type"] == "ack", "{answer}");
        self.early.extend(frames.into_iter().filter(|frame| frame["turn"] == answer["turn"]));
        Ok(answer)
    }

    /// Says something, and hears everything until the turn that answers it is over.
    ///
    /// # Errors
    /// When the turn does not end in time.
    pub async fn ask(&mut self, room: ConversationId, text: &str) -> anyhow::Result<Heard> {
        self.sent += 1;
        let id = format!("{}-{}", self.name, self.sent);
        self.send(&json!({"type": "send", "id": id, "conversation": room, "text": text})).await?;
        // Events may come before the acknowledgement: both ends are waited for.
        let (mut frames, mut turn, mut finished) = (Vec::new(), Value::Null, Vec::new());
        loop {
            let frame = self.next().await.with_context(|| format!("after {}", names(&frames)))?;
            if frame["type"] == "error" {
                bail!("{frame}");
            }
            if frame["type"] == "ack" && frame["id"] == id.as_str() {
                turn = frame["turn"].clone();
            }
            if frame["type"] == "turn.finished" {
                finished.push(frame["turn"].clone());
            }
            frames.push(frame);
            if finished.contains(&turn) {
                frames.retain(|frame| frame["turn"] == turn || frame["type"] == "notice");
                return Ok(Heard { frames });
            }
        }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When there is no socket, or it is gone.
    pub async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        let socket = self.socket.as_mut().context("not connected")?;
        Ok(send_frame(socket, frame).await?)
    }

    /// The socket itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn socket(&mut self) -> anyhow::Result<&mut Socket> {
        self.socket.as_mut().context("not connected")
    }

    /// The next frame.
    ///
    /// # Errors
    /// When none comes, or the socket is closed.
    pub async fn next(&mut self) -> anyhow::Result<Value> {
        match self.early.pop_front() {
            Some(frame) => Ok(frame),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> anyhow::Result<Value> {
        let socket = self.socket.as_mut().context("not connected")?;
        let text = timeout(PATIENCE, next_text(socket)).await.context("nothing came")?;
        let text = text.map_err(|closed| anyhow::anyhow!("closed: {closed:?}"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Reads until the socket is closed; how.
    ///
    /// # Errors
    /// When it is not.
    pub async fn closed(&mut self) -> anyhow::Result<Closed> {
        let socket = self.socket.as_mut().context("not connected")?;
        let reading = async {
            loop {
                if let Err(closed) = next_text(socket).await {
                    return closed;
                }
            }
        };
        timeout(PATIENCE, reading).await.context("it stayed open")
    }

    /// Reads frames until one holds; all of them, that one last.
    ///
    /// # Errors
    /// When none holds in time.
    pub async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Vec<Value>> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await.with_context(|| format!("after {}", names(&frames)))?;
            let last = holds(&frame);
            frames.push(frame);
            if last {
                return Ok(frames);
            }
        }
    }

    /// Reads a turn's rows over HTTP until it is over.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn turn_over(&self, turn: &str) -> anyhow::Result<TurnView> {
        let waiting = async {
            loop {
                let view: TurnView = match self.http.get(&format!("/v1/turns/{turn}")).await {
                    Ok(view) => view,
                    // What a client does that is told to try again.
                    Err(error) if error.to_string().contains("Try again") => {
                        tokio::time::sleep(Duration::from_millis(500)).await;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                if view.state != switchboard_shared::events::TurnState::Running {
                    return Ok(view);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, waiting).await.context("the turn is still running")?
    }
}

/// What was heard of one turn.
#[derive(Debug)]
pub struct Heard {
    /// Its frames, in order.
    pub frames: Vec<Value>,
}

impl Heard {
    /// The data of the first event of a type; `Null` when there was none.
    #[must_use]
    pub fn data(&self, name: &str) -> Value {
        self.all(name).into_iter().next().unwrap_or_default()
    }

    /// The data of every event of a type.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<Value> {
        self.frames.iter().filter(|frame| frame["type"] == name).map(|frame| frame["data"].clone()).collect()
    }

    /// The whole answer.
    #[must_use]
    pub fn answer(&self) -> String {
        self.data("answer.finished")["text"].as_str().unwrap_or_default().to_owned()
    }

    /// What the answer did without.
    #[must_use]
    pub fn degraded(&self) -> String {
        self.data("answer.finished")["degraded"].as_str().unwrap_or_default().to_owned()
    }

    /// The agents that the plan names.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        let plan = self.data("plan.decided");
        let steps = plan["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().map(|step| step["agent"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The deltas put together.
    #[must_use]
    pub fn streamed(&self) -> String {
        self.all("answer.delta").iter().filter_map(|delta| delta["text"].as_str()).collect()
    }

    /// The durable events' numbers.
    #[must_use]
    pub fn seqs(&self) -> Vec<u64> {
        seqs(&self.frames)
    }
}

/// The numbers of the durable events among frames.
#[must_use]
pub fn seqs(frames: &[Value]) -> Vec<u64> {
    frames.iter().filter(|frame| frame["at"].is_string()).filter_map(|frame| frame["seq"].as_u64()).collect()
}

fn is_answer(frame: &Value) -> bool {
    frame["type"] == "ack" || frame["type"] == "error"
}

fn names(frames: &[Value]) -> String {
    let names: Vec<_> = frames.iter().filter_map(|frame| frame["type"].as_str()).collect();
    names.join(" ")
}
