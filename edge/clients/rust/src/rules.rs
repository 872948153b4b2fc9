//! The figures of "What a client does" in `edge/PROTOCOL.md`, and what follows from a close code. Pure.

use std::time::Duration;
use switchboard_shared::events::CloseCode;

/// A wait lies anywhere below this, which doubles with each try (full jitter: AWS Architecture Blog, "Exponential
/// backoff and jitter") …
pub const BACK_OFF: Duration = Duration::from_millis(250);
/// … up to this.
pub const BACK_OFF_MOST: Duration = Duration::from_secs(15);
/// Whom the edge told to come later begins with the bound of this many tries.
pub const LATER: u32 = 4;
/// A socket that held for so long begins the count of tries anew.
pub const HELD: Duration = Duration::from_secs(10);
/// An edge that was lost is tried last for so long, unless it was measured since.
pub const AVOIDED: Duration = Duration::from_secs(30);
/// Another edge is nearer when its round trip is shorter by at least this …
pub const NEARER_BY: Duration = Duration::from_millis(20);
/// … and by at least a third.
pub const NEARER_SHARE: f64 = 2.0 / 3.0;
/// How often a client looks for a nearer edge; each time anywhere between half and one and a half of it. Seldom, since an
/// edge counts these questions by address, and many clients may have one.
pub const LOOK_EVERY: Duration = Duration::from_secs(300);
/// So many edges are measured at a time.
pub const MEASURED: usize = 8;
/// So often each one is asked; the shortest counts, so that handshakes do not.
pub const SAMPLES: usize = 3;
/// What an edge has not answered by then is not measured.
pub const MEASURE_WITHIN: Duration = Duration::from_secs(3);
/// An edge has so long to open a socket.
pub const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// After a silence of a heartbeat the client pings; what is silent for so long after that is dead.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);
/// The heartbeat until `welcome` says which.
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// A message that was not answered for so long: the socket is of no use.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// So many messages may wait for their acknowledgement; as many as an edge takes on one socket.
pub const UNACKNOWLEDGED: usize = 32;
/// A token is renewed so long before it ends, or after half of what is left, if that is later.
pub const RENEW_BEFORE: Duration = Duration::from_secs(60);
/// Whoever is asked for a token has so long.
pub const TOKEN_WITHIN: Duration = Duration::from_secs(30);
/// A conversation whose stream ended for now is joined again after this, unless the edge said when.
pub const JOIN_AGAIN: Duration = Duration::from_secs(2);

/// What to do when a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go to another edge at once.
    Elsewhere,
    /// This edge may be gone: wait with jitter, and try another one first.
    Lost,
    /// Wait with jitter; this edge is as good as any.
    Again,
    /// Wait longer.
    Later,
    /// Get another token first.
    NewToken,
    /// It would end in the same way.
    Stop,
}

/// What a close code asks for (RFC 6455 §7.4.1, and ours); `None` is a socket that ended without one (1006).
#[must_use]
pub fn after_close(code: Option<u16>) -> Next {
    const PROTOCOL: u16 = 1002;
    const UNSUPPORTED: u16 = 1003;
    const INCONSISTENT: u16 = 1007;
    const POLICY: u16 = 1008;
    const TOO_BIG: u16 = 1009;
    let Some(code) = code else { return Next::Lost };
    let is = |ours: CloseCode| code == ours as u16;
    match code {
        PROTOCOL | UNSUPPORTED | INCONSISTENT | POLICY | TOO_BIG => Next::Stop,
        _ if is(CloseCode::Restart) => Next::Elsewhere,
        _ if is(CloseCode::TryLater) || is(CloseCode::TooMany) => Next::Later,
        _ if is(CloseCode::Unauthenticated) => Next::NewToken,
        _ if is(CloseCode::BadFrame) || is(CloseCode::Forbidden) => Next::Stop,
        _ if is(CloseCode::Idle) || is(CloseCode::TooSlow) => Next::Again,
        _ => Next::Lost,
    }
}

/// What an answer to the handshake asks for that is not 101.
#[must_use]
pub fn after_refusal(status: u16) -> Next {
    match status {
        401 => Next::NewToken,
        408 | 429 | 503 => Next::Later,
        400..=499 => Next::Stop,
        _ => Next::Lost,
    }
}

/// How long to wait before try number `tries`, counted from 0; `random` is from 0 to 1.
#[must_use]
pub fn back_off(tries: u32, random: f64) -> Duration {
    BACK_OFF.saturating_mul(1 << tries.min(10)).min(BACK_OFF_MOST).mul_f64(random.clamp(0.0, 1.0))
}

/// Whether an edge is so much nearer than another one that a client moves.
#[must_use]
pub fn is_nearer(edge: Duration, than: Duration) -> bool {
    than.saturating_sub(edge) >= NEARER_BY && edge.as_secs_f64() <= than.as_secs_f64() * NEARER_SHARE
}

/// When to look again; `random` is from 0 to 1.
#[must_use]
pub fn look_after(every: Duration, random: f64) -> Duration {
    every.mul_f64(0.5 + random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_lie_anywhere_below_a_bound_that_doubles_up_to_the_longest() {
        assert_eq!(back_off(0, 1.0), BACK_OFF);
        assert_eq!(back_off(3, 0.5), BACK_OFF * 4);
        for tries in 0..40 {
            assert_eq!(back_off(tries, 0.0), Duration::ZERO);
            assert!(back_off(tries, 1.0) <= BACK_OFF_MOST, "{tries}");
        }
        assert_eq!(back_off(40, 1.0), BACK_OFF_MOST);
    }

    #[test]
    fn every_close_code_that_an_edge_says_has_a_rule() {
        for (code, next) in [
            (Some(1012), Next::Elsewhere),
            (Some(1013), Next::Later),
            (Some(4429), Next::Later),
            (Some(4401), Next::NewToken),
            (Some(1002), Next::Stop),
            (Some(1007), Next::Stop),
            (Some(1009), Next::Stop),
            (Some(4400), Next::Stop),
            (Some(4403), Next::Stop),
            (Some(4408), Next::Again),
            (Some(4413), Next::Again),
            (Some(1001), Next::Lost),
            (Some(1011), Next::Lost),
            (None, Next::Lost),
        ] {
            assert_eq!(after_close(code), next, "{code:?}");
        }
    }

    #[test]
    fn a_refusal_is_final_unless_a_token_or_time_may_mend_it() {
        for (status, next) in [
            (401, Next::NewToken),
            (429, Next::Later),
            (503, Next::Later),
            (403, Next::Stop),
            (502, Next::Lost),
        ] {
            assert_eq!(after_refusal(status), next, "{status}");
        }
    }

    #[test]
    fn an_edge_is_nearer_by_a_third_and_by_what_a_person_could_notice() {
        let ms = Duration::from_millis;
        assert!(is_nearer(ms(5), ms(100)));
        assert!(is_nearer(ms(0), ms(20)));
        assert!(!is_nearer(ms(1), ms(15)), "too little to be worth a move");
        assert!(!is_nearer(ms(300), ms(330)), "too small a share");
        assert!(!is_nearer(ms(100), ms(5)));
    }
}
