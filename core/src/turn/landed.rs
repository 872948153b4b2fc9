//! Replies of several agents, shown as they come. Without an LLM the answer is what they say side by side, so that each
//! can stand in it before the slowest one is there.

use super::{pieces, work::Work};
use crate::synthesise::{Beside, NamedReply};
use std::time::Duration;
use switchboard_shared::events::Plan;
use tokio::{sync::mpsc, time::sleep};

/// Replies that come this close together stand in the order of the plan; where all do, nothing is shown before the
/// answer is written.
const SETTLE: Duration = Duration::from_millis(200);

/// A reply, and the step that it answers.
pub(super) type Landed = (usize, NamedReply);

/// Whether the answer begins with the replies as they land: with an LLM it is written when all are there.
pub(super) fn are_shown(work: &Work, plan: &Plan) -> bool {
    plan.steps.len() > 1 && !work.core.llm.is_configured()
}

/// Begins the answer with what is there, until everything is, or a reply is longer than it may be sure of.
pub(super) async fn show(work: &Work, plan: &Plan, mut replies: mpsc::UnboundedReceiver<Landed>) {
    let agents = plan.steps.iter().map(|step| step.agent.clone()).collect();
    let mut beside = Beside::new(work.core.config.synthesis.max_answer_chars, agents);
    while let Some(first) = replies.recv().await {
        let Some(mut settled) = settle(first, &mut replies).await else { return };
        settled.sort_by_key(|(step, _)| *step);
        for (step, reply) in settled.iter().filter(|(_, reply)| reply.is_usable()) {
            let (text, is_whole) = beside.begin(reply);
            pieces::begin_with(work, *step, &text).await;
            if !is_whole {
                return;
            }
        }
    }
}

/// Waits a moment for more; none, where there is nothing more to wait for.
async fn settle(first: Landed, replies: &mut mpsc::UnboundedReceiver<Landed>) -> Option<Vec<Landed>> {
    let (mut landed, mut settled) = (vec![first], std::pin::pin!(sleep(SETTLE)));
    loop {
        tokio::select! {
            () = &mut settled => return Some(landed),
            more = replies.recv() => landed.push(more?),
        }
    }
}
