//! Those who look after a tenant: agents on and off.

use super::openapi::Api;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use switchboard::client::Client;
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::{process::Command, time::timeout};

const RAIN: &str = "will it rain tomorrow";

struct Scene {
    house: House,
    weather: FakeAgent,
    sums: FakeAgent,
}

impl Scene {
    async fn set(house: House) -> anyhow::Result<Self> {
        let weather = FakeAgent::start(
            "weather",
            &[RAIN, "how is the weather", "is it warm in Oslo"],
            Manner::Says("It will rain.".into()),
        )
        .await?;
        let sums = FakeAgent::start(
            "sums",
            &["what is the sum of 3 and 4", "add these numbers", "what is 12 times 7"],
            Manner::Says("It is seven.".into()),
        )
        .await?;
        house.register("weather", &weather).await?;
        house.register("sums", &sums).await?;
        Ok(Self { house, weather, sums })
    }

    fn olga(&self) -> anyhow::Result<Client> {
        Ok(self.house.topology().client("olga", &["user", "agent-admin"])?)
    }

    async fn switch(&self, enabled: bool) -> anyhow::Result<Value> {
        Ok(self.olga()?.put("/v1/agents/weather/enabled", &json!({"enabled": enabled})).await?)
    }
}

async fn ids(client: &Client, path: &str) -> anyhow::Result<Vec<String>> {
    let page: Value = client.get(path).await?;
    let items = page.get("items").or(page.get("data")).and_then(Value::as_array).cloned();
    let id = |item: &Value| item["id"].as_str().unwrap_or_default().to_owned();
    Ok(items.unwrap_or_default().iter().map(id).collect())
}

#[tokio::test]
async fn an_agent_that_is_switched_off_is_asked_by_nobody_and_whoever_names_it_is_told() -> anyhow::Result<()>
{
    let scene = Scene::set(House::start().await?).await?;
    let mut ann = scene.house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    assert_eq!(ann.ask(room, RAIN).await?.agents(), ["weather"]);

    let view = scene.switch(false).await?;
    assert_eq!(view["enabled"], false, "{view}");
    let asked = scene.weather.asked().len();
    let named = ann.ask(room, "@weather and the day after?").await?;
    assert!(named.answer().starts_with("@weather is switched off."), "{}", named.answer());
    let both = ann.ask(room, "@sums @weather what is 3 and 4").await?;
    assert_eq!((both.agents(), both.answer().as_str()), (vec!["sums".to_owned()], "It is seven."));
    assert!(both.degraded().contains("@weather is switched off"), "{:?}", both.frames);
    let chosen = json!({"text": "and now?", "agents": ["weather"]});
    let accepted: Value = ann.http.post(&format!("/v1/conversations/{room}/messages"), &chosen).await?;
    let turn = ann.turn_over(accepted["turn"].as_str().unwrap_or_default()).await?;
    assert!(turn.answer.is_some_and(|answer| answer.starts_with("@weather is switched off.")));
    assert!(!ann.ask(room, RAIN).await?.agents().contains(&"weather".to_owned()));
    assert_eq!(scene.weather.asked().len(), asked, "nothing reached it");

    // Whoever cannot manage it does not see it.
    assert_eq!(ids(&ann.http, "/v1/agents").await?, ["sums"]);
    assert_eq!(ids(&ann.http, "/v1/models").await?, ["auto", "sums"]);
    assert!(ann.http.get::<Value>("/v1/agents/weather").await.is_err());
    assert_eq!(ids(&scene.olga()?, "/v1/agents").await?, ["sums", "weather"]);

    // Neither a new start nor a new registration switches it on.
    scene.house.register("weather", &scene.weather).await?;
    let Scene { house, weather, sums } = scene;
    drop(ann);
    let scene = Scene { house: house.start_again().await?, weather, sums };
    let mut ann = scene.house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    assert!(ann.ask(room, "@weather now?").await?.answer().contains("is switched off"));

    scene.switch(true).await?;
    scene.switch(true).await?;
    assert_eq!(ann.ask(room, RAIN).await?.agents(), ["weather"], "it has its examples again");
    let database = scene.house.topology().postgres().connect().await?;
    let sql = "SELECT actor || ' ' || action FROM audit WHERE action IN ('agent.enabled', 'agent.disabled') ORDER BY seq";
    let acts: Vec<String> = database.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect();
    assert_eq!(acts, ["olga agent.disabled", "olga agent.enabled"], "what changes nothing is no change");
    drop(scene.sums);
    scene.house.stop().await
}

