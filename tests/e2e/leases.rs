//! A core's lease: whose turns are taken over, when, by whom, and what becomes of the one that had them.

use crate::durability::{owner, signal, until};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_shared::events::TurnState;
use switchboard_tests::{FakeAgent, House, Manner, Person};
use tokio::time::Instant;

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];
const WORDS: &str = "a b c d e f g h i j k l m n o p q r s t";

/// So many cores whose lease is so long, and an agent that takes eight seconds.
async fn house(cores: usize, lease_ms: u64) -> anyhow::Result<(House, FakeAgent)> {
    let house = House::with(|options| {
        options.cores = cores;
        let text = format!("drain_ms = 100\n[turn]\nlease_ms = {lease_ms}\n");
        let lease = text.parse::<toml::Table>().expect("it is written here");
        switchboard::topology::config::overlay(&mut options.core_overrides, &lease);
    })
    .await?;
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly(WORDS.into(), Duration::from_millis(400))).await?;
    house.register("slow", &agent).await?;
    Ok((house, agent))
}

/// Asks the slow agent, until it speaks.
async fn ask(person: &mut Person) -> anyhow::Result<Value> {
    let room = person.room(&[]).await?;
    person.join(room, Some(0)).await?;
    let ack = person.say(room, "@slow what is the weather like").await?;
    person.until(|frame| frame["type"] == "answer.delta").await?;
    Ok(ack)
}

#[tokio::test]
async fn a_core_that_is_told_to_end_hands_its_turns_over_at_once() -> anyhow::Result<()> {
    // Whoever waited for the lease to end would wait for longer than a test does.
    let (house, _agent) = house(2, 120_000).await?;
    let mut ann = house.person("ann").await?;
    let ack = ask(&mut ann).await?;
    let owner = owner(&house, &ack["turn"]).await?;
    signal("TERM", house.topology().cores()[owner].pid())?;
    let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!((view.attempt, view.state), (2, TurnState::Completed), "{view:?}");
    assert_eq!(view.answer.as_deref(), Some(WORDS));
    drop(house);
    Ok(())
}

#[tokio::test]
async fn a_core_that_was_frozen_says_nothing_more_of_turns_that_it_has_lost() -> anyhow::Result<()> {
    let (house, agent) = house(2, 1_500).await?;
    let mut ann = house.person("ann").await?;
    let ack = ask(&mut ann).await?;
    let owner = owner(&house, &ack["turn"]).await?;
    let cores = house.topology().cores();
    signal("STOP", cores[owner].pid())?;
    // Her stream may be one of the frozen core's, so the row is asked.
    let database = house.topology().postgres().connect().await?;
    until(
        async || Ok(database.query_one("SELECT max(attempt) FROM turns", &[]).await?.get::<_, i32>(0) == 2),
    )
    .await?;
    signal("CONT", cores[owner].pid())?;
    let again = |frame: &Value| frame["type"] == "turn.started" && frame["data"]["attempt"] == 2;
    ann.until(again).await?;
    let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
    let of: Vec<_> = frames.iter().filter_map(|frame| frame["data"]["attempt"].as_u64()).collect();
    assert!(of.len() > 2 && of.iter().all(|attempt| *attempt == 2), "{of:?}");
    let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!((view.attempt, view.state), (2, TurnState::Completed), "{view:?}");
    assert_eq!(view.answer.as_deref(), Some(WORDS));
    let asked: Vec<_> = agent.asked().into_iter().map(|(_, request)| request).collect();
    let sent = asked.iter().filter(|request| request["method"] == "SendStreamingMessage").count();
    assert!(sent <= 2, "each attempt asks once: {asked:?}");
    until(async || {
        let metrics = reqwest::get(cores[owner].admin().join("/metrics")?).await?.text().await?;
        Ok(metrics.lines().any(|line| line == "switchboard_core_running_turns 0"))
    })
    .await?;
    house.stop().await
}

