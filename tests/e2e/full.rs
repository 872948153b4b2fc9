//! The topology of production on one machine: a Postgres with replicas, a Redis Cluster with replicas, several tiers.

use super::{drills::drill, durability::signal, house::up};
use anyhow::Context;
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::{process::Command, time::timeout};

/// How long the command may take to look at everything.
const DOCTOR_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_full_house_shows_every_member_and_loses_nothing_with_its_primary() -> anyhow::Result<()> {
    let house = House::with(|options| {
        (options.full, options.cores, options.edges) = (true, 3, 2);
    })
    .await?;
    let agent = FakeAgent::start("weather", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    assert_eq!(ann.ask(room, "@weather will it rain?").await?.answer(), "Sunny.");

    let said = doctor(&house).await?;
    let count = |kind: &str, begins: &str| {
        let members = said.iter().filter(|(name, _)| name.starts_with(kind));
        members.filter(|(_, is)| is.starts_with(begins)).count()
    };
    assert_eq!((count("etcd-", "leader"), count("etcd-", "follower")), (1, 2), "{said:?}");
    assert_eq!(count("patroni-", "leader, running"), 1, "{said:?}");
    assert_eq!(
        count("patroni-", "quorum_standby, streaming, "),
        2,
        "a commit waits for one of them: {said:?}"
    );
    assert_eq!((count("redis-", "primary, 1 replicas"), count("redis-", "replica, ")), (3, 3), "{said:?}");
    assert_eq!((count("core-", "ready"), count("edge-", "ready")), (3, 2), "{said:?}");

    let leader = said.iter().find(|(name, is)| name.starts_with("patroni-") && is.starts_with("leader"));
    kill_the_server_of(&house, leader.map(|(name, _)| name.as_str()).unwrap_or_default())?;
    let mut ack = ann.say_as(room, "while-it-is-away", "@weather and tomorrow?").await;
    while ack.as_ref().is_err_and(|error| error.to_string().contains("unavailable")) {
        ack = ann.say_as(room, "while-it-is-away", "@weather and tomorrow?").await;
    }
    ann.turn_over(ack?["turn"].as_str().unwrap_or_default()).await?;

    // What the first house kept is there for the second one, whoever leads by then.
    let house = house.start_again().await?;
    let ann = house.person("ann").await?;
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(4), "two questions, two answers: {page}");
    house.stop().await
}

#[tokio::test]
async fn a_full_house_is_restored_to_a_moment_and_a_host_that_is_cut_off_commits_nothing()
-> anyhow::Result<()> {
    let up = up(&["--full"]).await?;
    let (ran, report) = drill(&up, "pitr").await?;
    assert_eq!((ran.status.code(), &report["verdict"]), (Some(0), &"pass".into()), "{report}");
    assert!(report["also"]["restored_messages"].as_f64() > Some(0.0), "{report}");
    // Only root may filter packets; then the command says so instead of passing.
    match drill(&up, "pg-partition").await {
        Ok((_, report)) => {
            assert_eq!(report["lost"], 0, "{report}");
            assert_eq!(report["also"]["commits_done_while_cut_off"], 0.0, "{report}");
        }
        Err(refused) => assert!(refused.to_string().contains("not possible here"), "{refused}"),
    }
    up.end().await
}

/// As a crash of Postgres: its Patroni lives, and has to let another one take over.
fn kill_the_server_of(house: &House, member: &str) -> anyhow::Result<()> {
    let described = house.topology().describe(Vec::new())?;
    let host = described.postgres.iter().find(|host| host.name == member).context("it has a leader")?;
    let file = std::fs::read_to_string(host.data.join("postmaster.pid"))?;
    signal("KILL", file.lines().next().and_then(|pid| pid.trim().parse().ok()))
}

/// What the command says of each part, by its name.
async fn doctor(house: &House) -> anyhow::Result<BTreeMap<String, String>> {
    let mine = std::env::current_exe()?;
    let programs = mine.parent().and_then(|deps| deps.parent()).map(PathBuf::from).unwrap_or_default();
    let mut command = Command::new(programs.join("switchboard"));
    command.args(["doctor", "--json", "--data"]).arg(house.topology().data()).kill_on_drop(true);
    let output = timeout(DOCTOR_WITHIN, command.output()).await??;
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    Ok(findings.iter().map(|finding| (text(finding, "what"), text(finding, "is"))).collect())
}
