//! Conversations and their members.

use super::extract::{Below, Caller, Id, IdempotencyKey, Json, Limit, Params};
use crate::{
    accept::Envelope,
    access::{Permission, permit, permit_owner},
    clock,
    core::Core,
    error::{Error, Result},
    outside,
    store::{CreateRow, NewEvent, OpenOf, Tx, View, reading, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use switchboard_shared::{
    api::{
        AddMember, ChangeConversation, ConversationSummary, CreateConversation, MAX_TITLE_CHARS, Member,
        MemberRole, Page,
    },
    events::{Event, EventBody},
    identity::Identity,
    ids::{ClientId, ConversationId, TenantId, UserId},
    problem::ProblemKind,
};

/// The most members of a conversation.
const MAX_MEMBERS: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    after: Option<ConversationId>,
    #[serde(default)]
    limit: Limit,
}

pub(crate) async fn create(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    IdempotencyKey(key): IdempotencyKey,
    Json(new): Json<CreateConversation>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    check_title(&new.title)?;
    if new.members.len() >= MAX_MEMBERS {
        return Err(too_many_members());
    }
    let made = make(&core, &me, &envelope, key, &new).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Makes a conversation; the same key twice is the same one.
pub(in crate::faces) async fn make(
    core: &Core,
    me: &Identity,
    envelope: &Envelope,
    key: Option<ClientId>,
    new: &CreateConversation,
) -> Result<ConversationSummary> {
    // The id is made here, so that a commit that is repeated makes the same conversation.
    let id = ConversationId::new();
    let own = || id.to_string().parse().map_err(|_| Error::not_found());
    let key = key.map_or_else(own, Ok)?;
    retrying!(envelope.patience, make_once(core, me, id, &key, new))
}

/// The conversation that the same request made before, if it did; from now on this one does.
pub(super) async fn made_before(
    tx: &Tx,
    me: &Identity,
    key: &ClientId,
    hash: &[u8],
    id: ConversationId,
) -> Result<Option<ConversationId>> {
    if tx.insert_idempotency(&me.tenant, &me.user, key.as_str(), hash, id.0).await? {
        return Ok(None);
    }
    match tx.idempotent_subject(&me.tenant, &me.user, key.as_str()).await? {
        Some((subject, before)) if before == hash => Ok(Some(ConversationId(subject))),
        _ => {
            let detail = "This idempotency key was used for another request.";
            Err(Error::public(ProblemKind::Conflict, detail))
        }
    }
}

async fn make_once(
    core: &Core,
    me: &Identity,
    id: ConversationId,
    key: &ClientId,
    new: &CreateConversation,
) -> Result<ConversationSummary> {
    let hash = Sha256::digest(serde_json::to_vec(new).unwrap_or_default()).to_vec();
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    let before = made_before(&tx, me, key, &hash, id).await?;
    if before.is_none() {
        let others: Vec<_> = new.members.iter().collect();
        have_been_seen(&tx, &me.tenant, &others).await?;
        let row =
            CreateRow { id, title: &new.title, owner: &me.user, members: &new.members, speaks: new.speaks };
        tx.insert_conversation(&me.tenant, &row).await?;
        tx.audit(me, "conversation.created", id, json!({"members": new.members})).await?;
    }
    let summary = summary(&tx, &me.tenant, before.unwrap_or(id), &me.user).await?;
    tx.commit().await?;
    Ok(summary)
}

pub(crate) async fn list(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(List { after, limit }): Params<List>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let items = reading!(
        &core.store,
        &me.tenant,
        View::Own,
        tx,
        tx.conversations(&me.tenant, &me.user, after, limit.one_more())
    )?;
    Ok(axum::Json(limit.page(items, |last| last.id)))
}

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<ConversationId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    Ok(axum::Json(reading!(&core.store, &me.tenant, View::Own, tx, summary(tx, &me.tenant, id, &me.user))?))
}

pub(crate) async fn change(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<ConversationId>,
    Json(new): Json<ChangeConversation>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    if let Some(title) = &new.title {
        check_title(title)?;
        if !outside::is_name(title) {
            return Err(Error::public(ProblemKind::BadRequest, "A title must have something to be seen."));
        }
    }
    let (summary, events) = retrying!(envelope.patience, changed(&core, &me, id, &new))?;
    ring(&core, events);
    Ok(axum::Json(summary))
}

async fn changed(
    core: &Core,
    me: &Identity,
    id: ConversationId,
    new: &ChangeConversation,
) -> Result<(ConversationSummary, Vec<Event>)> {
    let tx = core.store.write(&me.tenant).await?;
    let access = tx.lock_conversation(&me.tenant, id, &me.user).await?;
    permit_owner(access.role)?;
    if let Some(speaks) = new.speaks {
        tx.set_speaks(&me.tenant, id, speaks).await?;
    }
    let mut events = Vec::new();
    if let Some(title) = &new.title {
        tx.rename_conversation(&me.tenant, id, title).await?;
        let body = EventBody::ConversationRenamed { title: title.clone() };
        events = tx.append_events(&me.tenant, now(id), vec![body]).await?;
    }
    let summary = summary(&tx, &me.tenant, id, &me.user).await?;
    tx.commit().await?;
    Ok((summary, events))
}

pub(crate) async fn delete(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<ConversationId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    retrying!(envelope.patience, erase(&core, &me, id))?;
    core.bell.live(id, None, EventBody::ConversationDeleted {});
    Ok(StatusCode::NO_CONTENT)
}

async fn erase(core: &Core, me: &Identity, id: ConversationId) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    let access = tx.lock_conversation(&me.tenant, id, &me.user).await?;
    permit_owner(access.role)?;
    tx.give_up_open_calls(&me.tenant, OpenOf::Conversation(id)).await?;
    tx.give_back_conversation(&me.tenant, id).await?;
    tx.delete_conversation(&me.tenant, id).await?;
    tx.audit(me, "conversation.deleted", id, json!({})).await?;
    tx.commit().await
}

