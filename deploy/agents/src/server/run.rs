//! One run of an agent on a task, bounded in time, and what it may report.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use a2a::{Message, PartContent, Role, Task, TaskState};
use bytes::Bytes;
use futures::FutureExt;
use tracing::Instrument;

use super::Desk;
use super::task::KeptTask;
use crate::agent::{File, Outcome, Request};

/// Characters of an answer sent in one update, at least; a chunk ends at a line's end.
const CHUNK: usize = 400;

/// What an agent may say while it works.
pub(crate) struct Reporter {
    task: Arc<KeptTask>,
}

impl Reporter {
    /// Says what is being done right now.
    pub(crate) fn progress(&self, words: impl Into<String>) {
        self.task.become_state(TaskState::Working, Some(words.into()));
    }

    /// Writes a piece of the answer that is already sure.
    pub(crate) fn write(&self, text: &str) {
        self.task.write(text, false);
    }

    /// Gives a file with the answer; what is written of it comes first.
    pub(crate) fn give(&self, name: &str, media_type: &str, bytes: Vec<u8>) {
        self.task.give(name, media_type, bytes);
    }
}

/// Starts a run; it is over when the task rests.
pub(super) fn start(desk: &Arc<Desk>, task: &Arc<KeptTask>, traceparent: Option<String>) {
    let (desk_of_run, task) = (Arc::clone(desk), Arc::clone(task));
    let run = async move { run(&desk_of_run, task, traceparent).await };
    desk.tracker.spawn(run.in_current_span());
}

async fn run(desk: &Desk, task: Arc<KeptTask>, traceparent: Option<String>) {
    let request = read(&task.snapshot(), traceparent);
    let reporter = Reporter { task: Arc::clone(&task) };
    let work = async {
        let _seat = desk.seats.acquire().await;
        task.become_state(TaskState::Working, None);
        desk.agent.run(&request, &reporter).await
    };
    let outcome = tokio::select! {
        () = task.cancelled().cancelled_owned() => return,
        () = desk.stop.cancelled() => Outcome::Failed("The agent is being stopped.".to_owned()),
        done = tokio::time::timeout(desk.limits.run_time, AssertUnwindSafe(work).catch_unwind()) => match done {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                tracing::error!(task = %task.snapshot().id, "the agent panicked");
                Outcome::Failed("Something went wrong inside this agent.".to_owned())
            }
            Err(_) => Outcome::Failed(format!("This took longer than {} seconds.", desk.limits.run_time.as_secs())),
        },
    };
    end(&task, outcome);
    tracing::info!(task = %task.snapshot().id, state = ?task.state(), "ran");
}

fn end(task: &KeptTask, outcome: Outcome) {
    match outcome {
        Outcome::Answered(text) => {
            let chunks = chunks(&text);
            for (place, chunk) in chunks.iter().enumerate() {
                task.write(chunk, place + 1 == chunks.len());
            }
            task.become_state(TaskState::Completed, None);
        }
        Outcome::AskedBack(question) => task.become_state(TaskState::InputRequired, Some(question)),
        Outcome::Refused(reason) => task.become_state(TaskState::Rejected, Some(reason)),
        Outcome::Failed(reason) => task.become_state(TaskState::Failed, Some(reason)),
    }
}

/// Cuts at line ends, so that a listener who joins chunks in any way still reads whole lines.
fn chunks(text: &str) -> Vec<String> {
    let mut chunks = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if chunks.last().is_some_and(|chunk| chunk.len() >= CHUNK) {
            chunks.push(String::new());
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push_str(line);
        }
    }
    chunks
}

/// Reads all the user's messages of the task as one request.
fn read(task: &Task, traceparent: Option<String>) -> Request {
    let mut texts = Vec::new();
    let mut request = Request { text: String::new(), files: Vec::new(), links: Vec::new(), traceparent };
    let said = task.history.iter().flatten().filter(|message| message.role == Role::User);
    for part in said.flat_map(|message: &Message| &message.parts) {
        match &part.content {
            PartContent::Text(text) => texts.push(text.clone()),
            PartContent::Data(value) => texts.push(value.to_string()),
            PartContent::Url(link) => request.links.push(link.clone()),
            PartContent::Raw(bytes) => match as_text(part.media_type.as_deref(), bytes) {
                Some(text) => texts.push(text),
                None => request
                    .files
                    .push(File { name: part.filename.clone(), bytes: Bytes::from(bytes.clone()) }),
            },
        }
    }
    request.text = texts.join("\n");
    request
}

fn as_text(media_type: Option<&str>, bytes: &[u8]) -> Option<String> {
    let textual =
        media_type.is_some_and(|kind| kind.starts_with("text/") || kind.starts_with("application/json"));
    textual.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_are_whole_lines_and_lose_nothing() {
        let text = "a line of some length\n".repeat(60);
        let cut = chunks(&text);
        assert!(cut.len() > 1 && cut.iter().all(|chunk| chunk.ends_with('\n')));
        assert_eq!(cut.concat(), text);
    }
}
