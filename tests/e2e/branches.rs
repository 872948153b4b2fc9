//! A conversation branches off before a message, and both go on apart.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use switchboard::client::Client;
use switchboard_shared::ids::ConversationId;
use switchboard_tests::{FakeAgent, House, Manner};

const SUNNY: &[&str] = &["what is the weather like", "will it rain tomorrow"];

async fn fork(http: &Client, room: ConversationId, before: &Value) -> anyhow::Result<Value> {
    Ok(http.post(&format!("/v1/conversations/{room}/fork"), &json!({"before": before})).await?)
}

async fn messages(http: &Client, room: &Value) -> anyhow::Result<Vec<Value>> {
    let room = room.as_str().unwrap_or_default();
    let page: Value = http.get(&format!("/v1/conversations/{room}/messages?limit=200")).await?;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}

#[tokio::test]
async fn a_branch_begins_with_what_was_said_before_and_either_goes_on_without_the_other() -> anyhow::Result<()>
{
    let house = House::start().await?;
    let raw = json!({"raw": STANDARD.encode("sun"), "filename": "sky.txt", "mediaType": "text/plain"});
    let agent =
        FakeAgent::start("weather", SUNNY, Manner::Gives(vec![json!({"text": "Sunny."}), raw])).await?;
    house.register("weather", &agent).await?;
    house.greet("bob").await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    let part = json!({"name": "map.txt", "media_type": "text/plain", "data": STANDARD.encode("map")});
    let first = json!({"text": "@weather one?", "parts": [part]});
    let accepted: Value = ann.http.post(&format!("/v1/conversations/{room}/messages"), &first).await?;
    ann.turn_over(accepted["turn"].as_str().unwrap_or_default()).await?;
    agent.set(Manner::Says("Rainy.".into()));
    ann.ask(room, "@weather two?").await?;
    let told = messages(&ann.http, &json!(room)).await?;
    let before = &told[2]["seq"];

    // Bob may branch off what he can read, and is alone in it.
    let bob = house.topology().client("bob", &["user"])?;
    let branch = fork(&bob, room, before).await?;
    assert_eq!((&branch["branch_of"], &branch["title"]), (&json!(room), &json!("@weather one?")));
    assert_eq!(branch["members"], json!([{"user": "bob", "role": "owner"}]));
    let copied = messages(&bob, &branch["id"]).await?;
    assert_eq!(texts(&copied), texts(&told[..2]));
    assert_eq!(copied[0]["author"], json!({"kind": "user", "id": "ann"}), "it stays hers");
    assert_ne!(copied[1]["turn"], told[1]["turn"]);
    let turn: Value =
        bob.get(&format!("/v1/turns/{}", copied[1]["turn"].as_str().unwrap_or_default())).await?;
    assert_eq!((&turn["conversation"], &turn["calls"][0]["agent"]), (&branch["id"], &json!("weather")));

    // It goes on with what was said before as its context, numbered behind it.
    let id: ConversationId = branch["id"].as_str().unwrap_or_default().parse()?;
    let mut there = house.person("bob").await?;
    there.send(&json!({"type": "join", "conversation": id, "after": 0})).await?;
    let frames = there.until(|frame| frame["type"] == "snapshot").await?;
    assert_eq!(frames[frames.len() - 1]["messages"].as_array().map(Vec::len), Some(2));
    let heard = there.ask(id, "@weather other?").await?;
    assert!(heard.seqs()[0] > copied[1]["seq"].as_u64().unwrap_or(u64::MAX));
    assert_eq!(texts(&messages(&ann.http, &json!(room)).await?), texts(&told), "nothing is new there");

    // Files of both kinds came along, and stay when the other conversation goes.
    ann.http.delete(&format!("/v1/conversations/{room}")).await?;
    for (message, content) in [(&copied[0], "map"), (&copied[1], "sun")] {
        let file = message["files"][0]["id"].as_str().unwrap_or_default();
        let fetched = bob.open(&format!("/v1/conversations/{id}/files/{file}")).await?;
        assert_eq!(fetched.text().await?, content);
    }
    bob.delete(&format!("/v1/conversations/{id}")).await?;
    let database = house.topology().postgres().connect().await?;
    for what in
        ["coalesce(sum(bytes), 0)::bigint FROM stored", "count(*) FROM files", "count(*) FROM messages"]
    {
        let left: i64 = database.query_one(&format!("SELECT {what}"), &[]).await?.get(0);
        assert_eq!(left, 0, "{what}");
    }
    house.stop().await
}

#[tokio::test]
async fn a_branch_is_made_once_by_members_alone_and_within_the_quota() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.core_overrides.insert("quota".into(), toml::toml! { user_bytes = 50_000 }.into());
    })
    .await?;
    let agent = FakeAgent::start("weather", SUNNY, Manner::AsksBack("Where?".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather one?").await?;

    // Before the first message nothing comes along, and the title is the next message's.
    let empty = fork(&ann.http, room, &json!(1)).await?;
    assert_eq!((&empty["title"], &empty["last_seq"]), (&json!(""), &json!(0)));
    // An agent that waits in the one waits in the one alone.
    let branch = fork(&ann.http, room, &json!(1_000)).await?;
    let id: ConversationId = branch["id"].as_str().unwrap_or_default().parse()?;
    ann.join(id, None).await?;
    let heard = ann.ask(id, "@weather in Oslo").await?;
    assert_eq!(
        heard.data("answer.finished")["text"].as_str().map(|text| text.contains("Where?")),
        Some(true)
    );
    assert!(ann.ask(room, "in Oslo").await?.answer().contains("thank you"));

    let (http, token) = (super::limits::raw(&house)?, house.topology().token("ann", &["user"])?);
    let url = house.topology().url().join(&format!("/v1/conversations/{room}/fork"))?;
    let ask = async |key: &str, before: u64, token: &str| {
        let request = http.post(url.clone()).bearer_auth(token).header("idempotency-key", key);
        let answer = request.json(&json!({"before": before})).send().await?;
        anyhow::Ok((answer.status().as_u16(), answer.json::<Value>().await?))
    };
    let (one, other) = (ask("k", 4, &token).await?, ask("k", 4, &token).await?);
    assert_eq!((one.0, &one.1["id"]), (201, &other.1["id"]), "the same key, the same branch");
    assert_eq!(ask("k", 5, &token).await?.0, 409);
    let bob = house.topology().token("bob", &["user"])?;
    let other = house.token("ann", &["user"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    assert_eq!((ask("b", 4, &bob).await?.0, ask("o", 4, &other).await?.0), (404, 404));

    agent.set(Manner::Says("Sunny.".into()));
    ann.ask(room, &format!("@weather {}", "x".repeat(15_000))).await?;
    let mut refused = 0;
    for key in 0..3 {
        refused += u32::from(ask(&format!("q{key}"), 1_000, &token).await?.0 == 403);
    }
    assert!(refused >= 1, "copies count as what was said does");
    house.stop().await
}
