//! One task: its state, and everyone who listens to it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use a2a::{
    A2AError, Artifact, Message, Part, PartContent, Role, StreamResponse, Task, TaskArtifactUpdateEvent,
    TaskState, TaskStatus, TaskStatusUpdateEvent,
};
use chrono::Utc;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Updates a slow listener may be behind before its stream ends; it then asks with GetTask.
const LISTENER_QUEUE: usize = 512;

/// The one answer artifact of a task.
const ANSWER: &str = "answer";

/// A task and its listeners. Every change is made, and announced, under one lock, so that a snapshot and the
/// updates after it fit together without a gap.
pub(super) struct KeptTask {
    task: Mutex<Task>,
    updates: broadcast::Sender<StreamResponse>,
    cancelled: CancellationToken,
}

impl KeptTask {
    pub(super) fn new(id: String, mut message: Message) -> Self {
        let context_id = message.context_id.clone().unwrap_or_else(a2a::new_context_id);
        message.task_id = Some(id.clone());
        message.context_id = Some(context_id.clone());
        let task = Task {
            id,
            context_id,
            status: status(TaskState::Submitted, None),
            artifacts: None,
            history: Some(vec![message]),
            metadata: None,
        };
        let (updates, _) = broadcast::channel(LISTENER_QUEUE);
        Self { task: Mutex::new(task), updates, cancelled: CancellationToken::new() }
    }

    pub(super) fn snapshot(&self) -> Task {
        self.lock().clone()
    }

    pub(super) fn state(&self) -> TaskState {
        self.lock().status.state.clone()
    }

    /// The task as it is, and everything that will happen to it.
    pub(super) fn listen(&self) -> (Task, broadcast::Receiver<StreamResponse>) {
        let task = self.lock();
        (task.clone(), self.updates.subscribe())
    }

    pub(super) fn cancelled(&self) -> CancellationToken {
        self.cancelled.clone()
    }

    /// Takes a further message of a task that waits for one.
    pub(super) fn proceed(&self, mut message: Message, most: usize) -> Result<(), A2AError> {
        let mut task = self.lock();
        if message.context_id.as_ref().is_some_and(|context| *context != task.context_id) {
            return Err(A2AError::invalid_params("contextId does not belong to this task"));
        }
        if task.status.state != TaskState::InputRequired {
            return Err(A2AError::unsupported_operation("this task does not wait for a message"));
        }
        message.task_id = Some(task.id.clone());
        message.context_id = Some(task.context_id.clone());
        let history = task.history.get_or_insert_default();
        if history.len() >= most {
            return Err(A2AError::unsupported_operation(
                "this task has had too many messages; start a new one",
            ));
        }
        history.push(message);
        task.status = status(TaskState::Submitted, None);
        Ok(())
    }

    /// Moves to a state, with words; nothing happens once the task has ended.
    pub(super) fn become_state(&self, state: TaskState, words: Option<String>) {
        let mut task = self.lock();
        if task.status.state.is_terminal() {
            return;
        }
        let message = words.map(|text| self.agent_message(&task, text));
        if state == TaskState::InputRequired
            && let Some(message) = &message
        {
            task.history.get_or_insert_default().push(message.clone());
        }
        task.status = status(state, message);
        self.announce_status(&task);
    }

    /// Adds to the answer; nothing happens once the task has ended.
    pub(super) fn write(&self, text: &str, last: bool) {
        let mut task = self.lock();
        if task.status.state.is_terminal() {
            return;
        }
        let kept = task.artifacts.get_or_insert_default();
        let append = match kept.first_mut().and_then(|artifact| artifact.parts.first_mut()) {
            Some(Part { content: PartContent::Text(whole), .. }) => {
                whole.push_str(text);
                true
            }
            _ => {
                kept.push(answer(text));
                false
            }
        };
        let event = TaskArtifactUpdateEvent {
            task_id: task.id.clone(),
            context_id: task.context_id.clone(),
            artifact: answer(text),
            append: Some(append),
            last_chunk: Some(last),
            metadata: None,
        };
        // Nobody listening is not an error.
        self.updates.send(StreamResponse::ArtifactUpdate(event)).ok();
    }

    /// Gives a file, as an artifact of its own behind the answer; nothing happens once the task has ended.
    pub(super) fn give(&self, name: &str, media_type: &str, bytes: Vec<u8>) {
        let mut task = self.lock();
        if task.status.state.is_terminal() {
            return;
        }
        let artifact = file(name, media_type, bytes);
        task.artifacts.get_or_insert_default().push(artifact.clone());
        let event = TaskArtifactUpdateEvent {
            task_id: task.id.clone(),
            context_id: task.context_id.clone(),
            artifact,
            append: Some(false),
            last_chunk: Some(true),
            metadata: None,
        };
        self.updates.send(StreamResponse::ArtifactUpdate(event)).ok();
    }

    /// Cancels; fails when the task has ended. Check and change are one step.
    pub(super) fn cancel(&self) -> Result<Task, A2AError> {
        let mut task = self.lock();
        if task.status.state.is_terminal() {
            return Err(A2AError::task_not_cancelable(&task.id));
        }
        task.status = status(TaskState::Canceled, None);
        self.cancelled.cancel();
        self.announce_status(&task);
        Ok(task.clone())
    }

    fn announce_status(&self, task: &Task) {
        let event = TaskStatusUpdateEvent {
            task_id: task.id.clone(),
            context_id: task.context_id.clone(),
            status: task.status.clone(),
            metadata: None,
        };
        self.updates.send(StreamResponse::StatusUpdate(event)).ok();
    }

    fn agent_message(&self, task: &Task, text: String) -> Message {
        let mut message = Message::new(Role::Agent, vec![Part::text(text)]);
        message.task_id = Some(task.id.clone());
        message.context_id = Some(task.context_id.clone());
        message
    }

    /// No code that can panic runs under the lock, so a poisoned one still holds a whole task.
    fn lock(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn status(state: TaskState, message: Option<Message>) -> TaskStatus {
    TaskStatus { state, message, timestamp: Some(Utc::now()) }
}

fn answer(text: &str) -> Artifact {
    Artifact {
        artifact_id: ANSWER.to_owned(),
        name: Some(ANSWER.to_owned()),
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    }
}

fn file(name: &str, media_type: &str, bytes: Vec<u8>) -> Artifact {
    let part = Part {
        content: PartContent::Raw(bytes),
        filename: Some(name.to_owned()),
        media_type: Some(media_type.to_owned()),
        metadata: None,
    };
    Artifact {
        artifact_id: name.to_owned(),
        name: Some(name.to_owned()),
        description: None,
        parts: vec![part],
        metadata: None,
        extensions: None,
    }
}
