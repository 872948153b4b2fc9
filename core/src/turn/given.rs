//! Files that agents gave: what of them is kept.

use crate::{
    agents::SentFile,
    core::Core,
    error::Result,
    store::{FilePlace, FinishedCall, NewFile, Stored, TurnRow, Tx, retrying},
};
use chrono::{DateTime, Utc};
use futures::try_join;
use switchboard_shared::ids::{TenantId, UserId};
use tokio::time::Instant;
use uuid::Uuid;

/// The files of a reply, if its user and tenant have room for them; else none, and why. An answer is not refused for that.
pub(super) async fn within_quota(
    core: &Core,
    whose: (&TenantId, &UserId),
    deadline: Instant,
    files: Vec<SentFile>,
) -> Result<(Vec<NewFile>, Option<String>)> {
    let files: Vec<_> = files.into_iter().filter_map(kept).collect();
    let bytes: u64 = files.iter().map(|file| file.bytes.len() as u64).sum();
    if bytes == 0 {
        return Ok((files, None));
    }
    let stored = retrying!(deadline, stored(core, whose))?;
    let quota = &core.config.quota;
    let full = |held: u64, most: u64| most > 0 && held + bytes > most;
    let whose = match () {
        () if full(stored.by_user, quota.user_bytes) => "your",
        () if full(stored.by_tenant, quota.tenant_bytes) => "your tenant's",
        () => return Ok((files, None)),
    };
    Ok((Vec::new(), Some(format!("its files were left out: {whose} storage is full"))))
}

/// Keeps those of a call.
pub(super) async fn keep(
    tx: &Tx,
    tenant: &TenantId,
    turn: &TurnRow,
    call: &FinishedCall,
    at: DateTime<Utc>,
) -> Result<()> {
    if call.files.is_empty() {
        return Ok(());
    }
    let place =
        FilePlace { conversation: turn.conversation, turn: turn.id, call: call.id, agent: &call.agent, at };
    let bytes = call.files.iter().map(|file| file.bytes.len()).sum::<usize>();
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    try_join!(tx.insert_files(tenant, place, &call.files), tx.keep_bytes(tenant, &turn.user, bytes)).map(drop)
}

fn kept(file: SentFile) -> Option<NewFile> {
    let SentFile { name, media_type, bytes } = file;
    Some(NewFile { id: Uuid::now_v7(), name, media_type, bytes: bytes? })
}

async fn stored(core: &Core, (tenant, user): (&TenantId, &UserId)) -> Result<Stored> {
    let tx = core.store.write(tenant).await?;
    let stored = tx.stored(tenant, user).await?;
    tx.commit().await?;
    Ok(stored)
}
