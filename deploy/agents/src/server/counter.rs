//! Where an agent is asked: the operations of A2A 1.0 on its tasks in memory.

use std::sync::Arc;

use a2a::{
    A2AError, AgentCard, CancelTaskRequest, ListTasksRequest, ListTasksResponse, Part,
    SendMessageConfiguration, SendMessageRequest, Task,
};
use futures::StreamExt;
use futures::stream;
use switchboard_a2a::{Abilities, Agent, Fault, Kind, Running, task::goes_on};

use super::task::KeptTask;
use super::tasks::Taken;
use super::{Desk, run};
use crate::card::WRITES;

/// One agent, as it is asked.
pub(super) struct Counter(pub(super) Arc<Desk>);

/// The trace that a request belongs to (W3C Trace Context).
pub(super) type Trace = Option<String>;

impl Agent for Counter {
    type Caller = Trace;

    fn abilities(&self) -> Abilities {
        Abilities { streaming: true, ..Abilities::default() }
    }

    async fn begin(&self, trace: &Trace, request: SendMessageRequest) -> Result<Running, Fault> {
        check(&self.0, &request)?;
        // Listens before the run starts, so that even the quickest answer comes as a stream.
        match self.0.tasks.take(request.message)? {
            Taken::SeenBefore(task) => Ok(self.listen(&task)),
            Taken::ToRun(task) => {
                let running = self.listen(&task);
                run::start(&self.0, &task, trace.clone());
                Ok(running)
            }
        }
    }

    async fn task(&self, _: &Trace, id: &str) -> Result<Task, Fault> {
        Ok(self.0.tasks.get(id)?.snapshot())
    }

    async fn tasks(&self, _: &Trace, request: ListTasksRequest) -> Result<ListTasksResponse, Fault> {
        Ok(self.0.tasks.list(&request)?)
    }

    async fn cancel(&self, _: &Trace, request: CancelTaskRequest) -> Result<Task, Fault> {
        Ok(self.0.tasks.get(&request.id)?.cancel()?)
    }

    async fn follow(&self, _: &Trace, id: &str) -> Result<Running, Fault> {
        let task = self.0.tasks.get(id)?;
        Ok(self.listen(&task))
    }

    async fn card(&self, _: &Trace) -> Result<AgentCard, Fault> {
        Ok(self.0.card.clone())
    }
}

impl Counter {
    /// The task as it is, then what happens to it; ends when the listener is too slow to keep up, or the server stops.
    fn listen(&self, task: &KeptTask) -> Running {
        let (first, updates) = task.listen();
        let rest = goes_on(&first.status.state).then_some(updates);
        let later = stream::unfold(rest, async |updates| {
            let mut updates = updates?;
            let event = updates.recv().await.ok()?;
            Some((Ok(event), Some(updates)))
        });
        Running { task: first, updates: later.take_until(self.0.stop.clone().cancelled_owned()).boxed() }
    }
}

fn check(desk: &Desk, request: &SendMessageRequest) -> Result<(), A2AError> {
    if let Some(part) = request.message.parts.iter().find(|part| !readable(desk, part)) {
        let given = part.media_type.as_deref().unwrap_or_default();
        let reads = desk.card.default_input_modes.join(", ");
        return Err(unread(format!("this agent does not read {given}; it reads {reads}")));
    }
    match &request.configuration {
        Some(wish) if !writable(wish) => Err(unread(format!("this agent writes {} only", WRITES.join(", ")))),
        _ => Ok(()),
    }
}

fn unread(why: String) -> A2AError {
    A2AError::new(Kind::ContentTypeNotSupported.code(), why)
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
