//! The files of a message while agents are asked: read when it is known whom, and as soon as there is room for them.

use super::{share::Whose, work::Work};
use crate::{
    error::Result,
    in_hand::Load,
    store::{MessageRow, retrying},
};
use std::sync::Arc;
use switchboard_shared::api::Part;
use tokio::time::sleep_until;

/// The files, with their bytes.
pub(super) struct Files {
    pub(super) parts: Arc<[Part]>,
    _in_hand: Option<Load>,
}

impl Files {
    /// Waits for room for a copy of its own and one for each agent. A turn that ends meanwhile asks nobody any more.
    pub(super) async fn read(work: &Work, message: &MessageRow, agents: usize) -> Result<Self> {
        let nothing = Self { parts: Arc::default(), _in_hand: None };
        // As they are stored and sent: in base64.
        let bytes: u64 = message.files.iter().map(|file| file.bytes.div_ceil(3) * 4).sum();
        if bytes == 0 {
            return parts(work, message).await.map(|parts| Self { parts, ..nothing });
        }
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_mul(agents + 1);
        let whose = Whose { tenant: work.tenant.clone(), user: work.turn.user.clone() };
        let _out = work.hand.out();
        let in_hand = tokio::select! {
            in_hand = work.core.files.take(whose, bytes) => in_hand,
            () = work.stop.canceled.cancelled() => return Ok(nothing),
            () = sleep_until(work.deadline) => return Ok(nothing),
        };
        Ok(Self { parts: parts(work, message).await?, _in_hand: in_hand })
    }
}

async fn parts(work: &Work, message: &MessageRow) -> Result<Arc<[Part]>> {
    if message.files.is_empty() {
        return Ok(Arc::default());
    }
    retrying!(work.deadline, read_parts(work, message))
}

async fn read_parts(work: &Work, message: &MessageRow) -> Result<Arc<[Part]>> {
    let tx = work.core.store.write(&work.tenant).await?;
    let parts = tx.message_parts(&work.tenant, work.turn.conversation, message.seq).await?;
    tx.commit().await?;
    Ok(parts.into())
}
