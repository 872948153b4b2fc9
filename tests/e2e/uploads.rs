//! Large messages: how many bytes of them a core has in hand at once, and who gets past them.
#![allow(
    clippy::disallowed_methods,
    reason = "the clients of a test end with it, so no tracker waits for them"
)]

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard::client::Client;
use switchboard_tests::{FakeAgent, House, Manner, person::PATIENCE};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// A body that has begun and does not go on until it is told to.
struct Stalled {
    more: mpsc::Sender<Result<String, std::io::Error>>,
    rest: String,
    answer: JoinHandle<reqwest::Result<reqwest::Response>>,
}

impl Stalled {
    async fn begin(http: &reqwest::Client, url: url::Url, token: &str) -> anyhow::Result<Self> {
        let file =
            json!([{"name": "a", "media_type": "text/plain", "data": STANDARD.encode(vec![b'x'; 150_000])}]);
        let mut body = json!({"text": "@weather now?", "parts": file}).to_string();
        let rest = body.split_off(100_000);
        let (more, mut pieces) = mpsc::channel(2);
        more.send(Ok(body)).await?;
        let pieces = futures::stream::poll_fn(move |cx| pieces.poll_recv(cx));
        let request = http.post(url).bearer_auth(token).header("content-type", "application/json");
        let answer = tokio::spawn(request.body(reqwest::Body::wrap_stream(pieces)).send());
        Ok(Self { more, rest, answer })
    }

    async fn end(self) -> anyhow::Result<u16> {
        let Self { more, rest, answer } = self;
        more.send(Ok(rest)).await?;
        drop(more);
        Ok(timeout(PATIENCE, answer).await???.status().as_u16())
    }
}

/// How many large bodies wait, and how many bytes are in hand.
async fn in_hand(house: &House) -> anyhow::Result<(u64, u64)> {
    of_kind(house, "bodies").await
}

