//! The key that edges and cores share is replaced while the house works.

use serde_json::{Value, json};
use std::{fs, path::Path};
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::time::{Duration, Instant, sleep};

const NEW: &str = "b7d1c7a94f52e60d8c3b1a2f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a291807";

/// One step of the replacement: what signs, and what is accepted besides.
struct Step<'a> {
    signs: &'a str,
    accepts: &'a [&'a str],
}

fn write(file: &Path, step: &Step<'_>) -> anyhow::Result<()> {
    let mut table = fs::read_to_string(file)?.parse::<toml::Table>()?;
    table.insert("identity_key".to_owned(), step.signs.into());
    let accepts: Vec<toml::Value> = step.accepts.iter().map(|key| (*key).into()).collect();
    table.insert("identity_keys_accepted".to_owned(), accepts.into());
    Ok(fs::write(file, toml::to_string(&table)?)?)
}

/// A message by way of each edge is answered, and each edge knows the other one.
async fn is_whole(house: &House) -> anyhow::Result<()> {
    for edge in house.topology().edges() {
        let client = house.client_at(edge.url(), "ann")?;
        let said: Value = client.post("/chat", &json!({"message": "@oracle what will be?"})).await?;
        assert!(said["response"].as_str().is_some_and(|text| text.contains("rain")), "{said}");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let known: Value = client.get("/.well-known/switchboard/edges").await?;
            if known["edges"].as_array().map(Vec::len) == Some(2) {
                break;
            }
            assert!(Instant::now() < deadline, "{known}");
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_identity_key_is_replaced_in_steps_and_every_message_is_answered_meanwhile() -> anyhow::Result<()>
{
    let house = House::with(|options| (options.cores, options.edges) = (2, 2)).await?;
    let agent = FakeAgent::start("oracle", &["what will be"], Manner::Says("rain".into())).await?;
    house.register("oracle", &agent).await?;
    is_whole(&house).await?;
    let run = house.topology().data().join("run");
    let old = fs::read_to_string(run.join("identity.key"))?.trim().to_owned();
    let steps = [
        Step { signs: &old, accepts: &[NEW] },
        Step { signs: NEW, accepts: &[&old] },
        Step { signs: NEW, accepts: &[] },
    ];
    for step in steps {
        for node in house.topology().cores().into_iter().chain(house.topology().edges()) {
            write(&run.join(format!("{}.toml", node.process().name())), &step)?;
            node.restart().await?;
            is_whole(&house).await?;
        }
    }
    house.stop().await
}
