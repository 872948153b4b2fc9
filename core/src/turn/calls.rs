//! Asking the agents of a plan: at once, or one after another with what was said before. A late or failed agent is part
//! of the result. A call that is in the rows already is not made again.

use super::{
    brief::Brief,
    files::Files,
    given,
    hand_on::hand_on,
    isolate::isolated,
    landed::{self, Landed},
    outcome::{Outcome, outcome_of_row},
    pieces,
    record::Rows,
    whole_message::whole_message,
    work::Work,
};
use crate::{
    agents::{Agent, Ask, Progress, Reply},
    error::{Error, Result},
    metrics, outside,
    store::{CallRow, FinishedCall, retrying},
    synthesise::NamedReply,
};
use futures::future::join_all;
use std::{collections::HashMap, sync::Arc};
use switchboard_shared::{
    events::{CallState, EventBody, Mode, Plan, Step},
    ids::{AgentId, CallId},
};
use tokio::{sync::mpsc, time::Instant};

/// The most characters of one word of progress.
const MAX_PROGRESS: usize = 500;

/// Asks everybody that the plan names.
pub(super) async fn ask_all(work: &Work, plan: &Plan, brief: &Brief) -> Result<Vec<Outcome>> {
    if !asks(plan) {
        return Ok(Vec::new());
    }
    // Unbounded in number, bounded by the plan: one for each step.
    let (landed, replies) = mpsc::unbounded_channel();
    let landed = landed::are_shown(work, plan).then_some(landed);
    let asking = async {
        let asked = ask_each(work, plan, brief, landed.as_ref()).await;
        drop(landed);
        asked
    };
    futures::future::join(asking, landed::show(work, plan, replies)).await.0
}

