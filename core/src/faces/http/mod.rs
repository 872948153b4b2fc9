//! HTTP and server-sent events under `/v1`, and the seed's `POST /chat`.

pub(crate) mod agents;
pub(crate) mod chat;
mod coarse;
pub(crate) mod conversations;
pub(crate) mod decisions;
pub(crate) mod examples;
mod extract;
pub(crate) mod feedback;
pub(crate) mod frozen;
pub(crate) mod groups;
pub(crate) mod messages;
pub(crate) mod nobody;
pub(crate) mod suggestions;
pub(crate) mod turns;

pub(crate) use extract::{name_request, respond};

use axum::{http::header, response::IntoResponse};

/// The document that describes this face; a test holds it against the routes.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/openapi+json")], OPENAPI)
}
