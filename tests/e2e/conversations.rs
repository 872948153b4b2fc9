//! People in rooms: the same events in the same order, nothing missed, nothing doubled.

use serde_json::json;
use std::time::Duration;
use switchboard_tests::{FakeAgent, House, Manner, person::seqs};

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow", "how warm is it in Oslo"];
const STOCKS: &[&str] =
    &["how is the stock of acme doing", "show my share prices", "did the index fall today"];

#[tokio::test]
async fn two_people_in_one_room_see_the_same_events_in_the_same_order() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny, 21 degrees.".into())).await?;
    house.register("weather", &agent).await?;
    let (mut ann, mut bob) = (house.person("ann").await?, house.person("bob").await?);
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    bob.join(room, Some(0)).await?;

    let heard = ann.ask(room, "@weather will it rain tomorrow?").await?;
    let said = bob.until(|frame| frame["type"] == "turn.finished").await?;
    assert_eq!(heard.answer(), "Sunny, 21 degrees.");
    let ids = |frames: &[serde_json::Value]| -> Vec<(u64, String)> {
        let durable = frames.iter().filter(|frame| frame["at"].is_string() && frame["seq"].is_u64());
        durable.map(|f| (f["seq"].as_u64().unwrap(), f["type"].as_str().unwrap().to_owned())).collect()
    };
    assert_eq!(ids(&heard.frames), ids(&said));
    assert_eq!(heard.seqs(), (1..=heard.seqs().len() as u64).collect::<Vec<_>>(), "from 1, without a gap");

    // And again, the other way round.
    let back = bob.ask(room, "@weather and the day after?").await?;
    let there = ann.until(|frame| frame["type"] == "turn.finished").await?;
    assert_eq!(ids(&back.frames), ids(&there));
    assert_eq!(back.seqs()[0], heard.seqs().last().unwrap() + 1);
    house.stop().await
}

#[tokio::test]
async fn a_question_for_two_agents_is_asked_of_both_and_each_claim_is_tied_to_its_agent() -> anyhow::Result<()>
{
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
    let stocks = FakeAgent::start("stocks", STOCKS, Manner::Says("Acme is up 3 %.".into())).await?;
    house.register("weather", &weather).await?;
    house.register("stocks", &stocks).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;

    let heard = ann.ask(room, "will it rain tomorrow, and how is the stock of acme doing?").await?;
    let plan = heard.data("plan.decided");
    assert_eq!(
        (plan["mode"].as_str(), plan["stage"].as_str()),
        (Some("parallel"), Some("lexical")),
        "{plan}"
    );
    let answer = heard.answer();
    assert!(answer.contains("It will rain.") && answer.contains("Acme is up 3 %."), "{answer}");
    assert_eq!(heard.streamed(), answer, "the pieces put together are the answer");
    assert_eq!(heard.degraded(), "", "having no LLM is no fault");
    let finished = heard.data("answer.finished");
    for claim in finished["claims"].as_array().unwrap() {
        let place = |name: &str| usize::try_from(claim[name].as_u64().unwrap()).unwrap();
        let (start, end) = (place("start"), place("end"));
        let text: String = answer.chars().skip(start).take(end - start).collect();
        let says = if claim["agents"] == json!(["weather"]) { "It will rain." } else { "Acme is up 3 %." };
        assert!(text.contains(says), "{claim} is {text:?}");
    }
    assert_eq!(finished["claims"].as_array().unwrap().len(), 2);
    house.stop().await
}

#[tokio::test]
async fn without_an_llm_each_reply_is_shown_when_it_is_there() -> anyhow::Result<()> {
    let house = House::start().await?;
    let slowly = Manner::Slowly("at long last I am done".into(), Duration::from_millis(400));
    let slow = FakeAgent::start("slow", &[], slowly).await?;
    let quick = FakeAgent::start("quick", &[], Manner::Says("Here at once. [slow]".into())).await?;
    house.register("slow", &slow).await?;
    house.register("quick", &quick).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@slow @quick how is it?").await?;
    let at = |what: &str, holds: &dyn Fn(&serde_json::Value) -> bool| {
        heard.frames.iter().position(|frame| frame["type"] == what && holds(&frame["data"]))
    };
    let shown =
        at("answer.delta", &|data| data["text"].as_str().is_some_and(|t| t.contains("Here at once.")));
    let ended = at("call.finished", &|data| data["agent"] == "slow");
    assert!(shown.is_some() && shown < ended, "{shown:?} {ended:?} in {:?}", heard.frames);
    let expected =
        "**quick** [quick]\n\n> Here at once. (slow)\n\n**slow** [slow]\n\n> at long last I am done";
    assert_eq!((heard.answer(), heard.streamed()), (expected.to_owned(), expected.to_owned()));
    house.stop().await
}

