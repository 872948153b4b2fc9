//! The gRPC binding (A2A 1.0, section 10): a method for each operation, with the messages of `proto/a2a.proto`. The frames
//! are tonic's.

use crate::{
    agent::{Agent, Running},
    fault::{Fault, Kind},
    negotiate::{check_extensions, check_version},
    operation::{Asked, Done, Operation, Performed},
    proto, sse,
};
use axum::body::Body;
use futures::{Stream, StreamExt};
use http::{HeaderMap, Request, Response};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};
use std::sync::OnceLock;
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::Grpc,
};
use tower::service_fn;

/// Answers a request for the method of this name. The body has been read within its bounds.
pub async fn answer<A: Agent>(
    asked: &Asked<'_, A>,
    method: &str,
    headers: &HeaderMap,
    body: bytes::Bytes,
) -> Response<Body> {
    let begun = check_version(headers, None)
        .and_then(|()| check_extensions(headers, &asked.agent.abilities()))
        .and_then(|()| proto::method(method).ok_or_else(no_method));
    let method = match begun {
        Ok(method) => method,
        Err(fault) => return status(&fault).into_http(),
    };
    let performed = OnceLock::new();
    let done = |request: tonic::Request<DynamicMessage>| {
        let (name, performed) = (method.name().to_owned(), &performed);
        async move {
            let operation = operation(&name, &request.into_inner())?;
            // Only once: it is asked once.
            performed.get_or_init(|| operation.performed());
            operation.perform(asked).await
        }
    };
    let most = body.len();
    let mut grpc = Grpc::new(Messages(method.clone())).max_decoding_message_size(most);
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    let mut response =
        if method.is_server_streaming() {
            let many = service_fn(|request| {
                let (done, kind) = (done(request), method.output());
                async move { done.await.and_then(several).map(|running| events(running, kind)).map_err(told) }
            });
            grpc.server_streaming(many, request).await
        } else {
            let one = service_fn(|request| {
                let (done, kind) = (done(request), method.output());
                async move {
                    done.await.and_then(|done| single(done, kind)).map(tonic::Response::new).map_err(told)
                }
            });
            grpc.unary(one, request).await
        }
        .map(Body::new);
    if let Some(performed) = performed.get() {
        let performed: Performed = *performed;
        response.extensions_mut().insert(performed);
    }
    response
}

fn operation(name: &str, request: &DynamicMessage) -> Result<Operation, Fault> {
    let params = proto::to_json(request).map_err(|error| Fault::invalid("", error.to_string()))?;
    Operation::named(name, params)
}

fn single(done: Done, kind: MessageDescriptor) -> Result<DynamicMessage, Fault> {
    match done {
        Done::One(value) => message(kind, &value),
        Done::Many(_) => Err(unsaid("a stream")),
    }
}

fn several(done: Done) -> Result<Running, Fault> {
    match done {
        Done::Many(running) => Ok(*running),
        Done::One(_) => Err(unsaid("no stream")),
    }
}

/// The task as it is, and then what happens to it, as its events.
fn events(
    running: Running,
    kind: MessageDescriptor,
) -> tonic::Response<impl Stream<Item = Result<DynamicMessage, Status>> + Send + use<>> {
    let events = sse::events(running)
        .map(move |event| event.and_then(|event| message(kind.clone(), &json!(event))).map_err(told));
    tonic::Response::new(events)
}

fn message(kind: MessageDescriptor, value: &Value) -> Result<DynamicMessage, Fault> {
    // What is deleted is answered with nothing.
    let value = if value.is_null() { &json!({}) } else { value };
    proto::from_json(kind, value).map_err(|error| unsaid(&error.to_string()))
}

fn unsaid(why: &str) -> Fault {
    Fault::new(Kind::Internal, format!("The answer cannot be said over gRPC: {why}."))
}

fn no_method() -> Fault {
    Fault::new(Kind::MethodNotFound, "There is no such operation.")
}

fn told(fault: Fault) -> Status {
    status(&fault)
}

/// An error with its details (section 10.6).
fn status(fault: &Fault) -> Status {
    let code = code(fault.kind);
    let whole = json!({"code": code as i32, "message": fault.message, "details": fault.details()});
    let details = proto::message("google.rpc.Status").and_then(|kind| proto::from_json(kind, &whole).ok());
    let details = details.map(|details| details.encode_to_vec()).unwrap_or_default();
    Status::with_details(code, &fault.message, details.into())
}

fn code(kind: Kind) -> Code {
    match kind.grpc() {
        // Over gRPC a method that is not there has a code of its own.
        _ if kind == Kind::MethodNotFound => Code::Unimplemented,
        "NOT_FOUND" => Code::NotFound,
        "FAILED_PRECONDITION" => Code::FailedPrecondition,
        "INVALID_ARGUMENT" => Code::InvalidArgument,
        "UNAUTHENTICATED" => Code::Unauthenticated,
        "PERMISSION_DENIED" => Code::PermissionDenied,
        "OUT_OF_RANGE" => Code::OutOfRange,
        "RESOURCE_EXHAUSTED" => Code::ResourceExhausted,
        "UNAVAILABLE" => Code::Unavailable,
        "ALREADY_EXISTS" => Code::AlreadyExists,
        _ => Code::Internal,
    }
}

/// The messages of a method, by their description.
struct Messages(MethodDescriptor);

/// What is read, of one kind.
pub(crate) struct Reads(pub(crate) MessageDescriptor);

/// Of answers.
struct Writes;

impl Codec for Messages {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Writes;
    type Decoder = Reads;

    fn encoder(&mut self) -> Writes {
        Writes
    }

    fn decoder(&mut self) -> Reads {
        Reads(self.0.input())
    }
}

impl Decoder for Reads {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let read = DynamicMessage::decode(self.0.clone(), bytes);
        read.map(Some)
            .map_err(|error| told(Fault::new(Kind::Parse, format!("The message cannot be read: {error}."))))
    }
}

impl Encoder for Writes {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, bytes: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(bytes).map_err(|error| told(unsaid(&error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_code_and_its_details() {
        let fault = Fault { retry_after_s: Some(2), ..Fault::invalid("message.parts", "it is empty") };
        let status = status(&fault);
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "message.parts: it is empty"));
        let kind = proto::message("google.rpc.Status").unwrap();
        let read = proto::to_json(&DynamicMessage::decode(kind, status.details()).unwrap()).unwrap();
        assert_eq!(read["details"][0]["reason"], "INVALID_PARAMS");
        assert_eq!(read["details"][1]["fieldViolations"][0]["field"], "message.parts");
        assert_eq!(read["details"][2]["retryDelay"], "2s");
    }

    #[test]
    fn every_kind_has_a_code() {
        for kind in Kind::ALL {
            assert!((code(*kind) == Code::Internal) == (kind.grpc() == "INTERNAL"), "{kind:?}");
        }
    }
}
