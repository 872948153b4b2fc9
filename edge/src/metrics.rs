//! What the edge counts. Every label has a small, fixed set of values.

use http::StatusCode;
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, register_histogram,
    register_histogram_vec, register_int_counter, register_int_counter_vec, register_int_gauge,
    register_int_gauge_vec,
};
use std::{sync::LazyLock, time::Duration};

/// The metrics of this process; prometheus itself has one registry per process.
pub static METRICS: LazyLock<Metrics> =
    LazyLock::new(|| Metrics::register().expect("every name is registered once, which a test holds"));

const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// Every metric of the edge.
#[derive(Debug)]
#[allow(missing_docs, reason = "each metric carries its own help text")]
pub struct Metrics {
    pub requests: IntCounterVec,
    pub refusals: IntCounterVec,
    pub stages: HistogramVec,
    pub connections: IntGauge,
    pub connections_refused: IntCounterVec,
    pub http2_ended: IntCounterVec,
    pub open_sockets: IntGauge,
    pub open_streams: IntGauge,
    pub joined_conversations: IntGauge,
    pub limit_decisions: IntCounterVec,
    pub limit_degraded: IntCounter,
    pub auth_failures: IntCounterVec,
    pub core_healthy: IntGaugeVec,
    pub reattach: IntCounterVec,
    pub frames: IntCounterVec,
    pub socket_closes: IntCounterVec,
    pub coalesced: IntCounter,
    pub jwks_reloads: IntCounterVec,
    pub revocation_polls: IntCounterVec,
    pub chat_requests: IntCounter,
    pub chat_response_time: Histogram,
    pub active_conversations: IntGauge,
}

impl Metrics {
    fn register() -> prometheus::Result<Self> {
        Ok(Self {
            requests: register_int_counter_vec!(
                "switchboard_edge_requests_total",
                "HTTP requests that were answered",
                &["route", "status"]
            )?,
            refusals: register_int_counter_vec!(
                "switchboard_edge_refusals_total",
                "Of these, requests that no core has answered, by the first digit of their status",
                &["class"]
            )?,
            stages: register_histogram_vec!(
                "switchboard_edge_request_seconds",
                "Time in each stage of a request",
                &["stage"],
                SECONDS.to_vec()
            )?,
            connections: register_int_gauge!("switchboard_edge_connections", "Open client connections")?,
            connections_refused: register_int_counter_vec!(
                "switchboard_edge_connections_refused_total",
                "Connections that ended before a request, by reason",
                &["reason"]
            )?,
            http2_ended: register_int_counter_vec!(
                "switchboard_edge_http2_ended_total",
                "HTTP/2 connections that were ended for what the client did, by reason",
                &["reason"]
            )?,
            open_sockets: register_int_gauge!("switchboard_edge_open_sockets", "Open WebSockets")?,
            open_streams: register_int_gauge!(
                "switchboard_edge_open_streams",
                "Open event streams of clients"
            )?,
            joined_conversations: register_int_gauge!(
                "switchboard_edge_joined_conversations",
                "Conversations that sockets here have joined"
            )?,
            limit_decisions: register_int_counter_vec!(
                "switchboard_edge_limit_decisions_total",
                "Decisions of the limiter",
                &["policy", "decision"]
            )?,
            limit_degraded: register_int_counter!(
                "switchboard_edge_limit_degraded_total",
                "Decisions that were made without Redis although it is configured"
            )?,
            auth_failures: register_int_counter_vec!(
                "switchboard_edge_auth_failures_total",
                "Tokens that were refused, by reason",
                &["reason"]
            )?,
            core_healthy: register_int_gauge_vec!(
                "switchboard_edge_core_healthy",
                "1 while a core answers its health check",
                &["core"]
            )?,
            reattach: register_int_counter_vec!(
                "switchboard_edge_upstream_reattach_total",
                "Event streams that broke and were attached again, or not",
                &["outcome"]
            )?,
            frames: register_int_counter_vec!(
                "switchboard_edge_frames_total",
                "WebSocket frames",
                &["direction", "type"]
            )?,
            socket_closes: register_int_counter_vec!(
                "switchboard_edge_socket_closes_total",
                "WebSockets that ended, by close code",
                &["code"]
            )?,
            coalesced: register_int_counter!(
                "switchboard_edge_slow_reader_coalesced_total",
                "Pieces of answers that were joined for a slow reader"
            )?,
            jwks_reloads: register_int_counter_vec!(
                "switchboard_edge_jwks_reloads_total",
                "Loads of the key set",
                &["outcome"]
            )?,
            revocation_polls: register_int_counter_vec!(
                "switchboard_edge_revocation_polls_total",
                "How often the cores were asked what was taken back",
                &["outcome"]
            )?,
            chat_requests: register_int_counter!("chat_requests_total", "Messages that clients sent")?,
            chat_response_time: register_histogram!(
                "chat_response_time_seconds",
                "From a message's arrival to the core's acknowledgement",
                SECONDS.to_vec()
            )?,
            active_conversations: register_int_gauge!(
                "active_conversations",
                "Conversations that sockets here have joined"
            )?,
        })
    }

