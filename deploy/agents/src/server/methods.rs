//! The operations of A2A 1.0 that these agents offer.

use std::sync::Arc;

use a2a::{
    A2AError, CancelTaskRequest, GetTaskRequest, ListTasksRequest, Part, Role, SendMessageConfiguration,
    SendMessageRequest, SendMessageResponse, SubscribeToTaskRequest, Task, methods as name,
};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::jsonrpc::{Call, reply};
use super::task::{KeptTask, at_rest};
use super::tasks::{Taken, trim_history};
use super::{Desk, run, sse};
use crate::card::WRITES;

/// Answers one call.
pub(super) async fn answer(desk: Arc<Desk>, call: Call, traceparent: Option<String>) -> Response {
    let id = call.id.clone();
    match call.method.as_str() {
        name::SEND_MESSAGE => reply(id, send(&desk, &call, traceparent).await.and_then(json)),
        name::SEND_STREAMING_MESSAGE => stream(&desk, &call, traceparent),
        name::GET_TASK => reply(id, get(&desk, &call).and_then(json)),
        name::LIST_TASKS => reply(id, list(&desk, &call)),
        name::CANCEL_TASK => reply(id, cancel(&desk, &call).and_then(json)),
        name::SUBSCRIBE_TO_TASK => match subscribe(&desk, &call) {
            Ok(task) => listen(&desk, id, &task),
            Err(error) => reply(id, Err(error)),
        },
        name::GET_EXTENDED_AGENT_CARD => reply(
            id,
            Err(A2AError::unsupported_operation("there is no extended card; the public one says it all")),
        ),
        other if name::is_valid(other) => reply(id, Err(A2AError::push_notification_not_supported())),
        other => reply(id, Err(A2AError::method_not_found(other))),
    }
}

/// Blocks until the task rests, unless the caller asks to return at once.
async fn send(desk: &Arc<Desk>, call: &Call, trace: Option<String>) -> Result<SendMessageResponse, A2AError> {
    let request: SendMessageRequest = call.params()?;
    let configuration = request.configuration.clone();
    let (kept, to_run) = take(desk, request)?;
    if to_run {
        run::start(desk, &kept, trace);
    }
    let at_once = configuration.as_ref().and_then(|wish| wish.return_immediately) == Some(true);
    let mut task = if at_once { kept.snapshot() } else { rested(desk, &kept).await };
    trim_history(&mut task, configuration.and_then(|wish| wish.history_length));
    Ok(SendMessageResponse::Task(task))
}

/// Listens before the run starts, so that even the quickest answer comes as a stream.
fn stream(desk: &Arc<Desk>, call: &Call, trace: Option<String>) -> Response {
    match call.params().and_then(|request| take(desk, request)) {
        Ok((kept, to_run)) => {
            let response = listen(desk, call.id.clone(), &kept);
            if to_run {
                run::start(desk, &kept, trace);
            }
            response
        }
        Err(error) => reply(call.id.clone(), Err(error)),
    }
}

/// Returns the message's task, and whether it must now run.
fn take(desk: &Desk, request: SendMessageRequest) -> Result<(Arc<KeptTask>, bool), A2AError> {
    check(desk, &request)?;
    Ok(match desk.tasks.take(request.message)? {
        Taken::ToRun(task) => (task, true),
        Taken::SeenBefore(task) => (task, false),
    })
}

fn check(desk: &Desk, request: &SendMessageRequest) -> Result<(), A2AError> {
    let message = &request.message;
    if message.message_id.trim().is_empty() {
        return Err(A2AError::invalid_params("message.messageId is missing"));
    }
    if message.parts.is_empty() {
        return Err(A2AError::invalid_params("message.parts is empty"));
    }
    if message.role != Role::User {
        return Err(A2AError::invalid_params("message.role must be ROLE_USER"));
    }
    if let Some(part) = message.parts.iter().find(|part| !readable(desk, part)) {
        let given = part.media_type.as_deref().unwrap_or_default();
        let reads = desk.card.default_input_modes.join(", ");
        return Err(A2AError::new(
            a2a::error_code::CONTENT_TYPE_NOT_SUPPORTED,
            format!("this agent does not read {given}; it reads {reads}"),
        ));
    }
    let wish = request.configuration.as_ref();
    if wish.is_some_and(|wish| wish.task_push_notification_config.is_some()) {
        return Err(A2AError::push_notification_not_supported());
    }
    if wish.is_some_and(|wish| !writable(wish)) {
        return Err(A2AError::new(
            a2a::error_code::CONTENT_TYPE_NOT_SUPPORTED,
            format!("this agent writes {} only", WRITES.join(", ")),
        ));
    }
    Ok(())
}

/// A part without a media type is let in: the agent looks at what it is.
fn readable(desk: &Desk, part: &Part) -> bool {
    let essence =
        part.media_type.as_deref().and_then(|given| given.split(';').next()).unwrap_or_default().trim();
    essence.is_empty() || desk.card.default_input_modes.iter().any(|mode| mode.eq_ignore_ascii_case(essence))
}

fn writable(wish: &SendMessageConfiguration) -> bool {
    let accepted = wish.accepted_output_modes.as_deref().unwrap_or_default();
    let fits =
        |mode: &String| matches!(mode.as_str(), "*/*" | "text/*" | "text") || WRITES.contains(&mode.as_str());
    accepted.is_empty() || accepted.iter().any(fits)
}

async fn rested(desk: &Desk, kept: &KeptTask) -> Task {
    loop {
        let (task, mut updates) = kept.listen();
        if at_rest(&task.status.state) {
            return task;
        }
        tokio::select! {
            // Any update, and also having missed some, is a reason to look again.
            _ = updates.recv() => {}
            () = desk.stop.cancelled() => return kept.snapshot(),
        }
    }
}

fn get(desk: &Desk, call: &Call) -> Result<Task, A2AError> {
    let request: GetTaskRequest = call.params()?;
    let mut task = desk.tasks.get(&request.id)?.snapshot();
    trim_history(&mut task, request.history_length);
    Ok(task)
}

fn list(desk: &Desk, call: &Call) -> Result<Value, A2AError> {
    let request: ListTasksRequest = call.params()?;
    json(desk.tasks.list(&request)?)
}

fn cancel(desk: &Desk, call: &Call) -> Result<Task, A2AError> {
    let request: CancelTaskRequest = call.params()?;
    desk.tasks.get(&request.id)?.cancel()
}

fn subscribe(desk: &Desk, call: &Call) -> Result<Arc<KeptTask>, A2AError> {
    let request: SubscribeToTaskRequest = call.params()?;
    let task = desk.tasks.get(&request.id)?;
    if task.state().is_terminal() {
        return Err(A2AError::unsupported_operation("this task has ended; get it instead"));
    }
    Ok(task)
}

fn listen(desk: &Desk, id: a2a::JsonRpcId, task: &KeptTask) -> Response {
    let (first, updates) = task.listen();
    sse::respond(id, first, updates, desk.stop.clone())
}

fn json(value: impl Serialize) -> Result<Value, A2AError> {
    serde_json::to_value(value).map_err(|error| A2AError::internal(error.to_string()))
}
