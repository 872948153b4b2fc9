//! What an agent has said so far in one call, in bounded memory.

use super::{
    Reply,
    draft::Draft,
    files::{FileBounds, Gathered},
    wire::{Said, TaskState, Words},
};
use crate::outside;
use switchboard_shared::events::CallState;

/// Why a call is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The agent answered with a message, without a task.
    Message,
    /// The task reached this state.
    Task(TaskState),
    /// Its time is over, and it works on.
    Working,
    /// The reply reached its bound.
    Full,
    /// The agent takes part in the protocol, but not in this question.
    Refused(String),
    /// The agent answered, and the answer is an error (JSON-RPC 2.0, section 5.1).
    Error(String),
    /// The question did not come to it.
    Unsent(String),
    /// It cannot be reached, or does not keep to the protocol.
    Failed(String),
    TimedOut,
    Canceled,
}

/// What stands before the words of an agent that waits for a sign-in, so that nobody answers them with a password.
const SIGN_IN: &str =
    "You have to sign in with it first, at its own place. Never write a password or a code here. It says:";

/// Why a call waits whose agent wants a sign-in.
pub(crate) const WAITS_FOR_SIGN_IN: &str = "it waits for a sign-in";

/// Collects; [`Transcript::reply`] is what remains.
#[derive(Debug)]
pub(super) struct Transcript {
    max_bytes: usize,
    task: Option<String>,
    draft: Draft,
    /// Of its artifacts.
    files: Option<Gathered>,
    status: Words,
    /// The agent's last message in the task's history, for agents that put their answer there.
    last: Words,
    full: bool,
}

impl Transcript {
    pub(super) fn new(max_bytes: usize, task: Option<String>) -> Self {
        let (draft, status, last) = (Draft::new(max_bytes), Words::default(), Words::default());
        Self { max_bytes, task, draft, files: None, status, last, full: false }
    }

    /// The same for an agent whose files are kept.
    pub(super) fn with_files(self, bounds: FileBounds) -> Self {
        Self { files: Some(Gathered::new(bounds)), ..self }
    }

    pub(super) fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// Takes up what was said; `Some` when the call is over by it.
    pub(super) fn take(&mut self, said: Said) -> Option<End> {
        if self.is_of_another_task(&said) {
            return None;
        }
        let end = match said {
            Said::Message(words) => {
                self.status = words;
                Some(End::Message)
            }
            Said::Task { id, state, status, artifacts, last } => {
                self.task = Some(id);
                self.replace(artifacts);
                (self.status, self.last) = (status, last);
                over(state)
            }
            Said::Status { task, state, words } => {
                self.learn_task(task);
                self.status = words;
                over(state)
            }
            Said::Artifact { task, id, append, words } => {
                self.learn_task(task);
                if let Some(files) = &mut self.files {
                    files.add(&id, append, words.files);
                }
                self.draft.add(id, append, &words.text);
                None
            }
        };
        if end.is_none() {
            // Only what it says last may hold files of the answer.
            (self.status.files, self.last.files) = (Vec::new(), Vec::new());
        }
        self.bound();
        if self.full { Some(End::Full) } else { end }
    }

    fn is_of_another_task(&self, said: &Said) -> bool {
        let id = match said {
            Said::Message(_) => return false,
            Said::Task { id, .. } => id,
            Said::Status { task, .. } | Said::Artifact { task, .. } => task,
        };
        !id.is_empty() && self.task.as_ref().is_some_and(|known| known != id)
    }

    fn replace(&mut self, artifacts: Vec<(String, Words)>) {
        if let Some(files) = &mut self.files {
            files.clear();
        }
        let mut texts = Vec::with_capacity(artifacts.len());
        for (id, words) in artifacts {
            if let Some(files) = &mut self.files {
                files.add(&id, true, words.files);
            }
            texts.push((id, words.text));
        }
        self.draft.replace(texts);
    }

    fn learn_task(&mut self, task: String) {
        if self.task.is_none() && !task.is_empty() {
            self.task = Some(task);
        }
    }

    fn bound(&mut self) {
        self.full |= self.draft.is_full();
        let mut left = self.draft.room();
        for text in [&mut self.status.text, &mut self.last.text] {
            if text.len() > left {
                *text = outside::beginning(text, left).into_owned();
                self.full = true;
            }
            left -= text.len();
        }
    }

    /// What has been added to the reply since this was last asked; nothing more once the agent takes back what it said.
    pub(super) fn added(&mut self) -> Option<String> {
        self.draft.added()
    }

