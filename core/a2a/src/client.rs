//! What a client says in each binding and version, and what it reads there: its requests and their answers are those of
//! JSON-RPC 1.0, and become the others' here. Pure.

pub mod grpc;

use crate::{
    before_1_0::{METHODS, STATES, change, each, message, message_in, part_in, translate},
    fault::Kind,
    wire::{
        TRANSPORT_PROTOCOL_GRPC, TRANSPORT_PROTOCOL_HTTP_JSON, TRANSPORT_PROTOCOL_JSONRPC,
        methods::{CANCEL_TASK, GET_TASK, SEND_MESSAGE, SEND_STREAMING_MESSAGE, SUBSCRIBE_TO_TASK},
    },
};
use http::Method;
use serde_json::{Value, json};

/// A binding, in a version in which a client speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// JSON-RPC.
    JsonRpc,
    /// JSON-RPC as it was in 0.3.
    JsonRpcBefore1_0,
    /// HTTP+JSON.
    Rest,
    /// gRPC.
    Grpc,
}

impl Speech {
    /// How an interface of a card is spoken to, if it is at all (A2A 1.0, section 5.2).
    #[must_use]
    pub fn of(binding: &str, version: &str) -> Option<Self> {
        let is = |known: &str| {
            version == known || version.strip_prefix(known).is_some_and(|patch| patch.starts_with('.'))
        };
        let named = |name: &str| binding.eq_ignore_ascii_case(name);
        match () {
            () if named(TRANSPORT_PROTOCOL_JSONRPC) && is("1.0") => Some(Self::JsonRpc),
            () if named(TRANSPORT_PROTOCOL_JSONRPC) && is("0.3") => Some(Self::JsonRpcBefore1_0),
            () if named(TRANSPORT_PROTOCOL_HTTP_JSON) && is("1.0") => Some(Self::Rest),
            () if named(TRANSPORT_PROTOCOL_GRPC) && is("1.0") => Some(Self::Grpc),
            () => None,
        }
    }

    /// The name of the binding, as a card has it.
    #[must_use]
    pub fn binding(self) -> &'static str {
        match self {
            Self::JsonRpc | Self::JsonRpcBefore1_0 => TRANSPORT_PROTOCOL_JSONRPC,
            Self::Rest => TRANSPORT_PROTOCOL_HTTP_JSON,
            Self::Grpc => TRANSPORT_PROTOCOL_GRPC,
        }
    }

    /// The version, as it is said in each request.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::JsonRpc | Self::Rest | Self::Grpc => "1.0",
            Self::JsonRpcBefore1_0 => "0.3",
        }
    }

    /// What a request is called, and what it holds, over JSON-RPC.
    #[must_use]
    pub fn call(self, method: &str, params: Value) -> (String, Value) {
        match self {
            Self::JsonRpcBefore1_0 => older(method, params),
            Self::JsonRpc | Self::Rest | Self::Grpc => (method.to_owned(), params),
        }
    }

    /// A result, or an event of a stream, as 1.0 has it.
    #[must_use]
    pub fn result(self, method: &str, result: Value) -> Value {
        match self {
            Self::JsonRpcBefore1_0 => newer(method, result),
            Self::JsonRpc | Self::Rest | Self::Grpc => result,
        }
    }
}

fn older(method: &str, mut params: Value) -> (String, Value) {
    let name = METHODS.iter().find(|(new, _)| *new == method).map_or(method, |(_, old)| *old);
    change(&mut params, "message", message);
    change(&mut params, "configuration", |mut wish| {
        if let Value::Object(fields) = &mut wish {
            let at_once = fields.remove("returnImmediately").and_then(|flag| flag.as_bool());
            fields.insert("blocking".into(), json!(!at_once.unwrap_or(false)));
        }
        wish
    });
    (name.to_owned(), params)
}

