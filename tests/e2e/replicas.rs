//! A primary with a replica: where reads go, and what happens when the primary goes.

use crate::durability::until;
use serde_json::{Value, json};
use std::time::Duration;
use switchboard::topology::config::overlay;
use switchboard_tests::{House, Person, replicas::Replicas};
use tokio::time::{Instant, sleep};

async fn house(replicas: &Replicas) -> anyhow::Result<House> {
    let section = toml::Table::from_iter([("postgres".to_owned(), replicas.section().into())]);
    House::with(|options| overlay(&mut options.core_overrides, &section)).await
}

/// The value of a line of the core's metrics; 0 without it.
async fn metric(house: &House, line: &str) -> anyhow::Result<u64> {
    let text = reqwest::get(house.topology().cores()[0].admin().join("/metrics")?).await?.text().await?;
    let value = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
    Ok(value.unwrap_or(0))
}

/// Whether this host is the one that is written to.
async fn writes(house: &House, host: &str) -> anyhow::Result<bool> {
    let line = format!("switchboard_core_postgres_role{{host=\"{host}\",role=\"writer\"}}");
    Ok(metric(house, &line).await? == 1)
}

async fn reads(ann: &Person, room: impl std::fmt::Display) -> anyhow::Result<Vec<Value>> {
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let list: Value = ann.http.get("/v1/conversations").await?;
    anyhow::ensure!(list["items"].as_array().is_some_and(|items| !items.is_empty()), "{list}");
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn when_the_primary_goes_reading_goes_on_and_when_a_replica_takes_over_so_does_writing()
-> anyhow::Result<()> {
    let replicas = Replicas::start().await?;
    let house = house(&replicas).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say_as(room, "first", "hello").await?;
    ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    let to_replica = "switchboard_core_postgres_reads_total{to=\"replica\",why=\"own\"}";
    until(async || {
        anyhow::ensure!(!reads(&ann, room).await?.is_empty(), "what was written is read");
        Ok(metric(&house, to_replica).await? > 0)
    })
    .await?;
    let same = "SELECT count(*) FROM events";
    until(async || Ok(replicas.ask(0, same).await? == replicas.ask(1, same).await?)).await?;

    replicas.host(0).kill9().await;
    let before = reads(&ann, room).await?;
    assert_eq!(before.len(), 2, "one question, one answer: {before:?}");
    let ready = reqwest::get(house.topology().cores()[0].admin().join("/readyz")?).await?;
    assert_eq!(ready.status(), 200, "it is ready to read");
    let mut bob = house.person("ann").await?;
    let attached = bob.join(room, Some(0)).await?;
    assert_ne!(attached["type"], "error", "{attached}");
    ann.send(&json!({"type": "send", "id": "second", "conversation": room, "text": "still there?"})).await?;
    let refused = ann.until(|frame| frame["id"] == "second").await?;
    let refused = refused.last().cloned().unwrap_or_default();
    assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("unavailable")), "{refused}");
    assert!(refused["retry_after_s"].as_u64().is_some(), "{refused}");

    replicas.promote().await?;
    let promoted = Instant::now();
    let ack = ann.say_as(room, "second", "still there?").await?;
    println!("from promotion to the first acknowledged write: {:?}", promoted.elapsed());
    bob.until(|frame| frame["type"] == "turn.finished" && frame["turn"] == ack["turn"]).await?;

    // The old one comes back and takes itself for the primary.
    replicas.host(0).restart().await?;
    until(async || Ok(replicas.ask(0, "SELECT pg_is_in_recovery()").await.is_ok_and(|said| said == "f")))
        .await?;
    let kept = replicas.ask(0, same).await?;
    let deadline = Instant::now() + Duration::from_secs(2);
    for number in 0.. {
        ann.say_as(room, &format!("more-{number}"), "and now?").await?;
        assert!(writes(&house, "host1").await? && !writes(&house, "host0").await?);
        if Instant::now() > deadline {
            break;
        }
        // 30 a minute are allowed.
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(replicas.ask(0, same).await?, kept, "nothing was written there");
    house.stop().await
}

#[tokio::test]
async fn a_primary_that_is_frozen_is_left() -> anyhow::Result<()> {
    let replicas = Replicas::start().await?;
    let house = house(&replicas).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say_as(room, "first", "hello").await?;
    ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    let same = "SELECT count(*) FROM events";
    until(async || Ok(replicas.ask(0, same).await? == replicas.ask(1, same).await?)).await?;

    replicas.signal(0, "STOP").await?;
    let frozen = Instant::now();
    ann.send(&json!({"type": "send", "id": "second", "conversation": room, "text": "still there?"})).await?;
    assert_eq!(reads(&ann, room).await?.len(), 2);
    println!("reads with a frozen primary took {:?}", frozen.elapsed());
    until(async || Ok(!writes(&house, "host0").await?)).await?;
    println!("the frozen primary was left after {:?}", frozen.elapsed());
    replicas.promote().await?;
    let promoted = Instant::now();
    ann.say_as(room, "second", "still there?").await?;
    println!("from promotion to the first acknowledged write: {:?}", promoted.elapsed());
    replicas.signal(0, "CONT").await?;
    ann.say_as(room, "third", "thawed").await?;
    assert!(writes(&house, "host1").await?, "who was frozen is not written to");
    house.stop().await
}
