//! How many of what, by the load and by what was measured.

use super::{
    ask::Ask,
    measured::Measured,
    model::{Line, wait, wait_p99, with_spare},
};
use serde::Serialize;

const GB: f64 = 1024.0 * 1024.0 * 1024.0;
const KB_IN_GB: f64 = 1024.0 * 1024.0;
/// Of its memory a machine uses this much at most: what is open for a moment needs room.
const MEMORY_SHARE: f64 = 0.75;
/// More edges or cores than this no house has.
const MOST: u32 = 100_000;
/// A rule of thumb, which was not measured: what is read again lies in memory.
const POSTGRES_GB_EACH: f64 = 4.0;
/// A Redis Cluster has at least three primaries.
const REDIS_PRIMARIES: u32 = 3;

/// The plan.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    pub(super) turns_per_second: f64,
    pub(super) edges: Option<Tier>,
    pub(super) cores: Option<Tier>,
    pub(super) postgres: Postgres,
    pub(super) redis: Option<Redis>,
    /// To clients, in Mbit/s.
    pub(super) network_mbit: Option<f64>,
    pub(super) stored_gb_a_day: Option<f64>,
    pub(super) per_1000_chats: Option<f64>,
    /// For `analytics.ceilings.file` of the cores.
    pub(super) ceilings: Each,
    /// What a turn waits for processors on average, beside its own time without any wait.
    pub(super) own_ms: f64,
    pub(super) waits_ms: f64,
    /// Why it cannot be met.
    pub(super) faults: Vec<String>,
    pub(super) assumed: Vec<String>,
}

/// What one edge and one core take, as machines like these were measured.
#[derive(Debug, Serialize)]
pub(super) struct Each {
    pub(super) sockets_per_edge: Option<f64>,
    pub(super) turns_per_s_per_core: Option<f64>,
}

/// Edges, or cores.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tier {
    /// How many the load needs, and how many there have to be.
    pub(super) needed: u32,
    pub(super) all: u32,
    /// Why so many are needed.
    pub(super) because: &'static str,
    /// Of the needed ones.
    pub(super) busy_percent: f64,
    pub(super) wait_ms: f64,
    pub(super) wait_p99_ms: f64,
    pub(super) memory_gb: f64,
}

/// One writer, with two followers of the same size.
#[derive(Debug, Serialize)]
pub(super) struct Postgres {
    pub(super) processors: u32,
    pub(super) memory_gb: f64,
    pub(super) wait_ms: f64,
    /// Into how many houses the tenants have to be divided.
    pub(super) shards: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Redis {
    pub(super) primaries: u32,
}

/// How a tier's machine is.
struct Machine {
    processors: u32,
    /// KiB without sockets, and for each.
    empty_kb: f64,
    socket_kb: f64,
    connections: Option<u32>,
}

impl Plan {
    pub(super) fn of(ask: &Ask, measured: &Measured) -> Self {
        let rate = ask.messages_per_minute / 60.0;
        let more = |of: fn(&crate::commands::bench::ceilings::Delivery) -> f64| {
            measured.events.as_ref().map_or(0.0, of) * (ask.room - 1.0)
        };
        let and = |line: Line, more: f64| Line { each: line.each + more, ..line };
        let (edge, core) = (
            and(measured.line("edge"), more(|events| events.edge_ms)),
            and(measured.line("core"), more(|events| events.core_ms)),
        );
        let memory = measured.sockets.as_ref();
        let an_edge = Machine {
            processors: ask.edge_processors,
            empty_kb: memory.map_or(0.0, |kb| kb.empty_edge_kb),
            socket_kb: memory.map_or(0.0, |kb| kb.edge_kb),
            connections: Some(ask.connections),
        };
        let a_core = Machine {
            processors: ask.core_processors,
            empty_kb: memory.map_or(0.0, |kb| kb.empty_core_kb),
            socket_kb: memory.map_or(0.0, |kb| kb.core_kb),
            connections: None,
        };
        let edges = tier(ask, measured, rate, edge, &an_edge);
        let cores = tier(ask, measured, rate, core, &a_core);
        let postgres = postgres(ask, measured, rate);
        let waits = [&edges, &cores].into_iter().flatten().map(|tier| tier.wait_ms).sum::<f64>();
        let mut plan = Self {
            turns_per_second: rate,
            waits_ms: waits + postgres.wait_ms,
            own_ms: measured.own_mean_ms,
            redis: redis(ask, measured, rate),
            network_mbit: measured.events.as_ref().map(|it| it.bytes * ask.room * rate * 8.0 / 1e6),
            stored_gb_a_day: measured.stored_bytes.map(|bytes| bytes * rate * 86_400.0 / GB),
            per_1000_chats: None,
            ceilings: Each {
                sockets_per_edge: memory.map(|_| an_edge.sockets(ask)),
                turns_per_s_per_core: a_core.turns(ask, measured, core),
            },
            faults: faults(ask, &edges, &cores, &postgres),
            assumed: measured.assumed.clone(),
            edges,
            cores,
            postgres,
        };
        plan.per_1000_chats = plan.price(ask);
        plan
    }

