//! Who has a conversation before them, and who writes there: told to its other members and kept nowhere.

use super::extract::{Caller, Id, Json};
use crate::{
    access::{Permission, permit},
    core::Core,
    error::Result,
    store::{View, reading},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use std::sync::Arc;
use switchboard_shared::{api::SayPresence, events::EventBody, ids::ConversationId};

pub(crate) async fn say(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<ConversationId>,
    Json(SayPresence { state }): Json<SayPresence>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    reading!(&core.store, &me.tenant, View::Own, tx, tx.conversation(&me.tenant, id, &me.user))?;
    core.bell.live(id, None, EventBody::MemberPresent { user: me.user, state });
    Ok(StatusCode::NO_CONTENT)
}
