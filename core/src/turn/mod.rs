//! A turn: one message on its way to its answer. [`Work::run`] is the product in one function.
//!
//! Every step is written down, with its events, before the next begins, under a lease: a core that dies loses its turns
//! to another, which goes on from the rows.

mod answer;
mod beside;
mod brief;
mod calls;
mod hand_on;
mod landed;
mod queue;
mod record;
mod room;
mod share;

pub(crate) use queue::{Place, Turns};
pub(crate) use share::{Full, Whose};

use crate::{
    clock,
    core::Core,
    error::{Error, Result},
    learn, outside,
    store::{FinishedTurn, NewDecision, TurnRow},
};
use answer::Reply;
use brief::Brief;
use calls::Outcome;
use futures::FutureExt;
use record::Rows;
use serde_json::json;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use switchboard_shared::{
    events::{Answer, CallState, EventBody, Mode, Plan, Source, Stage, TurnState, Usage},
    ids::{MessageId, TenantId},
    telemetry,
};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often a core may take a turn up before it is given up.
const MAX_ATTEMPTS: u32 = 5;
/// Turns taken over from dead cores at once, per tenant and look.
const TAKE_OVER: i64 = 16;
/// How often a running turn looks whether it is still this core's, and still wanted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most characters of what an agent asks back in its event; the answer has all of it.
const MAX_ASKED_CHARS: usize = 4_000;

/// Sets a turn going, in its place in the queue.
pub(crate) fn spawn(core: &Arc<Core>, tenant: TenantId, turn: TurnRow, place: Place) {
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
    let stop = core.turns.watch(turn.id);
    let deadline = Instant::now() + core.config.turn.deadline;
    let work = Work {
        core: Arc::clone(core),
        tenant,
        turn,
        stop,
        deadline,
        record: Mutex::default(),
        begun: Default::default(),
    };
    core.shutdown.tasks.spawn(work.go(place).instrument(span));
}

/// Takes turns over from cores that have died, until this one goes.
pub(crate) async fn take_over(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(core.config.turn.lease / 3) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        if let Err(error) = claim(&core).await {
            tracing::warn!(%error, "could not look for turns of dead cores; trying again");
        }
    }
}

async fn claim(core: &Arc<Core>) -> Result<()> {
    for tenant in core.store.tenants_with_due_turns().await? {
        let free = i64::try_from(core.turns.free()).unwrap_or(0).min(TAKE_OVER);
        if free == 0 {
            return Ok(());
        }
        let tx = core.store.write(&tenant).await?;
        let turns = tx.claim_turns(&tenant, core.id, core.config.turn.lease, free).await?;
        tx.commit().await?;
        for turn in turns {
            tracing::warn!(%tenant, turn = %turn.id, attempt = turn.attempt, "taken over from a core that is gone");
            core.metrics.taken_over.inc();
            // It was accepted long ago, so it is not refused; it waits in its user's and tenant's turn.
            let place = core.turns.take_in(Whose { tenant: tenant.clone(), user: turn.user.clone() });
            spawn(core, tenant.clone(), turn, place);
        }
    }
    Ok(())
}

/// One turn, while this core has it.
struct Work {
    core: Arc<Core>,
    tenant: TenantId,
    turn: TurnRow,
    /// The user wants it stopped, or it is not this core's any more.
    stop: Stop,
    deadline: Instant,
    /// One step is written at a time, so that the last one written is the one a lost answer is about.
    record: Mutex<()>,
    /// What of the only agent's reply has gone out already, as the beginning of the answer.
    begun: std::sync::Mutex<answer::Begun>,
}

/// Why a turn should end early.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    canceled: CancellationToken,
    lost: CancellationToken,
}

