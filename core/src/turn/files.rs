//! The files of a message while agents are asked: read when it is known whom, and as soon as there is room for them. With
//! them go those that an agent gave whose reply is handed on.

use super::{share::Whose, work::Work};
use crate::{
    error::Result,
    in_hand::Load,
    store::{FileRow, MessageRow, retrying},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{sync::Arc, time::Duration};
use switchboard_shared::api::{FileView, Part};
use tokio::time::{sleep_until, timeout};

/// So long is waited for room for files that are handed on: who waits has room already that others wait for.
const WAIT: Duration = Duration::from_secs(2);

/// The files, with their bytes.
pub(super) struct Files {
    pub(super) parts: Arc<[Part]>,
    _in_hand: Option<Load>,
    /// How many are not handed on, since there is no room for them.
    left_out: usize,
}

impl Files {
    /// Waits for room for a copy of its own and one for each agent. A turn that ends meanwhile asks nobody any more.
    pub(super) async fn read(work: &Work, message: &MessageRow, agents: usize) -> Result<Self> {
        let nothing = Self { parts: Arc::default(), _in_hand: None, left_out: 0 };
        // As they are stored and sent: in base64.
        let bytes = in_base64(message.files.iter().map(|file| file.bytes));
        if bytes == 0 {
            return parts(work, message).await.map(|parts| Self { parts, ..nothing });
        }
        let (bytes, whose) = (bytes.saturating_mul(agents + 1), whose(work));
        let _out = work.hand.out();
        let in_hand = tokio::select! {
            in_hand = work.core.files.take(whose, bytes) => in_hand,
            () = work.stop.canceled.cancelled() => return Ok(nothing),
            () = sleep_until(work.deadline) => return Ok(nothing),
        };
        Ok(Self { parts: parts(work, message).await?, _in_hand: in_hand, left_out: 0 })
    }

    /// These, and those that agents gave before: a copy of all of them for one agent.
    pub(super) async fn with(&self, work: &Work, given: &[FileView]) -> Result<Self> {
        let own = Self { parts: Arc::clone(&self.parts), _in_hand: None, left_out: 0 };
        if given.is_empty() {
            return Ok(own);
        }
        let held = self.parts.iter().map(|part| part.data.len()).sum::<usize>();
        let bytes = held + 2 * in_base64(given.iter().map(|file| file.bytes));
        let _out = work.hand.out();
        let Ok(in_hand) = timeout(WAIT, work.core.files.take(whose(work), bytes)).await else {
            return Ok(Self { left_out: given.len(), ..own });
        };
        let given = retrying!(work.deadline, read_given(work, given))?;
        let parts = self.parts.iter().cloned().chain(given).collect();
        Ok(Self { parts, _in_hand: in_hand, left_out: 0 })
    }

    /// A question, with what is left out.
    pub(super) fn named_in(&self, question: &str) -> String {
        match self.left_out {
            0 => question.to_owned(),
            left_out => format!("{question}\n(Files that agents gave before are left out: {left_out}.)"),
        }
    }
}

fn whose(work: &Work) -> Whose {
    Whose { tenant: work.tenant.clone(), user: work.turn.user.clone() }
}

fn in_base64(bytes: impl Iterator<Item = u64>) -> usize {
    usize::try_from(bytes.map(|bytes| bytes.div_ceil(3) * 4).sum::<u64>()).unwrap_or(usize::MAX)
}

async fn read_given(work: &Work, given: &[FileView]) -> Result<Vec<Part>> {
    let tx = work.core.store.write(&work.tenant).await?;
    let mut parts = Vec::with_capacity(given.len());
    for id in given.iter().filter_map(|file| file.id.as_ref()) {
        let file = tx.file(&work.tenant, work.turn.conversation, id).await?;
        parts.extend(file.map(|FileRow { name, media_type, bytes }| Part {
            name,
            media_type,
            data: STANDARD.encode(bytes),
        }));
    }
    tx.commit().await?;
    Ok(parts)
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
