//! The operations (A2A 1.0, section 3.1), whichever binding asks for them.

use crate::{
    agent::{Agent, Running, Updates},
    check,
    fault::{Fault, Kind},
    task::{apply, goes_on, join_texts, trim_history},
    wire::{
        CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
        GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
        ListTasksRequest, SendMessageConfiguration, SendMessageRequest, SendMessageResponse,
        SubscribeToTaskRequest, Task, TaskPushNotificationConfig, methods,
    },
};
use futures::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Who is asked, by whom, and how long an answer may take.
pub struct Asked<'a, A: Agent> {
    /// Who is asked.
    pub agent: &'a A,
    /// Who asks.
    pub caller: &'a A::Caller,
    /// A task that is waited for is answered by then, as it is.
    pub until: Instant,
    /// How long a stream may be silent.
    pub ping: Duration,
}

/// What was done; it goes with a response as an extension, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Performed {
    /// The operation, by its name.
    pub operation: &'static str,
    /// Whether it brought a message.
    pub is_message: bool,
}

macro_rules! operations {
    ($($name:ident($request:ty) = $method:path;)+) => {
        /// An operation, and what it is asked with.
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "each is named as the specification names it")]
        pub enum Operation {
            $($name($request),)+
        }

        impl Operation {
            /// Reads an operation by its name.
            ///
            /// # Errors
            /// When there is none of this name, or its parameters are not what it needs.
            pub fn named(method: &str, params: Value) -> Result<Self, Fault> {
                match method {
                    $($method => read(params).map(Self::$name),)+
                    _ => {
                        let message = "There is no such method.";
                        Err(Fault::new(Kind::MethodNotFound, message))
                    }
                }
            }

            /// Its name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $method),+ }
            }

            fn tenant(&self) -> Option<&str> {
                match self { $(Self::$name(request) => request.tenant.as_deref()),+ }
            }
        }
    };
}

operations! {
    Send(SendMessageRequest) = methods::SEND_MESSAGE;
    Stream(SendMessageRequest) = methods::SEND_STREAMING_MESSAGE;
    Get(GetTaskRequest) = methods::GET_TASK;
    List(ListTasksRequest) = methods::LIST_TASKS;
    Cancel(CancelTaskRequest) = methods::CANCEL_TASK;
    Subscribe(SubscribeToTaskRequest) = methods::SUBSCRIBE_TO_TASK;
    CreatePush(TaskPushNotificationConfig) = methods::CREATE_PUSH_CONFIG;
    GetPush(GetTaskPushNotificationConfigRequest) = methods::GET_PUSH_CONFIG;
    ListPush(ListTaskPushNotificationConfigsRequest) = methods::LIST_PUSH_CONFIGS;
    DeletePush(DeleteTaskPushNotificationConfigRequest) = methods::DELETE_PUSH_CONFIG;
    ExtendedCard(GetExtendedAgentCardRequest) = methods::GET_EXTENDED_AGENT_CARD;
}

/// What comes of an operation.
pub(crate) enum Done {
    One(Value),
    Many(Box<Running>),
}

impl Operation {
    pub(crate) fn performed(&self) -> Performed {
        Performed { operation: self.name(), is_message: matches!(self, Self::Send(_) | Self::Stream(_)) }
    }

