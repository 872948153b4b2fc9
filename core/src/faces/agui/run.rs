//! `POST /v1/ag-ui`: a message to the conversation that a thread is, and its turn as a run.

use super::{
    super::{
        following::{self, Following},
        http::{Caller, Json, deadline},
        outgoing::stream_to_client,
        telling::tell,
        thread::{self, Place},
    },
    input::RunInput,
    told::Run,
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::Result,
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use switchboard_shared::api::SendMessage;
use tokio::time::Instant;

pub(crate) async fn run(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    headers: HeaderMap,
    envelope: Envelope,
    Json(input): Json<RunInput>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let (text, parts) = input.question()?;
    // The same run again is the same message.
    let client_id = format!("ag-ui-{}", input.run_id).parse().ok();
    let message = SendMessage { client_id, text, agents: input.agents(), parts };
    let bound = core.config.turn.deadline + core.config.request_deadline;
    let until = Instant::now() + deadline(&headers, bound);
    let place = Place::named(&input.thread_id, input.run_id.as_bytes());
    let found = thread::find(&core, &me, &envelope, None, &place, false).await?;
    let patience = envelope.patience;
    let following = following::ask(&core, &me, envelope, found.conversation, message, until).await?;
    thread::note(&core, &me, &place, following.followed, patience).await;
    let run = Run::new(&input.thread_id, &input.run_id, following.followed);
    Ok(streamed(&core, following, run))
}

fn streamed(core: &Arc<Core>, following: Following, run: Run) -> Response {
    let (outgoing, response) = stream_to_client(core);
    let halt = core.halt.clone();
    core.shutdown.tasks.spawn(async move {
        // A client that is gone has nothing to be told; its turn goes on, and is in the conversation.
        drop(tell(&outgoing, following, run, &halt).await);
    });
    response
}
