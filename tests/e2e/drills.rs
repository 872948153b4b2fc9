//! The drills, as an operator runs them: their JSON says that nothing was lost, and says so when something was.

use super::{
    durability::signal,
    house::{Up, up},
};
use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// How long one short drill may take on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) fn switchboard() -> Command {
    let mine = std::env::current_exe().expect("a running program has a path");
    let folder = mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps");
    let mut command = Command::new(folder.join("switchboard"));
    command.kill_on_drop(true).env_remove("SWITCHBOARD_TOKEN").env_remove("SWITCHBOARD_DATA");
    command
}

/// A drill with a small load; the budgets of time are those of a quiet machine, so none is looked at here.
const SMALL: [&str; 11] =
    ["--json", "--people", "6", "--rooms", "3", "--rate", "4", "--hold", "3", "--times", "50"];

fn data(up: &Up) -> PathBuf {
    up.folder.path().join("data")
}

pub(super) async fn drill(up: &Up, name: &str) -> anyhow::Result<(Output, Value)> {
    let ran = switchboard().args(["drill", name, "--data"]).arg(data(up)).args(SMALL).output();
    let ran = timeout(PATIENCE, ran).await??;
    let said = String::from_utf8_lossy(&ran.stderr);
    let json: Value = serde_json::from_slice(&ran.stdout).map_err(|_| anyhow::anyhow!("{name}: {said}"))?;
    Ok((ran, json["drills"][0].clone()))
}

#[tokio::test]
async fn whatever_is_broken_in_a_drill_nothing_that_was_acknowledged_is_lost() -> anyhow::Result<()> {
    let up = up(&["--cores", "2", "--edges", "2"]).await?;
    for (name, faults) in [
        ("core-kill", 2),
        ("core-freeze", 1),
        ("edge-kill", 2),
        ("rolling-restart", 4),
        ("redis-all-down", 1),
        ("pg-primary-kill", 1),
    ] {
        let (_, report) = drill(&up, name).await?;
        assert_eq!(report["faults"].as_array().map(Vec::len), Some(faults), "{report}");
        for zero in ["lost", "doubled", "reordered", "gaps", "stuck", "unanswered"] {
            assert_eq!(report[zero], 0, "{zero} in {report}");
        }
        assert!(report["acknowledged"].as_u64() > Some(0), "{report}");
        assert_eq!(report["acknowledged"], report["sent"], "{report}");
    }
    up.end().await
}

#[tokio::test]
async fn a_long_drill_that_is_ended_counts_what_it_has_and_puts_the_house_back() -> anyhow::Result<()> {
    let up = up(&["--cores", "2"]).await?;
    for name in ["chaos", "soak"] {
        let mut long = switchboard();
        long.args(["drill", name, "--minutes", "60", "--data"]).arg(data(&up)).args(SMALL);
        let long = long.stdout(Stdio::piped()).spawn()?;
        tokio::time::sleep(Duration::from_secs(12)).await;
        signal("INT", long.id())?;
        let ran = timeout(PATIENCE, long.wait_with_output()).await??;
        let report = serde_json::from_slice::<Value>(&ran.stdout)?["drills"][0].clone();
        assert_eq!((ran.status.code(), &report["broken"][0]), (Some(1), &"interrupted".into()), "{report}");
        assert!(report["acknowledged"].as_u64() > Some(0), "{report}");
        assert_eq!((&report["lost"], &report["stuck"]), (&0.into(), &0.into()), "{report}");
    }
    let (_, after) = drill(&up, "core-kill").await?;
    assert_eq!((&after["lost"], &after["acknowledged"]), (&0.into(), &after["sent"]), "{after}");
    up.end().await
}

#[tokio::test]
async fn a_drill_finds_what_is_lost() -> anyhow::Result<()> {
    let up = up(&["--cores", "2"]).await?;
    let ran = drill(&up, "core-freeze");
    let (ran, _) = tokio::try_join!(ran, plant_a_loss(&up))?;
    let (ran, report) = ran;
    assert_eq!((ran.status.code(), &report["verdict"]), (Some(1), &"fail".into()), "{report}");
    assert_eq!((&report["lost"], &report["doubled"]), (&1.into(), &0.into()), "{report}");
    assert!(report["broken"][0].as_str().is_some_and(|why| why.contains("lost")), "{report}");
    up.end().await
}

/// As soon as a message of the drill is answered, the database has it no more under the id that was acknowledged.
async fn plant_a_loss(up: &Up) -> anyhow::Result<()> {
    let mut config = tokio_postgres::Config::new();
    config.host_path(data(up).join("postgres.socket")).user("postgres").dbname("switchboard");
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    let planted = async {
        let sql = "UPDATE messages SET client_id = 'planted' WHERE id = (SELECT message_id FROM turns
            JOIN messages ON messages.id = turns.message_id
            WHERE state = 'completed' AND client_id LIKE 'drill-%' LIMIT 1)";
        while client.execute(sql, &[]).await? == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        planted = timeout(PATIENCE, planted) => planted?,
        ended = connection => Ok(ended?),
    }
}

#[tokio::test]
async fn an_llm_that_fails_in_every_way_costs_no_answer() -> anyhow::Result<()> {
    let ran = timeout(PATIENCE, switchboard().args(["drill", "llm-faults"]).args(SMALL).output()).await??;
    let said = String::from_utf8_lossy(&ran.stderr);
    let json: Value = serde_json::from_slice(&ran.stdout).map_err(|_| anyhow::anyhow!("{said}"))?;
    let report = &json["drills"][0];
    assert_eq!(report["verdict"], "pass", "{said}");
    assert_eq!(report["faults"].as_array().map(Vec::len), Some(5), "{report}");
    assert_eq!((&report["lost"], &report["not_completed"]), (&0.into(), &serde_json::json!({})), "{report}");
    assert!(report["also"]["answers_that_said_degraded"].as_f64() > Some(0.0), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_drill_refuses_what_it_cannot_or_may_not_break() -> anyhow::Result<()> {
    let up = up(&[]).await?;
    let here = data(&up).display().to_string();
    let url = up.ready["url"].as_str().unwrap_or_default();
    for (arguments, said) in [
        (vec!["pg-switchover", "--data", &here], "needs a full house"),
        (vec!["pg-primary-kill", "--no-quorum", "--data", &here], "of a full house"),
        (vec!["core-kill", "--against", url], "--i-know"),
        (vec!["core-kill", "--i-know", "--token", "t", "--against", url], "only loads"),
        (vec!["core-burn"], "unrecognized subcommand"),
    ] {
        let ran = timeout(PATIENCE, switchboard().arg("drill").args(&arguments).output()).await??;
        let words = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {words}");
        assert!(words.contains(said), "{arguments:?}: {words}");
    }
    up.end().await
}