    /// Looks the request through, and has it done.
    pub(crate) async fn perform<A: Agent>(self, asked: &Asked<'_, A>) -> Result<Done, Fault> {
        let Asked { agent, caller, until, .. } = *asked;
        let abilities = agent.abilities();
        if let Some(tenant) = self.tenant().filter(|tenant| !tenant.is_empty())
            && !agent.is_tenant(caller, tenant)
        {
            return Err(Fault::invalid("tenant", "it is none of yours"));
        }
        match self {
            Self::Send(mut request) => {
                check::message(&mut request, &abilities)?;
                let wish = request.configuration.as_ref();
                let at_once = wish.and_then(|wish| wish.return_immediately).unwrap_or(false);
                let length = wish.and_then(|wish| wish.history_length);
                let running = agent.begin(caller, request).await?;
                let mut task = if at_once { running.task } else { settled(running, until).await? };
                trim_history(&mut task, length);
                one(&SendMessageResponse::Task(task))
            }
            Self::Stream(mut request) => {
                streams(abilities.streaming)?;
                check::message(&mut request, &abilities)?;
                let length = request.configuration.as_ref().and_then(|wish| wish.history_length);
                // Whoever listens waits for nothing: all that follows is told.
                wishes(&mut request).return_immediately = Some(true);
                let mut running = agent.begin(caller, request).await?;
                trim_history(&mut running.task, length);
                Ok(Done::Many(Box::new(running)))
            }
            Self::Get(request) => {
                check::id("id", &request.id)?;
                check::history_length("historyLength", request.history_length)?;
                let mut task = agent.task(caller, &request.id).await?;
                trim_history(&mut task, request.history_length);
                one(&task)
            }
            Self::List(mut request) => {
                check::list(&mut request)?;
                let (length, artifacts) =
                    (request.history_length, request.include_artifacts.unwrap_or(false));
                let mut page = agent.tasks(caller, request).await?;
                for task in &mut page.tasks {
                    trim_history(task, length);
                    task.artifacts = artifacts.then(|| task.artifacts.take().unwrap_or_default());
                }
                one(&page)
            }
            Self::Cancel(request) => {
                check::id("id", &request.id)?;
                one(&agent.cancel(caller, request).await?)
            }
            Self::Subscribe(request) => {
                streams(abilities.streaming)?;
                check::id("id", &request.id)?;
                let running = agent.follow(caller, &request.id).await?;
                if running.task.status.state.is_terminal() {
                    let message = "This task is over: get it instead.";
                    return Err(Fault::new(Kind::UnsupportedOperation, message));
                }
                Ok(Done::Many(Box::new(running)))
            }
            Self::CreatePush(mut config) => {
                pushes(abilities.push)?;
                check::id("taskId", &config.task_id)?;
                check::push(&mut config)?;
                one(&agent.create_push(caller, config).await?)
            }
            Self::GetPush(request) => {
                pushes(abilities.push)?;
                one(&agent.push(caller, request).await?)
            }
            Self::ListPush(request) => {
                pushes(abilities.push)?;
                let page = agent.pushes(caller, request).await?;
                // Clients look for the list itself, also where it is empty.
                Ok(Done::One(
                    json!({"configs": page.configs, "nextPageToken": page.next_page_token.unwrap_or_default()}),
                ))
            }
            Self::DeletePush(request) => {
                pushes(abilities.push)?;
                agent.delete_push(caller, request).await?;
                Ok(Done::One(json!({})))
            }
            Self::ExtendedCard(_) if !abilities.extended_card => {
                let message = "There is no extended card: the public one says it all.";
                Err(Fault::new(Kind::UnsupportedOperation, message))
            }
            Self::ExtendedCard(_) => one(&agent.card(caller).await?),
        }
    }
}

fn wishes(request: &mut SendMessageRequest) -> &mut SendMessageConfiguration {
    request.configuration.get_or_insert(SendMessageConfiguration {
        accepted_output_modes: None,
        task_push_notification_config: None,
        history_length: None,
        return_immediately: None,
    })
}

/// Waits until a task is over, or waits itself for its client; as it is, when the time is over before.
async fn settled(running: Running, until: Instant) -> Result<Task, Fault> {
    let Running { mut task, mut updates }: Running = running;
    let next = async |updates: &mut Updates| timeout_at(until, updates.next()).await.ok().flatten();
    while goes_on(&task.status.state) {
        match next(&mut updates).await {
            Some(update) => apply(&mut task, update?),
            None => break,
        }
    }
    join_texts(&mut task);
    Ok(task)
}

fn streams(ability: bool) -> Result<(), Fault> {
    let message = "This agent does not stream.";
    ability.then_some(()).ok_or_else(|| Fault::new(Kind::UnsupportedOperation, message))
}

fn pushes(ability: bool) -> Result<(), Fault> {
    ability.then_some(()).ok_or_else(crate::agent::no_push)
}

fn one(value: &impl Serialize) -> Result<Done, Fault> {
    let json = serde_json::to_value(value);
    json.map(Done::One).map_err(|_| Fault::new(Kind::Internal, "The answer could not be written."))
}

/// Reads parameters; a fault names the field that it lies in.
fn read<T: DeserializeOwned>(params: Value) -> Result<T, Fault> {
    if !params.is_object() {
        return Err(Fault::invalid("params", "it must be an object"));
    }
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        Fault::invalid(field, error.inner().to_string())
    })
}
