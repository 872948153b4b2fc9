//! Agent Cards (A2A 1.0, section 8): a public one, which says what Switchboard is and how to get in, and one for each
//! caller, with the skills of the agents that they may use.

use super::super::http::respond;
use crate::{access::Reach, agents::Agent, core::Core, error::Result, login::Login, store::hex};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use switchboard_a2a::{
    before_1_0,
    wire::{
        AgentCapabilities, AgentCard, AgentCardSignature, AgentInterface, AgentProvider, AgentSkill,
        HttpAuthSecurityScheme, SecurityScheme, TRANSPORT_PROTOCOL_GRPC, TRANSPORT_PROTOCOL_HTTP_JSON,
        TRANSPORT_PROTOCOL_JSONRPC,
    },
};
use switchboard_shared::{
    a2a, headers,
    identity::Identity,
    problem::{Problem, ProblemKind},
};

/// How long anybody may keep the public card.
const KEPT: &str = "public, max-age=300";
/// Skills on a card, at most.
const MAX_SKILLS: usize = 200;
/// What is read whoever the agents are.
const READS: [&str; 3] = ["text/plain", "text/markdown", "application/json"];
/// What answers are written in.
const WRITES: [&str; 2] = ["text/markdown", "text/plain"];
const BEARER: &str = "bearer";

/// `GET /.well-known/agent-card.json`
pub(super) async fn public(State(core): State<Arc<Core>>, fields: HeaderMap) -> Response {
    let card = nobodys(&core, &fields);
    let signed = || signatures(&core, &card, &origin(&core, &fields));
    shown(&core, &fields, serde_json::to_value(&card), signed)
}

/// The same where clients of before 1.0 look for it, as they read it.
pub(super) async fn before_1_0(State(core): State<Arc<Core>>, fields: HeaderMap) -> Response {
    shown(&core, &fields, serde_json::to_value(nobodys(&core, &fields)).map(before_1_0::card), || None)
}

/// The public halves of the keys that sign cards (RFC 7517).
pub(super) async fn keys(State(core): State<Arc<Core>>) -> Response {
    match core.login.as_ref().map(Login::keys) {
        None => respond(Problem::new(ProblemKind::NotFound, "")),
        Some(Err(_)) => respond(Problem::new(ProblemKind::Internal, "")),
        Some(Ok(keys)) => ([(header::CACHE_CONTROL, KEPT)], axum::Json(keys)).into_response(),
    }
}

/// What proves that a card is ours, where this house has keys.
fn signatures(core: &Core, card: &AgentCard, origin: &str) -> Option<Vec<AgentCardSignature>> {
    core.login.as_ref()?.sign(card, &format!("{origin}{}", a2a::KEYS))
}

/// The card of who has not said who they are.
fn nobodys(core: &Core, fields: &HeaderMap) -> AgentCard {
    card(&origin(core, fields), vec![ask()], BTreeSet::new())
}

/// A signature is another one each time that it is made, so the tag is of what is signed, and of the key.
fn shown(
    core: &Core,
    asked: &HeaderMap,
    card: serde_json::Result<Value>,
    signatures: impl FnOnce() -> Option<Vec<AgentCardSignature>>,
) -> Response {
    let Ok(mut card) = card else {
        return respond(Problem::new(ProblemKind::Internal, ""));
    };
    let kid = core.login.as_ref().map(Login::kid).unwrap_or_default();
    let etag = format!("\"{}\"", hex(&Sha256::digest(format!("{card}{kid}"))));
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_known =
        known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == etag);
    let etag = HeaderValue::try_from(format!("W/{etag}")).unwrap_or(HeaderValue::from_static("\"\""));
    let fields = [
        (header::CACHE_CONTROL, HeaderValue::from_static(KEPT)),
        (header::ETAG, etag),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::VARY, HeaderValue::from_static("host")),
    ];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, fields).into_response(),
        false => {
            if let Some(signatures) = signatures() {
                card["signatures"] = json!(signatures);
            }
            (fields, [(header::CONTENT_TYPE, "application/json")], card.to_string()).into_response()
        }
    }
}

