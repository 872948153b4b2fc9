//! The JSON-RPC binding (A2A 1.0, section 9): one path, one object a request, a stream as server-sent events.

use crate::{
    agent::Agent,
    before_1_0,
    fault::{Binding, Fault, Kind},
    negotiate::{Dialect, check_extensions, check_media_type, dialect},
    operation::{Asked, Done, Operation},
    sse,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, header},
};
use serde_json::{Map, Value, json};

/// Answers a request.
pub async fn answer<A: Agent>(
    asked: &Asked<'_, A>,
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
) -> Response<Body> {
    let nobody = Binding::JsonRpc { id: Value::Null };
    let mut fields = match object(headers, body) {
        Ok(fields) => fields,
        Err(fault) => return fault.response(&nobody),
    };
    let id = match id(&mut fields) {
        Ok(id) => id,
        Err(fault) => return fault.response(&nobody),
    };
    let abilities = asked.agent.abilities();
    let dialect = match dialect(headers, query, &abilities) {
        Ok(dialect) => dialect,
        Err(fault) => return fault.response(&Binding::JsonRpc { id }),
    };
    let binding = match dialect {
        Dialect::Current => Binding::JsonRpc { id: id.clone() },
        Dialect::Before => Binding::Before { id: id.clone() },
    };
    let operation = call(fields).and_then(|(method, params)| match dialect {
        Dialect::Current => {
            check_extensions(headers, &abilities)?;
            Operation::named(&method, params)
        }
        Dialect::Before => before_1_0::named(&method, params),
    });
    let operation = match operation {
        Ok(operation) => operation,
        Err(fault) => return fault.response(&binding),
    };
    let performed = operation.performed();
    let mut response = match operation.perform(asked).await {
        Ok(Done::One(result)) => {
            let result = match dialect {
                Dialect::Current => result,
                Dialect::Before => before_1_0::result(performed.operation, result),
            };
            whole(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
        }
        Ok(Done::Many(running)) => sse::response(*running, binding, asked.ping),
        Err(fault) => fault.response(&binding),
    };
    response.extensions_mut().insert(performed);
    response
}

fn whole(body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads the envelope (JSON-RPC 2.0, section 4).
fn object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Fault> {
    check_media_type(headers)?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(invalid("A request is one JSON object; batches are not read.")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = format!("The body is not JSON (line {line}, column {column}).");
            Err(Fault::new(Kind::Parse, message))
        }
    }
}

/// What is called, with what.
fn call(mut fields: Map<String, Value>) -> Result<(String, Value), Fault> {
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid("jsonrpc must be \"2.0\"."));
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err(invalid("method must be a string."));
    };
    let params = fields.remove("params").filter(|params| !params.is_null());
    Ok((method, params.unwrap_or_else(|| json!({}))))
}

/// Without an id nothing could be answered, and every operation is.
fn id(fields: &mut Map<String, Value>) -> Result<Value, Fault> {
    match fields.remove("id") {
        Some(id @ Value::String(_)) => Ok(id),
        Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Ok(Value::Number(id)),
        _ => Err(invalid("id must be a string or a whole number.")),
    }
}

fn invalid(message: &str) -> Fault {
    Fault::new(Kind::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> (Value, i32) {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let read = object(&headers, body.as_bytes()).and_then(|mut fields| Ok((id(&mut fields)?, fields)));
        match read {
            Ok((id, fields)) => (id, call(fields).map_or_else(|fault| fault.kind.code(), |_| 0)),
            Err(fault) => (Value::Null, fault.kind.code()),
        }
    }

    #[test]
    fn what_is_no_request_is_told_from_what_is_no_json() {
        for (body, id, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"GetTask"}"#, json!(1), 0),
            (r#"{"jsonrpc":"2.0","id":"a","method":"GetTask","params":null}"#, json!("a"), 0),
            (r#"{"jsonrpc":"2.0","#, json!(null), -32700),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"GetTask"}]"#, json!(null), -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"GetTask"}"#, json!(null), -32600),
            (r#"{"jsonrpc":"2.0","method":"GetTask"}"#, json!(null), -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"GetTask"}"#, json!(1), -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, json!(1), -32600),
            ("7", json!(null), -32600),
        ] {
            assert_eq!(code(body), (id, expected), "{body}");
        }
    }
}
