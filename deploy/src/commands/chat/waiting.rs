//! What a turn waits for, and since when: said to people while nothing else is.

use std::time::Duration;
use switchboard_client::Received;
use switchboard_shared::{
    events::EventBody,
    ids::{AgentId, CallId},
};
use tokio::time::Instant;

/// A shorter silence needs no word.
const SILENCE: Duration = Duration::from_secs(3);
/// More agents are counted and not named.
const NAMED: usize = 3;

/// What is waited for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The turn was begun, and something was heard of it last.
    turn: Option<(Instant, Instant)>,
    asked: Vec<(CallId, AgentId, Instant)>,
}

impl From<Instant> for Waiting {
    /// A turn that begins now.
    fn from(now: Instant) -> Self {
        Self { turn: Some((now, now)), asked: Vec::new() }
    }
}

impl Waiting {
    /// Notes what came.
    pub(super) fn received(&mut self, received: &Received, now: Instant) {
        let Received::Event(_, event) = received else { return };
        self.turn = self.turn.map(|(began, _)| (began, now));
        match &event.body {
            EventBody::CallStarted { call, agent, .. } => self.asked.push((*call, agent.clone(), now)),
            EventBody::CallFinished { call, .. } => self.asked.retain(|(asked, ..)| asked != call),
            _ => {}
        }
    }

    /// What to say, once it has been quiet for a while.
    pub(super) fn line(&self, now: Instant) -> Option<String> {
        let (began, _) = self.turn.filter(|(_, heard)| now.duration_since(*heard) >= SILENCE)?;
        let since = |at: Instant| format!("({} s)", now.duration_since(at).as_secs());
        let named = self.asked.iter().take(NAMED).map(|(_, agent, at)| format!("{agent} {}", since(*at)));
        let named: Vec<_> = named.collect();
        let more = match self.asked.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        // Nobody is asked yet, or everybody has answered: it is our own work then.
        let whom = if named.is_empty() { format!("the answer {}", since(began)) } else { named.join(", ") };
        Some(format!("waiting for {whom}{more}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use switchboard_shared::{
        events::{CallState, Event},
        ids::ConversationId,
    };

    fn event(body: EventBody) -> Received {
        let event =
            Event { conversation: ConversationId::new(), seq: None, turn: None, at: Utc::now(), body };
        Received::Event(String::new(), Box::new(event))
    }

    #[tokio::test]
    async fn after_a_silence_it_says_who_is_waited_for_and_since_when() {
        let (start, call) = (Instant::now(), CallId::new());
        let at = |seconds| start + Duration::from_secs(seconds);
        let agent: AgentId = "slow".parse().unwrap();
        let mut waiting = Waiting::from(start);
        assert_eq!(waiting.line(at(2)), None);
        assert_eq!(waiting.line(at(4)).as_deref(), Some("waiting for the answer (4 s)"));
        let asked = EventBody::CallStarted { call, agent: agent.clone(), question: "q".into() };
        waiting.received(&event(asked), at(5));
        assert_eq!(waiting.line(at(7)), None, "something was said just now");
        assert_eq!(waiting.line(at(17)).as_deref(), Some("waiting for slow (12 s)"));
        let state = CallState::Completed;
        let over = EventBody::CallFinished { call, agent, state, ms: 1, partial: false, reason: None };
        waiting.received(&event(over), at(20));
        assert_eq!(waiting.line(at(30)).as_deref(), Some("waiting for the answer (30 s)"));
        assert_eq!(Waiting::default().line(at(99)), None, "no turn, no word");
    }
}
