//! A turn's events as those of its task: what each is told as, and what the task is then. Pure.

use super::{
    super::{plan_words, written::Written},
    shown::{Place, Said, is_artifact, status},
};
use crate::agents::WAITS_FOR_SIGN_IN;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use switchboard_a2a::{
    task::apply,
    wire::{Artifact, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent},
};
use switchboard_shared::{
    api::FileView,
    events::{Answer, CallState, Delta, Event, EventBody, Mode, TurnState, Usage},
};

/// What an event is told as.
#[derive(Debug)]
pub(super) enum Heard {
    Update(Box<StreamResponse>),
    /// A file, whose bytes are to be fetched.
    File(FileView),
}

/// A task as far as its events are told.
pub(super) struct Told {
    pub(super) place: Place,
    pub(super) task: Task,
    mode: Option<Mode>,
    steps: usize,
    /// How much of the answer is told.
    written: Written,
    /// What an agent asks, and whether that is a sign-in.
    asks: Option<(Value, String)>,
    waits: Option<bool>,
    /// An agent works on, beyond the turn's answer; ...
    works: bool,
    /// ... that answer is there; ...
    is_answered: bool,
    /// ... and whether the call that ended last says something of its own.
    is_usable: bool,
    /// What is said where that is no artifact.
    says: Option<String>,
}

impl Told {
    pub(super) fn new(place: Place, task: Task) -> Self {
        Self {
            place,
            task,
            mode: None,
            steps: 0,
            written: Written::default(),
            asks: None,
            waits: None,
            works: false,
            is_answered: false,
            is_usable: false,
            says: None,
        }
    }

    /// Takes an event up.
    pub(super) fn hear(&mut self, event: &Event) -> Vec<Heard> {
        let told = match &event.body {
            EventBody::AnswerDelta(delta) => self.delta(delta),
            EventBody::AnswerFinished(answer) => return self.answer(answer),
            EventBody::InputRequired { agent, question, .. } => {
                // Of several the first, as its rows tell it.
                self.asks.get_or_insert_with(|| (json!({"switchboard.agent": agent}), question.clone()));
                None
            }
            EventBody::TurnFinished { state, usage, error } => {
                Some(self.end(*state, usage, error.as_deref(), event.at))
            }
            body => self.progress(body, event.at),
        };
        told.map(|update| self.tell(update)).into_iter().collect()
    }

    /// A file whose bytes are there.
    pub(super) fn file(&mut self, artifact: Artifact) -> StreamResponse {
        let update = self.artifact(artifact, false, true);
        apply(&mut self.task, update.clone());
        update
    }

    fn tell(&mut self, update: StreamResponse) -> Heard {
        apply(&mut self.task, update.clone());
        Heard::Update(Box::new(update))
    }

    /// What goes on before the answer: who is asked, how far they are, what became of it.
    fn progress(&mut self, body: &EventBody, at: DateTime<Utc>) -> Option<StreamResponse> {
        match body {
            EventBody::PlanDecided(plan) => (self.mode, self.steps) = (Some(plan.mode), plan.steps.len()),
            EventBody::CallFinished { state, reason, partial, .. } => {
                let signs_in = reason.as_deref().is_some_and(|reason| reason.starts_with(WAITS_FOR_SIGN_IN));
                if *state == CallState::InputRequired {
                    self.waits = Some(signs_in);
                }
                self.works |= *state == CallState::Working;
                self.is_usable = *state == CallState::Completed || *partial;
            }
            _ => {}
        }
        let words = plan_words::words(body)?;
        let message = self.place.message(words.trim(), at, Some(json!({"switchboard.event": body})));
        Some(self.status(TaskState::Working, Some(message), at, None))
    }

    fn is_artifact(&self) -> bool {
        is_artifact(self.mode, self.steps, self.waits.is_some() || self.works)
    }

    fn delta(&mut self, delta: &Delta) -> Option<StreamResponse> {
        if !self.is_artifact() {
            return None;
        }
        let new = self.written.add(delta);
        // One that was begun anew replaces what was told.
        let append = self.written.text.len() > new.len();
        (!new.is_empty()).then(|| self.artifact(self.place.piece(&new), append, false))
    }

    /// What is missing of the answer, with where it comes from; or all of it, where something else was told.
    fn answer(&mut self, answer: &Answer) -> Vec<Heard> {
        if self.is_answered {
            return self.later(answer);
        }
        let mut told = Vec::new();
        if self.is_artifact() {
            let told_of = Some(self.written.text.as_str()).filter(|told| !told.is_empty());
            let rest = told_of.and_then(|told| answer.text.strip_prefix(told));
            let append = rest.is_some();
            let said = Said { text: rest.unwrap_or(&answer.text), ..said(answer) };
            let update = self.artifact(self.place.answer(&said), append, true);
            told.push(self.tell(update));
        } else {
            self.says = Some(answer.text.clone());
        }
        told.extend(answer.files.iter().cloned().map(Heard::File));
        told
    }

