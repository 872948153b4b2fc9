//! Keys of programs and tickets of sockets, through edge and core.

use chrono::Utc;
use futures::StreamExt;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use switchboard::client::Client;
use switchboard_tests::{Browser, FakeAgent, House, Manner, Person, person::PATIENCE};
use tokio::time::{Duration, Instant, sleep, timeout};

const TOKEN: &str = "__Host-switchboard-token";

async fn key(who: &mut Browser, wish: Value) -> anyhow::Result<(String, String)> {
    let made = who.script(Method::POST, "/v1/keys", Some(wish)).await?;
    anyhow::ensure!(made.status == StatusCode::CREATED, "{}", made.body);
    let text = |name: &str| made.body[name].as_str().unwrap_or_default().to_owned();
    Ok((text("key"), text("id")))
}

fn program(house: &House, key: &str) -> anyhow::Result<Client> {
    Ok(Client::new(house.topology().url().clone(), Some(house.topology().ca()), key)?)
}

#[tokio::test]
async fn a_program_talks_with_a_key_until_it_is_taken_back() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("oracle", &["what will be"], Manner::Says("rain".into())).await?;
    house.register("oracle", &agent).await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let (secret, id) = key(&mut bob, json!({"name": "a script"})).await?;
    assert!(secret.starts_with("sbk_") && secret.ends_with(".demo"), "{secret}");
    let program = program(&house, &secret)?;
    let said: Value = program.post("/chat", &json!({"message": "@oracle what will be?"})).await?;
    assert!(said["response"].as_str().is_some_and(|text| text.contains("rain")), "{said}");
    let mut socket = Person::new("bob", program.clone());
    socket.connect().await?;
    let room = socket.room(&[]).await?;
    socket.join(room, Some(0)).await?;

    let listed = bob.get("/v1/keys").await?.body;
    assert_eq!((&listed["keys"][0]["id"], &listed["keys"][0]["user"]), (&json!(id), &json!("bob")));
    assert!(listed["keys"][0]["last_used_at"].is_string(), "{listed}");
    assert!(!listed.to_string().contains("sbk_"), "the key itself is said once");
    let made: Result<Value, _> = program.post("/v1/keys", &json!({"name": "another"})).await;
    assert!(made.unwrap_err().to_string().contains("A key makes no keys"));

    let path = format!("/v1/keys/{id}");
    assert_eq!(bob.script(Method::DELETE, &path, None).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(bob.script(Method::DELETE, &path, None).await?.status, StatusCode::NOT_FOUND);
    assert_eq!(socket.closed().await?.code, Some(4401));
    assert!(program.get::<Value>("/v1/conversations").await.is_err());
    assert_eq!(bob.get("/v1/keys").await?.body, json!({"keys": []}));
    house.stop().await
}

#[tokio::test]
async fn a_key_is_for_the_roles_and_agents_that_it_was_made_for_and_for_no_more_than_its_user_has()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let oracle = FakeAgent::start("oracle", &["what will be"], Manner::Says("rain".into())).await?;
    let ledger = FakeAgent::start("ledger", &["what was paid"], Manner::Says("ten".into())).await?;
    house.register("oracle", &oracle).await?;
    house.register("ledger", &ledger).await?;
    let mut ann = Browser::signed_in(&house, "ann").await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    for wish in [
        json!({"name": "too much", "roles": ["admin"]}),
        json!({"name": "both", "roles": ["user", "agent-admin"], "agents": ["oracle"]}),
    ] {
        let refused = bob.script(Method::POST, "/v1/keys", Some(wish.clone())).await?;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{wish}");
    }
    for wish in [
        json!({"name": ""}),
        json!({"name": "\u{3164}"}),
        json!({"name": "over", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "none", "agents": []}),
    ] {
        let refused = bob.script(Method::POST, "/v1/keys", Some(wish.clone())).await?;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wish}");
    }
    let (secret, _) = key(&mut ann, json!({"name": "ledger", "agents": ["ledger"]})).await?;
    let program = program(&house, &secret)?;
    let agents: Value = program.get("/v1/agents").await?;
    assert_eq!(agents["items"].as_array().map(Vec::len), Some(1), "{agents}");
    let said: Value = program.post("/chat", &json!({"message": "@ledger what was paid?"})).await?;
    assert!(said["response"].as_str().is_some_and(|text| text.contains("ten")), "{said}");
    let said: Value = program.post("/chat", &json!({"message": "hm?", "agents": ["oracle"]})).await?;
    assert_eq!(said["response"], "There is no agent @oracle here.", "{said}");
    let (secret, _) = key(&mut ann, json!({"name": "reader", "roles": ["user"]})).await?;
    for program in [program, self::program(&house, &secret)?] {
        let gone = program.delete("/v1/agents/oracle").await;
        assert!(gone.is_err(), "its user may, and it may not");
        let back = json!({"kind": "user", "id": "bob"});
        let taken: Result<Value, _> = program.post("/v1/revocations", &back).await;
        assert!(taken.unwrap_err().to_string().contains("needs the role admin"));
    }
    house.stop().await
}

