//! The parts of the house, as each says of itself: for whoever runs it.

use super::analytics::{Definitions, Step};
use crate::ids::AgentId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What an edge says of itself to a core, every few seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EdgeReport {
    /// Its process.
    pub id: String,
    /// Where clients reach it; empty where it does not say.
    #[serde(default)]
    pub url: String,
    /// Where it stands, in its operator's word.
    #[serde(default)]
    pub region: String,
    /// Its version.
    pub version: String,
    /// Open WebSockets.
    pub sockets: u64,
    /// Open event streams of clients.
    pub streams: u64,
    /// Open connections of clients, ...
    pub connections: u64,
    /// ... and the most that it takes.
    pub max_connections: u64,
    /// Whether it is about to end.
    pub draining: bool,
    /// What it has refused by itself since it began, with 4xx ...
    #[serde(default)]
    pub edge_refused: u64,
    /// ... and with 5xx.
    #[serde(default)]
    pub edge_errors: u64,
}

/// What a core says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct CoreReport {
    pub version: String,
    pub started_at: DateTime<Utc>,
    pub running: u64,
    pub waiting: u64,
    pub max_running: u64,
    pub streams: u64,
    pub draining: bool,
    pub postgres: Vec<PostgresHost>,
    pub redis: Vec<RedisNode>,
    pub llm: Vec<LlmEndpoint>,
}

/// A host of Postgres.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresHost {
    /// Its place in `postgres.urls`.
    pub host: String,
    /// What it is.
    pub role: HostRole,
    /// For how long the primary has had more than a replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
}

/// What a host of Postgres is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostRole {
    /// It is written to.
    Writer,
    /// It is read from.
    Replica,
    /// It does not answer, or is not to be used.
    Away,
}

/// A node of Redis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisNode {
    /// Its address, as the cluster announces it.
    pub node: String,
    /// Whether it has slots, or follows one that has.
    pub role: RedisRole,
    /// By how much a replica is behind its primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_bytes: Option<u64>,
}

/// What a node of Redis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisRole {
    /// It has slots.
    Primary,
    /// It follows one that has.
    Replica,
    /// It does not answer.
    Away,
}

/// An endpoint of an LLM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LlmEndpoint {
    /// Its host.
    pub endpoint: String,
    /// The model that is asked there.
    pub model: String,
    /// What became of the last request.
    pub state: LlmState,
}

/// How an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LlmState {
    /// It was not asked yet.
    Unknown,
    /// It answered last.
    Works,
    /// It did not answer last.
    Fails,
    /// It asked not to be asked for a while.
    Rests,
}

/// Whose figures a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FiguresOf {
    /// The caller's tenant's.
    Tenant,
    /// The whole house's.
    House,
}

/// `GET /v1/analytics/running`: what goes wrong, how fast it is, and how each part is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct RunningAnalytics {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub step: Step,
    pub at: DateTime<Utc>,
    pub whose: FiguresOf,
    pub totals: RunningTotals,
    pub points: Vec<RunningPoint>,
    pub latency: Vec<Latency>,
    pub breakers: Vec<AgentBreaker>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub house: Option<HouseParts>,
    pub definitions: Definitions,
}

/// The whole window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct RunningTotals {
    pub requests: i64,
    pub client_errors: i64,
    pub errors: i64,
    pub edge_refused: i64,
    pub edge_errors: i64,
    pub turns: i64,
    pub failed: i64,
    pub objective: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_left: Option<f64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct RunningPoint {
    pub at: DateTime<Utc>,
    pub requests: i64,
    pub client_errors: i64,
    pub errors: i64,
    pub turns: i64,
    pub failed: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_left: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement_p95_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_p95_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_p95_ms: Option<f64>,
}

/// How long something took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct Latency {
    /// `acknowledgement`, `own`, `agent` or `answer`.
    pub kind: String,
    pub count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

/// An agent that a core did not ask in the last minute, or only tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentBreaker {
    /// The agent.
    pub agent: AgentId,
    /// `open` or `half_open`.
    pub breaker: String,
}

/// What each part of the house said of itself last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct HouseParts {
    pub cores: Vec<CorePart>,
    pub edges: Vec<EdgePart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillPart>,
}

/// A core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorePart {
    /// Its process.
    pub id: String,
    /// When it was heard of last.
    pub seen_at: DateTime<Utc>,
    /// What it said.
    #[serde(flatten)]
    pub report: CoreReport,
}

/// An edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgePart {
    /// When it was heard of last.
    pub seen_at: DateTime<Utc>,
    /// The share of its connections that are taken, from 0 to 1.
    pub load: f64,
    /// What it said.
    #[serde(flatten)]
    pub report: EdgeReport,
}

/// `POST /v1/analytics/drills`: what a drill of this house found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillReport {
    /// The drill.
    pub name: String,
    /// Whether all that it must hold held.
    pub passed: bool,
    /// What it found, in one line.
    pub summary: String,
}

/// The drill that was reported last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillPart {
    /// When it was reported.
    pub seen_at: DateTime<Utc>,
    /// What it found.
    #[serde(flatten)]
    pub report: DrillReport,
}

/// `GET /v1/analytics/capacity`: how much there is to do, and how much more would fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct CapacityAnalytics {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub step: Step,
    pub at: DateTime<Utc>,
    pub whose: FiguresOf,
    pub totals: CapacityTotals,
    pub points: Vec<CapacityPoint>,
    pub tiers: Vec<TierCapacity>,
    pub growth: Growth,
    pub definitions: Definitions,
}

/// The whole window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct CapacityTotals {
    pub messages: i64,
    pub messages_per_s: f64,
    pub peak_per_s: f64,
    pub input_tokens: i64,
    pub output_tokens: i64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct CapacityPoint {
    pub at: DateTime<Utc>,
    pub messages: i64,
    pub messages_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sockets: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<i64>,
}

/// How much of something all parts of a tier can take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct TierCapacity {
    /// `edge` or `core`.
    pub tier: String,
    /// `sockets`, `turns_per_s` or `running`.
    pub unit: String,
    pub parts: i64,
    pub used: f64,
    pub peak: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headroom: Option<f64>,
    pub basis: CeilingBasis,
}

/// Where a ceiling is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CeilingBasis {
    /// The configuration says what was measured.
    Measured,
    /// The parts take no more by their own bound.
    Bound,
    /// Nobody has said it.
    None,
}

/// How it grows, by the days before now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct Growth {
    pub days: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_per_day: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth_per_day: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_in_days: Option<f64>,
}
