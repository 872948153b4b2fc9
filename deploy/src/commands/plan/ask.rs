//! What a planner asks for.

use clap::{Args, value_parser};

/// The load, the machines, and what they cost.
#[derive(Clone, Debug, Args)]
pub(super) struct Ask {
    /// People who are connected at the busiest time
    #[arg(long)]
    pub(super) users: u32,
    /// Messages of all of them together in the busiest minute
    #[arg(long)]
    pub(super) messages_per_minute: f64,
    /// Agents that a message asks, on average
    #[arg(long, default_value_t = 1.0, value_name = "K")]
    pub(super) agents_per_turn: f64,
    /// Sockets in the conversation in which something is said, that of its author among them
    #[arg(long, default_value_t = 1.0)]
    pub(super) room: f64,
    /// Percent of the time in which there shall be enough edges and cores
    #[arg(long, default_value_t = 99.9)]
    pub(super) availability: f64,
    /// Percent of the time in which one machine is there
    #[arg(long, default_value_t = 99.5)]
    pub(super) machine_availability: f64,
    /// Zones over which the machines are spread, of which one may go; 1: none goes
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=9))]
    pub(super) zones: u32,
    /// Processors of one edge, like those on which was measured
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(1..=256))]
    pub(super) edge_processors: u32,
    /// Processors of one core
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u32).range(1..=256))]
    pub(super) core_processors: u32,
    /// Processors of the largest machine that there is for Postgres
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=1024))]
    pub(super) postgres_processors: u32,
    /// GB of one edge, and of one core
    #[arg(long, default_value_t = 4.0)]
    pub(super) memory: f64,
    /// Sockets of one edge at most: its `max_connections`
    #[arg(long, default_value_t = 10_000)]
    pub(super) connections: u32,
    /// How much of its processors a machine uses at most, in percent
    #[arg(long, default_value_t = 70.0)]
    pub(super) busy: f64,
    /// How long 99 of 100 turns may wait for a processor, at each of edge, core and Postgres
    #[arg(long, default_value_t = 20.0)]
    pub(super) wait_ms: f64,
    /// What a processor costs in an hour
    #[arg(long)]
    pub(super) price_processor: Option<f64>,
    /// What a GB of memory costs in an hour
    #[arg(long)]
    pub(super) price_memory: Option<f64>,
    /// What a GB costs that leaves the house
    #[arg(long)]
    pub(super) price_network: Option<f64>,
    /// What a GB costs that is stored for a month
    #[arg(long)]
    pub(super) price_stored: Option<f64>,
}

impl Ask {
    /// What cannot be reckoned with.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let share = |percent: f64| percent > 0.0 && percent < 100.0;
        [
            (self.messages_per_minute > 0.0, "--messages-per-minute is above 0"),
            (self.agents_per_turn >= 1.0, "--agents-per-turn is 1 or more"),
            (self.room >= 1.0, "--room is 1 or more"),
            (share(self.availability), "--availability is above 0 and below 100"),
            (share(self.machine_availability), "--machine-availability is above 0 and below 100"),
            (share(self.busy), "--busy is above 0 and below 100"),
            (self.memory > 0.0, "--memory is above 0"),
            (self.wait_ms > 0.0, "--wait-ms is above 0"),
            (self.connections > 0, "--connections is above 0"),
        ]
        .into_iter()
        .find_map(|(holds, fault)| (!holds).then_some(fault))
    }
}
