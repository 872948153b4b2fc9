//! Push notifications (A2A 1.0, section 4.3.3): what happens to a task is told from its rows, in order and at least once,
//! by whichever core finds it first. No turn waits for it or knows of it.

use super::{
    shown::Place,
    told::{Heard, Told},
};
use crate::{
    clock,
    core::Core,
    error::{Error, Result},
    metrics::PUSHES,
    push::Place as Held,
    store::{Next, Paged, PushRow, TaskRow, View, reading},
    turn::Whose,
};
use std::{sync::Arc, time::Duration};
use switchboard_a2a::{
    task::state_of,
    wire::{StreamResponse, TaskState},
};
use switchboard_shared::{
    events::Event,
    ids::{TenantId, TurnId},
};
use tokio::time::{Instant, sleep};
use url::Url;

/// How often it is looked for what is to be told.
const EVERY: Duration = Duration::from_millis(500);
/// A core tells one receiver for so long before another one is next, ...
const AT_A_TIME: Duration = Duration::from_secs(20);
/// ... and has it for so long: the last notification may begin at the end of that, and takes 30 s at most.
const LEASE: Duration = Duration::from_secs(60);
/// Before the second try; before each one after that it is twice as long, ...
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// ... but no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where one stands after it was told what there is.
enum Left {
    /// It goes on later.
    For(Duration),
    /// There is nothing more to be told.
    Over,
    /// It is not taken; why.
    Failing(String),
    /// Somebody else tells it, or it is gone.
    Lost,
}

/// What happened to a task, as far as it was read.
struct Page {
    task: TaskRow,
    turns: Vec<TurnId>,
    events: Paged<Event>,
}

/// Tells what is to be told, until this core goes.
pub(crate) async fn deliver(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        // After a failover of the database everybody looks dead for a moment.
        if !core.lease.is_steady() {
            continue;
        }
        if let Err(error) = look(&core).await {
            tracing::warn!(%error, "could not look for push notifications that are due; trying again");
        }
    }
}

async fn look(core: &Arc<Core>) -> Result<()> {
    for whose in core.store.users_with_due_pushes().await? {
        // The places first: what is claimed is begun here.
        let places = core.push.places(&whose);
        if places.is_empty() {
            continue;
        }
        let tx = core.store.write(&whose.tenant).await?;
        let rows = tx.claim_pushes(&whose, core.id, (places.len(), LEASE)).await?;
        tx.commit().await?;
        for (row, place) in rows.into_iter().zip(places) {
            core.shutdown.tasks.spawn(tell(Arc::clone(core), whose.clone(), row, place));
        }
    }
    Ok(())
}

/// Tells one what there is, and notes how far that came.
async fn tell(core: Arc<Core>, whose: Whose, mut row: PushRow, _place: Held) {
    let tenant = &whose.tenant;
    let told = async {
        let until = Instant::now() + AT_A_TIME;
        let mut telling = Telling { core: &core, tenant, row: &mut row, until, read: None, turn: None };
        let next = match telling.all().await? {
            Left::For(pause) => Next::In(pause),
            Left::Over => Next::Ended,
            Left::Failing(why) => failed(&core, tenant, &mut row, &why),
            Left::Lost => return Ok(()),
        };
        note(&core, tenant, &row, next).await.map(drop)
    };
    if let Err(error) = told.await {
        // Its lease ends, and then it is told again from where it was noted last.
        tracing::warn!(%error, %tenant, task = %row.task, "push notifications were broken off; trying again");
    }
}

/// What is next for one that was not taken.
fn failed(core: &Core, tenant: &TenantId, row: &mut PushRow, why: &str) -> Next {
    let host = row.url.parse::<Url>().ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let since = *row.failing_since.get_or_insert_with(clock::now);
    let failing = (clock::now() - since).to_std().unwrap_or_default();
    if failing >= core.push.config.give_up {
        PUSHES.with_label_values(&["given_up"]).inc();
        tracing::warn!(%tenant, task = %row.task, host, why, "push notifications are given up");
        return Next::Ended;
    }
    PUSHES.with_label_values(&["failed"]).inc();
    tracing::info!(%tenant, task = %row.task, host, why, "a push notification was not taken; trying again");
    row.failures = row.failures.saturating_add(1);
    Next::In(pause(row.failures))
}

fn pause(failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

/// One receiver, while it is told.
struct Telling<'a> {
    core: &'a Core,
    tenant: &'a TenantId,
    row: &'a mut PushRow,
    until: Instant,
    /// The last event that was read.
    read: Option<u64>,
    /// The turn that is told.
    turn: Option<(TurnId, Told)>,
}