    /// What an agent says that worked on: a result of its own, or what it asks, or why there is none.
    fn later(&mut self, answer: &Answer) -> Vec<Heard> {
        let mut told = Vec::new();
        if self.is_usable {
            let update = self.artifact(self.place.later(&answer.message, &said(answer)), false, true);
            told.push(self.tell(update));
        } else {
            self.says = Some(answer.text.clone());
        }
        told.extend(answer.files.iter().cloned().map(Heard::File));
        told
    }

    fn end(
        &mut self,
        state: TurnState,
        usage: &Usage,
        error: Option<&str>,
        at: DateTime<Utc>,
    ) -> StreamResponse {
        let (asker, question) = self.asks.take().unzip();
        let says = self.says.take();
        self.is_answered = state == TurnState::Working;
        let (state, text) = match (state, self.mode) {
            (TurnState::Completed, Some(Mode::None)) => (TaskState::Rejected, says),
            (TurnState::Completed, Some(Mode::Clarify)) => (TaskState::InputRequired, says),
            (TurnState::Completed, _) => (TaskState::Completed, None),
            (TurnState::Failed, _) => (TaskState::Failed, error.map(str::to_owned)),
            (TurnState::Canceled, _) => (TaskState::Canceled, None),
            (TurnState::InputRequired, _) if self.waits == Some(true) => {
                (TaskState::AuthRequired, question.or(says))
            }
            (TurnState::InputRequired, _) => (TaskState::InputRequired, question.or(says)),
            (TurnState::Working, _) => (TaskState::Working, says),
            (TurnState::Running, _) => (TaskState::Working, None),
        };
        let message = text.map(|text| self.place.message(&text, at, asker));
        self.status(state, message, at, Some(json!({"switchboard.usage": usage})))
    }

    fn status(
        &self,
        state: TaskState,
        message: Option<switchboard_a2a::wire::Message>,
        at: DateTime<Utc>,
        metadata: Option<Value>,
    ) -> StreamResponse {
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: self.place.task.to_string(),
            context_id: self.place.context.clone(),
            status: status(state, message, at),
            metadata: metadata.and_then(|metadata| serde_json::from_value(metadata).ok()),
        })
    }

    fn artifact(&self, artifact: Artifact, append: bool, last: bool) -> StreamResponse {
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: self.place.task.to_string(),
            context_id: self.place.context.clone(),
            artifact,
            append: Some(append),
            last_chunk: Some(last),
            metadata: None,
        })
    }
}

