//! AG-UI: its own client against a house, unchanged.

use super::limits::raw;
use anyhow::Context;
use serde_json::{Value, json};
use std::process::Stdio;
use switchboard_tests::{FakeAgent, House, Manner, guest::node, person::PATIENCE};
use tokio::time::timeout;

/// What its client makes of a run, and of the run that goes on from it where there is an answer.
async fn client(house: &House, arguments: &[&str]) -> anyhow::Result<Value> {
    let url = format!("{}v1/ag-ui", house.topology().url());
    let mut program = node("ag_ui.mjs");
    program.arg(url).arg(house.topology().token("ann", &["user"])?).args(arguments);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    program.env("NODE_EXTRA_CA_CERTS", house.topology().ca());
    let output = timeout(PATIENCE, program.output()).await??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).context(said)
}

async fn post(house: &House, input: &Value) -> anyhow::Result<reqwest::Response> {
    let url = house.topology().url().join("/v1/ag-ui")?;
    let token = house.topology().token("ann", &["user"])?;
    Ok(raw(house)?.post(url).bearer_auth(token).json(input).send().await?)
}

/// How a run ended.
fn end(run: &Value) -> &Value {
    run["events"].as_array().and_then(|events| events.last()).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn the_client_of_ag_ui_reads_a_run_unchanged() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather =
        FakeAgent::start("weather", &["will it rain"], Manner::Says("It will rain.".into())).await?;
    let broken = FakeAgent::start("broken", &["what is broken"], Manner::Status(500)).await?;
    house.register("weather", &weather).await?;
    house.register("broken", &broken).await?;
    let run = async |question: &str| client(&house, &["thread-1", question]).await;
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

    let refused = post(&house, &json!({"threadId": "t", "runId": "r", "messages": []})).await?;
    assert_eq!(
        (refused.status().as_u16(), refused.json::<Value>().await?["code"].clone()),
        (400, json!("bad_request"))
    );
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_asks_back_interrupts_the_run_and_its_answer_resumes_it() -> anyhow::Result<()> {
    let house = House::start().await?;
    let booker =
        FakeAgent::start("booker", &["book a room"], Manner::AsksBack("For which day?".into())).await?;
    house.register("booker", &booker).await?;
    let seen = client(&house, &["thread-1", "@booker book a room", "Tuesday"]).await?;
    assert_eq!((&seen["error"], &seen["warnings"]), (&Value::Null, &json!([])), "{seen}");
    let (first, asks) = (end(&seen), &seen["asks"]);
    assert_eq!(first["outcome"]["type"], "interrupt", "{seen}");
    assert_eq!(
        (&asks[0]["message"], &asks[0]["reason"]),
        (&json!("For which day?"), &json!("input_required"))
    );
    assert_eq!(
        (end(&seen["then"])["outcome"]["type"].as_str(), &seen["then"]["asks"]),
        (Some("success"), &json!([]))
    );
    assert_eq!(seen["said"][2], json!(["assistant", "thank you, Tuesday"]), "{seen}");
    assert_eq!(end(&seen["again"])["result"]["turn"], end(&seen["then"])["result"]["turn"], "{seen}");
    assert_eq!(booker.asked().len(), 2, "what is sent again is asked once");

    let given_up = client(&house, &["thread-2", "@booker book a room", ""]).await?;
    assert_eq!(end(&given_up["then"])["outcome"]["type"], "cancelled", "{given_up}");
    let next = client(&house, &["thread-2", "hello"]).await?;
    let questions = booker.asked().iter().filter(|(_, asked)| asked["method"] != "CancelTask").count();
    assert_eq!(questions, 3, "nobody waits for what is said then: {next}");

    let closed = asks[0]["id"].as_str().unwrap_or_default().to_owned();
    for (name, resume) in [
        ("another thread's", json!([{"interruptId": closed, "status": "resolved", "payload": "x"}])),
        ("unknown", json!([{"interruptId": "x", "status": "resolved", "payload": "x"}])),
        (
            "two",
            json!([{"interruptId": "x", "status": "cancelled"}, {"interruptId": "y", "status": "cancelled"}]),
        ),
    ] {
        let input = json!({"threadId": "thread-2", "runId": name, "messages": [], "resume": resume});
        let told = post(&house, &input).await?.text().await?;
        assert!(told.contains("RUN_STARTED") && told.contains("RUN_ERROR"), "{name}: {told}");
    }
    house.stop().await
}
