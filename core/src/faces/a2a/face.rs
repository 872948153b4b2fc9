//! Each operation on this core's rows. A task is its user's alone: nobody else sees it, whoever is in its conversation.

use super::{
    super::{
        following::{self, Followed},
        http::turns,
        questions,
    },
    asker::Asker,
    card, contexts, files, listing,
    pushes::{self, Of},
    shown::{self, Place},
    stream::running,
    taken,
    told::Told,
};
use crate::{
    accept::{Envelope, TaskOf},
    access::Reach,
    agents::Agent as Registered,
    clock,
    core::Core,
    error::Result,
    events::StreamPlace,
    store::{CallRow, MessageRow, OpenCall, TaskRow, View, reading},
};
use chrono::SubsecRound;
use futures::{StreamExt, stream};
use std::{sync::Arc, time::Duration};
use switchboard_a2a::{
    Abilities, Agent, Fault, Kind, Running,
    task::goes_on,
    wire::{
        AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
        GetTaskPushNotificationConfigRequest, ListTaskPushNotificationConfigsRequest,
        ListTaskPushNotificationConfigsResponse, ListTasksRequest, ListTasksResponse, Message,
        SendMessageRequest, Task, TaskPushNotificationConfig,
    },
};
use switchboard_shared::{
    ids::{ConversationId, TurnId},
    problem::ProblemKind,
};
use tokio::time::Instant;

/// Messages of a task's history, at most: the newest.
const MAX_HISTORY: i64 = 100;
/// How long a cancel waits for what it stops.
const STOPS_WITHIN: Duration = Duration::from_secs(3);

/// Switchboard, as an agent.
pub(super) struct Face {
    pub(super) core: Arc<Core>,
}

/// A task with all that its rows say of it.
struct Known {
    row: TaskRow,
    messages: Vec<MessageRow>,
    calls: Vec<CallRow>,
    open: Option<OpenCall>,
}

/// Where a message goes.
struct Destination {
    conversation: ConversationId,
    context: String,
    task: TaskOf,
    /// What was said in the task before.
    history: Vec<MessageRow>,
}

impl Agent for Face {
    type Caller = Asker;

    fn abilities(&self) -> Abilities {
        Abilities {
            streaming: true,
            push: true,
            extended_card: true,
            before_1_0: true,
            ..Abilities::default()
        }
    }

    fn is_tenant(&self, caller: &Asker, tenant: &str) -> bool {
        caller.me.tenant.as_str() == tenant
    }

    async fn begin(&self, caller: &Asker, request: SendMessageRequest) -> Result<Running, Fault> {
        let (core, me) = (&self.core, &caller.me);
        let said = &request.message;
        let usable = core.registry.all(&core.store, &me.tenant).await?.usable(&Reach::from(me));
        let takes = |media_type: &str| usable.iter().any(|agent| reads(agent, media_type));
        let message = taken::message(said, takes)?;
        let to = match &said.task_id {
            Some(task) => self.reply(caller, said, task).await?,
            None => {
                let key = taken::client_id(&said.message_id);
                let name = said.context_id.as_deref();
                let found = contexts::find_or_make(core, me, &caller.envelope, name, key).await?;
                let (conversation, context) = found;
                Destination { conversation, context, task: TaskOf::New, history: Vec::new() }
            }
        };
        let goes_on = match to.task {
            TaskOf::Known { task, .. } => Some(task),
            TaskOf::Unsaid | TaskOf::New => None,
        };
        let at_once = request.configuration.as_ref().and_then(|wish| wish.return_immediately) == Some(true);
        let push = request.configuration.and_then(|wish| wish.task_push_notification_config);
        if let Some(config) = &push {
            pushes::check(core, caller, goes_on, config).await?;
        }
        let envelope = Envelope { task: to.task, ..caller.envelope.clone() };
        let until = goes_on_until(core);
        let following = following::ask(core, me, envelope, to.conversation, message, until).await;
        let following = following.map_err(|error| waits_no_more(error, to.task))?;
        let following = following.beyond_if(at_once);
        let Followed { turn, seq, .. } = following.followed;
        if following.is_late {
            // Said before: its task may have gone on since, and a core may have died before it noted whom to tell.
            let known = self.known_by_turn(caller, turn).await?;
            if let Some(config) = push {
                let config = TaskPushNotificationConfig {
                    id: config.id.or_else(|| Some(known.row.id.to_string())),
                    ..config
                };
                pushes::create(core, caller, of(&known), config).await?;
            }
            return self.follow_known(caller, known, None).await;
        }
        let task = goes_on.unwrap_or(turn);
        let (conversation, context) = (to.conversation, to.context.clone());
        if let Some(config) = push {
            pushes::begin(core, caller, Of { task, conversation }, config, seq).await?;
        }
        let place = Place { task, turn, conversation, context, origin: caller.origin.clone() };
        let told =
            Told::new(place.clone(), place.begun(history(&place, &to, said), clock::now().trunc_subsecs(3)));
        Ok(running(core, me, following, told, None).await)
    }

