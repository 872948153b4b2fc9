//! What is refused says what would be needed, or what is wrong.

use super::learning::Scene;
use serde_json::{Value, json};
use switchboard_shared::ids::TurnId;
use switchboard_tests::House;

const MANAGES: &str = "It needs the role agent-admin or admin.";
const CONVERSES: &str = "It needs the role user or admin.";

#[tokio::test]
async fn whoever_lacks_a_role_is_told_which_one() -> anyhow::Result<()> {
    let house = House::start().await?;
    let client = |user: &str, roles: &[&str]| house.topology().client(user, roles);
    let (ann, olga, nobody) =
        (client("ann", &["user"])?, client("olga", &["agent-admin"])?, client("ned", &["guest"])?);
    let id = TurnId::new();
    let refusal = |answer: switchboard::error::Result<Value>| answer.unwrap_err().to_string();
    for path in [
        format!("/v1/decisions/{id}"),
        "/v1/suggestions".to_owned(),
        "/v1/frozen".to_owned(),
        "/v1/nobody".to_owned(),
        "/v1/agents/overlap".to_owned(),
        "/v1/agents/weather/examples".to_owned(),
    ] {
        let said = refusal(ann.get(&path).await);
        assert!(said.contains(MANAGES), "{path}: {said}");
    }
    for (path, body) in [
        (format!("/v1/decisions/{id}/replay"), json!({})),
        ("/v1/agents".to_owned(), json!({"url": "http://127.0.0.1:1/"})),
        ("/v1/agents/weather/probe".to_owned(), json!({})),
    ] {
        let said = refusal(ann.post(&path, &body).await);
        assert!(said.contains(MANAGES), "{path}: {said}");
    }
    for path in [format!("/v1/turns/{id}"), "/v1/conversations".to_owned()] {
        let said = refusal(olga.get(&path).await);
        assert!(said.contains(CONVERSES), "{path}: {said}");
    }
    let said = refusal(nobody.get("/v1/agents").await);
    assert!(said.contains("It needs the role user, agent-admin or admin."), "{said}");
    house.stop().await
}

#[tokio::test]
async fn a_question_to_an_agent_that_is_not_there_ends_with_1_and_a_greeting_does_not() -> anyhow::Result<()>
{
    let scene = Scene::set(House::start().await?).await?;
    for (text, code, says) in [
        ("@wether zzyzx quux?", 1, "There is no agent @wether here. Did you mean @weather?"),
        ("@nosuch zzyzx quux?", 1, "There is no agent @nosuch here."),
        ("hello", 0, "Hello!"),
    ] {
        let asked = scene.run(&["chat", text]).await?;
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        assert!(asked.status.code() == Some(code) && said.contains(says), "{text}: {asked:?}");
    }
    scene.house.stop().await
}

#[tokio::test]
async fn an_agent_whose_card_cannot_be_fetched_is_not_added_and_the_command_says_why() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let added = scene.run(&["agents", "add", "http://127.0.0.1:1/"]).await?;
    let said = String::from_utf8_lossy(&added.stderr);
    assert_eq!(added.status.code(), Some(1), "{said}");
    assert!(said.contains("This agent cannot be registered: the card could not be fetched: "), "{said}");
    assert!(added.stdout.is_empty(), "{added:?}");
    let listed = scene.run(&["agents", "list"]).await?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    scene.house.stop().await
}
