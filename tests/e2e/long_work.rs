//! Work that takes longer than a turn waits for it: the turn is answered without it, and what it comes to is said later.

use crate::a2a::{Wire, state};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use switchboard::topology::Options;
use switchboard_shared::{
    events::{CallState, TurnState},
    ids::ConversationId,
};
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood, Person, house::endpoint, person::Heard};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const RESULT: &str = "The report has 42 pages.";

/// So many cores that wait a second for an agent, and one that is not done by then.
async fn house(cores: usize, work_ms: u64) -> anyhow::Result<(House, FakeAgent)> {
    house_with(work_ms, |options| options.cores = cores).await
}

async fn house_with(work_ms: u64, change: impl FnOnce(&mut Options)) -> anyhow::Result<(House, FakeAgent)> {
    let house = House::with(|options| {
        change(options);
        let text = format!("[agents]\ncall_ms = 1000\n[open_calls]\nwork_ms = {work_ms}\n");
        let short = text.parse::<toml::Table>().expect("it is written here");
        switchboard::topology::config::overlay(&mut options.core_overrides, &short);
    })
    .await?;
    let agent = FakeAgent::start("report", &["write a report"], Manner::Works(None)).await?;
    house.register("report", &agent).await?;
    Ok((house, agent))
}

async fn in_a_room(house: &House) -> anyhow::Result<(Person, ConversationId)> {
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    Ok((ann, room))
}

fn done() -> Manner {
    Manner::Works(Some(RESULT.into()))
}

/// A notice may come first, which is of no turn.
fn turn(heard: &Heard) -> String {
    heard.frames.iter().find_map(|frame| frame["turn"].as_str()).unwrap_or_default().to_owned()
}

/// How often an agent was asked to do something.
fn count(agent: &FakeAgent, method: &str) -> usize {
    agent.asked().iter().filter(|(_, asked)| asked["method"] == method).count()
}

async fn until(holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    Ok(timeout(PATIENCE, waiting).await?)
}

/// What was said in a room later than the answers.
async fn said_later(ann: &Person, room: ConversationId) -> anyhow::Result<Vec<Value>> {
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let items = page["items"].as_array().cloned().unwrap_or_default();
    Ok(items.into_iter().filter(|message| message["agent"].is_string()).collect())
}

#[tokio::test]
async fn work_that_takes_long_goes_on_and_its_result_is_a_message_of_its_own() -> anyhow::Result<()> {
    let (house, report) = house(1, 60_000).await?;
    let weather = FakeAgent::start("weather", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("weather", &weather).await?;
    let (mut ann, room) = in_a_room(&house).await?;
    let first = ann.ask(room, "@report @weather go").await?;
    assert_eq!(first.data("turn.finished")["state"], "working");
    assert!(first.answer().contains("Sunny."), "{}", first.answer());
    assert!(first.answer().contains("report is still working"), "{}", first.answer());
    let turn = turn(&first);
    let view = ann.turn_over(&turn).await?;
    assert_eq!(view.state, TurnState::Working);
    assert!(view.calls.iter().any(|call| call.state == CallState::Working), "{view:?}");

    report.set(done());
    let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
    let names: Vec<_> = frames.iter().filter_map(|frame| frame["type"].as_str()).collect();
    assert_eq!(names, ["call.finished", "message.created", "answer.finished", "turn.finished"]);
    let data = |at: usize| &frames[at]["data"];
    assert_eq!((&data(1)["agent"], &data(1)["text"]), (&json!("report"), &json!(RESULT)));
    assert_eq!(data(2)["sources"][0]["agent"], "report");
    assert_eq!(data(3)["state"], "completed");
    let view = ann.turn_over(&turn).await?;
    assert!(view.calls.iter().all(|call| call.state == CallState::Completed), "{view:?}");
    assert_eq!((count(&report, "SendStreamingMessage"), count(&report, "CancelTask")), (1, 0));
    house.stop().await
}

#[tokio::test]
async fn what_comes_while_its_turn_is_still_answered_is_said_after_that_and_ends_it() -> anyhow::Result<()> {
    let llm =
        FakeLlm::start(Mood::Slow(Duration::from_secs(4), "Sunny [weather], seven [sums].".into())).await?;
    let (house, report) = house_with(60_000, |options| options.llm = vec![endpoint(&llm.url())]).await?;
    let mut others = Vec::new();
    for (id, says) in [("weather", "Sunny."), ("sums", "Seven.")] {
        let agent = FakeAgent::start(id, &[&format!("ask {id}")], Manner::Says(says.into())).await?;
        house.register(id, &agent).await?;
        others.push(agent);
    }
    let (mut ann, room) = in_a_room(&house).await?;
    ann.say(room, "@report @weather @sums go").await?;
    let works = |frame: &Value| frame["type"] == "call.finished" && frame["data"]["state"] == "working";
    ann.until(works).await?;
    report.set(done());
    let ends = ["answer.finished", "turn.finished"];
    let mut told = Vec::new();
    for _ in 0..2 {
        let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
        let of = |frame: &Value| [frame["data"]["text"].clone(), frame["data"]["state"].clone()];
        told.extend(frames.iter().filter(|it| ends.iter().any(|end| it["type"] == *end)).map(of));
    }
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0][0].as_str().is_some_and(|answer| answer.contains("Sunny")), "{told:?}");
    assert_eq!(
        (&told[1][1], &told[2][0], &told[3][1]),
        (&json!("working"), &json!(RESULT), &json!("completed"))
    );
    house.stop().await
}

