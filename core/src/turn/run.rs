//! A turn from its place in the queue to its end: [`Work::run`] is the product in one function.

use super::{
    answer,
    background::Arrival,
    brief::Brief,
    calls,
    close::Ending,
    isolate::isolated,
    outcome::{Outcome, ends_as},
    pieces,
    queue::Place,
    step::{Rows, Step},
    work::Work,
};
use crate::{
    core::Core,
    error::{Error, Result},
    learn, metrics,
    store::{CallRow, NewDecision, TurnRow},
};
use futures::FutureExt;
use std::sync::Arc;
use switchboard_shared::{
    events::{EventBody, Mode, Plan, Stage, TurnState, Usage},
    ids::TenantId,
    telemetry,
};
use tokio::{sync::Mutex, time::Instant};
use tracing::Instrument;

/// How often a core may take a turn up before it is given up.
const MAX_ATTEMPTS: u32 = 5;
/// What people read of a defect.
const OUR_FAULT: &str = "Something went wrong on our side.";

/// Sets a turn going, in its place in the queue; with its message, where this core has just written it.
pub(crate) fn spawn(
    core: &Arc<Core>,
    tenant: TenantId,
    turn: TurnRow,
    arrival: Option<Box<Arrival>>,
    place: Place,
) {
    let span = tracing::info_span!(
        "turn",
        turn.id = %turn.id,
        turn.attempt = turn.attempt,
        gen_ai.operation.name = "invoke_workflow",
        gen_ai.conversation.id = %turn.conversation,
    );
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::try_from(turn.traceparent.as_str()) {
        headers.insert(switchboard_shared::headers::TRACEPARENT, value);
        telemetry::follow(&span, &headers);
    }
    let stop = core.turns.watch((turn.id, turn.attempt));
    let deadline = Instant::now() + core.config.turn.deadline;
    let work = Work {
        core: Arc::clone(core),
        tenant,
        turn,
        arrival: arrival.into(),
        stop,
        hand: place.hand(),
        deadline,
        record: Mutex::default(),
        unwritten: Default::default(),
        begun: Default::default(),
        elsewhere: Default::default(),
    };
    core.shutdown.tasks.spawn(work.go(place).instrument(span));
}

impl Work {
    async fn go(self, place: Place) {
        let (core, id) = (Arc::clone(&self.core), self.turn.id);
        let ended = tokio::select! {
            // A core that wakes finds out what it has lost and may speak again in one moment: in this order.
            biased;
            () = self.stop.lost.cancelled() => Err(Error::LeaseLost),
            () = core.halt.cancelled() => {
                tracing::info!("given back: this core's lease ends");
                Ok(())
            }
            ended = self.run_and_close(place) => ended,
        };
        core.turns.forget((id, self.turn.attempt));
        core.bell.answered(id);
        match ended {
            Ok(()) => {}
            Err(Error::LeaseLost) => tracing::warn!("this turn is another core's now"),
            Err(error) => {
                tracing::error!(%error, "the turn could not be brought to its end; it is given back")
            }
        }
    }

    async fn run_and_close(&self, place: Place) -> Result<()> {
        let _place = metrics::timed("wait", place.wait()).await;
        let _running = metrics::running();
        match isolated("working on the turn", self.run().boxed()).await.flatten() {
            // It would happen again: no other attempt follows.
            Err(error) if error.is_defect() => {
                tracing::error!(%error, "the turn failed");
                self.fail(OUR_FAULT).await
            }
            ended => ended,
        }
    }

