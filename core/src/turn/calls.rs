//! Asking the agents of a plan: at once, or one after another with what was said before. A late or failed agent is part
//! of the result. A call that is in the rows already is not made again.

use super::{
    brief::Brief,
    converse::converse,
    files::Files,
    hand_on::{Asked, hand_on},
    isolate::isolated,
    landed::{self, Landed},
    outcome::{Outcome, outcome_of_row, settled},
    step::Step,
    whole_message::whole_message,
    work::Work,
};
use crate::{
    agents::{Agent, Ask, Reply},
    error::{Error, Result},
    metrics,
    route::Question,
    store::{CallRow, FinishedCall, OpenCall, retrying},
};
use futures::future::join_all;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use switchboard_shared::{
    events::{CallState, Mode, Plan, Stage, Step as PlanStep},
    ids::{AgentId, CallId},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

/// How often it is looked whether an agent was switched off while it works.
const LOOK_FOR_SWITCH: Duration = Duration::from_secs(2);

/// The calls of a plan while they are made.
struct Calls<'a> {
    work: &'a Work,
    plan: &'a Plan,
    brief: &'a Brief,
    files: Files,
    /// Those that are in the rows.
    rows: HashMap<usize, CallRow>,
    /// Whether another core, or an earlier attempt, has begun them.
    are_taken_over: bool,
    /// How many have not ended.
    left: AtomicUsize,
}

/// The calls that begin with a plan: all of them, or the first where each waits for the one before.
pub(super) fn first(plan: &Plan, brief: &Brief) -> Vec<CallRow> {
    let at_once = match plan.mode {
        Mode::Sequential => 1,
        _ if asks(plan) => plan.steps.len(),
        _ => 0,
    };
    let steps = plan.steps.iter().enumerate().take(at_once);
    steps.map(|(at, step)| new_call((at, step), step.question.clone(), plan, brief)).collect()
}

/// Asks everybody that the plan names. `begun` are the calls that began with it, just now.
pub(super) async fn ask_all(
    work: &Work,
    plan: &Plan,
    brief: &Brief,
    begun: Option<Vec<CallRow>>,
) -> Result<Vec<Outcome>> {
    if !asks(plan) {
        return Ok(Vec::new());
    }
    // Unbounded in number, bounded by the plan: one for each step.
    let (landed, replies) = mpsc::unbounded_channel();
    let landed = landed::are_shown(work, plan).then_some(landed);
    let asking = async {
        let are_taken_over = begun.is_none();
        let rows = match begun {
            Some(begun) => begun,
            None => retrying!(work.deadline, read(work))?,
        };
        let rows = rows.into_iter().map(|row| (row.step, row)).collect();
        let files = Files::read(work, &brief.message, plan.steps.len()).await?;
        let left = AtomicUsize::new(plan.steps.len());
        let asked = Calls { work, plan, brief, files, rows, are_taken_over, left }.ask(landed.as_ref()).await;
        drop(landed);
        asked
    };
    futures::future::join(asking, landed::show(work, plan, replies)).await.0
}

async fn read(work: &Work) -> Result<Vec<CallRow>> {
    let tx = work.core.store.write(&work.tenant).await?;
    let rows = tx.calls(&work.tenant, work.turn.id).await?;
    tx.leave();
    Ok(rows)
}

