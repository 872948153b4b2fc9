//! What the core counts, each name once. The three names without our prefix are the ones that dashboards have always
//! asked for.

use futures::FutureExt;
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, register_histogram,
    register_histogram_vec, register_int_counter, register_int_counter_vec, register_int_gauge,
    register_int_gauge_vec,
};
use std::{sync::LazyLock, time::Duration};
use switchboard_shared::events::{CallState, TurnState};
use tokio::time::Instant;

/// Buckets in seconds, from our own time to an LLM's.
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
/// From one statement to what is too long; a turn waits for agents and LLMs within some stages.
const OWN_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1,
    0.25, 1.0, 5.0, 30.0,
];
const DECISION_BUCKETS: &[f64] = &[0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.05, 0.25, 1.0, 2.0, 4.0];
const EMBED_BUCKETS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0];
const LLM_BUCKETS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0];

pub(crate) static ACCEPTED: LazyLock<IntCounter> =
    LazyLock::new(|| counter("chat_requests_total", "Messages accepted"));
pub(crate) static REFUSED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_refused_total",
        "Messages refused before they were accepted, by whose share was full",
        &["whose"],
    )
});
pub(crate) static SIGN_INS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_sign_ins_total",
        "Sign-ins that came back from a provider or went no further, by what came of them",
        &["outcome"],
    )
});
pub(crate) static RESPONSE_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    histogram("chat_response_time_seconds", "From the acceptance of a message to its whole answer", BUCKETS)
});
pub(crate) static ACTIVE_CONVERSATIONS: LazyLock<IntGauge> =
    LazyLock::new(|| gauge("active_conversations", "Conversations listened to on this core"));
pub(crate) static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters("switchboard_core_requests_total", "Requests by route and status", &["route", "status"])
});
pub(crate) static REQUEST_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histograms(
        "switchboard_core_request_seconds",
        "Time to the head of the response, by route",
        &["route"],
        BUCKETS,
    )
});
pub(crate) static RUNNING: LazyLock<IntGauge> =
    LazyLock::new(|| gauge("switchboard_core_running_turns", "Turns being worked on"));
pub(crate) static TURNS: LazyLock<IntCounterVec> =
    LazyLock::new(|| counters("switchboard_core_turns_total", "Turns by how they ended", &["state"]));
pub(crate) static TAKEN_OVER: LazyLock<IntCounter> =
    LazyLock::new(|| counter("switchboard_core_turns_taken_over_total", "Turns taken over from a dead core"));
pub(crate) static DEGRADED: LazyLock<IntCounter> = LazyLock::new(|| {
    counter("switchboard_core_degraded_answers_total", "Answers that did without something")
});
pub(crate) static OWN_SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    histogram(
        "switchboard_core_own_seconds",
        "From the acceptance of a message to its whole answer, without what agents and LLMs took",
        OWN_BUCKETS,
    )
});
pub(crate) static STAGE_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histograms(
        "switchboard_core_stage_seconds",
        "Time of a message by stage: accept, wait, brief, route, call, synthesise, close; and of each step's record",
        &["stage"],
        OWN_BUCKETS,
    )
});
pub(crate) static CALLS: LazyLock<IntCounterVec> =
    LazyLock::new(|| counters("switchboard_core_agent_calls_total", "Agent calls by outcome", &["state"]));
pub(crate) static CALL_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histograms("switchboard_core_agent_call_seconds", "Agent calls' time by outcome", &["state"], BUCKETS)
});
pub(crate) static PUSHES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_pushes_total",
        "Push notifications: delivered, failed (and tried again), and configurations given_up",
        &["outcome"],
    )
});
pub(crate) static OPEN_CALLS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_open_calls_total",
        "Agents that waited for a user, or worked on: done, timed_out, and of those that were given up, canceled and untold",
        &["outcome"],
    )
});
pub(crate) static DECISIONS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_route_decisions_total",
        "Plans, by deciding stage and mode",
        &["stage", "mode"],
    )
});
pub(crate) static DECISION_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histograms(
        "switchboard_core_route_seconds",
        "How long a decision took, by deciding stage",
        &["stage"],
        DECISION_BUCKETS,
    )
});
pub(crate) static EMBED_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histograms(
        "switchboard_core_embed_seconds",
        "How long a message's embedding took",
        &["source"],
        EMBED_BUCKETS,
    )
});
pub(crate) static EMBED_FAILURES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters("switchboard_core_embed_failures_total", "Embeddings that failed, by kind", &["source", "kind"])
});
pub(crate) static LLM_REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_llm_requests_total",
        "Requests to LLM endpoints, by what became of them",
        &["provider", "operation", "outcome"],
    )
});
pub(crate) static LLM_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histograms(
        "switchboard_core_llm_request_seconds",
        "How long requests to LLM endpoints took",
        &["provider", "operation"],
        LLM_BUCKETS,
    )
});
pub(crate) static MODELS_BYTES: LazyLock<IntGauge> =
    LazyLock::new(|| gauge("switchboard_core_models_bytes", "Bytes of the learned models in memory"));
