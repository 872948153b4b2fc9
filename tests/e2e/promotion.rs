//! Learning that cannot make routing worse: what is to be learned is tried first on messages that are never learned.

use super::learning::{Scene, UNHEARD};
use serde_json::{Value, json};
use switchboard::error::Error;
use switchboard_shared::problem::{Problem, ProblemKind};
use switchboard_tests::{House, Manner};

/// A wrong correction: these are the words of the stocks' agent.
const STOCK: &str = "how is the stock of umbrella doing today";

impl Scene {
    async fn freeze(&self, rows: &[(&str, &[&str])]) -> anyhow::Result<Value> {
        let row = |(text, agents): &(&str, &[&str])| json!({"text": text, "agents": agents});
        let rows: Vec<Value> = rows.iter().map(row).collect();
        Ok(self.olga.put("/v1/frozen", &json!({"rows": rows})).await?)
    }

    /// The id of what comes up when ann says that this message was for these agents.
    async fn corrected(&mut self, text: &str, agents: &[&str]) -> anyhow::Result<String> {
        let (_, turn) = self.ask(text).await?;
        self.feedback(&turn, json!({"value": "down", "agents": agents})).await?;
        self.last().await
    }

    async fn last(&self) -> anyhow::Result<String> {
        let open = self.open().await?;
        Ok(open.last().and_then(|last| last["id"].as_str()).unwrap_or_default().to_owned())
    }

    async fn review(&self, id: &str, decision: Value) -> switchboard::error::Result<Value> {
        self.olga.post(&format!("/v1/suggestions/{id}"), &decision).await
    }
}

/// The problem with which something was refused.
fn refused<T: std::fmt::Debug>(result: switchboard::error::Result<T>) -> Problem {
    match result {
        Err(Error::Problem(problem)) => *problem,
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_would_make_it_worse_is_refused_with_the_report_unless_it_is_forced() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    scene
        .freeze(&[("the stock of umbrella today", &["stocks"]), ("will it rain soon", &["weather"])])
        .await?;
    let before = scene.route(STOCK).await?;
    assert_eq!(before, ["stocks"]);
    let id = scene.corrected(STOCK, &["weather"]).await?;
    let problem = refused(scene.review(&id, json!({"state": "approved"})).await);
    assert_eq!((problem.code, problem.status), (ProblemKind::WouldBeWorse, 409));
    let report = problem.report.expect("it says where");
    assert!(!report.not_worse && problem.detail.contains(&report.reason), "{report:?}");
    assert_eq!(report.frozen.expect("it is not empty").rows, 2);
    let lost = report.lost.first().expect("it names what would be lost");
    assert_eq!((lost.text.as_str(), lost.agents[0].as_str()), ("the stock of umbrella today", "stocks"));
    assert_eq!((scene.route(STOCK).await?, scene.open().await?.len()), (before, 1), "nothing is changed");

    let forced = scene.review(&id, json!({"state": "approved", "force": true})).await?;
    assert_eq!(
        (&forced["learned"], &forced["trial"]["not_worse"]),
        (&true.into(), &false.into()),
        "{forced}"
    );
    assert_eq!(scene.route(STOCK).await?, ["weather"]);
    let database = scene.house.topology().postgres().connect().await?;
    let sql = "SELECT detail FROM audit WHERE action = 'suggestion.approved'";
    let written: Value = serde_json::from_str(database.query_one(sql, &[]).await?.get(0))?;
    assert_eq!((&written["forced"], &written["frozen"]["rows"]), (&true.into(), &2.into()), "{written}");
    let examples: Value = scene.olga.get("/v1/agents/weather/examples").await?;
    let same = json!({"examples": examples["examples"]});
    let unchanged: Value = scene.olga.put("/v1/agents/weather/examples", &same).await?;
    assert_eq!(unchanged["trial"], Value::Null, "nothing new is nothing to be tried");
    scene.house.stop().await
}

#[tokio::test]
async fn what_does_not_make_it_worse_is_promoted_and_the_next_message_is_routed_by_it() -> anyhow::Result<()>
{
    let mut scene = Scene::set(House::start().await?).await?;
    scene
        .freeze(&[("the stock of umbrella today", &["stocks"]), ("will it rain soon", &["weather"])])
        .await?;
    let id = scene.corrected(UNHEARD, &["weather"]).await?;
    let good = scene.review(&id, json!({"state": "approved"})).await?;
    assert_eq!(
        (&good["trial"]["not_worse"], &good["suggestion"]["taught"]),
        (&true.into(), &json!(["weather"]))
    );
    let (heard, turn) = scene.ask(UNHEARD).await?;
    assert_eq!(heard.agents(), ["weather"]);
    let decision: Value = scene.olga.get(&format!("/v1/decisions/{turn}")).await?;
    assert_eq!(decision["registry_version"], 4, "two agents, a frozen set, an example: {decision}");
    // Replacing all examples is tried as well, and so is what is for nobody.
    let stolen =
        ["how is the stock of umbrella", "the stock of umbrella is doing what", "umbrella stock doing"];
    let stolen: Vec<Value> = stolen.iter().map(|text| json!({"text": text})).collect();
    let change = json!({"examples": stolen});
    for path in ["/v1/agents/weather/examples", "/v1/nobody"] {
        let problem = refused(scene.olga.put::<Value>(path, &change).await);
        assert_eq!(problem.code, ProblemKind::WouldBeWorse, "{path}: {}", problem.detail);
    }
    assert_eq!(scene.route(UNHEARD).await?, ["weather"], "nothing is changed");
    scene.house.stop().await
}

#[tokio::test]
async fn lessons_that_come_at_once_are_all_learned() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let other = "wibble wobble gribble grobble";
    let (one, two) =
        (scene.corrected(UNHEARD, &["weather"]).await?, scene.corrected(other, &["stocks"]).await?);
    let approved = || json!({"state": "approved"});
    let (one, two) = tokio::join!(scene.review(&one, approved()), scene.review(&two, approved()));
    assert_eq!((&one?["learned"], &two?["learned"]), (&true.into(), &true.into()));
    assert_eq!(
        (scene.route(UNHEARD).await?, scene.route(other).await?),
        (vec!["weather".into()], vec!["stocks".into()])
    );
    scene.house.stop().await
}

