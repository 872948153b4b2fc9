//! The description that a house serves: it is whole, it names every route, and real answers are what it says.

use super::limits::raw;
use anyhow::{Context, bail, ensure};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use switchboard_shared::problem::ProblemKind;
use switchboard_tests::{FakeAgent, House, Manner, person::PATIENCE};
use tokio::time::{sleep, timeout};

const DOCUMENT: &str = include_str!("../../core/src/faces/http/openapi.json");
const ROUTES: &str = include_str!("../../core/src/server.rs");
/// Events that a conversation with all that can be done in it has.
const EVENTS: &str = "attached conversation.renamed member.added member.removed member.present message.created \
    turn.started plan.decided call.started call.finished answer.started answer.delta answer.finished \
    turn.input_required turn.finished conversation.deleted";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[test]
fn the_description_is_whole() -> anyhow::Result<()> {
    let document: Value = serde_json::from_str(DOCUMENT)?;
    for reference in all(&document, "$ref") {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).context("it is local")?;
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{method} {path}: {id}");
        assert!(operation["summary"].is_string(), "{id}");
        let responses = operation["responses"].as_object().context("it answers")?;
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{id}");
        let shape = if operation["tags"][0] == "openai" { "OpenAiProblem" } else { "Problem" };
        assert_eq!(responses["default"]["$ref"], format!("#/components/responses/{shape}"), "{id}");
    }
    let codes: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(document["components"]["schemas"]["ProblemCode"]["enum"], json!(codes));
    Ok(())
}

