//! Clients of version 0.3, over JSON-RPC: their requests become those of 1.0, and what is answered becomes theirs. So the
//! same tasks are theirs too. Pure.
//!
//! What 0.3 has otherwise: methods have slashes, every object says its `kind`, states are small words, a file is
//! an object of its own, a send answers with the task itself, and a status says whether it is the last.

use crate::{
    fault::{Fault, Kind},
    operation::Operation,
    task::goes_on,
    wire::{StreamResponse, methods},
};
use serde_json::{Map, Value, json};

/// Operations, as either version names them.
pub(crate) const METHODS: [(&str, &str); 10] = [
    (methods::SEND_MESSAGE, "message/send"),
    (methods::SEND_STREAMING_MESSAGE, "message/stream"),
    (methods::GET_TASK, "tasks/get"),
    (methods::CANCEL_TASK, "tasks/cancel"),
    (methods::SUBSCRIBE_TO_TASK, "tasks/resubscribe"),
    (methods::CREATE_PUSH_CONFIG, "tasks/pushNotificationConfig/set"),
    (methods::GET_PUSH_CONFIG, "tasks/pushNotificationConfig/get"),
    (methods::LIST_PUSH_CONFIGS, "tasks/pushNotificationConfig/list"),
    (methods::DELETE_PUSH_CONFIG, "tasks/pushNotificationConfig/delete"),
    (methods::GET_EXTENDED_AGENT_CARD, "agent/getAuthenticatedExtendedCard"),
];
/// States, as either version names them.
pub(crate) const STATES: [(&str, &str); 9] = [
    ("TASK_STATE_SUBMITTED", "submitted"),
    ("TASK_STATE_WORKING", "working"),
    ("TASK_STATE_COMPLETED", "completed"),
    ("TASK_STATE_FAILED", "failed"),
    ("TASK_STATE_CANCELED", "canceled"),
    ("TASK_STATE_REJECTED", "rejected"),
    ("TASK_STATE_INPUT_REQUIRED", "input-required"),
    ("TASK_STATE_AUTH_REQUIRED", "auth-required"),
    ("TASK_STATE_UNSPECIFIED", "unknown"),
];
const ROLES: [(&str, &str); 2] = [("ROLE_USER", "user"), ("ROLE_AGENT", "agent")];

/// Reads an operation by the name that it has in 0.3.
pub(crate) fn named(method: &str, params: Value) -> Result<Operation, Fault> {
    let Value::Object(params) = params else {
        return Err(Fault::invalid("params", "it must be an object"));
    };
    let Some((name, _)) = METHODS.iter().find(|(_, old)| *old == method) else {
        return Err(Fault::new(
            Kind::MethodNotFound,
            "A2A 0.3 has no such method; for 1.0 send `A2A-Version: 1.0`.",
        ));
    };
    let params = match *name {
        methods::SEND_MESSAGE | methods::SEND_STREAMING_MESSAGE => sent(params),
        methods::CREATE_PUSH_CONFIG => config_set(params),
        methods::GET_PUSH_CONFIG | methods::LIST_PUSH_CONFIGS | methods::DELETE_PUSH_CONFIG => {
            of_config(params)
        }
        _ => params,
    };
    Operation::named(name, Value::Object(params))
}

/// The result of an operation.
pub(crate) fn result(operation: &str, result: Value) -> Value {
    match operation {
        methods::SEND_MESSAGE => match result {
            Value::Object(mut either) => match (either.remove("task"), either.remove("message")) {
                (Some(found), _) => task(found),
                (_, Some(said)) => message(said),
                _ => Value::Null,
            },
            other => other,
        },
        methods::GET_TASK | methods::CANCEL_TASK => task(result),
        methods::CREATE_PUSH_CONFIG | methods::GET_PUSH_CONFIG => config(result),
        methods::LIST_PUSH_CONFIGS => {
            let configs = result.get("configs").and_then(Value::as_array).cloned().unwrap_or_default();
            configs.into_iter().map(config).collect()
        }
        methods::DELETE_PUSH_CONFIG => Value::Null,
        methods::GET_EXTENDED_AGENT_CARD => card(result),
        _ => result,
    }
}