pub(crate) static MODELS_WAITING: LazyLock<IntGauge> =
    LazyLock::new(|| gauge("switchboard_core_models_waiting", "Models that wait to be learned"));
pub(crate) static IN_HAND_BYTES: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauges(
        "switchboard_core_in_hand_bytes",
        "Bytes of large bodies that are read and stored, and of files that are with agents or handed out",
        &["what"],
    )
});
pub(crate) static IN_HAND_WAITING: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauges("switchboard_core_in_hand_waiting", "Large bodies and files that wait for room", &["what"])
});
pub(crate) static COUNTS_LOST: LazyLock<IntCounter> = LazyLock::new(|| {
    counter(
        "switchboard_core_counts_lost_total",
        "Counts for analytics that found no room to wait for their rows",
    )
});
pub(crate) static RINGS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters("switchboard_core_rings_total", "Announced events by way and outcome", &["way", "outcome"])
});
pub(crate) static DEGRADED_CHANNELS: LazyLock<IntGauge> = LazyLock::new(|| {
    gauge("switchboard_core_degraded_channels", "Doorbell channels on which this core does not hear itself")
});
pub(crate) static UNSIGNED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_unsigned_from_redis_total",
        "What Redis said and none of our cores has signed, dropped",
        &["kind"],
    )
});
pub(crate) static CONNECTIONS: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauges("switchboard_core_postgres_connections", "Connections by host and state", &["host", "state"])
});

pub(crate) static TRANSACTIONS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters("switchboard_core_postgres_transactions_total", "Transactions of a tenant's", &["for"])
});
pub(crate) static ROUND_TRIPS: LazyLock<IntCounter> = LazyLock::new(|| {
    counter("switchboard_core_postgres_round_trips_total", "How often such a transaction waited for its host")
});
pub(crate) static STATEMENTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters("switchboard_core_postgres_statements_total", "Statements within them, by name", &["statement"])
});
pub(crate) static READS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counters(
        "switchboard_core_postgres_reads_total",
        "Transactions that read, by where they went and why",
        &["to", "why"],
    )
});
pub(crate) static ROLES: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauges("switchboard_core_postgres_role", "1 for what a host is to this core", &["host", "role"])
});
pub(crate) static LAG: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauges(
        "switchboard_core_postgres_lag_ms",
        "For how long the writer has had more than a replica",
        &["host"],
    )
});

/// Why no registration fails.
const ONCE: &str = "each name is registered once";

fn counter(name: &str, help: &str) -> IntCounter {
    register_int_counter!(name, help).expect(ONCE)
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register_int_counter_vec!(name, help, labels).expect(ONCE)
}

fn gauge(name: &str, help: &str) -> IntGauge {
    register_int_gauge!(name, help).expect(ONCE)
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register_int_gauge_vec!(name, help, labels).expect(ONCE)
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> Histogram {
    register_histogram!(name, help, buckets.to_vec()).expect(ONCE)
}

fn histograms(name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
    register_histogram_vec!(name, help, labels, buckets.to_vec()).expect(ONCE)
}

/// Has what is counted without labels shown as 0 from the start.
pub(crate) fn show() {
    [&ACCEPTED, &TAKEN_OVER, &DEGRADED, &COUNTS_LOST, &ROUND_TRIPS]
        .into_iter()
        .for_each(|counter| counter.inc_by(0));
    [&ACTIVE_CONVERSATIONS, &RUNNING, &MODELS_BYTES, &MODELS_WAITING]
        .into_iter()
        .for_each(|gauge| gauge.add(0));
    LazyLock::force(&RESPONSE_SECONDS);
    LazyLock::force(&OWN_SECONDS);
}

/// A request was answered. `route` is the route's pattern, never the path.
pub(crate) fn answered(route: &str, status: u16, time: Duration) {
    REQUESTS.with_label_values(&[route, &status.to_string()]).inc();
    REQUEST_SECONDS.with_label_values(&[route]).observe(time.as_secs_f64());
}

/// Counts a turn as running until the guard is dropped.
pub(crate) fn running() -> Running {
    RUNNING.inc();
    Running
}

/// A turn that is being worked on.
pub(crate) struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.dec();
    }
}

/// A turn has ended.
pub(crate) fn finished(state: TurnState, time: Duration, degraded: bool) {
    TURNS.with_label_values(&[state.name()]).inc();
    RESPONSE_SECONDS.observe(time.as_secs_f64());
    if degraded {
        DEGRADED.inc();
    }
}

/// Waits for a stage of a message's way and counts its time.
pub(crate) fn timed<T>(stage: &'static str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    measured(stage, work).map(|(done, _)| done)
}

/// The same, and says how long it took.
pub(crate) async fn measured<T>(stage: &'static str, work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let done = work.await;
    let took = began.elapsed();
    STAGE_SECONDS.with_label_values(&[stage]).observe(took.as_secs_f64());
    (done, took)
}

/// A call has ended.
pub(crate) fn called(state: CallState, ms: u64) {
    CALLS.with_label_values(&[state.name()]).inc();
    CALL_SECONDS.with_label_values(&[state.name()]).observe(Duration::from_millis(ms).as_secs_f64());
}
