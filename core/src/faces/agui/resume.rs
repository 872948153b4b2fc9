//! A run that goes on from a question (docs.ag-ui.com, "Interrupts and Resume"): its answer goes to the agent that asked,
//! or the question is given up. A question is called by its turn, which asks at most one. The same answer again is the
//! same message.

use super::super::questions;
use crate::{
    core::Core,
    error::{Error, Result},
    store::{Tx, View, reading},
};
use serde::Deserialize;
use serde_json::Value;
use switchboard_shared::{
    api::SendMessage,
    events::{CallState, TurnState, Usage},
    identity::Identity,
    ids::{AgentId, ClientId, ConversationId, TurnId},
    problem::ProblemKind,
};
use tokio::time::Instant;

/// An entry of `resume`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resume {
    interrupt_id: String,
    status: Status,
    #[serde(default)]
    payload: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Resolved,
    Cancelled,
}

/// What a run does that resumes.
pub(super) enum Resumed {
    /// It says the answer.
    Says(ConversationId, SendMessage),
    /// Nobody waits any more.
    GivenUp,
    /// Nothing, and why.
    Nothing(&'static str),
}

/// A question that a turn ended with.
struct Question {
    agent: AgentId,
    usage: Usage,
    is_open: bool,
    is_answered: bool,
}

const UNKNOWN: &str = "This thread has no such question.";
const ONE: &str = "A run asks one question, and `resume` says once what became of it.";
const CLOSED: &str = "This question is not open any more: the conversation has gone on.";
const SILENT: &str = "An entry that is `resolved` has the answer as its `payload`.";

/// Takes up what a run of this conversation ended with.
pub(super) async fn take_up(
    core: &Core,
    me: &Identity,
    conversation: Option<ConversationId>,
    entries: &[Resume],
    patience: Instant,
) -> Result<Resumed> {
    let [entry] = entries else { return Ok(Resumed::Nothing(ONE)) };
    let (Some(conversation), Ok(turn)) = (conversation, entry.interrupt_id.parse::<TurnId>()) else {
        return Ok(Resumed::Nothing(UNKNOWN));
    };
    let key: ClientId = format!("ag-ui-resume-{turn}").parse().map_err(|_| Error::not_found())?;
    let asked = reading!(&core.store, &me.tenant, View::Latest, tx, find(tx, me, conversation, turn, &key))?;
    let Some(asked) = asked else { return Ok(Resumed::Nothing(UNKNOWN)) };
    match (entry.status, said(&entry.payload)) {
        (Status::Resolved, None) => Ok(Resumed::Nothing(SILENT)),
        (Status::Resolved, Some(text)) if asked.is_open || asked.is_answered => {
            let (client_id, agents) = (Some(key), vec![asked.agent]);
            Ok(Resumed::Says(conversation, SendMessage { client_id, text, agents, parts: Vec::new() }))
        }
        (Status::Resolved, Some(_)) => Ok(Resumed::Nothing(CLOSED)),
        (Status::Cancelled, _) => {
            if asked.is_open {
                questions::give_up(core, me, conversation, turn, asked.usage, patience).await?;
            }
            Ok(Resumed::GivenUp)
        }
    }
}

/// An answer as it is said: a text as it is, anything else as JSON.
fn said(payload: &Value) -> Option<String> {
    match payload {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        other => Some(other.to_string()),
    }
}

async fn find(
    tx: &Tx,
    me: &Identity,
    conversation: ConversationId,
    id: TurnId,
    key: &ClientId,
) -> Result<Option<Question>> {
    let turn = match tx.turn(&me.tenant, id, &me.user).await {
        Err(Error::Public(problem)) if problem.code == ProblemKind::NotFound => return Ok(None),
        turn => turn?,
    };
    let calls = tx.calls(&me.tenant, id).await?;
    let waits = calls.into_iter().find(|call| call.state == CallState::InputRequired);
    let Some(waits) = waits.filter(|_| turn.conversation == conversation) else { return Ok(None) };
    let last = tx.previous_turn(&me.tenant, conversation, u64::MAX).await?;
    let answer = tx.message_by_client_id(&me.tenant, conversation, &me.user, key).await?;
    Ok(Some(Question {
        agent: waits.agent,
        usage: turn.usage,
        is_open: turn.state == TurnState::InputRequired && last.is_some_and(|last| last.id == id),
        is_answered: answer.is_some(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_said_as_it_is_and_anything_else_as_json() {
        for (payload, text) in [
            (json!("Tuesday"), Some("Tuesday")),
            (json!({"approved": true}), Some(r#"{"approved":true}"#)),
            (json!(false), Some("false")),
            (json!(" "), None),
            (json!(null), None),
        ] {
            assert_eq!(said(&payload).as_deref(), text, "{payload}");
        }
    }
}
