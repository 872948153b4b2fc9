//! Whether a request goes on to a core.

use super::{Proxy, Request, Route, authority, route};
use crate::{
    answer::{rate_limited, unauthenticated},
    auth::page,
    door::guest::Visit,
    identify,
    metrics::METRICS,
    upstream::call,
};
use http::{HeaderMap, Method, Version, header};
use pingora::{http::RequestHeader, protocols::l4::socket::SocketAddr as PeerAddr, proxy::Session};
use std::net::IpAddr;
use switchboard_shared::{
    problem::{Problem, ProblemKind},
    telemetry,
};
use tokio::time::Instant;

impl Proxy {
    /// Decides whether a request goes on, in the order of cost.
    pub(super) async fn admit(&self, session: &mut Session, request: &mut Request) -> Result<(), Problem> {
        let head = session.req_header();
        if head.method == Method::CONNECT {
            return Err(Problem::new(ProblemKind::MethodNotAllowed, "nothing is connected to here"));
        }
        let path = head.uri.path();
        if path == "/ws" || path.starts_with("/ws/") {
            let detail = "a WebSocket begins with an upgrade of HTTP/1.1";
            return Err(Problem::new(ProblemKind::BadRequest, detail));
        }
        let found = route::find(&head.method, path);
        request.route = found;
        request.span = tracing::info_span!("request", otel.kind = "server", request_id = %request.id);
        telemetry::follow(&request.span, &head.headers);
        self.check_bounds(head)?;
        let known = self.0.auth.known(&head.headers);
        let arrival = match found {
            Some(route) if route.is_page => self.0.limits.page(address(session)),
            _ => self.0.limits.arrival(known.as_deref(), address(session)),
        };
        if !arrival.allowed {
            request.decision = Some(arrival);
            return Err(rate_limited(&arrival));
        }
        let Some(route) = found else {
            return Err(Problem::new(ProblemKind::NotFound, "this path is not served here"));
        };
        let head = session.req_header();
        if route.is_grpc && head.version != Version::HTTP_2 {
            return Err(Problem::new(ProblemKind::BadRequest, "gRPC is spoken over HTTP/2 alone"));
        }
        let own = page::own_origin(Some(&head.uri), &head.headers);
        let listed = &self.0.config.socket.origins;
        page::require(&head.method, &head.headers, own.as_deref(), listed, route.is_sign_in)?;
        if route.is_public {
            if route.is_sign_in {
                request.identity = identify::anybody(&self.0, &session.req_header().headers).await;
            }
            return Ok(());
        }
        let started = Instant::now();
        let identity = identify::request(&self.0, &session.req_header().headers).await;
        let identity = identity.map_err(unauthenticated)?;
        METRICS.stage("auth", started.elapsed());
        if let Some(visit) = Visit::of(session.digest()) {
            visit.guest.introduce();
        }
        if route.has_line {
            self.0.limits.line(&identity, false)?;
        }
        let started = Instant::now();
        let decision = match route {
            Route { is_message: true, .. } => self.0.limits.message(&identity).await,
            Route { is_stream: true, .. } => self.0.limits.join(&identity).await,
            _ => self.0.limits.request(&identity).await,
        };
        METRICS.stage("limit", started.elapsed());
        request.decision = Some(decision);
        request.identity = Some(identity);
        if !decision.allowed {
            return Err(rate_limited(&decision));
        }
        request.uncounted = route.is_message;
        Ok(())
    }

    /// Keeps what a core says of how long the line of a user's messages is.
    pub(super) fn hear_of_line(&self, answer: &HeaderMap, request: &Request) {
        if let Some(identity) = &request.identity {
            self.0.limits.told(identity, call::next(answer));
        }
    }

    /// HTTP/2 heads have not passed the door's look, which reads HTTP/1 only.
    fn check_bounds(&self, head: &RequestHeader) -> Result<(), Problem> {
        let http = &self.0.config.http;
        let fields = &head.headers;
        let host = fields.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
        if !head.uri.authority().map(|named| named.as_str()).or(host).is_none_or(authority::is_plain) {
            return Err(Problem::new(ProblemKind::BadRequest, "the host cannot be read"));
        }
        let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if fields.len() > http.max_headers || bytes + head.uri.path().len() > http.max_header_bytes {
            return Err(Problem::new(ProblemKind::HeadersTooLarge, "the header is too large"));
        }
        let length = fields.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length = length.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
        if length > http.max_body_bytes {
            let detail = format!("a body may have {} bytes", http.max_body_bytes);
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        }
        Ok(())
    }
}

fn address(session: &Session) -> IpAddr {
    match session.client_addr() {
        Some(PeerAddr::Inet(address)) => address.ip(),
        _ => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    }
}
