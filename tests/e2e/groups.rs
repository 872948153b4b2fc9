//! Agents for some groups only: what a caller may not use is as if it were not there, before anything is scored.

use super::{durability::owner, limits::raw};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use switchboard::client::Client;
use switchboard_shared::{
    events::{CallState, TurnState},
    headers,
};
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood, Person, house::endpoint};
use tokio::process::Command;

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow", "how warm is it in Oslo"];
const SALARY: &[&str] = &["what is my salary this month", "show me my pay slip", "when is my wage paid out"];
const QUESTION: &str = "show me my pay slip of this month";

/// A house with an agent for everyone, and one for finance.
struct Scene {
    house: House,
    _weather: FakeAgent,
    payroll: FakeAgent,
}

impl Scene {
    async fn set(house: House) -> anyhow::Result<Self> {
        let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
        let payroll = FakeAgent::start("payroll", SALARY, Manner::Says("You earn 5.".into())).await?;
        house.register("weather", &weather).await?;
        house.register_for(&["finance", "hr"], "payroll", &payroll).await?;
        Ok(Self { house, _weather: weather, payroll })
    }

    /// Somebody with roles and without groups.
    fn with_roles(&self, name: &str, roles: &[&str]) -> anyhow::Result<Client> {
        Ok(self.house.topology().client(name, roles)?)
    }
}

async fn analyze(client: &Client, text: &str) -> anyhow::Result<Value> {
    Ok(client.post("/v1/analyze", &json!({"text": text})).await?)
}

/// Whom the router would ask.
fn asked(analysis: &Value) -> Vec<&str> {
    let steps = analysis["plan"]["steps"].as_array().into_iter().flatten();
    steps.filter_map(|step| step["agent"].as_str()).collect()
}

/// An error without the request's own id.
fn said(error: &switchboard::Error) -> String {
    error.to_string().split(" (request ").next().unwrap_or_default().to_owned()
}

/// The registry as somebody sees it: the groups of each agent.
async fn registry(client: &Client) -> anyhow::Result<BTreeMap<String, Value>> {
    let page: Value = client.get("/v1/agents").await?;
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let name = |agent: &Value| agent["id"].as_str().unwrap_or_default().to_owned();
    Ok(items.iter().map(|agent| (name(agent), agent["groups"].clone())).collect())
}

#[tokio::test]
async fn everyone_sees_and_reaches_what_their_groups_allow_and_managers_see_all() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let seen = |pairs: &[(&str, Value)]| -> BTreeMap<String, Value> {
        pairs.iter().map(|(id, groups)| ((*id).to_owned(), groups.clone())).collect()
    };
    let (ann, bob) = (scene.house.member("ann", &["hr"]).await?, scene.house.member("bob", &["it"]).await?);
    let olga = scene.with_roles("olga", &["user", "agent-admin"])?;
    let root = scene.with_roles("root", &["admin"])?;
    let hidden = Value::Null;
    assert_eq!(registry(&ann.http).await?, seen(&[("payroll", hidden.clone()), ("weather", hidden.clone())]));
    assert_eq!(registry(&bob.http).await?, seen(&[("weather", hidden)]));
    let all = seen(&[("payroll", json!(["finance", "hr"])), ("weather", json!([]))]);
    assert_eq!(registry(&olga).await?, all);
    assert_eq!(registry(&root).await?, all);

    assert_eq!(asked(&analyze(&ann.http, QUESTION).await?), ["payroll"]);
    assert_eq!(asked(&analyze(&root, QUESTION).await?), ["payroll"], "an admin does everything");
    let (bobs, olgas) = (analyze(&bob.http, QUESTION).await?, analyze(&olga, QUESTION).await?);
    assert!(!bobs.to_string().contains("payroll"), "{bobs}");
    assert!(!olgas.to_string().contains("payroll"), "who manages agents does not use them by that: {olgas}");

    // Found by its id, and as if it were missing.
    ann.http.get::<Value>("/v1/agents/payroll").await?;
    let there = said(&bob.http.get::<Value>("/v1/agents/payroll").await.unwrap_err());
    let missing = said(&bob.http.get::<Value>("/v1/agents/phantom").await.unwrap_err());
    assert_eq!(there.replace("payroll", "phantom"), missing);
    scene.house.stop().await
}

