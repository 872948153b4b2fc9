//! A restart of everything that there is more than one of, each in good order: what leads hands over first.

use super::{faults::Scene, postgres};
use crate::{
    error::{Error, Result},
    topology::redis,
};
use serde::Deserialize;
use serde_json::Value;
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep};

/// How long a Redis node may take to hand over, and to follow again.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A node of the cluster, as the description of a house has it.
#[derive(Clone, Debug, Deserialize)]
struct Node {
    name: String,
    port: u16,
    password_file: PathBuf,
}

impl Scene<'_> {
    /// Both tiers, and in a full house the state below them.
    pub(super) async fn roll(&mut self) -> Result<()> {
        self.restart_each(&["edge", "core"]).await?;
        let nodes = nodes(&self.target.described("redis"));
        if nodes.len() > 1 {
            for node in &nodes {
                self.roll_redis(node, &nodes).await?;
            }
        }
        self.roll_postgres().await
    }

    async fn roll_redis(&mut self, node: &Node, all: &[Node]) -> Result<()> {
        let target = self.target;
        let work = async {
            if let Some(replica) = replica_of(node, all).await? {
                replica.ask("CLUSTER FAILOVER").await?;
                node.becomes("role:slave").await?;
            }
            target.restart(&node.name).await?;
            node.becomes("master_link_status:up").await
        };
        self.fault(&format!("{} told to end, and started again", node.name), work).await
    }

    /// The followers first, then the leader, after it has handed over.
    async fn roll_postgres(&mut self) -> Result<()> {
        let (target, hosts) = (self.target, postgres::hosts(&self.target.described("postgres")));
        if hosts.is_empty() {
            return Ok(());
        }
        let leader = postgres::leader(&hosts).await?;
        let followers = hosts.iter().filter(|host| host.name != leader.name);
        for host in followers.chain([&leader]) {
            if host.name == leader.name {
                self.fault("the primary hands over", postgres::switch_over(&hosts, None)).await?;
            }
            let work = target.restart(&host.name);
            self.fault(&format!("{} and its server told to end, and started again", host.name), work).await?;
        }
        Ok(())
    }
}

impl Node {
    async fn ask(&self, command: &str) -> Result<String> {
        let password =
            std::fs::read_to_string(&self.password_file).map_err(Error::file(&self.password_file))?;
        redis::ask(self.port, password.trim(), command).await
    }

    /// Waits until its replication is like that.
    async fn becomes(&self, wanted: &str) -> Result<()> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        loop {
            match self.ask("INFO replication").await {
                Ok(said) if said.contains(wanted) => return Ok(()),
                _ if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                Ok(_) => return Err(Error::Failed(format!("{}: no {wanted}", self.name))),
                Err(error) => return Err(error),
            }
        }
    }
}

fn nodes(described: &[Value]) -> Vec<Node> {
    described.iter().filter_map(|node| serde_json::from_value(node.clone()).ok()).collect()
}

/// Whoever follows this node; none when it follows somebody itself.
async fn replica_of(node: &Node, all: &[Node]) -> Result<Option<Node>> {
    if !node.ask("INFO replication").await?.contains("role:master") {
        return Ok(None);
    }
    let follows = format!("master_port:{}\r", node.port);
    for other in all.iter().filter(|other| other.port != node.port) {
        let said = other.ask("INFO replication").await?;
        if said.contains(&follows) && said.contains("master_link_status:up") {
            return Ok(Some(other.clone()));
        }
    }
    Err(Error::Failed(format!("nobody follows {}, so it cannot hand over", node.name)))
}
