use super::*;
use serde_json::json;

fn card() -> Value {
    json!({
        "name": "Weather & Climate", "description": "Forecasts.\u{7}", "version": "1", "skills": [
            {"id": "forecast", "name": "Forecast", "description": "d", "tags": ["rain"], "examples": ["Will it rain?"]}],
        "capabilities": {"streaming": true}, "defaultInputModes": ["text/plain"], "defaultOutputModes": null,
        "supportedInterfaces": [
            {"url": "host:50051", "protocolBinding": "GRPC", "protocolVersion": "0.3"},
            {"url": "https://a.example/old", "protocolBinding": "JSONRPC", "protocolVersion": "0.2"},
            {"url": "https://a.example/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0", "tenant": "t1"}]
    })
}

fn read(card: Value) -> Result<Agent, AgentError> {
    let example = Example { text: "Wie wird das Wetter?".into(), language: "de".into() };
    Agent::from_card(None, "https://a.example".parse().unwrap(), card, vec![example])
}

#[test]
fn the_first_interface_that_we_speak_is_taken_and_its_tenant_kept() {
    let agent = read(card()).unwrap();
    assert_eq!(agent.id.to_string(), "weather-climate");
    assert_eq!(agent.endpoint.url.path(), "/rpc");
    assert_eq!(agent.endpoint.tenant.as_deref(), Some("t1"));
    assert_eq!(agent.description, "Forecasts.");
    assert_eq!(agent.all_examples().count(), 2);
    let view = agent.view("closed");
    assert_eq!((view.examples, view.languages), (2, vec!["de".to_owned()]));
}

#[test]
fn a_card_without_what_the_protocol_requires_is_refused() {
    for key in ["name", "description", "version", "skills", "supportedInterfaces"] {
        let mut card = card();
        card.as_object_mut().unwrap().remove(key);
        assert!(read(card).is_err(), "{key}");
    }
    for url in ["ftp://a.example", "https://user:pass@a.example/", "not a url"] {
        let mut card = card();
        card["supportedInterfaces"][2]["url"] = json!(url);
        assert!(read(card).is_err(), "{url}");
    }
    let mut nameless = card();
    nameless["name"] = json!("天気");
    assert!(matches!(read(nameless), Err(AgentError::Id(_))), "an id must then be given");
}

#[test]
fn a_skill_with_effects_is_known_by_its_tag_wherever_that_stands() {
    let many: Vec<String> = (0..100).map(|i| format!("tag {i}")).collect();
    let behind: Vec<&str> = many.iter().map(String::as_str).chain(["effect"]).collect();
    for (name, tags, effect) in [
        ("alone", json!(["effect"]), true),
        ("among others", json!(["send", " Effect "]), true),
        ("behind more than are kept", json!(behind), true),
        ("another word", json!(["effects of light", "side effect"]), false),
        ("no tags", json!(null), false),
        ("no list", json!("effect"), false),
    ] {
        let mut card = card();
        card["skills"][0]["tags"] = tags;
        let agent = read(card).unwrap();
        assert_eq!((agent.has_effects(), agent.view("closed").effects), (effect, effect), "{name}");
        assert!(agent.skills[0].tags.iter().all(|tag| tag != "effect"), "{name}: it is no word");
        assert_eq!(read(agent.profile()).unwrap().has_effects(), effect, "{name}: kept");
    }
    let mut last = card();
    let plain = |i: usize| json!({"id": i.to_string(), "name": "n"});
    last["skills"] = (0..MAX_SKILLS).map(plain).collect();
    let acts = json!({"id": "send", "name": "n", "tags": ["effect"]});
    last["skills"].as_array_mut().unwrap().push(acts);
    assert!(read(last).unwrap().has_effects(), "behind more skills than are kept");
}

#[test]
fn a_card_of_another_protocol_is_refused_with_what_it_offers() {
    let of = |binding: &str, version: &str| json!({"url": "https://a.example/x", "protocolBinding": binding, "protocolVersion": version});
    for (name, interfaces, offers) in [
        ("two others", json!([of("GRPC", "0.3"), of("JSONRPC", "0.2")]), "offer GRPC 0.3 and JSONRPC 0.2; "),
        ("one other", json!([of("GRPC", "0.3")]), "offer GRPC 0.3; JSONRPC"),
        ("none", json!([]), "offer nothing; JSONRPC"),
    ] {
        let mut card = card();
        card["supportedInterfaces"] = interfaces;
        let refused = read(card).unwrap_err().to_string();
        assert!(refused.contains(offers), "{name}: {refused}");
        assert!(refused.ends_with("(asked: https://a.example/)"), "{name}: {refused}");
    }
}