/// An event of a stream.
pub(crate) fn event(update: &StreamResponse) -> Value {
    let json = json!(update);
    match update {
        StreamResponse::Task(_) => task(json["task"].clone()),
        StreamResponse::Message(_) => message(json["message"].clone()),
        StreamResponse::StatusUpdate(of) => {
            let mut update = json["statusUpdate"].clone();
            change(&mut update, "status", status);
            update["kind"] = json!("status-update");
            update["final"] = json!(!goes_on(&of.status.state));
            update
        }
        StreamResponse::ArtifactUpdate(_) => {
            let mut update = json["artifactUpdate"].clone();
            change(&mut update, "artifact", artifact);
            update["kind"] = json!("artifact-update");
            update
        }
    }
}

/// A card as it is read before 1.0: one address and its binding, others beside it.
#[must_use]
pub fn card(mut card: Value) -> Value {
    let Value::Object(fields) = &mut card else { return card };
    // They are over what it says in the words of 1.0.
    fields.remove("signatures");
    let interfaces = fields.remove("supportedInterfaces").unwrap_or_default();
    let interfaces: Vec<_> = interfaces.as_array().into_iter().flatten().collect();
    let spoken = interfaces.iter().find(|of| of["protocolBinding"] == "JSONRPC");
    let url = spoken.map(|of| of["url"].clone()).unwrap_or_default();
    fields.insert("additionalInterfaces".into(), json!([{"url": url, "transport": "JSONRPC"}]));
    fields.insert("url".into(), url);
    fields.insert("preferredTransport".into(), json!("JSONRPC"));
    fields.insert("protocolVersion".into(), json!("0.3.0"));
    let extended = fields.get_mut("capabilities").and_then(Value::as_object_mut);
    let extended = extended.and_then(|capabilities| capabilities.remove("extendedAgentCard"));
    fields.insert("supportsAuthenticatedExtendedCard".into(), extended.unwrap_or(json!(false)));
    if let Some(Value::Array(all)) = fields.remove("securityRequirements") {
        let scopes = |one: &Value| {
            let schemes = one["schemes"].as_object().cloned().unwrap_or_default();
            let listed =
                schemes.into_iter().map(|(name, of)| (name, of.get("list").cloned().unwrap_or(json!([]))));
            Value::Object(listed.collect())
        };
        fields.insert("security".into(), all.iter().map(scopes).collect());
    }
    if let Some(Value::Object(schemes)) = fields.get_mut("securitySchemes") {
        schemes.values_mut().for_each(scheme);
    }
    card
}

fn scheme(scheme: &mut Value) {
    if let Some(Value::Object(mut http)) = scheme.get_mut("httpAuthSecurityScheme").map(Value::take) {
        http.insert("type".into(), json!("http"));
        *scheme = Value::Object(http);
    }
}

/// The parameters of a send; without a word about it, it waits.
fn sent(mut params: Map<String, Value>) -> Map<String, Value> {
    if let Some(said) = params.get_mut("message") {
        *said = message_in(said.take());
    }
    if let Some(Value::Object(wish)) = params.get_mut("configuration") {
        let waits = wish.remove("blocking").and_then(|blocking| blocking.as_bool()).unwrap_or(true);
        wish.insert("returnImmediately".into(), json!(!waits));
        if let Some(config) = wish.remove("pushNotificationConfig").filter(|config| !config.is_null()) {
            wish.insert("taskPushNotificationConfig".into(), Value::Object(config_in(config)));
        }
    }
    params
}

pub(crate) fn message_in(mut message: Value) -> Value {
    let Value::Object(fields) = &mut message else { return message };
    fields.remove("kind");
    translate(fields, "role", &ROLES, |(new, old)| (old, new));
    if let Some(Value::Array(parts)) = fields.get_mut("parts") {
        parts.iter_mut().for_each(part_in);
    }
    message
}