#[tokio::test]
async fn a_socket_that_drops_and_joins_again_misses_nothing_and_doubles_nothing() -> anyhow::Result<()> {
    let house = House::start().await?;
    let words = "one two three four five six seven eight";
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly(words.into(), Duration::from_millis(150))).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;

    let ack = ann.say(room, "@slow what is the weather like").await?;
    let before = ann.until(|frame| frame["type"] == "call.started").await?;
    ann.vanish();
    let cursor = *seqs(&before).last().unwrap();
    ann.connect().await?;
    ann.join(room, Some(cursor)).await?;
    let after = ann.until(|frame| frame["type"] == "turn.finished" && frame["turn"] == ack["turn"]).await?;
    assert_eq!(seqs(&after)[0], cursor + 1);
    let all: Vec<u64> = seqs(&after);
    assert_eq!(all, (cursor + 1..=*all.last().unwrap()).collect::<Vec<_>>());
    let finished = after.iter().find(|frame| frame["type"] == "answer.finished").unwrap();
    assert_eq!(finished["data"]["text"], words);

    // From the beginning, the whole log comes once.
    ann.vanish();
    ann.connect().await?;
    ann.join(room, Some(0)).await?;
    let whole = ann.until(|frame| frame["type"] == "turn.finished").await?;
    assert_eq!(seqs(&whole), (1..=*all.last().unwrap()).collect::<Vec<_>>());
    house.stop().await
}

#[tokio::test]
async fn the_same_send_twice_is_one_message_and_another_one_under_its_id_is_refused() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let first = ann.say_as(room, "key-1", "hello").await?;
    let again = ann.say_as(room, "key-1", "hello").await?;
    assert_eq!(first["message"], again["message"]);
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    let other = ann.say_as(room, "key-1", "something else").await.unwrap_err().to_string();
    assert!(other.contains("conflict"), "{other}");
    ann.turn_over(first["turn"].as_str().unwrap()).await?;
    let page: serde_json::Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let mine = page["items"].as_array().unwrap().iter().filter(|m| m["author"]["kind"] == "user");
    assert_eq!(mine.count(), 1, "{page}");
    house.stop().await
}

/// What a reader has of an answer who appends each piece at its place and drops what it has already.
fn assemble(frames: &[serde_json::Value]) -> String {
    let mut text = String::new();
    for delta in frames.iter().filter(|frame| frame["type"] == "answer.delta").map(|frame| &frame["data"]) {
        let offset = delta["offset"].as_u64().and_then(|offset| usize::try_from(offset).ok());
        let have = text.chars().count();
        let known = have.checked_sub(offset.unwrap_or(usize::MAX));
        let known = known.unwrap_or_else(|| panic!("a hole before {delta} in {text:?}"));
        text.extend(delta["text"].as_str().unwrap_or_default().chars().skip(known));
    }
    text
}

async fn late_to_a_running_answer(cores: usize) -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = cores).await?;
    let words = "one two three four five six seven eight nine ten";
    let agent =
        FakeAgent::start("slow", WEATHER, Manner::Slowly(words.into(), Duration::from_millis(800))).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let late = ["bob", "cleo", "dan", "eve"];
    let mut people = Vec::new();
    for name in late {
        people.push(house.person(name).await?);
    }
    let room = ann.room(&late).await?;
    ann.join(room, Some(0)).await?;
    ann.say(room, "@slow what is the weather like").await?;
    ann.until(|frame| frame["data"]["text"].as_str().is_some_and(|text| text.contains("three"))).await?;
    // While it is being written, on every core: the beginning comes from where the pieces are kept.
    for person in &mut people {
        person.join(room, Some(0)).await?;
    }
    for mut person in people {
        let frames = person.until(|frame| frame["type"] == "answer.finished").await?;
        assert_eq!(assemble(&frames), words, "{}", person.name);
    }
    house.stop().await
}

#[tokio::test]
async fn who_comes_late_to_a_running_answer_gets_its_beginning() -> anyhow::Result<()> {
    late_to_a_running_answer(1).await
}

#[tokio::test]
async fn who_comes_late_gets_the_beginning_from_another_core_too() -> anyhow::Result<()> {
    late_to_a_running_answer(2).await
}

