//! One way to start the house: `switchboard up` and the end-to-end tests both use it.
//!
//! ```text
//! data/  postgres/ redis/ agents/   what the children keep
//!        tls/ issuer/               certificate and token key, made once
//!        run/                       configuration written at each start, house.json, the lock
//!        logs/                      one log per child
//! ```

pub mod account;
pub mod agents;
pub mod binaries;
pub mod ca;
pub mod config;
pub mod data;
pub mod files;
pub mod issuer;
pub mod log;
pub mod names;
pub mod node;
pub mod options;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;

use crate::{
    client::Client,
    environment,
    error::{Error, Result},
    house::{self, Agent, House},
};
use agents::Agents;
use ca::Certificates;
use chrono::Utc;
use futures::future::{join_all, select_all, try_join_all};
use issuer::{Claims, Issuer};
use node::Node;
pub use options::Options;
use postgres::Postgres;
use process::{Process, Spec};
use redis::Redis;
use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};
use url::Url;

/// A running house. What still runs when it is dropped is killed; [`Topology::stop`] is the orderly end.
#[derive(Debug)]
pub struct Topology {
    // Dropped in this order: those who ask before those who answer.
    edges: Vec<Node>,
    cores: Vec<Node>,
    agents: Option<Agents>,
    redis: Option<Redis>,
    postgres: Postgres,
    certificates: Certificates,
    issuer: Issuer,
    data: PathBuf,
    _lock: File,
}

impl Topology {
    /// Starts the house and waits until all of it is ready. Every wait has a bound.
    ///
    /// # Errors
    /// Names what failed, with the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let say = |line: &str| (options.progress)(line);
        let listens = options.edge_addresses()?;
        let data = data::prepare(&options.data)?;
        let lock = data::lock(&data)?;
        let (run, logs) = (data.join("run"), data.join("logs"));
        let certificates = Certificates::ensure(&data.join("tls"), &names::of(&listens), Utc::now())?;
        let issuer = Issuer::ensure(&data.join("issuer"))?;
        files::random_key(&run.join("identity.key"))?;

        say("starting postgres");
        let postgres = Postgres::start(&data, &logs, &*options.progress).await?;
        let redis = if options.wants_redis() {
            say("starting redis");
            Some(Redis::start(&data, &logs).await?)
        } else {
            None
        };
        let agents = if options.agents {
            say("starting the example agents");
            let program = environment::sibling("switchboard-agents", options.programs.as_deref())?;
            Some(Agents::start(program, &data.join("agents"), &logs, options.agents_reach_private).await?)
        } else {
            None
        };
        let (key, url) = (run.join("identity.key"), redis.as_ref().map(Redis::url));
        let shared = config::Shared {
            identity_key: &key,
            redis: url.as_deref(),
            otlp: options.otlp.as_ref().map(Url::as_str),
        };
        let cores = start_cores(&options, &shared, &postgres, &run, &logs).await?;
        let edges =
            start_edges(&options, &shared, &cores, &listens, (&certificates, &issuer), &run, &logs).await?;
        let house = Self { edges, cores, agents, redis, postgres, certificates, issuer, data, _lock: lock };
        house.wait_until_ready().await?;
        if options.register_agents
            && let Some(agents) = &house.agents
        {
            say("registering the example agents");
            agents.register(&house.client("switchboard-up", &["admin"])?).await?;
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
        self.edges[0].url()
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

    /// The edges, in order.
    #[must_use]
    pub fn edges(&self) -> &[Node] {
        &self.edges
    }

    /// The cores, in order.
    #[must_use]
    pub fn cores(&self) -> &[Node] {
        &self.cores
    }

    /// Postgres, to be stopped, killed and started again.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// Redis, if this house has one.
    #[must_use]
    pub fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    /// The example agents' process, if this house has them.
    #[must_use]
    pub fn agents_process(&self) -> Option<&Agents> {
        self.agents.as_ref()
    }

    /// Where the example agents are; empty without them.
    #[must_use]
    pub fn agents(&self) -> Vec<Agent> {
        self.agents.as_ref().and_then(|agents| agents.list().ok()).unwrap_or_default()
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
            edges: self.edges.iter().map(Node::describe).collect(),
            cores: self.cores.iter().map(Node::describe).collect(),
            agents: self.agents(),
            data: self.data.clone(),
            pid: std::process::id(),
            without,
        })
    }

    /// Waits until a child ends without having been told to; of several, names the one that others need. Safe to
    /// drop.
    pub async fn died(&self) -> (&Process, ExitStatus) {
        let all = self
            .processes()
            .into_iter()
            .map(|process| Box::pin(async move { (process, process.died().await) }));
        select_all(all).await.0
    }

    /// Starts a child that died again: Postgres on the same data, Redis empty but with all slots. The agents are
    /// registered again, since their places have changed.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn revive(&self, name: &str) -> Result<()> {
        if let Some(node) = self.cores.iter().chain(&self.edges).find(|node| node.process().name() == name) {
            return node.restart().await;
        }
        if self.postgres.process().name() == name {
            return self.postgres.restart().await;
        }
        if let Some(redis) = self.redis.as_ref().filter(|redis| redis.process().name() == name) {
            return redis.restart().await;
        }
        match &self.agents {
            Some(agents) if agents.process().name() == name => {
                agents.process().restart().await?;
                agents.register(&self.client("switchboard-up", &["admin"])?).await.map(drop)
            }
            _ => Err(Error::Failed(format!("{name} is not started again by itself"))),
        }
    }

    /// Drains everything in order: edges, cores, agents, redis, postgres.
    ///
    /// # Errors
    /// Names the first that had to be killed; everything is ended all the same.
    pub async fn stop(self) -> Result<()> {
        let mut ended: Vec<Result<()>> = join_all(self.edges.iter().map(Node::terminate)).await;
        ended.extend(join_all(self.cores.iter().map(Node::terminate)).await);
        if let Some(agents) = &self.agents {
            ended.push(agents.process().terminate().await);
        }
        if let Some(redis) = &self.redis {
            ended.push(redis.stop().await);
        }
        ended.push(self.postgres.stop().await);
        drop(fs::remove_file(house::described_in(&self.data)));
        ended.into_iter().collect()
    }

    /// Those who answer before those who ask.
    fn processes(&self) -> Vec<&Process> {
        let nodes = self.cores.iter().chain(&self.edges).map(Node::process);
        let agents = self.agents.as_ref().map(Agents::process);
        [self.postgres.process()]
            .into_iter()
            .chain(self.redis.as_ref().map(Redis::process))
            .chain(nodes)
            .chain(agents)
            .collect()
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let bound = Duration::from_secs(20);
        try_join_all(self.cores.iter().chain(&self.edges).map(|node| node.wait_until_ready(bound)))
            .await
            .map(drop)
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        // A house that was dropped must not be found.
        drop(fs::remove_file(house::described_in(&self.data)));
    }
}