    /// Of 1,000 turns while it is as busy as this.
    fn price(&self, ask: &Ask) -> Option<f64> {
        let named = [ask.price_processor, ask.price_memory, ask.price_network, ask.price_stored];
        if named.iter().all(Option::is_none) {
            return None;
        }
        let [processor, memory, network, stored] = named.map(Option::unwrap_or_default);
        let (edges, cores) = (f64::from(self.edges.as_ref()?.all), f64::from(self.cores.as_ref()?.all));
        let databases = 3.0 * f64::from(self.postgres.shards);
        // A primary of Redis and its replica have a processor and a GB each.
        let redis = self.redis.as_ref().map_or(0.0, |redis| 2.0 * f64::from(redis.primaries));
        let processors = edges * f64::from(ask.edge_processors)
            + cores * f64::from(ask.core_processors)
            + databases * f64::from(self.postgres.processors)
            + redis;
        let gb = (edges + cores) * ask.memory + databases * self.postgres.memory_gb + redis;
        let hour = processors * processor + gb * memory;
        let sent_gb = self.network_mbit.unwrap_or_default() / 8.0 * 3_600.0 * 1e6 / GB;
        // Kept for a month, by the writer and both followers.
        let kept_gb = self.stored_gb_a_day.unwrap_or_default() / 24.0 * 3.0;
        Some((hour + sent_gb * network + kept_gb * stored) / (self.turns_per_second * 3.6))
    }
}

impl Machine {
    /// How many sockets it has memory for, and may have.
    fn sockets(&self, ask: &Ask) -> f64 {
        let room_kb = ask.memory * MEMORY_SHARE * KB_IN_GB - self.empty_kb;
        let most = self.connections.map_or(f64::INFINITY, f64::from);
        (room_kb / self.socket_kb).floor().clamp(0.0, most)
    }

    /// How many turns a second it has processors for; none where not one.
    fn turns(&self, ask: &Ask, measured: &Measured, cpu: Line) -> Option<f64> {
        let rates = (1..=MOST).map(f64::from);
        rates.take_while(|rate| self.is_calm(ask, measured, cpu, *rate)).last()
    }

