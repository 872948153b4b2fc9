//! How much is stored, how much is read at once, and for how long it is kept.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_tests::{FakeAgent, House, Manner, person::PATIENCE};
use tokio::time::{sleep, timeout};

const SUNNY: &[&str] = &["what is the weather like", "will it rain tomorrow"];

async fn house(change: impl FnOnce(&mut toml::Table)) -> anyhow::Result<(House, FakeAgent)> {
    let house = House::with(|options| change(&mut options.core_overrides)).await?;
    let agent = FakeAgent::start("weather", SUNNY, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    Ok((house, agent))
}

#[tokio::test]
async fn a_message_beyond_the_quota_is_refused_and_a_deleted_conversation_gives_its_bytes_back()
-> anyhow::Result<()> {
    let (house, _agent) = house(|core| {
        core.insert("quota".into(), toml::toml! { user_bytes = 100_000 }.into());
    })
    .await?;
    let ann = house.person("ann").await?;
    let file =
        json!([{"name": "a", "media_type": "text/plain", "data": STANDARD.encode(vec![b'x'; 50_000])}]);
    let say = async |room: &str, id: &str| -> Result<Value, String> {
        let message = json!({"text": "@weather now?", "client_id": id, "parts": file});
        let path = format!("/v1/conversations/{room}/messages");
        ann.http.post::<Value>(&path, &message).await.map_err(|error| error.to_string())
    };
    let (one, two) = (ann.room(&[]).await?.to_string(), ann.room(&[]).await?.to_string());
    say(&one, "a").await.map_err(anyhow::Error::msg)?;
    let refused = say(&two, "b").await.unwrap_err();
    assert!(refused.contains("100000 are allowed") && refused.contains("delete conversations"), "{refused}");
    assert!(say(&one, "a").await.is_ok(), "what was accepted stays accepted");
    ann.http.delete(&format!("/v1/conversations/{one}")).await?;
    let deleted = async {
        while say(&two, "b").await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, deleted).await?;
    house.stop().await
}

/// A tenant of many users, who all send as much as they can at the same time, over every way there is.
#[tokio::test]
async fn a_tenants_quota_holds_for_all_its_users_together_and_is_said_on_every_way() -> anyhow::Result<()> {
    const MOST: i64 = 400_000;
    let (house, _agent) = house(|core| {
        core.insert("quota".into(), toml::toml! { tenant_bytes = 400_000 }.into());
    })
    .await?;
    let file =
        json!([{"name": "a", "media_type": "text/plain", "data": STANDARD.encode(vec![b'x'; 30_000])}]);
    let flood = (0..10).map(async |user| {
        let http = house.topology().client(&format!("user-{user}"), &["user"])?;
        let room: Value = http.post("/v1/conversations", &json!({})).await?;
        let path = format!("/v1/conversations/{}/messages", room["id"].as_str().unwrap_or_default());
        let (mut accepted, mut refused) = (0, String::new());
        for number in 0..4 {
            let message = json!({"text": format!("@weather {number}?"), "parts": file});
            match http.post::<Value>(&path, &message).await {
                Ok(_) => accepted += 1,
                Err(error) => refused = error.to_string(),
            }
        }
        anyhow::Ok((accepted, refused))
    });
    let sent = futures::future::try_join_all(flood).await?;
    let accepted: i64 = sent.iter().map(|(accepted, _)| accepted).sum();
    let database = house.topology().postgres().connect().await?;
    let stored: i64 = database.query_one("SELECT sum(bytes)::bigint FROM stored", &[]).await?.get(0);
    println!("{accepted} of 40 messages of ten users were taken: {stored} bytes of {MOST}");
    // Those that came at the same moment do not see each other: one of each user at most.
    assert!((9..=20).contains(&accepted) && stored < MOST + 10 * 41_000, "{accepted}, {stored}");
    assert!(sent.iter().any(|(_, refused)| refused.contains("Your tenant would hold")), "{sent:?}");

    // Now that it is full: on a socket, by `/chat`, and without a file; who is of another tenant goes on.
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let long = "rain ".repeat(3_000);
    let filler = house.topology().client("filler", &["user"])?;
    let path = filler.post::<Value>("/v1/conversations", &json!({})).await?["id"].clone();
    let path = format!("/v1/conversations/{}/messages", path.as_str().unwrap_or_default());
    while filler.post::<Value>(&path, &json!({"text": long})).await.is_ok() {}
    ann.send(&json!({"type": "send", "id": "a", "conversation": room, "text": long})).await?;
    let refused = ann.until(|frame| frame["type"] == "error" || frame["type"] == "ack").await?;
    let refused = &refused[refused.len() - 1];
    assert_eq!((&refused["code"], &refused["id"]), (&json!("quota_exceeded"), &json!("a")), "{refused}");
    assert!(
        refused["message"].as_str().is_some_and(|words| words.contains("400000 are allowed")),
        "{refused}"
    );
    let refused = ann.http.post::<Value>("/chat", &json!({"text": long})).await.unwrap_err().to_string();
    assert!(refused.contains("delete conversations"), "{refused}");
    let token = house.token("ann", &["user"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let other = house.topology().client("ann", &["user"])?.with_token(&token);
    other.post::<Value>("/chat", &json!({"text": long})).await?;
    house.stop().await
}

#[tokio::test]
async fn a_page_is_as_long_as_its_bytes_allow_and_goes_on_with_next() -> anyhow::Result<()> {
    let (house, _agent) = house(|core| {
        core.insert("events".into(), toml::toml! { page_bytes = 65_536 }.into());
    })
    .await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    for number in 0..8 {
        ann.ask(room, &format!("@weather {number} {}", "雨".repeat(6_000))).await?;
    }
    for parameter in ["after", "before"] {
        let (mut seen, mut pages, mut next) = (Vec::new(), 0, None::<String>);
        loop {
            let at = match (parameter, &next) {
                (_, Some(next)) => format!("&{parameter}={next}"),
                ("after", None) => "&after=0".to_owned(),
                _ => String::new(),
            };
            let page: Value =
                ann.http.get(&format!("/v1/conversations/{room}/messages?limit=200{at}")).await?;
            let texts: usize = page["items"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|m| m["text"].as_str().map_or(0, str::len))
                .sum();
            assert!(texts <= 65_536, "{texts}");
            seen.extend(page["items"].as_array().into_iter().flatten().filter_map(|m| m["seq"].as_u64()));
            pages += 1;
            next = page["next"].as_str().map(ToOwned::to_owned);
            if next.is_none() {
                break;
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((seen.len(), pages > 2), (16, true), "{parameter}: {seen:?} on {pages} pages");
    }
    let mut bob = house.person("ann").await?;
    bob.send(&json!({"type": "join", "conversation": room, "after": 1_000_000})).await?;
    let frames = bob.until(|frame| frame["type"] == "snapshot").await?;
    let snapshot = &frames[frames.len() - 1];
    assert!(snapshot.to_string().len() < 70_000, "{}", snapshot.to_string().len());
    assert!(snapshot["messages"].as_array().is_some_and(|messages| (1..16).contains(&messages.len())));
    house.stop().await
}

#[tokio::test]
async fn what_is_older_than_a_tenant_keeps_is_deleted_and_said() -> anyhow::Result<()> {
    let (house, _agent) = house(|core| {
        let keep = toml::toml! {
            messages_days = 0
            every_ms = 300
            tenants = [{ tenant = "demo", messages_days = 30 }]
        };
        core.insert("retention".into(), keep.into());
    })
    .await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather long ago?").await?;
    let database = house.topology().postgres().connect().await?;
    database.batch_execute("UPDATE turns SET created_at = created_at - interval '31 days'").await?;
    ann.ask(room, "@weather and now?").await?;
    let (messages, summary) =
        (format!("/v1/conversations/{room}/messages"), format!("/v1/conversations/{room}"));
    let forgotten = async {
        loop {
            let page: Value = ann.http.get(&messages).await?;
            if page["items"].as_array().is_some_and(|items| items.len() == 2) {
                return anyhow::Ok(page);
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let page = timeout(PATIENCE, forgotten).await??;
    assert_eq!(page["items"][0]["text"], "@weather and now?");
    let summary: Value = ann.http.get(&summary).await?;
    assert!(summary["forgotten_before"].is_string(), "{summary}");
    let left: i64 = database.query_one("SELECT sum(bytes)::bigint FROM stored", &[]).await?.get(0);
    let there: i64 = database.query_one("SELECT sum(bytes)::bigint FROM messages", &[]).await?.get(0);
    assert_eq!(left, there, "what is deleted counts no more");
    house.stop().await
}
