//! The configuration files of the house's cores and edges: only what differs from the defaults.

use super::{files, issuer, session_keys::SessionKeys};
use crate::{
    error::{Error, Result},
    provider::{self, USERS},
};
use std::{net::SocketAddr, num::NonZero, path::Path};
use toml::{Table, Value};

/// An edge whose limits are in nobody's way: for houses in which something is measured.
#[must_use]
pub fn unlimited() -> Table {
    toml::toml! {
        [limits]
        ip_per_minute = 1_000_000
        requests_per_minute = 1_000_000
        [limits.messages_per_minute]
        standard = 1_000_000
        [limits.joins_per_minute]
        standard = 1_000_000
    }
}

/// An OpenAI-compatible endpoint for the cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Llm {
    /// Where (`https://host/v1`).
    pub base_url: String,
    /// Its key: the text itself, `env:NAME` or `file:PATH`; empty for none.
    pub api_key: String,
    /// The model.
    pub model: String,
}

/// What every configuration of one house shares.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The file with the key that edges sign identities with.
    pub identity_key: &'a Path,
    /// The nodes of the Redis of the house, if it has one.
    pub redis: &'a [String],
    /// Where spans go, if anywhere.
    pub otlp: Option<&'a str>,
    /// How many cores there are.
    pub cores: usize,
    /// The folder of the sentence encoder, if there is one.
    pub encoder: Option<&'a Path>,
}

impl Shared<'_> {
    fn table(&self, listen: SocketAddr, admin: SocketAddr) -> Table {
        let mut table = Table::new();
        table.insert("listen".into(), listen.to_string().into());
        table.insert("admin_listen".into(), admin.to_string().into());
        table.insert("identity_key".into(), format!("file:{}", self.identity_key.display()).into());
        table.insert("redis".into(), section([("urls", list(self.redis))]));
        let mut telemetry = Table::from_iter([("log_format".to_owned(), Value::from("json"))]);
        if let Some(otlp) = self.otlp {
            telemetry.insert("otlp_endpoint".into(), otlp.into());
        }
        table.insert("telemetry".into(), telemetry.into());
        table
    }

    /// The configuration of a core.
    #[must_use]
    pub fn core(&self, listen: SocketAddr, admin: SocketAddr, postgres: &[String], llm: &[Llm]) -> Table {
        let mut table = self.table(listen, admin);
        table.insert(
            "postgres".into(),
            section([("urls", list(postgres)), ("pool_max", pool(self.cores).into())]),
        );
        // The first question comes right after the agents, while they are learned on a machine that is still busy.
        let folder = self.encoder.map_or_else(|| String::new().into(), path);
        let embedder = section([("folder", folder)]);
        table.insert("route".into(), section([("model_wait_ms", 15_000.into()), ("embedder", embedder)]));
        table.insert("turn".into(), section([("max_at_work", at_work(self.cores).into())]));
        // The agents of this house listen on loopback.
        table.insert("agents".into(), section([("allow_private_addresses", true.into())]));
        let llm = llm.iter().map(|llm| {
            section([
                ("base_url", llm.base_url.as_str().into()),
                ("api_key", llm.api_key.as_str().into()),
                ("model", llm.model.as_str().into()),
            ])
        });
        // Whoever has started it runs it.
        table.insert("analytics".into(), section([("house_tenants", list(&[issuer::TENANT.to_owned()]))]));
        table.insert("llm".into(), llm.collect::<Vec<_>>().into());
        table
    }

    /// The configuration of an edge.
    #[must_use]
    pub fn edge(
        &self,
        listen: SocketAddr,
        admin: SocketAddr,
        cores: &[String],
        tls: (&Path, &Path),
        jwks: &Path,
    ) -> Table {
        let mut table = self.table(listen, admin);
        // Everybody has the same address here, and after an edge has died everybody comes back at once.
        table.insert("max_connections_per_address".into(), 10_000.into());
        table.insert("max_strangers_per_address".into(), 5_000.into());
        // Who listens at every address has none that is good for everybody.
        let public = if listen.ip().is_unspecified() { String::new() } else { format!("https://{listen}") };
        table.insert("edge".into(), section([("public_url", public.into()), ("region", "local".into())]));
        table.insert("cores".into(), section([("urls", list(cores))]));
        table.insert("tls".into(), section([("cert", path(tls.0)), ("key", path(tls.1))]));
        let auth =
            [("issuer", issuer::ISSUER.into()), ("audience", issuer::AUDIENCE.into()), ("jwks", path(jwks))];
        table.insert("auth".into(), section(auth));
        table
    }
}

/// How many turns are at work on each of so many cores that share this machine with their Postgres; one more than is good
/// for its processors, which is the one that is left for others.
fn at_work(cores: usize) -> i64 {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    i64::try_from(4 * processors / cores.max(1)).unwrap_or(4).max(4) + 1
}

