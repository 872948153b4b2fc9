//! That an edge asks, where it speaks for nobody: at sign-in there is nobody yet, and whose a key is, is the question.
//! As an identity it is signed for one request and good for half a minute.

use crate::{
    identity::{SIGNED_IDENTITY_LIFETIME_S, SignedFor},
    keys::{Purpose, SigningKeys},
};

/// Signs one request: `seconds.signature`.
#[must_use]
pub fn sign(keys: &SigningKeys, now_s: i64, request: SignedFor<'_>) -> String {
    let at = now_s.to_string();
    let signature = keys.sign(Purpose::Asking, &request.with(&at));
    format!("{at}.{signature}")
}

/// Whether [`sign`] made it for this request, a moment ago.
#[must_use]
pub fn holds(proof: &str, keys: &SigningKeys, now_s: i64, request: SignedFor<'_>) -> bool {
    let Some((at, signature)) = proof.split_once('.') else { return false };
    let fresh =
        at.parse::<i64>().is_ok_and(|at| now_s.abs_diff(at) <= SIGNED_IDENTITY_LIFETIME_S.unsigned_abs());
    fresh && keys.verify(Purpose::Asking, &request.with(at), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_for_one_request_of_this_half_minute() {
        let (keys, other) = (SigningKeys::new("key", []), SigningKeys::new("other", []));
        let request = SignedFor { method: "GET", target: "/auth/me", request_id: "r1" };
        let proof = sign(&keys, 1_000, request);
        assert!(holds(&proof, &keys, 1_030, request));
        assert!(!holds(&proof, &keys, 1_031, request));
        assert!(!holds(&proof, &other, 1_000, request));
        assert!(!holds(&proof, &keys, 1_000, SignedFor { method: "POST", ..request }));
        assert!(!holds(&proof, &keys, 1_000, SignedFor { request_id: "r2", ..request }));
        for forged in ["", ".", "1000", "1000.x", "x.y"] {
            assert!(!holds(forged, &keys, 1_000, request), "{forged}");
        }
    }
}
