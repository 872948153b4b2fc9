//! What was acknowledged is kept, whatever dies.

use serde_json::{Value, json};
use std::time::Duration;
use switchboard_tests::{FakeAgent, House, Manner, person::seqs};

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];

#[tokio::test]
async fn a_dead_core_does_not_lose_the_answer_and_the_socket_stays_open() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let words = "a b c d e f g h i j k l m n o p";
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly(words.into(), Duration::from_millis(400))).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;

    let ack = ann.say(room, "@slow what is the weather like").await?;
    let mut frames = ann.until(|frame| frame["type"] == "call.started").await?;
    let owner = owner(&house, &ack["turn"]).await?;
    house.topology().cores()[owner].kill9().await;
    frames.extend(ann.until(|frame| frame["type"] == "turn.finished").await?);

    assert_eq!(
        seqs(&frames),
        (seqs(&frames)[0]..=*seqs(&frames).last().unwrap()).collect::<Vec<_>>(),
        "no gap, no double"
    );
    let attempts: Vec<_> =
        frames.iter().filter(|f| f["type"] == "turn.started").map(|f| f["data"]["attempt"].clone()).collect();
    assert_eq!(attempts.last(), Some(&json!(2)), "another core took it up: {attempts:?}");
    let finished = frames.last().unwrap();
    assert_eq!(finished["data"]["state"], "completed", "{finished}");
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"][0]["text"], "@slow what is the weather like");
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "one question, one answer: {page}");
    house.stop().await
}

/// Which core has the turn: the one whose metrics say that it runs one.
pub(crate) async fn owner(house: &House, turn: &Value) -> anyhow::Result<usize> {
    for (i, core) in house.topology().cores().iter().enumerate() {
        let metrics = reqwest::get(core.admin().join("/metrics")?).await?.text().await?;
        if metrics.lines().any(|line| line == "switchboard_core_running_turns 1") {
            return Ok(i);
        }
    }
    anyhow::bail!("no core runs {turn}")
}

#[tokio::test]
async fn a_restarted_core_has_everything() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    house.greet("bob").await?;
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@weather will it rain?").await?;

    house.topology().cores()[0].restart().await?;
    // The socket is the same one; the next question goes to the new process.
    let again = ann.ask(room, "@weather and tomorrow?").await?;
    assert_eq!(again.answer(), "Sunny.");
    assert_eq!(again.seqs()[0], heard.seqs().last().unwrap() + 1);
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"].as_array().unwrap().len(), 4, "{page}");
    let bob = house.topology().client("bob", &["user"])?;
    let list: Value = bob.get("/v1/conversations").await?;
    assert_eq!(list["items"][0]["id"], json!(room));
    house.stop().await
}

#[tokio::test]
async fn a_turn_that_a_dying_core_left_behind_is_finished_by_the_next_one() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let quick = toml::toml! {
            [turn]
            lease_ms = 1500
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &quick);
    })
    .await?;
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly("done at last".into(), Duration::from_millis(500)))
            .await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, "@slow what is the weather like").await?;
    ann.until(|frame| frame["type"] == "call.started").await?;
    house.topology().cores()[0].kill9().await;
    house.topology().cores()[0].restart().await?;
    let view = ann.turn_over(ack["turn"].as_str().unwrap()).await?;
    assert_eq!(view.attempt, 2);
    assert!(view.usage.ms >= 1_000, "all attempts count, and what was between them: {view:?}");
    assert_eq!(view.state, switchboard_shared::events::TurnState::Completed, "{view:?}");
    house.stop().await
}

#[tokio::test]
async fn a_house_that_is_started_again_on_its_data_has_everything() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let ack = ann.say(room, "hello").await?;
    ann.turn_over(ack["turn"].as_str().unwrap()).await?;
    let house = house.start_again().await?;
    let ann = house.person("ann").await?;
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"][0]["text"], "hello", "{page}");
    house.stop().await
}

#[tokio::test]
async fn while_the_database_is_away_a_send_waits_or_is_refused_and_is_never_acknowledged()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    house.topology().postgres().kill9().await;
    ann.send(&json!({"type": "send", "id": "while-away", "conversation": room, "text": "hello"})).await?;
    let answer = ann.until(|frame| frame["id"] == "while-away").await?;
    let answer = answer.last().unwrap();
    assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("unavailable")), "{answer}");
    assert!(answer["retry_after_s"].as_u64().is_some(), "{answer}");

    house.topology().postgres().restart().await?;
    let ack = ann.say_as(room, "while-away", "hello").await?;
    assert_eq!(ack["seq"], 1, "nothing of the refused one was kept: {ack}");
    ann.until(|frame| frame["type"] == "turn.finished").await?;
    house.stop().await
}

#[tokio::test]
async fn cores_that_share_a_redis_ring_each_other() -> anyhow::Result<()> {
    let house = House::with(|options| (options.cores, options.edges) = (2, 2)).await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut people = Vec::new();
    let mut ann = house.person("ann").await?;
    let others = ["bob", "cleo", "dan"];
    for name in others {
        house.greet(name).await?;
    }
    let room = ann.room(&others).await?;
    for name in others {
        let mut person = house.person(name).await?;
        person.join(room, Some(0)).await?;
        people.push(person);
    }
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@weather will it rain?").await?;
    for person in &mut people {
        let frames = person.until(|frame| frame["type"] == "turn.finished").await?;
        assert_eq!(seqs(&frames), heard.seqs(), "{}", person.name);
    }
    house.stop().await
}

