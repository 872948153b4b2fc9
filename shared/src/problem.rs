//! The closed list of errors a client can see, as problem details (RFC 9457) and as error frames.

use crate::api::Trial;
use serde::{Deserialize, Serialize};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)+) => {
        /// What went wrong, in the words that clients may build on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ProblemKind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl ProblemKind {
            /// Every kind, for documents and tests.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable code: `code` of a problem and of an error frame, and the metric label.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// One sentence for a person.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

problems! {
    /// The request cannot be read, or a value is not allowed.
    BadRequest = "bad_request", 400, "The request cannot be understood.";
    /// No token, or one that does not hold.
    Unauthenticated = "unauthenticated", 401, "A valid token is needed.";
    /// The caller may not do this.
    Forbidden = "forbidden", 403, "You may not do this.";
    /// Not there, or not the caller's to see: the answer is the same.
    NotFound = "not_found", 404, "There is nothing here that you can see.";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "This method is not supported here.";
    /// The same client id was used for another message, or the state does not allow it.
    Conflict = "conflict", 409, "This conflicts with what is there.";
    /// What would be learned would make the router answer known messages worse.
    WouldBeWorse = "would_be_worse", 409, "The router would get worse.";
    /// A body, frame or text above its bound.
    TooLarge = "too_large", 413, "The request is too large.";
    /// A body in a media type that is not read here.
    UnsupportedMediaType = "unsupported_media_type", 415, "This media type is not supported here.";
    /// The request did not arrive in time.
    RequestTimeout = "request_timeout", 408, "The request did not arrive in time.";
    /// No more bytes may be stored for this user or tenant.
    QuotaExceeded = "quota_exceeded", 403, "The quota of stored bytes is reached.";
    /// Somebody who is to be added, and has never been here.
    UnknownUser = "unknown_user", 404, "This user has not been here yet.";
    /// A model that is no agent of the caller's, where clients of OpenAI ask for one.
    ModelNotFound = "model_not_found", 404, "There is no such model here.";
    /// The usage policy's limit is reached.
    RateLimited = "rate_limited", 429, "A limit is reached.";
    /// Header fields above their bound.
    HeadersTooLarge = "headers_too_large", 431, "The header fields are too large.";
    /// A defect of ours.
    Internal = "internal", 500, "Something went wrong on our side.";
    /// No healthy core, or one that answered nonsense.
    BadGateway = "bad_gateway", 502, "The service behind this address gave no usable answer.";
    /// Cannot be done now; trying again will help.
    Unavailable = "unavailable", 503, "The service is temporarily unavailable.";
    /// The deadline passed.
    DeadlineExceeded = "deadline_exceeded", 504, "It took too long.";
}

/// A problem detail (RFC 9457 §3), with media type [`Problem::MEDIA_TYPE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:switchboard:problem:` and the code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// One sentence for a person, the same for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: ProblemKind,
    /// What it was this time.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// When to try again, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// What the change would have done to the router, with `would_be_worse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<Trial>>,
    /// The request's id, to be found in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
}

impl Problem {
    /// The media type of a problem (RFC 9457 §6.1).
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// Makes a problem; `detail` is read by the client, so it holds nothing internal.
    #[must_use]
    pub fn new(code: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("urn:switchboard:problem:{}", code.code()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            retry_after_s: None,
            report: None,
            request_id: None,
        }
    }

    /// What a client reads where there is one sentence for it: why, or else what kind of problem it is.
    #[must_use]
    pub fn message(&self) -> &str {
        if self.detail.is_empty() { &self.title } else { &self.detail }
    }

    /// Says what the change would have done to the router.
    #[must_use]
    pub fn report(mut self, trial: Trial) -> Self {
        self.report = Some(Box::new(trial));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        let mut codes: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ProblemKind::ALL.len());
        let problem = Problem::new(ProblemKind::RateLimited, "31st message").retry_after(2);
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
        assert!(text.contains("\"code\":\"rate_limited\""), "{text}");
    }
}