#[tokio::test]
async fn an_agent_that_may_not_be_used_influences_nothing() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
    house.register("weather", &weather).await?;
    let bob = house.member("bob", &[]).await?;
    let texts = [
        QUESTION,
        "will it rain on my pay day",
        "hello",
        "@payroll when?",
        "@payrol when?",
        "what is my wage",
    ];
    let mut before = Vec::new();
    for text in texts {
        before.push(analyze(&bob.http, text).await?);
    }
    // It wants everything, and has the very words.
    let greedy: Vec<_> = WEATHER.iter().chain(&texts).copied().collect();
    let payroll = FakeAgent::start("payroll", &greedy, Manner::Says("You earn 5.".into())).await?;
    house.register_for(&["finance"], "payroll", &payroll).await?;
    let ann = house.member("ann", &["finance"]).await?;
    let influenced = analyze(&ann.http, QUESTION).await?;
    assert_ne!(influenced["scores"], before[0]["scores"], "who may use it is decided for with it");
    assert!(influenced["scores"].to_string().contains("payroll"), "{influenced}");
    for (text, before) in texts.into_iter().zip(before) {
        let after = analyze(&bob.http, text).await?;
        assert_eq!((&after["plan"], &after["scores"]), (&before["plan"], &before["scores"]), "{text}");
    }
    house.stop().await
}