async fn ask_each(
    work: &Work,
    plan: &Plan,
    brief: &Brief,
    landed: Option<&mpsc::UnboundedSender<Landed>>,
) -> Result<Vec<Outcome>> {
    let rows = known_calls(work).await?;
    let files = Files::read(work, &brief.message, plan.steps.len()).await?;
    let land = |step, outcome: &Outcome| {
        if let Some(landed) = landed {
            // Nobody may be waiting for it any more: then it stands in the answer when all is there.
            drop(landed.send((step, outcome.reply.clone())));
        }
    };
    if plan.mode != Mode::Sequential {
        let all = plan.steps.iter().enumerate().map(async |(i, step)| {
            let question = step.question.clone();
            let asked = ask(work, (brief, &files), plan, i, question, rows.get(&i)).await;
            asked.inspect(|outcome| land(i, outcome))
        });
        return join_all(all).await.into_iter().collect();
    }
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(plan.steps.len());
    for (i, step) in plan.steps.iter().enumerate() {
        let before: Vec<_> =
            step.depends_on.iter().filter_map(|at| outcomes.get(*at)).map(|outcome| &outcome.reply).collect();
        let outcome = match before.iter().find(|reply| reply.state != CallState::Completed) {
            Some(failed) => skip(work, i, step, &failed.agent, rows.get(&i)).await?,
            None => {
                ask(work, (brief, &files), plan, i, hand_on(&step.question, &before), rows.get(&i)).await?
            }
        };
        land(i, &outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn known_calls(work: &Work) -> Result<HashMap<usize, CallRow>> {
    let rows = retrying!(work.deadline, read_calls(work))?;
    Ok(rows.into_iter().map(|row| (row.step, row)).collect())
}

async fn read_calls(work: &Work) -> Result<Vec<CallRow>> {
    let tx = work.core.store.write(&work.tenant).await?;
    let rows = tx.calls(&work.tenant, work.turn.id).await?;
    tx.commit().await?;
    Ok(rows)
}

async fn ask(
    work: &Work,
    (brief, files): (&Brief, &Files),
    plan: &Plan,
    at: usize,
    question: String,
    known: Option<&CallRow>,
) -> Result<Outcome> {
    let (step, alone) = (&plan.steps[at], plan.steps.len() == 1);
    let agent = brief.roster.agents.iter().find(|agent| agent.id == step.agent);
    let name = agent.map_or_else(|| step.agent.to_string(), |agent| agent.name.clone());
    if let Some(row) = known.filter(|row| row.state != CallState::Running) {
        return Ok(outcome_of_row(row, name));
    }
    let waiting =
        brief.waiting.as_ref().filter(|(id, _)| *id == step.agent).and_then(|(_, task)| task.clone());
    let row = match known {
        Some(row) => row.clone(),
        None => begin(work, at, step, question, waiting).await?,
    };
    let began = Instant::now();
    let is_off = match known {
        None => is_off(work, &step.agent).await?,
        Some(_) => brief.roster.has_off(&step.agent),
    };
    let reply = match agent {
        _ if is_off => skipped("it is switched off".to_owned()),
        None => gone(),
        Some(agent) => {
            let ask = Ask {
                message_id: row.id.to_string(),
                context_id: work.turn.conversation.to_string(),
                task_id: row.task_id.clone(),
                resume: known.is_some() && row.task_id.is_some(),
                question: row.question.clone(),
                context: whole_message(&brief.message.text, &plan.steps, step).map(str::to_owned),
                parts: Arc::clone(&files.parts),
                deadline: work.deadline,
                hops: work.turn.hops,
                cancel: work.stop.canceled.child_token(),
            };
            let asked = isolated("asking an agent", Box::pin(converse(work, agent, ask, &row, alone))).await;
            asked.unwrap_or_else(|error| ours(&row, &error))
        }
    };
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match end(work, row.clone(), name.clone(), reply, ms).await {
        // What this agent said cannot be stored: the others' replies can.
        Err(error) if error.is_defect() => {
            let reply = ours(&row, &error);
            end(work, row, name, reply, ms).await
        }
        ended => ended,
    }
}

/// Whether an agent was switched off since the plan was made: one that waits for others is asked much later than that.
async fn is_off(work: &Work, agent: &AgentId) -> Result<bool> {
    Ok(work.core.registry.all(&work.core.store, &work.tenant).await?.is_off(agent))
}

async fn begin(
    work: &Work,
    at: usize,
    step: &Step,
    question: String,
    task_id: Option<String>,
) -> Result<CallRow> {
    let row = CallRow {
        id: CallId::new(),
        step: at,
        agent: step.agent.clone(),
        question,
        state: CallState::Running,
        task_id,
        reply: None,
        reason: None,
        partial: false,
        ms: 0,
        files: Vec::new(),
    };
    let started =
        EventBody::CallStarted { call: row.id, agent: row.agent.clone(), question: row.question.clone() };
    work.record(vec![started], Rows::CallBegun(&row)).await?;
    Ok(row)
}

/// Asks, and passes on what the agent says about how far it is.
async fn converse(work: &Work, agent: &Agent, ask: Ask, row: &CallRow, alone: bool) -> Reply {
    // Unbounded in number, bounded in bytes: agents.max_reply_bytes and the words of progress of one call.
    let (sender, mut words) = mpsc::unbounded_channel();
    let mut hear = move |progress| drop(sender.send(progress));
    let asking = async {
        let _out = work.hand.out();
        let reply = work.core.agents.ask(&work.tenant, agent, ask, &mut hear).await;
        drop(hear);
        reply
    };
    let telling = async {
        let mut gather = pieces::Gather::new();
        while let Some(first) = words.recv().await {
            let mut piece = String::new();
            let more = match first {
                Progress::Piece(_) => gather.more(&mut words).await,
                Progress::Task(_) | Progress::Text(_) => Vec::new(),
            };
            for progress in std::iter::once(first).chain(more) {
                match progress {
                    Progress::Task(task) => remember_task(work, row.id, &task).await,
                    // It is of this moment: what cannot be said now is not said later.
                    Progress::Text(_) if !work.core.lease.is_held() => {}
                    Progress::Text(text) => {
                        let text = outside::line(&text, MAX_PROGRESS);
                        let body = EventBody::CallProgress { call: row.id, agent: row.agent.clone(), text };
                        work.core.bell.live(work.turn.conversation, Some(work.turn.id), body);
                    }
                    Progress::Piece(text) => piece.push_str(&text),
                }
            }
            if alone && !piece.is_empty() {
                pieces::begin(work, &piece).await;
            }
        }
    };
    futures::future::join(asking, telling).await.0
}

/// Without it another core would have to ask again, so a failure is only said.
async fn remember_task(work: &Work, call: CallId, task: &str) {
    let remembered = async {
        let tx = work.core.store.write(&work.tenant).await?;
        tx.set_task(&work.tenant, work.turn.id, call, task).await?;
        tx.commit().await
    };
    if let Err(error) = remembered.await {
        tracing::warn!(%error, "the agent's task id could not be written down");
    }
}

async fn end(work: &Work, row: CallRow, name: String, reply: Reply, ms: u64) -> Result<Outcome> {
    let shorten = |reason: &str| outside::line(reason, outside::MAX_REASON_CHARS);
    let (files, refused) = given::within_quota(work, reply.files).await?;
    let reasons: Vec<_> = reply.reason.into_iter().chain(refused).collect();
    let (text, reason) = (reply.text, (!reasons.is_empty()).then(|| shorten(&reasons.join("; "))));
    let finished = EventBody::CallFinished {
        call: row.id,
        agent: row.agent.clone(),
        state: reply.state,
        ms,
        partial: reply.partial,
        reason: reason.clone(),
    };
    let end = FinishedCall {
        state: reply.state,
        task_id: reply.task_id.as_deref(),
        reply: &text,
        reason: reason.as_deref(),
        partial: reply.partial,
        ms,
        files: &files,
    };
    work.record(vec![finished], Rows::CallEnded(row.id, &row.agent, &end)).await?;
    metrics::called(reply.state, ms);
    work.count_call(&row.agent, reply.state, ms);
    let (agent, question) = (row.agent, row.question);
    let files = files.iter().map(|file| file.view(&agent)).collect();
    let reply =
        NamedReply { agent, name, question, state: reply.state, text, reason, partial: reply.partial };
    Ok(Outcome { call: row.id, reply, files })
}

async fn skip(
    work: &Work,
    at: usize,
    step: &Step,
    failed: &AgentId,
    known: Option<&CallRow>,
) -> Result<Outcome> {
    let name = step.agent.to_string();
    let row = match known {
        Some(row) if row.state != CallState::Running => return Ok(outcome_of_row(row, name)),
        Some(row) => row.clone(),
        None => begin(work, at, step, step.question.clone(), None).await?,
    };
    end(work, row, name, skipped(format!("it needs what {failed} did not give")), 0).await
}

fn skipped(reason: String) -> Reply {
    let reason = Some(reason);
    Reply {
        state: CallState::Skipped,
        text: String::new(),
        task_id: None,
        reason,
        partial: false,
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
    let reason = Some(reason.to_owned());
    let (text, files) = (String::new(), Vec::new());
    Reply { state: CallState::Failed, text, task_id: None, reason, partial: false, files }
}

/// Whether a plan asks anybody.
pub(super) fn asks(plan: &Plan) -> bool {
    matches!(plan.mode, Mode::Direct | Mode::Parallel | Mode::Sequential)
}
