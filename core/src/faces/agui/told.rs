//! A turn in AG-UI's events. What was opened is closed before the run ends, whatever became of it.

use super::super::{
    following::{Followed, Told},
    said::Said,
    telling::Tells,
};
use serde_json::{Value, json};
use switchboard_shared::{
    events::{CallState, Event, EventBody, TurnState},
    ids::{AgentId, CallId},
    problem::{Problem, ProblemKind},
};

/// The steps of a run: who is asked is decided, they are asked, the answer is written.
const PLAN: &str = "plan";
const ASK: &str = "ask";
const ANSWER: &str = "answer";

/// A run as far as it is told.
pub(super) struct Run {
    thread: String,
    run: String,
    followed: Followed,
    said: Said,
    told: Told,
    steps: Vec<&'static str>,
    calls: Vec<CallId>,
    writes: bool,
    /// What an agent asks of the user.
    asks: Option<(CallId, String)>,
}

/// How a run begins.
pub(super) fn started(thread: &str, run: &str) -> Value {
    json!({"type": "RUN_STARTED", "threadId": thread, "runId": run})
}

/// How a run ends that went on from no question that is open.
pub(super) fn refused(why: &str) -> Value {
    json!({"type": "RUN_ERROR", "message": why, "code": ProblemKind::Conflict})
}

/// How a run ends that did nothing but give a question up.
pub(super) fn given_up(thread: &str, run: &str) -> Value {
    json!({"type": "RUN_FINISHED", "threadId": thread, "runId": run, "outcome": {"type": "cancelled"}})
}

impl Run {
    pub(super) fn new(thread: &str, run: &str, followed: Followed) -> Self {
        Self {
            thread: thread.to_owned(),
            run: run.to_owned(),
            followed,
            said: Said::default(),
            told: Told::default(),
            steps: Vec::new(),
            calls: Vec::new(),
            writes: false,
            asks: None,
        }
    }

    fn call(&mut self, call: CallId, agent: &AgentId, question: &str, told: &mut Vec<Value>) {
        // A core that takes a turn over asks again under the same call.
        if self.calls.contains(&call) {
            return;
        }
        self.close(PLAN, told);
        self.open(ASK, told);
        self.calls.push(call);
        told.push(json!({
            "type": "SUBAGENT_STARTED", "subagentRunId": call, "name": agent, "metadata": {"question": question},
        }));
    }

    fn over(&mut self, call: CallId, state: CallState, reason: Option<&str>, told: &mut Vec<Value>) {
        let Some(at) = self.calls.iter().position(|open| *open == call) else { return };
        self.calls.swap_remove(at);
        told.push(match state {
            CallState::Completed => json!({"type": "SUBAGENT_FINISHED", "subagentRunId": call}),
            CallState::InputRequired | CallState::Working => {
                json!({"type": "SUBAGENT_FINISHED", "subagentRunId": call, "outcome": {"type": "suspended"}})
            }
            other => json!({
                "type": "SUBAGENT_ERROR", "subagentRunId": call, "message": reason.unwrap_or(other.name()),
                "code": other.name(),
            }),
        });
        if self.calls.is_empty() {
            self.close(ASK, told);
        }
    }

