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
    resume::{self, Resumed},
    told::{self, Run},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::Result,
};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::sync::Arc;
use switchboard_shared::{api::SendMessage, identity::Identity};
use tokio::time::Instant;

pub(crate) async fn run(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    headers: HeaderMap,
    envelope: Envelope,
    Json(input): Json<RunInput>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let place = Place::named(&input.thread_id, input.run_id.as_bytes());
    let (conversation, message) = match taken_up(&core, &me, &envelope, &place, &input).await? {
        Some(Resumed::Says(conversation, message)) => (conversation, message),
        Some(Resumed::Nothing(why)) => {
            return Ok(over(&input, &told::refused(why)));
        }
        Some(Resumed::GivenUp) if !input.says_something() => {
            return Ok(over(&input, &told::given_up(&input.thread_id, &input.run_id)));
        }
        Some(Resumed::GivenUp) | None => {
            let message = message(&input)?;
            (thread::find(&core, &me, &envelope, None, &place, false).await?.conversation, message)
        }
    };
    let bound = core.config.turn.deadline + core.config.request_deadline;
    let until = Instant::now() + deadline(&headers, bound);
    let patience = envelope.patience;
    let following = following::ask(&core, &me, envelope, conversation, message, until).await?;
    thread::note(&core, &me, &place, following.followed, patience).await;
    let run = Run::new(&input.thread_id, &input.run_id, following.followed);
    Ok(streamed(&core, following, run))
}

/// What becomes of a run that goes on from a question; `None` for one that does not.
async fn taken_up(
    core: &Core,
    me: &Identity,
    envelope: &Envelope,
    place: &Place,
    input: &RunInput,
) -> Result<Option<Resumed>> {
    let entries = input.resumes();
    if entries.is_empty() {
        return Ok(None);
    }
    let conversation = thread::known(core, me, place).await?;
    resume::take_up(core, me, conversation, entries, envelope.patience).await.map(Some)
}

fn message(input: &RunInput) -> Result<SendMessage> {
    let (text, parts) = input.question()?;
    // The same run again is the same message.
    let client_id = format!("ag-ui-{}", input.run_id).parse().ok();
    Ok(SendMessage { client_id, text, agents: input.agents(), parts })
}

/// A run in which nothing is done, and how it ends.
fn over(input: &RunInput, end: &Value) -> Response {
    let begin = told::started(&input.thread_id, &input.run_id);
    let frames: String = [&begin, end].map(|event| format!("data: {event}\n\n")).concat();
    let fields = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (fields, frames).into_response()
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
