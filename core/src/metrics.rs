//! What the core counts. The three names without a prefix are the ones that dashboards have always asked for.

use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, register_histogram, register_histogram_vec,
    register_int_counter, register_int_counter_vec, register_int_gauge,
};
use std::{sync::LazyLock, time::Duration};
use switchboard_shared::events::{CallState, TurnState};
use tokio::time::Instant;

/// Buckets in seconds, from our own time to an LLM's.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Announced events.
pub(crate) static RINGS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "switchboard_core_rings_total",
        "Announced events by way and outcome",
        &["way", "outcome"]
    )
    .expect("the name is registered once")
});

/// The core's metrics.
#[derive(Clone)]
pub(crate) struct Metrics {
    /// Messages that were accepted.
    pub(crate) accepted: IntCounter,
    /// Turns that were taken over from a core that died.
    pub(crate) taken_over: IntCounter,
    /// Conversations that somebody on this core listens to or that are being answered.
    pub(crate) active_conversations: IntGauge,
    response_time: Histogram,
    requests: IntCounterVec,
    request_time: HistogramVec,
    running: IntGauge,
    turns: IntCounterVec,
    degraded: IntCounter,
    calls: IntCounterVec,
    call_time: HistogramVec,
    stages: HistogramVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let once = "each name is registered once";
    Metrics {
        accepted: register_int_counter!("chat_requests_total", "Messages accepted").expect(once),
        taken_over: register_int_counter!(
            "switchboard_core_turns_taken_over_total",
            "Turns taken over from a dead core"
        )
        .expect(once),
        active_conversations: register_int_gauge!(
            "active_conversations",
            "Conversations listened to on this core"
        )
        .expect(once),
        response_time: register_histogram!(
            "chat_response_time_seconds",
            "From the acceptance of a message to its whole answer",
            SECONDS.to_vec()
        )
        .expect(once),
        requests: register_int_counter_vec!(
            "switchboard_core_requests_total",
            "Requests by route and status",
            &["route", "status"]
        )
        .expect(once),
        request_time: register_histogram_vec!(
            "switchboard_core_request_seconds",
            "Time to the head of the response, by route",
            &["route"],
            SECONDS.to_vec()
        )
        .expect(once),
        running: register_int_gauge!("switchboard_core_running_turns", "Turns being worked on").expect(once),
        turns: register_int_counter_vec!(
            "switchboard_core_turns_total",
            "Turns by how they ended",
            &["state"]
        )
        .expect(once),
        degraded: register_int_counter!(
            "switchboard_core_degraded_answers_total",
            "Answers that did without something"
        )
        .expect(once),
        calls: register_int_counter_vec!(
            "switchboard_core_agent_calls_total",
            "Agent calls by outcome",
            &["state"]
        )
        .expect(once),
        stages: register_histogram_vec!(
            "switchboard_core_stage_seconds",
            "Time of a message by stage: accept, route, dispatch, synthesise, close",
            &["stage"],
            SECONDS.to_vec()
        )
        .expect(once),
        call_time: register_histogram_vec!(
            "switchboard_core_agent_call_seconds",
            "Agent calls' time by outcome",
            &["state"],
            SECONDS.to_vec()
        )
        .expect(once),
    }
});

impl Metrics {
    pub(crate) fn new() -> Self {
        METRICS.clone()
    }

    /// A request was answered. `route` is the route's pattern, never the path.
    pub(crate) fn answered(&self, route: &str, status: u16, time: Duration) {
        self.requests.with_label_values(&[route, &status.to_string()]).inc();
        self.request_time.with_label_values(&[route]).observe(time.as_secs_f64());
    }

    /// Counts a turn as running until the guard is dropped.
    pub(crate) fn running(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    pub(crate) fn finished(&self, state: TurnState, time: Duration, degraded: bool) {
        self.turns.with_label_values(&[state.name()]).inc();
        self.response_time.observe(time.as_secs_f64());
        if degraded {
            self.degraded.inc();
        }
    }

    /// Waits for a stage of a message's way and counts its time.
    pub(crate) async fn timed<T>(&self, stage: &'static str, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = work.await;
        self.stages.with_label_values(&[stage]).observe(began.elapsed().as_secs_f64());
        done
    }

    pub(crate) fn called(&self, state: CallState, ms: u64) {
        self.calls.with_label_values(&[state.name()]).inc();
        self.call_time.with_label_values(&[state.name()]).observe(Duration::from_millis(ms).as_secs_f64());
    }
}

/// A turn that is being worked on.
pub(crate) struct Running(IntGauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}
