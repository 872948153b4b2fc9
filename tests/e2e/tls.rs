//! Postgres and Redis over TLS: what can be trusted is used, and what cannot is named.

use crate::startup::run;
use futures::future::try_join_all;
use switchboard_tests::{FakeAgent, House, Managed, Manner};
use tokio::time::{Duration, Instant, sleep};
use toml::{Table, Value};

fn tables(sections: &[(&str, &Table)]) -> Table {
    sections.iter().map(|(name, section)| ((*name).to_owned(), Value::Table((*section).clone()))).collect()
}

#[tokio::test]
async fn a_message_is_answered_with_postgres_and_redis_over_tls_alone() -> anyhow::Result<()> {
    let managed = Managed::start().await?;
    // Channel binding: the password is of use on this very connection only.
    let postgres =
        managed.section(&managed.postgres_url("localhost", "sslmode=require&channel_binding=require"));
    let redis = managed.section(&managed.redis_url("localhost"));
    let house = House::with(|options| {
        options.core_overrides.extend(tables(&[("postgres", &postgres), ("redis", &redis)]));
        options.edge_overrides.extend(tables(&[("redis", &redis)]));
    })
    .await?;
    answers(&house).await?;

    let counted = managed.redis(&["keys", "switchboard:limit:*"]).await?;
    assert!(counted.contains("{demo/ann}:messages"), "{counted}");
    listens_on_every_channel(&managed).await?;
    house.stop().await
}

#[tokio::test]
async fn a_database_that_does_not_prove_itself_ends_with_4_and_why() -> anyhow::Result<()> {
    let managed = Managed::start().await?;
    let required = managed.section(&managed.postgres_url("localhost", "sslmode=require"));
    let mut of_another = required.clone();
    of_another.insert("ca_file".into(), managed.file("stranger.pem").display().to_string().into());
    let mut unknown = required.clone();
    for (key, file) in [("cert_file", "impostor.pem"), ("key_file", "impostor.key")] {
        unknown.insert(key.into(), managed.file(file).display().to_string().into());
    }
    let by_address = managed.section(&managed.postgres_url("127.0.0.1", "sslmode=require"));
    let preferred = managed.section(&managed.postgres_url("127.0.0.1", "sslmode=prefer"));
    let plain = managed.section(&managed.postgres_url("localhost", "sslmode=disable"));
    let cases = [
        (of_another, "comes from an authority that is not trusted here"),
        (by_address, "its certificate is for another name"),
        (preferred, "its certificate is for another name"),
        (unknown, "it refused the TLS handshake"),
        (plain, "no encryption"),
    ];
    try_join_all(cases.iter().map(async |(postgres, why)| {
        let (code, said) = run("switchboard-core", "migrate", &core(&[("postgres", postgres)])).await?;
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains(why) && said.contains("correct the URLs"), "{why} in {said}");
        anyhow::Ok(())
    }))
    .await?;
    let (code, said) = run("switchboard-core", "migrate", &core(&[("postgres", &required)])).await?;
    assert_eq!(code, Some(0), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_redis_that_does_not_prove_itself_is_named_in_the_core_s_log_and_done_without() -> anyhow::Result<()>
{
    let managed = Managed::start().await?;
    let mut redis = managed.section(&managed.redis_url("localhost"));
    redis.insert("ca_file".into(), managed.file("stranger.pem").display().to_string().into());
    let house = House::with(|options| options.core_overrides.extend(tables(&[("redis", &redis)]))).await?;
    answers(&house).await?;
    let log = std::fs::read_to_string(house.topology().data().join("logs/core-1.log"))?;
    assert_eq!(log.matches("not of an authority that redis.ca_file holds").count(), 1, "{log}");
    house.stop().await
}

#[tokio::test]
async fn a_core_that_was_there_before_redis_finds_it() -> anyhow::Result<()> {
    let managed = Managed::start().await?;
    managed.kill_redis().await;
    let redis = managed.section(&managed.redis_url("localhost"));
    let house = House::with(|options| options.core_overrides.extend(tables(&[("redis", &redis)]))).await?;
    managed.restart_redis().await?;
    listens_on_every_channel(&managed).await?;
    house.stop().await
}

#[tokio::test]
async fn every_file_that_cannot_be_used_is_a_fault_of_the_configuration() -> anyhow::Result<()> {
    let files = |of: &str| {
        let mut section = Table::new();
        for key in ["ca_file", "cert_file", "key_file"] {
            section.insert(key.into(), format!("/nowhere/{of}/{key}").into());
        }
        section
    };
    let (mut postgres, mut redis) = (files("postgres"), files("redis"));
    let url = "postgres://x@db.example/x?sslmode=verify-full";
    postgres.insert("urls".into(), Value::Array(vec![url.into()]));
    redis.insert("urls".into(), Value::Array(vec!["rediss://redis.example".into()]));
    let config = core(&[("postgres", &postgres), ("redis", &redis)]);
    let (code, said) = run("switchboard-core", "check", &config).await?;
    assert_eq!(code, Some(3), "{said}");
    for key in ["ca_file", "cert_file", "key_file"] {
        for section in ["postgres", "redis"] {
            assert!(said.contains(&format!("{section}.{key}: cannot be read")), "{said}");
        }
    }
    assert!(said.contains("postgres.urls: ") && said.contains("as verify-full does"), "{said}");
    Ok(())
}

/// Has a message answered by an agent.
async fn answers(house: &House) -> anyhow::Result<()> {
    let agent =
        FakeAgent::start("weather", &["will it rain"], Manner::Says("It will rain.".to_owned())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, None).await?;
    let heard = ann.ask(room, "@weather will it rain today?").await?;
    assert!(heard.data("answer.finished").to_string().contains("It will rain."), "{heard:?}");
    Ok(())
}

/// Waits until the core hears every channel of the doorbell.
async fn listens_on_every_channel(managed: &Managed) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let heard = managed.redis(&["pubsub", "shardchannels"]).await?;
        if heard.lines().filter(|line| line.contains("switchboard:bell:")).count() == 64 {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "{heard}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn core(sections: &[(&str, &Table)]) -> String {
    let mut config = toml::toml! {
        listen = "127.0.0.1:0"
        admin_listen = "127.0.0.1:0"
        identity_key = "0123456789abcdef0123456789abcdef"
        telemetry = { log_format = "json" }
    };
    config.extend(tables(sections));
    config.to_string()
}
