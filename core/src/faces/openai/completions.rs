//! `POST /v1/chat/completions`: a message to the conversation that the client means, and its turn as a completion.

use super::{
    super::{
        following::{self, Followed, Following},
        gone::WhenGone,
        http::{Caller, IdempotencyKey, Json, deadline},
        outgoing::stream_to_client,
        telling::tell,
        thread::{self, Place},
    },
    background::Task,
    completion::{Completion, Head, Wants},
    models,
    request::CompletionRequest,
    shape::SHOULD_RETRY,
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    clock,
    core::Core,
    error::Result,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName},
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use switchboard_shared::{api::SendMessage, headers, identity::Identity};
use tokio::time::Instant;
use uuid::Uuid;

/// How a stream of completions ends.
const DONE: &str = "data: [DONE]\n\n";
/// How often OpenAI's own libraries have sent this request before.
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");

pub(crate) async fn complete(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    headers: HeaderMap,
    envelope: Envelope,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<CompletionRequest>,
) -> Result<Response> {
    permit(&me, Permission::Converse)?;
    let question = request.question()?;
    let text = question.text();
    let agent = models::chosen(&core, &me, &request.model).await?;
    if let Some(task) = Task::of(&text, &request.system()) {
        return Ok(in_the_background(&core, &me, &request, &task).await);
    }
    let message = SendMessage {
        client_id: key.clone(),
        text,
        agents: agent.iter().map(|agent| agent.id.clone()).collect(),
        parts: question.files()?,
    };
    let bound = core.config.turn.deadline + core.config.request_deadline;
    let until = Instant::now() + deadline(&headers, bound);
    let place = place(&core, &headers, &request);
    let resent = headers.get(RETRY_COUNT).is_some_and(|count| count != "0");
    let found = thread::find(&core, &me, &envelope, key, &place, resent).await?;
    let patience = envelope.patience;
    let following = match found.same {
        Some(same) => following::again(&core, &me, same, until).await?,
        None => {
            let asked = following::ask(&core, &me, envelope, found.conversation, message, until).await?;
            thread::note(&core, &me, &place, asked.followed, patience).await;
            asked
        }
    };
    let completion = begun(&core, &request, Some(following.followed));
    let gone = WhenGone::new(&core, &me, following.followed.turn, core.config.openai.cancel_when_gone);
    match request.is_streamed() {
        true => Ok(streamed(&core, following, completion, gone)),
        false => whole(following, completion, gone).await,
    }
}

/// By the client's word for the chat; by Open WebUI's, where it is trusted; by what was said in it.
fn place(core: &Core, headers: &HeaderMap, request: &CompletionRequest) -> Place {
    let (before, now) = request.heads();
    let header = &core.config.openai.chat_id_header;
    let trusted = (!header.is_empty()).then(|| headers.get(header.as_str())).flatten();
    let trusted = trusted.and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    match request.conversation().or(trusted) {
        Some(word) => Place::named(word, &now),
        None => Place::said(before, now),
    }
}

fn begun(core: &Core, request: &CompletionRequest, followed: Option<Followed>) -> Completion {
    let id = followed.map_or_else(Uuid::now_v7, |followed| followed.turn.0);
    let head = Head {
        id: format!("chatcmpl-{}", id.simple()),
        created: clock::now().timestamp(),
        model: request.model.clone(),
        origin: core.config.login.origins.first().cloned().unwrap_or_default(),
    };
    let reasoning = request.wants_reasoning(core.config.openai.reasoning);
    Completion::new(head, Wants { reasoning, usage: request.wants_usage() }, followed)
}

async fn whole(mut following: Following, mut completion: Completion, gone: WhenGone) -> Result<Response> {
    while let Some(event) = following.next().await? {
        completion.take(&event);
    }
    gone.stays();
    match completion.outcome() {
        Ok(()) => Ok(axum::Json(completion.whole()).into_response()),
        // The same request would be told the same again.
        Err(error) => Ok(([(SHOULD_RETRY, "false")], error).into_response()),
    }
}

fn streamed(core: &Arc<Core>, following: Following, completion: Completion, gone: WhenGone) -> Response {
    let (outgoing, response) = stream_to_client(core);
    let halt = core.halt.clone();
    core.shutdown.tasks.spawn(async move {
        let told = match tell(&outgoing, following, completion, &halt).await {
            Ok(true) => outgoing.put(DONE).await,
            told => told.map(drop),
        };
        if told.is_ok() {
            gone.stays();
        }
    });
    response
}

/// Answers what nobody said; the edge gives back what it took for a message.
async fn in_the_background(
    core: &Core,
    me: &Identity,
    request: &CompletionRequest,
    task: &Task<'_>,
) -> Response {
    let (text, tokens) = task.answer(core, me, core.config.openai.task).await;
    core.counts.tokens(&me.tenant, &core.llm, &tokens);
    let mut completion = begun(core, request, None);
    completion.used(tokens.input, tokens.output);
    let answer = match request.is_streamed() {
        false => axum::Json(completion.whole_of(&text)).into_response(),
        true => {
            let pieces = [completion.first(), completion.text(&text)].into_iter().chain(completion.last());
            let frames: String = pieces.map(|piece| format!("data: {piece}\n\n")).collect();
            ([("content-type", "text/event-stream")], format!("{frames}{DONE}")).into_response()
        }
    };
    ([(headers::UNCOUNTED, "1")], answer).into_response()
}