    fn write(&mut self, text: &str, told: &mut Vec<Value>) {
        if text.is_empty() {
            return;
        }
        let message = self.followed.turn;
        if !self.writes {
            self.writes = true;
            self.close(PLAN, told);
            self.open(ANSWER, told);
            told.push(json!({"type": "TEXT_MESSAGE_START", "messageId": message, "role": "assistant"}));
        }
        told.push(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": message, "delta": text}));
    }

    /// What is asked is also said, for clients that know of no interrupts; an answer has it, set apart as all that agents
    /// say.
    fn ask(&mut self, call: CallId, question: &str, told: &mut Vec<Value>) {
        if !self.said.holds_something() {
            self.write(question, told);
        }
        self.asks = Some((call, question.to_owned()));
    }

    fn outcome(&self) -> Value {
        match self.told.state {
            Some(TurnState::InputRequired) => {
                let mut asks = json!({"id": self.followed.turn, "reason": "input_required"});
                if let Some((call, question)) = &self.asks {
                    asks["message"] = question.as_str().into();
                    asks["subagentRunId"] = json!(call);
                    asks["responseSchema"] = json!({"type": "string"});
                }
                json!({"type": "interrupt", "interrupts": [asks]})
            }
            Some(TurnState::Canceled) => json!({"type": "cancelled"}),
            _ => json!({"type": "success"}),
        }
    }

    fn close_all(&mut self) -> Vec<Value> {
        let mut told = Vec::new();
        for call in std::mem::take(&mut self.calls) {
            let why = "It was not waited for.";
            told.push(
                json!({"type": "SUBAGENT_ERROR", "subagentRunId": call, "message": why, "code": "skipped"}),
            );
        }
        if std::mem::take(&mut self.writes) {
            told.push(json!({"type": "TEXT_MESSAGE_END", "messageId": self.followed.turn}));
        }
        for step in [PLAN, ASK, ANSWER] {
            self.close(step, &mut told);
        }
        told
    }

    fn open(&mut self, step: &'static str, told: &mut Vec<Value>) {
        if !self.steps.contains(&step) {
            self.steps.push(step);
            told.push(json!({"type": "STEP_STARTED", "stepName": step}));
        }
    }

    fn close(&mut self, step: &'static str, told: &mut Vec<Value>) {
        if let Some(at) = self.steps.iter().position(|open| *open == step) {
            self.steps.swap_remove(at);
            told.push(json!({"type": "STEP_FINISHED", "stepName": step}));
        }
    }
}

impl Tells for Run {
    fn begin(&mut self) -> Vec<Value> {
        let mut told = vec![started(&self.thread, &self.run)];
        self.open(PLAN, &mut told);
        told
    }

    fn hear(&mut self, event: &Event) -> Vec<Value> {
        self.told.hear(event);
        let mut told = Vec::new();
        match &event.body {
            EventBody::PlanDecided(plan) => {
                told.push(json!({"type": "CUSTOM", "name": "routing.decision", "value": plan}));
                self.close(PLAN, &mut told);
            }
            EventBody::CallStarted { call, agent, question } => self.call(*call, agent, question, &mut told),
            EventBody::CallProgress { call, agent, text } if self.calls.contains(call) => told.push(json!({
                "type": "CUSTOM", "name": "call.progress", "value": {"agent": agent, "text": text},
                "subagentRunId": call,
            })),
            EventBody::CallFinished { call, state, reason, .. } => {
                self.over(*call, *state, reason.as_deref(), &mut told);
            }
            EventBody::AnswerDelta(delta) => {
                let text = self.said.piece(delta);
                self.write(&text, &mut told);
            }
            EventBody::AnswerFinished(answer) => {
                let text = self.said.whole(&answer.text);
                self.write(&text, &mut told);
                let value = json!({"message": answer.message, "sources": answer.sources, "claims": answer.claims,
                    "degraded": answer.degraded, "files": answer.files});
                told.push(json!({"type": "CUSTOM", "name": "answer.claims", "value": value}));
            }
            EventBody::InputRequired { call, question, .. } => self.ask(*call, question.trim(), &mut told),
            _ => {}
        }
        told
    }

    fn end(&mut self) -> Vec<Value> {
        let mut told = self.close_all();
        told.push(match self.told.state {
            Some(TurnState::Failed) => {
                let why = self.told.error.as_deref().unwrap_or("The turn failed.");
                json!({"type": "RUN_ERROR", "message": why, "code": "failed"})
            }
            state => {
                let Followed { conversation, turn, .. } = self.followed;
                let state = state.map(TurnState::name);
                let result = json!({"conversation": conversation, "turn": turn, "state": state, "usage": self.told.usage});
                json!({"type": "RUN_FINISHED", "threadId": self.thread, "runId": self.run, "result": result,
                    "outcome": self.outcome()})
            }
        });
        told
    }

