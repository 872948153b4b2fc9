//! A step of a turn: what it writes, and the events that say so.

use super::unwritten::Waiting;
use crate::store::{
    CallRow, Change, FinishedCall, FinishedTurn, MessageRow, NewDecision, NewSuggestion, TurnRow,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use switchboard_shared::{
    api::Author,
    events::{Answer, EventBody, Plan},
    ids::{CallId, TurnId},
};

/// A step; with it goes what was not written yet.
#[derive(Default)]
pub(super) struct Step<'a> {
    /// Its events, besides those that its rows have of themselves.
    pub(super) bodies: Vec<EventBody>,
    pub(super) rows: Rows<'a>,
    /// Calls that have ended with it.
    pub(super) ended: Vec<FinishedCall>,
    /// Calls that begin with it.
    pub(super) calls: &'a [CallRow],
    /// The answer begins with it.
    pub(super) starts: bool,
}

/// What a step writes of the turn itself.
#[derive(Default)]
pub(super) enum Rows<'a> {
    #[default]
    None,
    /// The plan, with all that it was decided on; `chips` is what can be learned from the message itself, `answers` the
    /// turn whose agent is asked on.
    Plan { decision: &'a NewDecision<'a>, chips: &'a [NewSuggestion], answers: Option<TurnId> },
    /// That nothing is said; what people say to each other is no decision to be reviewed.
    Quiet(&'a Plan),
    /// Answer, usage and audit; `agents` is for the audit, `rejections` what can be learned from refused calls, `left` what
    /// else waits for the user of its task.
    TurnEnded {
        answer: Option<&'a Answer>,
        end: &'a FinishedTurn<'a>,
        agents: Value,
        rejections: &'a [NewSuggestion],
        left: &'a [CallId],
    },
}

impl<'a> Rows<'a> {
    pub(super) fn change(&self) -> Change<'a> {
        match self {
            Self::None => Change::None,
            Self::Plan { decision, .. } => Change::Plan(decision.plan),
            Self::Quiet(plan) => Change::Plan(plan),
            Self::TurnEnded { end, .. } => Change::End(end),
        }
    }

    fn answer(&self) -> Option<&'a Answer> {
        match self {
            Self::TurnEnded { answer, .. } => *answer,
            Self::None | Self::Plan { .. } | Self::Quiet(_) => None,
        }
    }
}

impl Step<'_> {
    /// How many events it has.
    pub(super) fn count(&self, waiting: &Waiting) -> usize {
        let own = self.bodies.len() + self.calls.len() + usize::from(self.starts);
        own + usize::from(self.rows.answer().is_some()) + waiting.ended.len()
    }

    /// Its events in order, from a number on, and the answer as a message. What has ended comes first, what begins comes
    /// last; but an answer begins before it is there.
    pub(super) fn events(
        &self,
        turn: &TurnRow,
        waiting: &Waiting,
        first: u64,
        at: DateTime<Utc>,
    ) -> (Vec<EventBody>, Option<MessageRow>) {
        let started = || EventBody::AnswerStarted { attempt: turn.attempt };
        let mut all: Vec<_> = waiting.ended.iter().map(finished).collect();
        let message = self.rows.answer().map(|answer| {
            all.extend(self.starts.then(started));
            let message = message_of(answer, turn, first + all.len() as u64, at);
            all.push(EventBody::MessageCreated(message.view()));
            message
        });
        all.extend(self.bodies.iter().cloned());
        all.extend(self.calls.iter().map(begun));
        all.extend((self.starts && message.is_none()).then(started));
        (all, message)
    }
}

fn message_of(answer: &Answer, turn: &TurnRow, seq: u64, at: DateTime<Utc>) -> MessageRow {
    MessageRow {
        id: answer.message,
        seq,
        author: Author::Switchboard,
        text: answer.text.clone(),
        files: answer.files.clone(),
        turn: turn.id,
        agent: None,
        client_id: None,
        at,
    }
}

fn begun(call: &CallRow) -> EventBody {
    EventBody::CallStarted { call: call.id, agent: call.agent.clone(), question: call.question.clone() }
}

pub(super) fn finished(call: &FinishedCall) -> EventBody {
    EventBody::CallFinished {
        call: call.id,
        agent: call.agent.clone(),
        state: call.state,
        ms: call.ms,
        partial: call.partial,
        reason: call.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Reach, clock};
    use serde_json::json;
    use switchboard_shared::{
        events::{CallState, TurnState, Usage},
        ids::{CallId, ConversationId, MessageId, TurnId},
    };
    use uuid::Uuid;

    fn turn() -> TurnRow {
        TurnRow {
            id: TurnId::new(),
            conversation: ConversationId::new(),
            message: MessageId::new(),
            message_seq: 1,
            user: "ann".parse().unwrap(),
            reach: Reach::default(),
            chosen: Vec::new(),
            state: TurnState::Running,
            attempt: 1,
            plan: None,
            hops: 0,
            traceparent: String::new(),
            answer: None,
            degraded: None,
            error: None,
            usage: Usage::default(),
            created_at: clock::now(),
            task: None,
            continues: None,
        }
    }

    fn call() -> FinishedCall {
        FinishedCall {
            id: CallId(Uuid::nil()),
            agent: "weather".parse().unwrap(),
            state: CallState::Completed,
            task_id: None,
            reply: "Sunny.".into(),
            reason: None,
            partial: false,
            ms: 1,
            files: Vec::new(),
            open: None,
        }
    }

    #[test]
    fn what_has_ended_comes_first_and_an_answer_begins_before_it_is_there() {
        let (turn, waiting) = (turn(), Waiting { ended: vec![call()], tasks: Vec::new() });
        let answer: Answer = serde_json::from_value(json!({
            "message": MessageId::new(), "attempt": 1, "text": "Sunny.", "sources": [], "claims": [], "files": [],
        }))
        .unwrap();
        let (state, usage, at) = (TurnState::Completed, Usage::default(), clock::now());
        let end = FinishedTurn { state, answer: Some("Sunny."), degraded: None, error: None, usage, at };
        let rows = Rows::TurnEnded {
            answer: Some(&answer),
            end: &end,
            agents: json!([]),
            rejections: &[],
            left: &[],
        };
        let bodies = vec![EventBody::AnswerFinished(answer.clone())];
        let step = Step { bodies, rows, starts: true, ..Step::default() };
        let (events, message) = step.events(&turn, &waiting, 7, at);
        let names: Vec<_> = events.iter().map(EventBody::name).collect();
        assert_eq!(names, ["call.finished", "answer.started", "message.created", "answer.finished"]);
        assert_eq!(step.count(&waiting), names.len());
        assert_eq!(message.map(|message| message.seq), Some(9), "its number is that of its event");
    }
}