#[tokio::test]
async fn a_cursor_ahead_of_the_log_is_answered_with_a_snapshot() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let ack = ann.say(room, "hello").await?;
    ann.turn_over(ack["turn"].as_str().unwrap()).await?;
    ann.send(&json!({"type": "join", "conversation": room, "after": 9_999})).await?;
    let snapshot = ann.next().await?;
    assert_eq!((&snapshot["type"], &snapshot["reason"]), (&json!("snapshot"), &json!("ahead")), "{snapshot}");
    assert_eq!(snapshot["messages"][0]["text"], "hello");
    house.stop().await
}

#[tokio::test]
async fn a_member_who_is_taken_off_hears_nothing_more() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (mut ann, mut bob) = (house.person("ann").await?, house.person("bob").await?);
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    bob.join(room, Some(0)).await?;
    ann.http.delete(&format!("/v1/conversations/{room}/members/bob")).await?;
    let told = bob.until(|frame| frame["type"] == "error").await?;
    assert_eq!(told.last().unwrap()["code"], "forbidden");
    ann.ask(room, "hello, just us?").await?;
    bob.send(&json!({"type": "ping", "t": 7})).await?;
    assert_eq!(bob.next().await?, json!({"type": "pong", "t": 7}), "nothing came in between");
    bob.send(&json!({"type": "join", "conversation": room})).await?;
    assert_eq!(bob.next().await?["code"], "not_found");
    let again = json!({"user": "bob"});
    ann.http.post::<serde_json::Value>(&format!("/v1/conversations/{room}/members"), &again).await?;
    bob.join(room, Some(0)).await?;
    ann.ask(room, "hello, all of us?").await?;
    let heard = bob.until(|frame| frame["data"]["text"] == "hello, all of us?").await?;
    assert!(!heard.is_empty(), "who is added again hears what was said and what is");
    house.stop().await
}

#[tokio::test]
async fn a_canceled_turn_stops_and_says_so() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("slow", WEATHER, Manner::Silent).await?;
    house.register("slow", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, "@slow what is the weather like").await?;
    ann.until(|frame| frame["type"] == "call.started").await?;
    ann.send(&json!({"type": "cancel", "turn": ack["turn"]})).await?;
    let end = ann.until(|frame| frame["type"] == "turn.finished").await?;
    assert_eq!(end.last().unwrap()["data"]["state"], "canceled");
    let call = end.iter().find(|frame| frame["type"] == "call.finished").unwrap();
    assert_eq!(call["data"]["state"], "canceled");
    house.stop().await
}

#[tokio::test]
async fn conversations_are_listed_renamed_paged_and_deleted_over_http() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    house.greet("bob").await?;
    let (one, two) = (ann.room(&[]).await?, ann.room(&["bob"]).await?);
    for text in ["hello", "hi", "good morning"] {
        let ack = ann.say(one, text).await?;
        ann.turn_over(ack["turn"].as_str().unwrap()).await?;
    }
    let list: serde_json::Value = ann.http.get("/v1/conversations?limit=1").await?;
    assert_eq!(list["items"][0]["id"], json!(two), "newest first");
    let rest: serde_json::Value =
        ann.http.get(&format!("/v1/conversations?after={}", list["next"].as_str().unwrap())).await?;
    assert_eq!(
        (rest["items"][0]["id"].clone(), rest["items"][0]["title"].clone()),
        (json!(one), json!("hello"))
    );

    let page: serde_json::Value = ann.http.get(&format!("/v1/conversations/{one}/messages?limit=4")).await?;
    let before = page["next"].as_str().unwrap();
    let older: serde_json::Value =
        ann.http.get(&format!("/v1/conversations/{one}/messages?limit=4&before={before}")).await?;
    let count = |page: &serde_json::Value| page["items"].as_array().unwrap().len();
    assert_eq!((count(&page), count(&older)), (4, 2), "three questions and three answers");

    let path = format!("/v1/conversations/{one}");
    ann.http.patch::<serde_json::Value>(&path, &json!({"title": "greetings"})).await?;
    assert_eq!(ann.http.get::<serde_json::Value>(&path).await?["title"], "greetings");

    let bob = house.topology().client("bob", &["user"])?;
    assert!(bob.delete(&format!("/v1/conversations/{two}")).await.is_err(), "only an owner deletes");
    ann.http.delete(&format!("/v1/conversations/{two}")).await?;
    assert!(ann.http.get::<serde_json::Value>(&format!("/v1/conversations/{two}")).await.is_err());
    house.stop().await
}
