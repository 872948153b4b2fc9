//! The HTTP+JSON binding (A2A 1.0, section 11): a path and a method for each operation, each also below a tenant.

use crate::{
    MEDIA_TYPE,
    agent::Agent,
    fault::{Binding, Fault, Kind},
    negotiate::{check_extensions, check_media_type, check_version},
    operation::{Asked, Done, Operation},
    query, sse,
    wire::methods,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, header},
};
use serde_json::{Map, Value};

/// A request, without where the binding stands.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path below the interface's URL.
    pub path: &'a str,
    /// The query.
    pub query: Option<&'a str>,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// Answers a request.
pub async fn answer<A: Agent>(asked: &Asked<'_, A>, request: Request<'_>) -> Response<Body> {
    let operation = check_version(request.headers, request.query)
        .and_then(|()| check_extensions(request.headers, &asked.agent.abilities()))
        .and_then(|()| read(request));
    let operation = match operation {
        Ok(operation) => operation,
        Err(fault) => return fault.response(&Binding::Rest),
    };
    let performed = operation.performed();
    let mut response = match operation.perform(asked).await {
        Ok(Done::One(value)) => whole(&value),
        Ok(Done::Many(running)) => sse::response(*running, Binding::Rest, asked.ping),
        Err(fault) => fault.response(&Binding::Rest),
    };
    response.extensions_mut().insert(performed);
    response
}

fn whole(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a path is for: the operation, and what the path says of its parameters.
type Found<'a> = (&'static str, Vec<(&'static str, &'a str)>);

fn read(request: Request<'_>) -> Result<Operation, Fault> {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let (found, tenant) = match find(request.method, &parts) {
        Some(found) => (Some(found), None),
        None => (parts.split_first().and_then(|(_, below)| find(request.method, below)), parts.first()),
    };
    let Some((name, given)) = found else {
        return Err(Fault::new(Kind::MethodNotFound, "There is no such operation."));
    };
    let mut params = match *request.method {
        Method::POST => body(request)?,
        _ => query::fields(request.query),
    };
    let tenant = tenant.map(|tenant| ("tenant", *tenant));
    for (field, value) in given.into_iter().chain(tenant) {
        params.insert(field.to_owned(), Value::String(value.to_owned()));
    }
    Operation::named(name, Value::Object(params))
}

fn find<'a>(method: &Method, parts: &[&'a str]) -> Option<Found<'a>> {
    let (get, post) = (*method == Method::GET, *method == Method::POST);
    Some(match *parts {
        ["message:send"] if post => (methods::SEND_MESSAGE, vec![]),
        ["message:stream"] if post => (methods::SEND_STREAMING_MESSAGE, vec![]),
        ["extendedAgentCard"] if get => (methods::GET_EXTENDED_AGENT_CARD, vec![]),
        ["tasks"] if get => (methods::LIST_TASKS, vec![]),
        ["tasks", task] => match task.split_once(':') {
            None if get => (methods::GET_TASK, vec![("id", task)]),
            Some((id, "cancel")) if post => (methods::CANCEL_TASK, vec![("id", id)]),
            // POST by the text of the specification, GET by its definition in protocol buffers.
            Some((id, "subscribe")) if post || get => (methods::SUBSCRIBE_TO_TASK, vec![("id", id)]),
            _ => return None,
        },
        ["tasks", task, "pushNotificationConfigs"] if post => {
            (methods::CREATE_PUSH_CONFIG, vec![("taskId", task)])
        }
        ["tasks", task, "pushNotificationConfigs"] if get => {
            (methods::LIST_PUSH_CONFIGS, vec![("taskId", task)])
        }
        ["tasks", task, "pushNotificationConfigs", id] if get => {
            (methods::GET_PUSH_CONFIG, vec![("taskId", task), ("id", id)])
        }
        ["tasks", task, "pushNotificationConfigs", id] if *method == Method::DELETE => {
            (methods::DELETE_PUSH_CONFIG, vec![("taskId", task), ("id", id)])
        }
        _ => return None,
    })
}

/// The body's fields; an operation that the path says all of needs none.
fn body(request: Request<'_>) -> Result<Map<String, Value>, Fault> {
    if request.body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    check_media_type(request.headers)?;
    match serde_json::from_slice(request.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Fault::new(Kind::InvalidRequest, "The body must be a JSON object.")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = format!("The body is not JSON (line {line}, column {column}).");
            Err(Fault::new(Kind::Parse, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_an_operation_also_below_a_tenant() {
        let name = |method: &Method, path: &str| {
            let request = Request { method, path, query: None, headers: &HeaderMap::new(), body: b"" };
            match read(request) {
                Ok(operation) => operation.name(),
                Err(fault) if fault.kind == Kind::MethodNotFound => "none",
                // What its parameters lack is said by the operation that the path names.
                Err(_) => "lacks",
            }
        };
        for (method, path, expected) in [
            (Method::GET, "/tasks", methods::LIST_TASKS),
            (Method::GET, "/acme/tasks", methods::LIST_TASKS),
            (Method::GET, "/tasks/7", methods::GET_TASK),
            (Method::POST, "/tasks/7:cancel", methods::CANCEL_TASK),
            (Method::POST, "/acme/tasks/7:cancel", methods::CANCEL_TASK),
            (Method::GET, "/tasks/7:subscribe", methods::SUBSCRIBE_TO_TASK),
            (Method::POST, "/tasks/7:subscribe", methods::SUBSCRIBE_TO_TASK),
            (Method::GET, "/tasks/7/pushNotificationConfigs", methods::LIST_PUSH_CONFIGS),
            (Method::DELETE, "/tasks/7/pushNotificationConfigs/1", methods::DELETE_PUSH_CONFIG),
            (Method::GET, "/extendedAgentCard", methods::GET_EXTENDED_AGENT_CARD),
            (Method::POST, "/message:send", "lacks"),
            (Method::GET, "/message:send", "none"),
            (Method::POST, "/tasks", "none"),
            (Method::POST, "/tasks/7:destroy", "none"),
            (Method::GET, "/a/b/tasks", "none"),
            (Method::GET, "/", "none"),
        ] {
            assert_eq!(name(&method, path), expected, "{method} {path}");
        }
    }
}
