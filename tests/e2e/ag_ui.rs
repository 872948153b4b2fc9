//! AG-UI: its own client against a house, unchanged.

use super::limits::raw;
use anyhow::Context;
use serde_json::{Value, json};
use std::process::Stdio;
use switchboard_tests::{FakeAgent, House, Manner, guest::node, person::PATIENCE};
use tokio::time::timeout;

#[tokio::test]
async fn the_client_of_ag_ui_reads_a_run_unchanged() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather =
        FakeAgent::start("weather", &["will it rain"], Manner::Says("It will rain.".into())).await?;
    let broken = FakeAgent::start("broken", &["what is broken"], Manner::Status(500)).await?;
    house.register("weather", &weather).await?;
    house.register("broken", &broken).await?;
    let url = format!("{}v1/ag-ui", house.topology().url());
    let token = house.topology().token("ann", &["user"])?;
    let run = async |question: &str| {
        let mut program = node("ag_ui.mjs");
        program.args([url.as_str(), token.as_str(), "thread-1", question]).stdout(Stdio::piped());
        program.stderr(Stdio::piped()).env("NODE_EXTRA_CA_CERTS", house.topology().ca());
        let output = timeout(PATIENCE, program.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice::<Value>(&output.stdout).context(said)
    };
    let seen = run("hey @weather and @broken, will it rain?").await?;
    let events = seen["events"].as_array().cloned().unwrap_or_default();
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!((&seen["error"], &seen["warnings"]), (&Value::Null, &json!([])), "{seen}");
    assert_eq!((of("RUN_STARTED").len(), of("RUN_FINISHED").len()), (1, 1), "{seen}");
    let mut asked: Vec<_> = of("SUBAGENT_STARTED").iter().map(|event| event["name"].clone()).collect();
    asked.sort_by_key(Value::to_string);
    assert_eq!(asked, ["broken", "weather"]);
    assert_eq!((of("SUBAGENT_FINISHED").len(), of("SUBAGENT_ERROR").len()), (1, 1), "{seen}");
    let steps: Vec<_> = of("STEP_STARTED").iter().map(|event| event["stepName"].clone()).collect();
    assert_eq!((steps, of("STEP_FINISHED").len()), (vec![json!("plan"), json!("ask"), json!("answer")], 3));
    let customs: Vec<_> = of("CUSTOM").iter().map(|event| event["name"].clone()).collect();
    assert!(
        customs.contains(&json!("routing.decision")) && customs.contains(&json!("answer.claims")),
        "{seen}"
    );
    let answer = seen["messages"][1]["content"].as_str().unwrap_or_default().to_owned();
    assert!(answer.contains("It will rain."), "{seen}");

    let result = &of("RUN_FINISHED")[0]["result"];
    let again = run("thanks").await?;
    let last = again["events"].as_array().and_then(|events| events.last()).cloned().unwrap_or_default();
    assert_eq!(last["result"]["conversation"], result["conversation"], "{again}");

    let refused = raw(&house)?
        .post(&url)
        .bearer_auth(&token)
        .json(&json!({"threadId": "t", "runId": "r", "messages": []}));
    let refused = refused.send().await?;
    assert_eq!(
        (refused.status().as_u16(), refused.json::<Value>().await?["code"].clone()),
        (400, json!("bad_request"))
    );
    house.stop().await
}
