//! What is taken back ends at every edge within five seconds, whatever is open with it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard::client::{Client, Socket, next_text};
use switchboard_tests::{Browser, House, Person, person::PATIENCE};
use tokio::time::{Instant, sleep, timeout};

const TOKEN: &str = "__Host-switchboard-token";

async fn two_edges() -> anyhow::Result<House> {
    House::with(|options| (options.cores, options.edges) = (2, 2)).await
}

/// How a socket ends.
async fn end_of(mut socket: Socket) -> anyhow::Result<Option<u16>> {
    let reading = async {
        loop {
            if let Err(closed) = next_text(&mut socket).await {
                return closed.code;
            }
        }
    };
    Ok(timeout(PATIENCE, reading).await?)
}

/// Waits until an edge refuses a token.
async fn is_refused(client: &Client) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while client.get::<Value>("/v1/conversations").await.is_ok() {
        anyhow::ensure!(Instant::now() < deadline, "it is taken still");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn take_back(house: &House, kind: &str, id: &str) -> anyhow::Result<()> {
    let admin = house.topology().client("olga", &["admin"])?;
    let done = admin.post::<Value>("/v1/revocations", &json!({"kind": kind, "id": id})).await;
    // An empty answer is no JSON.
    match done {
        Err(error) if !error.to_string().contains("cannot be read") => Err(error.into()),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn a_session_that_ends_closes_its_sockets_at_every_edge_and_leaves_those_of_others()
-> anyhow::Result<()> {
    let house = two_edges().await?;
    let mut ann = Browser::signed_in(&house, "ann").await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let other_edge = house.topology().edges()[1].url().clone();
    let there = elsewhere(&ann, &other_edge);
    let sockets = [ann.page_socket().await?, there.page_socket().await?];
    let mut of_bob = bob.page_socket().await?;
    assert_eq!(ann.script(Method::POST, "/auth/logout", None).await?.status, StatusCode::NO_CONTENT);
    for socket in sockets {
        assert_eq!(end_of(socket).await?, Some(4401));
    }
    let welcome = timeout(PATIENCE, next_text(&mut of_bob)).await?;
    assert!(welcome.is_ok_and(|text| text.contains("welcome")));
    assert_eq!(bob.get("/v1/conversations").await?.status, StatusCode::OK);
    house.stop().await
}

/// The same cookies at another edge.
fn elsewhere(browser: &Browser, edge: &url::Url) -> Browser {
    let mut there = browser.clone();
    let place = |url: &url::Url| {
        format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
    };
    let cookies = browser.cookies.iter();
    there.cookies = cookies.map(|((_, name), value)| ((place(edge), name.clone()), value.clone())).collect();
    there.edge = edge.clone();
    there
}

#[tokio::test]
async fn a_token_and_a_user_are_taken_back_at_every_edge_with_their_streams() -> anyhow::Result<()> {
    let house = two_edges().await?;
    let edges: Vec<_> = house.topology().edges().iter().map(|edge| edge.url().clone()).collect();
    let (one, two) = (house.topology().token("ann", &["user"])?, house.topology().token("ann", &["user"])?);
    let client = |edge: &url::Url, token: &str| Client::new(edge.clone(), Some(house.topology().ca()), token);
    let here = client(&edges[0], &one)?;
    let mut socket = Person::new("ann", client(&edges[1], &one)?);
    socket.connect().await?;
    let room = socket.room(&[]).await?;
    let stream = here.open(&format!("/v1/conversations/{room}/events?after=0")).await?;
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(one.split('.').nth(1).expect("claims"))?)?;
    take_back(&house, "token", claims["jti"].as_str().expect("an id")).await?;
    for edge in &edges {
        is_refused(&client(edge, &one)?).await?;
        client(edge, &two)?.get::<Value>("/v1/conversations").await?;
    }
    assert_eq!(socket.closed().await?.code, Some(4401));
    let heard =
        timeout(PATIENCE, stream.bytes_stream().map(|part| part.unwrap_or_default()).collect::<Vec<_>>());
    let heard = String::from_utf8_lossy(&heard.await?.concat()).into_owned();
    assert!(heard.contains("event: error") && heard.contains("unauthenticated"), "{heard}");

    take_back(&house, "user", "ann").await?;
    for edge in &edges {
        is_refused(&client(edge, &two)?).await?;
    }
    let other = house.topology().client("bob", &["user"])?;
    other.get::<Value>("/v1/conversations").await?;
    // What is issued in the second after is good.
    let deadline = Instant::now() + PATIENCE;
    while client(&edges[0], &house.topology().token("ann", &["user"])?)?
        .get::<Value>("/v1/agents")
        .await
        .is_err()
    {
        anyhow::ensure!(Instant::now() < deadline, "nobody comes back");
        sleep(Duration::from_millis(100)).await;
    }
    house.stop().await
}

/// Whether an edge lets a socket with this token in; what it answers else.
async fn knock(house: &House, edge: &url::Url, token: &str) -> anyhow::Result<StatusCode> {
    let bearer = format!("Bearer {token}");
    let opened = Browser::at(house, edge)?.socket(&[("authorization", &bearer)]).await?;
    Ok(opened.err().unwrap_or(StatusCode::SWITCHING_PROTOCOLS))
}

#[tokio::test]
async fn while_no_core_can_be_asked_what_was_taken_back_stays_so_and_an_edge_that_begins_lets_nobody_in()
-> anyhow::Result<()> {
    let house = House::with(|options| options.edges = 2).await?;
    let edges = house.topology().edges();
    let (one, two) = (house.topology().token("ann", &["user"])?, house.topology().token("bob", &["user"])?);
    let client =
        |edge: usize, token: &str| Client::new(edges[edge].url().clone(), Some(house.topology().ca()), token);
    take_back(&house, "user", "ann").await?;
    for edge in 0..2 {
        is_refused(&client(edge, &one)?).await?;
    }
    house.topology().cores()[0].kill9().await;
    for edge in &edges {
        assert_eq!(knock(&house, edge.url(), &one).await?, StatusCode::UNAUTHORIZED, "what it knows holds");
        assert_eq!(knock(&house, edge.url(), &two).await?, StatusCode::SWITCHING_PROTOCOLS);
    }
    // An edge that has heard of no core yet cannot know whom it must not let in.
    edges[1].restart().await?;
    for token in [&one, &two] {
        assert_eq!(knock(&house, edges[1].url(), token).await?, StatusCode::SERVICE_UNAVAILABLE);
    }
    let refused = take_back(&house, "user", "bob").await;
    assert!(refused.is_err(), "nothing is taken back that no core can write down");
    house.topology().cores()[0].restart().await?;
    let deadline = Instant::now() + PATIENCE;
    while client(1, &two)?.get::<Value>("/v1/conversations").await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "nobody is let in again");
        sleep(Duration::from_millis(50)).await;
    }
    for edge in &edges {
        assert_eq!(knock(&house, edge.url(), &one).await?, StatusCode::UNAUTHORIZED);
    }
    house.stop().await
}

