//! Agents that wait for their users: each is remembered until it is answered, canceled, or waited for too long.

use crate::a2a::{Wire, state};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_shared::events::TurnState;
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

async fn asks(house: &House, id: &str, question: &str) -> anyhow::Result<FakeAgent> {
    let agent = FakeAgent::start(id, &[&format!("book a {id}")], Manner::AsksBack(question.into())).await?;
    house.register(id, &agent).await?;
    Ok(agent)
}

/// How often an agent was told that nobody goes on with its work.
fn cancels(agent: &FakeAgent) -> usize {
    agent.asked().iter().filter(|(_, asked)| asked["method"] == "CancelTask").count()
}

async fn until_canceled(agent: &FakeAgent, times: usize) -> anyhow::Result<()> {
    let canceled = async {
        while cancels(agent) < times {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, canceled).await?;
    Ok(())
}

#[tokio::test]
async fn of_two_that_wait_each_gets_its_own_reply_and_it_is_asked_where_that_is_not_clear()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let hotel = asks(&house, "hotel", "Which hotel?").await?;
    let train = asks(&house, "train", "Which train?").await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let both = ann.ask(room, "@hotel @train to Rome").await?;
    assert_eq!(both.data("turn.finished")["state"], "input_required");
    assert_eq!(both.all("turn.input_required").len(), 2, "{}", both.answer());

    let unclear = ann.ask(room, "at nine").await?;
    assert_eq!(unclear.data("plan.decided")["mode"], "clarify", "{}", unclear.answer());
    let choices = unclear.data("plan.decided")["choices"].to_string();
    assert!(choices.contains("train") && choices.contains("hotel"), "{choices}");
    assert_eq!((hotel.asked().len(), train.asked().len()), (1, 1), "nobody was told on a guess");
    let chosen = ann.ask(room, "@train").await?;
    assert_eq!(chosen.answer(), "thank you, at nine");
    let rest = ann.ask(room, "the Grand").await?;
    assert_eq!(rest.answer(), "thank you, the Grand", "only one waits now");
    for agent in [&hotel, &train] {
        assert_eq!((agent.asked().len(), cancels(agent)), (2, 0));
        assert_eq!(agent.asked()[1].1["params"]["message"]["taskId"], "task-1");
    }
    house.stop().await
}

#[tokio::test]
async fn whoever_is_addressed_in_between_drops_nobody_who_waits() -> anyhow::Result<()> {
    let house = House::start().await?;
    let hotel = asks(&house, "hotel", "Which hotel?").await?;
    let weather = FakeAgent::start("weather", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("weather", &weather).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@hotel a room").await?;
    assert_eq!(ann.ask(room, "@weather will it rain?").await?.answer(), "Sunny.");
    // An answer that does not reach its agent is none.
    hotel.set(Manner::Status(503));
    let house = house.start_again().await?;
    hotel.set(Manner::AsksBack("Which hotel?".into()));
    let ann = house.person("ann").await?;
    let said = json!({"text": "the Grand"});
    let accepted: Value = ann.http.post(&format!("/v1/conversations/{room}/messages"), &said).await?;
    let turn = ann.turn_over(accepted["turn"].as_str().unwrap_or_default()).await?;
    assert_eq!(turn.answer.as_deref(), Some("thank you, the Grand"));
    assert_eq!(cancels(&hotel), 0);
    house.stop().await
}

#[tokio::test]
async fn work_that_nobody_goes_on_with_is_canceled_at_its_agent_whoever_gives_it_up() -> anyhow::Result<()> {
    let house = House::start().await?;
    let hotel = asks(&house, "hotel", "Which hotel?").await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let waits = ann.ask(room, "@hotel a room").await?;
    let turn = waits.frames[0]["turn"].as_str().unwrap_or_default().to_owned();
    ann.send(&json!({"type": "cancel", "turn": turn})).await?;
    until_canceled(&hotel, 1).await?;
    assert_eq!(ann.turn_over(&turn).await?.state, TurnState::Canceled);

    let client = Wire::of(&house, "ann")?;
    let task = client.send("m1", "@hotel a room", json!({})).await?;
    assert_eq!(state(&client.call("CancelTask", json!({"id": task["id"]})).await?), "CANCELED");
    until_canceled(&hotel, 2).await?;

    // It is away when it is to be told, and its core is started again meanwhile.
    ann.ask(room, "@hotel another room").await?;
    hotel.set(Manner::Status(503));
    ann.http.delete(&format!("/v1/conversations/{room}")).await?;
    until_canceled(&hotel, 3).await?;
    let house = house.start_again().await?;
    hotel.set(Manner::AsksBack("Which hotel?".into()));
    until_canceled(&hotel, 4).await?;
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_nobody_answers_in_time_is_given_up_and_told() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let short = toml::toml! {
            [open_calls]
            wait_ms = 1000
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &short);
    })
    .await?;
    let hotel = asks(&house, "hotel", "Which hotel?").await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@hotel a room").await?;
    let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
    let end = &frames.last().unwrap()["data"];
    assert_eq!(
        (&end["state"], &end["error"]),
        (&json!("canceled"), &json!("hotel was not answered in time."))
    );
    until_canceled(&hotel, 1).await?;
    let late = ann.ask(room, "the Grand").await?;
    assert!(!late.answer().contains("thank you"), "{}", late.answer());
    house.stop().await
}

