//! Why a message is routed as it is, and whose examples collide: with the command, over HTTP, and for whom.

use serde_json::{Value, json};
use std::path::PathBuf;
use switchboard_shared::api::{Analysis, ChangeKind, Overlap};
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::process::Command;

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow", "show me the forecast"];
const STOCKS: &[&str] = &["how is the stock of acme doing", "show my share prices", "Show me the forecast!"];

/// Runs the operator's command against a house, as ann with these roles.
async fn run(house: &House, roles: &[&str], arguments: &[&str]) -> anyhow::Result<String> {
    let mine = std::env::current_exe()?;
    let folder = mine.parent().and_then(|deps| deps.parent()).map(PathBuf::from);
    let output = Command::new(folder.expect("tests run from target/*/deps").join("switchboard"))
        .args(arguments)
        .env("SWITCHBOARD_URL", house.topology().url().as_str())
        .env("SWITCHBOARD_CA", house.topology().ca())
        .env("SWITCHBOARD_TOKEN", house.topology().token("ann", roles)?)
        .kill_on_drop(true)
        .output()
        .await?;
    anyhow::ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn the_command_explains_a_choice_among_the_example_agents_and_shows_whose_examples_collide()
-> anyhow::Result<()> {
    let house = House::with(|options| {
        (options.agents, options.register_agents) = (true, true);
        // The example agents' examples are too few to show that 99 of 100 are right.
        let free = toml::toml! { route.right = 0.9 };
        switchboard::topology::config::overlay(&mut options.core_overrides, &free);
    });
    let house = house.await?;
    let roles = ["user", "agent-admin"];
    let text = "How strong is the password hunter2?";
    let said = run(&house, &roles, &["route", "--explain", text]).await?;
    for part in [
        "plan: direct",
        "why: The local model is sure of security-agent",
        "words alone",
        "route.accept        0.",
        "nearest examples, by their words:",
        "what would have changed it (",
        "explained in",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let analysis: Analysis =
        serde_json::from_str(&run(&house, &roles, &["route", "--explain", "--json", text]).await?)?;
    let why = analysis.explanation.expect("it was asked for");
    assert_eq!((why.bounds.len(), why.shares[0].agent.as_ref()), (4, Some(&analysis.plan.steps[0].agent)));
    let texts: Vec<_> = why.nearest.iter().filter_map(|near| near.text.as_deref()).collect();
    assert!(texts.iter().any(|text| text.to_lowercase().contains("password")), "{texts:?}");
    // What is said of a word is true: without it, the router does that.
    let changes = why.changes.iter().filter(|change| change.kind == ChangeKind::WithoutWord);
    let ann = house.topology().client("ann", &["user"])?;
    for change in changes {
        let word = change.word.as_deref().expect("it names it");
        let without: Analysis = ann.post("/v1/analyze", &json!({"text": text.replacen(word, "", 1)})).await?;
        let agents: Vec<_> = without.plan.steps.into_iter().map(|step| step.agent).collect();
        assert_eq!((&change.then.agents, change.then.mode), (&agents, Some(without.plan.mode)), "{word}");
    }
    let two = "How strong is the password hunter2, and what is the average of 3 and 9?";
    let said = run(&house, &roles, &["route", "--explain", two]).await?;
    for part in
        ["what the local model is held to for each of them:", "route.accept_each", "  the parts together"]
    {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let said = run(&house, &roles, &["route", "--explain", &format!("@nlp-agent {text}")]).await?;
    assert!(said.contains("A rule decided") && !said.contains("is held to"), "{said}");
    let plain: Value = serde_json::from_str(&run(&house, &roles, &["route", "--json", text]).await?)?;
    assert_eq!(plain.get("explanation"), None, "{plain}");

    let said = run(&house, &roles, &["agents", "overlap"]).await?;
    assert!(said.contains("would go to another agent, had the router not learned them"), "{said}");
    let overlap: Overlap =
        serde_json::from_str(&run(&house, &roles, &["agents", "overlap", "--json"]).await?)?;
    assert!(overlap.examples > 100 && overlap.lost < overlap.examples / 2, "{said}");
    assert!(overlap.pairs.is_sorted_by_key(|pair| std::cmp::Reverse(pair.lost + pair.gained)), "{said}");
    house.stop().await
}

#[tokio::test]
async fn who_may_not_read_examples_gets_tenths_and_nothing_that_measures_against_them() -> anyhow::Result<()>
{
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
    let stocks = FakeAgent::start("stocks", STOCKS, Manner::Says("Acme is up.".into())).await?;
    house.register("weather", &weather).await?;
    house.register("stocks", &stocks).await?;
    let asked = json!({"text": "will it rain tomorrow?", "explain": true});
    let ann = house.topology().client("ann", &["user"])?;
    let olga = house.topology().client("olga", &["user", "agent-admin"])?;
    let analysis: Analysis = ann.post("/v1/analyze", &asked).await?;
    let why = analysis.explanation.expect("it was asked for");
    assert!(why.nearest.is_empty() && why.known.is_none() && why.novelty.is_none(), "{why:?}");
    let tenths = why.shares.iter().all(|share| (share.share * 10.0).fract().abs() < 1e-9);
    assert!(tenths && why.shares[0].agent.as_ref().is_some_and(|id| id.as_str() == "weather"), "{why:?}");
    let analysis: Analysis = olga.post("/v1/analyze", &asked).await?;
    let near = analysis.explanation.expect("it was asked for").nearest;
    assert_eq!(near[0].text.as_deref(), Some("will it rain tomorrow"));

    let refused = ann.get::<Value>("/v1/agents/overlap").await.unwrap_err().to_string();
    assert!(refused.contains("may not"), "{refused}");
    let overlap: Overlap = olga.get("/v1/agents/overlap").await?;
    assert_eq!(overlap.examples, 6);
    assert_eq!((overlap.duplicates.len(), overlap.duplicates[0].agents.len()), (1, 2), "{overlap:?}");
    let taken = house.register("overlap", &weather).await.unwrap_err().to_string();
    assert!(taken.contains("No agent can be called overlap"), "{taken}");
    house.stop().await
}

#[tokio::test]
async fn an_explanation_knows_who_was_asked_before_and_who_waits() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
    let stocks = FakeAgent::start("stocks", STOCKS, Manner::AsksBack("Which one?".into())).await?;
    house.register("weather", &weather).await?;
    house.register("stocks", &stocks).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain tomorrow").await?;
    let follow_up = json!({"text": "yes", "conversation": room, "explain": true});
    let analysis: Analysis = ann.http.post("/v1/analyze", &follow_up).await?;
    let why = analysis.explanation.expect("it was asked for");
    assert_eq!(why.because, "A rule decided: It goes on with what was being talked about.");
    let kinds: Vec<_> = why.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::WithoutPrevious]);
    ann.ask(room, "@stocks how is the stock doing").await?;
    let analysis: Analysis = ann.http.post("/v1/analyze", &follow_up).await?;
    let why = analysis.explanation.expect("it was asked for");
    assert_eq!(why.because, "A rule decided: stocks waits for this.");
    house.stop().await
}
