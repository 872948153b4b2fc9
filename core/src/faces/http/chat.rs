//! `POST /chat`: ask once, wait for the whole answer. The same turn as everywhere, listened to until its end.

use super::{
    conversations,
    extract::{Caller, IdempotencyKey, Json, deadline},
    turns,
};
use crate::{
    accept::{Envelope, accept},
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    store::{View, reading},
};
use axum::{extract::State, http::HeaderMap, response::IntoResponse};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{Chat, ChatAnswer, CreateConversation, TurnView},
    events::{EventBody, TurnState},
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
    let mut listener = core.bell.listen(conversation);
    message.client_id = key;
    let accepted = accept(&core, &me, conversation, message, envelope).await?;
    loop {
        let view = reading!(&core.store, &me.tenant, View::Own, tx, turns::view(tx, &me, accepted.turn))?;
        if view.state != TurnState::Running {
            return Ok(axum::Json(answer(view)));
        }
        if Instant::now() >= until {
            let detail = format!("The answer is still being written: GET /v1/turns/{}.", accepted.turn);
            return Err(Error::public(ProblemKind::DeadlineExceeded, detail));
        }
        let finished = async {
            while let Ok(event) = listener.events.recv().await {
                let finished = matches!(event.body, EventBody::TurnFinished { .. });
                if finished && event.turn == Some(accepted.turn) {
                    return;
                }
            }
        };
        // Either way the rows are looked at next; time running out is one of the two.
        drop(timeout(LOOK_EVERY, finished).await);
    }
}

fn answer(view: TurnView) -> ChatAnswer {
    ChatAnswer {
        conversation_id: view.conversation,
        turn: view.id,
        response: view.answer.or(view.error).unwrap_or_default(),
        plan: view.plan,
        state: view.state,
        degraded: view.degraded,
    }
}
