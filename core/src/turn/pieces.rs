//! The pieces of a running answer as they go out, the first of them before the answer is written.

use super::{
    step::Step,
    work::{Begun, Work},
};
use crate::{error::Result, outside};
use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::events::Delta;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// What comes within this time of what went out is gathered: a reader sees a steady stream, not a frame per token.
const GATHER: Duration = Duration::from_millis(25);
/// Nothing larger goes out in one frame.
const MAX_DELTA_CHARS: usize = 4_000;

/// Gathers what goes out together. The first piece does not wait, nor what is left when no more can come.
pub(super) struct Gather(Instant);

impl Gather {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// What comes until the next may go out; in order.
    pub(super) async fn more<T>(&mut self, pieces: &mut mpsc::UnboundedReceiver<T>) -> Vec<T> {
        let mut all = Vec::new();
        while let Ok(Some(piece)) = timeout_at(self.0, pieces.recv()).await {
            all.push(piece);
        }
        self.0 = Instant::now() + GATHER;
        all
    }
}

/// Sends out the next piece of the answer before it is written, as of the only agent's reply while the agent is still
/// speaking, as far as the answer has room for it: the answer is cut at the same place. A core that cannot be sure of the
/// turn waits with it.
pub(super) async fn begin(work: &Work, piece: &str) {
    work.core.lease.held().await;
    let already = lock(work).started;
    if !already && let Err(error) = start(work).await {
        // The answer is written all the same when the reply is whole.
        tracing::warn!(%error, "the answer could not be begun early");
        return;
    }
    let mut begun = lock(work);
    let room = work.core.config.synthesis.max_answer_chars.saturating_sub(begun.chars);
    let fits = outside::first_chars(piece, room);
    send(work, begun.chars as u64, &fits);
    // Behind what is cut nothing more fits.
    begun.chars += if fits.len() < piece.len() { room } else { fits.chars().count() };
    begun.text.push_str(&fits);
}

/// Sends out one of several replies, which the answer begins with, or goes on with.
pub(super) async fn begin_with(work: &Work, step: usize, text: &str) {
    lock(work).steps.push(step);
    begin(work, text).await;
}

/// Says that the answer begins.
pub(super) async fn start(work: &Work) -> Result<()> {
    work.record(Step { starts: true, ..Step::default() }).await?;
    lock(work).started = true;
    Ok(())
}

/// What has gone out already.
pub(super) fn lock(work: &Work) -> MutexGuard<'_, Begun> {
    work.begun.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a text out from its place in the answer.
pub(super) fn send(work: &Work, mut offset: u64, mut text: &str) {
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
