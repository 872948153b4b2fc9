//! What an agent does: tasks in, tasks and events out. It does not know in which binding it is asked.

use crate::{
    fault::{Fault, Kind},
    wire::{
        AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
        GetTaskPushNotificationConfigRequest, ListTaskPushNotificationConfigsRequest,
        ListTaskPushNotificationConfigsResponse, ListTasksRequest, ListTasksResponse, SendMessageRequest,
        StreamResponse, Task, TaskPushNotificationConfig,
    },
};
use futures::stream::BoxStream;
use std::future::Future;

/// What happens to a task, in order. It is read no faster than its reader takes it; it ends with the task's last event, or
/// before it, where the agent cannot go on telling.
pub type Updates = BoxStream<'static, Result<StreamResponse, Fault>>;

/// A task, and what happens to it from then on.
pub struct Running {
    /// As it is, with all that its updates will not say again.
    pub task: Task,
    /// What follows.
    pub updates: Updates,
}

/// What an agent offers beyond the ground of the protocol (A2A 1.0, section 3.3.4).
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    /// It streams.
    pub streaming: bool,
    /// It sends push notifications.
    pub push: bool,
    /// It has a card for who has shown who they are.
    pub extended_card: bool,
    /// It answers clients of 0.3 as well.
    pub before_1_0: bool,
    /// Extensions that a client has to offer.
    pub required_extensions: Vec<String>,
}

/// An agent. What it is asked has been looked through: what the protocol requires is there, and within its bounds.
pub trait Agent: Send + Sync {
    /// Who asks.
    type Caller: Send + Sync;

    /// What it offers.
    fn abilities(&self) -> Abilities;

    /// Whether a caller may name this tenant.
    fn is_tenant(&self, _caller: &Self::Caller, _tenant: &str) -> bool {
        true
    }

    /// Takes a message; the same message id again is the same task. Its updates may end where it is answered and goes on, as
    /// a task does whose work takes long, unless the message is returned from immediately.
    fn begin(
        &self,
        caller: &Self::Caller,
        request: SendMessageRequest,
    ) -> impl Future<Output = Result<Running, Fault>> + Send;

    /// A task as it is, with all of its history and artifacts.
    fn task(&self, caller: &Self::Caller, id: &str) -> impl Future<Output = Result<Task, Fault>> + Send;

    /// A page of the caller's tasks, those first whose state is the newest; the page's size is given.
    fn tasks(
        &self,
        caller: &Self::Caller,
        request: ListTasksRequest,
    ) -> impl Future<Output = Result<ListTasksResponse, Fault>> + Send;

    /// Stops a task, and says what has become of it.
    fn cancel(
        &self,
        caller: &Self::Caller,
        request: CancelTaskRequest,
    ) -> impl Future<Output = Result<Task, Fault>> + Send;

    /// A task that is not over, and what happens to it from now on.
    fn follow(&self, caller: &Self::Caller, id: &str) -> impl Future<Output = Result<Running, Fault>> + Send;

    /// The card for this caller.
    fn card(&self, caller: &Self::Caller) -> impl Future<Output = Result<AgentCard, Fault>> + Send;

    /// Notes where a task's events are sent.
    fn create_push(
        &self,
        _caller: &Self::Caller,
        _config: TaskPushNotificationConfig,
    ) -> impl Future<Output = Result<TaskPushNotificationConfig, Fault>> + Send {
        async { Err(no_push()) }
    }

    /// One of these notes.
    fn push(
        &self,
        _caller: &Self::Caller,
        _request: GetTaskPushNotificationConfigRequest,
    ) -> impl Future<Output = Result<TaskPushNotificationConfig, Fault>> + Send {
        async { Err(no_push()) }
    }

    /// All of a task's.
    fn pushes(
        &self,
        _caller: &Self::Caller,
        _request: ListTaskPushNotificationConfigsRequest,
    ) -> impl Future<Output = Result<ListTaskPushNotificationConfigsResponse, Fault>> + Send {
        async { Err(no_push()) }
    }

    /// Takes one away; that it is not there is no error.
    fn delete_push(
        &self,
        _caller: &Self::Caller,
        _request: DeleteTaskPushNotificationConfigRequest,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async { Err(no_push()) }
    }
}

/// What an agent says that sends no push notifications.
pub(crate) fn no_push() -> Fault {
    Fault::new(Kind::PushNotificationNotSupported, "This agent sends no push notifications.")
}