pub(crate) fn part_in(part: &mut Value) {
    let Value::Object(fields) = part else { return };
    fields.remove("kind");
    let Some(Value::Object(mut file)) = fields.remove("file") else { return };
    for (old, new) in [("bytes", "raw"), ("uri", "url"), ("name", "filename"), ("mimeType", "mediaType")] {
        if let Some(value) = file.remove(old).filter(|value| !value.is_null()) {
            fields.insert(new.into(), value);
        }
    }
}

fn config_set(mut params: Map<String, Value>) -> Map<String, Value> {
    let config = params.remove("pushNotificationConfig").unwrap_or_default();
    let mut flat = config_in(config);
    let task = params.remove("taskId").unwrap_or_default();
    if flat.get("id").is_none_or(Value::is_null) {
        flat.insert("id".into(), task.clone());
    }
    flat.insert("taskId".into(), task);
    flat
}

fn config_in(config: Value) -> Map<String, Value> {
    let Value::Object(mut config) = config else { return Map::new() };
    if let Some(Value::Object(how)) = config.get_mut("authentication") {
        let first = how.remove("schemes").and_then(|schemes| schemes.get(0).cloned());
        how.insert("scheme".into(), first.unwrap_or_default());
    }
    config
}

fn of_config(mut params: Map<String, Value>) -> Map<String, Value> {
    let task = params.remove("id").unwrap_or_default();
    let id = params.remove("pushNotificationConfigId").filter(|id| !id.is_null());
    // One that is not named is the task's only one, which has the task's id.
    params.insert("id".into(), id.unwrap_or_else(|| task.clone()));
    params.insert("taskId".into(), task);
    params
}

fn config(mut flat: Value) -> Value {
    let Value::Object(fields) = &mut flat else { return flat };
    let task = fields.remove("taskId").unwrap_or_default();
    fields.remove("tenant");
    if let Some(Value::Object(how)) = fields.get_mut("authentication") {
        let scheme = how.remove("scheme").unwrap_or_default();
        how.insert("schemes".into(), json!([scheme]));
    }
    json!({"taskId": task, "pushNotificationConfig": flat})
}

fn task(mut task: Value) -> Value {
    change(&mut task, "status", status);
    each(&mut task, "artifacts", artifact);
    each(&mut task, "history", message);
    task["kind"] = json!("task");
    task
}

fn status(mut status: Value) -> Value {
    if let Value::Object(fields) = &mut status {
        translate(fields, "state", &STATES, |names| names);
    }
    change(&mut status, "message", message);
    status
}

fn artifact(mut artifact: Value) -> Value {
    each(&mut artifact, "parts", part);
    artifact
}

pub(crate) fn message(mut message: Value) -> Value {
    if let Value::Object(fields) = &mut message {
        translate(fields, "role", &ROLES, |names| names);
    }
    each(&mut message, "parts", part);
    message["kind"] = json!("message");
    message
}

fn part(part: Value) -> Value {
    let Value::Object(mut fields) = part else { return part };
    let metadata = fields.remove("metadata");
    let mut old = if let Some(text) = fields.remove("text") {
        json!({"kind": "text", "text": text})
    } else if let Some(data) = fields.remove("data") {
        json!({"kind": "data", "data": data})
    } else {
        let mut file = Map::new();
        for (new, old) in [("raw", "bytes"), ("url", "uri"), ("filename", "name"), ("mediaType", "mimeType")]
        {
            if let Some(value) = fields.remove(new) {
                file.insert(old.into(), value);
            }
        }
        json!({"kind": "file", "file": file})
    };
    if let Some(metadata) = metadata {
        old["metadata"] = metadata;
    }
    old
}

/// Names a value as the other version does; what it does not know stays, and is refused where it is read.
pub(crate) fn translate(
    fields: &mut Map<String, Value>,
    name: &str,
    words: &[(&'static str, &'static str)],
    order: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    let Some(value) = fields.get_mut(name) else { return };
    let known = words.iter().map(|names| order(*names)).find(|(from, _)| value == from);
    if let Some((_, to)) = known {
        *value = json!(to);
    }
}

