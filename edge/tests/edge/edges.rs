//! Several edges: which of them clients are told of, and where one that ends sends its sockets.

use crate::{
    house::{House, PATIENCE, configuration, read_all, until},
    process::Process,
    redis::Redis,
};
use futures::StreamExt;
use serde_json::{Value, json};
use switchboard_edge::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

const LIST: &str = "/.well-known/switchboard/edges";

fn settings(redis: &Redis, name: &str, region: &str) -> String {
    format!(
        "redis.urls = [\"{}\"]\nedge.public_url = \"https://{name}.example\"\nedge.region = \"{region}\"\n\
         edge.refresh_ms = 100\nedge.lease_ms = 1000\nedge.keep_ms = 500",
        redis.url("127.0.0.1")
    )
}

/// A second edge of the house.
async fn second(house: &House, settings: &str) -> Running {
    let urls = [house.cores[0].url()];
    switchboard_edge::start(configuration(house.dir.path(), &urls, settings)).await.unwrap()
}

async fn list(house: &House) -> Value {
    house.client().build().unwrap().get(house.url(LIST)).send().await.unwrap().json().await.unwrap()
}

/// The names of the edges on the list, those that drain in brackets.
async fn names(house: &House) -> Vec<String> {
    let list = list(house).await;
    let name = |edge: &Value| {
        let url = edge["url"].as_str().unwrap().trim_start_matches("https://").trim_end_matches(".example");
        if edge["draining"] == true { format!("({url})") } else { url.to_owned() }
    };
    list["edges"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_know_each_other_and_see_which_one_drains() {
    let redis = Redis::start().await;
    let house = House::with(&settings(&redis, "one", "eu"), 1).await;
    let other = second(&house, &settings(&redis, "two", "us")).await;
    until("both are listed", async || names(&house).await == ["one", "two"]).await;
    let shown = list(&house).await;
    assert_eq!(shown["edge"], "https://one.example");
    assert_eq!(shown["edges"][1]["region"], "us");
    let load = shown["edges"][1]["load"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&load), "{load}");

    let token = ("authorization", format!("Bearer {}", house.token("ann")));
    let mut ws = house.open("/ws", &[token]).await.unwrap();
    let welcome = ws.next().await;
    assert_eq!(welcome["edge"], "https://one.example", "{welcome}");
    assert_eq!(welcome["edges"].as_array().unwrap().len(), 2, "{welcome}");

    other.edge.edges.drain();
    until("the others see that it drains", async || names(&house).await == ["one", "(two)"]).await;
    assert!(other.drain().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_was_killed_is_gone_from_the_list_after_its_lease() {
    let redis = Redis::start().await;
    let house = House::with(&settings(&redis, "one", ""), 1).await;
    let process = Process::start(&house, &settings(&redis, "two", ""));
    until("both are listed", async || names(&house).await == ["one", "two"]).await;
    // It is killed, so that it says nothing of its end.
    drop(process);
    until("its lease ends", async || names(&house).await == ["one"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_lease_ended_or_that_no_edge_of_ours_wrote_is_not_shown() {
    let redis = Redis::start().await;
    let house = House::with(&settings(&redis, "one", ""), 1).await;
    until("it is written", async || redis.cli(&["hlen", "switchboard:{edges}"]).starts_with('1')).await;
    let ours = redis.cli(&["hvals", "switchboard:{edges}"]);
    let entry = ours.trim().split_once(' ').unwrap().1.replace('"', "\\\"");
    let forged = entry.replace("one.example", "evil.example");
    redis.cli(&["hset", "switchboard:{edges}", "dead", &format!("1000 {entry}")]);
    redis.cli(&["hset", "switchboard:{edges}", "evil", &format!("99999999999999 {forged}")]);
    until("what ended is taken away", async || {
        redis.cli(&["hexists", "switchboard:{edges}", "dead"]).starts_with('0')
    })
    .await;
    assert_eq!(names(&house).await, ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_last_list_stays_a_while_and_then_an_edge_knows_itself() {
    let mut redis = Redis::start().await;
    let house = House::with(&settings(&redis, "one", ""), 1).await;
    let other = second(&house, &settings(&redis, "two", "")).await;
    until("both are listed", async || names(&house).await == ["one", "two"]).await;
    redis.kill();
    assert_eq!(names(&house).await, ["one", "two"], "what was known is still given");
    until("it knows itself alone", async || names(&house).await == ["one"]).await;
    assert!(other.drain().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_public_bounded_in_time_and_only_read() {
    let house = House::start().await;
    let client = house.client().build().unwrap();
    let answer = client.get(house.url(LIST)).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (200, &"public, max-age=2".parse().unwrap())
    );
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"edges": []}),
        "without a public URL it is on no list"
    );
    assert_eq!(client.post(house.url(LIST)).send().await.unwrap().status(), 405);
    let head = client.head(house.url(LIST)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.bytes().await.unwrap().len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_drains_names_another_one_to_its_sockets_and_streams() {
    let redis = Redis::start().await;
    let house = House::with(&settings(&redis, "one", "eu"), 1).await;
    let other = second(&house, &settings(&redis, "two", "us")).await;
    until("both are listed", async || names(&house).await == ["one", "two"]).await;
    let mut ws = house.joined("ann").await;
    let mut stream = house.tls().await;
    let request = format!(
        "GET /v1/conversations/{}/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        house.log.conversation,
        house.token("ann")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begun = Vec::new();
    while !String::from_utf8_lossy(&begun).contains("attached") {
        assert!(stream.read_buf(&mut begun).await.unwrap() > 0);
    }
    let draining = tokio::spawn(house.edge.drain());
    assert_eq!(ws.next_of("move").await, json!({"type": "move", "to": "https://two.example"}));
    match tokio::time::timeout(PATIENCE, ws.socket.next()).await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1012),
        other => panic!("{other:?}"),
    }
    let rest = read_all(&mut stream).await;
    let last = "event: move\ndata: {\"type\":\"move\",\"to\":\"https://two.example\"}\n\n";
    assert!(rest.contains(last) && rest.ends_with("0\r\n\r\n"), "{rest:?}");
    assert!(draining.await.unwrap());
    assert!(other.drain().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_comes_while_the_edge_drains_is_sent_elsewhere_and_not_refused() {
    let redis = Redis::start().await;
    let house = House::with(&settings(&redis, "one", "eu"), 1).await;
    let other = second(&house, &settings(&redis, "two", "us")).await;
    until("both are listed", async || names(&house).await == ["one", "two"]).await;
    let mut stream = house.tls().await;
    let (begins, ends) =
        ("GET /ws HTTP/1.1\r\nhost: a\r\n", "sec-websocket-protocol: switchboard.v1\r\n\r\n");
    stream.write_all(begins.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let (admin, token) = (house.edge.admin, house.token("ann"));
    let draining = tokio::spawn(house.edge.drain());
    let ready = async || reqwest::get(format!("http://{admin}/readyz")).await.unwrap().status() == 200;
    until("it drains", async || !ready().await).await;
    let rest = format!(
        "authorization: Bearer {token}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{ends}"
    );
    stream.write_all(rest.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer:?}");
    assert!(answer.contains(r#"{"type":"move","to":"https://two.example"}"#), "{answer:?}");
    assert!(draining.await.unwrap());
    assert!(other.drain().await);
}
