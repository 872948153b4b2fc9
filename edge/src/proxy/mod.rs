//! One HTTP request through Pingora, phase by phase: identify, decide, pick a core, stamp, pass on, account.
//!
//! - `admit`: whether it goes on at all
//! - [`route`]: what a path is for
//! - [`failure`]: what a client is told when it goes no further
//! - [`fields`]: header fields between client and core
//! - `grpc`: the connection to a core that gRPC needs, and what its answers count as
//! - `listing`: the list of edges, which needs no core
//! - [`linger`]: what becomes of a body that nobody needs any more

mod admit;
pub mod failure;
pub mod fields;
mod grpc;
pub mod linger;
mod listing;
pub mod route;

use crate::{
    answer::{Answer, unauthenticated},
    auth::{Refusal, revoked::Followed},
    context::{Edge, request_id},
    door::{authority, guest::Visit},
    limit::Decision,
    metrics::METRICS,
    upstream::{Lease, call::unavailable, wire::Wires},
};
use async_trait::async_trait;
use bytes::Bytes;
use failure::{answer, end_stream, is_answered, may_hear, moved, problem_of};
use http::{Method, header};
use pingora::{
    Error, ErrorSource,
    ErrorType::{self, HTTPStatus},
    Result,
    http::{RequestHeader, ResponseHeader},
    proxy::{FailToProxy, ProxyHttp, Session},
    upstreams::peer::HttpPeer,
};
use route::{EDGES, Route};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    a2a,
    headers::{IDEMPOTENCY_KEY, UNCOUNTED},
    identity::Identity,
    problem::Problem,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// So many answers at once on one HTTP/2 connection are passed on over the pooled connections to the cores, uncounted;
/// each can have some 600 KiB in Pingora's queues. Any further one is counted, for which it has its own connection.
const UNCOUNTED_ANSWERS: usize = 4;

/// The phases of a request.
#[derive(Debug)]
pub struct Proxy(pub Arc<Edge>);

/// One request on its way.
#[derive(Debug)]
pub struct Request {
    id: String,
    span: Span,
    route: Option<Route>,
    started: Instant,
    identity: Option<Arc<Identity>>,
    decision: Option<Decision>,
    /// Whether it is a message, as far as its path says, that is not counted yet: the core knows which are none.
    uncounted: bool,
    body_bytes: u64,
    tried: Vec<usize>,
    core: Option<Lease>,
    asked: Option<Instant>,
    streaming: bool,
    /// Whether what was passed of a stream ends with a whole event.
    is_whole: bool,
    /// Whether its connection to the core is for it alone.
    is_alone: bool,
    /// What ends it, if it is a stream.
    followed: Option<Followed>,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Request;

    fn new_ctx(&self) -> Request {
        Request {
            id: request_id(),
            span: Span::none(),
            route: None,
            started: Instant::now(),
            identity: None,
            decision: None,
            uncounted: false,
            body_bytes: 0,
            tried: Vec::new(),
            core: None,
            asked: None,
            streaming: false,
            is_whole: true,
            is_alone: false,
            followed: None,
        }
    }

    async fn request_filter(&self, session: &mut Session, request: &mut Request) -> Result<bool> {
        let http = &self.0.config.http;
        session.set_read_timeout(Some(Duration::from_millis(http.read_timeout_ms)));
        session.set_write_timeout(Some(Duration::from_millis(http.write_timeout_ms)));
        match self.admit(session, request).await {
            Ok(()) if session.req_header().uri.path() == EDGES => {
                listing::answer(session, &self.0.edges, &request.id).await
            }
            Ok(()) => Ok(false),
            Err(problem) => {
                let refusal = request.answer(session, problem);
                answer(session, refusal).await?;
                Ok(true)
            }
        }
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        request: &mut Request,
    ) -> Result<()> {
        let http = &self.0.config.http;
        request.body_bytes += body.as_ref().map_or(0, |part| part.len() as u64);
        if request.body_bytes > http.max_body_bytes {
            return Err(Error::explain(HTTPStatus(413), "the body is too large"));
        }
        if !end && request.started.elapsed() > Duration::from_millis(http.body_timeout_ms) {
            return Err(Error::explain(HTTPStatus(408), "the body took too long"));
        }
        Ok(())
    }