#[tokio::test]
async fn a_reviewer_corrects_agents_words_and_language() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let id = scene.corrected("plz umbrela??", &["stocks"]).await?;
    for bad in [
        json!({"state": "approved", "agents": ["nowhere"]}),
        json!({"state": "approved", "text": " "}),
        json!({"state": "approved", "language": "German language"}),
        json!({"state": "dismissed", "agents": ["weather"]}),
        json!({"state": "open"}),
    ] {
        let problem = refused(scene.review(&id, bad.clone()).await);
        assert!(matches!(problem.status, 400 | 409), "{bad}: {problem:?}");
    }
    let words = "Brauche ich heute in Hamburg einen Regenschirm, oder bleibt das Wetter trocken?";
    let decision = json!({"state": "approved", "agents": ["weather"], "text": words});
    let review = scene.review(&id, decision).await?;
    let suggestion = &review["suggestion"];
    assert_eq!((&suggestion["text"], &suggestion["language"]), (&words.into(), &"de".into()), "{review}");
    assert_eq!(suggestion["taught"], json!(["weather"]), "{review}");
    let agent: Value = scene.olga.get("/v1/agents/weather").await?;
    assert_eq!(agent["languages"], json!(["de"]), "its words tell the language: {agent}");
    assert_eq!(scene.route("Brauche ich einen Regenschirm?").await?, ["weather"]);
    scene.house.stop().await
}