    /// What the call comes to.
    pub(super) fn reply(self, end: End) -> Reply {
        let said = self.draft.text();
        let Self { task, status, last, max_bytes, .. } = self;
        let mut last_files = status.files;
        if said.is_empty() && status.text.trim().is_empty() {
            last_files.extend(last.files);
        }
        let is_unsent = matches!(end, End::Unsent(_));
        // Those of work that goes on come with what it comes to.
        let files = self.files.filter(|_| end != End::Working);
        let (files, left_out) = files.map(|files| files.end(last_files)).unwrap_or_default();
        let (status, last) = (status.text, last.text);
        let (state, text, reason) = match end {
            End::Message | End::Task(TaskState::Completed) => {
                let text = said_and_status(said, &status, &last);
                if text.trim().is_empty() {
                    (CallState::Failed, text, Some("it finished without saying anything".to_owned()))
                } else {
                    (CallState::Completed, text, None)
                }
            }
            End::Full => {
                let text = said_and_status(said, &status, &last);
                (CallState::Completed, text, Some(format!("its reply was cut at {max_bytes} bytes")))
            }
            End::Task(TaskState::InputRequired) => {
                (CallState::InputRequired, first_of(status, said, "It needs more from you."), None)
            }
            End::Task(TaskState::AuthRequired) => {
                let own = first_of(status, said, "(it does not say where)");
                (CallState::InputRequired, format!("{SIGN_IN} {own}"), Some(WAITS_FOR_SIGN_IN.to_owned()))
            }
            End::Task(TaskState::Rejected) => {
                (CallState::Rejected, said, Some(first_of(status, String::new(), "it refused the question")))
            }
            End::Task(TaskState::Canceled) => {
                (CallState::Failed, said, Some("it canceled the task itself".to_owned()))
            }
            End::Task(_) => (
                CallState::Failed,
                said,
                Some(first_of(status, String::new(), "it failed without saying why")),
            ),
            End::Refused(reason) => (CallState::Rejected, said, Some(reason)),
            End::Error(reason) | End::Failed(reason) | End::Unsent(reason) => {
                (CallState::Failed, said, Some(reason))
            }
            End::Working => (CallState::Working, said, None),
            End::TimedOut => (CallState::TimedOut, said, Some("it did not answer in time".to_owned())),
            End::Canceled => (CallState::Canceled, said, Some("the question was canceled".to_owned())),
        };
        let whole = matches!(state, CallState::Completed | CallState::InputRequired) && !self.full;
        let reasons: Vec<String> = reason.into_iter().chain(left_out).collect();
        let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        let partial = !whole && !text.trim().is_empty();
        Reply { state, partial, text, task_id: task, reason, is_unsent, files }
    }
}

fn over(state: TaskState) -> Option<End> {
    let interrupted = matches!(state, TaskState::InputRequired | TaskState::AuthRequired);
    (state.is_terminal() || interrupted).then_some(End::Task(state))
}

/// A closing word in the status belongs to the answer, unless it repeats it.
fn said_and_status(said: String, status: &str, last: &str) -> String {
    match (said.is_empty(), status.trim()) {
        (true, "") => last.to_owned(),
        (true, status) => status.to_owned(),
        (false, status) if said.contains(status) => said,
        (false, status) => format!("{said}\n\n{status}"),
    }
}

fn first_of(one: String, two: String, otherwise: &str) -> String {
    [one, two].into_iter().find(|text| !text.trim().is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(id: &str, append: bool, text: &str) -> Said {
        Said::Artifact { task: "t".into(), id: id.into(), append, words: words(text) }
    }

    fn status(state: TaskState, text: &str) -> Said {
        Said::Status { task: "t".into(), state, words: words(text) }
    }

    fn words(text: &str) -> Words {
        Words { text: text.into(), files: vec![] }
    }

    #[test]
    fn artifacts_are_appended_or_replaced_and_the_closing_word_is_kept() {
        let mut transcript = Transcript::new(1_000, None);
        assert_eq!(transcript.take(status(TaskState::Working, "on it")), None);
        for said in [artifact("a", false, "one "), artifact("a", true, "two"), artifact("b", false, "old")] {
            assert_eq!(transcript.take(said), None);
        }
        assert_eq!(transcript.take(artifact("b", false, "new")), None);
        assert_eq!(
            transcript.take(Said::Status {
                task: "other".into(),
                state: TaskState::Failed,
                words: words("?")
            }),
            None
        );
        let end = transcript.take(status(TaskState::Completed, "Done.")).unwrap();
        let reply = transcript.reply(end);
        assert_eq!((reply.state, reply.text.as_str()), (CallState::Completed, "one two\n\nnew\n\nDone."));
        assert_eq!((reply.task_id.as_deref(), reply.partial), (Some("t"), false));
    }

    #[test]
    fn a_reply_above_its_bound_is_cut_between_characters() {
        let mut transcript = Transcript::new(10, None);
        assert_eq!(transcript.take(artifact("a", false, "123456789é and more")), Some(End::Full));
        let reply = transcript.reply(End::Full);
        assert_eq!((reply.text.as_str(), reply.partial), ("123456789", true));
    }

    #[test]
    fn what_was_said_before_the_time_was_up_is_partial() {
        let mut transcript = Transcript::new(100, None);
        transcript.take(status(TaskState::Working, "thinking"));
        assert!(!Transcript::new(9, None).reply(End::TimedOut).partial);
        transcript.take(artifact("a", false, "half"));
        let reply = transcript.reply(End::TimedOut);
        assert_eq!((reply.state, reply.text.as_str(), reply.partial), (CallState::TimedOut, "half", true));
    }

    #[test]
    fn an_agent_that_waits_for_a_sign_in_does_not_read_like_a_question_for_a_password() {
        for (said, words) in
            [("Enter your password", "Enter your password"), (" ", "(it does not say where)")]
        {
            let mut transcript = Transcript::new(100, None);
            let end = transcript.take(status(TaskState::AuthRequired, said)).unwrap();
            let reply = transcript.reply(end);
            assert_eq!(reply.state, CallState::InputRequired);
            assert!(
                reply.text.starts_with("You have to sign in") && reply.text.ends_with(words),
                "{}",
                reply.text
            );
            assert!(reply.text.contains("Never write a password"), "{}", reply.text);
        }
    }

    #[test]
    fn an_agent_that_finishes_without_a_word_has_failed() {
        let mut transcript = Transcript::new(100, None);
        let end = transcript.take(status(TaskState::Completed, " ")).unwrap();
        assert_eq!(transcript.reply(end).state, CallState::Failed);
    }
}
