//! Agents on the official SDK, each asked over the interfaces that its card has.

use super::{
    a2a::{Wire, state},
    interop::foreign,
};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_tests::{House, person::PATIENCE};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn agents_on_the_official_sdk_are_asked_over_the_interfaces_that_they_have() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (_child, urls) = foreign("bindings.py").await?;
    let ann = Wire::of(&house, "ann")?;
    for (id, kind, streaming) in [
        ("rest", "HTTP+JSON 1.0", true),
        ("before", "JSONRPC 0.3", true),
        ("grpc", "GRPC 1.0", true),
        ("fallen", "fallback", false),
    ] {
        let url = urls[kind].as_str().unwrap_or_default();
        let view = house.register_url(id, url, &[]).await?;
        assert_eq!(view.streaming, streaming, "{kind}");
        let begun = ann.send(&format!("{id}-1"), &format!("@{id} turn words around"), json!({})).await?;
        assert_eq!(state(&begun), "INPUT_REQUIRED", "{kind}: {begun}");
        let reply = json!({"taskId": begun["id"]});
        let turned = ann.send(&format!("{id}-2"), "these words turn", reply).await?;
        assert_eq!(state(&turned), "COMPLETED", "{kind}: {turned}");
        assert_eq!(turned["artifacts"][0]["parts"][0]["text"], "turn words these", "{kind}: {turned}");
    }
    house.stop().await
}

#[tokio::test]
async fn an_agent_over_grpc_is_streamed_from_and_what_it_refuses_is_said() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (_child, urls) = foreign("bindings.py").await?;
    house.register_url("grpc", urls["GRPC 1.0"].as_str().unwrap_or_default(), &[]).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@grpc piecemeal these words").await?;
    assert_eq!(heard.answer().trim(), "words these piecemeal");
    let progress = heard.all("call.progress");
    assert!(progress.iter().any(|said| said["text"] == "turning words around"), "{progress:?}");
    assert!(heard.all("answer.delta").len() > 1, "it comes in pieces");
    let refused = ann.ask(room, "@grpc unreadable").await?;
    let call = refused.data("call.finished");
    assert_eq!(call["state"], "rejected", "{call}");
    assert!(call["reason"].as_str().is_some_and(|why| why.contains("these words cannot be read")), "{call}");
    house.stop().await
}

#[tokio::test]
async fn work_that_takes_long_is_watched_and_canceled_over_each_interface() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let short = "[agents]\ncall_ms = 1000\n".parse::<toml::Table>().expect("it is written here");
        switchboard::topology::config::overlay(&mut options.core_overrides, &short);
    })
    .await?;
    let (_child, urls) = foreign("bindings.py").await?;
    let ann = Wire::of(&house, "ann")?;
    let (mut works, mut canceled) = (Vec::new(), Vec::new());
    let kinds =
        [("rest", "HTTP+JSON 1.0"), ("before", "JSONRPC 0.3"), ("grpc", "GRPC 1.0"), ("fallen", "fallback")];
    for (id, kind) in kinds {
        let url = urls[kind].as_str().unwrap_or_default();
        house.register_url(id, url, &[]).await?;
        for (name, tasks) in [("done", &mut works), ("left", &mut canceled)] {
            let task =
                ann.send(&format!("{id}-{name}"), &format!("@{id} slowly turn around"), json!({})).await?;
            assert_eq!(state(&task), "WORKING", "{kind}: {task}");
            tasks.push((url.to_owned(), task["id"].clone()));
        }
        let (_, task) = &canceled[canceled.len() - 1];
        assert_eq!(state(&ann.call("CancelTask", json!({"id": task})).await?), "CANCELED", "{kind}");
    }
    for (url, task) in works {
        let ended = async {
            loop {
                let task = ann.call("GetTask", json!({"id": task})).await?;
                let canceled: Value = reqwest::get(format!("{url}/canceled")).await?.json().await?;
                if state(&task) != "WORKING" && canceled == 1 {
                    return anyhow::Ok(task);
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        let task = timeout(PATIENCE, ended).await??;
        assert_eq!(state(&task), "COMPLETED", "{url}: {task}");
        assert_eq!(task["artifacts"][0]["parts"][0]["text"], "around turn slowly", "{url}: {task}");
    }
    house.stop().await
}
