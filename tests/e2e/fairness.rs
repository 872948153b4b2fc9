//! What one user or tenant does costs the others nothing that they notice, and what is read of others is written down.

use super::learning::{Scene, UNHEARD};
use futures::future::try_join_all;
use serde_json::{Value, json};
use switchboard_tests::House;
use tokio::process::Command;
use tokio_postgres::Client;

#[tokio::test]
async fn what_one_tenant_does_keeps_no_other_one_waiting() -> anyhow::Result<()> {
    let mine = std::env::current_exe()?;
    let folder = mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps");
    // The bounds are those of a quiet machine; what is shown here is that nobody waits for an agent that hangs (30 s).
    let drill = ["drill", "fairness", "--only", "turns", "--times", "15", "--programs"];
    let ran = Command::new(folder.join("switchboard")).args(drill).arg(folder).output().await?;
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("290 messages to an agent that hangs"), "{said}");
    Ok(())
}

/// So many open suggestions of Ann's.
async fn wait_for_review(database: &Client, turn: &str, count: i32) -> anyhow::Result<()> {
    let sql = "INSERT INTO suggestions (tenant_id, id, agent_id, text, text_hash, source, positive, turn_id, at, user_id)
        SELECT tenant_id, gen_random_uuid(), 'weather', 'old ' || n, decode(md5(n::text), 'hex'), 'chip', true, id,
            now(), 'ann'
        FROM turns, generate_series(1, $2) AS n WHERE id::text = $1::text";
    database.execute(sql, &[&turn, &count]).await?;
    Ok(())
}

#[tokio::test]
async fn a_users_open_suggestions_are_bounded_and_the_others_still_come() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (_, turn) = scene.ask(UNHEARD).await?;
    let database = scene.house.topology().postgres().connect().await?;
    // As many as one user may have, and thousands of an earlier version.
    wait_for_review(&database, &turn, 6_000).await?;
    let wrong = json!({"value": "down", "agents": ["stocks"]});
    let answer = scene.feedback(&turn, wrong.clone()).await?;
    assert!(answer["note"].as_str().is_some_and(|note| note.contains("100")), "{answer}");
    let of_stocks = "SELECT count(*) FROM suggestions WHERE agent_id = 'stocks'";
    assert_eq!(database.query_one(of_stocks, &[]).await?.get::<_, i64>(0), 0);

    let mut bob = scene.house.person("bob").await?;
    let room = bob.room(&[]).await?;
    bob.join(room, Some(0)).await?;
    let heard = bob.ask(room, UNHEARD).await?;
    let turn = heard.frames[0]["turn"].as_str().unwrap_or_default().to_owned();
    let answer: Value = bob.http.post(&format!("/v1/turns/{turn}/feedback"), &wrong).await?;
    assert!(answer["note"].is_null(), "{answer}");
    assert_eq!(database.query_one(of_stocks, &[]).await?.get::<_, i64>(0), 1);
    scene.house.stop().await
}

#[tokio::test]
async fn suggestions_that_come_all_at_once_keep_to_the_bound() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let mut turns = Vec::new();
    for n in 0..12 {
        turns.push(scene.ask(&format!("{UNHEARD} {n}")).await?.1);
    }
    let database = scene.house.topology().postgres().connect().await?;
    wait_for_review(&database, &turns[0], 96).await?;
    let wrong = json!({"value": "down", "agents": ["stocks"]});
    try_join_all(turns.iter().map(|turn| scene.feedback(turn, wrong.clone()))).await?;
    let open = "SELECT count(*) FROM suggestions WHERE user_id = 'ann' AND state = 'open'";
    assert_eq!(database.query_one(open, &[]).await?.get::<_, i64>(0), 100);
    scene.house.stop().await
}

#[tokio::test]
async fn reading_a_review_is_audited() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (_, turn) = scene.ask(UNHEARD).await?;
    scene.feedback(&turn, json!({"value": "down", "agents": ["stocks"]})).await?;
    let open = scene.open().await?;
    assert_eq!(open.len(), 1);
    let database = scene.house.topology().postgres().connect().await?;
    let sql = "SELECT actor, subject, detail FROM audit WHERE action = 'suggestions.read'";
    let row = database.query_one(sql, &[]).await?;
    let detail: Value = serde_json::from_str(row.get(2))?;
    assert_eq!((row.get::<_, &str>(0), detail["count"].as_u64()), ("olga", Some(1)));
    assert_eq!(Some(row.get::<_, &str>(1)), open[0]["id"].as_str());
    scene.house.stop().await
}
