//! `POST /v1/ag-ui`: a message to the conversation that a thread is, and its turn as a run.

use super::{
    super::{
        following::{self, Following},
        http::{Caller, Json, deadline},
        outgoing::{Gone, Outgoing, stream_to_client},
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
use serde_json::Value;
use std::sync::Arc;
use switchboard_shared::{
    api::SendMessage,
    problem::{Problem, ProblemKind},
};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

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
        drop(pass_on(&outgoing, following, run, halt).await);
    });
    response
}

async fn pass_on(
    outgoing: &Outgoing,
    mut following: Following,
    mut run: Run,
    halt: CancellationToken,
) -> std::result::Result<(), Gone> {
    send(outgoing, run.begin()).await?;
    let mut pings = interval_at(Instant::now() + outgoing.ping, outgoing.ping);
    loop {
        tokio::select! {
            next = following.next() => match next {
                Ok(Some(event)) => send(outgoing, run.hear(&event)).await?,
                Ok(None) => return send(outgoing, run.end()).await,
                Err(error) => return send(outgoing, run.broken(&error.problem())).await,
            },
            _ = pings.tick() => outgoing.put(": waiting\n\n").await?,
            () = outgoing.gone() => return Err(Gone),
            () = halt.cancelled() => {
                let why = "This core ends; the answer is written elsewhere.";
                return send(outgoing, run.broken(&Problem::new(ProblemKind::Unavailable, why))).await;
            }
        }
    }
}

async fn send(outgoing: &Outgoing, told: Vec<Value>) -> std::result::Result<(), Gone> {
    for event in told {
        outgoing.send(&event).await?;
    }
    Ok(())
}
