//! The errors of the protocol (A2A 1.0, section 3.3.2), and what they are in each binding (sections 5.4, 9.5 and 11.6).

use crate::wire::A2AError;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $http:literal, $grpc:literal, $reason:literal;)+) => {
        /// What went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)+
        }

        impl Kind {
            /// Every kind, for documents and tests.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code of JSON-RPC.
            #[must_use]
            pub fn code(self) -> i32 {
                match self { $(Self::$name => $code),+ }
            }

            /// The status of HTTP.
            #[must_use]
            pub fn http(self) -> u16 {
                match self { $(Self::$name => $http),+ }
            }

            /// The name of the status of gRPC, which the HTTP+JSON binding says as well.
            #[must_use]
            pub fn grpc(self) -> &'static str {
                match self { $(Self::$name => $grpc),+ }
            }

            /// The reason that stands in `google.rpc.ErrorInfo`.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason),+ }
            }
        }
    };
}

kinds! {
    /// There is no such task, or it is not the caller's to see.
    TaskNotFound = -32001, 404, "NOT_FOUND", "TASK_NOT_FOUND";
    /// The task is over already.
    TaskNotCancelable = -32002, 400, "FAILED_PRECONDITION", "TASK_NOT_CANCELABLE";
    /// The agent sends no push notifications.
    PushNotificationNotSupported = -32003, 400, "FAILED_PRECONDITION", "PUSH_NOTIFICATION_NOT_SUPPORTED";
    /// The agent does not do this, or not in this state.
    UnsupportedOperation = -32004, 400, "FAILED_PRECONDITION", "UNSUPPORTED_OPERATION";
    /// A media type that is not read here.
    ContentTypeNotSupported = -32005, 400, "INVALID_ARGUMENT", "CONTENT_TYPE_NOT_SUPPORTED";
    /// An agent behind this one did not keep to the protocol.
    InvalidAgentResponse = -32006, 500, "INTERNAL", "INVALID_AGENT_RESPONSE";
    /// The extended card is declared and not there.
    ExtendedCardNotConfigured = -32007, 400, "FAILED_PRECONDITION", "EXTENDED_AGENT_CARD_NOT_CONFIGURED";
    /// An extension that the agent requires was not offered.
    ExtensionSupportRequired = -32008, 400, "FAILED_PRECONDITION", "EXTENSION_SUPPORT_REQUIRED";
    /// A version that is not spoken here.
    VersionNotSupported = -32009, 400, "FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED";
    /// The body is no JSON.
    Parse = -32700, 400, "INVALID_ARGUMENT", "PARSE_ERROR";
    /// The JSON is no request.
    InvalidRequest = -32600, 400, "INVALID_ARGUMENT", "INVALID_REQUEST";
    /// There is no such method or path.
    MethodNotFound = -32601, 404, "NOT_FOUND", "METHOD_NOT_FOUND";
    /// A value is missing or not allowed.
    InvalidParams = -32602, 400, "INVALID_ARGUMENT", "INVALID_PARAMS";
    /// A defect of the agent's.
    Internal = -32603, 500, "INTERNAL", "INTERNAL_ERROR";
    /// No credentials, or such that do not hold.
    Unauthenticated = -32040, 401, "UNAUTHENTICATED", "UNAUTHENTICATED";
    /// The caller may not do this.
    Forbidden = -32041, 403, "PERMISSION_DENIED", "PERMISSION_DENIED";
    /// The request is too large.
    TooLarge = -32042, 413, "OUT_OF_RANGE", "REQUEST_TOO_LARGE";
    /// A limit is reached.
    TooMany = -32043, 429, "RESOURCE_EXHAUSTED", "RATE_LIMITED";
    /// It cannot be done just now.
    Unavailable = -32044, 503, "UNAVAILABLE", "UNAVAILABLE";
    /// The same message id was used for another message.
    Conflict = -32045, 409, "ALREADY_EXISTS", "MESSAGE_ID_REUSED";
}

impl Kind {
    /// Whether the status of HTTP says it in JSON-RPC as well: what stands between the two has to act on it.
    fn shows_in_http(self) -> bool {
        matches!(
            self,
            Self::Unauthenticated | Self::Forbidden | Self::TooLarge | Self::TooMany | Self::Unavailable
        )
    }
}

