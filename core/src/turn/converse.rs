//! One call on its way: asking its agent, and passing on what it says meanwhile.

use super::{pieces, work::Work};
use crate::{
    agents::{Agent, Ask, Progress, Reply},
    error::Result,
    outside,
    store::CallRow,
};
use std::time::Duration;
use switchboard_shared::{events::EventBody, ids::CallId};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// The most characters of one word of progress.
const MAX_PROGRESS: usize = 500;
/// An agent that has worked for so long may work for long: what it calls its work is written down, so that another core
/// can ask for it. Of one that is done before, it is written with its reply.
const TASK_ALONE: Duration = Duration::from_millis(50);

/// Asks, and passes on what the agent says about how far it is.
pub(super) async fn converse(work: &Work, agent: &Agent, ask: Ask, row: &CallRow, alone: bool) -> Reply {
    // Unbounded in number, bounded in bytes: agents.max_reply_bytes and the words of progress of one call.
    let (sender, words) = mpsc::unbounded_channel();
    let mut hear = move |progress| drop(sender.send(progress));
    let asking = async {
        let (_out, _away) = (work.hand.out(), work.elsewhere.away());
        let reply = work.core.agents.ask(&work.tenant, agent, ask, &mut hear).await;
        drop(hear);
        reply
    };
    futures::future::join(asking, tell(work, row, alone, words)).await.0
}

async fn tell(work: &Work, row: &CallRow, alone: bool, mut words: mpsc::UnboundedReceiver<Progress>) {
    let (mut gather, mut write_task_at) = (pieces::Gather::new(), None);
    loop {
        let first = tokio::select! {
            word = words.recv() => match word {
                Some(word) => word,
                None => return,
            },
            () = until(write_task_at) => {
                write_task_at = None;
                write_task(work, row.id).await;
                continue;
            }
        };
        let mut piece = String::new();
        let more = match first {
            Progress::Piece(_) => gather.more(&mut words).await,
            Progress::Task(_) | Progress::Text(_) => Vec::new(),
        };
        for progress in std::iter::once(first).chain(more) {
            match progress {
                // No row holds it, and its call fails for that when it ends.
                Progress::Task(task) if task.contains('\0') => {}
                Progress::Task(task) => {
                    work.unwritten.begun(row.id, task);
                    write_task_at.get_or_insert_with(|| Instant::now() + TASK_ALONE);
                }
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
}

/// Safe to drop.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Without it another core would have to ask again, so a failure is only said.
async fn write_task(work: &Work, call: CallId) {
    if let Some(task) = work.unwritten.take_task(call)
        && let Err(error) = set_task(work, call, &task).await
    {
        tracing::warn!(%error, "the agent's task id could not be written down");
    }
}

async fn set_task(work: &Work, call: CallId, task: &str) -> Result<()> {
    let tx = work.core.store.write(&work.tenant).await?;
    tx.commit_behind(tx.set_task(&work.tenant, work.turn.id, call, task)).await
}