#[tokio::test]
async fn a_key_that_is_taken_back_or_has_run_out_ends_its_sockets_and_streams_at_every_edge()
-> anyhow::Result<()> {
    let house = House::with(|options| (options.cores, options.edges) = (2, 2)).await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let (secret, id) = key(&mut bob, json!({"name": "a script"})).await?;
    let edges: Vec<_> = house.topology().edges().iter().map(|edge| edge.url().clone()).collect();
    let at = |edge: &Url, key: &str| Client::new(edge.clone(), Some(house.topology().ca()), key);
    let mut socket = Person::new("bob", at(&edges[1], &secret)?);
    socket.connect().await?;
    let room = socket.room(&[]).await?;
    socket.join(room, Some(0)).await?;
    let stream = at(&edges[0], &secret)?.open(&format!("/v1/conversations/{room}/events?after=0")).await?;
    let began = Instant::now();
    let path = format!("/v1/keys/{id}");
    assert_eq!(bob.script(Method::DELETE, &path, None).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(socket.closed().await?.code, Some(4401));
    let heard = stream.bytes_stream().map(|part| part.unwrap_or_default()).collect::<Vec<_>>();
    let heard = String::from_utf8_lossy(&timeout(PATIENCE, heard).await?.concat()).into_owned();
    assert!(heard.contains("event: error") && heard.contains("unauthenticated"), "{heard}");
    tell(&format!(
        "a key that was taken back had ended its socket and its stream {:?} later",
        began.elapsed()
    ));

    let soon = Utc::now() + chrono::TimeDelta::seconds(3);
    let (secret, id) = key(&mut bob, json!({"name": "for a moment", "expires_at": soon})).await?;
    let program = at(&edges[0], &secret)?;
    let deadline = Instant::now() + PATIENCE;
    while program.get::<Value>("/v1/conversations").await.is_ok() {
        anyhow::ensure!(Instant::now() < deadline, "it does not run out");
        sleep(Duration::from_millis(50)).await;
    }
    anyhow::ensure!(Utc::now() >= soon - chrono::TimeDelta::seconds(1), "it has run out too early");
    let listed = bob.get("/v1/keys").await?.body;
    assert_eq!(listed["keys"][0]["id"], json!(id), "its user sees why: {listed}");
    house.stop().await
}

/// What was measured, for whoever reads the test's output.
#[allow(clippy::print_stdout, reason = "a figure that nobody sees is none")]
fn tell(line: &str) {
    println!("{line}");
}

#[tokio::test]
async fn a_ticket_is_good_once_at_whichever_edge_and_not_for_long() -> anyhow::Result<()> {
    let house = House::with(|options| (options.cores, options.edges) = (2, 2)).await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let edges: Vec<_> = house.topology().edges().iter().map(|edge| edge.url().clone()).collect();
    let browsers = [Browser::at(&house, &edges[0])?, Browser::at(&house, &edges[1])?];
    for _ in 0..5 {
        let protocols = ticket(&mut bob).await?;
        let fields = [("sec-websocket-protocol", protocols.as_str())];
        let opened = futures::future::join_all(browsers.iter().map(|browser| browser.socket(&fields))).await;
        let opened = opened.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let refused: Vec<_> = opened.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused, [StatusCode::UNAUTHORIZED], "of two at once one is let in");
    }
    let protocols = ticket(&mut bob).await?;
    let database = house.topology().postgres().connect().await?;
    // As if its half minute were over.
    assert_eq!(database.execute("UPDATE tickets SET expires_at = now()", &[]).await?, 1);
    let late = browsers[0].socket(&[("sec-websocket-protocol", &protocols)]).await?;
    assert_eq!(late.err(), Some(StatusCode::UNAUTHORIZED));
    let guess = protocols.replace("sbt_", "sbt_x");
    let guessed = browsers[0].socket(&[("sec-websocket-protocol", &guess)]).await?;
    assert_eq!(guessed.err(), Some(StatusCode::UNAUTHORIZED));
    house.stop().await
}

/// The subprotocols of a handshake with a new ticket.
async fn ticket(who: &mut Browser) -> anyhow::Result<String> {
    let made = who.script(Method::POST, "/v1/tickets", None).await?;
    let ticket = made.body["ticket"].as_str().unwrap_or_default();
    Ok(format!("switchboard.v1, ticket.{ticket}"))
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_a_cookie_one_for_pages_of_ours() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let made = bob.script(Method::POST, "/v1/tickets", None).await?;
    assert_eq!((made.status, &made.body["expires_in_s"]), (StatusCode::OK, &json!(30)), "{}", made.body);
    let ticket = made.body["ticket"].as_str().expect("a ticket").to_owned();
    let protocols = format!("switchboard.v1, ticket.{ticket}");
    let own = bob.edge.origin().ascii_serialization();
    let opened = bob.socket(&[("sec-websocket-protocol", &protocols), ("origin", &own)]).await?;
    assert_eq!(opened.map(|opened| opened.protocol).ok(), Some(Some("switchboard.v1".to_owned())));
    let again = bob.socket(&[("sec-websocket-protocol", &protocols)]).await?;
    assert_eq!(again.err(), Some(StatusCode::UNAUTHORIZED), "it is used up");

    bob.page_socket().await?;
    let cookie = format!("{TOKEN}={}", bob.cookie(TOKEN).expect("it"));
    for (name, fields) in [
        ("no page", vec![("cookie", cookie.as_str())]),
        ("another's", vec![("cookie", cookie.as_str()), ("origin", "https://evil.example")]),
    ] {
        assert_eq!(bob.socket(&fields).await?.err(), Some(StatusCode::FORBIDDEN), "{name}");
    }
    house.stop().await
}
