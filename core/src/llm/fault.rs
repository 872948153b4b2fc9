//! What was wrong with one try, and what the endpoint says of it: by its status, or by an error where an answer should
//! be.

use crate::outside;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use std::time::Duration;

const MAX_ERROR_CHARS: usize = 300;
/// No longer wait is believed, however long the endpoint asks for; it is then asked again, and may say so again.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Why there is no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LlmError {
    #[error("no LLM configured")]
    NotConfigured,
    #[error("the LLM's endpoint {0} cannot be used: {1}")]
    Endpoint(String, String),
    /// Nothing was handed out.
    #[error("{0}")]
    Failed(#[source] Fault),
    /// A part of the text was handed out before this.
    #[error("{0}")]
    Cut(#[source] Fault),
}

impl LlmError {
    /// Its label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NotConfigured => "no_llm",
            Self::Endpoint(..) => "unusable",
            Self::Failed(fault) | Self::Cut(fault) => fault.kind.name(),
        }
    }
}

/// What was wrong with one try.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Fault {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) retry_after: Option<Duration>,
    /// The status, or the code of an error that came with status 200.
    pub(super) code: Option<u16>,
    /// What of the request the endpoint names.
    pub(super) about: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    TimedOut,
    Unreachable,
    RateLimited,
    /// Another 4xx; trying the same again does not help.
    Refused,
    ServerError,
    Nonsense,
    /// It stopped in the middle.
    Cut,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::ServerError => "server_error",
            Self::Nonsense => "nonsense",
            Self::Cut => "cut",
        }
    }

    fn of(code: u16) -> Self {
        match code {
            429 => Self::RateLimited,
            408 => Self::TimedOut,
            300..500 => Self::Refused,
            _ => Self::ServerError,
        }
    }
}

impl Fault {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), retry_after: None, code: None, about: String::new() }
    }

    /// Of an answer that is none by its status.
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let answer = outside::json(body).unwrap_or_default();
        let answer = alone(&answer);
        let plain = || std::str::from_utf8(body).ok().filter(|text| !text.trim_start().starts_with('<'));
        let said = match error_in(answer) {
            Some(error) => words(error),
            None if answer.is_null() => plain().unwrap_or_default().to_owned(),
            None => words(answer),
        };
        let to = headers.get(header::LOCATION).filter(|_| status.is_redirection()).map(|to| {
            format!(
                "it sends elsewhere, and base_url is to say where: {}",
                String::from_utf8_lossy(to.as_bytes())
            )
        });
        let said = shown(&to.unwrap_or(said));
        let text = format!("it answered with HTTP status {} {said}", status.as_u16()).trim_end().to_owned();
        let (error, code) = (error_in(answer), status.as_u16());
        let retry_after = wait(headers).or_else(|| error.and_then(wait_in));
        let about = error.map(about).unwrap_or_default();
        Self { retry_after, code: Some(code), about, ..Self::new(Kind::of(code), text) }
    }

    /// Of an error that stands where an answer should be.
    pub(super) fn of_error(answer: &Value, headers: &HeaderMap) -> Option<Self> {
        let answer = alone(answer);
        let error = error_in(answer)?;
        let said = shown(&words(error));
        let code = code(error).or_else(|| code(answer)).unwrap_or(500);
        let said = if said.is_empty() { "it does not say which".to_owned() } else { said };
        let text = format!("it answered with an error: {said} ({code})");
        Some(Self {
            retry_after: wait(headers).or_else(|| wait_in(error)),
            code: Some(code),
            about: about(error),
            ..Self::new(Kind::of(code), text)
        })
    }

    /// Without the key: endpoints like to repeat it.
    pub(super) fn hiding(mut self, key: &str) -> Self {
        if !key.is_empty() {
            self.text = self.text.replace(key, "***");
        }
        self.text = outside::without_secrets(&self.text);
        self
    }
}

/// What an endpoint says, as users may read it; hidden before it is cut, so that no half of a secret is left.
fn shown(said: &str) -> String {
    outside::line(&outside::without_secrets(said), MAX_ERROR_CHARS)
}

/// What a list holds first, as Gemini's errors come.
fn alone(answer: &Value) -> &Value {
    answer.get(0).unwrap_or(answer)
}

/// The error in an answer: named as one, in a choice, or all of it where there is no choice.
fn error_in(answer: &Value) -> Option<&Value> {
    let says = |value: &&Value| match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Number(_) => true,
    };
    let named = ["/error", "/errors", "/choices/0/error"];
    named.iter().find_map(|at| answer.pointer(at).filter(says)).or_else(|| {
        let is_error = answer.get("object").is_some_and(|object| object == "error");
        let complains = answer.get("choices").is_none()
            && (answer.get("detail").is_some() || (answer.get("message").is_some_and(Value::is_string)));
        (is_error || complains).then_some(answer)
    })
}

