//! What is written with the next step of a turn, since nothing that takes long comes between: a step of its own would
//! protect no more. A core that dies meanwhile would have died before it.

use crate::store::FinishedCall;
use std::sync::{Mutex, MutexGuard, PoisonError};
use switchboard_shared::ids::CallId;

/// What waits for the next step.
#[derive(Default)]
pub(super) struct Unwritten(Mutex<Waiting>);

/// What goes with a step.
#[derive(Default)]
pub(super) struct Waiting {
    /// Calls that have ended; the answer or the next call follows at once.
    pub(super) ended: Vec<FinishedCall>,
    /// What agents call the work that they have begun.
    pub(super) tasks: Vec<(CallId, String)>,
}

impl Unwritten {
    pub(super) fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting())
    }

    pub(super) fn ended(&self, call: FinishedCall) {
        self.waiting().ended.push(call);
    }

    pub(super) fn begun(&self, call: CallId, task: String) {
        let mut waiting = self.waiting();
        waiting.tasks.retain(|(known, _)| *known != call);
        waiting.tasks.push((call, task));
    }

    /// What a call's agent calls its work, if that is not written yet.
    pub(super) fn take_task(&self, call: CallId) -> Option<String> {
        let mut waiting = self.waiting();
        let at = waiting.tasks.iter().position(|(known, _)| *known == call)?;
        Some(waiting.tasks.swap_remove(at).1)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_of_an_agents_work_is_written_and_once() {
        let (unwritten, [one, other]) = (Unwritten::default(), std::array::from_fn(|_| CallId::new()));
        for (call, task) in [(one, "a"), (other, "b"), (one, "c")] {
            unwritten.begun(call, task.to_owned());
        }
        assert_eq!(unwritten.take_task(one).as_deref(), Some("c"));
        assert_eq!(unwritten.take_task(one), None);
        assert_eq!(unwritten.take().tasks, [(other, "b".to_owned())]);
        assert!(unwritten.take().tasks.is_empty());
    }
}
