//! A look at work that goes on beyond its call.

use super::{
    Reply,
    call::{is_for_good, refused},
    files::FileBounds,
    line::{Fault, Line},
    transcript::Transcript,
    wire::{self, methods},
};
use serde_json::json;

/// What a task has come to, once it is over or waits for its user; a fault where its agent has to be asked again.
pub(super) async fn look(
    line: &Line<'_>,
    task: &str,
    max_reply_bytes: usize,
    files: &FileBounds,
) -> Result<Option<Reply>, Fault> {
    let mut transcript = Transcript::new(max_reply_bytes, Some(task.to_owned())).with_files(files.clone());
    let found = match line.one(methods::GET_TASK, json!({"id": task})).await {
        Ok(found) => found,
        Err(fault) if is_for_good(&fault) => return Ok(Some(transcript.reply(refused(fault)))),
        Err(fault) => return Err(fault),
    };
    // What cannot be read today may be whole tomorrow; its time is bounded.
    let Ok(said) = wire::task(&found).map_or_else(|| wire::said(&found), Ok) else {
        return Err(Fault::Garbage("it did not say what the task has come to".into()));
    };
    Ok(transcript.take(said).map(|end| transcript.reply(end)))
}
