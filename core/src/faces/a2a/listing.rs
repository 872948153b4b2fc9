//! Pages of tasks: those of the newest states first, from where the page before ended.

use super::{asker::Asker, contexts, shown::Place};
use crate::{
    core::Core,
    error::Result,
    store::{CallRow, OpenCall, TaskRow, TaskState, Tasks, Tx, View, reading},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use switchboard_a2a::{
    Fault,
    wire::{self, ListTasksRequest, ListTasksResponse, Task},
};
use switchboard_shared::{
    events::CallState,
    ids::{TenantId, TurnId},
};

/// Messages of a task's history on a page, at most.
const HISTORY: i32 = 20;

pub(super) async fn page(
    core: &Core,
    asker: &Asker,
    request: ListTasksRequest,
) -> Result<ListTasksResponse, Fault> {
    let me = &asker.me;
    let size = request.page_size.unwrap_or(50);
    let empty = || ListTasksResponse {
        tasks: Vec::new(),
        next_page_token: String::new(),
        page_size: size,
        total_size: 0,
    };
    let conversation = match &request.context_id {
        None => None,
        Some(name) => match contexts::find(core, me, name).await? {
            Some(conversation) => Some(conversation),
            None => return Ok(empty()),
        },
    };
    let after = request.page_token.as_deref().map(read_token).transpose()?;
    let which = Tasks {
        conversation,
        state: request.status.as_ref().and_then(state),
        since: request.status_timestamp_after,
        after,
        limit: i64::from(size) + 1,
    };
    let history = i64::from(request.history_length.unwrap_or(HISTORY).clamp(0, HISTORY));
    let wants_artifacts = request.include_artifacts.unwrap_or(false);
    let (tasks, more, total) = reading!(&core.store, &me.tenant, View::Latest, tx, async {
        let (mut rows, total) = tx.tasks(&me.tenant, &me.user, &which).await?;
        let more = rows.len() > usize::try_from(size).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let mut tasks: Vec<(Task, TaskRow)> = Vec::with_capacity(rows.len());
        for row in rows {
            // What agents say later stands in messages.
            let needed = if wants_artifacts { history.max(HISTORY.into()) } else { history };
            let messages = match needed {
                0 => Vec::new(),
                most => tx.messages_of_task(&me.tenant, row.id, most).await?,
            };
            // Who asks back is told with what is asked.
            let waits = matches!(row.state, TaskState::InputRequired | TaskState::AuthRequired);
            let calls = match wants_artifacts || waits {
                true => tx.calls(&me.tenant, row.turn.id).await?,
                false => Vec::new(),
            };
            let open = waits_before(tx, &me.tenant, &row, &calls).await?;
            let place = Place::of(&row, &asker.origin);
            tasks.push((place.task(&row, &messages, &calls, open.as_ref()), row));
        }
        Ok((tasks, more, total))
    })?;
    let next = tasks.last().filter(|_| more).map(|(_, row)| token(row.since, row.turn.id));
    Ok(ListTasksResponse {
        tasks: tasks.into_iter().map(|(task, _)| task).collect(),
        next_page_token: next.unwrap_or_default(),
        page_size: size,
        total_size: i32::try_from(total).unwrap_or(i32::MAX),
    })
}

/// Who waits for the task's user since an earlier turn, where nobody does since the last one.
pub(super) async fn waits_before(
    tx: &Tx,
    tenant: &TenantId,
    row: &TaskRow,
    calls: &[CallRow],
) -> Result<Option<OpenCall>> {
    let asks = calls.iter().any(|call| call.state == CallState::InputRequired);
    if row.state != TaskState::InputRequired || asks {
        return Ok(None);
    }
    let open = tx.open_calls(tenant, row.turn.conversation).await?;
    Ok(open.into_iter().find(|open| open.turn == row.turn.id))
}

fn state(state: &wire::TaskState) -> Option<TaskState> {
    Some(match state {
        wire::TaskState::Submitted => TaskState::Submitted,
        wire::TaskState::Working => TaskState::Working,
        wire::TaskState::Completed => TaskState::Completed,
        wire::TaskState::Failed => TaskState::Failed,
        wire::TaskState::Canceled => TaskState::Canceled,
        wire::TaskState::Rejected => TaskState::Rejected,
        wire::TaskState::InputRequired => TaskState::InputRequired,
        wire::TaskState::AuthRequired => TaskState::AuthRequired,
        wire::TaskState::Unspecified => return None,
    })
}

/// Where the next page begins; whoever has it cannot see more by it than without.
fn token(at: DateTime<Utc>, turn: TurnId) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {turn}", at.timestamp_micros()))
}

fn read_token(token: &str) -> Result<(DateTime<Utc>, TurnId), Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let read = text.as_deref().and_then(|text| {
        let (at, turn) = text.split_once(' ')?;
        Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, turn.parse().ok()?))
    });
    read.ok_or_else(|| Fault::invalid("pageToken", "it is none that was given out here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_where_the_page_ended_and_others_nowhere() {
        let (at, turn) = (DateTime::from_timestamp_micros(1_764_435_600_123_456).unwrap(), TurnId::new());
        assert_eq!(read_token(&token(at, turn)).unwrap(), (at, turn));
        for bad in ["", "50", "?", &URL_SAFE_NO_PAD.encode("1 2")] {
            assert!(read_token(bad).is_err(), "{bad}");
        }
    }
}
