//! Learning from use: what people and agents do about a plan comes up for review, and only what is approved changes a
//! route.

use serde_json::{Value, json};
use std::{path::PathBuf, process::Output};
use switchboard::client::Client;
use switchboard_shared::ids::ConversationId;
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood, Person, person::Heard};
use tokio::process::Command;

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];
const STOCKS: &[&str] = &["how is the stock of acme doing", "show my share prices"];
/// Words that no agent's examples have.
pub(super) const UNHEARD: &str = "zzyzx quux frobnicate the blorp?";

/// A house with two agents, ann in a room of it, and olga who manages its agents.
pub(super) struct Scene {
    pub(super) house: House,
    pub(super) weather: FakeAgent,
    _stocks: FakeAgent,
    pub(super) ann: Person,
    room: ConversationId,
    pub(super) olga: Client,
}

impl Scene {
    pub(super) async fn set(house: House) -> anyhow::Result<Self> {
        let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
        let stocks = FakeAgent::start("stocks", STOCKS, Manner::Says("Acme is up.".into())).await?;
        house.register("weather", &weather).await?;
        house.register("stocks", &stocks).await?;
        let mut ann = house.person("ann").await?;
        let room = ann.room(&[]).await?;
        ann.join(room, Some(0)).await?;
        let olga = house.topology().client("olga", &["user", "agent-admin"])?;
        Ok(Self { house, weather, _stocks: stocks, ann, room, olga })
    }

    /// Ann says something; what was heard of it, and its turn.
    pub(super) async fn ask(&mut self, text: &str) -> anyhow::Result<(Heard, String)> {
        let heard = self.ann.ask(self.room, text).await?;
        let turn = heard.frames[0]["turn"].as_str().unwrap_or_default().to_owned();
        Ok((heard, turn))
    }

    pub(super) async fn feedback(&self, turn: &str, given: Value) -> anyhow::Result<Value> {
        Ok(self.ann.http.post(&format!("/v1/turns/{turn}/feedback"), &given).await?)
    }

    pub(super) async fn open(&self) -> anyhow::Result<Vec<Value>> {
        let page: Value = self.olga.get("/v1/suggestions?state=open").await?;
        Ok(page["items"].as_array().cloned().unwrap_or_default())
    }

    async fn decide(&self, suggestion: &Value, state: &str) -> anyhow::Result<Value> {
        let path = format!("/v1/suggestions/{}", suggestion["id"].as_str().unwrap_or_default());
        Ok(self.olga.post(&path, &json!({"state": state})).await?)
    }

    /// Whom the router would ask.
    pub(super) async fn route(&self, text: &str) -> anyhow::Result<Vec<Value>> {
        let analysis: Value = self.ann.http.post("/v1/analyze", &json!({"text": text})).await?;
        let steps = analysis["plan"]["steps"].as_array().cloned().unwrap_or_default();
        Ok(steps.into_iter().map(|step| step["agent"].clone()).collect())
    }
}

#[tokio::test]
async fn an_approved_correction_changes_the_route_of_the_same_words() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (heard, turn) = scene.ask(UNHEARD).await?;
    assert!(!heard.agents().contains(&"weather".to_owned()), "{:?}", heard.agents());
    let correction = json!({"value": "down", "agents": ["weather"]});
    scene.feedback(&turn, correction.clone()).await?;
    scene.feedback(&turn, correction).await?;
    let open = scene.open().await?;
    assert_eq!(open.len(), 1, "said twice is said once: {open:?}");
    let expected = json!(["weather", UNHEARD, "correction", true]);
    let (one, of) = (&open[0], |key: &str| open[0][key].clone());
    assert_eq!(json!([of("agent"), of("text"), of("source"), of("positive")]), expected);
    assert_ne!(scene.route(UNHEARD).await?, ["weather"], "nothing is learned before it is approved");

    let review = scene.decide(one, "approved").await?;
    assert_eq!((&review["learned"], &review["suggestion"]["decided_by"]), (&true.into(), &"olga".into()));
    assert_eq!(scene.route(UNHEARD).await?, ["weather"]);
    let again = scene.decide(one, "approved").await?;
    assert_eq!(
        (&again["suggestion"], &again["trial"]),
        (&review["suggestion"], &Value::Null),
        "decided once"
    );
    assert!(scene.decide(one, "dismissed").await.unwrap_err().to_string().contains("already"));
    assert!(scene.open().await?.is_empty());
    let examples: Value = scene.olga.get("/v1/agents/weather/examples").await?;
    assert_eq!((&examples["examples"][0]["text"], &examples["on_card"]), (&UNHEARD.into(), &2.into()));
    let again = scene.house.register("weather", &scene.weather).await?;
    assert_eq!(again.examples, 3, "an agent that registers again keeps what it has learned");
    assert_eq!(scene.route(UNHEARD).await?, ["weather"]);
    scene.house.stop().await
}

