//! An OpenAI-compatible endpoint for drills, in a few lines of HTTP/1.1: it writes, hangs, fails, asks for a pause, stops
//! in the middle, or talks nonsense, as it is told.

use super::http;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::{future::pending, time::Duration};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Writes,
    Hangs,
    Fails,
    AsksForAPause,
    StopsInTheMiddle,
    TalksNonsense,
}

/// What a healthy one writes; the markers name the agents of the load.
const ANSWER: &str = "The mean is in the reply [data-processor]. The other one says so too [drill-slow].";
/// Between two words.
const WORD_EVERY: Duration = Duration::from_millis(10);

/// It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Llm {
    pub(super) url: String,
    mood: watch::Sender<Mood>,
    serving: JoinHandle<()>,
}

impl Drop for Llm {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Llm {
    pub(super) async fn start() -> Result<Self> {
        let listening = |source| Error::Io { doing: "the LLM's port".to_owned(), source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(listening)?;
        let url = format!("http://{}/v1", listener.local_addr().map_err(listening)?);
        let (mood, moods) = watch::channel(Mood::Writes);
        let serving = tokio_util::task::TaskTracker::new().spawn(async move {
            let mut held = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream.set_nodelay(true));
                let moods = moods.clone();
                #[allow(
                    clippy::disallowed_methods,
                    reason = "the set goes, and they with it, when the endpoint does"
                )]
                held.spawn(async move { drop(serve(stream, moods).await) });
                while held.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, mood, serving })
    }

    /// Changes how it is. What hangs goes on hanging.
    pub(super) fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

async fn serve(stream: TcpStream, moods: watch::Receiver<Mood>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let request: Value = serde_json::from_slice(&http::body(&mut stream).await?).unwrap_or_default();
    let mood = *moods.borrow();
    let wants_plan = request.get("response_format").is_some_and(|format| !format.is_null());
    match mood {
        Mood::Hangs => pending().await,
        Mood::Fails => refuse(&mut stream, "500 Internal Server Error").await,
        Mood::AsksForAPause => refuse(&mut stream, "429 Too Many Requests\r\nRetry-After: 2").await,
        Mood::Writes if wants_plan => whole(&mut stream, &plan()).await,
        Mood::TalksNonsense | Mood::StopsInTheMiddle if wants_plan => {
            whole(&mut stream, "Well, let me think about that.").await
        }
        Mood::Writes => stream_words(&mut stream, ANSWER, true).await,
        Mood::StopsInTheMiddle => stream_words(&mut stream, "The mean is in", false).await,
        Mood::TalksNonsense => stream_raw(&mut stream, "data: {\"what\": 1}\n\n").await,
    }
}

async fn refuse(to: &mut BufReader<TcpStream>, status: &str) -> std::io::Result<()> {
    let body = json!({"error": {"message": "not now", "type": "server_error"}}).to_string();
    http::answer(to, status, "application/json", &body).await
}

async fn whole(to: &mut BufReader<TcpStream>, content: &str) -> std::io::Result<()> {
    let body = json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "drill",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    });
    http::answer(to, "200 OK", "application/json", &body.to_string()).await
}

fn plan() -> String {
    let step = json!({"agent": "data-processor", "sub_question": "the mean", "depends_on": []});
    json!({
        "steps": [step], "in_scope": true, "follow_up": false, "needs_clarification": null,
        "confidence": "high", "reason": "it is asked for a mean",
    })
    .to_string()
}

/// Without its end it is cut: the connection closes, and the length was never said.
async fn stream_words(to: &mut BufReader<TcpStream>, text: &str, ends: bool) -> std::io::Result<()> {
    http::begin_stream(to).await?;
    for word in text.split_inclusive(' ') {
        to.write_all(chunk(json!({"content": word}), Value::Null).as_bytes()).await?;
        to.flush().await?;
        sleep(WORD_EVERY).await;
    }
    if ends {
        to.write_all(chunk(json!({}), json!("stop")).as_bytes()).await?;
        to.write_all(b"data: [DONE]\n\n").await?;
    }
    to.flush().await
}

async fn stream_raw(to: &mut BufReader<TcpStream>, text: &str) -> std::io::Result<()> {
    http::begin_stream(to).await?;
    to.write_all(text.as_bytes()).await?;
    to.flush().await
}

fn chunk(delta: Value, finish: Value) -> String {
    let chunk = json!({
        "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "drill",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    });
    format!("data: {chunk}\n\n")
}