/// The card of a caller.
pub(super) async fn own(core: &Arc<Core>, me: &Identity, origin: &str) -> Result<AgentCard> {
    let agents = core.registry.all(&core.store, &me.tenant).await?.usable(&Reach::from(me));
    let skills = agents.iter().flat_map(|agent| skills(agent)).take(MAX_SKILLS);
    let skills = std::iter::once(ask()).chain(skills).collect();
    let reads = agents.iter().flat_map(|agent| agent.input_modes.iter().cloned()).collect();
    let card = card(origin, skills, reads);
    Ok(AgentCard { signatures: signatures(core, &card, origin), ..card })
}

/// Under which address a client knows us: what the edge says, where that is one of the listed ones, or none is listed.
pub(super) fn origin(core: &Core, fields: &HeaderMap) -> String {
    let listed = &core.config.login.origins;
    let said = fields.get(headers::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match listed.iter().find(|origin| *origin == said).or(listed.first()) {
        Some(origin) => origin.clone(),
        None => said.to_owned(),
    }
}

fn card(origin: &str, skills: Vec<AgentSkill>, mut reads: BTreeSet<String>) -> AgentCard {
    reads.extend(READS.map(str::to_owned));
    AgentCard {
        name: "Switchboard".to_owned(),
        description: "Works out which agents should answer a message, asks them, and writes one answer."
            .to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        supported_interfaces: vec![
            AgentInterface::new(format!("{origin}{}", a2a::JSONRPC), TRANSPORT_PROTOCOL_JSONRPC),
            AgentInterface::new(
                format!("{origin}{}", a2a::REST.trim_end_matches('/')),
                TRANSPORT_PROTOCOL_HTTP_JSON,
            ),
            AgentInterface::new(origin.trim_start_matches("https://"), TRANSPORT_PROTOCOL_GRPC),
            // Under an address of its own, since there are clients that know an interface by its address alone.
            AgentInterface {
                protocol_version: "0.3".to_owned(),
                ..AgentInterface::new(format!("{origin}{}", a2a::JSONRPC_SLASH), TRANSPORT_PROTOCOL_JSONRPC)
            },
        ],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(true),
            extensions: None,
            extended_agent_card: Some(true),
        },
        default_input_modes: reads.into_iter().collect(),
        default_output_modes: WRITES.map(str::to_owned).to_vec(),
        skills,
        provider: Some(AgentProvider { organization: "Switchboard".to_owned(), url: origin.to_owned() }),
        documentation_url: None,
        icon_url: None,
        security_schemes: Some(schemes()),
        security_requirements: Some(vec![HashMap::from([(BEARER.to_owned(), Vec::new())])]),
        signatures: None,
    }
}

fn schemes() -> HashMap<String, SecurityScheme> {
    let bearer = HttpAuthSecurityScheme {
        scheme: "Bearer".to_owned(),
        description: Some("A token, or a key that a user has made for a program.".to_owned()),
        bearer_format: None,
    };
    HashMap::from([(BEARER.to_owned(), SecurityScheme::HttpAuth(bearer))])
}

/// What Switchboard does itself.
fn ask() -> AgentSkill {
    AgentSkill {
        id: "ask".to_owned(),
        name: "Ask whom it concerns".to_owned(),
        description: "Takes a message, has the agents that it concerns answer it, and says who said what."
            .to_owned(),
        tags: ["routing", "agents"].map(str::to_owned).to_vec(),
        examples: None,
        input_modes: None,
        output_modes: None,
        security_requirements: None,
    }
}

/// An agent's skills, each under the agent's name.
fn skills(agent: &Agent) -> impl Iterator<Item = AgentSkill> {
    agent.skills.iter().map(|skill| AgentSkill {
        id: format!("{}/{}", agent.id, skill.id),
        name: format!("{}: {}", agent.name, skill.name),
        description: skill.description.clone(),
        tags: std::iter::once(agent.id.to_string()).chain(skill.tags.iter().cloned()).collect(),
        examples: Some(skill.examples.iter().take(3).cloned().collect())
            .filter(|examples: &Vec<_>| !examples.is_empty()),
        input_modes: Some(agent.input_modes.clone()).filter(|modes| !modes.is_empty()),
        output_modes: None,
        security_requirements: None,
    })
}
