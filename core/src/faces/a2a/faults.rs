//! From this core's errors to the protocol's.

use crate::error::Error;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use switchboard_a2a::{Fault, Kind};
use switchboard_shared::{
    a2a,
    problem::{Problem, ProblemKind},
};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let problem = error.problem();
        if problem.status >= 500 {
            tracing::error!(%error, "a request failed");
        }
        of(&problem)
    }
}

/// A problem in the protocol's words.
pub(super) fn of(problem: &Problem) -> Fault {
    let request_id = problem.request_id.as_ref().map(ToString::to_string);
    Fault {
        retry_after_s: problem.retry_after_s,
        request_id,
        ..Fault::new(kind(problem.code), problem.message())
    }
}

fn kind(code: ProblemKind) -> Kind {
    match code {
        ProblemKind::BadRequest => Kind::InvalidParams,
        ProblemKind::Unauthenticated => Kind::Unauthenticated,
        ProblemKind::Forbidden | ProblemKind::QuotaExceeded => Kind::Forbidden,
        ProblemKind::NotFound | ProblemKind::UnknownUser | ProblemKind::ModelNotFound => Kind::TaskNotFound,
        ProblemKind::MethodNotAllowed => Kind::MethodNotFound,
        ProblemKind::Conflict | ProblemKind::WouldBeWorse => Kind::Conflict,
        ProblemKind::TooLarge | ProblemKind::HeadersTooLarge => Kind::TooLarge,
        ProblemKind::UnsupportedMediaType => Kind::ContentTypeNotSupported,
        ProblemKind::RateLimited => Kind::TooMany,
        ProblemKind::Internal => Kind::Internal,
        ProblemKind::RequestTimeout
        | ProblemKind::BadGateway
        | ProblemKind::Unavailable
        | ProblemKind::DeadlineExceeded => Kind::Unavailable,
    }
}

/// A response that is this problem's, in the protocol's words: what never reached the binding.
pub(crate) fn shaped(response: &mut Response, path: &str, problem: &Problem) {
    let fields = response.headers_mut();
    fields.remove(header::CONTENT_LENGTH);
    if a2a::is_grpc(path) {
        for (name, value) in a2a::grpc_fields(problem) {
            fields.insert(name, HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("")));
        }
        *response.status_mut() = StatusCode::OK;
        *response.body_mut() = Body::empty();
        return;
    }
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = a2a::body(path, problem).to_string().into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_edge_says_of_a_problem_what_the_core_says() {
        for code in ProblemKind::ALL {
            let fault = of(&Problem::new(*code, "why"));
            let rest = a2a::body("/a2a/v1/tasks", &Problem::new(*code, "why"));
            let rpc = a2a::body("/a2a", &Problem::new(*code, "why"));
            let own = fault.status();
            for field in ["status", "message", "details"] {
                assert_eq!(rest["error"][field], own["error"][field], "{code:?} {field}");
            }
            assert_eq!((&rpc["error"], &rpc["id"]), (&fault.jsonrpc(), &json!(null)), "{code:?}");
        }
    }
}
