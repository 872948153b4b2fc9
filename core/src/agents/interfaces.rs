//! Where an agent is asked: the interfaces of its card that are spoken to here, in the card's order, which is the agent's
//! preference (A2A 1.0, section 5.2). One that cannot be reached gives way to the next.

use super::AgentError;
use crate::outside;
use serde_json::{Value, json};
use switchboard_a2a::client::Speech;
use switchboard_shared::cause::Cause;
use url::Url;

const MAX_TENANT_CHARS: usize = 200;
const MAX_URL_CHARS: usize = 2_000;
/// Interfaces that are looked at; of what a card offers instead of what is needed, enough to say what it is.
const MAX_OFFERS: usize = 16;
const MAX_OFFER_CHARS: usize = 40;
const NEEDED: &str = "JSONRPC, HTTP+JSON or GRPC of 1.0, or JSONRPC 0.3 is needed";

/// One place where it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// Of the card's interface; echoed in every request.
    pub(crate) tenant: Option<String>,
    pub(crate) speech: Speech,
}

impl Endpoint {
    /// As a card has it.
    pub(super) fn interface(&self) -> Value {
        let (binding, version) = (self.speech.binding(), self.speech.version());
        json!({"url": self.url, "protocolBinding": binding, "protocolVersion": version, "tenant": self.tenant})
    }
}

/// The first interface that is spoken to here, and those that follow it. One whose place cannot be read is passed over
/// where there is another one.
pub(super) fn endpoints(card: &Value, at: &Url) -> Result<(Endpoint, Vec<Endpoint>), AgentError> {
    let offers = offers(card);
    let mut spoken = offers.iter().filter_map(|offer| endpoint(offer, at)).collect::<Vec<_>>();
    let Some(first) = spoken.iter().position(Result::is_ok) else {
        return Err(match spoken.into_iter().find_map(Result::err) {
            Some(fault) => fault,
            None if is_old(card) => {
                AgentError::Card(format!("it is a card of A2A 0.x and offers {}; {NEEDED}", offered(&offers)))
            }
            None => AgentError::Card(format!("its supportedInterfaces offer {}; {NEEDED}", offered(&offers))),
        });
    };
    let first = spoken.remove(first)?;
    let mut others: Vec<Endpoint> = Vec::new();
    for other in spoken.into_iter().flatten() {
        if other != first && !others.contains(&other) {
            others.push(other);
        }
    }
    Ok((first, others))
}

/// One interface, if it is spoken to here.
pub(super) fn endpoint(interface: &Value, at: &Url) -> Option<Result<Endpoint, AgentError>> {
    let speech = Speech::of(text(interface.get("protocolBinding")), text(interface.get("protocolVersion")))?;
    Some(place(interface, speech, at).map(|(url, tenant)| Endpoint { url, tenant, speech }))
}

fn place(interface: &Value, speech: Speech, at: &Url) -> Result<(Url, Option<String>), AgentError> {
    let url = text(interface.get("url"));
    if url.chars().nth(MAX_URL_CHARS).is_some() {
        return Err(AgentError::Card(format!(
            "the interface's url has more than {MAX_URL_CHARS} characters"
        )));
    }
    // gRPC names a host and a port alone; whether TLS is spoken there is then as it is where the card lies.
    let url = match url.contains("://") {
        false if speech == Speech::Grpc => format!("{}://{url}", at.scheme()),
        _ => url.to_owned(),
    };
    let url: Url = url.parse().map_err(|error| {
        AgentError::Card(format!("the interface's url cannot be read: {}", Cause::of(&error)))
    })?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(AgentError::Card(
            "the interface's url must be http or https, without credentials".into(),
        ));
    }
    let tenant = match text(interface.get("tenant")) {
        "" => None,
        tenant if outside::is_plain(tenant) && tenant.chars().nth(MAX_TENANT_CHARS).is_none() => {
            Some(tenant.to_owned())
        }
        _ => return Err(AgentError::Card("the interface's tenant cannot be kept".into())),
    };
    Ok((url, tenant))
}

/// What a card of A2A 0.2 or 0.3 is: such a one has no interfaces but a URL, with the transport that is preferred there
/// (JSONRPC where none is named), and others beside it (A2A 0.3, section 5.5).
fn is_old(card: &Value) -> bool {
    card.get("supportedInterfaces").is_none() && card.get("url").is_some()
}

/// The interfaces of a card, of an old one in the form of a new one's.
pub(super) fn offers(card: &Value) -> Vec<Value> {
    if !is_old(card) {
        let interfaces = card.get("supportedInterfaces").and_then(Value::as_array);
        return interfaces.into_iter().flatten().take(MAX_OFFERS).cloned().collect();
    }
    let version = card.get("protocolVersion");
    let offer = |transport: &str, url: Option<&Value>| json!({"protocolBinding": transport, "protocolVersion": version, "url": url});
    let preferred = Some(text(card.get("preferredTransport"))).filter(|named| !named.is_empty());
    let mut offers = vec![offer(preferred.unwrap_or("JSONRPC"), card.get("url"))];
    for other in card.get("additionalInterfaces").and_then(Value::as_array).into_iter().flatten() {
        let other = offer(text(other.get("transport")), other.get("url"));
        // The preferred one often stands among the others again.
        if offers.len() < MAX_OFFERS && !offers.contains(&other) {
            offers.push(other);
        }
    }
    offers
}

/// What a card offers, as a person reads it: "GRPC 1.0 and JSONRPC 0.3".
fn offered(interfaces: &[Value]) -> String {
    let word = |interface: &Value, key: &str| match outside::line(text(interface.get(key)), MAX_OFFER_CHARS) {
        word if word.is_empty() => format!("(no {key})"),
        word => word,
    };
    let offer = |interface: &Value| {
        format!("{} {}", word(interface, "protocolBinding"), word(interface, "protocolVersion"))
    };
    let offers: Vec<_> = interfaces.iter().map(offer).collect();
    match offers.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

pub(super) fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
