//! How long a socket waits, and for what: pings, a client that reads too slowly or sends too fast, its token, and the end
//! of the edge. Pure: times and events come in, what is due goes out.

use crate::{
    config::SocketConfig,
    limit::{Policy, gcra},
};
use std::time::Duration;
use switchboard_shared::{events::CloseCode, identity::EXPIRY_GRACE_S};
use tokio::time::Instant;

/// So many pings in a row may stay without any frame of the client; at the next one it is given up.
const UNANSWERED_PINGS: u32 = 2;

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Ask the client for a sign of life.
    Ping,
    /// End the socket.
    Leave(CloseCode),
}

/// What is known of one socket's times.
#[derive(Debug)]
pub struct Patience {
    heartbeat: Duration,
    stall: Duration,
    frames: Policy,
    frames_tat: Option<i64>,
    started: Instant,
    next_ping: Instant,
    unanswered_pings: u32,
    /// Since when the client takes nothing although its queue is full.
    full_since: Option<Instant>,
    leave_at: Option<Instant>,
    /// When the token expires, in Unix seconds.
    expires_at: i64,
}

impl Patience {
    /// Begins with a socket whose token expires at `expires_at`, in Unix seconds.
    #[must_use]
    pub fn new(config: &SocketConfig, now: Instant, expires_at: i64) -> Self {
        let heartbeat = Duration::from_secs(config.heartbeat_s);
        let window = Duration::from_secs(1)
            .mul_f64(f64::from(config.frames_burst) / f64::from(config.frames_per_second));
        Self {
            heartbeat,
            stall: Duration::from_millis(config.queue_stall_ms),
            frames: Policy { name: "frames", quota: config.frames_burst, window },
            frames_tat: None,
            started: now,
            next_ping: now + heartbeat,
            unanswered_pings: 0,
            full_since: None,
            leave_at: None,
            expires_at,
        }
    }

    /// Notes a frame of the client, which is a sign of life; false when it is one too many.
    pub fn may_send(&mut self, now: Instant) -> bool {
        self.unanswered_pings = 0;
        let now = i64::try_from((now - self.started).as_micros()).unwrap_or(i64::MAX);
        let (decision, tat) = gcra::decide(self.frames, self.frames_tat, now);
        self.frames_tat = Some(tat);
        decision.allowed
    }

    /// Notes whether the queue is full.
    pub fn queue(&mut self, is_full: bool, now: Instant) {
        self.full_since = is_full.then(|| self.full_since.unwrap_or(now));
    }

    /// Notes that the client took a frame, so it is not stuck.
    pub fn written(&mut self, now: Instant) {
        self.full_since = self.full_since.map(|_| now);
    }

    /// Notes another token.
    pub fn renew(&mut self, expires_at: i64) {
        self.expires_at = expires_at;
    }

    /// Notes that the edge ends, and when the socket leaves it.
    pub fn drain(&mut self, leave_at: Instant) {
        self.leave_at = Some(leave_at);
    }

