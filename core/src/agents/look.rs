//! A look at a card before anything is kept of it: what it offers, what of that would be used, and what is wrong with it.

use super::{
    Agent, AgentError,
    interfaces::{Endpoint, endpoint, offers, text},
    security::Security,
};
use crate::outside;
use serde_json::Value;
use switchboard_shared::{
    api::{CardBinding, CardLook, CardNote, CardNoteKind, CardSkill},
    ids::AgentId,
};
use url::Url;

const MAX_WORDS: usize = 120;
const MAX_DESCRIPTION: usize = 2_000;
const MAX_SHOWN: usize = 100;
const MAX_ADDRESS: usize = 2_000;
/// Interfaces and notes of one kind that are told.
const MAX_OFFERED: usize = 8;

/// What is said of a card that did not come, or that lies nowhere.
pub(crate) fn unread(url: Url, fault: &AgentError) -> CardLook {
    CardLook { fault: Some(fault.to_string()), ..CardLook::of(url) }
}

/// Reads whatever can be read of a card, also of one that cannot be registered.
pub(crate) fn look(id: Option<AgentId>, url: Url, card: &Value) -> CardLook {
    let read = Agent::from_card(id, url.clone(), card.clone(), Vec::new());
    let line = |key: &str, most: usize| outside::line(text(card.get(key)), most);
    let first = read.as_ref().ok().map(|agent| agent.endpoint.clone());
    CardLook {
        name: line("name", MAX_WORDS),
        description: line("description", MAX_DESCRIPTION),
        version: line("version", MAX_WORDS),
        provider: outside::line(text(card.pointer("/provider/organization")), MAX_WORDS),
        skills: items(card.get("skills")).take(MAX_SHOWN).map(skill).collect(),
        bindings: bindings(card, &url, first.as_ref()),
        notes: notes(card),
        id: read.as_ref().ok().map(|agent| agent.id.clone()),
        fault: read.err().map(|fault| fault.to_string()),
        ..CardLook::of(url)
    }
}

fn skill(value: &Value) -> CardSkill {
    let line = |key: &str, most: usize| outside::line(text(value.get(key)), most);
    CardSkill {
        id: line("id", MAX_WORDS),
        name: line("name", MAX_WORDS),
        description: line("description", MAX_DESCRIPTION),
        examples: u32::try_from(items(value.get("examples")).count()).unwrap_or(u32::MAX),
    }
}

/// The interfaces of the card; the one that would be asked first is the first that is spoken here.
fn bindings(card: &Value, at: &Url, first: Option<&Endpoint>) -> Vec<CardBinding> {
    let mut is_used = false;
    let binding = |offer: &Value| {
        let url = outside::line(text(offer.get("url")), MAX_ADDRESS);
        let own = endpoint(offer, at).and_then(Result::ok);
        let used = !is_used && own.is_some() && own.as_ref() == first;
        is_used |= used;
        CardBinding {
            binding: outside::line(text(offer.get("protocolBinding")), MAX_WORDS),
            version: outside::line(text(offer.get("protocolVersion")), MAX_WORDS),
            url,
            used,
        }
    };
    offers(card).iter().take(MAX_OFFERED).map(binding).collect()
}

fn notes(card: &Value) -> Vec<CardNote> {
    let note = |kind, what: &str| CardNote { kind, what: outside::line(what, MAX_ADDRESS) };
    let mut notes = Vec::new();
    if items(card.get("skills")).all(|skill| items(skill.get("examples")).next().is_none()) {
        notes.push(note(CardNoteKind::NoExamples, ""));
    }
    if card.pointer("/capabilities/streaming").and_then(Value::as_bool) != Some(true) {
        notes.push(note(CardNoteKind::NoStreaming, ""));
    }
    let required = |extension: &&Value| extension.get("required").and_then(Value::as_bool) == Some(true);
    let extensions = items(card.pointer("/capabilities/extensions")).filter(required).take(MAX_OFFERED);
    notes.extend(extensions.map(|it| note(CardNoteKind::Extension, text(it.get("uri")))));
    let wants = Security::of(card).wants(None);
    if !wants.is_empty() {
        notes.push(note(CardNoteKind::Credentials, &wants.join(", or ")));
    }
    notes
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at() -> Url {
        "http://a.example/card.json".parse().unwrap()
    }

    #[test]
    fn a_card_is_told_with_what_of_it_would_be_used() {
        let card = json!({
            "name": "Weather", "description": "Rain.", "version": "2", "provider": {"organization": "Sky"},
            "skills": [{"id": "rain", "name": "Rain", "examples": ["will it rain", "is it wet"]}],
            "capabilities": {"extensions": [{"uri": "urn:x", "required": true}, {"uri": "urn:y"}]},
            "securitySchemes": {"key": {"apiKeySecurityScheme": {"location": "header", "name": "X-Key"}}},
            "securityRequirements": [{"schemes": {"key": {}}}],
            "supportedInterfaces": [
                {"url": "http://a.example/grpc", "protocolBinding": "GRPC", "protocolVersion": "0.3"},
                {"url": "http://a.example/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
                {"url": "http://a.example/2", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let look = look(None, at(), &card);
        assert_eq!((look.id.unwrap().as_str(), look.fault, look.provider.as_str()), ("weather", None, "Sky"));
        let used: Vec<_> = look.bindings.iter().map(|it| (it.binding.as_str(), it.used)).collect();
        assert_eq!(used, [("GRPC", false), ("JSONRPC", true), ("JSONRPC", false)]);
        assert_eq!((look.skills[0].name.as_str(), look.skills[0].examples), ("Rain", 2));
        let kinds: Vec<_> = look.notes.iter().map(|note| (note.kind, note.what.as_str())).collect();
        use CardNoteKind::{Credentials, Extension, NoStreaming};
        assert_eq!(
            kinds,
            [(NoStreaming, ""), (Extension, "urn:x"), (Credentials, "an API key (header X-Key)")]
        );
    }

    #[test]
    fn what_is_wrong_with_a_card_is_said_beside_what_can_be_read_of_it() {
        let old = json!({"name": "Old", "description": "d", "version": "1", "protocolVersion": "0.2.5", "skills": [],
            "url": "http://a.example/rpc", "preferredTransport": "JSONRPC"});
        let look = look(None, at(), &old);
        assert!(
            look.fault.is_some_and(|fault| fault.contains("a card of A2A 0.x")),
            "it says what is needed"
        );
        assert_eq!((look.name.as_str(), look.id), ("Old", None));
        assert_eq!((look.bindings[0].version.as_str(), look.bindings[0].used), ("0.2.5", false));
        for nonsense in [json!(null), json!([1]), json!({"skills": 7, "name": {}}), json!({"skills": [7]})] {
            assert!(super::look(None, at(), &nonsense).fault.is_some(), "{nonsense}");
        }
    }
}
