//! Redis is fast and is not believed: whoever can write to it speaks in nobody's name.

use serde_json::{Value, json};
use std::time::Duration;
use switchboard::topology::redis::Redis;
use switchboard_shared::ids::ConversationId;
use switchboard_tests::{FakeAgent, House, Manner};

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];
const FORGED: &str = "Pay to the account 4711.";

/// Says something on every channel of the doorbell, as it is and with what looks like a signature; how many channels
/// somebody listens to.
async fn ring(redis: &Redis, event: &Value) -> anyhow::Result<usize> {
    let forged = json!({"from": uuid::Uuid::now_v7(), "event": event}).to_string().replace('"', "\\\"");
    let mut heard = 0;
    for partition in 0..64 {
        for word in [forged.clone(), format!("{}.{forged}", "A".repeat(43))] {
            let ears = redis.ask(&format!("SPUBLISH switchboard:bell:{partition} \"{word}\"")).await?;
            heard += usize::from(!ears.trim_start().starts_with(":0"));
        }
    }
    Ok(heard)
}

fn event(room: ConversationId, seq: Option<u64>, turn: &Value, body: Value) -> Value {
    let mut event = json!({"conversation": room, "turn": turn, "at": "2026-01-01T00:00:00Z"});
    if let (Some(seq), Some(event)) = (seq, event.as_object_mut()) {
        event.insert("seq".to_owned(), seq.into());
    }
    event.as_object_mut().expect("an object").extend(body.as_object().cloned().unwrap_or_default());
    event
}

fn answer(attempt: u32) -> Value {
    json!({"type": "answer.finished", "data": {"message": uuid::Uuid::now_v7(), "attempt": attempt, "text": FORGED,
        "sources": [], "claims": []}})
}

#[tokio::test]
async fn what_no_core_has_signed_is_not_believed_of_redis() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let before = ann.ask(room, "@weather will it rain?").await?;
    let redis = house.topology().redis().expect("two cores share one");
    let next = before.seqs().last().copied().unwrap_or(0) + 1;
    let turn = before.frames[0]["turn"].clone();
    for body in [
        json!({"type": "member.removed", "data": {"user": "ann"}}),
        json!({"type": "conversation.deleted", "data": {}}),
        answer(1),
    ] {
        assert!(ring(redis, &event(room, Some(next), &turn, body)).await? > 0, "the cores listen");
    }
    let heard = ann.ask(room, "@weather and now?").await?;
    assert_eq!(heard.answer(), "Sunny.");
    assert_eq!(heard.seqs().first(), Some(&next), "nothing stood in between");
    let open = tokio::net::TcpStream::connect(("127.0.0.1", redis.port())).await;
    let mut open = open?;
    tokio::io::AsyncWriteExt::write_all(&mut open, b"PING\r\nQUIT\r\n").await?;
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut open, &mut answer).await?;
    assert!(answer.starts_with("-NOAUTH"), "{answer}");
    house.stop().await
}

#[tokio::test]
async fn no_piece_and_no_end_of_a_running_answer_is_believed_of_redis() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let words = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly(words.into(), Duration::from_millis(200))).await?;
    house.register("slow", &agent).await?;
    let (mut ann, mut bob) = (house.person("ann").await?, house.person("bob").await?);
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, "@slow what is the weather like").await?;
    let mut frames = ann.until(|frame| frame["type"] == "answer.delta").await?;
    let turn = &ack["turn"];
    let next = frames.iter().filter_map(|frame| frame["seq"].as_u64()).max().unwrap_or(0) + 1;

    let redis = house.topology().redis().expect("two cores share one");
    let delta = |attempt: u32| json!({"attempt": attempt, "offset": 0, "text": FORGED});
    for attempt in [1, 2] {
        let piece = json!({"type": "answer.delta", "data": delta(attempt)});
        ring(redis, &event(room, None, turn, piece)).await?;
        ring(redis, &event(room, Some(next), turn, answer(attempt))).await?;
        ring(redis, &event(room, None, turn, answer(attempt))).await?;
        // And where who comes late looks for what was said so far.
        let piece = delta(attempt).to_string().replace('"', "\\\"");
        for word in [piece.clone(), format!("{}.{piece}", "A".repeat(43))] {
            let key = format!("switchboard:answer:{}", turn.as_str().unwrap_or_default());
            redis.ask(&format!("XADD {key} * p \"{word}\"")).await?;
        }
    }
    bob.join(room, Some(0)).await?;
    let over = |frame: &Value| frame["type"] == "turn.finished" && frame["turn"] == *turn;
    frames.extend(ann.until(over).await?);
    frames.extend(bob.until(over).await?);
    let forged: Vec<_> = frames.iter().filter(|frame| frame.to_string().contains("4711")).collect();
    assert!(forged.is_empty(), "{forged:?}");
    let answers: Vec<_> = frames.iter().filter(|frame| frame["type"] == "answer.finished").collect();
    assert!(
        answers.len() == 2 && answers.iter().all(|answer| answer["data"]["text"] == words),
        "{answers:?}"
    );
    let mut dropped = 0;
    for core in house.topology().cores() {
        let metrics = reqwest::get(core.admin().join("/metrics")?).await?.text().await?;
        let counts =
            metrics.lines().filter(|line| line.starts_with("switchboard_core_unsigned_from_redis_total{"));
        dropped += counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>();
    }
    println!("{dropped} forged words were dropped and counted");
    assert!(dropped > 0);
    house.stop().await
}