#[tokio::test]
async fn with_all_of_redis_gone_whole_answers_still_come() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain?").await?;
    house.topology().redis().expect("two cores share one").kill9().await;
    let told = ann.until(|frame| frame["type"] == "notice").await?;
    assert_eq!(told.last().unwrap()["data"]["code"], "degraded", "it is said, soon");
    for _ in 0..3 {
        let heard = ann.ask(room, "@weather and now?").await?;
        assert_eq!(heard.answer(), "Sunny.");
    }
    house.stop().await
}

#[tokio::test]
async fn a_dead_edge_costs_a_reconnect_and_nothing_else() -> anyhow::Result<()> {
    let house = House::with(|options| options.edges = 2).await?;
    let words = "a b c d e f g h i j";
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly(words.into(), Duration::from_millis(150))).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, "@slow what is the weather like").await?;
    let before = ann.until(|frame| frame["type"] == "call.started").await?;
    let edges = house.topology().edges();
    edges[0].kill9().await;
    assert!(ann.closed().await?.code.is_none_or(|code| code == 1006));

    ann.http = house.client_at(edges[1].url(), "ann")?;
    ann.connect().await?;
    let cursor = *seqs(&before).last().unwrap();
    ann.join(room, Some(cursor)).await?;
    let after = ann.until(|frame| frame["type"] == "turn.finished" && frame["turn"] == ack["turn"]).await?;
    assert_eq!(seqs(&after), (cursor + 1..=*seqs(&after).last().unwrap()).collect::<Vec<_>>());
    let finished = after.iter().find(|frame| frame["type"] == "answer.finished").unwrap();
    assert_eq!(finished["data"]["text"], words);
    drop(house);
    Ok(())
}

#[tokio::test]
async fn a_core_that_is_frozen_within_a_transaction_keeps_nobody_waiting() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.cores = 2;
        let quick = toml::toml! {
            [postgres]
            idle_ms = 500
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &quick);
    })
    .await?;
    let mut ann = house.person("ann").await?;
    let mut bob = house.person("bob").await?;
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    bob.join(room, Some(0)).await?;
    let cores = house.topology().cores();
    signal("STOP", cores[1].pid())?;
    until(async || Ok(healthy(&house).await? == 1)).await?;

    // What the first core writes meets a row that we hold, so that it is frozen in the middle of it.
    let mut database = house.topology().postgres().connect().await?;
    let ours = database.transaction().await?;
    let locked = ours.execute("SELECT 1 FROM conversations FOR UPDATE", &[]).await?;
    anyhow::ensure!(locked == 1, "{locked} conversations");
    ann.send(&json!({"type": "send", "id": "a", "conversation": room, "text": "hello"})).await?;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until(async || Ok(ours.query_one(waits, &[]).await?.get::<_, i64>(0) > 0)).await?;
    signal("STOP", cores[0].pid())?;
    ours.commit().await?;
    signal("CONT", cores[1].pid())?;
    bob.say_as(room, "b", "and me?").await?;

    signal("CONT", cores[0].pid())?;
    ann.until(|frame| frame["type"] == "ack" && frame["id"] == "a").await?;
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let said: Vec<_> =
        page["items"].as_array().unwrap().iter().filter(|m| m["author"]["kind"] == "user").collect();
    assert_eq!(said.len(), 2, "each once: {page}");
    house.stop().await
}

pub(crate) fn signal(name: &str, pid: Option<u32>) -> anyhow::Result<()> {
    let pid = pid.ok_or_else(|| anyhow::anyhow!("it does not run"))?;
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status()?;
    anyhow::ensure!(sent.success(), "it could not be told {name}");
    Ok(())
}

/// How many cores the first edge finds well.
async fn healthy(house: &House) -> anyhow::Result<usize> {
    let metrics = reqwest::get(house.topology().edges()[0].admin().join("/metrics")?).await?.text().await?;
    let well = |line: &&str| line.starts_with("switchboard_edge_core_healthy{") && line.ends_with(" 1");
    Ok(metrics.lines().filter(well).count())
}

pub(crate) async fn until(mut holds: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let waiting = async {
        while !holds().await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await?
}

#[tokio::test]
async fn beyond_its_bounds_a_core_refuses_before_it_accepts() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let small = toml::toml! {
            [turn]
            max_running = 1
            max_queued = 2
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &small);
    })
    .await?;
    let agent = FakeAgent::start("slow", WEATHER, Manner::Silent).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let running = ann.say(room, "@slow one").await?;
    let waiting = ann.say(room, "@slow two").await?;
    ann.send(&json!({"type": "send", "id": "three", "conversation": room, "text": "@slow three"})).await?;
    let refused = ann.until(|frame| frame["id"] == "three").await?;
    let refused = refused.last().unwrap();
    assert_eq!(refused["code"], "rate_limited", "one place is left, and it is not hers: {refused}");
    assert!(refused["retry_after_s"].as_u64().is_some(), "{refused}");
    // What was accepted is still worked off, in order.
    for ack in [running, waiting] {
        ann.send(&json!({"type": "cancel", "turn": ack["turn"]})).await?;
        ann.turn_over(ack["turn"].as_str().unwrap()).await?;
    }
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let said: Vec<_> =
        page["items"].as_array().unwrap().iter().filter(|m| m["author"]["kind"] == "user").collect();
    assert_eq!(said.len(), 2, "{page}");
    house.stop().await
}