async fn of_kind(house: &House, kind: &str) -> anyhow::Result<(u64, u64)> {
    let metrics = reqwest::get(house.topology().cores()[0].admin().join("/metrics")?).await?.text().await?;
    let value = |name: &str| {
        let label = format!("{{what=\"{kind}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(&*label));
        line.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default()
    };
    Ok((value("switchboard_core_in_hand_waiting"), value("switchboard_core_in_hand_bytes")))
}

async fn until(house: &House, waiting: u64, bytes: u64) -> anyhow::Result<()> {
    until_of_kind(house, "bodies", (waiting, bytes)).await
}

async fn until_of_kind(house: &House, kind: &str, wanted: (u64, u64)) -> anyhow::Result<()> {
    let holds = async {
        while of_kind(house, kind).await? != wanted {
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    match timeout(PATIENCE, holds).await {
        Ok(held) => held,
        Err(_) => anyhow::bail!("{kind}: {:?} instead of {wanted:?}", of_kind(house, kind).await?),
    }
}

async fn messages(who: &Client) -> anyhow::Result<String> {
    let room: Value = who.post("/v1/conversations", &json!({})).await?;
    Ok(format!("/v1/conversations/{}/messages", room["id"].as_str().unwrap_or_default()))
}

#[tokio::test]
async fn large_messages_wait_for_room_and_everybody_elses_small_ones_go_past() -> anyhow::Result<()> {
    const BODY: u64 = 2_097_152;
    let house = House::with(|options| {
        options.core_overrides.insert("uploads_bytes".into(), (2 * i64::try_from(BODY).unwrap_or(0)).into());
        // A busy machine takes its time to come to where they go on.
        options.edge_overrides = toml::toml! {
            [http]
            read_timeout_ms = 100_000
            body_timeout_ms = 100_000
        };
    })
    .await?;
    let agent = FakeAgent::start("weather", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let token = |tenant: &str, user: &str| {
        house.token(user, &["user"], |claims| claims.tenant = tenant.parse().expect("a tenant"))
    };
    let http = super::limits::raw(&house)?;
    let client = async |tenant: &str, user: &str| {
        let token = token(tenant, user)?;
        let client = house.topology().client(user, &["user"])?.with_token(&token);
        let path = messages(&client).await?;
        anyhow::Ok((client, house.topology().url().join(&path)?, path, token))
    };
    let (ann, url, small, ann_token) = client("demo", "ann").await?;
    let (bob, bobs, bobs_small, bob_token) = client("other", "bob").await?;
    let (_, cys, _, cy_token) = client("third", "cy").await?;

    // Six at once of one user, as a browser may send them, and each of them stalls: one is in hand.
    let mut of_ann = Vec::new();
    for _ in 0..6 {
        of_ann.push(Stalled::begin(&http, url.clone(), &ann_token).await?);
    }
    until(&house, 5, BODY).await?;
    // There is room for somebody else's, and for one more there is none.
    let of_bob = Stalled::begin(&http, bobs.clone(), &bob_token).await?;
    until(&house, 5, 2 * BODY).await?;
    let of_cy = Stalled::begin(&http, cys, &cy_token).await?;
    until(&house, 6, 2 * BODY).await?;

    // Whoever sends something small has nothing to do with it: another user, and those who wait themselves.
    for (who, path) in [(&bob, &bobs_small), (&ann, &small)] {
        let accepted: Value = timeout(PATIENCE, who.post(path, &json!({"text": "hello"}))).await??;
        assert!(accepted["turn"].is_string(), "{accepted}");
    }
    assert_eq!(in_hand(&house).await?, (6, 2 * BODY), "all of them still wait");

    // Who has gone takes nothing with them, and the next one has their place.
    of_bob.answer.abort();
    drop(of_bob.more);
    until(&house, 5, 2 * BODY).await?;
    assert_eq!(of_cy.end().await?, 202);
    // Which of them has the place is not known here: all go on, and are served one after another.
    let ended = futures::future::try_join_all(of_ann.into_iter().map(Stalled::end)).await?;
    assert_eq!(ended, [202; 6]);
    until(&house, 0, 0).await?;
    house.stop().await
}

#[tokio::test]
async fn whoever_waits_for_an_answer_keeps_no_room() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("weather", &["will it rain"], Manner::Silent).await?;
    house.register("weather", &agent).await?;
    let ann = house.topology().client("ann", &["user"])?;
    let file =
        json!([{"name": "a", "media_type": "text/plain", "data": STANDARD.encode(vec![b'x'; 150_000])}]);
    let body = json!({"text": "@weather now?", "parts": file});
    let asked = tokio::spawn({
        let ann = ann.clone();
        let body = body.clone();
        async move { ann.post::<Value>("/chat", &body).await }
    });
    let heard = async {
        while agent.asked().is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, heard).await?;
    assert_eq!(in_hand(&house).await?, (0, 0));
    let path = messages(&ann).await?;
    ann.post::<Value>(&path, &body).await?;
    asked.abort();
    house.stop().await
}

#[tokio::test]
async fn files_with_agents_that_hang_leave_room_for_everybody_elses() -> anyhow::Result<()> {
    /// In base64, for the turn and for its agent.
    const EACH: u64 = 400_000;
    let house = House::with(|options| {
        let turn = toml::toml! { files_bytes = 1_300_000 };
        options.core_overrides.insert("turn".into(), turn.into());
    })
    .await?;
    let hangs = FakeAgent::start("hangs", &["will it rain"], Manner::Silent).await?;
    let says = FakeAgent::start("says", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("hangs", &hangs).await?;
    let of_other = |user: &str, roles: &[&str]| {
        let token = house.token(user, roles, |claims| claims.tenant = "other".parse().expect("a tenant"))?;
        anyhow::Ok(house.topology().client(user, roles)?.with_token(&token))
    };
    let new = json!({"url": says.url(), "id": "says"});
    of_other("olga", &["agent-admin"])?.post::<Value>("/v1/agents", &new).await?;
    let file =
        json!([{"name": "a", "media_type": "text/plain", "data": STANDARD.encode(vec![b'x'; 150_000])}]);
    let (ann, bob) = (house.topology().client("ann", &["user"])?, of_other("bob", &["user"])?);
    let (of_ann, of_bob) = (messages(&ann).await?, messages(&bob).await?);
    let mut turns = Vec::new();
    for _ in 0..4 {
        let sent = json!({"text": "@hangs now?", "parts": file});
        let accepted: Value = ann.post(&of_ann, &sent).await?;
        turns.push(accepted["turn"].as_str().unwrap_or_default().to_owned());
    }
    // As many as leave as much as they take together, counted as hers and as her tenant's.
    until_of_kind(&house, "files", (2, 2 * EACH)).await?;
    let sent = json!({"text": "@says now?", "parts": file});
    let turn: Value = bob.post(&of_bob, &sent).await?;
    let path = format!("/v1/turns/{}", turn["turn"].as_str().unwrap_or_default());
    let answered = async {
        while bob.get::<Value>(&path).await?["state"] == "running" {
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(bob.get::<Value>(&path).await?)
    };
    let answered = timeout(PATIENCE, answered).await??;
    assert_eq!(answered["answer"], "Sunny.", "{answered}");
    assert_eq!(of_kind(&house, "files").await?, (2, 2 * EACH), "hers still wait");
    let asked = says.asked()[0].1.to_string();
    assert!(asked.len() > 200_000, "with the file");
    for turn in turns {
        // One that does not wait any more is answered as well.
        ann.post::<Value>(&format!("/v1/turns/{turn}/cancel"), &json!({})).await?;
    }
    until_of_kind(&house, "files", (0, 0)).await?;
    house.stop().await
}