#[tokio::test]
async fn without_redis_and_with_a_database_that_was_away_what_is_taken_back_still_ends_everywhere()
-> anyhow::Result<()> {
    let house = two_edges().await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let there = elsewhere(&bob, house.topology().edges()[1].url());
    let sockets = [bob.page_socket().await?, there.page_socket().await?];
    house.topology().redis().expect("two edges share one").kill9().await;
    let postgres = house.topology().postgres();
    postgres.kill9().await;
    // What was signed in stays so meanwhile: its token is good by itself.
    assert_eq!(knock_by_cookie(&bob).await?, StatusCode::SWITCHING_PROTOCOLS);
    postgres.restart().await?;
    let deadline = Instant::now() + PATIENCE;
    while bob.clone().script(Method::POST, "/auth/logout", None).await?.status != StatusCode::NO_CONTENT {
        anyhow::ensure!(Instant::now() < deadline, "nobody can sign out");
        sleep(Duration::from_millis(50)).await;
    }
    for socket in sockets {
        assert_eq!(end_of(socket).await?, Some(4401));
    }
    assert_eq!(bob.script(Method::POST, "/auth/refresh", None).await?.status, StatusCode::UNAUTHORIZED);
    house.stop().await
}

async fn knock_by_cookie(browser: &Browser) -> anyhow::Result<StatusCode> {
    let own = browser.edge.origin().ascii_serialization();
    let cookie = format!("{TOKEN}={}", browser.cookie(TOKEN).unwrap_or_default());
    let opened = browser.socket(&[("origin", &own), ("cookie", &cookie)]).await?;
    Ok(opened.err().unwrap_or(StatusCode::SWITCHING_PROTOCOLS))
}

#[tokio::test]
async fn only_an_admin_takes_back_what_is_others() -> anyhow::Result<()> {
    let house = House::start().await?;
    for roles in [&["user"][..], &["user", "agent-admin"]] {
        let client = house.topology().client("ann", roles)?;
        let refused = client.post::<Value>("/v1/revocations", &json!({"kind": "user", "id": "bob"})).await;
        assert!(refused.unwrap_err().to_string().contains("needs the role admin"));
    }
    let admin = house.topology().client("olga", &["admin"])?;
    for (kind, id) in [("session", "x"), ("key", ""), ("token", ""), ("user", " ")] {
        let refused = admin.post::<Value>("/v1/revocations", &json!({"kind": kind, "id": id})).await;
        assert!(refused.is_err(), "{kind} {id}");
    }
    house.stop().await
}
