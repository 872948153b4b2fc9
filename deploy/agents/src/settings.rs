//! What can be set from outside, and the bounds of everything that could grow.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use url::Url;

/// Runs the sixteen example agents, each a real A2A server under its own path.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:7400")]
    pub listen: SocketAddr,
    /// Sandbox folder; each agent keeps its files in a sub-folder of its own
    #[arg(long, default_value = "./data/agents")]
    pub data: PathBuf,
    /// Let web-scraper, api-agent and image-processor reach private, loopback and link-local addresses
    #[arg(long)]
    pub allow_private_addresses: bool,
    /// Base URL the cards name; by default the address listened on
    #[arg(long)]
    pub public_url: Option<Url>,
    /// Print one JSON line on stdout when ready
    #[arg(long)]
    pub json: bool,
}

/// What a house of agents is built from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Sandbox folder; made when it is missing.
    pub data: PathBuf,
    /// Whether agents that fetch may reach private addresses.
    pub allow_private_addresses: bool,
    /// Base URL the cards name, without a trailing slash's meaning.
    pub public_url: Option<Url>,
    /// The bounds.
    pub limits: Limits,
}

impl From<Arguments> for Settings {
    fn from(arguments: Arguments) -> Self {
        Self {
            listen: arguments.listen,
            data: arguments.data,
            allow_private_addresses: arguments.allow_private_addresses,
            public_url: arguments.public_url,
            limits: Limits::default(),
        }
    }
}

/// The bounds of one agent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a request body; a longer one is refused with status 413.
    pub body: usize,
    /// Tasks kept; beyond it the oldest one that is not running is forgotten.
    pub tasks_kept: usize,
    /// Tasks running at once; more wait, within their own run time.
    pub tasks_running: usize,
    /// Time a task may take, waiting included; then it fails and says so.
    pub run_time: Duration,
    /// Messages kept in one task; a longer exchange is refused.
    pub messages_per_task: usize,
    /// Time the running tasks and open streams get after a stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 * 1024 * 1024,
            tasks_kept: 1_000,
            tasks_running: 64,
            run_time: Duration::from_secs(60),
            messages_per_task: 40,
            drain: Duration::from_secs(5),
        }
    }
}
