//! Agents that want to know who asks: each is shown its own credential, and nobody else reads it.

use super::openapi::Api;
use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Stdio};
use switchboard::client::Client;
use switchboard_tests::{FakeAgent, GuardedAgent, House, Manner, guarded::Lock, person::PATIENCE};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// In every secret here, so that it can be looked for.
const MARK: &str = "hush-hush";

/// What each agent wants, how it is given that, and what may be known of it then.
fn kinds() -> Vec<(&'static str, Value, Lock, Value)> {
    let secret = |of: &str| format!("{MARK}-{of}");
    let basic = |user: &str, of: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{}", secret(of))));
    let key = |place: &str| json!({"apiKeySecurityScheme": {"location": place, "name": "X-Key"}});
    let http = |scheme: &str| json!({"httpAuthSecurityScheme": {"scheme": scheme}});
    let flows = json!({"clientCredentials": {"tokenUrl": "{url}/token", "scopes": {}}});
    vec![
        (
            "bearer",
            http("Bearer"),
            Lock::Header("authorization", format!("Bearer {}", secret("bearer"))),
            json!({"kind": "bearer", "secret": secret("bearer")}),
        ),
        (
            "basic",
            http("basic"),
            Lock::Header("authorization", basic("switchboard", "basic")),
            json!({"kind": "basic", "user": "switchboard", "secret": secret("basic")}),
        ),
        (
            "header",
            key("header"),
            Lock::Header("x-key", secret("h")),
            json!({"kind": "api_key", "secret": secret("h")}),
        ),
        (
            "query",
            key("query"),
            Lock::Query("X-Key", secret("q")),
            json!({"kind": "api_key", "secret": secret("q")}),
        ),
        (
            "cookie",
            key("cookie"),
            Lock::Header("cookie", format!("X-Key={}", secret("c"))),
            json!({"kind": "api_key", "secret": secret("c")}),
        ),
        (
            "client",
            json!({"oauth2SecurityScheme": {"flows": flows}}),
            Lock::Token(basic("c-1", "client")),
            json!({"kind": "oauth2", "client_id": "c-1", "secret": secret("client"), "scopes": ["ask"]}),
        ),
    ]
}

fn olga(house: &House) -> anyhow::Result<Client> {
    Ok(house.topology().client("olga", &["user", "agent-admin"])?)
}

fn path(id: &str) -> String {
    format!("/v1/agents/{id}/credentials")
}

/// What one agent is asked by somebody who has never been here, and how that call ended.
async fn asked(house: &House, id: &str) -> anyhow::Result<(String, Value)> {
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, &format!("@{id} who are you?")).await?;
    let frames = json!(heard.frames).to_string();
    assert!(!frames.contains(MARK) && !frames.contains("token-"), "{frames}");
    Ok((heard.answer(), heard.data("call.finished")))
}

#[tokio::test]
async fn each_agent_is_shown_what_its_card_wants_also_after_a_new_start_and_nobody_reads_it()
-> anyhow::Result<()> {
    let mut house = House::start().await?;
    let olga_then = olga(&house)?;
    let mut agents = Vec::new();
    for (id, scheme, lock, set) in kinds() {
        let agent = GuardedAgent::start(id, scheme, lock).await?;
        let view = house.register_url(id, agent.url(), &[]).await?;
        assert_eq!(view.wants.len(), 1, "{view:?}");
        let (answer, call) = asked(&house, id).await?;
        let why = "it wants a credential, and none is set for this address (HTTP status 401)";
        assert_eq!((&call["state"], &call["reason"]), (&json!("failed"), &json!(why)), "{answer}");

        let view: Value = olga_then.put(&path(id), &set).await?;
        assert_eq!((&view["kind"], &view["set_by"]), (&set["kind"], &json!("olga")), "{view}");
        assert_eq!(view["origin"], agent.url(), "{view}");
        assert_eq!(olga_then.get::<Value>(&path(id)).await?, view);
        assert!(!view.to_string().contains(MARK), "{view}");
        assert_eq!(asked(&house, id).await?.0, format!("I am {id}."));
        let probe: Value = olga_then.post(&format!("/v1/agents/{id}/probe"), &json!({})).await?;
        assert_eq!((&probe["ok"], &probe["wants"]), (&json!(true), &Value::Null), "{probe}");
        agents.push((id, agent));
    }
    house = house.start_again().await?;
    for (id, agent) in &agents {
        agent.hide_card();
        assert_eq!(asked(&house, id).await?.0, format!("I am {id}."), "it is kept");
        let again = house.register_url(id, agent.url(), &[]).await?;
        assert!(again.wants.is_empty(), "its card is shown to us as well: {again:?}");
        assert_eq!(agent.tokens(), if *id == "client" { 2 } else { 0 }, "one for each core's life");
    }
    says_nothing(&house).await?;

    let olga = olga(&house)?;
    olga.delete(&path("bearer")).await?;
    let gone = olga.get::<Value>(&path("bearer")).await.unwrap_err().to_string();
    assert!(gone.contains("No credential is set for bearer"), "{gone}");
    let call = asked(&house, "bearer").await?.1;
    assert!(call["reason"].as_str().is_some_and(|why| why.contains("none is set")), "{call}");
    let seen = agents[0].1.seen();
    assert!(seen.last().is_some_and(|(_, headers)| !headers.contains_key("authorization")), "{seen:?}");
    olga.delete("/v1/agents/basic").await?;
    let database = house.topology().postgres().connect().await?;
    let left = "SELECT agent_id FROM agent_credentials ORDER BY agent_id";
    let left: Vec<String> = database.query(left, &[]).await?.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["client", "cookie", "header", "query"], "it goes with its agent");
    let sql = "SELECT actor || ' ' || action || ' ' || subject FROM audit WHERE action LIKE 'agent.credential%' ORDER BY seq";
    let acts: Vec<String> = database.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect();
    assert_eq!(acts.first().map(String::as_str), Some("olga agent.credential_set bearer"));
    assert_eq!(acts.last().map(String::as_str), Some("olga agent.credential_removed bearer"));
    assert_eq!(acts.len(), 7, "{acts:?}");
    house.stop().await
}

