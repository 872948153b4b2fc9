//! Malformed and oversize input on every face: a clear problem, never a hang, never a panic.

use super::limits::raw;
use futures::SinkExt;
use serde_json::{Value, json};
use switchboard_tests::House;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn bad_requests_are_answered_with_typed_problems() -> anyhow::Result<()> {
    let house = House::start().await?;
    let ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let (client, token) = (raw(&house)?, house.topology().token("ann", &["user"])?);
    let messages = format!("/v1/conversations/{room}/messages");
    let long = json!({"text": "x".repeat(30_000)}).to_string();
    let big = json!({"text": "x".repeat(3_000_000)}).to_string();
    let many: Vec<_> = (0..20).map(|_| json!({"media_type": "text/plain", "data": "aGk="})).collect();
    let many = json!({"text": "hi", "parts": many}).to_string();
    let nul = r#"{"text": "a\u0000b"}"#.to_owned();
    for (path, body, status, code) in [
        (messages.as_str(), "{".to_owned(), 400, "bad_request"),
        (&messages, "[]".to_owned(), 400, "bad_request"),
        (&messages, r#"{"text": ""}"#.to_owned(), 400, "bad_request"),
        (&messages, r#"{"text": 7}"#.to_owned(), 400, "bad_request"),
        (&messages, r#"{"text": "hi", "tenant": "x"}"#.to_owned(), 400, "bad_request"),
        (&messages, r#"{"text": "hi", "agents": ["NOT AN ID"]}"#.to_owned(), 400, "bad_request"),
        (&messages, nul, 400, "bad_request"),
        (
            &messages,
            r#"{"text": "a", "parts": [{"media_type": "x", "data": ""}]}"#.to_owned(),
            400,
            "bad_request",
        ),
        (
            &messages,
            r#"{"text": "a", "parts": [{"media_type": "a/b", "data": "%"}]}"#.to_owned(),
            400,
            "bad_request",
        ),
        (&messages, "\u{FEFF}{\"text\": \"\"}".to_owned(), 400, "bad_request"),
        (&messages, long, 413, "too_large"),
        (&messages, big, 413, "too_large"),
        (&messages, many, 413, "too_large"),
        ("/v1/conversations", json!({"title": "x".repeat(500)}).to_string(), 413, "too_large"),
        ("/v1/conversations", "[null, null]".to_owned(), 400, "bad_request"),
        ("/v1/conversations", r#"{"members": [" a"]}"#.to_owned(), 400, "bad_request"),
        ("/v1/analyze", r#"{"text": "  "}"#.to_owned(), 400, "bad_request"),
        ("/v1/nothing", "{}".to_owned(), 404, "not_found"),
        ("/v1/conversations/not-an-id/messages", r#"{"text": "hi"}"#.to_owned(), 404, "not_found"),
        ("/nothing", "{}".to_owned(), 404, "not_found"),
        ("/v1/turns/1/cancel", "{}".to_owned(), 404, "not_found"),
        ("/v1/agents/x", "{}".to_owned(), 405, "method_not_allowed"),
    ] {
        let shown: String = format!("{path} {}", body.chars().take(60).collect::<String>());
        let url = house.topology().url().join(path)?;
        let request =
            client.post(url).bearer_auth(&token).header("content-type", "application/json").body(body);
        let answer = request.send().await?;
        assert_eq!(answer.status().as_u16(), status, "{shown}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{shown}");
        let problem: Value = answer.json().await?;
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!(code), &json!(status)),
            "{shown}: {problem}"
        );
    }
    let url = house.topology().url().join(&messages)?;
    let answer =
        client.post(url).bearer_auth(&token).header("content-type", "text/plain").body("hi").send().await?;
    assert_eq!(answer.status(), 415);
    house.stop().await
}

#[tokio::test]
async fn bad_frames_are_answered_and_too_many_of_them_close_the_socket() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    for bad in [
        "{".to_owned(),
        "[]".to_owned(),
        r#"{"type": "shout"}"#.to_owned(),
        r#"{"type": "join"}"#.to_owned(),
        json!({"type": "send", "id": "x", "conversation": room, "text": "hi", "tenant": "other"}).to_string(),
    ] {
        ann.socket()?.send(Message::text(bad.clone())).await?;
        let frame = ann.next().await?;
        assert_eq!(
            (&frame["type"], &frame["code"]),
            (&json!("error"), &json!("bad_request")),
            "{bad}: {frame}"
        );
    }
    // What is well-formed but wrong is refused by the core, in the same words as over HTTP.
    for (text, code) in [("", "bad_request"), (&"x".repeat(30_000), "too_large")] {
        let refused = ann.say(room, text).await.unwrap_err().to_string();
        assert!(refused.contains(code), "{refused}");
    }
    ann.say(room, "still here").await?;

    for _ in 0..20 {
        // Fails when the edge has closed already.
        drop(ann.socket()?.send(Message::text("{")).await);
    }
    assert_eq!(ann.closed().await?.code, Some(4400));

    ann.connect().await?;
    drop(ann.socket()?.send(Message::text("x".repeat(4_000_000))).await);
    let code = ann.closed().await?.code;
    assert!(matches!(code, Some(1009) | None), "{code:?}");
    house.stop().await
}

#[tokio::test]
async fn hostile_text_is_only_text() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    for text in [
        "'; DROP TABLE messages; --",
        "{\"type\":\"turn.finished\"}\n\ndata: {}\n\n",
        "\u{202E}gnp.exe \u{1b}[2J \r\nX-Injected: 1",
        "𝕳𝖊𝖑𝖑𝖔 مرحبا 你好 👩‍👩‍👧‍👦 \u{FFFF}",
        "@nobody @@@ @ @-x",
    ] {
        let heard = ann.ask(room, text).await?;
        let said = heard.all("message.created");
        assert_eq!(said[0]["text"], text);
        assert_eq!(heard.data("turn.finished")["state"], "completed", "{text}");
    }
    house.stop().await
}