/// Each object of 0.3 says its kind; one of no known kind stays as it is, and is told by whoever reads it.
fn newer(method: &str, result: Value) -> Value {
    let is_bare = [GET_TASK, CANCEL_TASK].contains(&method);
    match result.get("kind").and_then(Value::as_str) {
        Some("task") if is_bare => task(result),
        Some("task") => json!({"task": task(result)}),
        Some("message") => json!({"message": message_in(result)}),
        Some("status-update") => {
            let mut update = result;
            change(&mut update, "status", status);
            json!({"statusUpdate": update})
        }
        Some("artifact-update") => {
            let mut update = result;
            change(&mut update, "artifact", artifact);
            json!({"artifactUpdate": update})
        }
        _ => result,
    }
}

fn task(mut task: Value) -> Value {
    change(&mut task, "status", status);
    each(&mut task, "artifacts", artifact);
    each(&mut task, "history", message_in);
    task
}

fn status(mut status: Value) -> Value {
    if let Value::Object(fields) = &mut status {
        translate(fields, "state", &STATES, |(new, old)| (old, new));
    }
    change(&mut status, "message", message_in);
    status
}

fn artifact(mut artifact: Value) -> Value {
    each(&mut artifact, "parts", |mut part| {
        part_in(&mut part);
        part
    });
    artifact
}

/// A request of the HTTP+JSON binding.
#[derive(Clone, Debug, PartialEq)]
pub struct RestRequest {
    /// Its method.
    pub method: Method,
    /// Below the interface's URL, segment by segment.
    pub path: Vec<String>,
    /// Its body, where it has one.
    pub body: Option<Value>,
}

/// An operation over HTTP+JSON (A2A 1.0, section 11.3), below its tenant where one is named; nothing for one that clients
/// here do not ask for.
#[must_use]
pub fn rest(method: &str, mut params: Value) -> Option<RestRequest> {
    let fields = params.as_object_mut()?;
    let mut take = |name: &str| fields.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (tenant, id) = (take("tenant"), take("id").unwrap_or_default());
    let own = |last: String| vec!["tasks".to_owned(), last];
    let (method, own, body) = match method {
        SEND_MESSAGE => (Method::POST, vec!["message:send".to_owned()], Some(params)),
        SEND_STREAMING_MESSAGE => (Method::POST, vec!["message:stream".to_owned()], Some(params)),
        GET_TASK => (Method::GET, own(id), None),
        CANCEL_TASK => (Method::POST, own(format!("{id}:cancel")), Some(json!({}))),
        // As its definition in protocol buffers has it; the text of the specification names POST, and servers have both.
        SUBSCRIBE_TO_TASK => (Method::GET, own(format!("{id}:subscribe")), None),
        _ => return None,
    };
    Some(RestRequest { method, path: tenant.into_iter().chain(own).collect(), body })
}

