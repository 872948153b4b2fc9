//! The end of a turn: answer, usage and audit, and what can be learned from refusals.

use super::{
    hand_on::asked,
    outcome::Outcome,
    pieces,
    step::{Rows, Step},
    work::Work,
};
use crate::{
    clock,
    error::Result,
    learn, metrics, outside,
    store::{FinishedTurn, OpenCall},
    synthesise::{MAX_QUESTION_CHARS, NamedReply, Written},
};
use serde_json::json;
use std::time::Duration;
use switchboard_shared::{
    events::{Answer, CallState, EventBody, Source, TurnState, Usage},
    ids::{AgentId, CallId, MessageId},
};

/// How a turn ends.
pub(super) struct Ending {
    pub(super) state: TurnState,
    pub(super) written: Option<Written>,
    pub(super) usage: Usage,
    pub(super) error: Option<String>,
    /// What else waits for the user of its task.
    pub(super) left: Vec<OpenCall>,
}

impl Ending {
    pub(super) fn new(state: TurnState, usage: Usage) -> Self {
        Self { state, written: None, usage, error: None, left: Vec::new() }
    }
}

impl Work {
    /// Answer, replies, usage and audit in one transaction.
    pub(super) async fn close(
        &self,
        Ending { state, written, mut usage, error, left }: Ending,
        outcomes: &[Outcome],
    ) -> Result<()> {
        let at = clock::now();
        usage.ms = u64::try_from((at - self.turn.created_at).num_milliseconds()).unwrap_or(0);
        let answer = written.map(|written| Answer {
            message: MessageId::new(),
            attempt: self.turn.attempt,
            text: written.text,
            sources: outcomes.iter().flat_map(Outcome::replies).map(source).collect(),
            claims: written.claims,
            degraded: written.degraded,
            files: outcomes.iter().flat_map(|outcome| outcome.files.clone()).collect(),
        });
        let end = FinishedTurn {
            state,
            answer: answer.as_ref().map(|answer| answer.text.as_str()),
            degraded: answer.as_ref().and_then(|answer| answer.degraded.as_deref()),
            error: error.as_deref(),
            usage,
            at,
        };
        let mut bodies = Vec::new();
        if let Some(answer) = &answer {
            bodies.push(EventBody::AnswerFinished(answer.clone()));
        }
        if state == TurnState::InputRequired {
            let waiting = outcomes.iter().filter(|outcome| outcome.reply.state == CallState::InputRequired);
            bodies.extend(waiting.map(|it| asks(&it.reply.agent, it.call, &it.reply.text)));
            // And what an agent of its task asked before, and still does.
            bodies.extend(left.iter().map(|open| asks(&open.agent, open.call, &open.question)));
        }
        bodies.push(EventBody::TurnFinished { state, usage, error: error.clone() });
        let replies = || outcomes.iter().flat_map(Outcome::replies);
        let agents: Vec<_> =
            replies().map(|reply| json!({"agent": reply.agent, "state": reply.state})).collect();
        let refused = replies().filter(|reply| reply.state == CallState::Rejected);
        let rejections = learn::from_rejections(refused.map(|reply| (&reply.agent, asked(&reply.question))));
        let rows = Rows::TurnEnded {
            answer: answer.as_ref(),
            end: &end,
            agents: json!(agents),
            rejections: &rejections,
            left: &left.iter().map(|open| open.call).collect::<Vec<_>>(),
        };
        let starts = answer.is_some() && !pieces::lock(self).started;
        self.record(Step { bodies, rows, starts, ..Step::default() }).await?;
        let degraded = answer.as_ref().is_some_and(|answer| answer.degraded.is_some());
        metrics::finished(state, Duration::from_millis(usage.ms), degraded);
        let whole = (clock::now() - self.turn.created_at).to_std().unwrap_or_default();
        self.count_end((state, answer.is_some(), degraded), &usage, whole);
        Ok(())
    }

    pub(super) async fn fail(&self, error: &str) -> Result<()> {
        let ending = Ending::new(TurnState::Failed, Usage::default());
        self.close(Ending { error: Some(error.to_owned()), ..ending }, &[]).await
    }
}

/// What an agent asks.
pub(super) fn asks(agent: &AgentId, call: CallId, question: &str) -> EventBody {
    let question = outside::shorten(question, MAX_QUESTION_CHARS);
    EventBody::InputRequired { agent: agent.clone(), call, question }
}

pub(super) fn source(reply: &NamedReply) -> Source {
    Source { agent: reply.agent.clone(), state: reply.state, reason: reply.reason.clone() }
}
