//! Logs and traces. Every process has trace ids, whether or not they are exported, and copies W3C `traceparent`
//! from what it is asked to what it asks.

use crate::{config::Faults, proxy::Proxy};
use http::HeaderMap;
use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector},
    trace::TracerProvider as _,
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use serde::Deserialize;
use std::{io::IsTerminal, time::Duration};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// How long one export may take; the default of the OpenTelemetry specification.
const EXPORT_WITHIN: Duration = Duration::from_secs(10);

/// The `[telemetry]` table of both tiers' configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `auto` (readable on a terminal, JSON otherwise), `text` or `json`.
    pub log_format: LogFormat,
    /// What is logged, as in `info,switchboard_core=debug`.
    pub log_filter: String,
    /// Where spans go, as OTLP over HTTP (`http://host:4318/v1/traces`); empty means nowhere.
    pub otlp_endpoint: String,
    /// The proxy on the way there.
    pub otlp_proxy: Proxy,
}

impl TelemetryConfig {
    /// Adds every fault of the values to `faults`.
    pub fn check(&self, faults: &mut Faults) {
        self.otlp_proxy.check(faults, "telemetry.otlp_proxy");
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Readable on a terminal, JSON otherwise.
    Auto,
    /// Readable.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log_filter` cannot be read.
    #[error("telemetry.log_filter cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be built.
    #[error("telemetry.otlp_endpoint cannot be used: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The HTTP client of the exporter cannot be built.
    #[error("telemetry.otlp_endpoint cannot be used: {0}")]
    Client(#[from] reqwest::Error),
    /// A subscriber is installed already.
    #[error("telemetry is started twice: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Holds the exporter; [`Telemetry::flush`] before the process ends.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts logs and traces of this process; logs go to standard error.
    ///
    /// # Errors
    /// When the configuration cannot be used, or telemetry was started before.
    pub fn start(service: &'static str, config: &TelemetryConfig) -> Result<Self, TelemetryError> {
        let mut provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build());
        if !config.otlp_endpoint.is_empty() {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_http_client(export_client(&config.otlp_proxy)?)
                .with_endpoint(config.otlp_endpoint.as_str())
                .build()?;
            provider = provider.with_batch_exporter(exporter);
        }
        let provider = provider.build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        // What the exporter itself logs must not make spans: each export would make the next.
        let spans = EnvFilter::try_new("info,hyper=off,reqwest=off,h2=off,opentelemetry=off")?;
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer(service)).with_filter(spans);
        let json = match config.log_format {
            LogFormat::Auto => !std::io::stderr().is_terminal(),
            LogFormat::Text => false,
            LogFormat::Json => true,
        };
        let filter = EnvFilter::try_new(&config.log_filter)?;
        let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let logs = if json {
            logs.json().flatten_event(true).with_filter(filter).boxed()
        } else {
            logs.compact().with_filter(filter).boxed()
        };
        tracing_subscriber::registry().with(traces).with(logs).try_init()?;
        Ok(Self { provider })
    }

    /// Sends the spans that are still here.
    pub fn flush(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// The exporter's client, made by a thread that may wait.
fn export_client(proxy: &Proxy) -> Result<reqwest::blocking::Client, reqwest::Error> {
    std::thread::scope(|scope| {
        let made = scope.spawn(|| proxy.blocking_client()?.timeout(EXPORT_WITHIN).build());
        made.join().expect("making a client does not panic: it is an error when it fails")
    })
}

/// Makes `span` a child of the caller's span, if the headers name one.
pub fn follow(span: &Span, headers: &HeaderMap) {
    let parent = global::get_text_map_propagator(|p| p.extract(&Headers(headers)));
    // Fails only when the span is filtered out, and then there is nothing to follow.
    drop(span.set_parent(parent));
}

/// Writes `span`'s trace context into the headers of a request.
pub fn inject(span: &Span, headers: &mut HeaderMap) {
    inject_context(&span.context(), headers);
}

fn inject_context(context: &Context, headers: &mut HeaderMap) {
    global::get_text_map_propagator(|p| p.inject_context(context, &mut HeadersMut(headers)));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(key), http::HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