#[tokio::test]
async fn what_is_frozen_is_never_learned() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let (_, turn) = scene.ask(UNHEARD).await?;
    scene.feedback(&turn, json!({"value": "down", "agents": ["weather"]})).await?;
    let id = scene.last().await?;
    let agent: Value = scene.olga.get("/v1/agents/weather").await?;
    assert_eq!(agent["examples"], 2);
    let twice: &[(&str, &[&str])] = &[
        (UNHEARD, &["weather"]),
        ("ZZYZX quux  frobnicate the blorp", &["weather"]),
        ("Will it rain tomorrow?", &["weather"]),
    ];
    let frozen = scene.freeze(twice).await?;
    assert_eq!(frozen["rows"].as_array().map(Vec::len), Some(2), "the same words count once: {frozen}");
    assert_eq!(scene.olga.get::<Value>("/v1/frozen").await?, frozen);
    let agent: Value = scene.olga.get("/v1/agents/weather").await?;
    assert_eq!(agent["examples"], 1, "what its card brings is left out: {agent}");
    assert_eq!(frozen["left_out"], 1, "and that is said: {frozen}");

    let problem = refused(scene.review(&id, json!({"state": "approved", "force": true})).await);
    assert!(problem.code == ProblemKind::Conflict && problem.detail.contains("never learns"), "{problem:?}");
    let example = json!({"examples": [{"text": UNHEARD.to_uppercase()}], "force": true});
    for path in ["/v1/agents/stocks/examples", "/v1/nobody"] {
        assert_eq!(
            refused(scene.olga.put::<Value>(path, &example).await).code,
            ProblemKind::Conflict,
            "{path}"
        );
    }
    let url = scene.weather.url().to_owned();
    assert!(scene.house.register_url("weather", &url, &[UNHEARD]).await.is_err());

    // And what has been learned cannot be frozen.
    let learned = json!({"examples": [{"text": "hail and sleet over the fjord"}], "force": true});
    scene.olga.put::<Value>("/v1/agents/weather/examples", &learned).await?;
    let row = json!({"text": "Hail and sleet over the fjord!", "agents": ["weather"]});
    let freeze = async |rows: Value| scene.olga.put::<Value>("/v1/frozen", &rows).await;
    for (rows, status) in [
        (json!({"rows": [row]}), 409),
        (json!({"rows": [{"text": "hm hm", "agents": ["nowhere"]}]}), 404),
        (json!({"rows": [{"text": "a b", "agents": ["weather"]}, {"text": "A b?", "agents": []}]}), 409),
        (json!({"rows": [{"text": ""}]}), 400),
        (json!({"rows": (0..2_001).map(|i| json!({"text": format!("row {i}")})).collect::<Vec<_>>()}), 413),
    ] {
        assert_eq!(refused(freeze(rows).await).status, status);
    }
    assert_eq!(scene.olga.get::<Value>("/v1/frozen").await?, frozen, "a refused set changes nothing");
    assert!(scene.ann.http.get::<Value>("/v1/frozen").await.is_err(), "users see nothing of it");
    assert!(scene.ann.http.get::<Value>("/v1/nobody").await.is_err());
    scene.house.stop().await
}

#[tokio::test]
async fn what_an_agent_refuses_teaches_once_somebody_says_who_should_get_it() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    scene.weather.set(Manner::Rejects("Not mine.".into()));
    let (heard, _) = scene.ask("@weather polish my silver spoons").await?;
    assert_eq!(heard.data("call.finished")["state"], "rejected", "{}", heard.data("call.finished"));
    let open = scene.open().await?;
    let of = |key: &str| open[0][key].clone();
    let expected = json!(["weather", "polish my silver spoons", "rejection", false]);
    assert_eq!(json!([of("agent"), of("text"), of("source"), of("positive")]), expected);
    let id = scene.last().await?;
    let problem = refused(scene.review(&id, json!({"state": "approved"})).await);
    assert!(problem.status == 400 && problem.detail.contains("who should get it"), "{problem:?}");
    let review = scene.review(&id, json!({"state": "approved", "agents": []})).await?;
    assert_eq!((&review["learned"], &review["suggestion"]["taught"]), (&true.into(), &json!([])), "{review}");
    assert_eq!(scene.route("polish my silver spoons").await?, [""; 0]);
    let nobody: Value = scene.olga.get("/v1/nobody").await?;
    assert_eq!(nobody["examples"][0]["text"], "polish my silver spoons");

    scene.ask("@weather show my portfolio").await?;
    let id = scene.last().await?;
    scene.review(&id, json!({"state": "approved", "agents": ["stocks"]})).await?;
    assert_eq!(scene.route("show my portfolio").await?, ["stocks"]);
    scene.ask("@weather dance with me").await?;
    let id = scene.last().await?;
    assert_eq!(scene.review(&id, json!({"state": "dismissed"})).await?["learned"], false);
    let emptied: Value = scene.olga.put("/v1/nobody", &json!({"examples": []})).await?;
    assert_eq!(emptied["examples"], json!([]));
    scene.house.stop().await
}

