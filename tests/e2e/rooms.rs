//! In a conversation of several people Switchboard speaks when it is spoken to.

use serde_json::{Value, json};
use switchboard_tests::{FakeAgent, House, Manner, person::Person};

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];

#[tokio::test]
async fn what_people_say_to_each_other_is_left_between_them() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", WEATHER, Manner::Says("Sunny.".into())).await?;
    house.register("weather", &weather).await?;
    let mut ann = house.person("ann").await?;
    let mut bob = house.person("bob").await?;
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    bob.join(room, Some(0)).await?;
    for (text, mode) in [
        ("@bob can you look?", "quiet"),
        ("sure, tomorrow", "quiet"),
        ("hello", "quiet"),
        ("tell me a joke", "quiet"),
        ("@bob @weather will it rain?", "direct"),
        ("> @weather will it rain?\n\nno idea", "quiet"),
        ("hey @weather, will it rain?", "direct"),
        ("@switchboard hello", "none"),
    ] {
        let (plan, answer) = said(&mut ann, room, text).await?;
        assert_eq!(plan["mode"], mode, "{text}: {plan}");
        assert_eq!(answer.is_some(), mode != "quiet", "{text}: {answer:?}");
    }
    // Both have heard all of it, and the setting is the owner's.
    let page: Value = bob.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(11), "{page}");
    let path = format!("/v1/conversations/{room}");
    let always = json!({"speaks": "always"});
    assert!(bob.http.patch::<Value>(&path, &always).await.is_err());
    let changed: Value = ann.http.patch(&path, &always).await?;
    assert_eq!(changed["speaks"], "always", "{changed}");
    let (plan, answer) = said(&mut ann, room, "tell me a joke").await?;
    assert!(plan["mode"] != "quiet" && answer.is_some(), "{plan}");
    assert_eq!(said(&mut ann, room, "@bob can you look?").await?.0["mode"], "quiet");
    house.stop().await
}

#[tokio::test]
async fn a_question_back_waits_for_its_user_while_others_talk() -> anyhow::Result<()> {
    let house = House::start().await?;
    let asks = FakeAgent::start("asks", &[], Manner::AsksBack("Which city?".into())).await?;
    house.register("asks", &asks).await?;
    let mut ann = house.person("ann").await?;
    let mut bob = house.person("bob").await?;
    let room = ann.room(&["bob"]).await?;
    ann.join(room, Some(0)).await?;
    bob.join(room, Some(0)).await?;
    said(&mut ann, room, "@asks will it rain?").await?;
    assert_eq!(said(&mut bob, room, "it always does").await?.0["mode"], "quiet");
    let (plan, answer) = said(&mut ann, room, "Rome").await?;
    assert_eq!(
        (plan["mode"].as_str(), answer.as_deref()),
        (Some("direct"), Some("thank you, Rome")),
        "{plan}"
    );
    house.stop().await
}

/// Says something; the plan of its turn, and the answer.
async fn said(
    person: &mut Person,
    room: switchboard_shared::ids::ConversationId,
    text: &str,
) -> anyhow::Result<(Value, Option<String>)> {
    let heard = person.ask(room, text).await?;
    let answer =
        heard.all("answer.finished").first().and_then(|data| data["text"].as_str().map(str::to_owned));
    Ok((heard.data("plan.decided").clone(), answer))
}
