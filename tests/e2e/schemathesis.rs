//! Somebody else's reader of our description tries what it allows and what it does not.

use super::interop::peer;
use std::{process::Stdio, time::Duration};
use switchboard_shared::identity::Tier;
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood};
use tokio::time::timeout;

/// What it may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test]
async fn schemathesis_finds_nothing_that_the_description_does_not_say() -> anyhow::Result<()> {
    let llm = FakeLlm::start(Mood::Drafts(vec![("en".to_owned(), "Will it be sunny?".to_owned())])).await?;
    let house = House::with(|options| {
        options.llm = vec![switchboard_tests::house::endpoint(&llm.url())];
        options.edge_overrides = toml::toml! {
            [limits]
            ip_per_minute = 1_000_000
            requests_per_minute = 1_000_000
            [limits.messages_per_minute]
            enterprise = 1_000_000
            [limits.joins_per_minute]
            enterprise = 1_000_000
            // On a busy machine its only core is slow, and not away.
            [cores]
            health_timeout_ms = 20_000
            connect_timeout_ms = 10_000
        };
    })
    .await?;
    let says = Manner::Says("It will rain.".to_owned());
    let agent = FakeAgent::start("weather", &["will it rain tomorrow"], says).await?;
    house.register("weather", &agent).await?;
    let token = house.token("olga", &["admin"], |claims| claims.tier = Tier::Enterprise)?;
    let output = timeout(PATIENCE, run(&house, &token).output()).await??;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    house.stop().await
}

fn run(house: &House, token: &str) -> tokio::process::Command {
    let mut command = peer("schemathesis");
    // What it remembers of a run goes with the house.
    command.current_dir(house.topology().data());
    command.args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/interop/schemathesis.toml"), "run"]);
    command.arg(house.topology().url().join("/openapi.json").expect("a path").as_str());
    command.args([
        "--checks",
        "all",
        // Whom a request names may not be there, where the conversation that was just made is: both are 404.
        "--exclude-checks",
        "ensure_resource_availability",
        "--max-examples",
        "8",
        "--seed",
        "1",
        "--no-color",
        "--continue-on-failure",
    ]);
    command.arg("--tls-verify").arg(house.topology().ca());
    command.arg("--header").arg(format!("Authorization: Bearer {token}"));
    command.env("SSL_CERT_FILE", house.topology().ca()).stdout(Stdio::piped());
    command
}
