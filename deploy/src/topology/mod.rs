//! One way to start the house: `switchboard up` and the end-to-end tests both use it.
//!
//! ```text
//! data/  postgres/ redis/ agents/   what the children keep
//!        tls/ issuer/               certificate and token key, made once
//!        sessions/ provider/        keys of those who sign in, and of the development provider, made once
//!        run/                       configuration written at each start, house.json, the lock
//!        logs/                      one log per child
//! ```

pub mod account;
pub mod agents;
pub mod binaries;
pub mod ca;
pub mod children;
pub mod config;
pub mod control;
pub mod data;
pub mod files;
pub mod full;
pub mod issuer;
pub mod log;
pub mod members;
pub mod names;
pub mod node;
pub mod options;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod session_keys;
mod start;

use crate::{
    client::Client,
    error::{Error, Result},
    house::{self, Agent, House},
    provider::Provider,
};
use agents::Agents;
use ca::Certificates;
use children::{Child, Children};
use chrono::Utc;
use issuer::{Claims, Issuer};
use node::Node;
pub use options::Options;
use postgres::Postgres;
use redis::Redis;
use session_keys::SessionKeys;
use start::Start;
use std::{
    collections::HashSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use url::Url;

/// A running house. What still runs when it is dropped is killed; [`Topology::stop`] is the orderly end.
#[derive(Debug)]
pub struct Topology {
    children: Children,
    certificates: Certificates,
    issuer: Issuer,
    provider: Provider,
    data: PathBuf,
    /// The parts that are being started again.
    starting: Mutex<HashSet<String>>,
    _lock: File,
}

impl Topology {
    /// Starts the house and waits until all of it is ready. Every wait has a bound.
    ///
    /// # Errors
    /// Names what failed, with the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let listens = options.edge_addresses()?;
        let data = data::prepare(&options.data)?;
        let lock = data::lock(&data)?;
        let identity_key = data.join("run").join("identity.key");
        let certificates = Certificates::ensure(&data.join("tls"), &names::of(&listens), Utc::now())?;
        let issuer = Issuer::ensure(&data.join("issuer"))?;
        files::random_key(&identity_key)?;
        let session_keys = SessionKeys::ensure(&data.join("sessions"))?;
        let origins = names::origins(&listens);
        let provider = Provider::start(&data.join("provider"), &origins).await?;
        let start = Start {
            options: &options,
            data: &data,
            listens: &listens,
            certificates: &certificates,
            issuer: &issuer,
            identity_key: &identity_key,
            session_keys: &session_keys,
            origins: &origins,
            provider: &provider.url,
        };
        let children = Box::pin(start.children()).await?;
        let starting = Mutex::default();
        let house = Self { children, certificates, issuer, provider, data, starting, _lock: lock };
        if options.register_agents && options.agents {
            (options.progress)("registering the example agents");
            house.register_agents().await?;
        }
        house.describe(options.without())?.write()?;
        Ok(house)
    }

    /// The first edge's address.
    ///
    /// # Panics
    /// Never: a house has at least one edge, which [`Options`] checks.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.edges().first().expect("a house has at least one edge, which its options check").url()
    }

    /// The CA file that clients trust.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.certificates.ca
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The development issuer.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The development provider, with whom people sign in.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The edges, in order.
    #[must_use]
    pub fn edges(&self) -> Vec<&Node> {
        self.each(|child| match child {
            Child::Edge(it) => Some(it),
            _ => None,
        })
        .collect()
    }

    /// The cores, in order.
    #[must_use]
    pub fn cores(&self) -> Vec<&Node> {
        self.each(|child| match child {
            Child::Core(it) => Some(it),
            _ => None,
        })
        .collect()
    }

    /// Postgres, to be stopped, killed and started again.
    ///
    /// # Panics
    /// Never: every house has one.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        self.each(|child| match child {
            Child::Postgres(it) => Some(it),
            _ => None,
        })
        .next()
        .expect("every house starts with its database")
    }

    /// Redis, if this house has one.
    #[must_use]
    pub fn redis(&self) -> Option<&Redis> {
        self.each(|child| match child {
            Child::Redis(it) => Some(it),
            _ => None,
        })
        .next()
    }

    /// Every part, in the order in which they start.
    pub fn children(&self) -> impl Iterator<Item = &Child> {
        self.children.iter()
    }

    /// Where the example agents are; empty without them.
    #[must_use]
    pub fn agents(&self) -> Vec<Agent> {
        self.example_agents().and_then(|agents| agents.list().ok()).unwrap_or_default()
    }

    /// A token for `user` of the demo tenant, good for an hour.
    ///
    /// # Errors
    /// When the name is not a user id.
    pub fn token(&self, user: &str, roles: &[&str]) -> Result<String> {
        self.issuer.token(&Claims::demo(user, roles)?, Utc::now().timestamp())
    }

    /// A client of the first edge, as `user`.
    ///
    /// # Errors
    /// As [`Topology::token`].
    pub fn client(&self, user: &str, roles: &[&str]) -> Result<Client> {
        Client::new(self.url().clone(), Some(self.ca()), &self.token(user, roles)?)
    }

    /// Describes the house, with a token for `ann` that is good for twelve hours.
    ///
    /// # Errors
    /// When the token cannot be made.
    pub fn describe(&self, without: Vec<String>) -> Result<House> {
        let mut claims = Claims::demo("ann", &["user", "agent-admin"])?;
        claims.lifetime = Duration::from_secs(12 * 3600);
        Ok(House {
            url: self.url().clone(),
            ca: self.certificates.ca.clone(),
            token: self.issuer.token(&claims, Utc::now().timestamp())?,
            edges: self.edges().into_iter().map(Node::describe).collect(),
            cores: self.cores().into_iter().map(Node::describe).collect(),
            agents: self.agents(),
            etcd: self.each(etcd).collect(),
            postgres: self.each(postgres_member).collect(),
            redis: self.each(redis_node).collect(),
            data: self.data.clone(),
            pid: std::process::id(),
            without,
        })
    }

    /// Waits until a child ends without having been told to; of several, the one that others need. Safe to drop.
    pub async fn died(&self) -> (&Child, ExitStatus) {
        self.children.died().await
    }

    /// Starts a child that died again. The agents are registered again, since their places have changed.
    ///
    /// # Errors
    /// When it does not come back, or somebody else is starting it.
    pub async fn revive(&self, child: &Child) -> Result<()> {
        let name = child.process().name();
        if !self.starting().insert(name.to_owned()) {
            return Err(Error::Failed(format!("{name} is being started already")));
        }
        let _done = Done { house: self, name };
        child.restart().await?;
        match child {
            Child::Agents(_) => self.register_agents().await,
            _ => Ok(()),
        }
    }

    /// The names of what runs, in the order in which it ends.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.children.iter().rev().map(|child| child.process().name()).collect()
    }

    /// Whether a part is being started again just now.
    #[must_use]
    pub fn is_starting(&self, name: &str) -> bool {
        self.starting().contains(name)
    }

    fn starting(&self) -> MutexGuard<'_, HashSet<String>> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drains everything in the order of [`Topology::names`].
    ///
    /// # Errors
    /// Names the first that had to be killed; everything is ended all the same.
    pub async fn stop(self) -> Result<()> {
        self.children.stop().await
    }

    async fn register_agents(&self) -> Result<()> {
        let Some(agents) = self.example_agents() else { return Ok(()) };
        agents.register(&self.client("switchboard-up", &["admin"])?).await.map(drop)
    }

    fn example_agents(&self) -> Option<&Agents> {
        self.each(|child| match child {
            Child::Agents(it) => Some(it),
            _ => None,
        })
        .next()
    }

    fn each<'a, T: 'a>(&'a self, kind: impl Fn(&'a Child) -> Option<T>) -> impl Iterator<Item = T> {
        self.children.iter().filter_map(kind)
    }
}

/// A part that is being started again, until this goes.
struct Done<'h> {
    house: &'h Topology,
    name: &'h str,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.house.starting().remove(self.name);
    }
}

fn etcd(child: &Child) -> Option<house::Member> {
    let Child::Etcd(etcd) = child else { return None };
    Some(house::Member { name: etcd.process().name().to_owned(), url: etcd.url() })
}

fn postgres_member(child: &Child) -> Option<house::PostgresMember> {
    let Child::Patroni(patroni) = child else { return None };
    Some(house::PostgresMember {
        name: patroni.process().name().to_owned(),
        port: patroni.port(),
        patroni_url: patroni.url(),
        data: patroni.folder().to_owned(),
        socket: patroni.socket().to_owned(),
    })
}

fn redis_node(child: &Child) -> Option<house::RedisNode> {
    let Child::Redis(redis) = child else { return None };
    Some(house::RedisNode {
        name: redis.process().name().to_owned(),
        port: redis.port(),
        password_file: redis.password_file().to_owned(),
    })
}

impl Drop for Topology {
    fn drop(&mut self) {
        // A house that was dropped must not be found.
        drop(fs::remove_file(house::described_in(&self.data)));
    }
}