async fn start_cores(
    options: &Options,
    shared: &config::Shared<'_>,
    postgres: &Postgres,
    run: &Path,
    logs: &Path,
) -> Result<Vec<Node>> {
    let program = environment::sibling("switchboard-core", options.programs.as_deref())?;
    let mut specs = Vec::new();
    for number in 1..=options.cores {
        let name = format!("core-{number}");
        let mut table = shared.core(loopback()?, loopback()?, &postgres.url(), &options.llm);
        config::overlay(&mut table, &options.core_overrides);
        let file = run.join(format!("{name}.toml"));
        config::write(&file, &table)?;
        specs.push((Spec::program(&name, program.clone(), logs), file));
    }
    let say = &options.progress;
    say("bringing the database up to date");
    let mut table = shared.core(loopback()?, loopback()?, &postgres.url(), &[]);
    config::own_migrations(&mut table, &postgres.owner_url());
    config::overlay(&mut table, &options.core_overrides);
    let file = run.join("migrate.toml");
    config::write(&file, &table)?;
    let spec = Spec::program("migrate", program.clone(), logs).args(["migrate", "--config"]).args([&file]);
    Process::run(spec, Duration::from_secs(120)).await?;
    say(&format!("starting {}", count(options.cores, "core")));
    try_join_all(
        specs.into_iter().map(|(spec, file)| Node::start(spec.args(["serve", "--config"]).args([file]))),
    )
    .await
}

async fn start_edges(
    options: &Options,
    shared: &config::Shared<'_>,
    cores: &[Node],
    listens: &[SocketAddr],
    (certificates, issuer): (&Certificates, &Issuer),
    run: &Path,
    logs: &Path,
) -> Result<Vec<Node>> {
    let program = environment::sibling("switchboard-edge", options.programs.as_deref())?;
    let urls: Vec<String> =
        cores.iter().map(|core| core.url().as_str().trim_end_matches('/').to_owned()).collect();
    let mut specs = Vec::new();
    for (listen, number) in listens.iter().zip(1..) {
        let name = format!("edge-{number}");
        let tls = (certificates.cert.as_path(), certificates.key.as_path());
        let mut table = shared.edge(*listen, loopback()?, &urls, tls, issuer.jwks());
        config::overlay(&mut table, &options.edge_overrides);
        let file = run.join(format!("{name}.toml"));
        config::write(&file, &table)?;
        specs.push(Spec::program(&name, program.clone(), logs).args(["serve", "--config"]).args([file]));
    }
    (options.progress)(&format!("starting {}", count(listens.len(), "edge")));
    try_join_all(specs.into_iter().map(Node::start)).await
}

fn loopback() -> Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, ports::free()?).into())
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("one {noun}") } else { format!("{number} {noun}s") }
}