pub(crate) async fn members(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<ConversationId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let items =
        reading!(&core.store, &me.tenant, View::Own, tx, summary(tx, &me.tenant, id, &me.user))?.members;
    Ok(axum::Json(Page { items, next: None }))
}

pub(crate) async fn add_member(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<ConversationId>,
    Json(new): Json<AddMember>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let member = Member { user: new.user, role: MemberRole::Member };
    ring(&core, retrying!(envelope.patience, add(&core, &me, id, &member))?);
    Ok((StatusCode::CREATED, axum::Json(member)))
}

async fn add(core: &Core, me: &Identity, id: ConversationId, member: &Member) -> Result<Vec<Event>> {
    let tx = core.store.write(&me.tenant).await?;
    let access = tx.lock_conversation(&me.tenant, id, &me.user).await?;
    permit_owner(access.role)?;
    if tx.count_members(&me.tenant, id).await? >= i64::try_from(MAX_MEMBERS).unwrap_or(i64::MAX) {
        return Err(too_many_members());
    }
    have_been_seen(&tx, &me.tenant, &[&member.user]).await?;
    let mut events = Vec::new();
    if tx.insert_member(&me.tenant, id, &member.user, member.role).await? {
        let body = EventBody::MemberAdded(member.clone());
        events = tx.append_events(&me.tenant, now(id), vec![body]).await?;
        tx.audit(me, "member.added", id, json!({"user": member.user})).await?;
    }
    tx.commit().await?;
    Ok(events)
}

pub(crate) async fn remove_member(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Below(id, user): Below<UserId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    ring(&core, retrying!(envelope.patience, take_off(&core, &me, id, &user))?);
    Ok(StatusCode::NO_CONTENT)
}

async fn take_off(core: &Core, me: &Identity, id: ConversationId, user: &UserId) -> Result<Vec<Event>> {
    let tx = core.store.write(&me.tenant).await?;
    let access = tx.lock_conversation(&me.tenant, id, &me.user).await?;
    if *user != me.user {
        permit_owner(access.role)?;
    }
    if !tx.delete_member(&me.tenant, id, user).await? {
        return Err(Error::not_found());
    }
    let body = EventBody::MemberRemoved { user: user.clone() };
    let events = tx.append_events(&me.tenant, now(id), vec![body]).await?;
    tx.audit(me, "member.removed", id, json!({"user": user})).await?;
    tx.commit().await?;
    Ok(events)
}

/// A conversation is shared with people who have been here, and not with whatever somebody types.
async fn have_been_seen(tx: &Tx, tenant: &TenantId, users: &[&UserId]) -> Result<()> {
    match tx.unseen_users(tenant, users).await?.first() {
        None => Ok(()),
        Some(unseen) => {
            let detail = format!(
                "{unseen} has not been here yet. Ask them to sign in and open any page or conversation once; then \
                 they can be added."
            );
            Err(Error::public(ProblemKind::UnknownUser, detail))
        }
    }
}

pub(super) async fn summary(
    tx: &Tx,
    tenant: &TenantId,
    id: ConversationId,
    user: &UserId,
) -> Result<ConversationSummary> {
    let mut summary = tx.conversation(tenant, id, user).await?.conversation;
    summary.members = tx.members(tenant, id).await?;
    Ok(summary)
}

fn now(conversation: ConversationId) -> NewEvent {
    NewEvent { conversation, turn: None, at: clock::now() }
}

fn ring(core: &Core, events: Vec<Event>) {
    for event in events {
        core.bell.ring(event);
    }
}

/// A title is shown in lists: one line, and nothing in it that turns around what stands beside it.
fn check_title(title: &str) -> Result<()> {
    if title.chars().count() > MAX_TITLE_CHARS {
        let detail = format!("A title has at most {MAX_TITLE_CHARS} characters.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    match outside::is_plain(title) {
        true => Ok(()),
        false => {
            let detail =
                "A title must not hold control characters, nor such that change the direction of text.";
            Err(Error::public(ProblemKind::BadRequest, detail))
        }
    }
}

fn too_many_members() -> Error {
    Error::public(ProblemKind::BadRequest, format!("A conversation has at most {MAX_MEMBERS} members."))
}