#[test]
fn every_example_is_what_its_schema_says() -> anyhow::Result<()> {
    let document: Value = serde_json::from_str(DOCUMENT)?;
    let mut seen = 0;
    for content in all(&document, "content") {
        let Some(media) = content.get("application/json").or(content.get("application/problem+json")) else {
            continue;
        };
        let several =
            media["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in media.get("example").into_iter().chain(several) {
            check(&document, &media["schema"], example)?;
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    Ok(())
}

#[test]
fn every_route_is_described_and_nothing_else() -> anyhow::Result<()> {
    let document: Value = serde_json::from_str(DOCUMENT)?;
    let described =
        operations(&document).map(|(method, path, _)| format!("{method} {path}")).collect::<BTreeSet<_>>();
    let mut served = routes();
    // These are for the edges alone.
    served.retain(|route| !route.contains(" /internal/") && route != "get /healthz");
    assert_eq!(described, served);
    Ok(())
}

#[tokio::test]
async fn the_description_is_served_to_everybody() -> anyhow::Result<()> {
    let house = House::start().await?;
    let answer = raw(&house)?.get(house.topology().url().join("/openapi.json")?).send().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/openapi+json");
    assert_eq!(answer.json::<Value>().await?, serde_json::from_str::<Value>(DOCUMENT)?);
    house.stop().await
}

#[tokio::test]
async fn answers_and_events_are_as_described() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent =
        FakeAgent::start("weather", &["will it rain tomorrow"], Manner::Says("It will rain.".into())).await?;
    let olga = Api::new(&house, "olga", &["agent-admin"])?;
    let url =
        json!({"url": agent.url(), "id": "weather", "examples": [{"text": "is it sunny", "language": "en"}]});
    let shown = olga.send("registerAgent", &[], "?preview=true", Some(url.clone())).await?;
    olga.described("registerAgent", shown, StatusCode::OK).await?;
    let none = olga.ask("listAgents", &[], None).await?;
    ensure!(none["items"] == json!([]), "a preview stores nothing: {none}");
    olga.ask("registerAgent", &[], Some(url)).await?;
    olga.ask("listAgents", &[], None).await?;
    olga.ask("getAgent", &["weather"], None).await?;
    olga.ask("probeAgent", &["weather"], None).await?;
    olga.ask("setGroups", &["weather"], Some(json!({"groups": ["finance"]}))).await?;
    olga.ask("setGroups", &["weather"], Some(json!({"groups": []}))).await?;

    let ann = Api::new(&house, "ann", &["user"])?;
    let unknown = ann.send("createConversation", &[], "", Some(json!({"members": ["bob"]}))).await?;
    ann.described("createConversation", unknown, StatusCode::NOT_FOUND).await?;
    house.greet("bob").await?;
    house.greet("carl").await?;
    let room = ann.ask("createConversation", &[], Some(json!({"members": ["bob"]}))).await?;
    let room = room["id"].as_str().context("it has an id")?;
    let events = ann.send("streamEvents", &[room], "?after=0", None).await?;
    ann.ask("listConversations", &[], None).await?;
    ann.ask("getConversation", &[room], None).await?;
    ann.ask("changeConversation", &[room], Some(json!({"title": "Rain", "speaks": "always"}))).await?;
    ann.ask("addMember", &[room], Some(json!({"user": "carl"}))).await?;
    ann.ask("listMembers", &[room], None).await?;
    ann.ask("forkConversation", &[room], Some(json!({"before": 1}))).await?;
    ann.ask("sayPresence", &[room], Some(json!({"state": "writing"}))).await?;
    ann.ask("removeMember", &[room, "carl"], None).await?;
    let asked = json!({"text": "rain tomorrow and snow today?", "conversation": room, "explain": true});
    let analysis = ann.ask("analyze", &[], Some(asked)).await?;
    ensure!(analysis["explanation"]["shares"][0]["agent"] == "weather", "{analysis}");
    olga.ask("compareAgents", &[], None).await?;

    let file = json!({"name": "sky.txt", "media_type": "text/plain", "data": "Ymx1ZQ=="});
    let said = json!({"text": "will it rain?", "client_id": "a-1", "agents": ["weather"], "parts": [file]});
    let accepted = ann.ask("sendMessage", &[room], Some(said)).await?;
    let turn = ann.turn_over(&accepted).await?;
    assert_eq!(turn["calls"][0]["reply"], "It will rain.", "{turn}");
    ann.ask("cancelTurn", &[turn["id"].as_str().context("it has an id")?], None).await?;
    learns(&ann, &olga, turn["id"].as_str().context("it has an id")?).await?;
    agent.set(Manner::AsksBack("Where?".into()));
    let accepted = ann.ask("sendMessage", &[room], Some(json!({"text": "@weather and now?"}))).await?;
    assert_eq!(ann.turn_over(&accepted).await?["state"], "input_required");
    agent.set(Manner::Status(500));
    let answer = ann
        .ask("chat", &[], Some(json!({"message": "@weather is it sunny", "conversation_id": room})))
        .await?;
    assert!(answer["degraded"].is_string() || answer["response"].is_string(), "{answer}");
    ann.ask("listModels", &[], None).await?;
    ann.ask("getModel", &["weather"], None).await?;
    let completion = json!({"model": "auto", "messages": [{"role": "user", "content": "hello"}]});
    ann.ask("createCompletion", &[], Some(completion)).await?;
    let page = ann.ask("listMessages", &[room], None).await?;
    assert_eq!(page["items"][0]["files"][0]["bytes"], 4, "{page}");

    let missing = ann.send("getTurn", &[room], "", None).await?;
    ann.described("getTurn", missing, StatusCode::NOT_FOUND).await?;
    let refused = ann.send("registerAgent", &[], "", Some(json!({"url": "http://127.0.0.1:1"}))).await?;
    ann.described("registerAgent", refused, StatusCode::FORBIDDEN).await?;
    let nobody = Api { token: "x".into(), ..Api::new(&house, "ann", &["user"])? };
    let refused = nobody.send("listAgents", &[], "", None).await?;
    nobody.described("listAgents", refused, StatusCode::UNAUTHORIZED).await?;

    ann.ask("deleteConversation", &[room], None).await?;
    olga.ask("removeAgent", &["weather"], None).await?;
    let names = timeout(PATIENCE, ann.read(events)).await.context("the stream goes on")??;
    for name in EVENTS.split(' ') {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    house.stop().await
}

/// From a thumb down on a turn to an example more.
async fn learns(ann: &Api, olga: &Api, turn: &str) -> anyhow::Result<()> {
    let thinks = json!({"value": "down", "agents": ["weather"], "comment": "rain is weather"});
    ann.ask("giveFeedback", &[turn], Some(thinks)).await?;
    let page = olga.ask("listSuggestions", &[], None).await?;
    let suggestion = page["items"][0]["id"].as_str().context("it has an id")?;
    let approved = json!({"state": "approved"});
    olga.ask("decideSuggestion", &[suggestion], Some(approved)).await?;
    olga.ask("getDecision", &[turn], None).await?;
    let replayed = olga.send("replayDecision", &[turn], "?explain=true", None).await?;
    let replayed = olga.described("replayDecision", replayed, StatusCode::OK).await?;
    ensure!(replayed["explanation"]["because"] == "A rule decided: You chose.", "{replayed}");
    let shown = olga.ask("getExamples", &["weather"], None).await?;
    ensure!(shown["examples"].as_array().map(Vec::len) == Some(2), "{shown}");
    let new = json!({"examples": [{"text": "is it sunny", "language": "en"}]});
    olga.ask("setExamples", &["weather"], Some(new)).await?;
    olga.ask("getNobody", &[], None).await?;
    let lunch = json!({"text": "who pays for lunch today"});
    olga.ask("setNobody", &[], Some(json!({"examples": [lunch], "force": true}))).await?;
    let row = json!({"text": "is it sunny in Oslo", "agents": ["weather"], "language": "en"});
    olga.ask("setFrozen", &[], Some(json!({"rows": [row]}))).await?;
    olga.ask("getFrozen", &[], None).await?;
    let frozen = Some(json!({"examples": [{"text": "Is it sunny in Oslo?"}]}));
    let refused = olga.send("setExamples", &["weather"], "", frozen).await?;
    olga.described("setExamples", refused, StatusCode::CONFLICT).await?;
    let wanted = Some(json!({"languages": ["de"], "count": 2}));
    let refused = olga.send("draftExamples", &["weather"], "", wanted).await?;
    olga.described("draftExamples", refused, StatusCode::SERVICE_UNAVAILABLE).await?;
    let refused = ann.send("getDecision", &[turn], "", None).await?;
    ann.described("getDecision", refused, StatusCode::FORBIDDEN).await.map(drop)
}

/// A caller who holds every answer against the description.
pub(super) struct Api {
    document: Value,
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl Api {
    pub(super) fn new(house: &House, user: &str, roles: &[&str]) -> anyhow::Result<Self> {
        let (http, base) = (raw(house)?, house.topology().url().clone());
        Ok(Self {
            document: serde_json::from_str(DOCUMENT)?,
            http,
            base,
            token: house.topology().token(user, roles)?,
        })
    }

    /// The same with another token.
    pub(super) fn with_token(self, token: String) -> Self {
        Self { token, ..self }
    }

    /// Calls an operation, and reads an answer that is one of its successes.
    pub(super) async fn ask(&self, id: &str, values: &[&str], body: Option<Value>) -> anyhow::Result<Value> {
        let answer = self.send(id, values, "", body).await?;
        let status = answer.status();
        let value = self.described(id, answer, status).await?;
        ensure!(status.is_success(), "{id}: {value}");
        Ok(value)
    }

    pub(super) async fn send(
        &self,
        id: &str,
        values: &[&str],
        query: &str,
        body: Option<Value>,
    ) -> anyhow::Result<reqwest::Response> {
        let (method, template, operation) = self.operation(id)?;
        let mut values = values.iter();
        let parts = template
            .split('/')
            .map(|part| if part.starts_with('{') { values.next().copied() } else { Some(part) });
        let path = parts.collect::<Option<Vec<_>>>().context("a value for each parameter")?.join("/");
        let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
        let mut request =
            self.http.request(method, self.base.join(&format!("{path}{query}"))?).bearer_auth(&self.token);
        if let Some(body) = body {
            check(&self.document, &operation["requestBody"]["content"]["application/json"]["schema"], &body)?;
            request = request.json(&body);
        }
        Ok(request.send().await?)
    }

    /// Reads an answer, and checks it against what the operation says of its status.
    pub(super) async fn described(
        &self,
        id: &str,
        answer: reqwest::Response,
        expected: StatusCode,
    ) -> anyhow::Result<Value> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        ensure!(status == expected, "{id}: {status} {text}");
        let (_, _, operation) = self.operation(id)?;
        let response =
            operation["responses"].get(status.as_str()).with_context(|| format!("{id} names no {status}"))?;
        let response = resolve(&self.document, response);
        for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            ensure!(headers.contains_key(name.as_str()), "{id}: no {name} with {status}");
        }
        let Some(content) = response["content"].as_object() else {
            ensure!(text.is_empty(), "{id}: {text}");
            return Ok(Value::Null);
        };
        let (kind, media) = content.iter().next().context("a media type")?;
        ensure!(headers["content-type"] == kind.as_str(), "{id}: {:?}", headers["content-type"]);
        let value = serde_json::from_str(&text)?;
        check(&self.document, &media["schema"], &value).with_context(|| id.to_owned())?;
        Ok(value)
    }

    async fn turn_over(&self, accepted: &Value) -> anyhow::Result<Value> {
        let turn = accepted["turn"].as_str().context("a turn")?;
        let waiting = async {
            loop {
                let view = self.ask("getTurn", &[turn], None).await?;
                if view["state"] != "running" {
                    return anyhow::Ok(view);
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, waiting).await.context("the turn is still running")?
    }

    /// Reads a stream until it says that it is over; the names of its events.
    async fn read(&self, answer: reqwest::Response) -> anyhow::Result<BTreeSet<String>> {
        ensure!(answer.headers()["content-type"] == "text/event-stream", "{answer:?}");
        let (mut names, mut last) = (BTreeSet::new(), 0);
        let mut events = answer.bytes_stream().eventsource();
        while let Some(event) = events.next().await {
            let event = event?;
            let data: Value = serde_json::from_str(&event.data)?;
            let schema = match event.event.as_str() {
                "error" => {
                    check(&self.document, &reference("Problem"), &data)?;
                    return Ok(names);
                }
                "attached" | "snapshot" => "StreamHead",
                _ => "Event",
            };
            check(&self.document, &reference(schema), &data)?;
            assert_eq!(data["type"], event.event.as_str());
            if let (Some(seq), "Event") = (data["seq"].as_u64(), schema) {
                assert_eq!((event.id, seq), (seq.to_string(), last + 1), "{data}");
                last = seq;
            }
            names.insert(event.event);
        }
        bail!("the stream ended without a word after {names:?}")
    }

    fn operation(&self, id: &str) -> anyhow::Result<(&str, &str, &Value)> {
        operations(&self.document)
            .find(|(_, _, operation)| operation["operationId"] == id)
            .context(id.to_owned())
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS
            .iter()
            .filter_map(move |method| item.get(*method).map(|operation| (*method, path.as_str(), operation)))
    })
}

/// What `server.rs` serves, read from its text: `.route("path", method(…).method(…))`, first those nested below `/v1`.
fn routes() -> BTreeSet<String> {
    let mut prefix = "/v1";
    let mut found = BTreeSet::new();
    for piece in ROUTES.split(".route(").skip(1) {
        let path = piece.split('"').nth(1).unwrap_or_default();
        let handlers =
            piece.split(';').next().unwrap_or_default().split(".fallback(").next().unwrap_or_default();
        let words: Vec<_> = handlers.split(|c: char| !c.is_alphanumeric() && !"(:".contains(c)).collect();
        for method in METHODS {
            if words.iter().any(|word| word.starts_with(&format!("{method}("))) {
                found.insert(format!("{method} {prefix}{path}"));
            }
        }
        if piece.contains(".nest(") {
            prefix = "";
        }
    }
    found
}

/// Every value under a name, wherever it stands.
fn all<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let below: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Vec::new(),
    };
    value.get(name).into_iter().chain(below.into_iter().flat_map(|value| all(value, name))).collect()
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// Checks a value against a schema of the document, and that it has no field which the schema does not name.
fn check(document: &Value, schema: &Value, value: &Value) -> anyhow::Result<()> {
    ensure!(schema.is_object(), "no schema for {value}");
    let mut root = json!({"$schema": document["jsonSchemaDialect"], "components": document["components"], "allOf": [schema]});
    close(&mut root["components"]["schemas"]);
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&root)
        .context("a schema that can be used")?;
    validator
        .validate(value)
        .map_err(|error| anyhow::anyhow!("{error} at {}: {value}", error.instance_path()))
}

fn close(value: &mut Value) {
    if let Value::Object(fields) = value {
        if fields.get("type").is_some_and(|kind| kind == "object") && fields.contains_key("properties") {
            fields.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        fields.values_mut().for_each(close);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(close);
    }
}
