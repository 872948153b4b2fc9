//! When a token ends, as far as a client can see. Pure. Nothing is verified here: that is the edge's part.

use crate::rules::RENEW_BEFORE;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use std::time::Duration;

/// How long from `now`, in seconds since 1970, until the token should be renewed; `None` when it does not say when it ends.
pub(crate) fn renew_after(token: &str, now: u64) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Ends {
        exp: f64,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let ends: Ends = serde_json::from_slice(&payload).ok()?;
    let left = Duration::try_from_secs_f64(ends.exp - now as f64).unwrap_or_default();
    Some(left.saturating_sub(RENEW_BEFORE).max(left / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_token_is_renewed_a_minute_before_its_end_or_halfway() {
        let after = |payload: &str| renew_after(&token(payload), 1_000);
        assert_eq!(after(r#"{"exp":4600}"#), Some(Duration::from_secs(3540)));
        assert_eq!(after(r#"{"exp":1040}"#), Some(Duration::from_secs(20)));
        assert_eq!(after(r#"{"exp":900}"#), Some(Duration::ZERO));
        assert_eq!(after(r#"{"sub":"ann"}"#), None);
        assert_eq!(renew_after("no token at all", 0), None);
    }
}