#[tokio::test]
async fn an_outage_of_the_database_that_is_longer_than_a_lease_costs_no_turn_another_attempt()
-> anyhow::Result<()> {
    let (house, agent) = house(2, 1_500).await?;
    let mut ann = house.person("ann").await?;
    let ack = ask(&mut ann).await?;
    house.topology().postgres().kill9().await;
    let killed = Instant::now();
    until(async || Ok(killed.elapsed() > Duration::from_secs(3))).await?;
    house.topology().postgres().restart().await?;
    let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!((view.attempt, view.state), (1, TurnState::Completed), "{view:?}");
    assert_eq!((view.answer.as_deref(), agent.asked().len()), (Some(WORDS), 1));
    house.stop().await
}

#[tokio::test]
async fn a_cancel_reaches_a_turn_on_another_core_by_a_ring() -> anyhow::Result<()> {
    let (house, agent) = house(2, 3_000).await?;
    agent.set(Manner::Silent);
    let mut ann = house.person("ann").await?;
    // Nobody sees in the rows what is to be stopped.
    let database = house.topology().postgres().connect().await?;
    database.batch_execute("REVOKE SELECT ON turns FROM switchboard_app_due").await?;
    database.batch_execute("REVOKE SELECT (cancel_requested) ON turns FROM switchboard_app_due").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    // Each turn and each cancel is a core's by chance.
    for i in 0..12 {
        let ack = ann.say(room, &format!("@slow what is the weather like {i}")).await?;
        ann.until(|frame| frame["type"] == "call.started").await?;
        ann.send(&json!({"type": "cancel", "turn": ack["turn"]})).await?;
        let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
        assert_eq!(view.state, TurnState::Canceled, "{view:?}");
    }
    house.stop().await
}

#[tokio::test]
async fn a_turn_that_nobody_works_on_is_found_though_its_core_lives() -> anyhow::Result<()> {
    let (house, agent) = house(1, 1_500).await?;
    agent.set(Manner::Silent);
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, "@slow what is the weather like").await?;
    ann.until(|frame| frame["type"] == "call.started").await?;
    // As if its attempt had been another one's: what is worked on here is not what the row says.
    let database = house.topology().postgres().connect().await?;
    agent.set(Manner::Says("Sunny.".into()));
    database.batch_execute("UPDATE turns SET attempt = 2 WHERE state = 'running'").await?;
    let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!((view.attempt, view.state), (3, TurnState::Completed), "{view:?}");
    house.stop().await
}

#[tokio::test]
async fn a_core_that_has_too_much_in_hand_refuses_what_would_wait_and_so_does_the_edge_for_it()
-> anyhow::Result<()> {
    const EACH: usize = 5;
    let house = House::with(|options| {
        let short = toml::toml! {
            [turn]
            max_wait_ms = 100
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &short);
    })
    .await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut people = Vec::new();
    for i in 0..40 {
        let mut person = house.person(&format!("u{i}")).await?;
        let room = person.room(&[]).await?;
        person.join(room, Some(0)).await?;
        people.push((person, room));
    }
    let core = house.topology().cores()[0].admin().join("/metrics")?;
    let edge = house.topology().edges()[0].admin().join("/metrics")?;
    until(async || {
        // So many that they take a while, however quick a turn is: what is too short is not measured.
        for _ in 0..EACH {
            for (person, room) in &mut people {
                let id = uuid::Uuid::now_v7();
                let frame = json!({"type": "send", "id": id, "conversation": room, "text": "@weather rain?"});
                person.send(&frame).await?;
            }
        }
        for (person, _) in &mut people {
            for _ in 0..EACH {
                let answer = person.until(|frame| frame["type"] == "ack" || frame["type"] == "error").await?;
                let answer = answer.last().cloned().unwrap_or_default();
                if let Some(turn) = answer["turn"].as_str() {
                    let view = person.turn_over(turn).await?;
                    assert_eq!(view.state, TurnState::Completed, "{view:?}");
                } else {
                    assert!(answer["retry_after_s"].as_u64().is_some(), "{answer}");
                }
            }
        }
        let by_core = reqwest::get(core.clone()).await?.text().await?;
        let by_edge = reqwest::get(edge.clone()).await?.text().await?;
        let line = r#"switchboard_edge_limit_decisions_total{decision="refused",policy="line"}"#;
        Ok(by_core.contains("switchboard_core_refused_total{") && by_edge.contains(line))
    })
    .await?;
    house.stop().await
}
