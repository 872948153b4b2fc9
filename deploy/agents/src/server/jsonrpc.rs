//! The JSON-RPC 2.0 envelope, and what is refused before a method is looked at.

use a2a::{A2AError, JsonRpcId, JsonRpcResponse};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A request that is whole and speaks our version.
pub(super) struct Call {
    pub(super) id: JsonRpcId,
    pub(super) method: String,
    params: Value,
}

impl Call {
    /// Reads the parameters as what the method takes.
    pub(super) fn params<T: DeserializeOwned>(&self) -> Result<T, A2AError> {
        T::deserialize(&self.params)
            .map_err(|error| A2AError::invalid_params(format!("invalid params: {error}")))
    }
}

/// An error on its way out.
pub(super) struct Refusal {
    id: JsonRpcId,
    status: StatusCode,
    pub(super) error: A2AError,
}

impl Refusal {
    fn new(id: JsonRpcId, error: A2AError) -> Self {
        Self { id, status: StatusCode::OK, error }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let response = JsonRpcResponse::error(self.id, self.error.to_jsonrpc_error());
        (self.status, axum::Json(response)).into_response()
    }
}

/// Reads the envelope, then checks the version.
pub(super) fn read(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Result<Call, Refusal> {
    check_content_type(headers)?;
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(JsonRpcId::Null, A2AError::parse_error(format!("not JSON: {error}")))
    })?;
    let invalid = |id, what: &str| Refusal::new(id, A2AError::invalid_request(what));
    let Value::Object(mut envelope) = value else {
        return Err(invalid(JsonRpcId::Null, "a request is one JSON object; batches are not read"));
    };
    let id = match envelope.remove("id") {
        Some(Value::String(text)) => JsonRpcId::String(text),
        Some(Value::Number(number)) if number.is_i64() => {
            JsonRpcId::Number(number.as_i64().unwrap_or_default())
        }
        _ => return Err(invalid(JsonRpcId::Null, "id must be a string or a whole number")),
    };
    if envelope.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid(id, "jsonrpc must be \"2.0\""));
    }
    let Some(method) = envelope.get("method").and_then(Value::as_str).map(str::to_owned) else {
        return Err(invalid(id, "method must be a string"));
    };
    if let Err(error) = check_version(headers, query) {
        return Err(Refusal::new(id, error));
    }
    let params = envelope.remove("params").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    Ok(Call { id, method, params })
}

/// A body that could not be read at all, such as one past the limit.
pub(super) fn unreadable(status: StatusCode, why: &str) -> Response {
    Refusal { id: JsonRpcId::Null, status, error: A2AError::invalid_request(why) }.into_response()
}

/// A finished call.
pub(super) fn reply(id: JsonRpcId, result: Result<Value, A2AError>) -> Response {
    match result {
        Ok(value) => axum::Json(JsonRpcResponse::success(id, value)).into_response(),
        Err(error) => {
            tracing::info!(code = error.code, "refused: {}", error.message);
            Refusal::new(id, error).into_response()
        }
    }
}

/// Only JSON: a web page could otherwise post a "simple" text form here from a browser, without being asked.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence == "application/a2a+json" {
        return Ok(());
    }
    let error = A2AError::new(
        a2a::error_code::CONTENT_TYPE_NOT_SUPPORTED,
        "the body must be sent as application/json",
    );
    Err(Refusal { id: JsonRpcId::Null, status: StatusCode::UNSUPPORTED_MEDIA_TYPE, error })
}

/// Spec 1.0, section 3.6: by header or query parameter, Major.Minor counts, and an empty value means 0.3.
fn check_version(headers: &HeaderMap, query: Option<&str>) -> Result<(), A2AError> {
    let header = headers.get(a2a::SVC_PARAM_VERSION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = header.or_else(|| {
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name.eq_ignore_ascii_case(a2a::SVC_PARAM_VERSION))
            .map(|(_, value)| value.into_owned())
    });
    let asked = asked.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let asked = asked.unwrap_or_else(|| "0.3".to_owned());
    if asked == a2a::VERSION || asked.starts_with("1.0.") {
        Ok(())
    } else {
        Err(A2AError::version_not_supported(&asked))
    }
}