    async fn task(&self, caller: &Asker, id: &str) -> Result<Task, Fault> {
        let known = self.known(caller, id).await?;
        Ok(self.follow_known(caller, known, None).await?.task)
    }

    async fn tasks(&self, caller: &Asker, request: ListTasksRequest) -> Result<ListTasksResponse, Fault> {
        listing::page(&self.core, caller, request).await
    }

    async fn cancel(&self, caller: &Asker, request: CancelTaskRequest) -> Result<Task, Fault> {
        let known = self.known(caller, &request.id).await?;
        let (core, me, turn) = (&self.core, &caller.me, known.row.turn.id);
        let state = shown::state(known.row.state);
        if state.is_terminal() {
            return Err(Fault::new(Kind::TaskNotCancelable, "This task is over."));
        }
        let patience = caller.envelope.patience;
        if goes_on(&state) {
            let until = Instant::now() + STOPS_WITHIN;
            let mut following = following::beyond(core, me, followed(&known.row), until).await?;
            turns::stop(core, me, turn, patience).await?;
            // One that cannot be stopped in time is told as it is: it stops as soon as it can.
            drop(following.whole().await);
        } else {
            let conversation = known.row.turn.conversation;
            questions::give_up(core, me, conversation, turn, known.row.turn.usage, patience).await?;
        }
        self.task(caller, &request.id).await
    }

    async fn follow(&self, caller: &Asker, id: &str) -> Result<Running, Fault> {
        let known = self.known(caller, id).await?;
        let place = self.core.streams.take(&caller.me).map_err(|problem| super::faults::of(&problem))?;
        self.follow_known(caller, known, Some(place)).await
    }

    async fn card(&self, caller: &Asker) -> Result<AgentCard, Fault> {
        Ok(card::own(&self.core, &caller.me, &caller.origin).await?)
    }