#[tokio::test]
async fn what_a_caller_may_not_use_is_not_asked_by_name_nor_by_choice() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let mut bob = scene.house.member("bob", &[]).await?;
    let room = bob.room(&[]).await?;
    bob.join(room, Some(0)).await?;
    let named = bob.ask(room, "@payroll what do I earn?").await?;
    let missing = bob.ask(room, "@phantom what do I earn?").await?;
    assert_eq!(named.answer().replace("payroll", "phantom"), missing.answer());
    assert!(named.answer().starts_with("There is no agent @payroll here."), "{}", named.answer());
    let close = bob.ask(room, "@payrol what do I earn?").await?.answer();
    assert!(
        !close.contains("payroll") && !close.contains("Did you mean"),
        "it is not offered either: {close}"
    );
    let welcome = bob.ask(room, "hello").await?;
    assert!(
        welcome.answer().contains("@weather") && !welcome.answer().contains("payroll"),
        "{}",
        welcome.answer()
    );

    let path = format!("/v1/conversations/{room}/messages");
    let chosen: Value = bob.http.post(&path, &json!({"text": "what now?", "agents": ["payroll"]})).await?;
    let view = bob.turn_over(chosen["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!(view.answer.as_deref(), Some("There is no agent @payroll here."), "{view:?}");
    let thinks = json!({"value": "down", "agents": ["payroll"]});
    let turn = chosen["turn"].as_str().unwrap_or_default();
    let refused = bob.http.post::<Value>(&format!("/v1/turns/{turn}/feedback"), &thinks).await.unwrap_err();
    assert!(said(&refused).contains("There is no agent payroll here."), "{refused}");
    assert!(scene.payroll.asked().is_empty());
    scene.house.stop().await
}

#[tokio::test]
async fn in_a_shared_conversation_each_message_goes_by_its_authors_groups() -> anyhow::Result<()> {
    let llm = FakeLlm::start(Mood::Good { agents: vec!["weather".into()], answer: "Rain.".into() }).await?;
    let house = House::with(|options| {
        options.llm = vec![endpoint(&llm.url())];
        // Six examples cannot show how often it is right.
        let free = toml::toml! { route.right = 0.0 };
        switchboard::topology::config::overlay(&mut options.core_overrides, &free);
    });
    let scene = Scene::set(house.await?).await?;
    let mut ann = scene.house.member("ann", &["finance"]).await?;
    let mut bob = scene.house.member("bob", &[]).await?;
    let room = ann.room(&["bob"]).await?;
    let always = json!({"speaks": "always"});
    ann.http.patch::<Value>(&format!("/v1/conversations/{room}"), &always).await?;
    ann.join(room, Some(0)).await?;
    bob.join(room, Some(0)).await?;

    // A short word goes on with the agents of the turn before; not with those that its author may not use.
    assert_eq!(ann.ask(room, QUESTION).await?.agents(), ["payroll"]);
    assert_eq!(ann.ask(room, "and why?").await?.agents(), ["payroll"], "the follow-up of somebody who may");
    let asked = llm.asked().len();
    let follow_up = bob.ask(room, "and why?").await?;
    assert_eq!(follow_up.agents(), ["weather"], "nobody was talking to anybody, so the LLM decides");
    let prompts = json!(llm.asked()[asked..]).to_string();
    assert!(prompts.contains("weather") && !prompts.contains("payroll"), "{prompts}");

    // An agent that waits for an answer gets it from somebody who may use it, and waits for nobody else's.
    scene.payroll.set(Manner::AsksBack("For which month?".into()));
    let waits = ann.ask(room, &format!("@payroll {QUESTION}")).await?;
    assert_eq!(waits.data("turn.finished")["state"], "input_required");
    let calls = scene.payroll.asked().len();
    let reply = bob.ask(room, "the month of March").await?;
    assert!(!reply.agents().contains(&"payroll".to_owned()), "{:?}", reply.agents());
    assert_eq!(scene.payroll.asked().len(), calls);
    assert_eq!(ann.ask(room, "the month of March").await?.answer(), "thank you, the month of March");
    scene.house.stop().await
}

#[tokio::test]
async fn a_turn_goes_by_what_its_author_was_also_after_another_core_has_taken_it_up() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let quick = toml::toml! {
            [turn]
            lease_ms = 1500
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &quick);
    });
    let scene = Scene::set(house.await?).await?;
    scene.payroll.set(Manner::Slowly("you earn 5 a month".into(), Duration::from_millis(500)));
    let mut ann = scene.house.member("ann", &["finance"]).await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, QUESTION).await?;
    ann.until(|frame| frame["type"] == "call.started").await?;
    refresh(&mut ann, &scene.house.member_token("ann", &[])?).await?;
    scene.house.topology().cores()[0].kill9().await;
    scene.house.topology().cores()[0].restart().await?;
    let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!((view.attempt, view.state), (2, TurnState::Completed), "{view:?}");
    assert_eq!(view.answer.as_deref(), Some("you earn 5 a month"), "{view:?}");
    // What is said with the new token goes by the new token.
    let (calls, next) = (scene.payroll.asked().len(), ann.say(room, "@payroll and next year?").await?);
    let view = ann.turn_over(next["turn"].as_str().unwrap_or_default()).await?;
    let answer = view.answer.clone().unwrap_or_default();
    assert!(answer.starts_with("There is no agent @payroll here."), "{view:?}");
    assert_eq!(scene.payroll.asked().len(), calls);
    refresh(&mut ann, &scene.house.member_token("ann", &["hr"])?).await?;
    let again = ann.say(room, "@payroll and next year?").await?;
    let view = ann.turn_over(again["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!(view.answer.as_deref(), Some("you earn 5 a month"), "{view:?}");
    scene.house.stop().await
}

#[tokio::test]
async fn a_turn_that_is_taken_up_asks_nobody_who_has_been_taken_from_its_author() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.cores = 2;
        let slow = toml::toml! {
            [turn]
            lease_ms = 5000
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &slow);
    });
    let scene = Scene::set(house.await?).await?;
    scene.payroll.set(Manner::Silent);
    let mut ann = scene.house.member("ann", &["finance"]).await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, QUESTION).await?;
    ann.until(|frame| frame["type"] == "call.started").await?;
    let owner = owner(&scene.house, &ack["turn"]).await?;
    scene.house.topology().cores()[owner].kill9().await;
    scene.payroll.set(Manner::Says("You earn 5.".into()));
    let olga = scene.with_roles("olga", &["agent-admin"])?;
    olga.put::<Value>("/v1/agents/payroll/groups", &json!({"groups": ["board"]})).await?;
    let calls = scene.payroll.asked().len();
    let view = ann.turn_over(ack["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!((view.attempt, view.calls[0].state), (2, CallState::Failed), "{view:?}");
    assert!(!view.answer.unwrap_or_default().contains("You earn"));
    assert_eq!(scene.payroll.asked().len(), calls);
    scene.house.stop().await
}

/// Takes another token on the open socket.
async fn refresh(person: &mut Person, token: &str) -> anyhow::Result<()> {
    person.send(&json!({"type": "refresh", "token": token})).await
}

#[tokio::test]
async fn a_client_cannot_put_itself_into_a_group() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let mut bob = scene.house.member("bob", &[]).await?;
    let room = bob.room(&[]).await?;
    let token = scene.house.member_token("bob", &[])?;
    let forged = ann_signed_by_somebody_else();
    let asking = raw(&scene.house)?
        .post(scene.house.topology().url().join("/v1/analyze?groups=finance")?)
        .bearer_auth(&token)
        .header("x-switchboard-groups", "finance")
        .header("groups", "finance")
        .header(headers::IDENTITY, forged)
        .json(&json!({"text": QUESTION}));
    let answer = asking.send().await?.text().await?;
    assert!(answer.contains("\"plan\"") && !answer.contains("payroll"), "{answer}");

    let mine = json!(["finance"]);
    for (path, body) in [
        ("/v1/analyze".to_owned(), json!({"text": QUESTION, "groups": mine})),
        ("/chat".to_owned(), json!({"message": QUESTION, "groups": mine})),
        ("/v1/conversations".to_owned(), json!({"groups": mine})),
        (format!("/v1/conversations/{room}/messages"), json!({"text": QUESTION, "groups": mine})),
    ] {
        let refused = bob.http.post::<Value>(&path, &body).await.unwrap_err().to_string();
        assert!(refused.contains("unknown field `groups`"), "{path}: {refused}");
    }
    let send = json!({"type": "send", "id": "1", "conversation": room, "text": QUESTION, "groups": mine});
    bob.send(&send).await?;
    assert_eq!(bob.next().await?["type"], "error");
    for groups in [json!([]), json!(["it"])] {
        let put = bob.http.put::<Value>("/v1/agents/payroll/groups", &json!({"groups": groups})).await;
        assert!(said(&put.unwrap_err()).contains("Your roles do not allow this."));
    }
    let own = json!({"url": scene.payroll.url(), "id": "payroll", "groups": []});
    assert!(bob.http.post::<Value>("/v1/agents", &own).await.is_err());
    assert!(scene.payroll.asked().is_empty());
    scene.house.stop().await
}

