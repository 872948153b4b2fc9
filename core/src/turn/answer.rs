//! Writing the answer: the pieces go out as they are written, the whole is stored at the end.

use super::{
    brief::Brief,
    calls::asks,
    outcome::Outcome,
    pieces::{Gather, lock, send, start},
    work::Work,
};
use crate::{
    error::Result,
    outside, route,
    synthesise::{self, Beside, Material, Written},
};
use switchboard_shared::events::Plan;
use tokio::sync::mpsc;

/// Writes the answer to what was asked, and streams it.
pub(super) async fn write(work: &Work, plan: &Plan, outcomes: &[Outcome], brief: &Brief) -> Result<Written> {
    let already = lock(work).started;
    if !already {
        start(work).await?;
    }
    // Unbounded in pieces, bounded in text: synthesis.max_answer_chars ends what is written into it.
    let (sender, pieces) = mpsc::unbounded_channel();
    let writing = async {
        let mut on_text = |piece: &str| drop(sender.send(piece.to_owned()));
        let written = compose(work, plan, outcomes, brief, &mut on_text).await;
        drop(sender);
        written
    };
    let (mut written, ()) = futures::future::join(writing, stream(work, pieces)).await;
    written.text = outside::signs(&written.text);
    if let Some(lost) = plan.degraded.as_deref().and_then(route::faults) {
        let more = written.degraded.take().filter(|reason| *reason != lost);
        written.degraded = Some(more.map_or_else(|| lost.clone(), |reason| format!("{lost}; {reason}")));
    }
    Ok(written)
}

async fn compose(
    work: &Work,
    plan: &Plan,
    outcomes: &[Outcome],
    brief: &Brief,
    on_text: &mut (dyn FnMut(&str) + Send),
) -> Written {
    if !asks(plan) {
        let text = plan.says.clone().unwrap_or_else(|| plan.reason.clone());
        on_text(&text);
        return Written { text, ..Written::default() };
    }
    let begun = lock(work).steps.clone();
    let others = (0..outcomes.len()).filter(|step| !begun.contains(step));
    let replies: Vec<_> =
        begun.iter().copied().chain(others).map(|step| outcomes[step].reply.clone()).collect();
    let material = Material { question: &brief.message.text, context: &brief.context, replies: &replies };
    let core = &work.core;
    let _out = core.llm.is_configured().then(|| work.hand.out());
    let mut so_far = String::new();
    let mut tee = |piece: &str| {
        so_far.push_str(piece);
        on_text(piece);
    };
    tokio::select! {
        written = synthesise::write(&core.llm, &core.config.synthesis, &material, work.deadline, &mut tee) => {
            return written;
        }
        () = work.stop.canceled.cancelled() => {}
    }
    Written { text: so_far, degraded: Some("stopped by the user".to_owned()), ..Written::default() }
}

/// What the agents said, side by side: for an answer that nothing else can be made of.
pub(super) fn beside(work: &Work, outcomes: &[Outcome]) -> Written {
    let agents = outcomes.iter().map(|outcome| outcome.reply.agent.clone()).collect();
    let mut beside = Beside::new(work.core.config.synthesis.max_answer_chars, agents);
    let usable = outcomes.iter().map(|outcome| &outcome.reply).filter(|reply| reply.is_usable());
    let text: String = usable.map(|reply| beside.begin(reply).0).collect();
    let degraded = Some("the answer could not be written; the replies stand as they are".to_owned());
    Written { text: outside::signs(&text), degraded, ..Written::default() }
}

/// Sends the pieces out, a few at a time, but for what has gone out already.
async fn stream(work: &Work, mut pieces: mpsc::UnboundedReceiver<String>) {
    let (mut offset, begun) = (0, lock(work).text.clone());
    let (mut rest, mut gather) = (begun.as_str(), Gather::new());
    while let Some(mut text) = pieces.recv().await {
        text.extend(gather.more(&mut pieces).await);
        let text = outside::signs(&text);
        work.core.lease.held().await;
        let length = text.chars().count() as u64;
        if let Some(unsaid) = rest.strip_prefix(text.as_str()) {
            rest = unsaid;
        } else if let Some(new) = text.strip_prefix(rest) {
            send(work, offset + rest.chars().count() as u64, new);
            rest = "";
        } else {
            // The agent has taken back what it had said: the whole answer, at the end, is what holds.
            return;
        }
        offset += length;
    }
}