impl Work {
    async fn go(self, place: Place) {
        let (core, id) = (Arc::clone(&self.core), self.turn.id);
        let ended = tokio::select! {
            ended = self.run_and_close(place) => ended,
            () = self.keep_lease() => Err(Error::LeaseLost),
            () = core.halt.cancelled() => self.give_back().await,
        };
        core.turns.forget(id);
        core.bell.answered(id);
        match ended {
            Ok(()) => {}
            Err(Error::LeaseLost) => tracing::warn!("this turn is another core's now"),
            Err(error) => {
                tracing::error!(%error, "the turn could not be brought to its end; its lease will pass it on")
            }
        }
    }

    async fn run_and_close(&self, place: Place) -> Result<()> {
        let _place = place.wait().await;
        let _running = self.core.metrics.running();
        // What panics once would do so again: it ends this attempt and no other one follows.
        let ran = AssertUnwindSafe(Box::pin(self.run())).catch_unwind().await;
        let ran = ran.unwrap_or_else(|_| Err(Error::Panic));
        match ran {
            Err(error) if !matches!(error, Error::LeaseLost) && !error.is_transient() => {
                tracing::error!(%error, "the turn failed");
                self.fail("Something went wrong on our side.").await
            }
            ended => ended,
        }
    }

    /// Route, dispatch, synthesise, close.
    async fn run(&self) -> Result<()> {
        if self.turn.attempt > MAX_ATTEMPTS {
            return self.fail("It was tried several times and could not be finished.").await;
        }
        if self.turn.attempt > 1 {
            let again = EventBody::TurnStarted { message: self.turn.message, attempt: self.turn.attempt };
            self.record(vec![again], Rows::None).await?;
        }
        let metrics = &self.core.metrics;
        let mut brief = Brief::read(self).await?;
        let (plan, mut usage) = match &self.turn.plan {
            Some(plan) => (plan.clone(), Usage::default()),
            None => metrics.timed("route", self.route(&mut brief)).await?,
        };
        let outcomes = metrics.timed("dispatch", calls::ask_all(self, &plan, &brief)).await?;
        usage.calls = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        if self.stop.canceled.is_cancelled() {
            return self.close(TurnState::Canceled, None, &outcomes, usage, None).await;
        }
        if plan.mode == Mode::Quiet {
            return self.close(TurnState::Completed, None, &outcomes, usage, None).await;
        }
        let reply = metrics.timed("synthesise", answer::write(self, &plan, &outcomes, &brief)).await?;
        usage.llm_input_tokens += reply.tokens.input;
        usage.llm_output_tokens += reply.tokens.output;
        let state = match self.stop.canceled.is_cancelled() {
            true => TurnState::Canceled,
            false if outcomes.iter().any(|o| o.state == CallState::InputRequired) => TurnState::InputRequired,
            false => TurnState::Completed,
        };
        metrics.timed("close", self.close(state, Some(reply), &outcomes, usage, None)).await
    }

