//! WebSockets: how they begin, what they carry, how they end.

use crate::{
    house::{House, Ws},
    issuer::{claims, now, with},
};
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

fn status(opened: Result<Ws, tungstenite::Error>) -> u16 {
    match opened {
        Ok(_) => 101,
        Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_send_ack_and_events_come_in_order() {
    let house = House::start().await;
    let mut ws = house.joined("ann").await;
    ws.send(json!({"type": "send", "id": "m1", "conversation": house.log.conversation, "text": "hey"})).await;
    let (mut text, mut seqs, mut ack) = (String::new(), Vec::new(), None);
    while text.len() < 3 || ack.is_none() {
        let frame = ws.next().await;
        match frame["type"].as_str().unwrap() {
            "ack" => ack = frame["seq"].as_u64(),
            "answer.delta" => text.push_str(frame["data"]["text"].as_str().unwrap()),
            _ => seqs.push(frame["seq"].as_u64().unwrap()),
        }
    }
    assert_eq!((text.as_str(), seqs.as_slice(), ack), ("hey", [1].as_slice(), Some(1)));
    ws.send(json!({"type": "ping", "t": 7})).await;
    assert_eq!(ws.next().await, json!({"type": "pong", "t": 7}));
    ws.send(json!({"type": "leave", "conversation": house.log.conversation})).await;
    assert_eq!(ws.next().await["type"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_the_core_refuses_is_answered() {
    let house = House::start().await;
    let mut ws = house.socket("ann").await;
    ws.send(json!({"type": "cancel", "turn": house.log.turn})).await;
    let error = ws.next().await;
    assert_eq!(
        (&error["type"], &error["code"], &error["id"]),
        (&json!("error"), &json!("not_found"), &json!(house.log.turn))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_cannot_be_read_is_answered_with_its_id_and_the_reason() {
    let house = House::with("socket.max_bad_frames = 20", 1).await;
    let mut ws = house.socket("ann").await;
    let long = "i".repeat(129);
    let room = house.log.conversation;
    for (frame, id, part) in [
        (json!({"type": "send", "id": "m1", "conversation": "nope", "text": "x"}), json!("m1"), "UUID"),
        (json!({"type": "send", "conversation": room, "text": "x"}), json!(null), "missing field `id`"),
        (json!({"type": "join", "id": "j1", "conversation": room}), json!("j1"), "unknown field `id`"),
        (json!({"type": "send", "id": long, "conversation": room, "text": "x"}), json!(long), "1 to 128"),
        (json!({"type": "refresh", "id": "r1", "token": "s3cret"}), json!("r1"), "a refresh frame has"),
        (json!({"type": "hello", "token": "s3cret", "s3cret": 1}), json!(null), "a hello frame may have"),
    ] {
        ws.send(frame.clone()).await;
        let error = ws.next().await;
        assert_eq!((&error["code"], &error["id"]), (&json!("bad_request"), &id), "{frame}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part), "{frame}: {message}");
        assert!(!message.contains("s3cret") && message.len() <= 200, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_joins_and_the_subprotocol_is_agreed_on() {
    let house = House::start().await;
    house.log.durable();
    let fields = [bearer(&house.token("ann")), ("sec-websocket-protocol", "switchboard.v1".into())];
    let path = format!("/ws/{}?after=0", house.log.conversation);
    let mut ws = house.open(&path, &fields).await.unwrap();
    assert_eq!(ws.protocol.as_deref(), Some("switchboard.v1"));
    assert_eq!(ws.next().await["type"], "welcome");
    assert_eq!(ws.next().await["type"], "joined");
    assert_eq!(ws.next().await["seq"], 1);
    let other = [bearer(&house.token("ann")), ("sec-websocket-protocol", "graphql-ws".into())];
    assert_eq!(status(house.open("/ws", &other).await), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_origins_may_connect() {
    let settings = "socket.origins = [\"https://chat.example\", \"https://*.chat.example\", \"app://.\", \
                    \"capacitor://localhost\", \"vscode-webview://*\"]";
    let house = House::with(settings, 1).await;
    let token = house.token("ann");
    for (origin, expected) in [
        ("https://chat.example", 101),
        ("https://eu.chat.example", 101),
        ("app://.", 101),
        ("capacitor://localhost", 101),
        ("vscode-webview://1a2b-3c", 101),
        ("https://a.b.chat.example", 403),
        ("file://", 403),
        ("https://evil.example", 403),
        ("http://chat.example", 403),
        ("null", 403),
        ("https://chat.example.evil", 403),
    ] {
        let opened = house.open("/ws", &[bearer(&token), ("origin", origin.into())]).await;
        assert_eq!(status(opened), expected, "{origin}");
    }
    assert_eq!(status(house.open("/ws", &[bearer(&token)]).await), 101);
    assert_eq!(status(house.open("/ws", &[bearer("bad")]).await), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_brings_the_token_or_the_socket_ends() {
    let house = House::with("socket.hello_timeout_ms = 300", 1).await;
    let mut ws = house.open("/ws", &[]).await.unwrap();
    ws.send(json!({"type": "hello", "token": house.token("ann")})).await;
    assert_eq!(ws.next().await["user"], "ann");
    let mut silent = house.open("/ws", &[]).await.unwrap();
    assert_eq!(silent.closed().await, 4408);
    for first in [json!({"type": "hello", "token": "bad"}), json!({"type": "hello"}), json!({"type": "ping"})]
    {
        let mut ws = house.open("/ws", &[]).await.unwrap();
        ws.send(first).await;
        assert_eq!(ws.closed().await, 4401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_counts_messages_and_leaves_the_socket_open() {
    let house = House::with("limits.messages_per_minute.standard = 2", 1).await;
    let mut ws = house.socket("ann").await;
    for i in 0..3 {
        ws.send(
            json!({"type": "send", "id": i.to_string(), "conversation": house.log.conversation, "text": "x"}),
        )
        .await;
    }
    assert_eq!(ws.next().await["id"], "0");
    assert_eq!(ws.next().await["id"], "1");
    let error = ws.next().await;
    assert_eq!(
        (&error["id"], &error["code"], &error["retry_after_s"]),
        (&json!("2"), &json!("rate_limited"), &json!(30))
    );
    let limit = ws.next().await;
    assert_eq!(
        (&limit["type"], &limit["quota"], &limit["remaining"]),
        (&json!("limit"), &json!(2), &json!(0))
    );
    ws.send(json!({"type": "ping"})).await;
    assert_eq!(ws.next().await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_are_answered_ten_times() {
    let house = House::start().await;
    let mut ws = house.socket("ann").await;
    for bad in ["", "[]", "{\"type\":\"shout\"}", "{\"type\":\"join\",\"conversation\":\"x\"}"] {
        ws.socket.send(Message::text(bad)).await.unwrap();
        assert_eq!(ws.next().await["code"], "bad_request", "{bad}");
    }
    ws.socket.send(Message::text("{\"type\":\"send\",\"id\":\"m\"}")).await.unwrap();
    assert_eq!(ws.next().await["id"], "m");
    ws.socket.send(Message::binary("x")).await.unwrap();
    assert_eq!(ws.next().await["code"], "bad_request");
    for _ in 0..5 {
        ws.socket.send(Message::text("x")).await.unwrap();
    }
    assert_eq!(ws.closed().await, 4400);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_frames_end_the_socket() {
    let house = House::with("socket.frames_per_second = 5\nsocket.frames_burst = 10", 1).await;
    let mut ws = house.socket("ann").await;
    for _ in 0..20 {
        ws.socket.feed(Message::text("{\"type\":\"ping\"}")).await.unwrap();
    }
    ws.socket.flush().await.unwrap();
    assert_eq!(ws.closed().await, 4429);
}

#[tokio::test(flavor = "multi_thread")]
async fn oversize_and_endlessly_fragmented_messages_end_the_socket() {
    let house = House::with("socket.max_frame_bytes = 2048\nsocket.max_fragments = 8", 1).await;
    let mut ws = house.socket("ann").await;
    ws.socket.send(Message::text("x".repeat(4096))).await.unwrap();
    assert_eq!(ws.closed().await, 1009);
    let part = |first: bool, size: usize| {
        let opcode = OpCode::Data(if first { Data::Text } else { Data::Continue });
        Message::Frame(Frame::message("x".repeat(size), opcode, false))
    };
    let mut ws = house.socket("ann").await;
    for i in 0..3 {
        ws.socket.feed(part(i == 0, 1000)).await.unwrap();
    }
    ws.socket.flush().await.unwrap();
    assert_eq!(ws.closed().await, 1009);
    let mut ws = house.socket("ann").await;
    for i in 0..9 {
        ws.socket.feed(part(i == 0, 0)).await.unwrap();
    }
    ws.socket.flush().await.unwrap();
    assert_eq!(ws.closed().await, 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_protocol_end_with_the_codes_of_the_protocol() {
    let house = House::start().await;
    let text = |payload: &'static [u8], last: bool| Frame::message(payload, OpCode::Data(Data::Text), last);
    let mut reserved = text(b"{}", true);
    reserved.header_mut().rsv1 = true;
    let continued = Frame::message("x", OpCode::Data(Data::Continue), true);
    let long_ping = Frame::ping(vec![0; 126]);
    for (what, frames, code) in [
        ("reserved bits", vec![reserved], 1002),
        ("nothing to go on with", vec![continued], 1002),
        ("a message within another", vec![text(b"a", false), text(b"b", true)], 1002),
        ("a long ping", vec![long_ping], 1002),
        ("no UTF-8", vec![text(&[0xc3, 0x28], true)], 1007),
        ("a character that ends in the middle", vec![text(&[0xe2, 0x82], true)], 1007),
    ] {
        let mut ws = house.socket("ann").await;
        for frame in frames {
            ws.socket.feed(Message::Frame(frame)).await.unwrap();
        }
        ws.socket.flush().await.unwrap();
        assert_eq!(ws.closed().await, code, "{what}");
    }
    let mut ws = house.socket("ann").await;
    ws.socket.get_mut().write_all(&[0x81, 2, b'{', b'}']).await.unwrap();
    assert_eq!(ws.closed().await, 1002, "a client's frame without a mask");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancels_and_refreshes_count_as_requests_and_joins_have_a_limit_of_their_own() {
    let limits = "limits.requests_per_minute = 5\nlimits.joins_per_minute.standard = 5";
    let house = House::with(limits, 1).await;
    let mut ws = house.socket("ann").await;
    for frame in [
        json!({"type": "join", "conversation": house.log.conversation}),
        json!({"type": "cancel", "turn": house.log.turn}),
        json!({"type": "refresh", "token": house.token("ann")}),
    ] {
        let mut refused = false;
        for _ in 0..8 {
            ws.send(frame.clone()).await;
            let answer = ws.next().await;
            refused |= answer["code"] == "rate_limited" && answer["retry_after_s"].as_u64() > Some(0);
        }
        assert!(refused, "{frame}");
    }
}

/// A device that was in fifty conversations, and has lost its connection: twice in a row. And one that joins 700 times.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_joins_all_its_conversations_again_and_nobody_joins_without_end() {
    let house = House::start().await;
    let token = house.key.token(&with("ann", "tier", json!("free")));
    let (mut joined, mut limited, mut last) = (0, 0, json!(null));
    for connection in 0..14 {
        let mut ws = house.open("/ws", &[bearer(&token)]).await.unwrap();
        assert_eq!(ws.next().await["type"], "welcome");
        for _ in 0..50 {
            // The fake core has but one conversation; to join it again is a join like any other.
            ws.send(json!({"type": "join", "conversation": house.log.conversation})).await;
            let answer = ws.next().await;
            match answer["type"].as_str() {
                Some("joined") => joined += 1,
                _ => {
                    assert_eq!(answer["code"], "rate_limited", "{answer}");
                    last = ws.next_of("limit").await;
                    limited += 1;
                }
            }
        }
        let ordinary = connection > 1 || (joined, limited) == (50 * (connection + 1), 0);
        assert!(ordinary, "connection {connection}: {joined} joined, {limited} refused");
    }
    let reached = house.log.paths().iter().filter(|path| path.contains("/events")).count();
    println!("of 700 joins of one user of the tier free {joined} were let through, {reached} reached a core");
    assert!(joined < 350 && limited > 350 && reached <= joined, "{joined} {limited} {reached}");
    assert_eq!(
        (&last["policy"], &last["quota"], &last["remaining"]),
        (&json!("joins"), &json!(120), &json!(0))
    );
    let url = house.url(&format!("/v1/conversations/{}/events", house.log.conversation));
    let stream = house.client().build().unwrap().get(url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(stream.status(), 429);
    assert_eq!(stream.headers()["ratelimit-policy"], "\"joins\";q=120;w=60");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_ends_its_conversation_and_not_the_socket() {
    let house = House::with("socket.max_event_bytes = 4096", 1).await;
    let mut ws = house.joined("ann").await;
    house.log.large(8_000);
    let error = ws.next_of("error").await;
    assert_eq!(
        (&error["code"], &error["conversation"]),
        (&json!("too_large"), &json!(house.log.conversation))
    );
    ws.send(json!({"type": "ping"})).await;
    ws.next_of("pong").await;
    let attached = house.log.paths().iter().filter(|path| path.contains("/events")).count();
    assert_eq!(attached, 1, "it is not attached again");
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_and_unanswered_sends_are_bounded() {
    let house = House::with("socket.max_joins = 1\nsocket.max_unanswered = 1", 1).await;
    let mut ws = house.joined("ann").await;
    ws.send(json!({"type": "join", "conversation": uuid::Uuid::now_v7()})).await;
    assert_eq!(ws.next().await["code"], "rate_limited");
    ws.send(json!({"type": "join", "conversation": house.log.conversation, "after": 0})).await;
    assert_eq!(ws.next().await["type"], "joined");
    for i in 0..20 {
        let frame =
            json!({"type": "send", "id": i.to_string(), "conversation": house.log.conversation, "text": ""});
        ws.socket.feed(Message::text(frame.to_string())).await.unwrap();
    }
    ws.socket.flush().await.unwrap();
    assert_eq!(ws.next_of("error").await["code"], "rate_limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_not_the_callers_is_not_found() {
    let house = House::start().await;
    let mut ws = house.socket("ann").await;
    ws.send(json!({"type": "join", "conversation": uuid::Uuid::now_v7()})).await;
    assert_eq!(ws.next().await["code"], "not_found");
    ws.send(json!({"type": "ping"})).await;
    assert_eq!(ws.next().await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_for_the_same_user_and_an_expired_token_sends_nothing() {
    let house = House::start().await;
    let short = house.key.token(&with("ann", "exp", json!(now() + 2)));
    let mut ws = house.open("/ws", &[bearer(&short)]).await.unwrap();
    assert_eq!(ws.next().await["type"], "welcome");
    ws.send(json!({"type": "refresh", "token": house.token("bob")})).await;
    assert_eq!(ws.next().await["code"], "forbidden");
    ws.send(json!({"type": "refresh", "token": house.key.token(&with("ann", "tenant", json!("other")))}))
        .await;
    assert_eq!(ws.next().await["code"], "forbidden");
    let send = json!({"type": "send", "id": "m", "conversation": house.log.conversation, "text": "x"});
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    ws.send(send.clone()).await;
    assert_eq!(ws.next().await["code"], "unauthenticated");
    ws.send(json!({"type": "refresh", "token": house.key.token(&claims("ann"))})).await;
    assert_eq!(ws.next().await["type"], "welcome");
    ws.send(send).await;
    assert_eq!(ws.next().await["type"], "ack");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_sign_of_life_is_let_go() {
    let house = House::with("socket.heartbeat_s = 1", 1).await;
    let mut ws = house.socket("ann").await;
    // Not read, so not answered: the pings are left in the client's buffer.
    tokio::time::sleep(std::time::Duration::from_millis(3500)).await;
    assert_eq!(ws.closed().await, 4408);
    let mut alive = house.socket("ann").await;
    let read = tokio::time::timeout(std::time::Duration::from_millis(3500), async {
        while let Some(Ok(message)) = alive.socket.next().await {
            assert!(!message.is_close());
        }
    });
    assert!(read.await.is_err(), "a client that answers pings stays");
}