/// How many connections each of so many cores has to a Postgres on this machine. With more at work than its processors can
/// serve everything that wants one waits, and refusals too, which want none; and turns leave some for who comes.
fn pool(cores: usize) -> i64 {
    at_work(cores) + 3
}

/// Lets the page that a core serves open sockets at every edge of the house. A policy has no words for an address of IPv6
/// (Content Security Policy Level 3, "host-part").
pub fn name_edges(core: &mut Table, origins: &[String]) {
    let origins: Vec<_> = origins.iter().filter(|origin| !origin.contains('[')).cloned().collect();
    overlay(core, &Table::from_iter([("page".to_owned(), section([("edges", list(&origins))]))]));
}

/// Lets pages of every edge of the house open sockets at this one.
pub fn name_origins(edge: &mut Table, origins: &[String]) {
    overlay(edge, &Table::from_iter([("socket".to_owned(), section([("origins", list(origins))]))]));
}

/// How people sign in to the cores: with the development provider, at the edges of this house.
#[must_use]
pub fn login(keys: &SessionKeys, origins: &[String], provider: &str) -> Value {
    let file = |path: &Path| list(&[format!("file:{}", path.display())]);
    let users: Vec<String> = USERS.iter().map(|user| user.id.to_owned()).collect();
    let provider = section([
        ("id", provider::ID.into()),
        ("name", "Development".into()),
        ("issuer", provider.into()),
        ("client_id", provider::CLIENT_ID.into()),
        ("development", true.into()),
        ("users", list(&users)),
    ]);
    section([
        ("keys", file(&keys.key)),
        ("seal_keys", file(&keys.seal)),
        ("origins", list(origins)),
        ("providers", Value::Array(vec![provider])),
    ])
}

/// Lets an edge take the tokens of those who have signed in.
pub fn take_sessions(table: &mut Table, jwks: &Path) {
    let sessions = Table::from_iter([("sessions".to_owned(), section([("jwks", path(jwks))]))]);
    overlay(table, &Table::from_iter([("auth".to_owned(), Value::Table(sessions))]));
}

/// Gives migrations a login of their own.
pub fn own_migrations(table: &mut Table, urls: &[String]) {
    let urls: Table = [("migrate_urls".to_owned(), list(urls))].into_iter().collect();
    overlay(table, &[("postgres".to_owned(), Value::Table(urls))].into_iter().collect());
}

/// Lays `over` on `base`: tables are merged, everything else is replaced.
pub fn overlay(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => overlay(base, over),
            _ => drop(base.insert(key.clone(), value.clone())),
        }
    }
}

/// Writes a configuration; it may hold a key, so only its owner may read it.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, table: &Table) -> Result<()> {
    let text =
        toml::to_string(table).map_err(|error| Error::Failed(format!("{}: {error}", path.display())))?;
    files::secret(path, &format!("# Written at each start; changes here are lost.\n{text}"))
}

fn section<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn list(items: &[String]) -> Value {
    Value::Array(items.iter().map(|item| item.as_str().into()).collect())
}

fn path(path: &Path) -> Value {
    path.display().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_and_an_edge_are_told_the_same() {
        let (listen, admin) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let llm = Llm { base_url: "http://m/v1".into(), api_key: "env:KEY".into(), model: "m".into() };
        let redis = ["redis://127.0.0.1:7000".to_owned()];
        let shared = Shared {
            identity_key: Path::new("/k"),
            redis: &redis,
            otlp: None,
            cores: 1,
            encoder: Some(Path::new("/e")),
        };
        let core = shared.core(listen, admin, &["postgres://x".to_owned()], &[llm]);
        let core: Table = toml::from_str(&toml::to_string(&core).unwrap()).unwrap();
        assert_eq!(core["llm"][0]["api_key"].as_str(), Some("env:KEY"));
        assert_eq!(core["route"]["embedder"]["folder"].as_str(), Some("/e"));
        assert_eq!(core["postgres"]["urls"][0].as_str(), Some("postgres://x"));
        let edge = shared.edge(
            listen,
            admin,
            &["http://c".into()],
            (Path::new("/c"), Path::new("/q")),
            Path::new("/j"),
        );
        assert_eq!(edge["auth"]["jwks"].as_str(), Some("/j"));
        for key in ["identity_key", "redis", "telemetry"] {
            assert_eq!(core[key], edge[key]);
        }
    }

    #[test]
    fn overrides_win_and_leave_their_neighbours() {
        let mut base: Table = toml::from_str("a = 1\n[b]\nc = 2\nd = [1]").unwrap();
        overlay(&mut base, &toml::from_str("[b]\nd = []\ne = 3").unwrap());
        assert_eq!(base, toml::from_str("a = 1\n[b]\nc = 2\nd = []\ne = 3").unwrap());
    }
}