impl Calls<'_> {
    async fn ask(&self, landed: Option<&mpsc::UnboundedSender<Landed>>) -> Result<Vec<Outcome>> {
        let land = |step, outcome: &Outcome| {
            if let Some(landed) = landed {
                // Nobody may be waiting for it any more: then it stands in the answer when all is there.
                drop(landed.send((step, outcome.reply.clone())));
            }
        };
        let steps = self.plan.steps.iter().enumerate();
        if self.plan.mode != Mode::Sequential {
            let all = steps.map(async |(i, step)| {
                let asked = self.ask_one(i, step, Asked::alone(&step.question)).await;
                asked.inspect(|outcome| land(i, outcome))
            });
            return join_all(all).await.into_iter().collect();
        }
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(self.plan.steps.len());
        for (i, step) in steps {
            let before: Vec<_> = step.depends_on.iter().filter_map(|at| outcomes.get(*at)).collect();
            let outcome = match before.iter().find(|it| it.reply.state != CallState::Completed) {
                Some(failed) => self.skip(i, step, &failed.reply.agent).await?,
                None => self.ask_one(i, step, hand_on(&step.question, &before)).await?,
            };
            land(i, &outcome);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Asks, and once more the next best agent where the one that the router chose refuses.
    async fn ask_one(&self, at: usize, step: &PlanStep, asked: Asked) -> Result<Outcome> {
        let first = self.ask_agent(at, step, asked.clone(), None).await?;
        let is_refused = first.reply.state == CallState::Rejected && self.plan.stage != Stage::Rule;
        // What stands in for a step has its number behind all steps of the plan.
        let behind = at + self.plan.steps.len();
        let agent = match self.rows.get(&behind) {
            _ if !is_refused => None,
            Some(row) => Some(row.agent.clone()),
            None => self.next_best(step).await,
        };
        let Some(agent) = agent else { return Ok(first) };
        self.left.fetch_add(1, Ordering::Relaxed);
        let instead = PlanStep { agent, ..step.clone() };
        let second = self.ask_agent(behind, &instead, asked, Some(&first.reply.name)).await?;
        Ok(Outcome { refused: Some(first.reply), ..second })
    }

    /// The agent to ask where one has refused, if one is likely enough by then.
    async fn next_best(&self, refused: &PlanStep) -> Option<AgentId> {
        let Self { work, plan, brief, .. } = self;
        let asked: Vec<_> = plan.steps.iter().map(|step| &step.agent).collect();
        let question = Question { text: &refused.question, ..brief.question(work) };
        work.core.router.other_than(&brief.roster, &question, &asked).await
    }

    /// Makes a call of a step; `refused` is who was asked in vain before.
    async fn ask_agent(
        &self,
        at: usize,
        step: &PlanStep,
        Asked { question, files }: Asked,
        refused: Option<&str>,
    ) -> Result<Outcome> {
        let agent = self.brief.roster.agents.iter().find(|agent| agent.id == step.agent);
        let name = agent.map_or_else(|| step.agent.to_string(), |agent| agent.name.clone());
        let known = self.rows.get(&at);
        if let Some(row) = known.filter(|row| row.state != CallState::Running) {
            return Ok(self.ended_before(row, name));
        }
        let row = match known {
            Some(row) => row.clone(),
            None => self.begin(at, step, question).await?,
        };
        let began = Instant::now();
        let reply = match agent {
            _ if self.is_off(&step.agent, known.is_some()).await? => {
                Reply::skipped("it is switched off".to_owned())
            }
            None => gone(),
            Some(agent) => {
                let files = self.files.with(self.work, &files).await?;
                self.converse(step, agent, &row, &files).await
            }
        };
        let why = refused.map(|name| format!("asked because {name} declined"));
        let reasons: Vec<_> = why.into_iter().chain(reply.reason).collect();
        let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        self.end(row, name, Reply { reason, ..reply }, began).await
    }

    async fn converse(&self, step: &PlanStep, agent: &Agent, row: &CallRow, files: &Files) -> Reply {
        let Self { work, plan, brief, .. } = self;
        let ask = Ask {
            message_id: row.id.to_string(),
            context_id: work.turn.conversation.to_string(),
            task_id: row.task_id.clone(),
            answers: row.answers.is_some(),
            resume: self.is_to_be_looked_at(row),
            may_go_on: !work.core.config.open_calls.work.is_zero(),
            question: files.named_in(&row.question),
            context: whole_message(&brief.message.text, &plan.steps, step).map(str::to_owned),
            parts: Arc::clone(&files.parts),
            deadline: work.deadline,
            hops: work.turn.hops,
            cancel: work.stop.canceled.child_token(),
        };
        let (alone, cancel) = (plan.steps.len() == 1, ask.cancel.clone());
        let asked = isolated("asking an agent", Box::pin(converse(work, agent, ask, row, alone)));
        let mut asked = std::pin::pin!(asked);
        let (asked, is_off) = tokio::select! {
            asked = &mut asked => (asked, false),
            () = self.until_off(&agent.id) => {
                cancel.cancel();
                (asked.await, true)
            }
        };
        let reply = asked.unwrap_or_else(|error| ours(row, &error));
        match reply.state {
            CallState::Canceled if is_off => {
                let reason = Some("it was switched off meanwhile".to_owned());
                Reply { state: CallState::Failed, reason, ..reply }
            }
            _ => reply,
        }
    }

    /// Waits until an agent is switched off. Safe to drop.
    async fn until_off(&self, agent: &AgentId) {
        let core = &self.work.core;
        loop {
            sleep(LOOK_FOR_SWITCH).await;
            // What cannot be read now is read the next time.
            let listed = core.registry.all(&core.store, &self.work.tenant).await;
            if listed.is_ok_and(|listed| listed.is_off(agent)) {
                return;
            }
        }
    }

    /// Whether its agent may know the question already, or may have gone on by itself.
    fn is_to_be_looked_at(&self, row: &CallRow) -> bool {
        let signs_in = |open: &OpenCall| Some(open.call) == row.answers && open.signs_in;
        let was_asked = self.are_taken_over && self.rows.contains_key(&row.step);
        row.task_id.is_some() && (was_asked || self.brief.waiting.iter().any(signs_in))
    }

    /// Whether an agent was switched off since the plan was made: one that waits for others, or that an LLM chose, is
    /// asked much later than its roster was read. Who was asked already is not asked whether it still may be.
    async fn is_off(&self, agent: &AgentId, is_begun: bool) -> Result<bool> {
        let Self { work, brief, .. } = self;
        if is_begun && self.are_taken_over || brief.is_fresh() {
            return Ok(brief.roster.has_off(agent));
        }
        Ok(work.core.registry.all(&work.core.store, &work.tenant).await?.is_off(agent))
    }

    async fn begin(&self, at: usize, step: &PlanStep, question: String) -> Result<CallRow> {
        let row = new_call((at, step), question, self.plan, self.brief);
        self.work.record(Step { calls: std::slice::from_ref(&row), ..Step::default() }).await?;
        Ok(row)
    }

    async fn skip(&self, at: usize, step: &PlanStep, failed: &AgentId) -> Result<Outcome> {
        let name = step.agent.to_string();
        let row = match self.rows.get(&at) {
            Some(row) if row.state != CallState::Running => return Ok(self.ended_before(row, name)),
            Some(row) => row.clone(),
            None => self.begin(at, step, step.question.clone()).await?,
        };
        let reply = Reply::skipped(format!("it needs what {failed} did not give"));
        self.end(row, name, reply, Instant::now()).await
    }

    fn ended_before(&self, row: &CallRow, name: String) -> Outcome {
        self.left.fetch_sub(1, Ordering::Relaxed);
        outcome_of_row(row, name)
    }

    async fn end(&self, row: CallRow, name: String, reply: Reply, began: Instant) -> Result<Outcome> {
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let is_last = self.left.fetch_sub(1, Ordering::Relaxed) == 1;
        // Then nothing that takes long comes before the next step: the next call, or the answer.
        // But who hears that an agent works on is to know it before the answer begins.
        let waits = (is_last || self.plan.mode == Mode::Sequential) && reply.state != CallState::Working;
        match write_end(self.work, &row, &name, reply, (ms, waits)).await {
            // What this agent said cannot be stored: the others' replies can.
            Err(error) if error.is_defect() => {
                let reply = ours(&row, &error);
                write_end(self.work, &row, &name, reply, (ms, waits)).await
            }
            ended => ended,
        }
    }
}

/// Writes down how a call has ended, now or with the next step.
async fn write_end(
    work: &Work,
    row: &CallRow,
    name: &str,
    reply: Reply,
    (ms, waits): (u64, bool),
) -> Result<Outcome> {
    let whose = (&work.tenant, &work.turn.user, work.deadline);
    let (named, ended) = settled(&work.core, whose, (row, name), reply, ms).await?;
    let views = ended.files.iter().map(|file| file.view(&ended.agent)).collect();
    let task_id = work.unwritten.take_task(row.id).or(ended.task_id);
    let ended = FinishedCall { task_id, ..ended };
    if waits && ended.fits_a_row() {
        work.unwritten.ended(ended);
    } else {
        work.record(Step { ended: vec![ended], ..Step::default() }).await?;
    }
    metrics::called(named.state, ms);
    work.count_call(&named.agent, named.state, ms);
    Ok(Outcome { call: row.id, reply: named, refused: None, files: views })
}

/// A call of a step; the first one to an agent that waits answers what that has asked.
fn new_call((at, step): (usize, &PlanStep), question: String, plan: &Plan, brief: &Brief) -> CallRow {
    let is_first = plan.steps.iter().position(|other| other.agent == step.agent) == Some(at);
    let open = brief.open_of(&step.agent).filter(|_| is_first);
    CallRow {
        id: CallId::new(),
        step: at,
        agent: step.agent.clone(),
        question,
        state: CallState::Running,
        task_id: open.map(|open| open.task.clone()),
        answers: open.map(|open| open.call),
        reply: None,
        reason: None,
        partial: false,
        ms: 0,
        files: Vec::new(),
    }
}

fn gone() -> Reply {
    failed("it is not registered any more")
}

/// Of a call that met a defect of ours.
fn ours(row: &CallRow, error: &Error) -> Reply {
    tracing::error!(call = %row.id, agent = %row.agent, %error, "a call failed on our side");
    failed("something went wrong on our side")
}

fn failed(reason: &str) -> Reply {
    Reply::without(CallState::Failed, reason.to_owned())
}

/// Whether a plan asks anybody.
pub(super) fn asks(plan: &Plan) -> bool {
    matches!(plan.mode, Mode::Direct | Mode::Parallel | Mode::Sequential)
}