    /// Route, call, synthesise, close.
    async fn run(&self) -> Result<()> {
        if self.turn.attempt > MAX_ATTEMPTS {
            return self.fail("It was tried several times and could not be finished.").await;
        }
        if self.turn.attempt > 1 {
            let again = EventBody::TurnStarted { message: self.turn.message, attempt: self.turn.attempt };
            self.record(Step { bodies: vec![again], ..Step::default() }).await?;
        }
        let mut brief = metrics::timed("brief", Brief::read(self)).await?;
        let (plan, mut usage, begun) = match &self.turn.plan {
            Some(plan) => (plan.clone(), Usage::default(), None),
            None => {
                let (plan, usage, begun) = self.decide(&mut brief).await?;
                (plan, usage, Some(begun))
            }
        };
        let outcomes = metrics::timed("call", calls::ask_all(self, &plan, &brief, begun)).await?;
        let calls = outcomes.iter().flat_map(Outcome::replies).count();
        usage.calls = u32::try_from(calls).unwrap_or(u32::MAX);
        if self.stop.canceled.is_cancelled() {
            return self.close(Ending::new(TurnState::Canceled, usage), &outcomes).await;
        }
        if plan.mode == Mode::Quiet {
            return self.close(Ending::new(TurnState::Completed, usage), &outcomes).await;
        }
        let writing = isolated("writing the answer", answer::write(self, &plan, &outcomes, &brief));
        let (written, wrote) = metrics::measured("synthesise", writing).await;
        let written = match written.flatten() {
            Err(error) if error.is_defect() => return self.fail_with_replies(error, &outcomes, usage).await,
            written => written?,
        };
        if written.tokens.input + written.tokens.output > 0 {
            self.elsewhere.add(wrote);
        }
        self.count_tokens(&written.tokens);
        usage.llm_input_tokens += written.tokens.input;
        usage.llm_output_tokens += written.tokens.output;
        let (state, left) = match (self.stop.canceled.is_cancelled(), brief.left(&self.turn, &plan)) {
            (true, _) => (TurnState::Canceled, Vec::new()),
            // It asks itself which one is meant.
            (false, left) if plan.mode == Mode::Clarify => (TurnState::Completed, left),
            (false, left) => (ends_as(&outcomes, &left), left),
        };
        let ending = Ending { written: Some(written), left, ..Ending::new(state, usage) };
        metrics::timed("close", self.close(ending, &outcomes)).await
    }

    /// What the agents said is not lost because we could not make an answer of it.
    async fn fail_with_replies(&self, error: Error, outcomes: &[Outcome], usage: Usage) -> Result<()> {
        tracing::error!(%error, "the answer could not be written; the replies stand side by side");
        let (written, error) = (Some(answer::beside(self, outcomes)), Some(OUR_FAULT.to_owned()));
        let ending = Ending { written, error, ..Ending::new(TurnState::Failed, usage) };
        self.close(ending, outcomes).await
    }

    /// Routes, and says how long that was not our time.
    async fn decide(&self, brief: &mut Brief) -> Result<(Plan, Usage, Vec<CallRow>)> {
        let (plan, usage, begun) = metrics::timed("route", self.route(brief)).await?;
        if plan.mode != Mode::Quiet {
            self.count_plan(&plan, &brief.message.text);
        }
        Ok((plan, usage, begun))
    }

    async fn route(&self, brief: &mut Brief) -> Result<(Plan, Usage, Vec<CallRow>)> {
        let said = &brief.message.text;
        if let Some(plan) = brief.room.between_people(&brief.roster, &brief.chosen, said) {
            let bodies = vec![EventBody::PlanDecided(plan.clone())];
            self.record(Step { bodies, rows: Rows::Quiet(&plan), ..Step::default() }).await?;
            return Ok((plan, Usage::default(), Vec::new()));
        }
        let without = brief.learned(self).await;
        let began = Instant::now();
        let question = brief.question(self);
        let decision = {
            let _out = self.core.llm.is_configured().then(|| self.hand.out());
            self.core.router.plan(&brief.roster, &question).await
        };
        let (took, mut plan) = (began.elapsed(), decision.plan);
        if plan.stage == Stage::Llm {
            self.elsewhere.add(took);
        }
        if let Some(without) = without.filter(|_| plan.stage != Stage::Rule) {
            let others = plan.degraded.map_or_else(String::new, |others| format!("; {others}"));
            plan.degraded = Some(format!("{without}{others}"));
        }
        // Whom an answer is for says nothing about whose question it would be.
        let is_answer = plan.steps.iter().any(|step| brief.open_of(&step.agent).is_some());
        let asked_back = brief.asked_back.as_deref().filter(|_| !is_answer);
        let chips = learn::from_chip(asked_back, &question, &plan);
        let row = NewDecision {
            question: question.text,
            registry_version: brief.roster.version,
            previous: question.previous,
            waiting: question.waiting,
            plan: &plan,
            scores: &decision.scores,
            us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        };
        // An answer that nothing is waited for with, or whose beginning may be there at any moment, begins with the plan.
        let starts = plan.steps.len() <= 1 || !self.core.llm.is_configured();
        let (bodies, begun) = (vec![EventBody::PlanDecided(plan.clone())], calls::first(&plan, brief));
        let answers = brief.answered(&self.turn, &plan);
        let rows = Rows::Plan { decision: &row, chips: &chips, answers };
        self.record(Step { bodies, rows, calls: &begun, starts, ended: Vec::new() }).await?;
        pieces::lock(self).started = starts;
        let tokens = decision.tokens;
        self.count_tokens(&tokens);
        let usage =
            Usage { llm_input_tokens: tokens.input, llm_output_tokens: tokens.output, ..Usage::default() };
        Ok((plan, usage, begun))
    }
}
