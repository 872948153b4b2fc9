//! What a task becomes by its events, and what of it is shown. Pure.

use crate::wire::{Artifact, Part, PartContent, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState};

/// Whether a task goes on by itself: neither over, nor waiting for its client.
#[must_use]
pub fn goes_on(state: &TaskState) -> bool {
    !state.is_terminal() && !matches!(state, TaskState::InputRequired | TaskState::AuthRequired)
}

/// The state in which an event leaves its task, where it says one.
#[must_use]
pub fn state_of(update: &StreamResponse) -> Option<&TaskState> {
    match update {
        StreamResponse::Task(task) => Some(&task.status.state),
        StreamResponse::StatusUpdate(update) => Some(&update.status.state),
        StreamResponse::Message(_) | StreamResponse::ArtifactUpdate(_) => None,
    }
}

/// Takes an event up.
pub fn apply(task: &mut Task, update: StreamResponse) {
    match update {
        StreamResponse::Task(whole) => *task = whole,
        StreamResponse::StatusUpdate(update) => task.status = update.status,
        StreamResponse::ArtifactUpdate(update) => add(task.artifacts.get_or_insert_default(), update),
        StreamResponse::Message(message) => task.history.get_or_insert_default().push(message),
    }
}

/// An artifact that is there already is gone on with, or replaced (section 4.2.2).
fn add(artifacts: &mut Vec<Artifact>, update: TaskArtifactUpdateEvent) {
    let known = artifacts.iter_mut().find(|known| known.artifact_id == update.artifact.artifact_id);
    match (known, update.append.unwrap_or(false)) {
        (None, _) => artifacts.push(update.artifact),
        (Some(known), false) => *known = update.artifact,
        (Some(known), true) => {
            known.parts.extend(update.artifact.parts);
            known.metadata = update.artifact.metadata.or_else(|| known.metadata.take());
        }
    }
}

/// Joins the texts that came in pieces, so that a task that is fetched shows them as one.
pub fn join_texts(task: &mut Task) {
    for artifact in task.artifacts.iter_mut().flatten() {
        let mut joined: Vec<Part> = Vec::with_capacity(artifact.parts.len());
        for part in std::mem::take(&mut artifact.parts) {
            let alike = joined.last().is_some_and(|last| {
                last.media_type == part.media_type
                    && last.filename == part.filename
                    && last.metadata == part.metadata
            });
            match (joined.last_mut().filter(|_| alike).map(|last| &mut last.content), &part.content) {
                (Some(PartContent::Text(text)), PartContent::Text(more)) => text.push_str(more),
                _ => joined.push(part),
            }
        }
        artifact.parts = joined;
    }
}

/// Leaves as much of the history as was asked for (section 3.2.4): unset is all of it, 0 is none.
pub fn trim_history(task: &mut Task, length: Option<i32>) {
    let Some(length) = length.map(|length| usize::try_from(length).unwrap_or(0)) else { return };
    match &mut task.history {
        Some(history) if length > 0 => drop(history.drain(..history.len().saturating_sub(length))),
        history => *history = None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Message, Role, TaskStatus, TaskStatusUpdateEvent};

    fn task() -> Task {
        let status = TaskStatus { state: TaskState::Submitted, message: None, timestamp: None };
        Task {
            id: "t".into(),
            context_id: "c".into(),
            status,
            artifacts: None,
            history: None,
            metadata: None,
        }
    }

    fn piece(text: &str, append: bool) -> StreamResponse {
        let artifact = Artifact {
            artifact_id: "a".into(),
            name: None,
            description: None,
            parts: vec![Part::text(text)],
            metadata: None,
            extensions: None,
        };
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: "t".into(),
            context_id: "c".into(),
            artifact,
            append: Some(append),
            last_chunk: None,
            metadata: None,
        })
    }

    fn status(state: TaskState) -> StreamResponse {
        let status = TaskStatus { state, message: None, timestamp: None };
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: "t".into(),
            context_id: "c".into(),
            status,
            metadata: None,
        })
    }

    #[test]
    fn a_task_is_what_its_events_made_of_it() {
        let mut task = task();
        for update in [status(TaskState::Working), piece("a", false), piece("b", true), piece("c", true)] {
            apply(&mut task, update);
        }
        join_texts(&mut task);
        assert_eq!(task.artifacts.as_ref().unwrap()[0].parts, [Part::text("abc")]);
        apply(&mut task, piece("anew", false));
        apply(&mut task, status(TaskState::Completed));
        let artifacts = task.artifacts.unwrap();
        assert_eq!((artifacts.len(), &artifacts[0].parts), (1, &vec![Part::text("anew")]));
        assert_eq!(task.status.state, TaskState::Completed);
    }

    #[test]
    fn as_much_history_is_shown_as_was_asked_for() {
        let shown = |length| {
            let said = |text| Message::new(Role::User, vec![Part::text(text)]);
            let mut task = Task { history: Some(vec![said("a"), said("b"), said("c")]), ..task() };
            trim_history(&mut task, length);
            task.history
                .map(|history| history.iter().map(|m| m.text().unwrap().to_owned()).collect::<String>())
        };
        assert_eq!(shown(None).as_deref(), Some("abc"));
        assert_eq!(shown(Some(2)).as_deref(), Some("bc"));
        assert_eq!(shown(Some(9)).as_deref(), Some("abc"));
        assert_eq!(shown(Some(0)), None);
    }

    #[test]
    fn a_task_that_waits_or_is_over_does_not_go_on() {
        assert!(goes_on(&TaskState::Submitted) && goes_on(&TaskState::Working));
        for state in
            [TaskState::InputRequired, TaskState::AuthRequired, TaskState::Completed, TaskState::Rejected]
        {
            assert!(!goes_on(&state), "{state:?}");
        }
    }
}