    async fn upstream_peer(&self, session: &mut Session, request: &mut Request) -> Result<Box<HttpPeer>> {
        let left = self.left(request);
        if left.is_zero() {
            return Err(Error::explain(HTTPStatus(504), "the deadline passed"));
        }
        let core = self.0.cores.choose(&request.tried);
        let chosen = core.and_then(|core| core.address().map(|address| (core, address)));
        let Some((core, address)) = chosen else {
            return Err(Error::explain(HTTPStatus(503), "no core is healthy"));
        };
        let mut peer = HttpPeer::new(address, false, String::new());
        let connect = Duration::from_millis(self.0.config.cores.connect_timeout_ms);
        peer.options.connection_timeout = Some(connect);
        peer.options.total_connection_timeout = Some(connect);
        peer.options.read_timeout = Some(if request.is_stream() { self.silence() } else { left });
        peer.options.write_timeout = Some(left);
        peer.options.idle_timeout = Some(Duration::from_secs(30));
        let share = Visit::of(session.digest()).and_then(|visit| visit.share.clone());
        let share = share.filter(|share| request.is_stream() || share.siblings() > UNCOUNTED_ANSWERS);
        request.is_alone = request.is_stream() || share.is_some();
        if request.is_grpc() {
            grpc::over_http2(&mut peer, self.silence());
        }
        if request.is_alone {
            let ends_with = request.identity.clone().filter(|_| request.is_stream()).map(|listener| {
                let revoked = self.0.revoked.follow(&listener, CancellationToken::new());
                (self.0.clone(), request.followed.insert(revoked).ending.clone())
            });
            peer.options.custom_l4 = Some(Arc::new(Wires { ends_with, share, patience: connect }));
            // These connections are none for other requests.
            peer.group_key = if request.is_grpc() { grpc::alone() } else { 1 };
        }
        request.tried.push(core.index);
        request.core = Some(core);
        request.asked = Some(Instant::now());
        Ok(Box::new(peer))
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        request: &mut Request,
        mut error: Box<Error>,
    ) -> Box<Error> {
        if let Some(core) = &request.core {
            core.mark_down("it refuses connections");
        }
        // Nothing was sent, so another core can always be asked.
        error.set_retry(true);
        error
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        upstream: &mut RequestHeader,
        request: &mut Request,
    ) -> Result<()> {
        let left = (!request.is_stream()).then(|| self.left(request));
        let target = upstream.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let stamp = self.0.stamp(request.identity.as_deref(), &request.id, &request.span);
        let mut stamp = stamp.headers(left, &upstream.method, &target);
        if request.route.is_some_and(|route| route.is_sign_in) {
            fields::add_session(&mut stamp, &session.req_header().uri, &upstream.headers);
        }
        if request.route.is_some_and(|route| route.names_us) {
            fields::add_origin(&mut stamp, &session.req_header().uri, &upstream.headers);
        }
        let authority = request.core.as_ref().map(|core| core.authority.as_str()).unwrap_or_default();
        fields::to_core(upstream, stamp, authority)?;
        if request.is_alone && !request.is_grpc() {
            // Its connection is never used again: see `Wires`.
            upstream.insert_header(header::CONNECTION, "close")?;
        }
        Ok(())
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        request: &mut Request,
        reused: bool,
    ) -> Box<Error> {
        let broken = matches!(
            error.etype(),
            ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError
        ) && *error.esource() == ErrorSource::Upstream;
        let untouched = session.response_written().is_none() && !session.as_ref().retry_buffer_truncated();
        if untouched && !self.is_leaving(request) && may_be_repeated(session.req_header()) {
            // A connection that had been idle may have been closed by the core before it saw the request.
            error.retry.decide_reuse(reused);
            if broken {
                error.set_retry(true);
            }
        } else {
            error.set_retry(false);
        }
        error
    }

