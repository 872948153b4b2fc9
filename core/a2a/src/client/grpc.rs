//! The gRPC binding as a client speaks it (A2A 1.0, section 10): requests and answers are those of JSON-RPC, and become
//! protocol buffers here. The frames are tonic's.

use crate::{fault::Kind, grpc::Reads, proto};
use axum::body::HttpBody;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;
use prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value;
use std::error::Error;
use tonic::{Code, Status, Streaming};

const MEDIA_TYPE: &[u8] = b"application/grpc";
const DETAILS: &str = "grpc-status-details-bin";
/// Before each message: whether it is compressed, and how long it is.
const HEAD: usize = 5;

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other side says so: the code that the error has over JSON-RPC, and its words.
    Error(i32, String),
    /// A message is larger than it may be.
    TooMuch,
    /// What came cannot be read.
    Unreadable(String),
    /// The connection ended first.
    Broken(String),
}

/// The path and the body of a request; nothing for one that gRPC cannot say.
#[must_use]
pub fn request(method: &str, params: &Value) -> Option<(String, Bytes)> {
    let method = proto::method(method)?;
    let message = proto::from_json(method.input(), params).ok()?;
    let mut body = BytesMut::with_capacity(HEAD + message.encoded_len());
    body.put_u8(0);
    body.put_u32(u32::try_from(message.encoded_len()).ok()?);
    message.encode(&mut body).ok()?;
    Some((format!("/{}/{}", method.parent_service().full_name(), method.name()), body.freeze()))
}

/// The answers in a response, one by one, each with how many bytes it had; none has more than `most`.
///
/// # Errors
/// When its head says already why there is none.
pub fn answers<B>(
    method: &str,
    mut response: Response<B>,
    most: usize,
) -> Result<impl Stream<Item = Result<(Value, usize), Ended>> + Send + use<B>, Ended>
where
    B: HttpBody + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let none = || Ended::Unreadable("there is no such method".into());
    let method: MethodDescriptor = proto::method(method).ok_or_else(none)?;
    keep_readable(response.headers_mut());
    let status = Status::from_header_map(response.headers());
    if let Some(status) = status.filter(|status| status.code() != Code::Ok) {
        return Err(ended(&status));
    }
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(MEDIA_TYPE)) {
        return Err(Ended::Unreadable("its answer is not gRPC".into()));
    }
    let (head, body) = response.into_parts();
    let body = body.map_frame(|mut frame| {
        frame.trailers_mut().into_iter().for_each(keep_readable);
        frame
    });
    let messages = Streaming::new_response(Reads(method.output()), body, head.status, None, Some(most));
    Ok(messages.map(|message| {
        let message = message.map_err(|status| ended(&status))?;
        let json = proto::to_json(&message).map_err(|error| Ended::Unreadable(error.to_string()))?;
        Ok((json, HEAD + message.encoded_len()))
    }))
}

/// Takes details away that are not base64, at which tonic panics.
fn keep_readable(fields: &mut HeaderMap) {
    let reads =
        |details: &HeaderValue| [STANDARD, STANDARD_NO_PAD].iter().any(|it| it.decode(details).is_ok());
    if fields.get(DETAILS).is_some_and(|details| !reads(details)) {
        fields.remove(DETAILS);
    }
}

fn ended(status: &Status) -> Ended {
    let words = status.message().to_owned();
    if status.source().is_some() {
        return Ended::Broken(words);
    }
    match (reason(status), status.code()) {
        (Some(kind), _) => Ended::Error(kind.code(), words),
        // What tonic says of a message before it reads it.
        (None, Code::OutOfRange) if words.contains("message length too large") => Ended::TooMuch,
        (None, Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded) => Ended::Broken(words),
        (None, code) => Ended::Error(kind(code).code(), words),
    }
}

/// The reason in the details of a status (section 10.6).
fn reason(status: &Status) -> Option<Kind> {
    let details = DynamicMessage::decode(proto::message("google.rpc.Status")?, status.details()).ok()?;
    let details = proto::to_json(&details).ok()?;
    let reasons = details.get("details")?.as_array()?.iter().filter_map(|of| of.get("reason")?.as_str());
    let by_reason = |reason: &str| Kind::ALL.iter().find(|kind| kind.reason() == reason);
    reasons.into_iter().find_map(by_reason).copied()
}

fn kind(code: Code) -> Kind {
    match code {
        Code::NotFound => Kind::TaskNotFound,
        Code::Unimplemented => Kind::MethodNotFound,
        Code::FailedPrecondition => Kind::UnsupportedOperation,
        Code::InvalidArgument => Kind::InvalidParams,
        Code::Unauthenticated => Kind::Unauthenticated,
        Code::PermissionDenied => Kind::Forbidden,
        Code::ResourceExhausted => Kind::TooMany,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use std::convert::Infallible;

    fn fields(status: &'static str, details: &'static str) -> HeaderMap {
        let fields = [("content-type", "application/grpc"), ("grpc-status", status), (DETAILS, details)];
        let fields = fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        fields.into_iter().collect()
    }

    /// What ends an answer that has these in its head, and the same where they come behind it.
    async fn ends(fields: HeaderMap) -> [Option<Ended>; 2] {
        let mut head = Response::new(Body::empty());
        *head.headers_mut() = fields.clone();
        let trailers = async { Some(Ok::<_, Infallible>(fields)) };
        let mut behind = Response::new(http_body_util::Empty::<Bytes>::new().with_trailers(trailers));
        behind.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        let behind = answers("GetTask", behind, 100).ok().unwrap().next().await;
        [answers("GetTask", head, 100).err(), behind.and_then(Result::err)]
    }

    #[tokio::test]
    async fn a_status_is_read_in_the_head_and_behind_it_also_with_details_that_are_none() {
        for details in ["AAE=", "AAE", "no base64 at all"] {
            let gone = Some(Ended::Error(Kind::TaskNotFound.code(), String::new()));
            assert_eq!(ends(fields("5", details)).await, [gone.clone(), gone], "{details}");
        }
        let away = Some(Ended::Broken(String::new()));
        assert_eq!(ends(fields("14", "")).await, [away.clone(), away]);
    }

    #[tokio::test]
    async fn what_is_no_grpc_or_too_large_is_named() {
        let page = Response::new(Body::from("<html>"));
        assert!(matches!(answers("GetTask", page, 100).err(), Some(Ended::Unreadable(_))));
        let mut large = Response::new(Body::from(vec![0, 0, 0, 0, 101]));
        large.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        let end = answers("GetTask", large, 100).ok().unwrap().next().await;
        assert_eq!(end, Some(Err(Ended::TooMuch)));
    }

    #[test]
    fn a_request_is_a_frame_below_the_name_of_its_method() {
        let (path, body) = request("GetTask", &serde_json::json!({"id": "t"})).unwrap();
        assert_eq!(
            (path.as_str(), &body[..]),
            ("/lf.a2a.v1.A2AService/GetTask", &b"\0\0\0\0\x03\x12\x01t"[..])
        );
        assert_eq!(request("Destroy", &serde_json::json!({})), None);
    }
}
