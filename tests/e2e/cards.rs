//! Cards that are signed: ours, as the official SDK reads it, and those of agents, as that signs them.

use super::interop::peer;
use anyhow::Context;
use serde_json::{Value, json};
use std::process::Stdio;
use switchboard_shared::api::{AgentView, Probe};
use switchboard_tests::{CardServer, House, person::PATIENCE};
use tokio::time::timeout;

/// What the official SDK says.
async fn sdk(arguments: &[&str]) -> anyhow::Result<Value> {
    let mut python = peer("python");
    python.arg("cards.py").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(PATIENCE, python.output()).await??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).context(said)
}

#[tokio::test]
async fn our_card_is_signed_and_the_official_sdk_believes_it_as_it_is() -> anyhow::Result<()> {
    let house = House::start().await?;
    let ca = house.topology().ca().display().to_string();
    let seen = sdk(&["verify", house.topology().url().as_str(), &ca]).await?;
    assert_eq!((&seen["believed"], &seen["altered"]), (&json!(true), &json!(false)), "{seen}");
    house.stop().await
}

#[tokio::test]
async fn a_card_is_believed_by_the_key_that_is_pinned_for_it_and_by_no_other() -> anyhow::Result<()> {
    let house = House::start().await?;
    let server = CardServer::start().await?;
    let signed = sdk(&["sign", server.url()]).await?;
    let (card, keys) = (&signed["card"], &signed["keys"]);
    let other = sdk(&["sign", server.url()]).await?["keys"].clone();
    server.show(card);
    let olga = house.topology().client("olga", &["user", "agent-admin"])?;
    let register = async |more: Value| -> Result<AgentView, String> {
        let mut new = json!({"url": server.url(), "id": "words"});
        new.as_object_mut()
            .into_iter()
            .for_each(|new| new.extend(more.as_object().cloned().unwrap_or_default()));
        olga.post("/v1/agents", &new).await.map_err(|error| error.to_string())
    };
    let refused = register(json!({"card_keys": other})).await.unwrap_err();
    assert!(refused.contains("not that of whoever holds the keys"), "{refused}");
    let view = register(json!({"card_keys": keys})).await.map_err(anyhow::Error::msg)?;
    assert_eq!(view.card_keys, Some(vec!["their-key".to_owned()]));
    register(json!({})).await.map_err(anyhow::Error::msg)?;

    let probe = async || olga.post::<Probe>("/v1/agents/words/probe", &json!({})).await;
    assert!(probe().await?.ok);
    let mut altered = card.clone();
    altered["supportedInterfaces"][0]["url"] = json!("http://127.0.0.1:9/");
    let mut bare = card.clone();
    bare["signatures"] = json!([]);
    for (shown, why) in [(&altered, "does not fit what it says"), (&bare, "is not signed")] {
        server.show(shown);
        let reason = probe().await?.reason.unwrap_or_default();
        assert!(reason.contains(why), "{reason}");
        let refused = register(json!({})).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
        let look: Value = olga.post("/v1/cards", &json!({"url": server.url(), "id": "words"})).await?;
        assert!(look["fault"].as_str().is_some_and(|fault| fault.contains(why)), "{look}");
    }
    let seen: AgentView = house.topology().client("ann", &["user"])?.get("/v1/agents/words").await?;
    assert_eq!(seen.card_keys, None, "whose keys are pinned is for those who manage agents");
    register(json!({"card_keys": {"keys": []}})).await.map_err(anyhow::Error::msg)?;
    house.stop().await
}