#[tokio::test]
async fn the_result_of_long_work_is_said_once_whichever_core_dies() -> anyhow::Result<()> {
    let (house, report) = house(2, 60_000).await?;
    let (mut ann, room) = in_a_room(&house).await?;
    let first = ann.ask(room, "@report go").await?;
    assert_eq!(first.data("turn.finished")["state"], "working", "{}", first.answer());
    let looks = count(&report, "GetTask");
    until(|| count(&report, "GetTask") > looks).await?;
    house.topology().cores()[0].kill9().await;
    report.set(done());
    let turn = turn(&first);
    let over = async {
        while ann.turn_over(&turn).await?.state == TurnState::Working {
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    // A look that died with its core is made again when its lease is over.
    timeout(Duration::from_secs(45), over).await??;
    let later = said_later(&ann, room).await?;
    assert_eq!((later.len(), &later[0]["text"]), (1, &json!(RESULT)), "{later:?}");
    assert_eq!(count(&report, "SendStreamingMessage"), 1);
    house.stop().await
}

#[tokio::test]
async fn long_work_is_stopped_with_its_turn_and_at_its_bound() -> anyhow::Result<()> {
    let (house, report) = house(1, 3_000).await?;
    let (mut ann, room) = in_a_room(&house).await?;
    let canceled = ann.ask(room, "@report go").await?;
    ann.send(&json!({"type": "cancel", "turn": turn(&canceled)})).await?;
    until(|| count(&report, "CancelTask") == 1).await?;
    let view = ann.turn_over(&turn(&canceled)).await?;
    assert_eq!((view.state, view.calls[0].state), (TurnState::Canceled, CallState::Canceled));

    let late = ann.ask(room, "@report again").await?;
    assert_eq!(late.data("turn.finished")["state"], "working");
    let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
    let end = &frames.last().unwrap()["data"];
    assert_eq!(
        (&end["state"], &end["error"]),
        (&json!("failed"), &json!("report did not answer in time.")),
        "{end}"
    );
    until(|| count(&report, "CancelTask") == 2).await?;
    let later = said_later(&ann, room).await?;
    assert_eq!(later.len(), 1, "of what was canceled nothing is said: {later:?}");
    house.stop().await
}

#[tokio::test]
async fn a_task_of_a2a_works_until_its_agent_is_done_and_whoever_follows_it_sees_that() -> anyhow::Result<()>
{
    let (house, report) = house(2, 60_000).await?;
    let client = Wire::of(&house, "ann")?;
    let task = client.send("m1", "@report go", json!({})).await?;
    assert_eq!(state(&task), "WORKING", "{task}");
    let listed = client.call("ListTasks", json!({"status": "TASK_STATE_WORKING"})).await?;
    assert_eq!((&listed["totalSize"], &listed["tasks"][0]["id"]), (&json!(1), &task["id"]), "{listed}");
    let mut events = client.stream("SubscribeToTask", json!({"id": task["id"]})).await?;
    let begins = timeout(PATIENCE, events.next()).await?.unwrap_or_default();
    assert_eq!(state(&begins["task"]), "WORKING", "{begins}");
    report.set(done());
    let (mut result, mut last) = (Value::Null, Value::Null);
    while let Some(event) = timeout(PATIENCE, events.next()).await? {
        if let Some(update) = event.get("artifactUpdate") {
            result = update["artifact"]["parts"][0]["text"].clone();
        }
        last = event;
    }
    assert_eq!((result, state(&last["statusUpdate"])), (json!(RESULT), "COMPLETED"), "{last}");
    let got = client.call("GetTask", json!({"id": task["id"]})).await?;
    let artifacts = got["artifacts"].as_array().cloned().unwrap_or_default();
    assert_eq!((state(&got), artifacts.len()), ("COMPLETED", 1), "{got}");
    assert_eq!(artifacts[0]["parts"][0]["text"], RESULT);
    let again = client.send("m1", "@report go", json!({})).await?;
    assert_eq!(
        (&again["id"], state(&again)),
        (&task["id"], "COMPLETED"),
        "the same message is the same task"
    );
    assert_eq!(count(&report, "SendStreamingMessage"), 1);

    report.set(Manner::Works(None));
    let other = client.send("m2", "@report go", json!({})).await?;
    assert_eq!(state(&other), "WORKING");
    let canceled = client.call("CancelTask", json!({"id": other["id"]})).await?;
    assert_eq!(state(&canceled), "CANCELED", "{canceled}");
    until(|| count(&report, "CancelTask") == 1).await?;
    house.stop().await
}

#[tokio::test]
async fn a_task_of_a2a_asks_on_until_each_of_its_agents_is_answered() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut agents = Vec::new();
    for (id, question) in [("hotel", "Which hotel?"), ("train", "Which train?")] {
        let manner = Manner::AsksBack(question.into());
        let agent = FakeAgent::start(id, &[&format!("book a {id}")], manner).await?;
        house.register(id, &agent).await?;
        agents.push(agent);
    }
    let client = Wire::of(&house, "ann")?;
    let task = client.send("m1", "@hotel @train to Rome", json!({})).await?;
    assert_eq!(state(&task), "INPUT_REQUIRED");
    let of_task = json!({"taskId": task["id"]});
    let first = client.send("m2", "@train at nine", of_task.clone()).await?;
    assert_eq!(state(&first), "INPUT_REQUIRED", "{first}");
    assert_eq!(first["status"]["message"]["parts"][0]["text"], "Which hotel?", "{first}");
    let got = client.call("GetTask", json!({"id": task["id"]})).await?;
    assert_eq!(got["status"]["message"]["parts"][0]["text"], "Which hotel?", "{got}");
    let second = client.send("m3", "the Grand", of_task).await?;
    assert_eq!(state(&second), "COMPLETED", "{second}");
    let asked: Vec<_> = agents.iter().map(|agent| agent.asked().len()).collect();
    assert_eq!(asked, [2, 2]);
    house.stop().await
}
