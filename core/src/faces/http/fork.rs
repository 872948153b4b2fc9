//! A branch of a conversation: what was said before a message, to be gone on with differently.

use super::{
    conversations::{made_before, summary},
    extract::{Caller, Id, IdempotencyKey, Json},
};
use crate::{
    accept::{Envelope, within_quota},
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    store::{CreateRow, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use switchboard_shared::{
    api::{ConversationSummary, Fork, Speaks},
    identity::Identity,
    ids::{ClientId, ConversationId},
};

pub(crate) async fn create(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    IdempotencyKey(key): IdempotencyKey,
    Id(from): Id<ConversationId>,
    Json(Fork { before }): Json<Fork>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    // Made here, so that a commit that is repeated makes the same branch.
    let id = ConversationId::new();
    let own = || id.to_string().parse().map_err(|_| Error::not_found());
    let key: ClientId = key.map_or_else(own, Ok)?;
    let made = retrying!(envelope.patience, fork(&core, &me, (from, before), id, &key))?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Whoever is a member may branch off, and is alone in the branch.
async fn fork(
    core: &Core,
    me: &Identity,
    (from, before): (ConversationId, u64),
    id: ConversationId,
    key: &ClientId,
) -> Result<ConversationSummary> {
    let hash = Sha256::digest(format!("fork {from} {before}")).to_vec();
    let tx = core.store.write(&me.tenant).await?;
    let source = tx.lock_conversation(&me.tenant, from, &me.user).await?.conversation;
    let made = made_before(&tx, me, key, &hash, id).await?;
    if made.is_none() {
        let (title, speaks) = (source.title.as_str(), Speaks::default());
        let row = CreateRow { id, title, owner: &me.user, members: &[], speaks };
        tx.insert_conversation(&me.tenant, &row).await?;
        let bytes = tx.copy_before(&me.tenant, (from, before), id, &me.user).await?;
        if bytes == 0 {
            // Nothing was said before: what is said next gives it its title, as every first message does.
            tx.rename_conversation(&me.tenant, id, "").await?;
        }
        tx.keep_bytes(&me.tenant, &me.user, bytes).await?;
        within_quota(&core.config.quota, &tx.stored(&me.tenant, &me.user).await?)?;
        tx.audit(me, "conversation.created", id, json!({"branch_of": from, "before": before})).await?;
    }
    let summary = summary(&tx, &me.tenant, made.unwrap_or(id), &me.user).await?;
    tx.commit().await?;
    Ok(summary)
}
