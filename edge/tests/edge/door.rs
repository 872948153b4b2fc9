//! What clients can do to a connection itself: framing, authorities, resets, windows, silence, many at once.

use crate::{
    core::last_seen,
    house::{House, PATIENCE, read_all, until},
};
use bytes::Bytes;
use h2::{Reason, client::SendRequest};
use http::Request;
use std::time::Duration;
use switchboard_shared::headers;
use tokio::{io::AsyncWriteExt, time::timeout};

fn post(house: &House, body: &str) -> Vec<u8> {
    let token = house.token("ann");
    let head = format!(
        "POST /chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    format!("{head}{body}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_looked_at_as_strictly_as_a_head() {
    let house = House::start().await;
    for good in [
        "5\r\nhello\r\n0\r\n\r\n",
        "5;a=b\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b; c\"\r\nhello\r\n0\r\n\r\n",
        "0005\r\nhello\r\n000\r\nx-t: 1\r\n\r\n",
    ] {
        let answer = house.raw(&post(&house, good)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{good:?}: {answer}");
    }
    for bad in [
        "5\r\nhello\r\n\r\n\r\n",
        ";a=b\r\n\r\n",
        " \r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-1\r\n\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "3\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nhello",
        // Quotes that are not closed: for some, the chunk is a part of what they quote.
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\r\nhello\r\n0;b=\"\r\n\r\n",
        "5\r\nhello\r\n0\r\ncontent-length: 0\r\n\r\n",
        "5\r\nhello\r\n0\r\nx-t: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "5\r\nhello\r\n0\r\nHost: other.example\r\n\r\n",
        "5\r\nhello\r\n0\r\nX-Switchboard-Identity: forged\r\n\r\n",
    ] {
        let answer = house.raw(&post(&house, bad)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{bad:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_over_http2_frame_nothing_and_reach_nobody() {
    let house = House::start().await;
    let token = house.token("ann");
    // What belongs to a connection (RFC 9113 §8.2.2) the HTTP/2 library refuses, as it does here when it is sent; the rest
    // is thrown away unread.
    for name in ["content-length", "host", "authorization", headers::IDENTITY, "x-mine"] {
        let (mut client, _driver) = connect(&house).await;
        let request = Request::post(house.url("/chat"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(())
            .unwrap();
        let (answer, mut upload) = client.send_request(request, false).unwrap();
        upload.send_data(Bytes::from_static(b"hello"), false).unwrap();
        let trailers = http::HeaderMap::from_iter([(name.parse().unwrap(), "7".parse().unwrap())]);
        upload.send_trailers(trailers).unwrap();
        let answer = timeout(PATIENCE, answer).await.expect("it is answered").unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let seen = last_seen(&house.log).unwrap();
        assert!(seen.get_all(name).iter().all(|value| value != "7"), "{name}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_in_absolute_form_must_name_the_host_and_an_authority_a_port() {
    let house = House::start().await;
    let token = house.token("ann");
    let port = house.edge.address.port();
    for (line, host, status) in [
        (format!("https://localhost:{port}/v1/agents"), format!("localhost:{port}"), 200),
        ("https://localhost/v1/agents".to_owned(), "localhost".to_owned(), 200),
        ("https://other.example/v1/agents".to_owned(), "localhost".to_owned(), 400),
        ("/v1/agents".to_owned(), "localhost:".to_owned(), 200),
        ("/v1/agents".to_owned(), "localhost:abc".to_owned(), 400),
        ("/v1/agents".to_owned(), "localhost:999999".to_owned(), 400),
        ("/v1/agents".to_owned(), "[::1]:70000".to_owned(), 400),
    ] {
        let request = format!(
            "GET {line} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        let answer = house.raw(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} at {host}: {answer}");
    }
    let (mut client, _driver) = connect(&house).await;
    for authority in ["localhost:abc", "localhost:999999"] {
        let request = format!("https://{authority}/v1/agents").parse::<http::Uri>();
        let Ok(uri) = request else { continue };
        let request = Request::get(uri).header("authorization", format!("Bearer {token}")).body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        let refused = answer.await.map_or(true, |answer| answer.status() == 400);
        assert!(refused, "{authority}");
    }
}

async fn connect(house: &House) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(0)
        .max_concurrent_reset_streams(0)
        .handshake(house.tls2().await)
        .await
        .unwrap();
    (client, tokio::spawn(connection))
}

fn get(house: &House, path: &str) -> Request<()> {
    let token = house.token("ann");
    Request::get(house.url(path)).header("authorization", format!("Bearer {token}")).body(()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_reset_over_and_over_end_their_connection() {
    let house = House::start().await;
    let (mut client, driver) = connect(&house).await;
    let mut sent = 0;
    for _ in 0..5_000 {
        let Ok(ready) = client.ready().await else { break };
        client = ready;
        let Ok((_answer, mut stream)) = client.send_request(get(&house, "/v1/slow"), false) else { break };
        // As an attacker would, who leaves the library's own bounds aside.
        stream.send_reset(Reason::CANCEL);
        sent += 1;
        tokio::task::yield_now().await;
    }
    let ended = timeout(PATIENCE, driver).await.expect("the connection is ended").unwrap();
    assert!(ended.is_err() && sent < 5_000, "{sent} {ended:?}");
    let reached = house.log.paths().len();
    println!("{sent} sent, {reached} reached the core");
    assert!(reached <= 200, "{reached} reached the core");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_which_nothing_comes_meets_its_deadline_over_http1_and_http2() {
    let house = House::with("http.body_timeout_ms = 500\nhttp.read_timeout_ms = 60000", 1).await;
    let token = house.token("ann");
    let head = format!(
        "POST /chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 50\r\n\r\n"
    );
    let mut tls = house.tls().await;
    tls.write_all(head.as_bytes()).await.unwrap();
    assert!(read_all(&mut tls).await.starts_with("HTTP/1.1 408 "));
    let (mut client, _driver) = connect(&house).await;
    let request = Request::post(house.url("/chat"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-length", 50)
        .body(())
        .unwrap();
    let (answer, _upload) = client.send_request(request, false).unwrap();
    let answer = timeout(PATIENCE, answer).await.expect("it is answered or reset");
    assert!(answer.map_or(true, |answer| answer.status() == 408));
    // So does one that begins and then says nothing more.
    let house = House::with("http.body_timeout_ms = 60000\nhttp.read_timeout_ms = 500", 1).await;
    let (mut client, _driver) = connect(&house).await;
    let request = Request::post(house.url("/chat"))
        .header("authorization", format!("Bearer {}", house.token("ann")))
        .header("content-length", 50)
        .body(())
        .unwrap();
    let (answer, mut upload) = client.send_request(request, false).unwrap();
    upload.send_data(Bytes::from_static(b"{"), false).unwrap();
    let answer = timeout(PATIENCE, answer).await.expect("it is answered or reset");
    assert!(answer.map_or(true, |answer| answer.status() == 408));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_places_and_strangers_are_let_go_soon() {
    let settings = "max_strangers_per_address = 5\nhttp.header_timeout_ms = 400\nhttp.keepalive_s = 60";
    let house = House::with(settings, 1).await;
    let mut idle = Vec::new();
    for _ in 0..5 {
        idle.push(house.tls().await);
    }
    let sixth = house.client().build().unwrap().get(house.url("/openapi.json")).send().await;
    assert!(sixth.is_err(), "it is closed before TLS");
    for mut tls in idle {
        assert_eq!(read_all(&mut tls).await, "");
    }
    until("there is room again", async || {
        house.client().build().unwrap().get(house.url("/openapi.json")).send().await.is_ok()
    })
    .await;
    // Whoever has shown a token is no stranger: it may keep its connection.
    let client = house.client().build().unwrap();
    for _ in 0..2 {
        let answer =
            client.get(house.url("/v1/agents")).bearer_auth(house.token("ann")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_go_on_asking_keep_nobody_out() {
    let house = House::with("max_strangers_per_address = 3\nhttp.keepalive_s = 60", 1).await;
    let ask = async |client: &reqwest::Client| client.get(house.url("/openapi.json")).send().await;
    let mut staying = Vec::new();
    for _ in 0..3 {
        let client = house.client().http1_only().build().unwrap();
        assert_eq!(ask(&client).await.unwrap().status(), 200);
        staying.push(client);
    }
    let other = house.client().build().unwrap();
    until("somebody else is let in while they ask", async || {
        for client in &staying {
            drop(ask(client).await);
        }
        let answer = other.get(house.url("/v1/agents")).bearer_auth(house.token("ann")).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}