    /// Whether it knows that the edge ends.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.leave_at.is_some()
    }

    /// What is due at `now`, which is `unix_s` on the wall.
    pub fn due(&mut self, now: Instant, unix_s: i64) -> Option<Due> {
        if self.leave_at.is_some_and(|at| at <= now) {
            return Some(Due::Leave(CloseCode::Restart));
        }
        if self.full_since.is_some_and(|since| since + self.stall <= now) {
            return Some(Due::Leave(CloseCode::TooSlow));
        }
        if self.seconds_left(unix_s) < 0 {
            return Some(Due::Leave(CloseCode::Unauthenticated));
        }
        if self.next_ping > now {
            return None;
        }
        if self.unanswered_pings >= UNANSWERED_PINGS {
            return Some(Due::Leave(CloseCode::Idle));
        }
        self.unanswered_pings += 1;
        self.next_ping = now + self.heartbeat;
        Some(Due::Ping)
    }

    /// When to ask next what is due.
    #[must_use]
    pub fn wake(&self, now: Instant, unix_s: i64) -> Instant {
        let left = u64::try_from(self.seconds_left(unix_s)).unwrap_or(0);
        let expiry = now + Duration::from_secs(left + 1);
        let stall = self.full_since.map(|since| since + self.stall);
        [stall, self.leave_at].into_iter().flatten().fold(self.next_ping.min(expiry), Instant::min)
    }

    /// Seconds until the expired token ends the socket.
    fn seconds_left(&self, unix_s: i64) -> i64 {
        self.expires_at + EXPIRY_GRACE_S - unix_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: i64 = 1_000_000;

    /// Pings every 10 s, a stall of 5 s, 2 frames at once and 1 per second.
    fn patience(now: Instant) -> Patience {
        let mut config = crate::config::sample().socket;
        (config.heartbeat_s, config.queue_stall_ms) = (10, 5_000);
        (config.frames_burst, config.frames_per_second) = (2, 1);
        Patience::new(&config, now, LATE)
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_client_that_answers_no_ping_is_given_up_at_the_third() {
        let start = Instant::now();
        let mut patience = patience(start);
        assert_eq!((patience.due(start, 0), patience.wake(start, 0)), (None, start + s(10)));
        assert_eq!(patience.due(start + s(10), 0), Some(Due::Ping));
        assert_eq!(patience.due(start + s(10), 0), None, "once");
        assert_eq!(patience.due(start + s(20), 0), Some(Due::Ping));
        assert_eq!(patience.due(start + s(30), 0), Some(Due::Leave(CloseCode::Idle)));
    }

    #[test]
    fn any_frame_is_a_sign_of_life() {
        let start = Instant::now();
        let mut patience = patience(start);
        for beat in 1..10 {
            assert_eq!(patience.due(start + s(10 * beat), 0), Some(Due::Ping));
            assert!(patience.may_send(start + s(10 * beat)));
        }
    }

    #[test]
    fn a_client_that_takes_nothing_of_a_full_queue_is_too_slow_and_one_that_takes_something_is_not() {
        let start = Instant::now();
        let mut patience = patience(start);
        patience.written(start);
        assert_eq!(patience.wake(start, 0), start + s(10), "what is written to a short queue begins nothing");
        patience.queue(true, start);
        patience.queue(true, start + s(3));
        assert_eq!(patience.wake(start, 0), start + s(5));
        patience.written(start + s(4));
        assert_eq!(patience.due(start + s(5), 0), None);
        assert_eq!(patience.due(start + s(9), 0), Some(Due::Leave(CloseCode::TooSlow)));
        patience.queue(false, start + s(9));
        assert_eq!(patience.due(start + s(9), 0), None);
    }

    #[test]
    fn an_expired_token_ends_the_socket_after_its_grace_and_another_one_does_not_let_it() {
        let start = Instant::now();
        let mut patience = patience(start);
        let last = LATE + EXPIRY_GRACE_S;
        assert_eq!(patience.wake(start, last - 2), start + s(3), "when it is over, and not a moment before");
        assert_eq!(patience.due(start, last), None);
        assert_eq!(patience.due(start, last + 1), Some(Due::Leave(CloseCode::Unauthenticated)));
        patience.renew(LATE + 60);
        assert_eq!(patience.due(start, last + 1), None);
    }

    #[test]
    fn more_frames_than_the_burst_are_too_many_until_time_has_passed() {
        let start = Instant::now();
        let mut patience = patience(start);
        assert!(patience.may_send(start) && patience.may_send(start));
        assert!(!patience.may_send(start));
        assert!(patience.may_send(start + s(1)));
    }

    #[test]
    fn a_socket_of_an_ending_edge_leaves_when_it_is_its_turn() {
        let start = Instant::now();
        let mut patience = patience(start);
        assert!(!patience.is_draining());
        patience.drain(start + s(2));
        assert!(patience.is_draining());
        assert_eq!((patience.wake(start, 0), patience.due(start, 0)), (start + s(2), None));
        assert_eq!(patience.due(start + s(2), 0), Some(Due::Leave(CloseCode::Restart)));
    }
}
