//! What a turn costs its database: counted, not timed.

use super::drills::switchboard;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use switchboard_tests::{FakeAgent, House, Manner};
use tokio::time::timeout;

/// Turns that are counted together, so that what happens every few seconds beside them is of little weight.
const TURNS: u32 = 40;
const TRANSACTIONS: &str = "switchboard_core_postgres_transactions_total";
const ROUND_TRIPS: &str = "switchboard_core_postgres_round_trips_total";
const STATEMENTS: &str = "switchboard_core_postgres_statements_total";

/// What the only core has counted by now of what it says to its database.
async fn counted(house: &House) -> anyhow::Result<BTreeMap<String, f64>> {
    let url = house.topology().cores()[0].admin().join("/metrics")?;
    let metrics = reqwest::get(url).await?.error_for_status()?.text().await?;
    let lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    let of_postgres = lines.filter(|(name, _)| {
        [TRANSACTIONS, ROUND_TRIPS, STATEMENTS].iter().any(|counter| name.starts_with(counter))
    });
    of_postgres.map(|(name, count)| Ok((name.to_owned(), count.parse()?))).collect()
}

/// What so many turns of a question cost each, by name, once everything is known that is asked for once.
async fn each(house: &House, question: &str) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, question).await?;
    let before = counted(house).await?;
    for _ in 0..TURNS {
        ann.ask(room, question).await?;
    }
    let after = counted(house).await?;
    let each = after.into_iter().map(|(name, count)| {
        let before = before.get(&name).copied().unwrap_or_default();
        (name, (count - before) / f64::from(TURNS))
    });
    Ok(each.filter(|(_, count)| *count > 0.0).collect())
}

fn sum(counted: &BTreeMap<String, f64>, name: &str) -> f64 {
    counted.iter().filter(|(counter, _)| counter.starts_with(name)).map(|(_, count)| count).sum()
}

#[tokio::test]
async fn a_turn_is_written_in_few_transactions() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let often = toml::toml! {
            [limits.messages_per_minute]
            standard = 1_000_000
        };
        switchboard::topology::config::overlay(&mut options.edge_overrides, &often);
    })
    .await?;
    let mut agents = Vec::new();
    for name in ["weather", "stocks", "news", "words"] {
        let manner = match name {
            "words" => Manner::Slowly("one two three".into(), Duration::from_millis(1)),
            name => Manner::Says(format!("All is well, says {name}.")),
        };
        let agent = FakeAgent::start(name, &[], manner).await?;
        house.register(name, &agent).await?;
        agents.push(agent);
    }
    // Message and turn; plan and calls; each reply but the last; the last one with the answer. One more, where an agent
    // takes so long that the name of its work is written by itself.
    for (question, transactions, round_trips) in [
        ("@weather how is it?", 4.5, 8.5),
        ("@words how is it?", 4.5, 8.5),
        ("@weather @stocks @news how is it?", 6.5, 13.5),
    ] {
        let counted = each(&house, question).await?;
        for (name, count) in &counted {
            println!("{count:6.2} {name}");
        }
        assert!(sum(&counted, TRANSACTIONS) <= transactions, "{question}: {counted:#?}");
        assert!(sum(&counted, ROUND_TRIPS) <= round_trips, "{question}: {counted:#?}");
    }
    house.stop().await
}

#[tokio::test]
async fn a_benchmark_of_turns_says_what_each_took_and_cost() -> anyhow::Result<()> {
    let arguments = ["bench", "turns", "--rate", "4", "--seconds", "3", "--warm-up", "1", "--people", "2"];
    let folder = tempfile::tempdir()?;
    let bench = switchboard().args(arguments).arg("--json").current_dir(folder.path()).output();
    let ran = timeout(Duration::from_secs(120), bench).await??;
    let said = String::from_utf8_lossy(&ran.stderr);
    let figures: Value = serde_json::from_slice(&ran.stdout).map_err(|_| anyhow::anyhow!("{said}"))?;
    for all in ["sent", "acknowledged", "answered"] {
        assert_eq!(figures[all], 12, "{all}: {figures}");
    }
    let known = |value: &Value| value.as_f64().is_some_and(|value| value > 0.0);
    for part in ["core", "edge", "postgres", "agents", "client"] {
        assert!(figures["cpu_ms"][part].is_number(), "{part}: {figures}");
    }
    for stage in ["accept", "wait", "brief", "route", "call", "synthesise", "close", "record"] {
        assert!(known(&figures["stage_ms"][stage]), "{stage}: {figures}");
    }
    for quantile in ["acknowledgement_ms", "first_piece_ms", "answer_ms", "own_ms"] {
        assert!(known(&figures[quantile]["p99"]), "{quantile}: {figures}");
    }
    assert!(known(&figures["cpu_own_ms"]) && known(&figures["transactions"]), "{figures}");
    assert!(figures["is_quiet"].is_boolean(), "{figures}");
    Ok(())
}
