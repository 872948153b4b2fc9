//! Joined conversations when cores die and readers are slow.

use crate::{
    core::FakeCore,
    house::{House, PATIENCE, Ws},
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Reads until the answer has `length` characters; checks that no event is missing or doubled.
async fn read_answer(ws: &mut Ws, length: usize, last_seq: u64) -> String {
    let (mut text, mut seq) = (String::new(), 0);
    while text.chars().count() < length || seq < last_seq {
        let frame = ws.next().await;
        match frame["type"].as_str().unwrap() {
            "answer.delta" => {
                let data: &Value = &frame["data"];
                assert_eq!(data["offset"].as_u64().unwrap(), text.chars().count() as u64, "{frame}");
                text.push_str(data["text"].as_str().unwrap());
            }
            "answer.started" => {
                assert_eq!(frame["seq"].as_u64().unwrap(), seq + 1, "{frame}");
                seq += 1;
            }
            "notice" => {}
            other => panic!("{other}: {frame}"),
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_dies_in_mid_answer_leaves_no_gap_and_no_double() {
    let mut house = House::with("", 2).await;
    let mut readers = Vec::new();
    for i in 0..4 {
        readers.push(house.joined(&format!("user{i}")).await);
    }
    let letters: Vec<char> = "the answer goes on, whoever dies — déjà vu".chars().collect();
    for (i, letter) in letters.iter().enumerate() {
        if i % 5 == 0 {
            house.log.durable();
        }
        house.log.delta(i, &letter.to_string());
        if i == 15 {
            house.cores[0].kill();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let durable = letters.len().div_ceil(5) as u64;
    for reader in &mut readers {
        assert_eq!(read_answer(reader, letters.len(), durable).await, letters.iter().collect::<String>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_core_the_socket_waits_and_goes_on_where_it_was() {
    let mut house = House::start().await;
    let mut ws = house.joined("ann").await;
    house.log.durable();
    assert_eq!(ws.next().await["seq"], 1);
    let address = house.cores[0].address;
    house.cores[0].kill();
    assert_eq!(ws.next().await["data"]["code"], "reconnecting");
    house.log.durable();
    ws.send(json!({"type": "send", "id": "m", "conversation": house.log.conversation, "text": ""})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let _back = FakeCore::start_at(&house.log, address);
    let (mut seqs, mut acked, mut reconnected) = (Vec::new(), false, false);
    while seqs.len() < 2 || !acked || !reconnected {
        let frame = ws.next().await;
        match frame["type"].as_str().unwrap() {
            "ack" => acked = true,
            "notice" => reconnected = frame["data"]["code"] == "reconnected",
            _ => seqs.push(frame["seq"].as_u64().unwrap()),
        }
    }
    assert_eq!(seqs, [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_core_a_send_is_answered_unavailable() {
    let mut house = House::with("socket.send_deadline_ms = 500\nsocket.reattach_ms = 500", 1).await;
    let mut ws = house.joined("ann").await;
    house.cores[0].kill();
    ws.send(json!({"type": "send", "id": "m", "conversation": house.log.conversation, "text": ""})).await;
    let (mut sent, mut room) = (false, false);
    while !(sent && room) {
        let frame = ws.next_of("error").await;
        assert_eq!(frame["code"], "unavailable");
        assert!(frame["retry_after_s"].is_u64());
        if frame["id"] == "m" { sent = true } else { room = true }
    }
    ws.send(json!({"type": "ping"})).await;
    assert_eq!(ws.next().await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_attached_again() {
    // The core of the tests pings every 300 ms, so each silence of 100 ms looks like a dead one.
    let house = House::with("socket.stream_silence_ms = 100", 1).await;
    let mut ws = house.joined("ann").await;
    for expected in 1..=5 {
        house.log.durable();
        assert_eq!(ws.next_of("answer.started").await["seq"], expected);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let attached = house.log.paths().iter().filter(|path| path.contains("/events?after=")).count();
    assert!(attached > 2, "{attached}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_cut_and_a_slow_one_is_not() {
    let house = House::with("socket.queue_bytes = 65536\nsocket.queue_stall_ms = 700", 1).await;
    for _ in 0..200 {
        house.log.large(100_000);
    }
    let mut stuck = house.joined("stuck").await;
    let mut slow = house.joined("slow").await;
    let mut seq = 0;
    while seq < 200 {
        let frame = slow.next_of("conversation.renamed").await;
        seq += 1;
        assert_eq!(frame["seq"], seq);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let end = tokio::time::timeout(PATIENCE, async {
        let mut frames = 0;
        while let Some(Ok(message)) = stuck.socket.next().await {
            frames += u32::from(matches!(message, Message::Text(_)));
        }
        frames
    });
    let frames = end.await.expect("the socket ends");
    assert!(frames < 200, "{frames}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_conversations_share_few_connections() {
    let house = House::with("cores.streams_per_connection = 5", 1).await;
    let mut readers = Vec::new();
    for i in 0..12 {
        readers.push(house.joined(&format!("user{i}")).await);
    }
    house.log.durable();
    for reader in &mut readers {
        assert_eq!(reader.next().await["seq"], 1);
    }
}