/// The code and the words of an error over HTTP+JSON (section 11.6): by the reason in its details, or by its status.
#[must_use]
pub fn rest_error(body: &Value) -> Option<(i32, String)> {
    let error = body.get("error").filter(|error| error.is_object())?;
    let reasons = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let by_reason = |reason: &str| Kind::ALL.iter().find(|kind| kind.reason() == reason);
    let known = reasons.filter_map(|detail| detail.get("reason")?.as_str()).find_map(by_reason);
    let code = match known {
        Some(kind) => kind.code(),
        None => match error.get("status").and_then(Value::as_str)? {
            "NOT_FOUND" => Kind::TaskNotFound.code(),
            "UNIMPLEMENTED" => Kind::MethodNotFound.code(),
            "FAILED_PRECONDITION" => Kind::UnsupportedOperation.code(),
            "INVALID_ARGUMENT" => Kind::InvalidParams.code(),
            _ => Kind::Internal.code(),
        },
    };
    Some((code, error.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_spoken_to_by_its_binding_and_its_version() {
        for (binding, version, speech) in [
            ("JSONRPC", "1.0", Some(Speech::JsonRpc)),
            ("jsonrpc", "1.0.1", Some(Speech::JsonRpc)),
            ("JSONRPC", "0.3.0", Some(Speech::JsonRpcBefore1_0)),
            ("HTTP+JSON", "1.0", Some(Speech::Rest)),
            ("GRPC", "1.0", Some(Speech::Grpc)),
            ("HTTP+JSON", "0.3", None),
            ("JSONRPC", "1.00", None),
            ("JSONRPC", "", None),
            ("SLIMRPC", "1.0", None),
        ] {
            assert_eq!(Speech::of(binding, version), speech, "{binding} {version}");
            let own = speech.and_then(|speech| Speech::of(speech.binding(), speech.version()));
            assert_eq!(own, speech, "its own names are read again");
        }
    }

    #[test]
    fn a_question_is_said_in_the_words_of_0_3_and_its_answers_are_read_in_those_of_1_0() {
        let params = json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [
            {"text": "hello"}, {"raw": "aGk=", "filename": "a", "mediaType": "text/csv"}]},
            "configuration": {"returnImmediately": true}});
        let (name, said) = Speech::JsonRpcBefore1_0.call(SEND_MESSAGE, params);
        let expected = json!({"message": {"kind": "message", "messageId": "m", "role": "user", "parts": [
            {"kind": "text", "text": "hello"},
            {"kind": "file", "file": {"bytes": "aGk=", "name": "a", "mimeType": "text/csv"}}]},
            "configuration": {"blocking": false}});
        assert_eq!((name.as_str(), said), ("message/send", expected));
        let read = |method, result| Speech::JsonRpcBefore1_0.result(method, result);
        let old = json!({"kind": "task", "id": "t", "status": {"state": "input-required", "message": {
            "kind": "message", "messageId": "a", "role": "agent", "parts": [{"kind": "text", "text": "When?"}]}},
            "artifacts": [{"artifactId": "x", "parts": [{"kind": "file", "file": {"uri": "https://a.example"}}]}]});
        let task = read(GET_TASK, old.clone());
        assert_eq!(task["status"]["state"], "TASK_STATE_INPUT_REQUIRED");
        assert_eq!(task["status"]["message"]["role"], "ROLE_AGENT");
        assert_eq!(task["artifacts"][0]["parts"][0], json!({"url": "https://a.example"}));
        assert_eq!(read(SEND_MESSAGE, old)["task"]["id"], "t");
        let update =
            json!({"kind": "status-update", "taskId": "t", "final": true, "status": {"state": "completed"}});
        let update = read(SEND_STREAMING_MESSAGE, update);
        assert_eq!(update["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
        for unknown in [json!(null), json!({"kind": "heartbeat"}), json!(7)] {
            assert_eq!(read(SEND_MESSAGE, unknown.clone()), unknown);
        }
    }

    #[test]
    fn each_operation_has_its_path_below_its_tenant() {
        let ask = |method: &str, params| {
            let RestRequest { method, path, body } = rest(method, params).unwrap();
            (method, path.join("/"), body)
        };
        let id = json!({"id": "t/1", "tenant": "acme"});
        assert_eq!(ask(GET_TASK, id.clone()), (Method::GET, "acme/tasks/t/1".into(), None));
        assert_eq!(ask(CANCEL_TASK, id).1, "acme/tasks/t/1:cancel");
        let (method, path, body) = ask(SEND_MESSAGE, json!({"message": {}}));
        assert_eq!(
            (method, path.as_str(), body),
            (Method::POST, "message:send", Some(json!({"message": {}})))
        );
        assert_eq!(rest("ListTasks", json!({})), None);
    }

    #[test]
    fn an_error_is_read_by_its_reason_or_its_status() {
        let error = |status: &str, reason: &str| {
            let body = json!({"error": {"status": status, "message": "no", "details": [{"reason": reason}]}});
            rest_error(&body).map(|(code, _)| code)
        };
        assert_eq!(error("FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED"), Some(-32009));
        assert_eq!(error("NOT_FOUND", ""), Some(-32001));
        assert_eq!(error("WHAT", ""), Some(-32603));
        for none in [json!({}), json!({"error": "no"}), json!({"error": {}}), json!(null)] {
            assert_eq!(rest_error(&none), None, "{none}");
        }
    }
}
