//! Every drill: its name, what it does, what it needs and what it may cost.

use super::verdict::Budget;
use crate::terminal;

/// A drill under a verified load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    CoreKill,
    CoreFreeze,
    EdgeKill,
    EdgeDrain,
    RollingRestart,
    PgPrimaryKill,
    PgHostLoss,
    PgSwitchover,
    PgReplicaKill,
    PgPartition,
    PgDiskFull,
    Pitr,
    RedisPrimaryKill,
    RedisAllDown,
    RedisRestart,
    AgentFaults,
    LlmFaults,
    ReconnectStorm,
    Overload,
    Soak,
    Chaos,
}

/// The order of `all`, without `soak` and `chaos`, which take as long as they are told.
pub(super) const ALL: [Name; 19] = [
    Name::CoreKill,
    Name::CoreFreeze,
    Name::EdgeKill,
    Name::EdgeDrain,
    Name::RollingRestart,
    Name::PgPrimaryKill,
    Name::PgSwitchover,
    Name::PgReplicaKill,
    Name::PgHostLoss,
    Name::PgPartition,
    Name::PgDiskFull,
    Name::Pitr,
    Name::RedisRestart,
    Name::RedisPrimaryKill,
    Name::RedisAllDown,
    Name::AgentFaults,
    Name::LlmFaults,
    Name::ReconnectStorm,
    Name::Overload,
];

impl Name {
    /// As on the command line.
    pub(super) fn word(self) -> &'static str {
        self.entry().0
    }

    fn does(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::CoreKill => {
                ("core-kill", "SIGKILL to each core, the busiest first, when what the last one left is over")
            }
            Self::CoreFreeze => {
                ("core-freeze", "SIGSTOP to the busiest core for 30 s (--hold), then SIGCONT")
            }
            Self::EdgeKill => ("edge-kill", "SIGKILL to each edge in turn; the house starts it again"),
            Self::EdgeDrain => ("edge-drain", "SIGTERM to each edge in turn, and a start after its end"),
            Self::RollingRestart => (
                "rolling-restart",
                "a restart in good order of each edge and core; full: of Redis and Postgres too",
            ),
            Self::PgPrimaryKill => ("pg-primary-kill", "SIGKILL to the primary's server process"),
            Self::PgHostLoss => {
                ("pg-host-loss", "SIGKILL to the primary and its Patroni; back after 30 s (--hold)")
            }
            Self::PgSwitchover => ("pg-switchover", "Patroni is told to move the primary"),
            Self::PgReplicaKill => ("pg-replica-kill", "SIGKILL to the server process of a replica"),
            Self::PgPartition => {
                ("pg-partition", "a packet filter cuts the primary's host off for 30 s (--hold); needs root")
            }
            Self::PgDiskFull => {
                ("pg-disk-full", "the primary's log lies on a small disk, which is filled; needs root")
            }
            Self::Pitr => ("pitr", "a whole backup, and a restore beside the house to a moment after it"),
            Self::RedisPrimaryKill => {
                ("redis-primary-kill", "SIGKILL to one primary; back after 15 s (--hold)")
            }
            Self::RedisAllDown => ("redis-all-down", "SIGKILL to every node; back after 10 s (--hold)"),
            Self::RedisRestart => {
                ("redis-restart", "SIGKILL to each node in turn; the house starts it again")
            }
            Self::AgentFaults => ("agent-faults", "SIGSTOP to the agents for 10 s (--hold), later SIGKILL"),
            Self::LlmFaults => (
                "llm-faults",
                "the LLM fails, asks for pauses, stops, talks nonsense, hangs; 10 s each (--hold)",
            ),
            Self::ReconnectStorm => {
                ("reconnect-storm", "SIGKILL to every edge at once under many sockets (--sockets)")
            }
            Self::Overload => ("overload", "finds what the house can do, asks for 2 and 5 times of it"),
            Self::Soak => ("soak", "a load for --minutes, with the memory and files of every process"),
            Self::Chaos => ("chaos", "a load for --minutes, and faults of every kind one after another"),
        }
    }

    /// Whether it needs what only a full house has.
    pub(super) fn needs_full(self) -> bool {
        matches!(
            self,
            Self::PgHostLoss
                | Self::PgSwitchover
                | Self::PgReplicaKill
                | Self::PgPartition
                | Self::PgDiskFull
                | Self::Pitr
                | Self::RedisPrimaryKill
        )
    }

    /// Whether it goes on for as long as it is told.
    pub(super) fn is_long(self) -> bool {
        matches!(self, Self::Soak | Self::Chaos)
    }

    /// Whether it runs in a house of its own, whichever other one there is.
    pub(super) fn needs_own(self) -> bool {
        self == Self::LlmFaults
    }

    /// Whether quorum commit is what keeps it from losing anything.
    pub(super) fn needs_quorum(self) -> bool {
        matches!(self, Self::PgPrimaryKill | Self::PgHostLoss)
    }

    /// Whether it breaks parts, and so needs a house on this machine.
    pub(super) fn breaks(self) -> bool {
        !matches!(self, Self::Overload | Self::Soak)
    }

    /// What it may cost.
    pub(super) fn budget(self) -> Budget {
        // Whatever is broken, a turn comes to its answer, unless what is broken is who should answer.
        let none = Budget { completes: true, ..Budget::default() };
        match self {
            Self::CoreKill => Budget { interrupted: Some(5_000), sockets_stay: true, ..none },
            Self::CoreFreeze => Budget { send_longest: Some(5_000), ..none },
            Self::EdgeKill => Budget { away: Some(5_000), ..none },
            Self::EdgeDrain | Self::RollingRestart => Budget { no_failures: true, ..none },
            Self::PgPrimaryKill | Self::PgSwitchover | Self::PgDiskFull => {
                Budget { acks_gap: Some(4_000), read_gap: Some(2_000), ..none }
            }
            Self::PgHostLoss | Self::PgPartition => {
                Budget { acks_gap: Some(25_000), read_gap: Some(2_000), ..none }
            }
            Self::PgReplicaKill => Budget { send_longest: Some(4_000), read_gap: Some(2_000), ..none },
            Self::RedisPrimaryKill => Budget { errors_per_mille: Some(1), slower: Some(2), ..none },
            Self::RedisAllDown | Self::RedisRestart => Budget { slower: Some(2), ..none },
            Self::AgentFaults => {
                Budget { send_longest: Some(5_000), sockets_stay: true, completes: false, ..none }
            }
            Self::LlmFaults => {
                Budget { send_longest: Some(5_000), answer: Some(40_000), sockets_stay: true, ..none }
            }
            Self::Pitr => Budget { send_longest: Some(5_000), sockets_stay: true, ..none },
            Self::ReconnectStorm => Budget { away_p95: Some(20_000), away_longest: Some(60_000), ..none },
            // What is too much, or whose agents are gone, may come to an end that is no answer, if it comes to one.
            Self::Overload | Self::Chaos => Budget { completes: false, ..none },
            Self::Soak => none,
        }
    }
}

/// Prints all of them.
pub(super) fn list() {
    for name in ALL.into_iter().chain([Name::Soak, Name::Chaos]) {
        let needs = match (name.needs_own(), name.needs_full(), name.breaks()) {
            (true, _, _) => "nothing",
            (_, true, _) => "a full house",
            (_, false, true) => "a house here",
            (_, false, false) => "any edge",
        };
        terminal::table(&format!("{:20}  {:14}  {}", name.word(), needs, name.does()));
    }
}
