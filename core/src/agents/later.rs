//! A look at work that goes on beyond its call.

use super::{
    Reply,
    call::{is_for_good, refused},
    credentials::CredentialFault,
    files::FileBounds,
    line::{Fault, Line},
    transcript::Transcript,
    wire::{self, error_code, methods},
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
        Err(fault) if may_pass(&fault) => return Err(fault),
        Err(fault) => return Ok(Some(transcript.reply(refused(fault)))),
    };
    let Ok(said) = wire::task(&found).map_or_else(|| wire::said(&found), Ok) else {
        return Err(Fault::Garbage("it did not say what the task has come to".into()));
    };
    Ok(transcript.take(said).map(|end| transcript.reply(end)))
}

/// Whether it may be otherwise at the next look: an hour's work is not lost for one bad answer, and its time is bounded.
fn may_pass(fault: &Fault) -> bool {
    match fault {
        Fault::Garbage(_) | Fault::Credential(CredentialFault::NoToken(_)) => true,
        Fault::Rpc(error) => error.code == i64::from(error_code::INTERNAL_ERROR),
        fault => !is_for_good(fault),
    }
}
