//! Whether an agent is asked at all. Failures in a row open its breaker; after a while one call may try, and what
//! becomes of that call closes the breaker or opens it again.

use super::transcript::End;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::ids::{AgentId, TenantId};
use tokio::time::Instant;

/// More agents than this are not kept in mind; the one that was quiet for longest is forgotten.
const MAX_KEPT: usize = 20_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Failures in a row that open it.
    pub(super) failures: u32,
    /// How long it stays open.
    pub(super) open: Duration,
}

/// What became of a call, as the breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The agent works; that it refused, asked back, or says that it failed, is an answer. Else a user with questions
    /// that it cannot answer would take it from everybody.
    Works,
    /// No connection, no protocol, or no answer in time.
    Failed,
    /// The call says nothing about the agent: the user stopped it.
    Unknown,
}

impl Outcome {
    pub(super) fn of(end: &End) -> Self {
        match end {
            End::Failed(_) | End::Unsent(_) | End::TimedOut => Self::Failed,
            End::Message | End::Task(_) | End::Working | End::Full | End::Refused(_) | End::Error(_) => {
                Self::Works
            }
            End::Canceled => Self::Unknown,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One call is trying; if it is never heard of again, another may try at `again`.
    HalfOpen {
        again: Instant,
    },
}

impl State {
    /// Says whether a call may be made.
    fn enter(&mut self, rule: Rule, now: Instant) -> bool {
        match *self {
            Self::Closed { .. } => true,
            Self::Open { until: at } | Self::HalfOpen { again: at } if now >= at => {
                *self = Self::HalfOpen { again: now + rule.open };
                true
            }
            Self::Open { .. } | Self::HalfOpen { .. } => false,
        }
    }

    fn leave(&mut self, rule: Rule, outcome: Outcome, now: Instant) {
        *self = match (outcome, *self) {
            (Outcome::Works, _) => Self::Closed { failures: 0 },
            (Outcome::Failed, Self::Closed { failures }) if failures + 1 < rule.failures => {
                Self::Closed { failures: failures + 1 }
            }
            (Outcome::Failed, Self::Open { until }) => Self::Open { until },
            (Outcome::Failed, _) => Self::Open { until: now + rule.open },
            (Outcome::Unknown, Self::HalfOpen { .. }) => Self::Open { until: now },
            (Outcome::Unknown, state) => state,
        };
    }

    fn name(self, now: Instant) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { until } if now < until => "open",
            Self::Open { .. } | Self::HalfOpen { .. } => "half_open",
        }
    }
}

/// The breakers of all tenants' agents on this core. Only agents that failed lately have an entry.
#[derive(Debug)]
pub(super) struct Breakers {
    rule: Rule,
    states: Mutex<HashMap<(TenantId, AgentId), (State, Instant)>>,
}

impl Breakers {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, states: Mutex::default() }
    }

    /// Says whether the agent may be asked now.
    pub(super) fn enter(&self, tenant: &TenantId, agent: &AgentId, now: Instant) -> bool {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.get_mut(&(tenant.clone(), agent.clone())) {
            Some((state, _)) => state.enter(self.rule, now),
            None => true,
        }
    }

    /// Takes note of what became of a call that [`Breakers::enter`] had let through.
    pub(super) fn leave(&self, tenant: &TenantId, agent: &AgentId, outcome: Outcome, now: Instant) {
        let key = (tenant.clone(), agent.clone());
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = states.get(&key).map_or(State::Closed { failures: 0 }, |(state, _)| *state);
        state.leave(self.rule, outcome, now);
        if state == (State::Closed { failures: 0 }) {
            states.remove(&key);
            return;
        }
        states.insert(key, (state, now));
        if states.len() > MAX_KEPT
            && let Some(oldest) = states.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone())
        {
            states.remove(&oldest);
        }
    }

    /// Those that are not closed; half open are those of which one call may try.
    pub(super) fn open(&self, now: Instant) -> Vec<(TenantId, AgentId, bool)> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let open = states.iter().filter_map(|((tenant, agent), (state, _))| match state.name(now) {
            "closed" => None,
            name => Some((tenant.clone(), agent.clone(), name == "half_open")),
        });
        open.collect()
    }

    pub(super) fn state(&self, tenant: &TenantId, agent: &AgentId, now: Instant) -> &'static str {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.get(&(tenant.clone(), agent.clone())).map_or("closed", |(state, _)| state.name(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { failures: 3, open: Duration::from_secs(10) };

    fn failed_often(now: Instant) -> State {
        let mut state = State::Closed { failures: 0 };
        for _ in 0..RULE.failures {
            assert!(state.enter(RULE, now));
            state.leave(RULE, Outcome::Failed, now);
        }
        state
    }

    #[tokio::test]
    async fn failures_in_a_row_open_it_and_one_call_may_try_later() {
        let now = Instant::now();
        let mut state = failed_often(now);
        assert_eq!(state.name(now), "open");
        assert!(!state.enter(RULE, now));
        let later = now + RULE.open;
        assert!(state.enter(RULE, later));
        assert_eq!(state.name(later), "half_open");
        assert!(!state.enter(RULE, later), "only one tries");
        let mut again = state;
        again.leave(RULE, Outcome::Failed, later);
        assert!(!again.enter(RULE, later));
        state.leave(RULE, Outcome::Works, later);
        assert_eq!(state, State::Closed { failures: 0 });
    }

    #[tokio::test]
    async fn a_success_between_failures_keeps_it_closed_and_a_canceled_try_lets_another_try() {
        let now = Instant::now();
        let mut state = State::Closed { failures: RULE.failures - 1 };
        state.leave(RULE, Outcome::Works, now);
        state.leave(RULE, Outcome::Failed, now);
        assert!(state.enter(RULE, now));
        let mut state = failed_often(now);
        let later = now + RULE.open;
        assert!(state.enter(RULE, later));
        state.leave(RULE, Outcome::Unknown, later);
        assert!(state.enter(RULE, later));
    }

    #[tokio::test]
    async fn tenants_do_not_share_a_breaker() {
        let (one, two): (TenantId, TenantId) = ("one".parse().unwrap(), "two".parse().unwrap());
        let agent: AgentId = "a".parse().unwrap();
        let breakers = Breakers::new(Rule { failures: 1, ..RULE });
        let now = Instant::now();
        breakers.leave(&one, &agent, Outcome::Failed, now);
        assert!(!breakers.enter(&one, &agent, now));
        assert!(breakers.enter(&two, &agent, now));
        assert_eq!(
            (breakers.state(&one, &agent, now), breakers.state(&two, &agent, now)),
            ("open", "closed")
        );
    }
}