/// An error on its way to the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What it is.
    pub kind: Kind,
    /// For a person.
    pub message: String,
    /// The field that it is about, by its name on the wire.
    pub field: Option<String>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u64>,
    /// The request, as logs know it.
    pub request_id: Option<String>,
}

impl Fault {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), field: None, retry_after_s: None, request_id: None }
    }

    /// There is no such task that the caller could see.
    #[must_use]
    pub fn no_task() -> Self {
        Self::new(Kind::TaskNotFound, "There is no such task.")
    }

    /// A value that is missing or not allowed.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let message = if field.is_empty() { message } else { format!("{field}: {message}") };
        Self {
            field: Some(field).filter(|field| !field.is_empty()),
            ..Self::new(Kind::InvalidParams, message)
        }
    }

    /// The details, as each binding has them (`google.rpc`, in ProtoJSON).
    #[must_use]
    pub fn details(&self) -> Vec<Value> {
        let mut metadata = serde_json::Map::new();
        if let Some(id) = &self.request_id {
            metadata.insert("requestId".to_owned(), json!(id));
        }
        let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.kind.reason(), "domain": "a2a-protocol.org", "metadata": metadata});
        let field = self.field.as_ref().map(|field| {
            json!({"@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": field, "description": self.message}]})
        });
        let retry = self.retry_after_s.map(|seconds| {
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")})
        });
        std::iter::once(info).chain(field).chain(retry).collect()
    }

    /// The `error` of a response of JSON-RPC (section 9.5).
    #[must_use]
    pub fn jsonrpc(&self) -> Value {
        json!({"code": self.kind.code(), "message": self.message, "data": self.details()})
    }

    /// The body of an answer of the HTTP+JSON binding (section 11.6, `google.rpc.Status`).
    #[must_use]
    pub fn status(&self) -> Value {
        json!({"error": {"code": self.kind.http(), "status": self.kind.grpc(), "message": self.message,
            "details": self.details()}})
    }

    /// The whole answer, of one binding or the other.
    #[must_use]
    pub fn response(&self, binding: &Binding) -> Response<Body> {
        let (status, media_type, body) = match binding {
            Binding::JsonRpc { id } | Binding::Before { id } => {
                let status = if self.kind.shows_in_http() { self.kind.http() } else { 200 };
                let body = json!({"jsonrpc": "2.0", "id": id, "error": self.jsonrpc()});
                (status, "application/json", body)
            }
            Binding::Rest => (self.kind.http(), "application/json", self.status()),
        };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            fields.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The error of the protocol's own types.
impl From<A2AError> for Fault {
    fn from(error: A2AError) -> Self {
        let kind = Kind::ALL.iter().find(|kind| kind.code() == error.code);
        Self::new(kind.copied().unwrap_or(Kind::Internal), error.message)
    }
}

/// In which words an answer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// JSON-RPC, in answer to the request with this id.
    JsonRpc {
        /// The request's own id; null where it has none that could be read.
        id: Value,
    },
    /// The same for a client of 0.3.
    Before {
        /// The request's own id.
        id: Value,
    },
    /// HTTP+JSON.
    Rest,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_says_so_in_each_binding() {
        let codes: HashSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let fault = Fault::new(*kind, "why");
            let (rpc, rest) = (fault.jsonrpc(), fault.status());
            assert_eq!((&rpc["code"], &rpc["message"]), (&json!(kind.code()), &json!("why")));
            assert_eq!(rpc["data"][0]["reason"], kind.reason());
            assert_eq!(rest["error"]["details"], rpc["data"]);
            assert_eq!(
                (&rest["error"]["code"], &rest["error"]["status"]),
                (&json!(kind.http()), &json!(kind.grpc()))
            );
        }
    }

    #[test]
    fn a_field_and_a_delay_are_details() {
        let fault = Fault { retry_after_s: Some(2), ..Fault::invalid("message.parts", "it is empty") };
        let details = fault.details();
        assert_eq!(details[1]["fieldViolations"][0]["field"], "message.parts");
        assert_eq!(details[2]["retryDelay"], "2s");
        assert_eq!(fault.message, "message.parts: it is empty");
    }
}
