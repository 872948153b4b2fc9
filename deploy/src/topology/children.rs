//! The children of a house in one list: those who answer stand before those who ask them. They start in this order, end
//! in the opposite one, and of several that died at once the first in the list comes back first, the agents last.

use super::{
    agents::Agents,
    full::{Etcd, Patroni},
    node::Node,
    postgres::Postgres,
    process::{Process, Spec},
    redis::Redis,
};
use crate::error::Result;
use futures::future::{join_all, select_all, try_join_all};
use std::{mem::discriminant, process::ExitStatus, time::Duration};

/// How long a core or an edge may take to be ready once it listens.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A part of the house that is a process of its own.
#[derive(Debug)]
pub enum Child {
    /// The database.
    Postgres(Postgres),
    /// A member of what keeps the writer's name, in a full house.
    Etcd(Etcd),
    /// A member of the database, in a full house.
    Patroni(Patroni),
    /// What cores and edges share, where there are several.
    Redis(Redis),
    /// All the example agents.
    Agents(Agents),
    /// A core.
    Core(Node),
    /// An edge.
    Edge(Node),
}

impl Child {
    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        match self {
            Self::Postgres(postgres) => postgres.process(),
            Self::Etcd(etcd) => etcd.process(),
            Self::Patroni(patroni) => patroni.process(),
            Self::Redis(redis) => redis.process(),
            Self::Agents(agents) => agents.process(),
            Self::Core(node) | Self::Edge(node) => node.process(),
        }
    }

    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Etcd(_) => "etcd",
            Self::Patroni(_) => "patroni",
            Self::Redis(_) => "redis",
            Self::Agents(_) => "agents",
            Self::Core(_) => "core",
            Self::Edge(_) => "edge",
        }
    }

    /// Starts it again: Postgres on the same data, Redis empty but with all slots, the agents in other places.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&self) -> Result<()> {
        match self {
            Self::Postgres(postgres) => postgres.restart().await,
            Self::Redis(redis) => redis.restart().await,
            Self::Etcd(etcd) => etcd.process().restart().await,
            Self::Patroni(patroni) => patroni.process().restart().await,
            Self::Agents(agents) => agents.process().restart().await,
            Self::Core(node) | Self::Edge(node) => node.restart().await,
        }
    }

    /// Lets it end.
    async fn end(&self) -> Result<()> {
        match self {
            Self::Patroni(patroni) => patroni.end().await,
            other => other.process().terminate().await,
        }
    }

    fn node(&self) -> Option<&Node> {
        match self {
            Self::Core(node) | Self::Edge(node) => Some(node),
            _ => None,
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        discriminant(self) == discriminant(other)
    }
}

/// The list. What still runs when it is dropped is killed, from its end on.
#[derive(Debug, Default)]
pub struct Children(Vec<Child>);

impl Children {
    /// Adds one that asks nobody but those before it.
    pub fn push(&mut self, child: Child) {
        self.0.push(child);
    }

    /// Starts several of a kind at once and adds them.
    ///
    /// # Errors
    /// When one does not start; then none is added.
    pub async fn start(&mut self, specs: Vec<Spec>, kind: fn(Node) -> Child) -> Result<()> {
        let nodes = try_join_all(specs.into_iter().map(Node::start)).await?;
        self.0.extend(nodes.into_iter().map(kind));
        Ok(())
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.0.iter()
    }

    /// Waits until every core and every edge is ready.
    ///
    /// # Errors
    /// Names one that is not in time.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let nodes = self.0.iter().filter_map(Child::node);
        try_join_all(nodes.map(|node| node.wait_until_ready(READY_WITHIN))).await.map(drop)
    }

    /// Waits until one ends without having been told to; of several, the one that others need. Safe to drop.
    pub async fn died(&self) -> (&Child, ExitStatus) {
        // The agents are registered over the others, so they come back after them.
        let (agents, others): (Vec<_>, Vec<_>) =
            self.iter().partition(|child| matches!(child, Child::Agents(_)));
        let all = others.into_iter().chain(agents);
        let all = all.map(|child| Box::pin(async move { (child, child.process().died().await) }));
        select_all(all).await.0
    }

    /// Lets them end: those of a kind at once, one kind after another from the end of the list.
    ///
    /// # Errors
    /// Names the first that had to be killed; everything is ended all the same.
    pub async fn stop(&self) -> Result<()> {
        let mut ended = Vec::new();
        for kind in self.0.chunk_by(Child::is_like).rev() {
            ended.extend(join_all(kind.iter().map(Child::end)).await);
        }
        ended.into_iter().collect()
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        // A list drops its first entry first, and that is the one that all others need.
        while self.0.pop().is_some() {}
    }
}
