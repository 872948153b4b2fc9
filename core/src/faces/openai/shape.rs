//! Problems in OpenAI's shape, wherever on its paths they come from.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use switchboard_shared::{openai::OpenAiError, problem::Problem};

/// Clients try again after 408, 409, 429 and 5xx unless this says `false`.
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The response in OpenAI's shape, if it is this problem's.
pub(crate) fn shaped(response: &mut Response, problem: &Problem) {
    let body = serde_json::to_vec(&OpenAiError::from(problem)).unwrap_or_default();
    let fields = response.headers_mut();
    fields.remove(header::CONTENT_LENGTH);
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if problem.retry_after_s.is_none() && problem.status >= 500 {
        // What was accepted goes on: asked again it would be asked twice.
        fields.entry(SHOULD_RETRY).or_insert(HeaderValue::from_static("false"));
    }
    *response.body_mut() = body.into();
}
