//! Where A2A is spoken: one path for JSON-RPC, prefixes for HTTP+JSON and gRPC, and the card, which is everybody's.

use super::{
    super::http::{Caller, Raw, deadline},
    asker::Asker,
    card,
    face::Face,
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::Result,
};
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, Method, Uri},
    response::Response,
    routing::{any, get, post},
};
use std::{sync::Arc, time::Duration};
use switchboard_a2a::{Asked, CARD_PATH, Performed, grpc, jsonrpc, rest};
use switchboard_shared::{a2a, headers, identity::Identity};
use tokio::time::Instant;

/// A task that is waited for is told, as it is, so long before the edge's patience is over.
const BEFORE_THE_EDGE: Duration = Duration::from_millis(500);

pub(crate) fn routes() -> Router<Arc<Core>> {
    Router::new()
        .route(a2a::JSONRPC, post(by_jsonrpc))
        .route(a2a::JSONRPC_SLASH, post(by_jsonrpc))
        .route(a2a::REST_ROUTE, any(by_rest))
        .route(a2a::GRPC_ROUTE, post(by_grpc))
        .route(CARD_PATH, get(card::public))
        .route(a2a::CARD_BEFORE_1_0, get(card::before_1_0))
        .route(a2a::KEYS, get(card::keys))
}

async fn by_jsonrpc(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    RawQuery(query): RawQuery,
    fields: HeaderMap,
    envelope: Envelope,
    Raw(body): Raw,
) -> Result<Response> {
    let (face, asker) = begun(&core, me, &fields, envelope)?;
    let asked = asked(&face, &asker, &fields);
    Ok(counted(jsonrpc::answer(&asked, &fields, query.as_deref(), &body).await))
}

async fn by_rest(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    method: Method,
    uri: Uri,
    fields: HeaderMap,
    envelope: Envelope,
    Raw(body): Raw,
) -> Result<Response> {
    let (face, asker) = begun(&core, me, &fields, envelope)?;
    let asked = asked(&face, &asker, &fields);
    let request = rest::Request {
        method: &method,
        // As it came: what is escaped in it would be another path to the edge, which counts by it.
        path: uri.path().strip_prefix(a2a::REST).unwrap_or_default(),
        query: uri.query(),
        headers: &fields,
        body: &body,
    };
    Ok(counted(rest::answer(&asked, request).await))
}

async fn by_grpc(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    uri: Uri,
    fields: HeaderMap,
    envelope: Envelope,
    Raw(body): Raw,
) -> Result<Response> {
    let (face, asker) = begun(&core, me, &fields, envelope)?;
    let asked = asked(&face, &asker, &fields);
    let method = uri.path().strip_prefix(a2a::GRPC).unwrap_or_default();
    Ok(counted(Box::pin(grpc::answer(&asked, method, &fields, body)).await))
}

fn begun(core: &Arc<Core>, me: Identity, fields: &HeaderMap, envelope: Envelope) -> Result<(Face, Asker)> {
    permit(&me, Permission::Converse)?;
    let origin = card::origin(core, fields);
    Ok((Face { core: Arc::clone(core) }, Asker { me, envelope, origin }))
}

fn asked<'a>(face: &'a Face, asker: &'a Asker, fields: &HeaderMap) -> Asked<'a, Face> {
    let config = &face.core.config;
    let left = deadline(fields, config.turn.deadline + config.request_deadline);
    let until = Instant::now() + left.saturating_sub(BEFORE_THE_EDGE);
    Asked { agent: face, caller: asker, until, ping: config.events.ping }
}

/// Only messages are counted as messages; the edge gives back what it took for the others.
fn counted(mut response: Response) -> Response {
    let performed = response.extensions().get::<Performed>().copied();
    if !performed.is_some_and(|performed| performed.is_message) {
        response.headers_mut().insert(headers::UNCOUNTED, HeaderValue::from_static("1"));
    }
    response
}
