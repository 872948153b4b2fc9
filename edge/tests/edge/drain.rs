//! The end of an edge.

use crate::house::{House, PATIENCE, read_all};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_told_to_come_back_elsewhere_and_requests_finish() {
    let house = House::with("socket.drain_spread_ms = 500", 1).await;
    let mut sockets = Vec::new();
    for i in 0..5 {
        sockets.push(house.joined(&format!("user{i}")).await);
    }
    let idle = house.tls().await;
    let mut busy = house.tls().await;
    let request =
        format!("GET /v1/slow HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", house.token("ann"));
    busy.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (address, admin) = (house.edge.address, house.edge.admin);
    let started = SystemTime::now();
    let draining = tokio::spawn(house.edge.drain());
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, 1012);
    }
    let readiness = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
    assert_eq!(readiness.status(), 503);
    assert_eq!(readiness.text().await.unwrap(), "draining");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "new connections are refused");
    let answer = read_all(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("late"), "{answer}");
    assert!(draining.await.unwrap(), "everything ends in time");
    assert!(started.elapsed().unwrap() < Duration::from_secs(4), "an empty edge does not wait");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_edge_ends_at_once() {
    let house = House::start().await;
    assert_eq!(house.get("/v1/agents", &house.token("ann")).await.status(), 200);
    let started = SystemTime::now();
    assert!(house.edge.drain().await);
    assert!(started.elapsed().unwrap() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_event_streams_end_at_once_and_whole() {
    let house = House::start().await;
    let (id, token) = (house.log.conversation, house.token("ann"));
    let path = format!("/v1/conversations/{id}/events?ping_ms=60000");
    let mut tls = house.tls().await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    tls.write_all(request.as_bytes()).await.unwrap();
    let mut begun = Vec::new();
    while !String::from_utf8_lossy(&begun).contains("attached") {
        assert!(tls.read_buf(&mut begun).await.unwrap() > 0);
    }
    let mut second = house.get(&path, &token).await;
    assert_eq!((second.status().as_u16(), second.version()), (200, reqwest::Version::HTTP_2));
    assert!(second.chunk().await.unwrap().is_some());
    let started = SystemTime::now();
    let draining = tokio::spawn(house.edge.drain());
    let rest = read_all(&mut tls).await;
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    while let Some(chunk) = tokio::time::timeout(PATIENCE, second.chunk()).await.unwrap().unwrap() {
        assert!(chunk.is_empty(), "nothing but the end comes: {chunk:?}");
    }
    assert!(draining.await.unwrap(), "everything ends in time");
    assert!(started.elapsed().unwrap() < Duration::from_secs(2), "nobody waits for a chunk");
}
