//! Where Switchboard speaks A2A, and what its clients read there of a problem that never reached an operation: an edge
//! that refuses a token says it in the protocol's words too.

use crate::problem::{Problem, ProblemKind};
use serde_json::{Map, Value, json};

/// The path of JSON-RPC.
pub const JSONRPC: &str = "/a2a";
/// The same, as some clients write it.
pub const JSONRPC_SLASH: &str = "/a2a/";
/// What the paths of HTTP+JSON begin with.
pub const REST: &str = "/a2a/v1/";
/// The same as a route.
pub const REST_ROUTE: &str = "/a2a/v1/{*path}";

/// What the paths of gRPC begin with: the full name of its service.
pub const GRPC: &str = "/lf.a2a.v1.A2AService/";
/// The same as a route.
pub const GRPC_ROUTE: &str = "/lf.a2a.v1.A2AService/{method}";
/// Its media type, which may go on.
pub const GRPC_MEDIA_TYPE: &str = "application/grpc";

/// Where clients of before 1.0 look for the card.
pub const CARD_BEFORE_1_0: &str = "/.well-known/agent.json";

/// Where the keys lie that sign our cards.
pub const KEYS: &str = "/.well-known/jwks.json";

/// Whether A2A is spoken on a path.
#[must_use]
pub fn is_theirs(path: &str) -> bool {
    path == JSONRPC || path == JSONRPC_SLASH || path.starts_with(REST) || is_grpc(path)
}

/// Whether that is gRPC.
#[must_use]
pub fn is_grpc(path: &str) -> bool {
    path.starts_with(GRPC)
}

/// A problem as gRPC has it, whose answers have a status of their own: in header fields, below the HTTP status 200 and
/// without a body.
#[must_use]
pub fn grpc_fields(problem: &Problem) -> [(&'static str, String); 3] {
    let status = match words(problem.code).1 {
        // Over gRPC a method that is not there has a code of its own.
        _ if problem.code == ProblemKind::MethodNotAllowed => 12,
        "INVALID_ARGUMENT" => 3,
        "NOT_FOUND" => 5,
        "ALREADY_EXISTS" => 6,
        "PERMISSION_DENIED" => 7,
        "RESOURCE_EXHAUSTED" => 8,
        "OUT_OF_RANGE" => 11,
        "UNAVAILABLE" => 14,
        "UNAUTHENTICATED" => 16,
        _ => 13,
    };
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%';
    let signs = problem.message().bytes();
    let message =
        signs.map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    [
        ("content-type", GRPC_MEDIA_TYPE.to_owned()),
        ("grpc-status", status.to_string()),
        ("grpc-message", message.collect()),
    ]
}

/// A problem, as its path's binding has it: `google.rpc.Status`, or a response of JSON-RPC to no request.
#[must_use]
pub fn body(path: &str, problem: &Problem) -> Value {
    let message = problem.message();
    let (code, status, reason) = words(problem.code);
    let mut metadata = Map::new();
    if let Some(id) = &problem.request_id {
        metadata.insert("requestId".to_owned(), json!(id));
    }
    let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason, "domain": "a2a-protocol.org", "metadata": metadata});
    let retry = problem.retry_after_s.map(|seconds| {
        json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")})
    });
    let details: Vec<_> = std::iter::once(info).chain(retry).collect();
    match path.starts_with(REST) {
        true => {
            json!({"error": {"code": problem.status, "status": status, "message": message, "details": details}})
        }
        false => {
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message, "data": details}})
        }
    }
}

/// The code of JSON-RPC, the status of gRPC, the reason.
fn words(code: ProblemKind) -> (i32, &'static str, &'static str) {
    match code {
        ProblemKind::BadRequest => (-32602, "INVALID_ARGUMENT", "INVALID_PARAMS"),
        ProblemKind::Unauthenticated => (-32040, "UNAUTHENTICATED", "UNAUTHENTICATED"),
        ProblemKind::Forbidden | ProblemKind::QuotaExceeded => {
            (-32041, "PERMISSION_DENIED", "PERMISSION_DENIED")
        }
        ProblemKind::NotFound | ProblemKind::UnknownUser | ProblemKind::ModelNotFound => {
            (-32001, "NOT_FOUND", "TASK_NOT_FOUND")
        }
        ProblemKind::MethodNotAllowed => (-32601, "NOT_FOUND", "METHOD_NOT_FOUND"),
        ProblemKind::Conflict | ProblemKind::WouldBeWorse => (-32045, "ALREADY_EXISTS", "MESSAGE_ID_REUSED"),
        ProblemKind::TooLarge | ProblemKind::HeadersTooLarge => (-32042, "OUT_OF_RANGE", "REQUEST_TOO_LARGE"),
        ProblemKind::UnsupportedMediaType => (-32005, "INVALID_ARGUMENT", "CONTENT_TYPE_NOT_SUPPORTED"),
        ProblemKind::RateLimited => (-32043, "RESOURCE_EXHAUSTED", "RATE_LIMITED"),
        ProblemKind::Internal => (-32603, "INTERNAL", "INTERNAL_ERROR"),
        ProblemKind::RequestTimeout
        | ProblemKind::BadGateway
        | ProblemKind::Unavailable
        | ProblemKind::DeadlineExceeded => (-32044, "UNAVAILABLE", "UNAVAILABLE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_as_the_binding_of_its_path_tells_it() {
        let problem = Problem::new(ProblemKind::RateLimited, "slowly").retry_after(3);
        let rest = body("/a2a/v1/tasks", &problem);
        assert_eq!(
            (&rest["error"]["code"], &rest["error"]["status"]),
            (&json!(429), &json!("RESOURCE_EXHAUSTED"))
        );
        assert_eq!(rest["error"]["details"][1]["retryDelay"], "3s");
        assert_eq!(body("/a2a", &problem)["error"]["code"], -32043);
        let [kind, status, message] = grpc_fields(&Problem::new(ProblemKind::NotFound, "é 5%"));
        assert_eq!((kind.1.as_str(), status.1.as_str()), ("application/grpc", "5"));
        assert!(message.1.contains("%C3%A9 5%25"), "{message:?}");
        assert!(is_theirs("/a2a") && is_theirs("/a2a/v1/tasks") && !is_theirs("/a2a/v2/tasks"));
    }
}