    async fn response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        request: &mut Request,
    ) -> Result<()> {
        may_hear(&self.0, request.identity.as_deref())?;
        let kind = response.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        let told = [b"text/event-stream".as_slice(), a2a::GRPC_MEDIA_TYPE.as_bytes()];
        request.streaming = kind.is_some_and(|kind| told.iter().any(|told| kind.starts_with(told)));
        if let Some(asked) = request.asked {
            METRICS.stage("core", asked.elapsed());
        }
        self.hear_of_line(&response.headers, request);
        if response.headers.contains_key(UNCOUNTED) {
            request.uncounted = false;
            self.give_back(request).await;
        } else if request.is_message() && response.status.is_success() {
            METRICS.chat_response_time.observe(request.started.elapsed().as_secs_f64());
        }
        request.count();
        fields::to_client(response, &request.id, request.decision.as_ref())
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        request: &mut Request,
    ) -> Result<Option<Duration>> {
        if let Some(part) = body.as_ref().filter(|part| !part.is_empty()) {
            request.is_whole = part.ends_with(b"\n\n");
            may_hear(&self.0, request.identity.as_deref())?;
        }
        if !end && !request.streaming && self.left(request).is_zero() {
            return Err(Error::explain(HTTPStatus(504), "the deadline passed within the answer"));
        }
        Ok(None)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        request: &mut Request,
    ) -> FailToProxy {
        let leaving = self.is_leaving(request);
        let problem = match leaving {
            true if request.is_over() => Some(unauthenticated(Refusal::Revoked)),
            true => Some(unavailable()),
            false => problem_of(error),
        };
        request.span.in_scope(|| tracing::debug!(%error, "a request could not be passed on"));
        let code = match problem {
            Some(problem) if leaving && is_answered(session) => {
                let last = match request.is_over() {
                    true => serde_json::to_string(&problem).ok().map(|problem| ("error", problem)),
                    false => self.0.edges.better().and_then(moved),
                };
                end_stream(session, last.filter(|_| request.is_whole)).await;
                0
            }
            Some(problem) if !is_answered(session) => {
                let status = problem.status;
                let refusal = request.answer(session, problem);
                match answer(session, refusal).await {
                    Ok(()) => status,
                    Err(_) => 0,
                }
            }
            _ => 0,
        };
        FailToProxy { error_code: code, can_reuse_downstream: false }
    }

    fn suppress_error_log(&self, _session: &Session, _request: &Request, _error: &Error) -> bool {
        // It is logged once, by `logging`.
        true
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, request: &mut Request) {
        request.core = None;
        // One that no core has answered.
        request.count();
        let status = session.response_written().map_or(0, grpc::status);
        let label = request.route.map_or("none", |route| route.label);
        METRICS.requests.with_label_values(&[label, &status.to_string()]).inc();
        METRICS.stage("total", request.started.elapsed());
        let ms = u64::try_from(request.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let failure = error.map(|error| error.etype().as_str());
        request.span.in_scope(|| tracing::info!(route = label, status, ms, failure, "request"));
        linger::linger(session).await;
    }
}

impl Proxy {
    /// Whether this is an event stream that ends because the edge does, or because its listener may not listen any more.
    fn is_leaving(&self, request: &Request) -> bool {
        request.is_stream() && (self.0.is_draining() || request.is_over())
    }

    /// Gives back what was taken for a message that is none.
    async fn give_back(&self, request: &mut Request) {
        if let (true, Some(identity)) = (request.is_message(), &request.identity) {
            request.decision = Some(self.0.limits.give_back(identity).await);
        }
    }

    fn left(&self, request: &Request) -> Duration {
        self.0.config.http.deadline().saturating_sub(request.started.elapsed())
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(self.0.config.socket.stream_silence_ms)
    }
}

impl Request {
    /// Counts a message, once.
    fn count(&mut self) {
        if std::mem::take(&mut self.uncounted) {
            METRICS.chat_requests.inc();
        }
    }

    fn answer(&self, session: &Session, problem: Problem) -> Answer {
        Answer::at(session.req_header().uri.path(), problem, &self.id, self.decision.as_ref())
    }

    fn is_stream(&self) -> bool {
        self.route.is_some_and(|route| route.is_stream)
    }

    fn is_grpc(&self) -> bool {
        self.route.is_some_and(|route| route.is_grpc)
    }

    fn is_over(&self) -> bool {
        self.followed.as_ref().is_some_and(Followed::is_over)
    }

    fn is_message(&self) -> bool {
        self.route.is_some_and(|route| route.is_message)
    }
}

/// Whether doing it twice is doing it once.
fn may_be_repeated(head: &RequestHeader) -> bool {
    match head.method {
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS => true,
        Method::POST => head.headers.contains_key(IDEMPOTENCY_KEY),
        _ => false,
    }
}
