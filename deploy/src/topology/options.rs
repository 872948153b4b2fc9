//! What kind of house to start.

use super::{config::Llm, ports};
use crate::error::{Error, Result};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};
use toml::Table;
use url::Url;

/// Hears each step of the start, as a line for a person.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// What kind of house to start; the default is one core, one edge and the example agents, without Redis or LLM.
#[derive(Clone)]
pub struct Options {
    /// How many cores.
    pub cores: usize,
    /// How many edges.
    pub edges: usize,
    /// Whether Postgres has followers and Redis replicas, as in production.
    pub full: bool,
    /// The data folder; made when it is not there.
    pub data: PathBuf,
    /// Whether to start a Redis; absent means when there is more than one core or edge.
    pub redis: Option<bool>,
    /// Whether to start the example agents.
    pub agents: bool,
    /// Whether to register them.
    pub register_agents: bool,
    /// Whether those agents that fetch from the web may reach private addresses.
    pub agents_reach_private: bool,
    /// The LLM endpoints, in order of preference; empty means lexical routing and extractive answers.
    pub llm: Vec<Llm>,
    /// The folder of the router's sentence encoder; absent means routing by words.
    pub encoder: Option<PathBuf>,
    /// Where spans go.
    pub otlp: Option<Url>,
    /// Laid over every core's configuration.
    pub core_overrides: Table,
    /// Laid over every edge's configuration.
    pub edge_overrides: Table,
    /// Where the first edge listens; the others take the following ports, or free ones. Absent means free ones.
    pub listen: Option<SocketAddr>,
    /// The folder of the programs to start; absent means beside the running one.
    pub programs: Option<PathBuf>,
    /// Hears each step.
    pub progress: Progress,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cores: 1,
            edges: 1,
            full: false,
            data: "./data".into(),
            redis: None,
            agents: true,
            register_agents: true,
            agents_reach_private: false,
            llm: Vec::new(),
            encoder: None,
            otlp: None,
            core_overrides: Table::new(),
            edge_overrides: Table::new(),
            listen: None,
            programs: None,
            progress: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the LLM keys.
        f.debug_struct("Options")
            .field("cores", &self.cores)
            .field("edges", &self.edges)
            .field("data", &self.data)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Whether this house needs a Redis.
    #[must_use]
    pub fn wants_redis(&self) -> bool {
        self.full || self.redis.unwrap_or(self.cores > 1 || self.edges > 1)
    }

    /// What the house does without, in words for a person: no fallback is silent.
    #[must_use]
    pub fn without(&self) -> Vec<String> {
        let mut without = Vec::new();
        if self.llm.is_empty() {
            without.push(
                "no LLM is configured: routing is lexical and answers are extractive (--llm-url, --llm-model, \
                 --llm-key-env)"
                    .to_owned(),
            );
        }
        if self.encoder.is_none() {
            without.push(
                "no sentence encoder: the local model goes by words (deploy/install brings it, --encoder)"
                    .to_owned(),
            );
        }
        if !self.wants_redis() {
            without.push(
                "no Redis: limits and the doorbell are in-process, which is right for one core".to_owned(),
            );
        }
        if !self.agents {
            without.push("no example agents: add yours with `switchboard agents add URL`".to_owned());
        }
        without
    }

    /// The addresses of the edges, all of them free.
    ///
    /// # Errors
    /// When there is no core or no edge, or the first address is taken.
    pub fn edge_addresses(&self) -> Result<Vec<SocketAddr>> {
        if self.cores == 0 || self.edges == 0 {
            return Err(Error::Invalid("a house has at least one core and one edge".to_owned()));
        }
        let mut addresses = Vec::new();
        for offset in 0..self.edges {
            addresses.push(match self.listen {
                Some(first) if first.port() != 0 => {
                    let following =
                        u16::try_from(offset).ok().and_then(|offset| first.port().checked_add(offset));
                    let address = following.map(|port| SocketAddr::new(first.ip(), port));
                    match (address, address.map(ports::require_free)) {
                        (Some(address), Some(Ok(()))) => address,
                        (_, Some(Err(error))) if offset == 0 => return Err(error),
                        _ => SocketAddr::new(first.ip(), ports::free()?),
                    }
                }
                Some(any) => SocketAddr::new(any.ip(), ports::free()?),
                None => SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?)),
            });
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_single_core_and_edge_need_no_redis_and_more_do() {
        assert!(!Options::default().wants_redis());
        assert!(Options { edges: 2, ..Options::default() }.wants_redis());
        assert!(!Options { cores: 2, redis: Some(false), ..Options::default() }.wants_redis());
    }

    #[test]
    fn the_first_address_must_be_free_and_the_others_move() {
        let port = ports::free().unwrap();
        let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let options = Options { edges: 2, listen, ..Options::default() };
        assert_eq!(options.edge_addresses().unwrap()[0].port(), port);
        let _second = TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1));
        assert_ne!(options.edge_addresses().unwrap()[1].port(), port + 1);
        let _first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_eq!(options.edge_addresses().unwrap_err().exit_code(), 4);
    }

    #[test]
    fn what_a_house_does_without_is_said() {
        let without = Options::default().without();
        assert!(without[0].contains("routing is lexical and answers are extractive"), "{without:?}");
        assert!(without[1].contains("goes by words"), "{without:?}");
        let with = Options { encoder: Some("/e".into()), ..Options::default() };
        assert_eq!(with.without().len() + 1, without.len());
    }
}