#[tokio::test]
async fn a_task_goes_on_when_another_member_answers_what_its_agent_asks() -> anyhow::Result<()> {
    let house = House::start().await?;
    let hotel = asks(&house, "hotel", "Which hotel?").await?;
    let client = Wire::of(&house, "ann")?;
    let task = client.send("m1", "@hotel a room", json!({})).await?;
    assert_eq!(state(&task), "INPUT_REQUIRED");
    house.greet("bob").await?;
    let room = task["metadata"]["switchboard.conversation"].as_str().unwrap_or_default();
    let ann = house.topology().client("ann", &["user"])?;
    ann.post::<Value>(&format!("/v1/conversations/{room}/members"), &json!({"user": "bob"})).await?;
    let bob = house.topology().client("bob", &["user"])?;
    let said = json!({"text": "@hotel the Grand"});
    bob.post::<Value>(&format!("/v1/conversations/{room}/messages"), &said).await?;
    let over = async {
        loop {
            let task = client.call("GetTask", json!({"id": task["id"]})).await?;
            if state(&task) != "INPUT_REQUIRED" && state(&task) != "WORKING" && state(&task) != "SUBMITTED" {
                return anyhow::Ok(task);
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let answered = timeout(PATIENCE, over).await??;
    assert_eq!(state(&answered), "COMPLETED", "{answered}");
    assert_eq!(answered["artifacts"][0]["parts"][0]["text"], "thank you, the Grand");
    let listed = client.call("ListTasks", json!({})).await?;
    assert_eq!((&listed["totalSize"], &listed["tasks"][0]["id"]), (&json!(1), &task["id"]), "{listed}");
    let others = Wire::of(&house, "bob")?.call("ListTasks", json!({})).await?;
    assert_eq!(others["totalSize"], 0, "it is not the other one's");
    assert_eq!(hotel.asked().len(), 2);
    house.stop().await
}

#[tokio::test]
async fn what_an_agent_declines_that_was_not_addressed_is_asked_of_the_next_best_and_said()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let rain: &[&str] = &["will it rain tomorrow", "what is the weather like", "is it going to rain"];
    let near: &[&str] = &["will it rain today", "what will the weather be", "how much rain will fall"];
    let (no, yes) = (Manner::Rejects("Not mine.".into()), Manner::Says("Sunny.".into()));
    let agents = [
        FakeAgent::start("skies", rain, no.clone()).await?,
        FakeAgent::start("clouds", near, no.clone()).await?,
    ];
    for (agent, id) in agents.iter().zip(["skies", "clouds"]) {
        house.register(id, agent).await?;
    }
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let addressed = ann.ask(room, "@skies will it rain tomorrow").await?;
    assert_eq!(addressed.all("call.started").len(), 1, "whom somebody addresses nobody stands in for");

    let question = "will it rain tomorrow, and what is the weather like";
    let nobody = ann.ask(room, question).await?;
    let asked: Vec<_> = nobody.all("call.started").iter().map(|call| call["agent"].clone()).collect();
    assert_eq!(asked.len(), 2, "once more, and no more: {asked:?} {}", nobody.answer());
    let second = if asked[1] == "skies" { &agents[0] } else { &agents[1] };
    second.set(yes);
    let answered = ann.ask(room, question).await?;
    assert_eq!(answered.data("turn.finished")["state"], "completed");
    assert!(answered.answer().starts_with("Sunny."), "{}", answered.answer());
    assert!(answered.answer().contains("asked because"), "{}", answered.answer());
    let states: Vec<_> = answered.all("call.finished").iter().map(|call| call["state"].clone()).collect();
    assert_eq!(states, ["rejected", "completed"]);
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_is_switched_off_while_it_works_is_stopped_and_that_is_said() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("slow", &["be slow"], Manner::Endless).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.say(room, "@slow go").await?;
    ann.until(|frame| frame["type"] == "call.progress").await?;
    let olga = house.topology().client("olga", &["agent-admin"])?;
    olga.put::<Value>("/v1/agents/slow/enabled", &json!({"enabled": false})).await?;
    let frames = ann.until(|frame| frame["type"] == "turn.finished").await?;
    let call = frames.iter().find(|frame| frame["type"] == "call.finished").cloned().unwrap_or_default();
    assert_eq!(call["data"]["reason"], "it was switched off meanwhile", "{call}");
    until_canceled(&agent, 1).await?;
    house.stop().await
}
