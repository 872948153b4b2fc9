//! Metrics with the names that dashboards ask for, and one trace from edge to agent.

use axum::{Router, body::Bytes, extract::State, routing::post};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::task::TaskTracker;

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];

#[tokio::test]
async fn both_tiers_serve_metrics_with_the_seeds_names() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@weather will it rain?").await?;
    let node = house.topology();
    for (tier, admin) in [("edge", node.edges()[0].admin()), ("core", node.cores()[0].admin())] {
        let metrics = reqwest::get(admin.join("/metrics")?).await?.text().await?;
        for name in ["chat_requests_total", "chat_response_time_seconds_count", "active_conversations"] {
            let line = metrics.lines().find(|line| line.starts_with(name));
            let value =
                line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse::<f64>().ok());
            assert!(value.is_some_and(|value| value >= 1.0), "{tier} {name}: {line:?}");
        }
        for path in ["/healthz", "/readyz"] {
            assert_eq!(reqwest::get(admin.join(path)?).await?.status(), 200, "{tier} {path}");
        }
    }
    let metrics = reqwest::get(node.cores()[0].admin().join("/metrics")?).await?.text().await?;
    for line in [
        "switchboard_core_agent_calls_total{state=\"completed\"} 1",
        "switchboard_core_turns_total{state=\"completed\"} 1",
        "switchboard_core_route_decisions_total{mode=\"direct\",stage=\"rule\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    house.stop().await
}

#[tokio::test]
async fn one_trace_crosses_edge_core_and_agent() -> anyhow::Result<()> {
    let (collector, exported) = collector().await?;
    let house = House::with(|options| options.otlp = collector.parse().ok()).await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let question = "@weather will it rain, in confidence?";
    ann.ask(room, question).await?;
    let (headers, _) = agent.asked().pop().expect("it was asked");
    let traceparent = headers["traceparent"].to_str()?.to_owned();
    let trace: Vec<u8> = (0..16)
        .map(|i| u8::from_str_radix(&traceparent[3 + 2 * i..5 + 2 * i], 16))
        .collect::<Result<_, _>>()?;

    let holds = |body: &[u8], what: &[u8]| body.windows(what.len()).any(|window| window == what);
    let seen = async {
        loop {
            let bodies = exported.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let of = |service: &str, span: &str| {
                bodies
                    .iter()
                    .any(|b| holds(b, service.as_bytes()) && holds(b, &trace) && holds(b, span.as_bytes()))
            };
            if of("switchboard-edge", "switchboard-edge") && of("switchboard-core", "route_to_agent") {
                return bodies;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let bodies = timeout(Duration::from_secs(30), seen).await?;
    for name in ["agent.id", "prompt.length", "gen_ai.operation.name", "gen_ai.agent.id"] {
        assert!(bodies.iter().any(|body| holds(body, name.as_bytes())), "{name}");
    }
    assert!(bodies.iter().all(|body| !holds(body, question.as_bytes())), "no prompt in a trace");
    house.stop().await
}

type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

/// An OTLP collector that keeps what it gets.
async fn collector() -> anyhow::Result<(String, Bodies)> {
    let bodies = Bodies::default();
    let take = async |State(bodies): State<Bodies>, body: Bytes| {
        bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_vec());
    };
    let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&bodies));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/traces", listener.local_addr()?);
    TaskTracker::new().spawn(async move { drop(axum::serve(listener, routes).await) });
    Ok((url, bodies))
}