pub(crate) fn change(of: &mut Value, name: &str, into: impl Fn(Value) -> Value) {
    if let Some(value) = of.get_mut(name).filter(|value| !value.is_null()) {
        *value = into(value.take());
    }
}

pub(crate) fn each(of: &mut Value, name: &str, into: impl Fn(Value) -> Value) {
    if let Some(Value::Array(items)) = of.get_mut(name) {
        items.iter_mut().for_each(|item| *item = into(item.take()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_0_3_is_read_as_one_of_1_0() {
        let params = json!({"message": {"kind": "message", "messageId": "m", "role": "user", "parts": [
            {"kind": "text", "text": "hello"},
            {"kind": "file", "file": {"bytes": "aGk=", "mimeType": "text/csv", "name": "a.csv"}},
            {"kind": "file", "file": {"uri": "https://a.example/x"}}, {"kind": "data", "data": {"a": 1}}]},
            "configuration": {"blocking": false, "historyLength": 2}});
        let Operation::Send(request) = named("message/send", params).unwrap() else { panic!("no send") };
        let wish = request.configuration.unwrap();
        assert_eq!((wish.return_immediately, wish.history_length), (Some(true), Some(2)));
        let parts = json!(request.message.parts);
        let expected = json!([{"text": "hello"}, {"raw": "aGk=", "filename": "a.csv", "mediaType": "text/csv"},
            {"url": "https://a.example/x"}, {"data": {"a": 1}}]);
        assert_eq!(parts, expected);
        assert_eq!(named("message/destroy", json!({})).unwrap_err().kind, Kind::MethodNotFound);
        assert_eq!(
            named("message/send", json!({"message": {"role": "me"}})).unwrap_err().kind,
            Kind::InvalidParams
        );
    }

    #[test]
    fn a_task_is_told_in_the_words_of_0_3() {
        let new = json!({"task": {"id": "t", "contextId": "c",
            "status": {"state": "TASK_STATE_INPUT_REQUIRED", "message": {"messageId": "a", "role": "ROLE_AGENT", "parts": [{"text": "When?"}]}},
            "artifacts": [{"artifactId": "x", "parts": [{"raw": "aGk=", "filename": "f", "mediaType": "text/plain"}]}],
            "history": [{"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "hello", "metadata": {"a": 1}}]}]}});
        let old = result(methods::SEND_MESSAGE, new);
        let expected = json!({"kind": "task", "id": "t", "contextId": "c",
            "status": {"state": "input-required", "message": {"kind": "message", "messageId": "a", "role": "agent",
                "parts": [{"kind": "text", "text": "When?"}]}},
            "artifacts": [{"artifactId": "x", "parts": [
                {"kind": "file", "file": {"bytes": "aGk=", "name": "f", "mimeType": "text/plain"}}]}],
            "history": [{"kind": "message", "messageId": "m", "role": "user",
                "parts": [{"kind": "text", "text": "hello", "metadata": {"a": 1}}]}]});
        assert_eq!(old, expected);
    }

    #[test]
    fn a_card_of_before_has_one_address() {
        let new = json!({"name": "S", "capabilities": {"streaming": true, "extendedAgentCard": true},
            "supportedInterfaces": [{"url": "https://h/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
            "securitySchemes": {"b": {"httpAuthSecurityScheme": {"scheme": "Bearer"}}},
            "securityRequirements": [{"schemes": {"b": {"list": []}}}]});
        let old = card(new);
        let of = |pointer: &str| old.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!((of("/url"), of("/preferredTransport")), (json!("https://h/a2a"), json!("JSONRPC")));
        assert_eq!((of("/securitySchemes/b/type"), of("/security/0/b")), (json!("http"), json!([])));
        assert_eq!(
            (of("/supportsAuthenticatedExtendedCard"), of("/supportedInterfaces")),
            (json!(true), json!(null))
        );
    }
}
