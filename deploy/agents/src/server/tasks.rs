//! The tasks of one agent, in memory and bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a::{A2AError, ListTasksRequest, ListTasksResponse, Message, Task};

use super::task::KeptTask;
use crate::settings::Limits;
use switchboard_a2a::task::goes_on;

/// The tasks of one agent.
pub(super) struct Tasks {
    kept: Mutex<Kept>,
    limits: Limits,
}

#[derive(Default)]
struct Kept {
    by_id: HashMap<String, Arc<KeptTask>>,
    /// Oldest first.
    order: VecDeque<String>,
    /// So that a message sent again, after an outcome its sender never saw, finds its task.
    by_message: HashMap<String, String>,
}

/// What a message has led to.
pub(super) enum Taken {
    /// A task that must now run.
    ToRun(Arc<KeptTask>),
    /// The task the same message has led to before.
    SeenBefore(Arc<KeptTask>),
}

impl Tasks {
    pub(super) fn new(limits: Limits) -> Self {
        Self { kept: Mutex::default(), limits }
    }

    /// Starts a task with the message, continues the one it names, or finds the one it has led to before.
    pub(super) fn take(&self, message: Message) -> Result<Taken, A2AError> {
        let mut kept = self.lock();
        if let Some(task) = kept.by_message.get(&message.message_id).and_then(|id| kept.by_id.get(id)) {
            return Ok(Taken::SeenBefore(Arc::clone(task)));
        }
        let message_id = message.message_id.clone();
        let task_id = message.task_id.clone();
        let (id, task) = match task_id {
            Some(id) => {
                let task = kept.by_id.get(&id).cloned().ok_or_else(|| A2AError::task_not_found(&id))?;
                task.proceed(message, self.limits.messages_per_task)?;
                (id, task)
            }
            None => {
                kept.make_room(self.limits.tasks_kept)?;
                let id = a2a::new_task_id();
                let task = Arc::new(KeptTask::new(id.clone(), message));
                kept.by_id.insert(id.clone(), Arc::clone(&task));
                kept.order.push_back(id.clone());
                (id, task)
            }
        };
        kept.by_message.insert(message_id, id);
        Ok(Taken::ToRun(task))
    }

    pub(super) fn get(&self, id: &str) -> Result<Arc<KeptTask>, A2AError> {
        self.lock().by_id.get(id).cloned().ok_or_else(|| A2AError::task_not_found(id))
    }

    /// Lists newest first, so many as the request says. The page token is the id of the last task given: ids sort by time.
    pub(super) fn list(&self, request: &ListTasksRequest) -> Result<ListTasksResponse, A2AError> {
        let size = request.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(1);
        let all: Vec<Arc<KeptTask>> = self.lock().by_id.values().cloned().collect();
        let mut tasks: Vec<Task> = all.iter().map(|task| task.snapshot()).collect();
        tasks.retain(|task| matches(task, request));
        tasks.sort_by(|a, b| (b.status.timestamp, &b.id).cmp(&(a.status.timestamp, &a.id)));
        let total = tasks.len();
        let token = request.page_token.as_deref().unwrap_or_default();
        let from = match tasks.iter().position(|task| task.id == token) {
            Some(last) => last + 1,
            None if token.is_empty() => 0,
            None => return Err(A2AError::invalid_params("pageToken is unknown; start again without it")),
        };
        let more = total.saturating_sub(from) > size;
        let page: Vec<Task> = tasks.into_iter().skip(from).take(size).collect();
        let next_page_token = page.last().filter(|_| more).map(|task| task.id.clone()).unwrap_or_default();
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Ok(ListTasksResponse {
            tasks: page,
            next_page_token,
            page_size: count(size),
            total_size: count(total),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn make_room(&mut self, most: usize) -> Result<(), A2AError> {
        while self.by_id.len() >= most {
            let oldest = self
                .order
                .iter()
                .position(|id| self.by_id.get(id).is_none_or(|task| !goes_on(&task.state())));
            let Some(id) = oldest.and_then(|place| self.order.remove(place)) else {
                return Err(A2AError::internal("too many tasks are running; try again later"));
            };
            if let Some(task) = self.by_id.remove(&id) {
                for message in task.snapshot().history.iter().flatten() {
                    self.by_message.remove(&message.message_id);
                }
            }
        }
        Ok(())
    }
}

fn matches(task: &Task, request: &ListTasksRequest) -> bool {
    let context = request.context_id.as_deref();
    context.is_none_or(|id| task.context_id == id)
        && request.status.as_ref().is_none_or(|state| task.status.state == *state)
        && request
            .status_timestamp_after
            .is_none_or(|after| task.status.timestamp.is_some_and(|at| at >= after))
}
