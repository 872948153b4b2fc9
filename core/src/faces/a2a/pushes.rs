//! Where a client wants to be told what happens to a task of its user's. What is secret in it is taken and never shown
//! again; what the client hears is `deliver.rs`'.

use super::{asker::Asker, shown as tasks};
use crate::{
    core::Core,
    error::{Error, Result},
    push::Secrets,
    store::{PushRow, Pushes, Tx, View, reading, retrying},
};
use switchboard_a2a::{
    Fault, Kind,
    wire::{
        AuthenticationInfo, ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse,
        TaskPushNotificationConfig,
    },
};
use switchboard_shared::{
    ids::{ConversationId, TurnId},
    problem::ProblemKind,
};
use uuid::Uuid;

/// Configurations on a page, where the client does not say.
const PAGE: i32 = 100;

/// A task, and where it is.
#[derive(Clone, Copy)]
pub(super) struct Of {
    pub(super) task: TurnId,
    pub(super) conversation: ConversationId,
}

/// Looks through a configuration that comes with a message, before that is accepted.
pub(super) async fn check(
    core: &Core,
    asker: &Asker,
    task: Option<TurnId>,
    config: &TaskPushNotificationConfig,
) -> Result<(), Fault> {
    fits(core, config)?;
    let (me, id) = (&asker.me, config.id.as_deref());
    Ok(reading!(&core.store, &me.tenant, View::Latest, tx, room(core, tx, asker, task, id))?)
}

/// Notes one for a message that was accepted: all that comes after it is told.
pub(super) async fn begin(
    core: &Core,
    asker: &Asker,
    of: Of,
    config: TaskPushNotificationConfig,
    after: u64,
) -> Result<(), Fault> {
    let row = row(core, asker, of, &config, after)?;
    let tenant = &asker.me.tenant;
    let note = async || {
        let tx = core.store.write(tenant).await?;
        tx.insert_push(tenant, &row, false).await?;
        tx.commit().await
    };
    Ok(retrying!(asker.envelope.patience, note())?)
}

/// Notes one for a task: what happens from now on is told.
pub(super) async fn create(
    core: &Core,
    asker: &Asker,
    of: Of,
    config: TaskPushNotificationConfig,
) -> Result<TaskPushNotificationConfig, Fault> {
    fits(core, &config)?;
    let named = TaskPushNotificationConfig {
        id: config.id.clone().or_else(|| Some(Uuid::now_v7().to_string())),
        ..config
    };
    let row = row(core, asker, of, &named, 0)?;
    retrying!(asker.envelope.patience, insert(core, asker, &row))?;
    Ok(shown(row))
}

/// No step of the task is written meanwhile, so that nothing falls between what its client has seen and what it is told.
async fn insert(core: &Core, asker: &Asker, row: &PushRow) -> Result<()> {
    let (tenant, user) = (&asker.me.tenant, &asker.me.user);
    let tx = core.store.write(tenant).await?;
    let access = tx.lock_conversation(tenant, row.conversation, user).await?;
    let task = tx.task(tenant, row.task, user).await?.ok_or_else(Error::not_found)?;
    room(core, &tx, asker, Some(row.task), Some(&row.id)).await?;
    let is_over = tasks::state(task.state).is_terminal();
    let sealed = row.sealed.clone().filter(|_| !is_over);
    let row = PushRow { after: access.conversation.last_seq, sealed, ..row.clone() };
    tx.insert_push(tenant, &row, is_over).await?;
    tx.commit().await
}

/// One of a task's.
pub(super) async fn get(
    core: &Core,
    asker: &Asker,
    task: TurnId,
    id: &str,
) -> Result<TaskPushNotificationConfig, Fault> {
    let which = Pushes { id: Some(id), after: None, limit: 1 };
    let found = rows(core, asker, task, which).await?.pop();
    let none = || Fault::new(Kind::TaskNotFound, "This task has no such push notification configuration.");
    found.map(shown).ok_or_else(none)
}

