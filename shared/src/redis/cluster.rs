//! Which node has a key. Found out from any node that answers, and again whenever something is amiss: after a
//! redirection, when a connection has begun or ended, and now and then in any case.

use super::{
    access::Access,
    node::{AskError, Bounds, Ear, News, Node, PATIENCE, RETRY, visit, warn_of},
    replication,
    slots::{Redirection, SLOTS, Slots},
};
use crate::api::RedisNode;
use arc_swap::ArcSwap;
use fred::{
    error::{Error, ErrorKind},
    types::{FromValue, Value, config::Server},
    util::redis_keyslot,
};
use futures::{
    FutureExt,
    future::{join_all, select_ok},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Nodes that connections are kept to. Redis advises against clusters of more than a thousand; beyond, slots are nobody's.
const MAX_NODES: usize = 1_000;
/// A command is sent elsewhere so often.
const MAX_REDIRECTIONS: usize = 3;
/// How often it is looked at who has which slots while all is well.
const ROUTINE: Duration = Duration::from_secs(10);
/// Between two looks, however much is amiss.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a node is kept that was heard of in a redirection alone.
const GUEST: Duration = Duration::from_secs(30);

/// A Redis Cluster. Ends its connections when it is dropped.
pub struct Cluster {
    router: Arc<Router>,
    _end: DropGuard,
}

struct Router {
    access: Access,
    bounds: Bounds,
    ear: Option<Ear>,
    map: ArcSwap<Map>,
    /// Held by whoever makes another map of this one.
    changing: Mutex<()>,
    news: Arc<News>,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// Who has which slots, as far as is known.
#[derive(Default)]
struct Map {
    /// First slot, last slot and their node, in order.
    ranges: Vec<(u16, u16, Arc<Node>)>,
    /// By every name that the cluster has for it.
    nodes: HashMap<Server, Arc<Node>>,
    replicas: Vec<Server>,
    whole: bool,
}

impl Cluster {
    /// Connects in the background, and keeps connected. `ear` hears what is said on channels that are subscribed to.
    #[must_use]
    pub fn start(access: Access, bounds: Bounds, ear: Option<Ear>) -> Self {
        let cluster = Self::new(access, bounds, ear);
        cluster.router.tasks.spawn(Arc::clone(&cluster.router).keep_looking());
        cluster
    }

    fn new(access: Access, bounds: Bounds, ear: Option<Ear>) -> Self {
        let end = CancellationToken::new();
        let router = Arc::new(Router {
            access,
            bounds,
            ear,
            map: ArcSwap::default(),
            changing: Mutex::default(),
            news: Arc::default(),
            tasks: TaskTracker::new(),
            end: end.clone(),
        });
        Self { router, _end: end.drop_guard() }
    }

    /// Connects, and waits for that: no longer than `patience` for what a node says about the cluster, and a moment for
    /// the nodes.
    ///
    /// # Errors
    /// When no node can be reached.
    pub async fn connect(access: Access, bounds: Bounds, patience: Duration) -> Result<Self, Error> {
        let cluster = Self::new(access, bounds, None);
        let slots = timeout(patience, cluster.router.look()).await;
        let slots = slots.map_err(|_| Error::new(ErrorKind::Timeout, "no node answered in time"))??;
        cluster.router.take_over(slots);
        cluster.router.tasks.spawn(Arc::clone(&cluster.router).keep_looking());
        let map = cluster.router.map.load_full();
        let connected = join_all(map.ranges.iter().map(|(.., node)| node.connected()));
        // A node that is down is no reason not to begin.
        drop(timeout(PATIENCE, connected).await);
        Ok(cluster)
    }

    /// Sends a command to the node that has `key`, and wherever that sends it. Takes no longer than the bound of a
    /// command.
    ///
    /// # Errors
    /// When the node does not answer in time, or with an error.
    pub async fn ask<R: FromValue>(
        &self,
        key: &str,
        command: &'static str,
        arguments: &[Value],
    ) -> Result<R, AskError> {
        let deadline = Instant::now() + self.router.bounds.command;
        let Some(node) = self.router.map.load().owner(key) else { return Err(AskError::Nowhere) };
        let error = match node.ask(command, arguments, false).await {
            Err(AskError::Redis(error)) => error,
            answer => return answer,
        };
        let Some(redirection) = Redirection::read(error.details(), &node.server) else {
            self.router.news.look.notify_one();
            return Err(error.into());
        };
        let followed = self.router.follow(redirection, command, arguments);
        let followed = timeout_at(deadline, followed).await;
        followed
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "sent elsewhere, and no answer").into()))
    }

    /// The connection over which `key` is reached, as a number that no other connection has.
    #[must_use]
    pub fn connection(&self, key: &str) -> Option<u64> {
        let connection = self.router.map.load().owner(key)?.connection();
        (connection != 0).then_some(connection)
    }

    /// Every node that has slots, and those that follow it, as each of the former says.
    pub async fn replication(&self) -> Vec<RedisNode> {
        let map = self.router.map.load_full();
        let mut nodes: Vec<_> = map.ranges.iter().map(|(.., node)| Arc::clone(node)).collect();
        nodes.sort_by_key(|node| node.server.to_string());
        nodes.dedup_by_key(|node| node.server.to_string());
        let said = nodes.iter().map(async |node| {
            let info: Result<String, _> = node.ask("INFO", &["replication".into()], false).await;
            replication::read(&node.server.to_string(), info.ok().as_deref())
        });
        join_all(said).await.concat()
    }

    /// Tells when [`Cluster::connection`] may have changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.router.news.changes.subscribe()
    }
}