    /// Adds the time that a request spent in a stage.
    pub fn stage(&self, stage: &str, time: Duration) {
        self.stages.with_label_values(&[stage]).observe(time.as_secs_f64());
    }

    /// Counts an answer of this edge's own, where it is a refusal.
    pub fn answered(&self, status: StatusCode) {
        if status.is_client_error() || status.is_server_error() {
            self.refusals.with_label_values(&[if status.is_client_error() { "4" } else { "5" }]).inc();
        }
    }

    /// Counts a frame.
    pub fn frame(&self, direction: &str, name: &str) {
        self.frames.with_label_values(&[direction, name]).inc();
    }
}

/// The status that an answer counts under. Over gRPC a refusal has the HTTP status 200, and its own in its head
/// (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>); it counts as what it would be over HTTP.
#[must_use]
pub fn counts_as(status: StatusCode, of_grpc: Option<&str>) -> StatusCode {
    match of_grpc {
        None | Some("0") => status,
        Some("1") => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST), // the client went away
        Some("3" | "9" | "11") => StatusCode::BAD_REQUEST,
        Some("4") => StatusCode::GATEWAY_TIMEOUT,
        Some("5") => StatusCode::NOT_FOUND,
        Some("6" | "10") => StatusCode::CONFLICT,
        Some("7") => StatusCode::FORBIDDEN,
        Some("8") => StatusCode::TOO_MANY_REQUESTS,
        Some("12") => StatusCode::NOT_IMPLEMENTED,
        Some("14") => StatusCode::SERVICE_UNAVAILABLE,
        Some("16") => StatusCode::UNAUTHORIZED,
        Some(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Adds one to gauges for as long as it lives.
#[derive(Debug)]
pub struct Counted(Vec<IntGauge>);

impl Counted {
    /// Adds one to each gauge.
    #[must_use]
    pub fn new(gauges: &[&IntGauge]) -> Self {
        gauges.iter().for_each(|gauge| gauge.inc());
        Self(gauges.iter().map(|gauge| (*gauge).clone()).collect())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.iter().for_each(IntGauge::dec);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_registered_once() {
        METRICS.chat_requests.inc();
        assert!(prometheus::gather().iter().any(|family| family.name() == "chat_requests_total"));
    }

    #[test]
    fn a_refusal_over_grpc_counts_as_what_it_would_be_over_http() {
        for (of_grpc, counted) in [
            (None, 200),
            (Some("0"), 200),
            (Some("8"), 429),
            (Some("16"), 401),
            (Some("14"), 503),
            (Some("x"), 500),
        ] {
            assert_eq!(counts_as(StatusCode::OK, of_grpc).as_u16(), counted, "{of_grpc:?}");
        }
        assert_eq!(counts_as(StatusCode::BAD_GATEWAY, None), StatusCode::BAD_GATEWAY);
    }
}
