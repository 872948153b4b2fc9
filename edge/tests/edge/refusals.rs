//! Refusals that come while their client still sends.

use crate::house::{House, PATIENCE};
use bytes::Bytes;
use http::Request;
use switchboard_shared::problem::Problem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Sends a whole body over HTTP/2 before it looks at the answer, as many clients do.
async fn send_then_read(house: &House, token: &str, body: usize, says_length: bool) -> (u16, Problem) {
    let (mut client, connection) = h2::client::handshake(house.tls2().await).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut request = Request::post(house.url("/chat")).header("authorization", format!("Bearer {token}"));
    if says_length {
        request = request.header("content-length", body);
    }
    let (answer, mut upload) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let mut left = body;
    while left > 0 {
        upload.reserve_capacity(left.min(16_384));
        let room = std::future::poll_fn(|cx| upload.poll_capacity(cx)).await;
        let room = room.expect("the stream is open").expect("nobody resets the stream");
        upload.send_data(Bytes::from(vec![b'x'; room]), left == room).unwrap();
        left -= room;
    }
    let answer = answer.await.unwrap();
    let status = answer.status().as_u16();
    let (mut parts, mut text) = (answer.into_body(), Vec::new());
    while let Some(part) = parts.data().await {
        text.extend_from_slice(&part.expect("the answer is whole"));
    }
    driver.abort();
    (status, serde_json::from_slice(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_over_http2_arrives_at_a_client_that_sends_first() {
    let house = House::start().await;
    let token = house.token("ann");
    for (token, body, says_length, expected) in [
        (token.as_str(), 2_100_000, true, 413),
        (token.as_str(), 3_000_000, false, 413),
        ("bad", 500_000, true, 401),
        ("bad", 100, false, 401),
    ] {
        let sent = send_then_read(&house, token, body, says_length);
        let (status, problem) = timeout(PATIENCE, sent).await.unwrap();
        assert_eq!((status, problem.status), (expected, expected), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_above_its_bound_is_answered_also_after_100_continue() {
    let house = House::start().await;
    let token = house.token("ann");
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut tls = house.tls().await;
        let head = format!(
            "POST /chat HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
             transfer-encoding: chunked\r\n{expect}\r\n"
        );
        tls.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        if !expect.is_empty() {
            tls.read_buf(&mut answer).await.unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&answer));
        }
        let chunk = format!("186a0\r\n{}\r\n", "x".repeat(100_000));
        for _ in 0..30 {
            tls.write_all(chunk.as_bytes()).await.expect("the edge reads on");
        }
        tls.write_all(b"0\r\n\r\n").await.expect("the edge reads on");
        // The end of the connection may come without TLS's own goodbye.
        drop(timeout(PATIENCE, tls.read_to_end(&mut answer)).await.unwrap());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("HTTP/1.1 413 ") && answer.contains("\"too_large\""), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_is_not_agreed_to() {
    let house = House::start().await;
    let mut tls = house.tls().await;
    let token = house.token("ann");
    let handshake = format!(
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    );
    tls.write_all(handshake.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(tls.read_buf(&mut answer).await.unwrap() > 0);
    }
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101 ") && !answer.contains("sec-websocket-extensions"), "{answer}");
}
