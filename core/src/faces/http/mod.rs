//! HTTP and server-sent events under `/v1`, and the seed's `POST /chat`.

pub(crate) mod agents;
pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod audit_export;
mod body;
pub(crate) mod chat;
mod coarse;
pub(crate) mod conversations;
pub(crate) mod credentials;
pub(crate) mod decisions;
pub(crate) mod edges;
pub(crate) mod examples;
mod extract;
pub(crate) mod feedback;
pub(crate) mod files;
pub(crate) mod fork;
pub(crate) mod frozen;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod nobody;
pub(crate) mod presence;
pub(crate) mod revocations;
pub(crate) mod sign_in;
pub(crate) mod suggestions;
pub(crate) mod switch;
pub(crate) mod turns;
pub(crate) mod users;
mod visitor;

pub(crate) use body::Raw;
pub(crate) use extract::{Caller, IdempotencyKey, Json, deadline, name_request, respond};

use crate::config::Config;
use axum::{body::Bytes, http::header, response::IntoResponse};
use serde_json::Value;

/// The document that describes this face; a test holds it against the routes.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

pub(crate) async fn openapi(document: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/openapi+json")], document)
}

/// The description with the bounds of this house: `x-setting` names the setting that a bound comes from.
pub(crate) fn described(config: &Config) -> Bytes {
    let setting = |key: &str| match key {
        "max_text_chars" => Some(config.max_text_chars),
        "max_parts" => Some(config.max_parts),
        "turn.max_agents" => Some(config.turn.max_agents),
        "agents.max_examples" => Some(config.agents.max_examples),
        _ => None,
    };
    let mut document = serde_json::from_str(OPENAPI).expect("a test reads it");
    settle(&mut document, &setting);
    document.to_string().into()
}

fn settle(value: &mut Value, setting: &impl Fn(&str) -> Option<usize>) {
    match value {
        Value::Object(fields) => {
            let bound = fields.get("x-setting").and_then(Value::as_str).and_then(setting);
            for (name, field) in fields.iter_mut() {
                match bound {
                    Some(bound) if name == "maxLength" || name == "maxItems" => *field = bound.into(),
                    _ => settle(field, setting),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, setting)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