/// No log and no row of the house has a secret in it.
async fn says_nothing(house: &House) -> anyhow::Result<()> {
    for entry in fs::read_dir(house.topology().data().join("logs"))?.flatten() {
        let log = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
        assert!(!log.contains(MARK), "{}", entry.path().display());
    }
    let database = house.topology().postgres().connect().await?;
    for table in
        ["agents", "agent_credentials", "audit", "events", "calls", "turns", "messages", "idempotency"]
    {
        let rows = database.query(&format!("SELECT t::text FROM {table} t"), &[]).await?;
        let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(table == "idempotency" || !rows.is_empty(), "{table}");
        assert!(!rows.iter().any(|row| row.contains(MARK)), "{table}");
    }
    let plain = "SELECT count(*) FROM agent_credentials WHERE position($1::bytea IN sealed) > 0";
    let plain: i64 = database.query_one(plain, &[&MARK.as_bytes()]).await?.get(0);
    assert_eq!(plain, 0);
    Ok(())
}

#[tokio::test]
async fn a_wrong_one_is_named_and_whoever_may_not_manage_agents_neither_sets_nor_sees_one()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let (id, scheme, lock, _) = kinds().remove(0);
    let agent = GuardedAgent::start(id, scheme, lock).await?;
    house.register_url(id, agent.url(), &[]).await?;
    let wrong = json!({"kind": "bearer", "secret": format!("{MARK}-wrong")});
    let olga = olga(&house)?;
    let probe: Value = olga.post(&format!("/v1/agents/{id}/probe"), &json!({})).await?;
    assert_eq!(probe["wants"], json!(["a bearer token"]), "{probe}");
    olga.put::<Value>(&path(id), &wrong).await?;
    let call = asked(&house, id).await?.1;
    assert_eq!(call["reason"], "it refused our credential (HTTP status 401)", "{call}");

    let ann = house.topology().client("ann", &["user"])?;
    let refused = ann.get::<Value>(&path(id)).await.unwrap_err().to_string();
    assert!(refused.contains("needs the role agent-admin or admin"), "{refused}");
    assert!(ann.put::<Value>(&path(id), &wrong).await.is_err() && ann.delete(&path(id)).await.is_err());
    let foreign =
        house.token("olga", &["admin"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let foreign = olga.with_token(&foreign);
    let missing = foreign.get::<Value>(&path(id)).await.unwrap_err().to_string();
    assert!(missing.contains("There is no agent bearer here"), "{missing}");
    assert!(
        foreign.put::<Value>(&path(id), &wrong).await.is_err() && foreign.delete(&path(id)).await.is_err()
    );

    let none = json!({"kind": "bearer", "secret": {MARK: 1}});
    let unread = olga.put::<Value>(&path(id), &none).await.unwrap_err().to_string();
    assert!(unread.contains("must be a string") && !unread.contains(MARK), "{unread}");
    let api = Api::new(&house, "olga", &["agent-admin"])?;
    api.ask("getCredential", &[id], None).await?;
    for bad in [
        json!({"kind": "bearer", "secret": format!("{MARK}\n")}),
        json!({"kind": "bearer", "secret": MARK, "user": "ann"}),
        json!({"kind": "api_key", "secret": MARK}),
        json!({"kind": "bearer", "secret": MARK, "origin": "https://elsewhere.example"}),
    ] {
        let answer = api.send("setCredential", &[id], "", Some(bad.clone())).await?;
        let said = api.described("setCredential", answer, StatusCode::BAD_REQUEST).await?;
        assert!(!said.to_string().contains(MARK), "{bad}: {said}");
    }
    api.ask("setCredential", &[id], Some(json!({"kind": "bearer", "secret": format!("{MARK}-bearer")})))
        .await?;
    assert_eq!(asked(&house, id).await?.0, "I am bearer.");
    let removed = api.send("removeCredential", &[id], "", None).await?;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_moves_to_another_origin_is_not_shown_it_there() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (id, scheme, lock, set) = kinds().remove(0);
    let agent = GuardedAgent::start(id, scheme, lock).await?;
    house.register_url(id, agent.url(), &[]).await?;
    let olga = olga(&house)?;
    olga.put::<Value>(&path(id), &set).await?;
    let elsewhere = FakeAgent::start(id, &["who are you"], Manner::Says("I am another.".into())).await?;
    house.register(id, &elsewhere).await?;
    let call = asked(&house, id).await?.1;
    let why = call["reason"].as_str().unwrap_or_default();
    assert!(why.contains(agent.url()) && why.contains("where it is not shown"), "{call}");
    let probe: Value = olga.post(&format!("/v1/agents/{id}/probe"), &json!({})).await?;
    assert_eq!((&probe["ok"], probe["reason"].as_str()), (&json!(false), Some(why)), "{probe}");
    assert!(elsewhere.asked().is_empty(), "it was not asked");
    house.register_url(id, agent.url(), &[]).await?;
    assert_eq!(asked(&house, id).await?.0, "I am bearer.", "where it is for, it is shown again");
    house.stop().await
}

/// What the operator's command says on both of its outputs, with this on its input.
async fn run(house: &House, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let mine = std::env::current_exe()?;
    let folder = mine.parent().and_then(|deps| deps.parent()).map_or_else(PathBuf::new, PathBuf::from);
    let mut command = Command::new(folder.join("switchboard"));
    command.args(["agents", "credentials"]).args(arguments).arg("--data").arg(house.topology().data());
    command.env("AGENT_SECRET", format!("{MARK}-bearer\n")).kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("it has an input")?;
    // One that reads nothing of it has ended before.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await??;
    Ok(format!("{}{}", String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}

#[tokio::test]
async fn the_command_reads_a_secret_from_its_input_a_file_or_the_environment() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (id, scheme, lock, _) = kinds().remove(0);
    let agent = GuardedAgent::start(id, scheme, lock).await?;
    house.register_url(id, agent.url(), &[]).await?;
    let none = run(&house, &["show", id], "").await?;
    assert!(none.contains("No credential is set for bearer"), "{none}");
    let file = house.topology().data().join("secret");
    fs::write(&file, format!("{MARK}-bearer\n"))?;
    let file = file.display().to_string();
    for (from, input) in
        [(&[] as &[&str], "hush-hush-bearer\n"), (&["--file", &file], ""), (&["--env", "AGENT_SECRET"], "")]
    {
        let said = run(&house, &[&["set", id, "--kind", "bearer"], from].concat(), input).await?;
        assert!(said.starts_with(&format!("bearer is shown bearer at {}; set ", agent.url())), "{said}");
        assert!(!said.contains(MARK), "{said}");
        assert_eq!(asked(&house, id).await?.0, "I am bearer.");
        let removed = run(&house, &["remove", id], "").await?;
        assert!(removed.contains("bearer is shown nothing from now on"), "{removed}");
    }
    let empty = run(&house, &["set", id, "--kind", "bearer"], "\n").await?;
    assert!(empty.contains("there is no secret in it"), "{empty}");
    house.stop().await
}

#[tokio::test]
async fn a_house_asks_another_one_with_a_key_of_that_and_trusts_its_authority() -> anyhow::Result<()> {
    let other = House::start().await?;
    let weather =
        FakeAgent::start("weather", &["will it rain"], Manner::Says("It will rain.".into())).await?;
    other.register("weather", &weather).await?;
    let key = json!({"name": "a house", "roles": ["user"]});
    let key: Value = other.topology().client("ann", &["user"])?.post("/v1/keys", &key).await?;
    let url = other.topology().url().to_string();

    let strange = House::start().await?;
    let refused = strange.register_url("other", &url, &[]).await.unwrap_err().to_string();
    assert!(refused.contains("not trusted here"), "{refused}");
    strange.stop().await?;

    let ca = other.topology().ca().display().to_string();
    let house = House::with(|options| {
        let file = toml::Table::from_iter([("ca_file".to_owned(), ca.into())]);
        let trusts = toml::Table::from_iter([("agents".to_owned(), file.into())]);
        switchboard::topology::config::overlay(&mut options.core_overrides, &trusts);
    })
    .await?;
    let view = house.register_url("other", &url, &[]).await?;
    assert_eq!(view.wants, ["a bearer token"]);
    let secret = json!({"kind": "bearer", "secret": key["key"]});
    olga(&house)?.put::<Value>(&path("other"), &secret).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@other will it rain?").await?;
    assert!(heard.answer().contains("It will rain."), "{:?}", heard.frames);
    house.stop().await?;
    other.stop().await
}