fn said(answer: &Answer) -> Said<'_> {
    Said {
        text: &answer.text,
        sources: &answer.sources,
        claims: &answer.claims,
        degraded: answer.degraded.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::{
        events::{Plan, Source, Stage, Step},
        ids::{CallId, ConversationId, MessageId, TurnId},
    };

    fn told(bodies: Vec<EventBody>) -> (Vec<Value>, Task) {
        let (turn, conversation) = (TurnId::new(), ConversationId::new());
        let place = Place { task: turn, turn, conversation, context: "c".into(), origin: "https://h".into() };
        let task = place.begun(vec![], Utc::now());
        let mut told = Told::new(place, task);
        let mut updates = Vec::new();
        for body in bodies {
            let event = Event { conversation, seq: Some(1), turn: Some(turn), at: Utc::now(), body };
            for heard in told.hear(&event) {
                match heard {
                    Heard::Update(update) => updates.push(serde_json::to_value(update).unwrap()),
                    Heard::File(file) => updates.push(json!({"file": file.name})),
                }
            }
        }
        (updates, told.task)
    }

    fn plan(mode: Mode, agents: &[&str]) -> EventBody {
        let step = |agent: &&str| Step {
            agent: agent.parse().unwrap(),
            question: "q".into(),
            confidence: 0.9,
            depends_on: vec![],
        };
        let steps = agents.iter().map(step).collect();
        let (stage, reason) = (Stage::Rule, "So.".to_owned());
        EventBody::PlanDecided(Plan {
            mode,
            steps,
            confidence: 1.0,
            reason,
            why: None,
            stage,
            degraded: None,
            says: None,
            choices: vec![],
        })
    }

    fn delta(attempt: u32, offset: u64, text: &str) -> EventBody {
        EventBody::AnswerDelta(Delta { attempt, offset, text: text.into() })
    }

    fn answer(text: &str) -> EventBody {
        let source = Source { agent: "a".parse().unwrap(), state: CallState::Completed, reason: None };
        EventBody::AnswerFinished(Answer {
            message: MessageId::new(),
            attempt: 1,
            text: text.into(),
            sources: vec![source],
            claims: vec![],
            degraded: None,
            files: vec![],
        })
    }

    fn end(state: TurnState) -> EventBody {
        EventBody::TurnFinished { state, usage: Usage::default(), error: None }
    }

    fn waits(reason: Option<&str>) -> EventBody {
        EventBody::CallFinished {
            call: CallId::new(),
            agent: "a".parse().unwrap(),
            state: CallState::InputRequired,
            ms: 1,
            partial: false,
            reason: reason.map(Into::into),
        }
    }

    #[test]
    fn an_answer_comes_in_pieces_and_its_last_one_says_whose_it_is() {
        let bodies = vec![
            plan(Mode::Direct, &["a"]),
            delta(1, 0, "one "),
            delta(1, 0, "one two"),
            answer("one two."),
            end(TurnState::Completed),
        ];
        let (updates, task) = told(bodies);
        let pieces: Vec<_> = updates.iter().filter_map(|update| update.get("artifactUpdate")).collect();
        let texts: Vec<_> =
            pieces.iter().map(|piece| piece["artifact"]["parts"][0]["text"].clone()).collect();
        assert_eq!(texts, ["one ", "two", "."]);
        assert_eq!((&pieces[0]["append"], &pieces[1]["append"]), (&json!(false), &json!(true)));
        assert_eq!(pieces[2]["artifact"]["metadata"]["switchboard.sources"][0]["agent"], "a");
        assert_eq!((task.status.state, task.artifacts.unwrap()[0].parts.len()), (TaskState::Completed, 3));
    }

    fn done(state: CallState) -> EventBody {
        let (call, agent) = (CallId::new(), "a".parse().unwrap());
        EventBody::CallFinished { call, agent, state, ms: 1, partial: false, reason: None }
    }

    #[test]
    fn what_an_agent_says_that_worked_on_is_a_result_of_its_own() {
        let begun =
            || vec![plan(Mode::Direct, &["a"]), done(CallState::Working), answer("a is still working.")];
        let mut bodies = begun();
        bodies.push(end(TurnState::Working));
        let (_, task) = told(bodies.clone());
        let says = task.status.message.and_then(|message| message.text().map(str::to_owned));
        assert_eq!((task.status.state, says.as_deref()), (TaskState::Working, Some("a is still working.")));
        assert_eq!(task.artifacts, None);
        bodies.extend([done(CallState::Completed), answer("Forty-two."), end(TurnState::Completed)]);
        let (_, task) = told(bodies);
        let artifacts = task.artifacts.unwrap();
        assert_eq!((task.status.state, artifacts.len()), (TaskState::Completed, 1));
        assert_eq!(artifacts[0].parts[0].as_text(), Some("Forty-two."));
    }

    #[test]
    fn an_answer_that_another_core_begins_anew_replaces_what_was_told() {
        let (updates, task) =
            told(vec![plan(Mode::Direct, &["a"]), delta(1, 0, "Yes"), delta(2, 0, "No"), answer("No.")]);
        let appends: Vec<_> = updates.iter().filter_map(|u| u["artifactUpdate"].get("append")).collect();
        assert_eq!(appends, [&json!(false), &json!(false), &json!(true)]);
        let artifacts = task.artifacts.unwrap();
        let text: String = artifacts[0].parts.iter().filter_map(|part| part.as_text()).collect();
        assert_eq!(text, "No.");
    }

    #[test]
    fn what_is_asked_back_is_a_state_and_no_result() {
        let asks = || EventBody::InputRequired {
            agent: "a".parse().unwrap(),
            call: CallId::new(),
            question: "When?".into(),
        };
        let cases = [
            (
                vec![
                    plan(Mode::Direct, &["a"]),
                    waits(None),
                    delta(1, 0, "When?"),
                    answer("When?"),
                    asks(),
                    end(TurnState::InputRequired),
                ],
                TaskState::InputRequired,
            ),
            (
                vec![
                    plan(Mode::Direct, &["a"]),
                    waits(Some(WAITS_FOR_SIGN_IN)),
                    answer("When?"),
                    asks(),
                    end(TurnState::InputRequired),
                ],
                TaskState::AuthRequired,
            ),
            (
                vec![plan(Mode::Clarify, &[]), answer("When?"), end(TurnState::Completed)],
                TaskState::InputRequired,
            ),
            (vec![plan(Mode::None, &[]), answer("When?"), end(TurnState::Completed)], TaskState::Rejected),
        ];
        for (bodies, state) in cases {
            let (_, task) = told(bodies);
            let message = task.status.message.unwrap();
            assert_eq!((task.status.state, message.text(), task.artifacts), (state, Some("When?"), None));
        }
    }
}
