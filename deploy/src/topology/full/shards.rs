//! The Redis Cluster of three primaries, each with a replica. It is made anew at each start: what is in it may be lost.

use super::{
    places::{Full, SHARDS},
    template::filled,
};
use crate::{
    error::{Error, Result},
    topology::{
        files,
        redis::{self, Redis},
    },
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(super) const TEMPLATE: &str = include_str!("../../../full/redis.conf");
#[cfg(test)]
pub(super) const VALUES: &[&str] = &["port", "bus_port", "password", "folder"];

/// The slots of a cluster (Redis Cluster specification, "Key distribution model").
const SLOTS: usize = 16_384;
/// How long they may take to know each other.
const START_WITHIN: Duration = Duration::from_secs(30);

/// Starts six nodes and makes them one cluster.
pub(super) async fn start(full: &Full<'_>) -> Result<Vec<Redis>> {
    let folder = full.base.join("redis");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
    }
    files::folder(&folder, 0o700)?;
    let password_file = full.base.join("redis.key");
    let password = files::random_key(&password_file)?;
    let mut nodes = Vec::new();
    for (number, (port, bus)) in (1..).zip(full.places.redis) {
        let name = format!("redis-{number}");
        let own = folder.join(&name);
        files::folder(&own, 0o700)?;
        let (port_text, bus_text) = (port.to_string(), bus.to_string());
        let settings = filled(
            TEMPLATE,
            &[
                ("port", port_text.as_str()),
                ("bus_port", &bus_text),
                ("password", &password),
                ("folder", &redis::quoted(&own)),
            ],
        );
        nodes.push(Redis::node(&name, &own, (port, &password_file), &settings, full.logs).await?);
    }
    let bus = full.places.redis.map(|(_, bus)| bus);
    join(&nodes, &bus).await?;
    Ok(nodes)
}

async fn join(nodes: &[Redis], bus: &[u16]) -> Result<()> {
    for (number, node) in nodes.iter().enumerate() {
        node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1)).await?;
        if number < SHARDS {
            let (from, to) = (number * SLOTS / SHARDS, (number + 1) * SLOTS / SHARDS - 1);
            node.ask(&format!("CLUSTER ADDSLOTSRANGE {from} {to}")).await?;
        }
        if number > 0 {
            node.ask(&format!("CLUSTER MEET 127.0.0.1 {} {}", nodes[0].port(), bus[0])).await?;
        }
    }
    for node in nodes {
        let known = format!("cluster_known_nodes:{}\r", nodes.len());
        until(node, "CLUSTER INFO", |answer| answer.contains(&known)).await?;
    }
    for (primary, replica) in nodes.iter().zip(&nodes[SHARDS..]) {
        let id = primary.ask("CLUSTER MYID").await?;
        let id = id.lines().nth(1).unwrap_or_default().trim().to_owned();
        replica.ask(&format!("CLUSTER REPLICATE {id}")).await?;
        until(replica, "INFO replication", |answer| answer.contains("master_link_status:up")).await?;
    }
    for node in nodes {
        until(node, "CLUSTER INFO", |answer| answer.contains("cluster_state:ok")).await?;
    }
    Ok(())
}

async fn until(node: &Redis, command: &str, good: impl Fn(&str) -> bool) -> Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let answer = node.ask(command).await?;
        if good(&answer) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let reason = format!("is not part of its cluster; {command} says {}", answer.trim());
            return Err(node.process().fault(&reason, None));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
