//! `POST /chat`: ask once, wait for the whole answer. The same turn as everywhere, followed to its end.

use super::{
    conversations,
    extract::{Caller, IdempotencyKey, Json, deadline},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::Result,
    faces::following::{self, Followed, Told},
};
use axum::{extract::State, http::HeaderMap, response::IntoResponse};
use std::sync::Arc;
use switchboard_shared::{
    api::{Chat, ChatAnswer, CreateConversation},
    events::TurnState,
};
use tokio::time::Instant;

pub(crate) async fn chat(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    headers: HeaderMap,
    envelope: Envelope,
    IdempotencyKey(key): IdempotencyKey,
    Json(Chat { conversation_id, mut message }): Json<Chat>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let until = Instant::now() + deadline(&headers, core.config.turn.deadline + core.config.request_deadline);
    let key = message.client_id.take().or(key);
    let conversation = match conversation_id {
        Some(id) => id,
        None => {
            conversations::make(&core, &me, &envelope, key.clone(), &CreateConversation::default()).await?.id
        }
    };
    message.client_id = key;
    let mut following = following::ask(&core, &me, envelope, conversation, message, until).await?;
    let told = following.whole().await?;
    Ok(axum::Json(answer(following.followed, told)))
}

fn answer(followed: Followed, told: Told) -> ChatAnswer {
    let files = told.answer.as_ref().map(|answer| answer.files.clone()).unwrap_or_default();
    let degraded = told.answer.as_ref().and_then(|answer| answer.degraded.clone());
    ChatAnswer {
        conversation_id: followed.conversation,
        turn: followed.turn,
        response: told.answer.map(|answer| answer.text).or(told.error).unwrap_or_default(),
        plan: told.plan,
        state: told.state.unwrap_or(TurnState::Running),
        degraded,
        files,
    }
}
