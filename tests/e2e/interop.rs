//! Other people's programs: an agent on the official Python SDK, and a WebSocket client that was not written here.

use serde_json::Value;
use std::{path::PathBuf, process::Stdio};
use switchboard_tests::{House, person::PATIENCE};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

fn python() -> Command {
    peer("python")
}

/// A program of `interop/requirements.txt`; `tests/run` installs them.
pub(super) fn peer(name: &str) -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join(".venv/bin").join(name);
    assert!(program.is_file(), "run `tests/run` once: it makes .venv with tests/interop/requirements.txt");
    let mut command = Command::new(program);
    command.current_dir(root.join("tests/interop")).stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub(super) async fn foreign_agent() -> anyhow::Result<(Child, String)> {
    let (child, ready) = foreign("agent.py").await?;
    Ok((child, ready["url"].as_str().unwrap_or_default().to_owned()))
}

/// A program of agents, and what it says when it is ready.
pub(super) async fn foreign(program: &str) -> anyhow::Result<(Child, Value)> {
    let mut child = python().arg(program).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let line = timeout(PATIENCE, lines.next_line()).await??.unwrap_or_default();
    Ok((child, serde_json::from_str(&line)?))
}

#[tokio::test]
async fn an_agent_on_somebody_elses_sdk_answers_through_the_whole_house() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (_child, url) = foreign_agent().await?;
    let view = house.register_url("word-turner", &url, &[]).await?;
    assert!(view.streaming);
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "please say this sentence backwards, word by word").await?;
    assert_eq!(heard.agents(), ["word-turner"], "{}", heard.data("plan.decided"));
    assert_eq!(heard.answer(), "word by word backwards, sentence this say please");
    let progress = heard.all("call.progress");
    assert!(progress.iter().any(|p| p["text"] == "turning words around"), "{progress:?}");
    house.stop().await
}

#[tokio::test]
async fn a_websocket_client_that_was_not_written_here_sees_plan_progress_and_answer() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (_child, url) = foreign_agent().await?;
    house.register_url("word-turner", &url, &[]).await?;
    let token = house.topology().token("ann", &["user"])?;
    let mut command = python();
    command.arg("client.py").arg(house.topology().url().as_str()).arg(house.topology().ca()).arg(token);
    let output = timeout(PATIENCE, command.arg("turn these words around").output()).await??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let frames: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let names: Vec<_> = frames.iter().filter_map(|frame| frame["type"].as_str()).collect();
    for name in
        ["welcome", "joined", "ack", "plan.decided", "call.finished", "answer.finished", "turn.finished"]
    {
        assert!(names.contains(&name), "{name} in {names:?} {}", String::from_utf8_lossy(&output.stderr));
    }
    let answer = frames.iter().find(|frame| frame["type"] == "answer.finished").expect("it is there");
    assert_eq!(answer["data"]["text"], "around words these turn");
    house.stop().await
}