    fn broken(&mut self, problem: &Problem) -> Vec<Value> {
        let mut told = self.close_all();
        told.push(json!({"type": "RUN_ERROR", "message": problem.message(), "code": problem.code}));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::{
        events::{Delta, Usage},
        ids::{ConversationId, TurnId},
    };

    fn told(events: Vec<EventBody>) -> Vec<String> {
        let followed = Followed { conversation: ConversationId::new(), turn: TurnId::new(), seq: 1 };
        let mut run = Run::new("t", "r", followed);
        let mut told = run.begin();
        for body in events {
            let at = chrono::Utc::now();
            told.extend(run.hear(&Event {
                conversation: followed.conversation,
                seq: None,
                turn: None,
                at,
                body,
            }));
        }
        told.extend(run.end());
        let name = |event: &Value| {
            let step = event["stepName"].as_str().map(|step| format!(" {step}")).unwrap_or_default();
            format!("{}{step}", event["type"].as_str().unwrap_or_default())
        };
        told.iter().map(name).collect()
    }

    #[test]
    fn what_is_opened_is_closed_and_a_call_that_is_asked_again_is_one() {
        let (one, two) = (CallId::new(), CallId::new());
        let asked = |call| EventBody::CallStarted { call, agent: "a".parse().unwrap(), question: "q".into() };
        let state = CallState::Completed;
        let over = EventBody::CallFinished {
            call: one,
            agent: "a".parse().unwrap(),
            state,
            ms: 1,
            partial: false,
            reason: None,
        };
        let piece = EventBody::AnswerDelta(Delta { attempt: 1, offset: 0, text: "It".into() });
        let end =
            EventBody::TurnFinished { state: TurnState::Completed, usage: Usage::default(), error: None };
        assert_eq!(
            told(vec![asked(one), asked(two), asked(one), over, piece, end]),
            [
                "RUN_STARTED",
                "STEP_STARTED plan",
                "STEP_FINISHED plan",
                "STEP_STARTED ask",
                "SUBAGENT_STARTED",
                "SUBAGENT_STARTED",
                "SUBAGENT_FINISHED",
                "STEP_STARTED answer",
                "TEXT_MESSAGE_START",
                "TEXT_MESSAGE_CONTENT",
                "SUBAGENT_ERROR",
                "TEXT_MESSAGE_END",
                "STEP_FINISHED ask",
                "STEP_FINISHED answer",
                "RUN_FINISHED",
            ]
        );
    }

    #[test]
    fn a_turn_that_waits_for_its_user_is_a_run_that_was_interrupted() {
        let followed = Followed { conversation: ConversationId::new(), turn: TurnId::new(), seq: 1 };
        let mut run = Run::new("t", "r", followed);
        let (call, agent) = (CallId::new(), "a".parse().unwrap());
        let end =
            EventBody::TurnFinished { state: TurnState::InputRequired, usage: Usage::default(), error: None };
        let mut told = Vec::new();
        for body in [EventBody::InputRequired { call, agent, question: "Which?".into() }, end] {
            let at = chrono::Utc::now();
            let conversation = followed.conversation;
            told.extend(run.hear(&Event { conversation, seq: None, turn: None, at, body }));
        }
        assert_eq!(told[2]["delta"], "Which?", "{told:?}");
        let outcome = run.end().pop().unwrap()["outcome"].clone();
        let asks = &outcome["interrupts"][0];
        assert_eq!((&outcome["type"], &asks["message"]), (&json!("interrupt"), &json!("Which?")));
        assert_eq!((&asks["id"], &asks["subagentRunId"]), (&json!(followed.turn), &json!(call)));
    }

    #[test]
    fn a_turn_that_failed_is_a_run_that_failed() {
        let end = EventBody::TurnFinished {
            state: TurnState::Failed,
            usage: Usage::default(),
            error: Some("nobody".into()),
        };
        assert_eq!(told(vec![end]).last().map(String::as_str), Some("RUN_ERROR"));
    }
}