impl Telling<'_> {
    async fn all(&mut self) -> Result<Left> {
        loop {
            // The task may be gone, or not the user's to see any more.
            let page = page(self.core, self.tenant, self.row, self.read).await?;
            let Some(page) = page else { return Ok(Left::Over) };
            for event in &page.events.rows {
                self.read = event.seq.or(self.read);
                let updates = self.hear(&page, event);
                // What it was told before says how what follows is told.
                if !updates.is_empty()
                    && self.read.is_some_and(|seq| seq > self.row.after)
                    && let Some(left) = self.tell(&updates).await?
                {
                    return Ok(left);
                }
            }
            if !page.events.more {
                self.row.after = self.row.after.max(self.read.unwrap_or(0));
                return Ok(Left::For(Duration::ZERO));
            }
        }
    }

    fn hear(&mut self, page: &Page, event: &Event) -> Vec<StreamResponse> {
        let Some(turn) = event.turn.filter(|turn| page.turns.contains(turn)) else { return Vec::new() };
        let known = self.turn.take().filter(|(of, _)| *of == turn);
        let (_, told) =
            self.turn.insert(known.unwrap_or_else(|| (turn, told(&page.task, turn, &self.row.origin))));
        told.hear(event).into_iter().map(|heard| update(told, heard)).collect()
    }

    /// Tells what an event is told as, and notes that.
    async fn tell(&mut self, updates: &[StreamResponse]) -> Result<Option<Left>> {
        let (core, tenant) = (self.core, self.tenant);
        for update in updates {
            if Instant::now() >= self.until || core.shutdown.token.is_cancelled() {
                return Ok(Some(Left::For(Duration::ZERO)));
            }
            let body = serde_json::to_string(update).map_err(Error::writing("push notification"))?;
            if let Err(why) = core.push.tell(tenant, self.row, body).await {
                return Ok(Some(Left::Failing(why)));
            }
            PUSHES.with_label_values(&["delivered"]).inc();
        }
        let row = &mut *self.row;
        (row.after, row.failures, row.failing_since) = (self.read.unwrap_or(row.after), 0, None);
        if updates.iter().filter_map(state_of).any(TaskState::is_terminal) {
            return Ok(Some(Left::Over));
        }
        let is_ours = note(core, tenant, row, Next::Held(LEASE)).await?;
        Ok((!is_ours).then_some(Left::Lost))
    }
}

/// Reads on; at first from where the turn begins in which it was told something last.
async fn page(core: &Core, tenant: &TenantId, row: &PushRow, read: Option<u64>) -> Result<Option<Page>> {
    let size = core.config.events.size(core.config.events.page);
    reading!(&core.store, tenant, View::Latest, tx, async {
        let Some(task) = tx.task(tenant, row.task, &row.user).await? else { return Ok(None) };
        let after = match read {
            Some(read) => read,
            None => begins(&tx.turns_of_task(tenant, row.task).await?, row.after),
        };
        let events = tx.events_after(tenant, row.conversation, after, size).await?;
        // After the events, so that the turn of each is among them.
        let turns = tx.turns_of_task(tenant, row.task).await?;
        let turns = turns.into_iter().map(|(turn, _)| turn).collect();
        Ok(Some(Page { task, turns, events }))
    })
}

/// Before the message of the turn that was told of last.
fn begins(turns: &[(TurnId, u64)], after: u64) -> u64 {
    let last = turns.iter().rev().find(|(_, message)| *message <= after);
    last.map_or(after, |(_, message)| message.saturating_sub(1))
}

fn told(task: &TaskRow, turn: TurnId, origin: &str) -> Told {
    let place = Place { turn, ..Place::of(task, origin) };
    let begun = place.begun(Vec::new(), task.since);
    Told::new(place, begun)
}

/// Files are told by their address: whoever receives this fetches them with the credentials of the task's user.
fn update(told: &mut Told, heard: Heard) -> StreamResponse {
    match heard {
        Heard::Update(update) => *update,
        Heard::File(file) => {
            let artifact = told.place.file(&file, told.place.link(&file));
            told.file(artifact)
        }
    }
}

async fn note(core: &Core, tenant: &TenantId, row: &PushRow, next: Next) -> Result<bool> {
    let tx = core.store.write(tenant).await?;
    let is_ours = tx.note_push(tenant, row, core.id, next).await?;
    tx.commit().await?;
    Ok(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_fails_is_tried_ever_more_seldom() {
        let pauses: Vec<_> = (1..=5).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!((pause(8), pause(u32::MAX)), (LONGEST_PAUSE, LONGEST_PAUSE));
    }

    #[test]
    fn what_is_told_again_begins_with_the_turn_that_was_told_of_last() {
        let (first, second) = ((TurnId::new(), 3), (TurnId::new(), 12));
        assert_eq!(begins(&[first, second], 5), 2);
        assert_eq!(begins(&[first, second], 12), 11);
        assert_eq!(begins(&[first], 2), 2);
        assert_eq!(begins(&[], 7), 7);
    }
}
