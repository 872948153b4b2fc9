//! `POST /chat`: ask once, wait for the whole answer. The same turn as everywhere, listened to until its end.

use super::{
    extract::{Caller, Json, deadline},
    turns,
};
use crate::{
    accept::{Envelope, accept},
    access::{Permission, permit},
    clock,
    core::Core,
    error::{Error, Result},
    store::{Act, CreateRow},
};
use axum::{extract::State, http::HeaderMap, response::IntoResponse};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{Chat, ChatAnswer, SendMessage, TurnView},
    events::{EventBody, TurnState},
    identity::Identity,
    ids::{ConversationId, TurnId},
    problem::ProblemKind,
};
use tokio::time::{Instant, timeout};

/// How often the rows are looked at, in case the doorbell was missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn chat(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    headers: HeaderMap,
    envelope: Envelope,
    Json(ask): Json<Chat>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let until = Instant::now() + deadline(&headers, core.config.turn.deadline + core.config.request_deadline);
    let conversation = match ask.conversation_id {
        Some(id) => id,
        None => new_conversation(&core, &me).await?,
    };
    let mut listener = core.bell.listen(conversation);
    let message =
        SendMessage { client_id: ask.client_id, text: ask.message, agents: Vec::new(), parts: Vec::new() };
    let accepted = accept(&core, &me, conversation, message, envelope).await?;
    let mut degraded = None;
    loop {
        let view = look(&core, &me, accepted.turn).await?;
        if view.state != TurnState::Running {
            return Ok(axum::Json(answer(view, degraded)));
        }
        if Instant::now() >= until {
            let detail = format!("The answer is still being written: GET /v1/turns/{}.", accepted.turn);
            return Err(Error::public(ProblemKind::DeadlineExceeded, detail));
        }
        let finished = async {
            while let Ok(event) = listener.events.recv().await {
                match &event.body {
                    EventBody::AnswerFinished(answer) if event.turn == Some(accepted.turn) => {
                        degraded.clone_from(&answer.degraded);
                    }
                    EventBody::TurnFinished { .. } if event.turn == Some(accepted.turn) => return,
                    _ => {}
                }
            }
        };
        // Either way the rows are looked at next; time running out is one of the two.
        drop(timeout(LOOK_EVERY, finished).await);
    }
}

async fn new_conversation(core: &Core, me: &Identity) -> Result<ConversationId> {
    let id = ConversationId::new();
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    let row = CreateRow { id, title: "", owner: &me.user, members: &[] };
    tx.insert_conversation(&me.tenant, &row).await?;
    let (action, detail) = ("conversation.created", json!({"members": []}));
    let act = Act { at: clock::now(), actor: &me.user, action, subject: &id.to_string(), detail };
    tx.append_audit(&me.tenant, &act).await?;
    tx.commit().await?;
    Ok(id)
}

async fn look(core: &Core, me: &Identity, turn: TurnId) -> Result<TurnView> {
    let tx = core.store.read_own(&me.tenant).await?;
    let view = turns::view(&tx, me, turn).await?;
    tx.commit().await?;
    Ok(view)
}

fn answer(view: TurnView, degraded: Option<String>) -> ChatAnswer {
    ChatAnswer {
        conversation_id: view.conversation,
        turn: view.id,
        response: view.answer.or(view.error).unwrap_or_default(),
        plan: view.plan,
        state: view.state,
        degraded,
    }
}
