//! What happened, in figures: by whichever core it is told, for its own tenant alone, and as it happens.

use super::openapi::Api;
use anyhow::{Context, ensure};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use switchboard::topology::config::Llm;
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood, Person, house::endpoint, person::PATIENCE};
use tokio::time::{sleep, timeout};

/// Its language leaves no doubt.
const GERMAN: &str = "@weather Wie wird das Wetter morgen in Hamburg, und brauche ich einen Regenschirm?";

/// A house that writes and tells soon.
async fn house(cores: usize) -> anyhow::Result<House> {
    House::with(|options| {
        options.cores = cores;
        let soon = toml::toml! { write_ms = 200 stream_ms = 300 };
        options.core_overrides.insert("analytics".into(), soon.into());
        let limits = toml::toml! {
            [costly_per_minute]
            standard = 10_000
            [analytics_per_minute]
            standard = 10_000
        };
        options.core_overrides.insert("limits".into(), limits.into());
    })
    .await
}

/// Asks for a page until it holds.
async fn until(api: &Api, page: &str, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    let waiting = async {
        loop {
            last = api.ask(page, &[], None).await?;
            if holds(&last) {
                return anyhow::Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = timeout(PATIENCE, waiting).await;
    waited.with_context(|| format!("in vain: {last}"))??;
    Ok(last)
}

async fn weather(house: &House) -> anyhow::Result<FakeAgent> {
    let says = Manner::Says("It will rain.".into());
    let agent = FakeAgent::start("weather", &["will it rain tomorrow"], says).await?;
    house.register("weather", &agent).await?;
    Ok(agent)
}

#[tokio::test]
async fn what_people_asked_and_thought_is_told_by_every_core_and_to_their_tenant_alone() -> anyhow::Result<()>
{
    let house = house(2).await?;
    let _weather = weather(&house).await?;
    let (mut ann, mut bob) = (house.person("ann").await?, house.person("bob").await?);
    for person in [&mut ann, &mut bob] {
        let room = person.room(&[]).await?;
        person.join(room, Some(0)).await?;
        for _ in 0..2 {
            person.ask(room, GERMAN).await?;
        }
        thumb(person, room, json!({"value": "down", "agents": ["weather"]})).await?;
    }
    let ada = Api::new(&house, "ada", &["admin"])?;
    // Each core writes what it counted in its own time.
    let expected = [
        ("calls", 4),
        ("messages", 4),
        ("users", 2),
        ("answers", 4),
        ("without_llm", 4),
        ("thumbs_down", 2),
        ("failed", 0),
    ];
    let shown = until(&ada, "getProductAnalytics", |page| {
        expected.iter().all(|(name, count)| page["totals"][*name] == *count)
    })
    .await?;
    let totals = &shown["totals"];
    assert_eq!(shown["agents"], json!([{"agent": "weather", "calls": 4, "calls_failed": 0, "share": 1.0}]));
    assert_eq!(shown["languages"], json!([{"language": "de", "messages": 4}]), "{shown}");
    assert_eq!(shown["corrected"][0]["right"], json!(["weather"]), "{shown}");
    assert_eq!(totals.get("cost"), None, "no price is configured");
    let sum = |name: &str| -> i64 {
        shown["points"].as_array().into_iter().flatten().filter_map(|point| point[name].as_i64()).sum()
    };
    assert_eq!((sum("messages"), sum("answers")), (4, 4));
    // Requests go to the cores in turn.
    for _ in 0..6 {
        let again = ada.ask("getProductAnalytics", &[], None).await?;
        assert_eq!(again["totals"], *totals);
    }
    let hours = ada.send("getProductAnalytics", &[], "?step=hour", None).await?;
    let hours = ada.described("getProductAnalytics", hours, StatusCode::OK).await?;
    assert_eq!((&hours["totals"]["messages"], &hours["totals"]["users"]), (&json!(4), &json!(2)), "{hours}");

    let token = house.token("ada", &["admin"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let other = ada.with_token(token);
    let nothing = other.ask("getProductAnalytics", &[], None).await?;
    assert_eq!((&nothing["totals"]["messages"], &nothing["agents"]), (&json!(0), &json!([])), "{nothing}");
    let refused = Api::new(&house, "ann", &["user", "agent-admin"])?;
    for (id, query) in [("getProductAnalytics", ""), ("streamAnalytics", "?page=product")] {
        let answer = refused.send(id, &[], query, None).await?;
        refused.described(id, answer, StatusCode::FORBIDDEN).await?;
    }
    house.stop().await
}

/// What somebody thinks of the last answer in a room.
async fn thumb(person: &Person, room: impl std::fmt::Display, thought: Value) -> anyhow::Result<()> {
    let page: Value = person.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let turn = page["items"].as_array().and_then(|items| items.last()).and_then(|last| last["turn"].as_str());
    let turn = turn.context("a turn")?;
    person.http.post::<Value>(&format!("/v1/turns/{turn}/feedback"), &thought).await?;
    Ok(())
}

#[tokio::test]
async fn the_stream_of_figures_moves_as_things_happen() -> anyhow::Result<()> {
    let house = house(1).await?;
    let _weather = weather(&house).await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    let stream = ada.send("streamAnalytics", &[], "?page=product&step=hour", None).await?;
    ensure!(stream.headers()["content-type"] == "text/event-stream", "{stream:?}");
    let mut events = stream.bytes_stream().eventsource();
    let first = timeout(PATIENCE, events.next()).await?.context("it goes on")??;
    assert_eq!(first.event, "product");
    assert_eq!(serde_json::from_str::<Value>(&first.data)?["totals"]["messages"], 0, "{first:?}");
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain?").await?;
    let moved = async {
        while let Some(event) = events.next().await {
            let page: Value = serde_json::from_str(&event?.data)?;
            if page["totals"]["answers"] == 1 {
                return anyhow::Ok(page);
            }
        }
        anyhow::bail!("the stream ended")
    };
    let page = timeout(PATIENCE, moved).await.context("the answer is never told")??;
    assert_eq!((&page["step"], &page["totals"]["users"]), (&json!("hour"), &json!(1)), "{page}");
    house.stop().await
}

#[tokio::test]
async fn what_a_core_has_counted_is_written_before_it_ends() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let late = toml::toml! { write_ms = 3_600_000 };
        options.core_overrides.insert("analytics".into(), late.into());
    })
    .await?;
    let _weather = weather(&house).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain?").await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    assert_eq!(ada.ask("getProductAnalytics", &[], None).await?["totals"]["messages"], 0);
    let house = house.start_again().await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    let shown = ada.ask("getProductAnalytics", &[], None).await?;
    assert_eq!(
        (&shown["totals"]["messages"], &shown["totals"]["answers"]),
        (&json!(1), &json!(1)),
        "{shown}"
    );
    house.stop().await
}

#[tokio::test]
async fn who_runs_the_house_sees_all_its_parts_and_another_tenant_its_own_figures_alone() -> anyhow::Result<()>
{
    let house = house(2).await?;
    let _weather = weather(&house).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain?").await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    let shown = until(&ada, "getRunningAnalytics", |page| {
        let parts = |kind: &str| page["house"][kind].as_array().map_or(0, Vec::len);
        let sockets = page["house"]["edges"][0]["sockets"].as_u64();
        // A core's first word comes before it is connected.
        let redis = &page["house"]["cores"][0]["redis"][0]["role"];
        parts("cores") == 2
            && parts("edges") == 1
            && sockets == Some(1)
            && page["totals"]["turns"] == 1
            && *redis == "primary"
    })
    .await?;
    let core = &shown["house"]["cores"][0];
    assert_eq!(core["postgres"], json!([{"host": "host0", "role": "writer"}]), "{shown}");
    assert_eq!((&shown["whose"], &shown["totals"]["budget_left"]), (&json!("house"), &json!(1.0)), "{shown}");
    let own = shown["latency"].as_array().into_iter().flatten().find(|one| one["kind"] == "own");
    let own = own.context("own time is told")?;
    ensure!(own["count"] == 1 && own["p95_ms"].is_number(), "{shown}");
    let drill = json!({"name": "core-kill", "passed": true, "summary": "no event lost"});
    ada.ask("reportDrill", &[], Some(drill.clone())).await?;
    let capacity = until(&ada, "getCapacityAnalytics", |page| {
        page["tiers"][0]["peak"] == 1.0 && page["totals"]["messages"] == 1
    })
    .await?;
    let edge = &capacity["tiers"][0];
    assert_eq!(
        (&edge["unit"], &edge["basis"], &edge["used"]),
        (&json!("sockets"), &json!("bound"), &json!(1.0))
    );
    let again = ada.ask("getRunningAnalytics", &[], None).await?;
    assert_eq!(again["house"]["drill"]["summary"], "no event lost", "{again}");

    let token = house.token("ada", &["admin"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let other = ada.with_token(token);
    let own = other.ask("getRunningAnalytics", &[], None).await?;
    assert_eq!((&own["whose"], &own["totals"]["turns"]), (&json!("tenant"), &json!(0)), "{own}");
    ensure!(own.get("house").is_none(), "{own}");
    let own = other.ask("getCapacityAnalytics", &[], None).await?;
    assert_eq!((&own["tiers"], &own["totals"]["messages"]), (&json!([]), &json!(0)), "{own}");
    let refused = other.send("reportDrill", &[], "", Some(drill)).await?;
    other.described("reportDrill", refused, StatusCode::FORBIDDEN).await?;
    house.stop().await
}

#[tokio::test]
async fn what_an_edge_refuses_by_itself_is_told_and_its_errors_spend_the_budget() -> anyhow::Result<()> {
    let house = house(1).await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    let nobody = Api::new(&house, "ada", &[])?.with_token("nobody's".into());
    let refused = nobody.send("listAgents", &[], "", None).await?;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let core = &house.topology().cores()[0];
    core.kill9().await;
    let refused = ada.send("listAgents", &[], "", None).await?;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    core.restart().await?;
    timeout(PATIENCE, async {
        while !ada.send("listAgents", &[], "", None).await?.status().is_success() {
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    })
    .await??;
    let shown = until(&ada, "getRunningAnalytics", |page| {
        let told = |name: &str| page["totals"][name].as_u64() >= Some(1);
        told("edge_refused") && told("edge_errors")
    })
    .await?;
    ensure!(shown["totals"]["budget_left"].as_f64() < Some(0.0), "{shown}");
    ensure!(shown["house"]["edges"][0]["edge_errors"].as_u64() >= Some(1), "{shown}");
    let token = house.token("ada", &["admin"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let own = ada.with_token(token).ask("getRunningAnalytics", &[], None).await?;
    assert_eq!((&own["totals"]["edge_refused"], &own["totals"]["edge_errors"]), (&json!(0), &json!(0)));
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_fails_is_told_as_not_asked_by_every_core() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let agents =
            toml::toml! { allow_private_addresses = true breaker_failures = 1 breaker_open_ms = 600_000 };
        options.core_overrides.insert("agents".into(), agents.into());
        options.core_overrides.insert("analytics".into(), toml::toml! { write_ms = 200 }.into());
        let limits = toml::toml! { costly_per_minute = { standard = 10_000 } analytics_per_minute = { standard = 10_000 } };
        options.core_overrides.insert("limits".into(), limits.into());
    })
    .await?;
    let weather = weather(&house).await?;
    weather.set(Manner::Status(500));
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain?").await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    let shown = until(&ada, "getRunningAnalytics", |page| page["breakers"] != json!([])).await?;
    assert_eq!(shown["breakers"], json!([{"agent": "weather", "breaker": "open"}]), "{shown}");
    until(&ada, "getProductAnalytics", |page| page["agents"][0]["calls_failed"] == 1).await?;
    house.stop().await
}

#[tokio::test]
async fn what_each_model_took_is_told_with_its_own_price() -> anyhow::Result<()> {
    let answer = "It will rain [weather], and Acme is up [stocks].".to_owned();
    let agents = vec!["weather".to_owned(), "stocks".to_owned()];
    let (large, small) =
        (FakeLlm::start(Mood::Erring(500)).await?, FakeLlm::start(Mood::Good { agents, answer }).await?);
    let house = House::with(|options| {
        let model = |llm: &FakeLlm, model: &str| Llm { model: model.into(), ..endpoint(&llm.url()) };
        options.llm = vec![model(&large, "large"), model(&small, "small")];
        let analytics = toml::toml! {
            write_ms = 200
            [price]
            currency = "EUR"
            [[price.models]]
            model = "small"
            input_per_million = 2
            output_per_million = 10
        };
        options.core_overrides.insert("analytics".into(), analytics.into());
        let limits = toml::toml! { analytics_per_minute = { standard = 10_000 } };
        options.core_overrides.insert("limits".into(), limits.into());
    })
    .await?;
    let _weather = weather(&house).await?;
    let stocks = FakeAgent::start("stocks", &["my share prices"], Manner::Says("Acme is up.".into())).await?;
    house.register("stocks", &stocks).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "zzyzx quux frobnicate the blorp?").await?;
    let ada = Api::new(&house, "ada", &["admin"])?;
    let shown = until(&ada, "getProductAnalytics", |page| page["totals"]["output_tokens"] == 12).await?;
    // To choose 11 and 7, to write 23 and 5, by the one that answers.
    let small = json!({"model": "small", "input_tokens": 34, "output_tokens": 12, "cost": 0.000_188});
    assert_eq!(shown["models"], json!([small]), "{shown}");
    let cost = json!({"currency": "EUR", "cost_of_all": 0.000_188, "cost_per_answer": 0.000_188, "unpriced_tokens": 0});
    assert_eq!(shown["totals"]["cost"], cost, "{shown}");
    house.stop().await
}