/// An identity with every group and a key that is not the house's.
fn ann_signed_by_somebody_else() -> String {
    let identity = json!({
        "tenant": "demo", "user": "ann", "roles": ["user", "admin"], "groups": ["finance"], "tier": "standard",
        "expires_at": i64::MAX,
    });
    let identity: switchboard_shared::identity::Identity =
        serde_json::from_value(identity).expect("it is an identity");
    let keys = switchboard_shared::keys::SigningKeys::new("a key of somebody else's, and long enough", []);
    let request =
        switchboard_shared::identity::SignedFor { method: "GET", target: "/v1/agents", request_id: "" };
    identity.sign(&keys, chrono::Utc::now().timestamp(), request)
}

#[tokio::test]
async fn groups_are_changed_with_the_command_and_the_change_is_audited() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let bob = scene.house.member("bob", &["it"]).await?;
    let run = async |arguments: &[&str]| -> anyhow::Result<String> {
        let folder = scene.house.topology().data();
        let output = Command::new(program())
            .args(arguments)
            .arg("--data")
            .arg(folder)
            .env("SWITCHBOARD_URL", scene.house.topology().url().as_str())
            .env("SWITCHBOARD_CA", scene.house.topology().ca())
            .kill_on_drop(true)
            .output()
            .await?;
        Ok(format!("{}{}", String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
    };
    assert_eq!(run(&["agents", "groups", "payroll"]).await?, "payroll is for finance, hr\n");
    let listed = run(&["agents", "list"]).await?;
    assert!(
        listed.lines().any(|line| line.starts_with("payroll") && line.contains("[for finance, hr]")),
        "{listed}"
    );
    assert_eq!(run(&["agents", "groups", "payroll", "it", "/board"]).await?, "payroll is for /board, it\n");
    assert_eq!(asked(&analyze(&bob.http, QUESTION).await?), ["payroll"]);
    assert_eq!(run(&["agents", "groups", "payroll", "it,/board"]).await?, "payroll is for /board, it\n");
    let bobs = scene.house.member_token("bob", &["it"])?;
    for groups in [&[] as &[&str], &["hr"]] {
        let said = run(&[&["agents", "groups", "payroll", "--token", &bobs], groups].concat()).await?;
        assert!(said.contains("needs the role agent-admin or admin"), "{groups:?}: {said}");
    }
    scene.house.register("payroll", &scene.payroll).await?;
    let kept = run(&["agents", "groups", "payroll", "--json"]).await?;
    assert_eq!(
        serde_json::from_str::<Value>(&kept)?,
        json!({"groups": ["/board", "it"]}),
        "registered again"
    );
    let again = ["agents", "add", scene.payroll.url(), "--id", "payroll", "--groups", "finance"];
    let refused = run(&again).await?;
    assert!(refused.contains("payroll is there already") && refused.contains("--replace"), "{refused}");
    let added = run(&[&again[..], &["--replace"]].concat()).await?;
    assert!(added.contains("[for finance]"), "{added}");
    assert!(asked(&analyze(&bob.http, QUESTION).await?).is_empty());
    let bad = run(&["agents", "groups", "payroll", "a b"]).await?;
    assert!(bad.contains("Group must be 1 to 64 characters"), "{bad}");
    let token = run(&["token", "--user", "ann", "--groups", "finance,hr"]).await?;
    let ann = bob.http.with_token(token.trim());
    assert_eq!(asked(&analyze(&ann, QUESTION).await?), ["payroll"]);
    assert_eq!(
        run(&["agents", "groups", "payroll", "--everyone"]).await?,
        "payroll is for everyone in the tenant\n"
    );
    assert_eq!(asked(&analyze(&bob.http, QUESTION).await?), ["payroll"]);

    let database = scene.house.topology().postgres().connect().await?;
    let sql = "SELECT actor, detail FROM audit WHERE action = 'agent.groups_replaced' AND subject = 'payroll' ORDER BY seq";
    let mut changes = Vec::new();
    for row in database.query(sql, &[]).await? {
        let detail: Value = serde_json::from_str(row.get(1))?;
        changes.push(json!([row.get::<_, String>(0), detail["before"], detail["after"]]));
    }
    let expected = json!([
        ["olga", [], ["finance", "hr"]],
        ["ann", ["finance", "hr"], ["/board", "it"]],
        ["ann", ["/board", "it"], ["finance"]],
        ["ann", ["finance"], []],
    ]);
    assert_eq!(json!(changes), expected, "what changes nothing is no change");
    scene.house.stop().await
}

fn program() -> PathBuf {
    let mine = std::env::current_exe().expect("a running program has a path");
    mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps").join("switchboard")
}
