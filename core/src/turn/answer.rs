//! Writing the answer: the pieces go out as they are written, the whole is stored at the end.

use super::{Work, asks, brief::Brief, calls::Outcome, record::Rows};
use crate::{
    agents::Progress,
    error::Result,
    llm::Tokens,
    outside,
    synthesise::{self, Material},
};
use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::events::{Claim, Delta, EventBody, Plan};
use tokio::{sync::mpsc, time::sleep};

/// Pieces are gathered for this long before they go out: a reader sees a steady stream, not a frame per token.
const GATHER: Duration = Duration::from_millis(25);
/// Nothing larger goes out in one frame.
const MAX_DELTA_CHARS: usize = 4_000;

/// What has gone out already, as the beginning of the answer: of the only agent's reply, or of replies that stand side by
/// side.
#[derive(Default)]
pub(super) struct Begun {
    started: bool,
    text: String,
    chars: usize,
    /// The steps whose replies the text begins with.
    steps: Vec<usize>,
}

/// A written answer.
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) claims: Vec<Claim>,
    pub(super) degraded: Option<String>,
    pub(super) tokens: Tokens,
}

/// Writes the answer to what was asked, and streams it.
pub(super) async fn write(work: &Work, plan: &Plan, outcomes: &[Outcome], brief: &Brief) -> Result<Reply> {
    let already = lock(work).started;
    if !already {
        started(work).await?;
    }
    // Unbounded in pieces, bounded in text: synthesis.max_answer_chars ends what is written into it.
    let (sender, pieces) = mpsc::unbounded_channel();
    let writing = async {
        let mut on_text = |piece: &str| drop(sender.send(piece.to_owned()));
        let reply = compose(work, plan, outcomes, brief, &mut on_text).await;
        drop(sender);
        reply
    };
    let (mut reply, ()) = futures::future::join(writing, stream(work, pieces)).await;
    reply.text = outside::text(&reply.text);
    if let Some(lost) = &plan.degraded {
        let written = reply.degraded.take().filter(|reason| reason != lost);
        reply.degraded = Some(written.map_or_else(|| lost.clone(), |reason| format!("{lost}; {reason}")));
    }
    Ok(reply)
}

async fn compose(
    work: &Work,
    plan: &Plan,
    outcomes: &[Outcome],
    brief: &Brief,
    on_text: &mut (dyn FnMut(&str) + Send),
) -> Reply {
    if !asks(plan) {
        let text = plan.reply.clone().unwrap_or_else(|| plan.reason.clone());
        on_text(&text);
        return Reply { text, claims: Vec::new(), degraded: None, tokens: Tokens::default() };
    }
    let begun = lock(work).steps.clone();
    let others = (0..outcomes.len()).filter(|step| !begun.contains(step));
    let replies: Vec<_> = begun.iter().copied().chain(others).map(|step| outcomes[step].named()).collect();
    let material = Material { question: &brief.message.text, context: &brief.context, replies: &replies };
    let core = &work.core;
    let mut so_far = String::new();
    let mut tee = |piece: &str| {
        so_far.push_str(piece);
        on_text(piece);
    };
    tokio::select! {
        written = synthesise::write(&core.llm, &core.config.synthesis, &material, work.deadline, &mut tee) => {
            return Reply {
                text: written.text,
                claims: written.claims,
                degraded: written.degraded,
                tokens: written.tokens,
            };
        }
        () = work.stop.canceled.cancelled() => {}
    }
    Reply {
        text: so_far,
        claims: Vec::new(),
        degraded: Some("stopped by the user".to_owned()),
        tokens: Tokens::default(),
    }
}

/// Waits a moment for more of what an agent says; in order.
pub(super) async fn gathered(
    first: Progress,
    words: &mut mpsc::UnboundedReceiver<Progress>,
) -> Vec<Progress> {
    let is_piece = matches!(first, Progress::Piece(_));
    let mut all = vec![first];
    if is_piece {
        sleep(GATHER).await;
    }
    while let Ok(more) = words.try_recv() {
        all.push(more);
    }
    all
}

/// Sends out the next piece of the answer before it is written, as of the only agent's reply while the agent is still
/// speaking, as far as the answer has room for it: the answer is cut at the same place.
pub(super) async fn begin(work: &Work, piece: &str) {
    let already = lock(work).started;
    if !already && let Err(error) = started(work).await {
        // The answer is written all the same when the reply is whole.
        tracing::warn!(%error, "the answer could not be begun early");
        return;
    }
    let mut begun = lock(work);
    let room = work.core.config.synthesis.max_answer_chars.saturating_sub(begun.chars);
    let fits: String = piece.chars().take(room).collect();
    send(work, begun.chars as u64, &fits);
    begun.started = true;
    begun.chars += fits.chars().count();
    begun.text.push_str(&fits);
}

/// Sends out one of several replies, which the answer begins with, or goes on with.
pub(super) async fn begin_with(work: &Work, step: usize, text: &str) {
    lock(work).steps.push(step);
    begin(work, text).await;
}

async fn started(work: &Work) -> Result<()> {
    work.record(vec![EventBody::AnswerStarted { attempt: work.turn.attempt }], Rows::None).await
}

fn lock(work: &Work) -> MutexGuard<'_, Begun> {
    work.begun.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(work: &Work, mut offset: u64, mut text: &str) {
    while !text.is_empty() {
        let (end, chars) = match text.char_indices().nth(MAX_DELTA_CHARS) {
            Some((end, _)) => (end, MAX_DELTA_CHARS),
            None => (text.len(), text.chars().count()),
        };
        let delta = Delta { attempt: work.turn.attempt, offset, text: text[..end].to_owned() };
        work.core.bell.delta(work.turn.conversation, work.turn.id, delta);
        (offset, text) = (offset + chars as u64, &text[end..]);
    }
}

/// Sends the pieces out, a few at a time, but for what has gone out already.
async fn stream(work: &Work, mut pieces: mpsc::UnboundedReceiver<String>) {
    let (mut offset, begun) = (0, lock(work).text.clone());
    let mut rest = begun.as_str();
    while let Some(mut text) = pieces.recv().await {
        sleep(GATHER).await;
        while let Ok(piece) = pieces.try_recv() {
            text.push_str(&piece);
        }
        let text = outside::text(&text);
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