/// A page of a task's.
pub(super) async fn list(
    core: &Core,
    asker: &Asker,
    task: TurnId,
    request: &ListTaskPushNotificationConfigsRequest,
) -> Result<ListTaskPushNotificationConfigsResponse, Fault> {
    let size = request.page_size.filter(|size| *size > 0).unwrap_or(PAGE).min(PAGE);
    let after = request.page_token.as_deref().filter(|token| !token.is_empty());
    let which = Pushes { id: None, after, limit: i64::from(size) + 1 };
    let mut rows = rows(core, asker, task, which).await?;
    let size = usize::try_from(size).unwrap_or(0);
    let more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = rows.last().filter(|_| more).map(|last| last.id.clone());
    let configs = rows.into_iter().map(shown).collect();
    Ok(ListTaskPushNotificationConfigsResponse { configs, next_page_token })
}

/// Takes one away; one that is told something just now may be told it to the end.
pub(super) async fn delete(core: &Core, asker: &Asker, task: TurnId, id: &str) -> Result<(), Fault> {
    let (tenant, user) = (&asker.me.tenant, &asker.me.user);
    let delete = async || {
        let tx = core.store.write(tenant).await?;
        tx.delete_push(tenant, user, task, id).await?;
        tx.commit().await
    };
    Ok(retrying!(asker.envelope.patience, delete())?)
}

async fn rows(core: &Core, asker: &Asker, task: TurnId, which: Pushes<'_>) -> Result<Vec<PushRow>> {
    let (tenant, user) = (&asker.me.tenant, &asker.me.user);
    reading!(&core.store, tenant, View::Latest, tx, tx.pushes(tenant, user, task, which))
}

fn fits(core: &Core, config: &TaskPushNotificationConfig) -> Result<(), Fault> {
    core.push.check(&config.url).map_err(|why| Fault::invalid("url", why))?;
    let secrets = secrets(config);
    if !core.push.seals() && (secrets.token.is_some() || secrets.credentials.is_some()) {
        let why = "This house cannot keep a token or credentials: login.seal_keys has no key.";
        return Err(Fault::new(Kind::UnsupportedOperation, why));
    }
    Ok(())
}

/// Whether there may be one more, besides the one of this id.
async fn room(core: &Core, tx: &Tx, asker: &Asker, task: Option<TurnId>, id: Option<&str>) -> Result<()> {
    let (of_task, of_user) = tx.count_pushes(&asker.me.tenant, &asker.me.user, task, id).await?;
    let config = &core.push.config;
    let (whose, most) = match (of_task < config.max_per_task.into(), of_user < config.max_per_user.into()) {
        (true, true) => return Ok(()),
        (false, _) => ("A task", config.max_per_task),
        (_, false) => ("All tasks of a user that go on together", config.max_per_user),
    };
    let why = format!("{whose} may have at most {most} push notification configurations.");
    Err(Error::public(ProblemKind::QuotaExceeded, why))
}

fn secrets(config: &TaskPushNotificationConfig) -> Secrets {
    let credentials = config.authentication.as_ref().and_then(|how| how.credentials.clone());
    Secrets { token: config.token.clone(), credentials }
}

fn row(
    core: &Core,
    asker: &Asker,
    of: Of,
    config: &TaskPushNotificationConfig,
    after: u64,
) -> Result<PushRow> {
    // One that comes with a message and has no name is the task's, as it was in 0.3.
    let id = config.id.clone().unwrap_or_else(|| of.task.to_string());
    let secrets = secrets(config);
    let sealed = match secrets.token.is_some() || secrets.credentials.is_some() {
        true => Some(core.push.seal(&asker.me.tenant, of.task, &id, &secrets)?),
        false => None,
    };
    Ok(PushRow {
        id,
        task: of.task,
        user: asker.me.user.clone(),
        conversation: of.conversation,
        url: config.url.clone(),
        scheme: config.authentication.as_ref().map(|how| how.scheme.clone()),
        sealed,
        origin: asker.origin.clone(),
        after,
        failures: 0,
        failing_since: None,
    })
}

/// As it is shown: whoever can see tasks is not therefore the receiver.
fn shown(row: PushRow) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: row.url,
        id: Some(row.id),
        task_id: row.task.to_string(),
        token: None,
        authentication: row.scheme.map(|scheme| AuthenticationInfo { scheme, credentials: None }),
        tenant: None,
    }
}