    async fn route(&self, brief: &mut Brief) -> Result<(Plan, Usage)> {
        if let Some(plan) = brief.room.between_people(self, brief) {
            self.record(vec![EventBody::PlanDecided(plan.clone())], Rows::Quiet(&plan)).await?;
            return Ok((plan, Usage::default()));
        }
        let without = brief.learned(self).await;
        let began = Instant::now();
        let question = brief.question(self);
        let decision = self.core.router.plan(&brief.roster, &question).await;
        let mut plan = decision.plan;
        if let Some(without) = without.filter(|_| plan.stage != Stage::Rule) {
            let others = plan.degraded.map_or_else(String::new, |others| format!("; {others}"));
            plan.degraded = Some(format!("{without}{others}"));
        }
        let decided = EventBody::PlanDecided(plan.clone());
        let chips = learn::from_chip(brief.asked_back.as_deref(), &question, &plan);
        let row = NewDecision {
            question: question.text,
            registry_version: brief.roster.version,
            previous: question.previous,
            waiting: question.waiting,
            plan: &plan,
            scores: &decision.scores,
            us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        self.record(vec![decided], Rows::Plan { decision: &row, chips: &chips }).await?;
        let tokens = decision.tokens;
        let usage =
            Usage { llm_input_tokens: tokens.input, llm_output_tokens: tokens.output, ..Usage::default() };
        Ok((plan, usage))
    }

    /// Answer, replies, usage and audit in one transaction.
    async fn close(
        &self,
        state: TurnState,
        reply: Option<Reply>,
        outcomes: &[Outcome],
        mut usage: Usage,
        error: Option<String>,
    ) -> Result<()> {
        let at = clock::now();
        usage.ms = u64::try_from((at - self.turn.created_at).num_milliseconds()).unwrap_or(0);
        let message = MessageId::new();
        let answer = reply.map(|reply| Answer {
            message,
            attempt: self.turn.attempt,
            text: reply.text,
            sources: outcomes.iter().map(source).collect(),
            claims: reply.claims,
            degraded: reply.degraded,
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
        if state == TurnState::InputRequired
            && let Some(asking) = outcomes.iter().find(|o| o.state == CallState::InputRequired)
        {
            let question = outside::shorten(&asking.text, MAX_ASKED_CHARS);
            let (agent, call) = (asking.agent.clone(), asking.call);
            bodies.push(EventBody::InputRequired { agent, call, question });
        }
        bodies.push(EventBody::TurnFinished { state, usage, error: error.clone() });
        let message = answer.as_ref().map(|answer| (message, answer.text.as_str()));
        let agents: Vec<_> = outcomes.iter().map(|o| json!({"agent": o.agent, "state": o.state})).collect();
        let refused = outcomes.iter().filter(|o| o.state == CallState::Rejected);
        let rejections = learn::from_rejections(refused.map(|o| (&o.agent, o.asked())));
        let rows = Rows::TurnEnded { message, end: &end, agents: json!(agents), rejections: &rejections };
        self.record(bodies, rows).await?;
        let degraded = answer.is_some_and(|answer| answer.degraded.is_some());
        self.core.metrics.finished(state, Duration::from_millis(usage.ms), degraded);
        Ok(())
    }

    async fn fail(&self, error: &str) -> Result<()> {
        self.close(TurnState::Failed, None, &[], Usage::default(), Some(error.to_owned())).await
    }

    /// Renews the lease and looks for a cancel; returns when the turn is lost.
    async fn keep_lease(&self) {
        let lease = self.core.config.turn.lease;
        let mut held_until = Instant::now() + lease;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY.min(lease / 3)) => {}
                () = self.stop.lost.cancelled() => return,
            }
            match self.renew().await {
                Ok(cancel) => {
                    held_until = Instant::now() + lease;
                    if cancel {
                        self.stop.canceled.cancel();
                    }
                }
                Err(Error::LeaseLost) => return,
                Err(error) if Instant::now() > held_until => {
                    tracing::error!(%error, "the lease could not be renewed in time");
                    return;
                }
                Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
            }
        }
    }

    async fn renew(&self) -> Result<bool> {
        let (core, turn) = (&self.core, &self.turn);
        let tx = core.store.write(&self.tenant).await?;
        let lease = core.config.turn.lease;
        let cancel = tx.renew_lease(&self.tenant, turn.id, core.id, turn.attempt, lease).await?;
        tx.commit().await?;
        Ok(cancel)
    }

    /// This core goes: another one may take the turn up at once.
    async fn give_back(&self) -> Result<()> {
        let tx = self.core.store.write(&self.tenant).await?;
        tx.release_lease(&self.tenant, self.turn.id, self.core.id, self.turn.attempt).await?;
        tx.commit().await?;
        tracing::info!("given back");
        Ok(())
    }
}

fn source(outcome: &Outcome) -> Source {
    Source { agent: outcome.agent.clone(), state: outcome.state, reason: outcome.reason.clone() }
}

/// Whether a plan asks anybody.
fn asks(plan: &Plan) -> bool {
    matches!(plan.mode, Mode::Direct | Mode::Parallel | Mode::Sequential)
}