/// What an error says, wherever its dialect puts that.
fn words(error: &Value) -> String {
    match error {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.first().map(words).unwrap_or_default(),
        Value::Object(fields) => {
            let known = ["message", "detail", "msg", "error", "reason", "description"];
            known.iter().find_map(|key| fields.get(*key)).map(words).unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn about(error: &Value) -> String {
    let named = error.get("param").or_else(|| error.pointer("/0/loc")).or_else(|| error.get("loc"));
    named.filter(|named| !named.is_null()).map(ToString::to_string).unwrap_or_default()
}

/// A status in numbers, or what the name of the error comes to.
fn code(error: &Value) -> Option<u16> {
    let fields = ["code", "status", "status_code", "http_status", "type"];
    let said = || fields.iter().filter_map(|key| error.get(*key));
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let status = said().filter_map(number).find(|code| (400..600).contains(code));
    status.and_then(|code| u16::try_from(code).ok()).or_else(|| {
        let name = said().filter_map(Value::as_str).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let is = |names: &[&str]| names.iter().any(|part| name.contains(part));
        match () {
            () if is(&["rate", "quota", "too_many", "exhausted"]) => Some(429),
            () if is(&["overloaded", "unavailable"]) => Some(503),
            () if is(&["invalid", "bad", "unsupported", "auth", "permission", "not_found"]) => Some(400),
            () => None,
        }
    })
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let millis = said("retry-after-ms").and_then(|ms| ms.trim().parse().ok()).map(Duration::from_millis);
    let wait = millis.or_else(|| wait_of(said(header::RETRY_AFTER.as_str())?, Utc::now()));
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

/// A wait beside the error (`google.rpc.RetryInfo`): seconds with a fraction and `s`, as protobuf writes durations.
fn wait_in(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds = delay.strip_suffix('s')?.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).ok()?.min(LONGEST_WAIT))
}

/// How long to wait: seconds or a date (RFC 9110 §10.2.3); nonsense says nothing.
fn wait_of(after: &str, now: DateTime<Utc>) -> Option<Duration> {
    let after = after.trim();
    if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number can have are a very long time.
        return Some(Duration::from_secs(after.parse().unwrap_or(u64::MAX)));
    }
    let at = DateTime::parse_from_rfc2822(after).ok()?;
    Some(at.signed_duration_since(now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_more_than_its_bound() {
        let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().unwrap();
        for (after, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Sat, 28 Nov 2026 12:00:09 GMT", Some(9)),
            ("Sat, 28 Nov 2020 12:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wait_of(after, now).map(|wait| wait.as_secs()), expected, "{after:?}");
        }
        let headers = |name, value: &str| HeaderMap::from_iter([(name, value.parse().unwrap())]);
        assert_eq!(wait(&headers(header::RETRY_AFTER, "999999")), Some(LONGEST_WAIT));
        let millis = http::HeaderName::from_static("retry-after-ms");
        assert_eq!(wait(&headers(millis, "1500")), Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn a_wait_beside_the_error_counts_where_no_header_has_one() {
        let body = |delay: &str| {
            let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
            json!([{"error": {"code": 429, "message": "slow down", "details": [{"x": 1}, info]}}])
        };
        for (delay, expected) in [("27s", Some(27_000)), ("1.5s", Some(1_500)), ("-3s", None), ("soon", None)]
        {
            let body = body(delay);
            let bytes = body.to_string();
            let by_status =
                Fault::of_status(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), bytes.as_bytes());
            let within = Fault::of_error(&body, &HeaderMap::new()).unwrap();
            for fault in [by_status, within] {
                assert_eq!(fault.retry_after, expected.map(Duration::from_millis), "{delay}");
                assert!(fault.kind == Kind::RateLimited && fault.text.contains("slow down"), "{fault}");
            }
        }
    }

    #[test]
    fn an_error_is_found_wherever_a_dialect_puts_it() {
        for (answer, kind, said) in [
            (json!({"error": {"message": "slow down", "code": 429}}), Kind::RateLimited, "slow down"),
            (json!({"error": "no such model"}), Kind::ServerError, "no such model"),
            (json!({"error": {"message": "full", "code": "503"}}), Kind::ServerError, "full"),
            (json!({"error": {"message": "no", "type": "invalid_request_error"}}), Kind::Refused, "no"),
            (json!({"object": "error", "message": "long", "code": 400}), Kind::Refused, "long"),
            (json!({"detail": [{"loc": ["body"], "msg": "extra"}]}), Kind::ServerError, "extra"),
            (json!({"choices": [{"error": {"message": "gone", "code": 502}}]}), Kind::ServerError, "gone"),
            (json!({"choices": [], "error": {"message": "q", "type": "quota"}}), Kind::RateLimited, "q"),
        ] {
            let fault = Fault::of_error(&answer, &HeaderMap::new()).unwrap();
            assert!(fault.kind == kind && fault.text.contains(said), "{answer}: {fault}");
        }
        for fine in [json!({"choices": [], "usage": {}}), json!({"error": null}), json!({"what": 1})] {
            assert!(Fault::of_error(&fine, &HeaderMap::new()).is_none(), "{fine}");
        }
    }

    #[test]
    fn no_key_stands_in_what_an_endpoint_says() {
        let said = "Incorrect key k123 (sk-proj-abc), in Authorization: Bearer eyJhbGciOi";
        let text = Fault::new(Kind::Refused, said).hiding("k123").text;
        assert_eq!(text, "Incorrect key *** (***), in Authorization: Bearer ***");
    }
}
