//! Errors as clients of OpenAI read them, on the paths that are theirs: a problem in other words.

use crate::problem::{Problem, ProblemKind};
use serde::{Deserialize, Serialize};

/// The body of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAiError {
    /// What it was.
    pub error: Fault,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// For a person.
    pub message: String,
    /// The kind, in OpenAI's words.
    #[serde(rename = "type")]
    pub kind: String,
    /// The parameter that it is about, where that is known.
    pub param: Option<String>,
    /// Stable: OpenAI's word where it has one, else ours.
    pub code: String,
    /// The request's id, to be found in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
}

/// Whether a path is one of those on which clients of OpenAI call.
#[must_use]
pub fn is_theirs(path: &str) -> bool {
    path == "/v1/chat/completions" || path == "/v1/models" || path.starts_with("/v1/models/")
}

impl From<&Problem> for OpenAiError {
    fn from(problem: &Problem) -> Self {
        let kind = match problem.code {
            ProblemKind::Unauthenticated => "authentication_error",
            ProblemKind::Forbidden | ProblemKind::QuotaExceeded => "permission_error",
            ProblemKind::RateLimited => "rate_limit_error",
            _ if problem.status >= 500 => "server_error",
            _ => "invalid_request_error",
        };
        let code = match problem.code {
            ProblemKind::Unauthenticated => "invalid_api_key",
            ProblemKind::RateLimited => "rate_limit_exceeded",
            other => other.code(),
        };
        let param = (problem.code == ProblemKind::ModelNotFound).then(|| "model".to_owned());
        Self {
            error: Fault {
                message: problem.message().to_owned(),
                kind: kind.to_owned(),
                param,
                code: code.to_owned(),
                request_id: problem.request_id.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_in_their_words_and_ours_where_they_have_none() {
        let told = |kind| OpenAiError::from(&Problem::new(kind, "so it is")).error;
        let limited = told(ProblemKind::RateLimited);
        assert_eq!(
            (limited.kind.as_str(), limited.code.as_str()),
            ("rate_limit_error", "rate_limit_exceeded")
        );
        let unknown = told(ProblemKind::ModelNotFound);
        assert_eq!((unknown.param.as_deref(), unknown.code.as_str()), (Some("model"), "model_not_found"));
        assert_eq!(told(ProblemKind::TooLarge).code, "too_large");
        assert_eq!(OpenAiError::from(&Problem::new(ProblemKind::Unavailable, "")).error.kind, "server_error");
        assert!(is_theirs("/v1/models/a") && !is_theirs("/v1/modelsx") && !is_theirs("/v1/agents"));
    }
}