impl Router {
    async fn keep_looking(self: Arc<Self>) {
        let mut said = String::new();
        loop {
            let looked = tokio::select! {
                looked = self.look() => looked,
                () = self.end.cancelled() => break,
            };
            match looked {
                Ok(slots) => {
                    said.clear();
                    self.take_over(slots);
                }
                Err(error) => warn_of(&"any node", &error, &mut said),
            }
            let settled = said.is_empty() && self.map.load().is_settled();
            tokio::select! {
                () = self.end.cancelled() => break,
                () = sleep(if settled { ROUTINE } else { RETRY }) => {}
                () = async { sleep(PAUSE).await; self.news.look.notified().await } => {}
            }
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.map.swap(Arc::default()).nodes.values().for_each(|node| node.closed.cancel());
    }

    /// Asks the nodes that are connected, all at once, and all that were ever heard of where none of them answers.
    async fn look(&self) -> Result<Slots, Error> {
        let map = self.map.load_full();
        let mut nodes: Vec<_> = map.ranges.iter().map(|(.., node)| node).collect();
        nodes.sort_by_key(|node| Arc::as_ptr(node));
        nodes.dedup_by_key(|node| Arc::as_ptr(node));
        nodes.retain(|node| node.connection() != 0);
        if !nodes.is_empty()
            && let Ok((slots, _)) = select_ok(nodes.iter().map(|node| Box::pin(node.slots()))).await
        {
            return Ok(slots);
        }
        self.look_from_outside(&map.replicas).await
    }

    /// Asks the replicas that were heard of and the nodes of the URLs, all at once.
    async fn look_from_outside(&self, replicas: &[Server]) -> Result<Slots, Error> {
        let replicas = replicas.iter().map(|server| (server, self.access.node(server)));
        let seeds = self.access.seeds.iter().map(|server| (server, self.access.seed(server)));
        let visits = replicas.chain(seeds).map(|(server, config)| {
            let server = server.clone();
            // A task of its own, since a visit has to be waited for, and the first answer is enough.
            self.tasks.spawn(async move { visit(&server, config).await })
        });
        let answers =
            visits.map(|visit| visit.map(|answer| answer.unwrap_or_else(|ended| Err(ended.into()))));
        Ok(select_ok(answers).await?.0)
    }

    /// Nodes that are known stay connected, others are connected to, and those that are gone are closed.
    fn take_over(self: &Arc<Self>, slots: Slots) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.map.load_full();
        let mut map = Map { whole: slots.are_whole(), replicas: slots.replicas, ..Map::default() };
        map.replicas.truncate(MAX_NODES);
        for (first, last, place) in slots.ranges {
            let known =
                [&map.nodes, &old.nodes].into_iter().find_map(|nodes| nodes.get(&place.server).cloned());
            let Some(node) = known.or_else(|| self.begin(&place.server, map.nodes.len())) else { continue };
            map.nodes.insert(place.announced, Arc::clone(&node));
            map.nodes.insert(place.server, Arc::clone(&node));
            map.ranges.push((first, last, node));
        }
        for (server, node) in &old.nodes {
            if node.guest_until > Instant::now() {
                map.nodes.entry(server.clone()).or_insert_with(|| Arc::clone(node));
            }
        }
        let gone = |node: &&Arc<Node>| !map.nodes.values().any(|stays| Arc::ptr_eq(stays, node));
        old.nodes.values().filter(gone).for_each(|node| node.closed.cancel());
        let moved = !same(&old.ranges, &map.ranges);
        self.map.store(Arc::new(map));
        if moved {
            self.news.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// Sends a command where it was sent.
    async fn follow<R: FromValue>(
        self: &Arc<Self>,
        mut redirection: Redirection,
        command: &'static str,
        arguments: &[Value],
    ) -> Result<R, AskError> {
        let mut redirected = 1;
        loop {
            let (asking, server) = match &redirection {
                Redirection::Ask(server) => (true, server),
                Redirection::Moved(server) => {
                    self.news.look.notify_one();
                    (false, server)
                }
            };
            let Some(node) = self.guest(server) else { return Err(AskError::Nowhere) };
            node.connected().await;
            let error = match node.ask(command, arguments, asking).await {
                Err(AskError::Redis(error)) => error,
                answer => return answer,
            };
            redirected += 1;
            redirection = match Redirection::read(error.details(), &node.server) {
                Some(redirection) if redirected <= MAX_REDIRECTIONS => redirection,
                _ => return Err(error.into()),
            };
        }
    }

    /// The node at an address that a redirection named.
    fn guest(self: &Arc<Self>, server: &Server) -> Option<Arc<Node>> {
        if let Some(node) = self.map.load().nodes.get(server) {
            return Some(Arc::clone(node));
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.map.load_full();
        if let Some(node) = old.nodes.get(server) {
            return Some(Arc::clone(node));
        }
        let node = self.begin(server, old.nodes.len())?;
        let mut nodes = old.nodes.clone();
        nodes.insert(server.clone(), Arc::clone(&node));
        let (ranges, replicas) = (old.ranges.clone(), old.replicas.clone());
        self.map.store(Arc::new(Map { ranges, nodes, replicas, whole: old.whole }));
        Some(node)
    }

    fn begin(self: &Arc<Self>, server: &Server, others: usize) -> Option<Arc<Node>> {
        if others >= MAX_NODES || self.end.is_cancelled() {
            return None;
        }
        let (config, guest_until) = (self.access.node(server), Instant::now() + GUEST);
        let node = Node::new(server.clone(), config, self.bounds, self.ear.clone(), guest_until);
        let node = Arc::new(node.inspect_err(|error| tracing::error!(%error, "no client for a node")).ok()?);
        self.tasks.spawn(Arc::clone(&node).keep_connected(Arc::clone(&self.news)));
        Some(node)
    }
}

impl Map {
    fn owner(&self, key: &str) -> Option<Arc<Node>> {
        let slot = redis_keyslot(key.as_bytes()) % SLOTS;
        let next = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, node) = self.ranges.get(next.checked_sub(1)?)?;
        (slot <= *last).then(|| Arc::clone(node))
    }

    /// Whether every slot has a node that is connected.
    fn is_settled(&self) -> bool {
        self.whole && self.ranges.iter().all(|(.., node)| node.connection() != 0)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("access", &self.router.access).finish_non_exhaustive()
    }
}

fn same(old: &[(u16, u16, Arc<Node>)], new: &[(u16, u16, Arc<Node>)]) -> bool {
    old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(old, new)| (old.0, old.1) == (new.0, new.1) && Arc::ptr_eq(&old.2, &new.2))
}
