//! Names of the headers that pass between the tiers. A client's own copies are dropped at the edge.

/// The signed [`Identity`](crate::identity::Identity), edge → core.
pub const IDENTITY: &str = "x-switchboard-identity";
/// Milliseconds that are left for this request, edge → core.
pub const DEADLINE_MS: &str = "x-switchboard-deadline-ms";
/// One id per request, made at the edge and answered to the client.
pub const REQUEST_ID: &str = "x-request-id";
/// A client's key for an idempotent send (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// W3C Trace Context, copied through.
pub const TRACEPARENT: &str = "traceparent";
/// How often this request has passed through a Switchboard; stops loops between agents.
pub const HOPS: &str = "x-switchboard-hops";
/// An edge's proof that it is one, where it speaks for nobody, edge → core.
pub const EDGE: &str = "x-switchboard-edge";
/// The origin under which a browser knows the edge, edge → core, on `/auth/*` alone.
pub const ORIGIN: &str = "x-switchboard-origin";
/// What a page of our own sends with whatever changes something: no other page can without asking first (CORS).
pub const PAGE: &str = "x-switchboard";
/// What was asked is none of the messages that the limit counts, core → edge: what was taken for it is given back.
pub const UNCOUNTED: &str = "x-switchboard-uncounted";
/// Milliseconds until a core would take one more message of this user, where it has as many of theirs as it can answer in
/// time, core → edge.
pub const NEXT_MS: &str = "x-switchboard-next-ms";
