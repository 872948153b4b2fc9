//! What the protocol requires of a request and its types do not say (A2A 1.0, section 3.3.2: everything is looked at before
//! anything is done). Pure.

use crate::{
    agent::{Abilities, no_push},
    fault::Fault,
    wire::{ListTasksRequest, Message, Role, SendMessageRequest, TaskPushNotificationConfig, TaskState},
};

/// Characters of an id that a client chooses.
const MAX_ID_CHARS: usize = 256;
/// Characters of a URL.
const MAX_URL_CHARS: usize = 2_000;
/// Characters of what a client wants to see when it is told something.
const MAX_SECRET_CHARS: usize = 4_096;
/// Tasks on a page, where the client does not say (section 3.1.4).
const PAGE: i32 = 50;
/// The most that it may say.
const MAX_PAGE: i32 = 100;

/// A message to be taken. An empty id is none: SDKs that are generated from protocol buffers say all fields.
pub(crate) fn message(request: &mut SendMessageRequest, abilities: &Abilities) -> Result<(), Fault> {
    let Message { message_id, context_id, task_id, role, parts, .. } = &mut request.message;
    id("message.messageId", message_id)?;
    for (field, value) in [("message.contextId", context_id), ("message.taskId", task_id)] {
        *value = value.take().filter(|value| !value.is_empty());
        if let Some(value) = value {
            id(field, value)?;
        }
    }
    if *role != Role::User {
        return Err(Fault::invalid("message.role", "it must be ROLE_USER"));
    }
    if parts.is_empty() {
        return Err(Fault::invalid("message.parts", "it is empty"));
    }
    let Some(wish) = &mut request.configuration else { return Ok(()) };
    history_length("configuration.historyLength", wish.history_length)?;
    match &mut wish.task_push_notification_config {
        Some(_) if !abilities.push => Err(no_push()),
        Some(config) => push(config),
        None => Ok(()),
    }
}

/// A page to be listed; what is not said is filled in.
pub(crate) fn list(request: &mut ListTasksRequest) -> Result<(), Fault> {
    let size = *request.page_size.get_or_insert(PAGE);
    if !(1..=MAX_PAGE).contains(&size) {
        return Err(Fault::invalid("pageSize", format!("it must be 1 to {MAX_PAGE}")));
    }
    request.page_token = request.page_token.take().filter(|token| !token.is_empty());
    request.context_id = request.context_id.take().filter(|id| !id.is_empty());
    request.status = request.status.take().filter(|state| *state != TaskState::Unspecified);
    history_length("historyLength", request.history_length)
}

/// Where events are to be sent.
pub(crate) fn push(config: &mut TaskPushNotificationConfig) -> Result<(), Fault> {
    config.id = config.id.take().filter(|id| !id.is_empty());
    if let Some(own) = &config.id {
        id("id", own)?;
    }
    if config.url.trim().is_empty() || config.url.chars().count() > MAX_URL_CHARS {
        return Err(Fault::invalid("url", format!("it must have 1 to {MAX_URL_CHARS} characters")));
    }
    config.token = config.token.take().filter(|token| !token.is_empty());
    secret("token", config.token.as_deref())?;
    let Some(how) = &mut config.authentication else { return Ok(()) };
    if how.scheme.is_empty() || !how.scheme.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+".contains(c))
    {
        return Err(Fault::invalid("authentication.scheme", "it must be a word such as Bearer"));
    }
    how.credentials = how.credentials.take().filter(|credentials| !credentials.is_empty());
    secret("authentication.credentials", how.credentials.as_deref())
}

/// What goes into a header as it is.
fn secret(field: &str, secret: Option<&str>) -> Result<(), Fault> {
    let is_visible = |c: char| c.is_ascii_graphic() || c == ' ';
    let fits = secret.is_none_or(|text| text.len() <= MAX_SECRET_CHARS && text.chars().all(is_visible));
    let why = || format!("it must have at most {MAX_SECRET_CHARS} characters, all visible and of ASCII");
    fits.then_some(()).ok_or_else(|| Fault::invalid(field, why()))
}

/// How much of a history is wanted.
pub(crate) fn history_length(field: &str, length: Option<i32>) -> Result<(), Fault> {
    match length {
        Some(length) if length < 0 => Err(Fault::invalid(field, "it must not be below 0")),
        _ => Ok(()),
    }
}

/// An id that has to be there.
pub(crate) fn id(field: &str, id: &str) -> Result<(), Fault> {
    let fits =
        !id.trim().is_empty() && id.chars().count() <= MAX_ID_CHARS && !id.chars().any(char::is_control);
    let why = || format!("it must have 1 to {MAX_ID_CHARS} characters, without control characters");
    fits.then_some(()).ok_or_else(|| Fault::invalid(field, why()))
}