#[tokio::test]
async fn the_last_word_of_a_member_counts_and_a_dismissed_suggestion_does_not_come_again()
-> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (_, turn) = scene.ask(UNHEARD).await?;
    scene.feedback(&turn, json!({"value": "down", "agents": ["weather"]})).await?;
    scene.feedback(&turn, json!({"value": "down", "agents": ["stocks"]})).await?;
    let open = scene.open().await?;
    assert_eq!((open.len(), &open[0]["agent"]), (1, &"stocks".into()), "{open:?}");
    let review = scene.decide(&open[0], "dismissed").await?;
    assert_eq!(review["learned"], false, "{review}");
    scene.feedback(&turn, json!({"value": "down", "agents": ["stocks"]})).await?;
    assert!(scene.open().await?.is_empty());
    for bad in [
        json!({"value": "up", "agents": ["weather"]}),
        json!({"value": "down", "agents": ["nobody"]}),
        json!({"value": "sideways"}),
    ] {
        assert!(scene.feedback(&turn, bad.clone()).await.is_err(), "{bad}");
    }
    scene.house.stop().await
}

#[tokio::test]
async fn a_thumb_up_on_what_the_llm_decided_is_a_suggestion() -> anyhow::Result<()> {
    let good = Mood::Good { agents: vec!["weather".into()], answer: "Take an umbrella.".into() };
    let llm = FakeLlm::start(good).await?;
    let mut scene = Scene::set(House::with_llm(&llm).await?).await?;
    let (heard, turn) = scene.ask(UNHEARD).await?;
    assert_eq!(heard.data("plan.decided")["stage"], "llm", "{}", heard.data("plan.decided"));
    scene.feedback(&turn, json!({"value": "up"})).await?;
    let open = scene.open().await?;
    assert_eq!((&open[0]["source"], &open[0]["agent"]), (&"thumbs".into(), &"weather".into()), "{open:?}");
    // What was named needs no learning.
    let (_, turn) = scene.ask("@stocks and now?").await?;
    scene.feedback(&turn, json!({"value": "up"})).await?;
    assert_eq!(scene.open().await?.len(), 1);
    scene.house.stop().await
}

#[tokio::test]
async fn an_agent_that_is_named_after_a_question_back_should_have_got_the_message_before()
-> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (heard, _) = scene.ask("@weather-man should I take the umbrella along?").await?;
    assert_eq!(heard.data("plan.decided")["mode"], "clarify", "{}", heard.data("plan.decided"));
    scene.ask("@weather should I take the umbrella along?").await?;
    let open = scene.open().await?;
    let of = |key: &str| open[0][key].clone();
    let expected = json!(["weather", "should I take the umbrella along?", "chip", true]);
    assert_eq!(json!([of("agent"), of("text"), of("source"), of("positive")]), expected);
    scene.ask("@stocks and how is acme doing?").await?;
    assert_eq!(scene.open().await?.len(), 1, "nobody had asked back");
    scene.house.stop().await
}

#[tokio::test]
async fn strangers_may_give_no_feedback_and_users_may_review_nothing() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (_, turn) = scene.ask(UNHEARD).await?;
    let down = json!({"value": "down", "agents": ["weather"]});
    let other = scene.house.token("ann", &["user", "agent-admin"], |claims| {
        claims.tenant = "other".parse().expect("an id");
    })?;
    let other = scene.olga.with_token(&other);
    let eve = scene.house.topology().client("eve", &["user"])?;
    let nothing = uuid::Uuid::now_v7();
    for stranger in [&eve, &other, &scene.olga] {
        let there = stranger.post::<Value>(&format!("/v1/turns/{turn}/feedback"), &down).await;
        let not_there = stranger.post::<Value>(&format!("/v1/turns/{nothing}/feedback"), &down).await;
        let [there, not_there] = [there, not_there].map(|answer| said(&answer.unwrap_err().to_string()));
        assert_eq!(there, not_there);
    }
    scene.feedback(&turn, down).await?;
    let id = scene.open().await?[0]["id"].as_str().unwrap_or_default().to_owned();
    let user = &scene.ann.http;
    assert!(user.get::<Value>("/v1/suggestions").await.is_err());
    assert!(user.get::<Value>(&format!("/v1/decisions/{turn}")).await.is_err());
    assert!(user.get::<Value>("/v1/agents/weather/examples").await.is_err());
    let approve = json!({"state": "approved"});
    assert!(user.post::<Value>(&format!("/v1/suggestions/{id}"), &approve).await.is_err());
    assert!(other.post::<Value>(&format!("/v1/suggestions/{id}"), &approve).await.is_err());
    assert!(other.get::<Value>(&format!("/v1/decisions/{turn}")).await.is_err());
    assert_eq!(other.get::<Value>("/v1/suggestions").await?["items"], json!([]));
    scene.house.stop().await
}