    /// Whether it is no busier than it may be, and nobody waits too long for a processor.
    fn is_calm(&self, ask: &Ask, measured: &Measured, cpu: Line, rate: f64) -> bool {
        let offered = cpu.at(rate) / 1e3;
        offered <= f64::from(self.processors) * ask.busy / 100.0
            && wait_p99(self.processors, offered, cpu.each, measured.scv) <= ask.wait_ms
    }
}

/// The least that do it, by processors, memory and connections; none where one alone is too small for anything.
fn tier(ask: &Ask, measured: &Measured, rate: f64, cpu: Line, machine: &Machine) -> Option<Tier> {
    let users = f64::from(ask.users);
    let memory_gb = |count: u32| (machine.empty_kb + machine.socket_kb * users / f64::from(count)) / KB_IN_GB;
    let offered = |count: u32| cpu.at(rate / f64::from(count)) / 1e3;
    let p99 = |count: u32| wait_p99(machine.processors, offered(count), cpu.each, measured.scv);
    let is_calm = |count: &u32| machine.is_calm(ask, measured, cpu, rate / f64::from(*count));
    let by_cpu = (1..=MOST).find(is_calm)?;
    let by_memory = (1..=MOST).find(|count| memory_gb(*count) <= ask.memory * MEMORY_SHARE)?;
    let by_connections = machine.connections.map_or(1, |most| ask.users.div_ceil(most).max(1));
    let (needed, because) = [(by_cpu, "processors"), (by_memory, "memory"), (by_connections, "connections")]
        .into_iter()
        .rev()
        .max_by_key(|(count, _)| *count)?;
    let up = ask.machine_availability / 100.0;
    // Edges and cores share what may fail.
    let availability = (ask.availability / 100.0).sqrt();
    Some(Tier {
        needed,
        all: with_spare(needed, ask.zones, up, availability)?,
        because: if needed == 1 { "one is enough" } else { because },
        busy_percent: offered(needed) / f64::from(machine.processors) * 100.0,
        wait_ms: wait(machine.processors, offered(needed), cpu.each, measured.scv),
        wait_p99_ms: p99(needed),
        memory_gb: memory_gb(needed),
    })
}

/// The smallest writer that does it, and how many where the largest one does not.
fn postgres(ask: &Ask, measured: &Measured, rate: f64) -> Postgres {
    let cpu = measured.line("postgres");
    let largest = ask.postgres_processors;
    let is_calm = |processors: u32, rate: f64| {
        let offered = cpu.at(rate) / 1e3;
        offered <= f64::from(processors) * ask.busy / 100.0
            && wait_p99(processors, offered, cpu.each, measured.scv) <= ask.wait_ms
    };
    let shards = (1..=MOST).find(|shards| is_calm(largest, rate / f64::from(*shards))).unwrap_or(MOST);
    let rate = rate / f64::from(shards);
    let processors = (1..=largest).find(|processors| is_calm(*processors, rate)).unwrap_or(largest);
    // It has two at least: one that is cleaned up with keeps nobody waiting.
    let processors = processors.max(2.min(largest));
    Postgres {
        processors,
        memory_gb: f64::from(processors) * POSTGRES_GB_EACH,
        wait_ms: wait(processors, cpu.at(rate) / 1e3, cpu.each, measured.scv),
        shards,
    }
}

/// A primary works with one processor.
fn redis(ask: &Ask, measured: &Measured, rate: f64) -> Option<Redis> {
    let cpu = Some(measured.line("redis")).filter(|line| line.each > 0.0)?;
    let is_calm = |primaries: &u32| cpu.at(rate / f64::from(*primaries)) / 1e3 <= ask.busy / 100.0;
    (REDIS_PRIMARIES..=MOST).find(is_calm).map(|primaries| Redis { primaries })
}

fn faults(ask: &Ask, edges: &Option<Tier>, cores: &Option<Tier>, postgres: &Postgres) -> Vec<String> {
    let mut faults = Vec::new();
    for (tier, name) in [(edges, "edges"), (cores, "cores")] {
        if tier.is_none() {
            faults.push(format!(
                "no number of {name} does it: one alone is too small, a wait too short, or machines are down too often"
            ));
        }
    }
    if postgres.shards > 1 {
        faults.push(format!(
            "Postgres has one writer, and the largest of {} processors is not enough: divide the tenants among {} houses, \
             or name a larger one (--postgres-processors)",
            ask.postgres_processors, postgres.shards
        ));
    }
    faults
}