#[tokio::test]
async fn the_frozen_set_and_the_gate_with_the_command() -> anyhow::Result<()> {
    let mut scene = Scene::set(House::start().await?).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("frozen.jsonl");
    let path = file.to_string_lossy().into_owned();
    let rows = "{\"text\":\"the stock of umbrella today\",\"label\":\"stocks\",\"lang\":\"en\"}\n\
                {\"text\":\"what is the weather forecast for tomorrow\",\"label\":[\"weather\"],\"lang\":\"en\"}\n\
                {\"text\":\"and tomorrow?\",\"label\":\"weather\",\"prev_agents\":[\"weather\"]}\n";
    std::fs::write(&file, rows)?;
    let put = scene.run(&["frozen", "put", &path]).await?;
    let said = String::from_utf8(put.stderr)?;
    assert!(
        put.status.success() && said.contains("left out: 1 rows") && said.contains("2 messages"),
        "{said}"
    );
    let shown = String::from_utf8(scene.run(&["frozen"]).await?.stdout)?;
    assert_eq!(shown.lines().next(), rows.lines().next());
    let json = scene.run(&["frozen", "show", "--json"]).await?;
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout)?["rows"].as_array().map(Vec::len), Some(2));

    let id = scene.corrected(STOCK, &["weather"]).await?;
    let worse = scene.run(&["agents", "review", "--approve", &id]).await?;
    let said = String::from_utf8(worse.stderr)?;
    assert_eq!(worse.status.code(), Some(1), "{said}");
    assert!(said.contains("lost: the stock of umbrella today (for stocks"), "{said}");
    assert!(said.contains("The router would get worse."), "{said}");
    let worse = scene.run(&["agents", "review", "--approve", &id, "--json"]).await?;
    assert_eq!(serde_json::from_slice::<Value>(&worse.stdout)?["not_worse"], false);
    let right = scene.run(&["agents", "review", "--approve", &id, "--agent", "stocks"]).await?;
    let said = String::from_utf8(right.stderr)?;
    assert!(
        right.status.success() && said.contains("not worse") && said.contains("example of stocks"),
        "{said}"
    );

    let id = scene.corrected("polish my silver spoons", &["weather"]).await?;
    let nobody = scene.run(&["agents", "review", "--approve", &id, "--nobody", "--language", "en"]).await?;
    assert!(nobody.status.success(), "{nobody:?}");
    let listed = String::from_utf8(scene.run(&["agents", "nobody"]).await?.stdout)?;
    assert_eq!(listed, "{\"text\":\"polish my silver spoons\",\"language\":\"en\"}\n");
    std::fs::write(&file, "\n")?;
    for of in [&["nobody"] as &[&str], &["examples", "weather"]] {
        let wiped = scene.run(&[&["agents"], of, &["--set", &path]].concat()).await?;
        let said = String::from_utf8(wiped.stderr)?;
        assert!(!wiped.status.success() && said.contains("is empty") && said.contains("--clear"), "{said}");
    }
    let emptied = scene.run(&["agents", "nobody", "--clear", "--json"]).await?;
    assert_eq!(serde_json::from_slice::<Value>(&emptied.stdout)?["examples"], json!([]), "{emptied:?}");
    std::fs::write(&file, "{\"text\":\"What is the weather forecast for tomorrow?\"}\n")?;
    let frozen = scene.run(&["agents", "examples", "weather", "--set", &path, "--force"]).await?;
    assert!(String::from_utf8_lossy(&frozen.stderr).contains("never learns"), "{frozen:?}");
    let one = "{\"text\":\"will there be hail soon\",\"lang\":\"en\"}\n";
    std::fs::write(&file, one.repeat(3))?;
    let twice = scene.run(&["agents", "examples", "weather", "--set", &path, "--force"]).await?;
    let said = String::from_utf8(twice.stderr)?;
    assert!(said.contains("2 messages were given before in the file and are kept once"), "{said}");
    let listed = String::from_utf8(scene.run(&["agents", "examples", "weather"]).await?.stdout)?;
    assert_eq!(listed, one.replace("lang", "language"));
    let cleared = scene.run(&["agents", "examples", "weather", "--clear", "--force", "--json"]).await?;
    assert_eq!(serde_json::from_slice::<Value>(&cleared.stdout)?["examples"], json!([]), "{cleared:?}");
    std::fs::write(&file, "{\"text\":\"Will it rain tomorrow?\",\"label\":\"weather\"}\n")?;
    let put = scene.run(&["frozen", "put", &path]).await?;
    let said = String::from_utf8(put.stderr)?;
    assert!(said.contains("warning: 1 example on an agent's card is one of them"), "{said}");
    scene.house.stop().await
}