#[tokio::test]
async fn every_decision_is_written_down_and_can_be_made_again() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    scene.ask("@weather will it rain tomorrow").await?;
    let (heard, turn) = scene.ask("how is the stock of acme doing").await?;
    let decision: Value = scene.olga.get(&format!("/v1/decisions/{turn}")).await?;
    assert_eq!(decision["question"], "how is the stock of acme doing");
    assert_eq!(decision["plan"], heard.data("plan.decided"));
    assert_eq!(decision["previous"], json!(["weather"]));
    assert_eq!(decision["registry_version"], 2, "{decision}");
    let replay = format!("/v1/decisions/{turn}/replay");
    let again: Value = scene.olga.post(&replay, &json!({})).await?;
    assert_eq!(again["plan"]["steps"][0]["agent"], "stocks", "{again}");
    scene.olga.delete("/v1/agents/stocks").await?;
    let today: Value = scene.olga.post(&replay, &json!({})).await?;
    let asked = today["plan"]["steps"].to_string();
    assert!(!asked.contains("stocks"), "by today's registry: {today}");
    let none = format!("/v1/decisions/{}", uuid::Uuid::now_v7());
    assert!(scene.olga.get::<Value>(&none).await.is_err());
    // It goes with its conversation.
    scene.ann.http.delete(&format!("/v1/conversations/{}", scene.room)).await?;
    assert!(scene.olga.get::<Value>(&format!("/v1/decisions/{turn}")).await.is_err());
    scene.house.stop().await
}

#[tokio::test]
async fn examples_are_drafted_read_and_given_to_the_agent_with_the_command() -> anyhow::Result<()> {
    let drafts = [("de", "Blubbert der Zwirbel?"), ("de", "Wird es regnen?"), ("fr", "Il pleut ?")];
    let drafts = drafts.map(|(language, text)| (language.to_owned(), text.to_owned())).to_vec();
    let llm = FakeLlm::start(Mood::Drafts(drafts)).await?;
    let mut scene = Scene::set(House::with_llm(&llm).await?).await?;
    let drafted = scene.run(&["agents", "examples", "weather", "--languages", "de", "--count", "2"]).await?;
    assert!(drafted.status.success(), "{drafted:?}");
    let lines = String::from_utf8(drafted.stdout)?;
    assert_eq!(lines.lines().count(), 2, "only what was asked for: {lines}");
    let prompt = llm.asked().last().expect("it was asked").to_string();
    assert!(prompt.contains("<agent-") && prompt.contains("will it rain tomorrow"), "{prompt}");
    let shown = scene.run(&["agents", "examples", "weather"]).await?;
    assert!(shown.stdout.is_empty(), "nothing was stored: {shown:?}");

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("weather.jsonl");
    std::fs::write(&file, &lines)?;
    let path = file.to_string_lossy();
    let set = scene.run(&["agents", "examples", "weather", "--set", &path]).await?;
    assert!(set.status.success(), "{set:?}");
    let shown = scene.run(&["agents", "examples", "weather"]).await?;
    assert_eq!(String::from_utf8(shown.stdout)?, lines);
    assert_eq!(scene.route("Blubbert der Zwirbel?").await?, ["weather"]);
    let listed: Value = scene.olga.get("/v1/agents/weather").await?;
    assert_eq!(listed["languages"], json!(["de"]));

    llm.set(Mood::Nonsense);
    let nonsense = scene.run(&["agents", "examples", "weather", "--languages", "de"]).await?;
    assert!(String::from_utf8_lossy(&nonsense.stderr).contains("no drafts"), "{nonsense:?}");
    std::fs::write(&file, "{\"text\": \"ok\"}\nnot json\n")?;
    let wrong = scene.run(&["agents", "examples", "weather", "--set", &path]).await?;
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("weather.jsonl:2"), "{wrong:?}");
    let (_, turn) = scene.ask("@weather what now?").await?;
    let said = scene.run(&["feedback", &turn, "down", "--agent", "stocks"]).await?;
    assert!(said.status.success(), "{said:?}");
    let review = scene.run(&["agents", "review"]).await?;
    let review = String::from_utf8(review.stdout)?;
    assert!(review.contains("stocks") && review.contains("what now?"), "{review}");
    let id = scene.open().await?[0]["id"].as_str().unwrap_or_default().to_owned();
    let approved = scene.run(&["agents", "review", "--approve", &id, "--json"]).await?;
    assert_eq!(serde_json::from_slice::<Value>(&approved.stdout)?["learned"], true, "{approved:?}");
    scene.house.stop().await
}

impl Scene {
    /// Runs the operator's command against this house, as ann with every role.
    pub(super) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let topology = self.house.topology();
        let token = topology.token("ann", &["user", "agent-admin"])?;
        let output = Command::new(program())
            .args(arguments)
            .env("SWITCHBOARD_URL", topology.url().as_str())
            .env("SWITCHBOARD_CA", topology.ca())
            .env("SWITCHBOARD_TOKEN", token)
            .kill_on_drop(true)
            .output();
        Ok(output.await?)
    }
}

/// An error without the request's own id.
fn said(error: &str) -> String {
    error.split(" (request ").next().unwrap_or_default().to_owned()
}

fn program() -> PathBuf {
    let mine = std::env::current_exe().expect("a running program has a path");
    mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps").join("switchboard")
}