    async fn create_push(
        &self,
        caller: &Asker,
        config: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, Fault> {
        let known = self.known(caller, &config.task_id).await?;
        pushes::create(&self.core, caller, of(&known), config).await
    }

    async fn push(
        &self,
        caller: &Asker,
        request: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, Fault> {
        let task = self.known(caller, &request.task_id).await?.row.id;
        pushes::get(&self.core, caller, task, &request.id).await
    }

    async fn pushes(
        &self,
        caller: &Asker,
        request: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, Fault> {
        let task = self.known(caller, &request.task_id).await?.row.id;
        pushes::list(&self.core, caller, task, &request).await
    }

    async fn delete_push(
        &self,
        caller: &Asker,
        request: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), Fault> {
        let task = self.known(caller, &request.task_id).await?.row.id;
        pushes::delete(&self.core, caller, task, &request.id).await
    }
}

impl Face {
    /// A task of the caller's.
    async fn known(&self, caller: &Asker, id: &str) -> Result<Known, Fault> {
        // An id that is none of ours names nothing.
        let id: TurnId = id.parse().map_err(|_| Fault::no_task())?;
        let (core, me) = (&self.core, &caller.me);
        let known = reading!(&core.store, &me.tenant, View::Latest, tx, async {
            let Some(row) = tx.task(&me.tenant, id, &me.user).await? else { return Ok(None) };
            let messages = tx.messages_of_task(&me.tenant, id, MAX_HISTORY).await?;
            let calls = tx.calls(&me.tenant, row.turn.id).await?;
            let open = listing::waits_before(tx, &me.tenant, &row, &calls).await?;
            Ok(Some(Known { row, messages, calls, open }))
        })?;
        known.ok_or_else(Fault::no_task)
    }

    /// The task of the caller's that a turn belongs to.
    async fn known_by_turn(&self, caller: &Asker, turn: TurnId) -> Result<Known, Fault> {
        let (core, me) = (&self.core, &caller.me);
        let row = reading!(&core.store, &me.tenant, View::Latest, tx, tx.turn(&me.tenant, turn, &me.user))?;
        self.known(caller, &row.task.unwrap_or(row.id).to_string()).await
    }

    /// A task as it is, and what follows.
    async fn follow_known(
        &self,
        caller: &Asker,
        known: Known,
        stream: Option<StreamPlace>,
    ) -> Result<Running, Fault> {
        let (core, me) = (&self.core, &caller.me);
        let place = Place::of(&known.row, &caller.origin);
        let mut task = place.task(&known.row, &known.messages, &known.calls, known.open.as_ref());
        if !goes_on(&task.status.state) {
            self.fill(caller, &place, &known, &mut task).await;
            return Ok(Running { task, updates: stream::empty().boxed() });
        }
        let until = goes_on_until(core);
        let following = following::beyond(core, me, followed(&known.row), until).await?;
        Ok(running(core, me, following, Told::new(place, task), stream).await)
    }

    /// Puts the bytes of small files in.
    async fn fill(&self, caller: &Asker, place: &Place, known: &Known, task: &mut Task) {
        for file in known.calls.iter().flat_map(|call| &call.files) {
            let part = files::part(&self.core, &caller.me, place, file).await;
            let whole = place.file(file, part);
            let artifacts = task.artifacts.iter_mut().flatten();
            if let Some(artifact) = artifacts.into_iter().find(|of| of.artifact_id == whole.artifact_id) {
                *artifact = whole;
            }
        }
    }

    /// Where a message goes that names a task: to whom it waits for.
    async fn reply(&self, caller: &Asker, said: &Message, task: &str) -> Result<Destination, Fault> {
        let known = self.known(caller, task).await?;
        let row = &known.row;
        let place = Place::of(row, &caller.origin);
        let named = said.context_id.as_ref();
        if named.is_some_and(|named| *named != place.context && *named != place.conversation.to_string()) {
            let why = "it is not the context of the task that message.taskId names";
            return Err(Fault::invalid("message.contextId", why));
        }
        let (core, me, conversation) = (&self.core, &caller.me, place.conversation);
        let key = taken::client_id(&said.message_id);
        let before = reading!(
            &core.store,
            &me.tenant,
            View::Latest,
            tx,
            tx.message_by_client_id(&me.tenant, conversation, &me.user, &key)
        )?;
        if before.is_none() {
            waits(row)?;
        }
        Ok(Destination {
            conversation,
            context: named.cloned().unwrap_or(place.context),
            task: TaskOf::Known { task: row.id, waits: row.turn.id },
            history: known.messages,
        })
    }
}

/// Only a task that waits for its user is gone on with.
fn waits(row: &TaskRow) -> Result<(), Fault> {
    let state = shown::state(row.state);
    let why = match (state.is_terminal(), goes_on(&state)) {
        (true, _) => "This task is over: begin another one in its context.",
        (_, true) => "This task is being worked on: it asks nothing.",
        _ => return Ok(()),
    };
    Err(Fault::new(Kind::UnsupportedOperation, why))
}

/// A task may go on beyond its turn, as long as its agents may work.
fn goes_on_until(core: &Core) -> Instant {
    let config = &core.config;
    Instant::now() + config.turn.deadline + config.request_deadline + config.open_calls.work
}

fn of(known: &Known) -> Of {
    Of { task: known.row.id, conversation: known.row.turn.conversation }
}

fn followed(row: &TaskRow) -> Followed {
    Followed { conversation: row.turn.conversation, turn: row.turn.id, seq: row.turn.message_seq }
}

/// What was said in the task, and what is said now.
fn history(place: &Place, to: &Destination, said: &Message) -> Vec<Message> {
    let now = Message {
        context_id: Some(place.context.clone()),
        task_id: Some(place.task.to_string()),
        ..said.clone()
    };
    place.history(&to.history).into_iter().chain([now]).collect()
}

/// Two answers at once to one question: the later one finds nobody who waits.
fn waits_no_more(error: crate::error::Error, to: TaskOf) -> Fault {
    let is_late = matches!(to, TaskOf::Known { .. }) && error.problem().code == ProblemKind::Conflict;
    let fault = Fault::from(error);
    if is_late { Fault { kind: Kind::UnsupportedOperation, ..fault } } else { fault }
}

/// Whether an agent says that it reads a media type.
fn reads(agent: &Registered, media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    agent.input_modes.iter().any(|mode| {
        let prefix = mode.strip_suffix('*').filter(|prefix| prefix.is_empty() || prefix.ends_with('/'));
        mode == "*/*"
            || mode.eq_ignore_ascii_case(essence)
            || prefix.is_some_and(|prefix| {
                essence.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix))
            })
    })
}