#[tokio::test]
async fn every_core_hears_of_it_and_nobody_else_may_switch() -> anyhow::Result<()> {
    let scene = Scene::set(House::with(|options| options.cores = 2).await?).await?;
    let ann = scene.house.topology().client("ann", &["user"])?;
    let refused = ann.put::<Value>("/v1/agents/weather/enabled", &json!({"enabled": false})).await;
    assert!(refused.unwrap_err().to_string().contains("needs the role agent-admin or admin"));
    let foreign = scene.house.token("olga", &["admin"], |claims| {
        claims.tenant = "other".parse().expect("an id");
    })?;
    let foreign = scene.olga()?.with_token(&foreign);
    let missing = foreign.put::<Value>("/v1/agents/weather/enabled", &json!({"enabled": false})).await;
    assert!(missing.unwrap_err().to_string().contains("There is no agent weather here"));

    let plan = async || -> anyhow::Result<String> {
        let analysis: Value = ann.post("/v1/analyze", &json!({"text": "@weather now?"})).await?;
        Ok(analysis["plan"].to_string())
    };
    for _ in 0..8 {
        assert!(plan().await?.contains("\"agent\":\"weather\""), "both cores know it");
    }
    scene.switch(false).await?;
    for _ in 0..8 {
        assert!(plan().await?.contains("is switched off"), "both cores know it");
    }
    drop((scene.weather, scene.sums));
    scene.house.stop().await
}

#[tokio::test]
async fn a_step_whose_agent_is_switched_off_meanwhile_is_not_asked() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    scene.sums.set(Manner::Slowly("It is seven.".into(), Duration::from_millis(700)));
    let mut ann = scene.house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.say(room, "@sums what is 3 and 4, then @weather take this result and tell me the sky").await?;
    let frames =
        timeout(Duration::from_secs(30), ann.until(|frame| frame["type"] == "call.started")).await??;
    let plan = frames.iter().find(|frame| frame["type"] == "plan.decided").map(|frame| frame["data"].clone());
    assert_eq!(plan.unwrap_or_default()["mode"], "sequential");
    scene.switch(false).await?;
    let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
    let ended: Vec<_> = frames.iter().filter(|frame| frame["type"] == "call.finished").collect();
    assert_eq!(ended.len(), 2, "{frames:?}");
    assert_eq!(ended[1]["data"]["state"], "skipped", "{ended:?}");
    assert_eq!(ended[1]["data"]["reason"], "it is switched off");
    assert!(scene.weather.asked().is_empty());
    scene.house.stop().await
}

#[tokio::test]
async fn agents_are_switched_with_the_command() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let run = |arguments: &'static [&str]| run(&scene.house, arguments);
    let off = run(&["agents", "disable", "weather"]).await?;
    assert!(off.starts_with("weather is off: no message asks it from now on"), "{off}");
    let listed = run(&["agents", "list"]).await?;
    assert!(listed.lines().any(|line| line.starts_with("weather") && line.ends_with("[off]")), "{listed}");
    assert_eq!(run(&["agents", "enable", "weather"]).await?, "weather is on\n");
    let unknown = run(&["agents", "disable", "phantom"]).await?;
    assert!(unknown.contains("There is no agent phantom here"), "{unknown}");
    drop((scene.weather, scene.sums));
    scene.house.stop().await
}

