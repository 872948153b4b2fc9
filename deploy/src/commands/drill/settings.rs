//! What a drill can be told.

use clap::Args;
use std::{path::PathBuf, time::Duration};
use url::Url;

/// Options of every drill but `fairness`.
#[derive(Clone, Debug, Args)]
pub(super) struct Settings {
    /// The data folder whose running house is drilled; without one there, a house of the drill's own
    #[arg(long, value_name = "DIR", env = "SWITCHBOARD_DATA")]
    pub(super) data: Option<PathBuf>,
    /// Load these edges and break nothing; for drills that need no more
    #[arg(long, value_name = "URL", num_args = 1..)]
    pub(super) against: Vec<Url>,
    /// With --against: the CA file to trust instead of the machine's own
    #[arg(long, value_name = "FILE", env = "SWITCHBOARD_CA")]
    pub(super) ca: Option<PathBuf>,
    /// With --against: the token; better in the environment
    #[arg(long, env = "SWITCHBOARD_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// Drill also what may be no test topology
    #[arg(long)]
    pub(super) i_know: bool,
    /// Print the results as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// A house of the drill's own has everything several times, as `up --full` starts it
    #[arg(long)]
    pub(super) full: bool,
    /// People, each with one socket
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(super) people: u32,
    /// Conversations that they are in
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(super) rooms: u32,
    /// Messages a second, all together
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) rate: u32,
    /// Drills of Postgres: let no commit wait for a replica, and say whether that lost anything
    #[arg(long)]
    pub(super) no_quorum: bool,
    /// pg-primary-kill, pg-host-loss: the followers are a second behind when the primary goes; always with --no-quorum
    #[arg(long)]
    pub(super) behind: bool,
    /// With --no-quorum: how often each drill is run
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) runs: u32,
    /// `soak`, `chaos`: how long
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) minutes: u32,
    /// How long something is away or frozen, where that is the drill's to say
    #[arg(long, value_name = "SECONDS")]
    pub(super) hold: Option<u32>,
    /// `reconnect-storm`: sockets
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) sockets: u32,
    /// Multiplies the budgets of time: a debug build on a busy machine is slower
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) times: u32,
    /// The folder of the programs to start; absent: beside this one
    #[arg(long, hide = true)]
    pub(super) programs: Option<PathBuf>,
}

impl Settings {
    /// Whether the followers are behind when the primary goes.
    pub(super) fn behind(&self) -> bool {
        self.behind || self.no_quorum
    }

    /// How long something stays away: as told, or else so many seconds.
    pub(super) fn hold(&self, otherwise: u32) -> Duration {
        Duration::from_secs(self.hold.unwrap_or(otherwise).into())
    }
}

#[cfg(test)]
impl Default for Settings {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            settings: Settings,
        }
        <Line as clap::Parser>::parse_from(["drill"]).settings
    }
}
