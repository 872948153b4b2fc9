//! What is too large, too slow, or could be read in two ways.

use crate::house::{House, read_all};
use std::time::{Duration, SystemTime};
use switchboard_shared::problem::Problem;
use tokio::io::AsyncWriteExt;

#[tokio::test(flavor = "multi_thread")]
async fn a_header_above_its_bounds_is_answered_431() {
    let house = House::start().await;
    let long = format!("GET /v1/agents HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let many = format!("GET /v1/agents HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(70));
    for request in [long, many] {
        let answer = house.raw(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("\"headers_too_large\""), "{answer}");
    }
    let h2 = house.client().build().unwrap().get(house.url("/v1/agents"));
    let refused = (0..70).fold(h2, |request, i| request.header(format!("x-{i}"), "y")).send().await.unwrap();
    assert_eq!(refused.status(), 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_drips_meets_its_deadline() {
    let house = House::with("http.header_timeout_ms = 600", 1).await;
    let mut tls = house.tls().await;
    let started = SystemTime::now();
    let request =
        b"GET /v1/agents HTTP/1.1\r\nhost: a\r\nx-long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for byte in request {
        if tls.write_all(&[*byte]).await.is_err() || tls.flush().await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        if started.elapsed().unwrap() > Duration::from_millis(900) {
            break;
        }
    }
    let answer = read_all(&mut tls).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(started.elapsed().unwrap() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_is_let_go() {
    let house = House::with("http.header_timeout_ms = 300", 1).await;
    assert_eq!(read_all(&mut house.tls().await).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_its_bound_is_answered_413_also_when_it_does_not_say_so() {
    let house = House::with("http.max_body_bytes = 1000", 1).await;
    for client in [house.client().http1_only().build().unwrap(), house.client().build().unwrap()] {
        let post = || client.post(house.url("/chat")).bearer_auth(house.token("ann"));
        assert_eq!(post().body("x".repeat(1000)).send().await.unwrap().status(), 200);
        let said = post().body("x".repeat(1001)).send().await.unwrap();
        assert_eq!(said.status(), 413);
        assert_eq!(said.json::<Problem>().await.unwrap().code.code(), "too_large");
        let parts = futures::stream::iter((0..11).map(|_| Ok::<_, std::io::Error>("x".repeat(100))));
        let counted = post().body(reqwest::Body::wrap_stream(parts)).send().await.unwrap();
        assert_eq!(counted.status(), 413);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_meets_its_deadline() {
    let house = House::with("http.body_timeout_ms = 400", 1).await;
    let client = house.client().http1_only().build().unwrap();
    let parts = futures::stream::unfold(0, |count| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (count < 100).then_some((Ok::<_, std::io::Error>("x"), count + 1))
    });
    let started = SystemTime::now();
    let request = client.post(house.url("/chat")).bearer_auth(house.token("ann"));
    let answer = request.body(reqwest::Body::wrap_stream(parts)).send().await;
    assert!(started.elapsed().unwrap() < Duration::from_secs(4));
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), 408);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_have_a_cap() {
    let house = House::with("max_connections = 2", 1).await;
    let (_one, _two) = (house.tls().await, house.tls().await);
    let third = house.client().build().unwrap().get(house.url("/openapi.json")).send().await;
    assert!(third.is_err());
}

/// What follows in the same bytes must never be taken for a request by anyone.
const SMUGGLED: &str = "GET /v1/smuggled HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_could_be_read_in_two_ways_reaches_the_core() {
    let house = House::start().await;
    let token = house.token("ann");
    let auth = format!("host: a\r\nauthorization: Bearer {token}\r\n");
    for (head, body) in [
        // CVE-2026-2835: a length and chunks; chunks in HTTP/1.0.
        ("POST /chat HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
        ("POST /chat HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n", "0\r\n\r\n"),
        ("POST /chat HTTP/1.0\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
        ("POST /chat HTTP/1.1\r\ncontent-length: 0\r\ncontent-length: 40\r\n", ""),
        ("POST /chat HTTP/1.1\r\ncontent-length: 0, 40\r\n", ""),
        ("POST /chat HTTP/1.1\r\ntransfer-encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("POST /chat HTTP/1.1\r\ntransfer-encoding: \x0bchunked\r\n", "0\r\n\r\n"),
        ("POST /chat HTTP/1.1\r\ntransfer-encoding:chunked\r\ntransfer-encoding: x\r\n", "0\r\n\r\n"),
        ("POST /chat HTTP/1.1\nx: y\r\n", ""),
        ("POST /chat HTTP/1.1\r\nhost: b\r\n", ""),
        // CVE-2026-2833: an upgrade that nobody has agreed to yet, and a second request right behind it.
        ("GET /v1/agents HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n", ""),
        ("GET /v1/agents HTTP/1.1\r\nconnection: upgrade\r\nupgrade: anything\r\n", ""),
        ("GET /ws HTTP/1.1\r\nconnection: upgrade\r\nupgrade: anything\r\n", ""),
        ("GET /ws HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n", ""),
    ] {
        let answer = house.raw(format!("{head}{auth}\r\n{body}{SMUGGLED}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}: {answer}");
    }
    assert!(house.log.paths().is_empty(), "{:?}", house.log.paths());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipelined_request_is_not_passed_along_with_the_first() {
    let house = House::start().await;
    let auth = format!("host: a\r\nauthorization: Bearer {}\r\n", house.token("ann"));
    let two = format!("GET /v1/agents HTTP/1.1\r\n{auth}\r\n{SMUGGLED}");
    let answer = house.raw(two.as_bytes()).await;
    assert!(!answer.contains("smuggled"), "{answer}");
    assert!(house.log.paths().iter().all(|path| path == "/v1/agents"), "{:?}", house.log.paths());
}