/// What the operator's command says, on both of its outputs.
async fn run(house: &House, arguments: &[&str]) -> anyhow::Result<String> {
    let mine = std::env::current_exe()?;
    let folder = mine.parent().and_then(|deps| deps.parent()).map_or_else(PathBuf::new, PathBuf::from);
    let mut command = Command::new(folder.join("switchboard"));
    command.args(arguments).arg("--data").arg(house.topology().data()).kill_on_drop(true);
    let output = command.output().await?;
    Ok(format!("{}{}", String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}

#[tokio::test]
async fn a_card_is_looked_at_before_its_agent_is_registered() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let look =
        async |wish: Value| -> anyhow::Result<Value> { Ok(scene.olga()?.post("/v1/cards", &wish).await?) };
    let found = look(json!({"url": scene.weather.url()})).await?;
    assert_eq!(
        (&found["id"], &found["replaces"], &found["fault"]),
        (&json!("weather"), &json!(true), &Value::Null)
    );
    assert_eq!(found["bindings"][0]["used"], true, "{found}");
    assert_eq!(found["skills"][0]["examples"], 3, "{found}");
    let other = look(json!({"url": scene.weather.url(), "id": "sky"})).await?;
    assert_eq!((&other["id"], &other["replaces"]), (&json!("sky"), &json!(false)));
    let nowhere = look(json!({"url": "http://127.0.0.1:1"})).await?;
    assert!(nowhere["fault"].as_str().is_some_and(|fault| fault.contains("cannot be reached")), "{nowhere}");
    assert_eq!(ids(&scene.olga()?, "/v1/agents").await?, ["sums", "weather"], "nothing is kept");
    let ann = scene.house.topology().client("ann", &["user"])?;
    let refused = ann.post::<Value>("/v1/cards", &json!({"url": scene.weather.url()})).await;
    assert!(refused.unwrap_err().to_string().contains("needs the role agent-admin or admin"));
    scene.house.stop().await
}

#[tokio::test]
async fn an_admin_sees_who_is_here_as_their_token_says_and_what_they_use() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let (house, root) = (&scene.house, scene.house.topology().client("root", &["admin"])?);
    let mut ann = house.member("ann", &["hr"]).await?;
    house.greet("bob").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, RAIN).await?;

    let seen = async |user: &str| -> anyhow::Result<Value> {
        let page: Value = root.get(&format!("/v1/users?begin={user}")).await?;
        Ok(page["items"][0].clone())
    };
    let token = house.member_token("ann", &["hr"])?;
    let ann_over_http = ann.http.with_token(&token);
    ann_over_http.get::<Value>("/v1/agents").await?;
    let found = seen("ann").await?;
    assert_eq!(
        (&found["roles"], &found["groups"], &found["tier"]),
        (&json!(["user"]), &json!(["hr"]), &json!("standard"))
    );
    assert!(found["last_turn"].is_string() && found["stored_bytes"].as_u64() > Some(0), "{found}");
    assert!(seen("bob").await?["last_turn"].is_null());
    // A key says less than its user is; another token says what the user is now.
    let key: Value =
        ann_over_http.post("/v1/keys", &json!({"name": "report", "agents": ["weather"]})).await?;
    ann.http.with_token(key["key"].as_str().unwrap_or_default()).get::<Value>("/v1/agents").await?;
    assert_eq!(seen("ann").await?["groups"], json!(["hr"]));
    let promoted = house.token("ann", &["user", "agent-admin"], |_| {})?;
    ann.http.with_token(&promoted).get::<Value>("/v1/agents").await?;
    let now = seen("ann").await?;
    assert_eq!((&now["roles"], &now["groups"]), (&json!(["user", "agent-admin"]), &json!([])));

    let first: Value = root.get("/v1/users?limit=1").await?;
    assert_eq!((&first["items"][0]["user"], &first["next"]), (&json!("ann"), &json!("ann")));
    let rest: Value = root.get("/v1/users?after=ann").await?;
    assert_eq!(rest["items"][0]["user"], "bob", "{rest}");

    let usage: Value = root.get("/v1/usage?days=1&order=turns").await?;
    let row = &usage["items"][0];
    assert_eq!((&row["user"], &row["turns"], &row["calls"]), (&json!("ann"), &json!(1), &json!(1)));
    assert_eq!((&usage["used"]["turns"], &usage["stored_bytes"]), (&json!(1), &row["stored_bytes"]));
    let bob: Value = root.get("/v1/usage?user=bob").await?;
    assert_eq!((bob["items"].as_array().map(Vec::len), &bob["items"][0]["turns"]), (Some(1), &json!(0)));
    assert!(root.get::<Value>("/v1/usage?days=0").await.is_err());

    let users = run(house, &["users", "--token", &root_token(house)?]).await?;
    assert!(users.contains("ann") && users.contains("agent-admin"), "{users}");
    let said = run(house, &["usage", "--token", &root_token(house)?]).await?;
    assert!(said.lines().any(|line| line.starts_with("ann ")), "{said}");
    drop(scene.sums);
    scene.house.stop().await
}

#[tokio::test]
async fn what_those_are_told_who_look_after_a_tenant_is_as_described() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let root = Api::new(&scene.house, "root", &["user", "admin"])?;
    root.ask("chat", &[], Some(json!({"message": RAIN}))).await?;
    for enabled in [false, true] {
        root.ask("switchAgent", &["weather"], Some(json!({"enabled": enabled}))).await?;
    }
    for url in [scene.sums.url(), "http://127.0.0.1:1"] {
        root.ask("lookAtCard", &[], Some(json!({"url": url}))).await?;
    }
    for view in ["listUsers", "getUsage", "searchAudit", "verifyAudit"] {
        root.ask(view, &[], None).await?;
    }
    let owner = scene.house.topology().postgres().connect().await?;
    owner.batch_execute("UPDATE audit SET actor = 'eve' WHERE seq = 2").await?;
    assert_eq!(root.ask("verifyAudit", &[], None).await?["ok"], false);
    drop(scene.weather);
    scene.house.stop().await
}

fn root_token(house: &House) -> anyhow::Result<String> {
    house.token("root", &["admin"], |_| {})
}

#[tokio::test]
async fn the_record_is_read_checked_and_taken_out_with_the_command() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    scene.switch(false).await?;
    let listed = run(&scene.house, &["audit", "list", "--action", "agent.disabled"]).await?;
    assert!(listed.contains("olga") && listed.contains("weather"), "{listed}");
    let held = run(&scene.house, &["audit", "verify"]).await?;
    assert!(held.starts_with("the chain holds: 3 rows checked") && held.contains("\nanchor 3."), "{held}");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("audit.csv");
    let path = file.to_string_lossy().into_owned();
    let said = run(&scene.house, &["audit", "export", &path, "--format", "csv"]).await?;
    assert!(said.contains("bytes are written to"), "{said}");
    assert_eq!(std::fs::read_to_string(&file)?.lines().count(), 4);
    let owner = scene.house.topology().postgres().connect().await?;
    owner.batch_execute("UPDATE audit SET actor = 'eve' WHERE seq = 2").await?;
    let broken = run(&scene.house, &["audit", "verify"]).await?;
    assert!(broken.contains("the chain is broken at row 2: it is not what was hashed"), "{broken}");
    drop((scene.weather, scene.sums));
    scene.house.stop().await
}