fn old(of_it: &Value) -> Value {
    let mut card = card();
    let fields = card.as_object_mut().unwrap();
    fields.remove("supportedInterfaces");
    fields.insert("url".into(), json!("https://a.example/rpc"));
    fields.extend(of_it.as_object().unwrap().clone());
    card
}

#[test]
fn an_old_card_without_what_is_spoken_here_is_refused_with_what_it_offers() {
    for (name, of_it, offers) in [
        ("no transport", json!({"protocolVersion": "0.2.5"}), "offers JSONRPC 0.2.5; JSONRPC"),
        (
            "several",
            json!({"protocolVersion": "0.3.0", "preferredTransport": "GRPC", "additionalInterfaces": [
                {"url": "https://a.example/rpc", "transport": "GRPC"},
                {"url": "https://a.example/h", "transport": "HTTP+JSON"}]}),
            "it is a card of A2A 0.x and offers GRPC 0.3.0 and HTTP+JSON 0.3.0; JSONRPC",
        ),
        ("no version", json!({}), "offers JSONRPC (no protocolVersion); JSONRPC"),
    ] {
        let refused = read(old(&of_it)).unwrap_err().to_string();
        assert!(refused.contains(offers), "{name}: {refused}");
    }
}

#[test]
fn interfaces_are_asked_in_the_cards_order_and_an_old_card_at_its_own_places() {
    let of = |binding: &str, version: &str, at: &str| json!({"url": format!("https://a.example/{at}"), "protocolBinding": binding, "protocolVersion": version});
    let mut new = card();
    new["supportedInterfaces"] = json!([
        of("GRPC", "0.3", "g"),
        {"url": "nonsense", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
        of("HTTP+JSON", "1.0", "rest"),
        of("JSONRPC", "1.0", "rpc"),
        of("JSONRPC", "0.3", "rpc"),
        of("HTTP+JSON", "1.0", "rest"),
    ]);
    let before =
        old(&json!({"protocolVersion": "0.3.0", "preferredTransport": "HTTP+JSON", "additionalInterfaces": [
        {"url": "https://a.example/other", "transport": "JSONRPC"}]}));
    let mut by_grpc = card();
    by_grpc["supportedInterfaces"] =
        json!([{"url": "a.example:50051", "protocolBinding": "GRPC", "protocolVersion": "1.0"}]);
    for (name, card, asked) in [
        ("1.0", new, vec!["HTTP+JSON 1.0 /rest", "JSONRPC 1.0 /rpc", "JSONRPC 0.3 /rpc"]),
        ("0.3", before, vec!["JSONRPC 0.3 /other"]),
        ("gRPC", by_grpc, vec!["GRPC 1.0 /"]),
    ] {
        let agent = read(card).unwrap();
        let shown =
            |of: &Endpoint| format!("{} {} {}", of.speech.binding(), of.speech.version(), of.url.path());
        assert_eq!(agent.endpoints().map(shown).collect::<Vec<_>>(), asked, "{name}");
        let again = read(agent.profile()).unwrap();
        assert_eq!((again.endpoint, again.others), (agent.endpoint, agent.others), "{name}: what is kept");
    }
}

#[test]
fn a_hostile_card_is_bounded() {
    let mut card = card();
    card["description"] = json!("x".repeat(1_000_000));
    card["skills"] =
        json!((0..10_000).map(|i| json!({"id": i.to_string(), "name": "n"})).collect::<Vec<_>>());
    let agent = read(card).unwrap();
    assert_eq!(agent.description.chars().count(), MAX_DESCRIPTION_CHARS);
    assert_eq!(agent.skills.len(), MAX_SKILLS);
}

#[test]
fn what_is_kept_of_a_card_is_read_again_as_the_same() {
    let mut hostile = card();
    hostile["unknown"] = json!("x".repeat(50_000));
    hostile["skills"][0]["tags"] = json!(vec!["t"; 10_000]);
    hostile["name"] = json!("Weather\u{202E}\n Bank");
    let agent = read(hostile).unwrap();
    assert_eq!(agent.name, "Weather  Bank");
    let profile = agent.profile();
    assert!(profile.to_string().len() < 2_000, "{profile}");
    let again = read(profile.clone()).unwrap();
    assert_eq!((again.profile(), again.endpoint), (profile, agent.endpoint));
}

#[test]
fn a_card_with_what_no_row_can_hold_is_refused_with_the_reason() {
    let mut deep = card();
    deep["provider"] = json!({"x": ["a\u{0}"]});
    assert!(read(deep).unwrap_err().to_string().contains("U+0000"));
    let mut tenant = card();
    tenant["supportedInterfaces"][2]["tenant"] = json!("a\nb");
    assert!(read(tenant).is_err());
}
