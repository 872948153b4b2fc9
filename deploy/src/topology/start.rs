//! How the children of a house are started, each with its configuration.

use super::{
    agents::Agents,
    ca::Certificates,
    children::{Child, Children},
    config, full,
    issuer::Issuer,
    options::Options,
    ports,
    postgres::Postgres,
    process::{Process, Spec},
    redis::Redis,
    session_keys::SessionKeys,
};
use crate::{environment, error::Result};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use toml::Table;
use url::Url;

/// How long the migrations may take.
const MIGRATE_WITHIN: Duration = Duration::from_secs(120);

/// What all children of one house are started with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) options: &'a Options,
    pub(super) data: &'a Path,
    pub(super) listens: &'a [SocketAddr],
    pub(super) certificates: &'a Certificates,
    pub(super) issuer: &'a Issuer,
    pub(super) identity_key: &'a Path,
    pub(super) session_keys: &'a SessionKeys,
    /// Under which browsers know the edges.
    pub(super) origins: &'a [String],
    /// The development provider.
    pub(super) provider: &'a str,
}

impl Start<'_> {
    /// Starts all of them, and waits until they are ready.
    pub(super) async fn children(&self) -> Result<Children> {
        let (options, logs) = (self.options, self.logs());
        let mut children = Children::default();
        let state = match options.full {
            true => full::start(self.data, &logs, &options.progress, &mut children).await?,
            false => self.state(&mut children).await?,
        };
        if options.agents {
            self.say("starting the example agents");
            let (program, folder) = (self.program("switchboard-agents")?, self.data.join("agents"));
            let agents = Agents::start(program, &folder, &logs, options.agents_reach_private).await?;
            children.push(Child::Agents(agents));
        }
        let otlp = options.otlp.as_ref().map(Url::as_str);
        let shared = config::Shared {
            identity_key: self.identity_key,
            redis: &state.redis,
            otlp,
            cores: options.cores,
            encoder: options.encoder.as_deref(),
        };
        self.migrate(&shared, &state).await?;
        let (cores, urls) = self.cores(&shared, &state.databases)?;
        self.say(&format!("starting {}", count(cores.len(), "core")));
        children.start(cores, Child::Core).await?;
        let edges = self.edges(&shared, &urls)?;
        self.say(&format!("starting {}", count(edges.len(), "edge")));
        children.start(edges, Child::Edge).await?;
        children.wait_until_ready().await?;
        Ok(children)
    }

    /// One Postgres, and one Redis where there are several cores or edges.
    async fn state(&self, children: &mut Children) -> Result<full::Shared> {
        let (options, logs) = (self.options, self.logs());
        self.say("starting postgres");
        let postgres = Postgres::start(self.data, &logs, &*options.progress).await?;
        let (databases, owners) = (vec![postgres.url()], vec![postgres.owner_url()]);
        children.push(Child::Postgres(postgres));
        let mut redis = Vec::new();
        if options.wants_redis() {
            self.say("starting redis");
            let node = Redis::start(self.data, &logs).await?;
            redis.push(node.url());
            children.push(Child::Redis(node));
        }
        Ok(full::Shared { databases, owners, redis })
    }

    async fn migrate(&self, shared: &config::Shared<'_>, state: &full::Shared) -> Result<()> {
        self.say("bringing the database up to date");
        let mut table = shared.core(loopback()?, loopback()?, &state.databases, &[]);
        config::own_migrations(&mut table, &state.owners);
        // What is laid over it for the cores may name providers of its own.
        table.insert("login".into(), config::login(self.session_keys, self.origins, self.provider));
        let spec =
            self.spec("switchboard-core", "migrate", "migrate", table, &self.options.core_overrides)?;
        Process::run(spec, MIGRATE_WITHIN).await
    }

    /// The cores, and where the edges find them.
    fn cores(&self, shared: &config::Shared<'_>, databases: &[String]) -> Result<(Vec<Spec>, Vec<String>)> {
        let (mut specs, mut urls) = (Vec::new(), Vec::new());
        for number in 1..=self.options.cores {
            let (name, listen) = (format!("core-{number}"), loopback()?);
            let mut table = shared.core(listen, loopback()?, databases, &self.options.llm);
            config::name_edges(&mut table, self.origins);
            table.insert("login".into(), config::login(self.session_keys, self.origins, self.provider));
            specs.push(self.spec("switchboard-core", &name, "serve", table, &self.options.core_overrides)?);
            urls.push(format!("http://{listen}"));
        }
        Ok((specs, urls))
    }

    fn edges(&self, shared: &config::Shared<'_>, cores: &[String]) -> Result<Vec<Spec>> {
        let tls = (self.certificates.cert.as_path(), self.certificates.key.as_path());
        let edge = |(listen, number): (&SocketAddr, usize)| {
            let mut table = shared.edge(*listen, loopback()?, cores, tls, self.issuer.jwks());
            config::name_origins(&mut table, self.origins);
            config::take_sessions(&mut table, &self.session_keys.jwks);
            let name = format!("edge-{number}");
            self.spec("switchboard-edge", &name, "serve", table, &self.options.edge_overrides)
        };
        self.listens.iter().zip(1..).map(edge).collect()
    }

    /// A program of ours with its configuration, which is written here.
    fn spec(&self, program: &str, name: &str, verb: &str, mut table: Table, over: &Table) -> Result<Spec> {
        config::overlay(&mut table, over);
        let file = self.data.join("run").join(format!("{name}.toml"));
        config::write(&file, &table)?;
        Ok(Spec::program(name, self.program(program)?, &self.logs()).args([verb, "--config"]).args([file]))
    }

    fn program(&self, name: &str) -> Result<PathBuf> {
        environment::sibling(name, self.options.programs.as_deref())
    }

    fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    fn say(&self, line: &str) {
        (self.options.progress)(line);
    }
}

fn loopback() -> Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, ports::free()?).into())
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("one {noun}") } else { format!("{number} {noun}s") }
}
