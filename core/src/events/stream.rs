//! One reader of one conversation: what it has missed from the rows, then what is new from the doorbell, in order,
//! with nothing missing and nothing twice.

use super::{
    hearing::Hearing,
    rooms::Listener,
    streams::{Piece, StreamPlace, Unread, Writer, queue},
};
use crate::{
    core::Core,
    error::{Error, Result},
    store::{MessageRow, Paged, Tx, View, reading},
};
use bytes::Bytes;
use futures::try_join;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{ConversationSummary, MessageView},
    events::{Event, EventBody, NoticeCode, StreamHead},
    identity::{EXPIRY_GRACE_S, Identity},
    ids::{ConversationId, TenantId, TurnId},
    problem::{Problem, ProblemKind},
};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, watch},
    time::{Instant, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Messages in a snapshot.
const SNAPSHOT_MESSAGES: u32 = 50;

/// An opened stream: its frames, in the format of server-sent events.
pub(crate) struct OpenStream {
    pub(crate) frames: mpsc::Receiver<Piece>,
}

/// Opens the events of a conversation after `after`; from now on when there is no cursor.
pub(crate) async fn open(
    core: &Arc<Core>,
    identity: &Identity,
    conversation: ConversationId,
    after: Option<u64>,
) -> Result<OpenStream> {
    let place = core.streams.take(identity).map_err(Error::Public)?;
    // Listen first, read then: what happens in between is heard.
    let listener = core.bell.listen(conversation);
    let Start { head, page, running } = start(core, identity, conversation, after).await?;
    let (frames, receiver) = queue(core.config.events.queue_bytes, core.config.events.stall);
    let cursor = match &head {
        StreamHead::Attached { seq, .. } => after.unwrap_or(*seq),
        StreamHead::Snapshot { seq, .. } => *seq,
    };
    let member_at = match &head {
        StreamHead::Attached { seq, .. } | StreamHead::Snapshot { seq, .. } => *seq,
    };
    let reader = Reader {
        core: Arc::clone(core),
        identity: identity.clone(),
        conversation,
        listener,
        cursor,
        member_at,
        frames,
        hearing: Hearing { deaf: false, ..core.bell.hearing(conversation) },
        hearings: core.bell.changes(),
        _place: place,
    };
    let stop = core.shutdown.token.clone();
    core.shutdown.tasks.spawn(reader.run(Start { head, page, running }, stop));
    Ok(OpenStream { frames: receiver })
}

/// What a stream begins with.
struct Start {
    head: StreamHead,
    /// The first events after the cursor.
    page: Paged<Event>,
    running: Vec<TurnId>,
}

async fn start(
    core: &Core,
    identity: &Identity,
    conversation: ConversationId,
    after: Option<u64>,
) -> Result<Start> {
    let tenant = &identity.tenant;
    // The cursor may come from another core's answer.
    reading!(&core.store, tenant, View::Latest, tx, start_in(tx, core, identity, conversation, after))
}

async fn start_in(
    tx: &Tx,
    core: &Core,
    identity: &Identity,
    conversation: ConversationId,
    after: Option<u64>,
) -> Result<Start> {
    let tenant = &identity.tenant;
    let (access, members, running) = try_join!(
        tx.conversation(tenant, conversation, &identity.user),
        tx.members(tenant, conversation),
        tx.running_turns(tenant, conversation),
    )?;
    let summary = ConversationSummary { members, ..access.conversation };
    let head = head(tx, core, tenant, summary, after).await?;
    let page = match (&head, after) {
        (StreamHead::Attached { seq, .. }, Some(after)) if after < *seq => {
            let size = core.config.events.size(core.config.events.page);
            tx.events_after(tenant, conversation, after, size).await?
        }
        _ => Paged { rows: Vec::new(), more: false },
    };
    Ok(Start { head, page, running })
}

async fn head(
    tx: &Tx,
    core: &Core,
    tenant: &TenantId,
    summary: ConversationSummary,
    after: Option<u64>,
) -> Result<StreamHead> {
    let (conversation, seq) = (summary.id, summary.last_seq);
    let reason = match after {
        // A replica may be behind the cursor, which is then none of the cursor's faults.
        Some(after) if after > seq => tx.is_latest().then_some("ahead"),
        Some(after) if after < seq => {
            let oldest = tx.oldest_event(tenant, conversation).await?;
            oldest.is_none_or(|oldest| oldest > after + 1).then_some("expired")
        }
        _ => None,
    };
    let head = match reason {
        None => StreamHead::Attached { conversation: summary, seq },
        Some(reason) => {
            let size = core.config.events.size(SNAPSHOT_MESSAGES);
            let newest = tx.messages_before(tenant, conversation, 0..seq + 1, size).await?;
            let messages = newest_within(size.bytes, newest.rows.iter().map(MessageRow::view));
            StreamHead::Snapshot { conversation: summary, seq, reason: reason.to_owned(), messages }
        }
    };
    Ok(head)
}

/// The newest messages, oldest first, that are so many bytes as JSON: more than what they say, which was counted before.
fn newest_within(bytes: usize, newest_first: impl Iterator<Item = MessageView>) -> Vec<MessageView> {
    let mut left = bytes;
    let fits = |message: &MessageView| {
        let size = serde_json::to_string(message).map_or(usize::MAX, |json| json.len());
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    let mut messages: Vec<_> = newest_first.take_while(fits).collect();
    messages.reverse();
    messages
}

struct Reader {
    core: Arc<Core>,
    identity: Identity,
    conversation: ConversationId,
    listener: Listener,
    /// The seq of the last event that was passed on.
    cursor: u64,
    /// The log's end when this reader was found to be a member.
    member_at: u64,
    frames: Writer,
    /// How well the doorbell was heard when it was last looked at.
    hearing: Hearing,
    hearings: Option<watch::Receiver<Vec<Hearing>>>,
    _place: StreamPlace,
}

/// Why a stream ends.
enum End {
    /// The client went, or this core goes: attach again.
    Quiet,
    /// For good.
    Told(Problem),
}

impl Reader {
    async fn run(mut self, start: Start, stop: CancellationToken) {
        if let Err(End::Told(problem)) = self.follow(start, stop).await {
            let json = serde_json::to_string(&problem).unwrap_or_default();
            drop(self.frames.send(Bytes::from(format!("event: error\ndata: {json}\n\n"))).await);
        }
    }

    async fn follow(
        &mut self,
        Start { head, page, running }: Start,
        stop: CancellationToken,
    ) -> Result<(), End> {
        let name = match &head {
            StreamHead::Attached { .. } => "attached",
            StreamHead::Snapshot { .. } => "snapshot",
        };
        self.send(frame(name, None, &head)).await?;
        for event in &page.rows {
            self.pass_on(event).await?;
        }
        match page.more {
            true => {
                self.catch_up(View::Latest).await?;
                // Whoever reads for long finds others running.
                let running = self.running_turns().await;
                self.running_answers(running).await?;
            }
            false => self.running_answers(Ok(running)).await?,
        }
        self.may_have_missed().await?;
        let ping = self.core.config.events.ping;
        let mut pings = interval_at(Instant::now() + ping, ping);
        let (mut view, mut poll_at) = (View::Any, Instant::now() + self.poll_every());
        // The edge attaches again with a fresh token where it has one; nobody else can.
        let left = self.identity.expires_at + EXPIRY_GRACE_S - chrono::Utc::now().timestamp();
        let expiry = Instant::now() + Duration::from_secs(u64::try_from(left).unwrap_or(0));
        loop {
            tokio::select! {
                heard = self.listener.events.recv() => match heard {
                    Ok(event) => self.hear(&event).await?,
                    Err(RecvError::Lagged(_)) => self.catch_up(View::Latest).await?,
                    Err(RecvError::Closed) => return Err(End::Quiet),
                },
                () = sleep_until(poll_at) => {
                    self.catch_up(std::mem::replace(&mut view, View::Any)).await?;
                    poll_at = Instant::now() + self.poll_every();
                }
                () = changed(&mut self.hearings) => {
                    if self.may_have_missed().await? {
                        (view, poll_at) = (View::Latest, poll_at.min(self.soon()));
                    }
                }
                () = sleep_until(expiry) => return Err(End::Quiet),
                _ = pings.tick() => self.send(Bytes::from_static(b": ping\n\n")).await?,
                () = self.frames.closed() => return Err(End::Quiet),
                () = stop.cancelled() => return Err(End::Quiet),
            }
        }
    }

    /// An event from the doorbell: the next one is passed on, a gap is filled from the rows, an old one is dropped.
    async fn hear(&mut self, event: &Event) -> Result<(), End> {
        match event.seq {
            Some(seq) if seq <= self.cursor => Ok(()),
            Some(seq) if seq == self.cursor + 1 => self.pass_on(event).await,
            Some(_) => self.catch_up(View::Latest).await,
            None => self.pass_on(event).await,
        }
    }

    async fn pass_on(&mut self, event: &Event) -> Result<(), End> {
        self.send(frame(event.body.name(), event.seq, event)).await?;
        self.cursor = event.seq.unwrap_or(self.cursor);
        match &event.body {
            EventBody::MemberRemoved { user } if *user == self.identity.user => {
                self.may_stay(event.seq).await
            }
            EventBody::ConversationDeleted {} => {
                Err(End::Told(Problem::new(ProblemKind::NotFound, "This conversation was deleted.")))
            }
            _ => Ok(()),
        }
    }

    /// After this reader was taken off the list: that may be long ago, and they may have been added again since.
    async fn may_stay(&self, seq: Option<u64>) -> Result<(), End> {
        if seq.is_some_and(|seq| seq <= self.member_at) {
            return Ok(());
        }
        let (tenant, user) = (&self.identity.tenant, &self.identity.user);
        let store = &self.core.store;
        match reading!(store, tenant, View::Latest, tx, tx.conversation(tenant, self.conversation, user)) {
            Ok(_) => Ok(()),
            Err(Error::Public(_)) => Err(End::Told(Problem::new(
                ProblemKind::Forbidden,
                "You are not a member of this conversation any more.",
            ))),
            // Whoever attaches again is looked up again.
            Err(_) => Err(End::Quiet),
        }
    }

    /// Reads the rows after the last event. When the database is away the stream stays, and tries at the next poll.
    async fn catch_up(&mut self, view: View) -> Result<(), End> {
        loop {
            let page = match self.page(view).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, conversation = %self.conversation, "the log could not be read; trying again");
                    return Ok(());
                }
            };
            for event in &page.rows {
                self.pass_on(event).await?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn page(&self, view: View) -> Result<Paged<Event>> {
        let (tenant, store) = (&self.identity.tenant, &self.core.store);
        let size = self.core.config.events.size(self.core.config.events.page);
        reading!(store, tenant, view, tx, tx.events_after(tenant, self.conversation, self.cursor, size))
    }

    /// What is written so far of the answers that run, for who comes late.
    async fn running_answers(&mut self, running: Result<Vec<TurnId>>) -> Result<(), End> {
        let turns = match running {
            Ok(turns) => turns,
            Err(error) => {
                tracing::warn!(%error, "running turns could not be read");
                return Ok(());
            }
        };
        for turn in turns {
            for delta in self.core.bell.so_far(turn).await {
                let event = Event {
                    conversation: self.conversation,
                    seq: None,
                    turn: Some(turn),
                    at: crate::clock::now(),
                    body: EventBody::AnswerDelta(delta),
                };
                self.pass_on(&event).await?;
            }
        }
        Ok(())
    }

    async fn running_turns(&self) -> Result<Vec<TurnId>> {
        let tenant = &self.identity.tenant;
        reading!(&self.core.store, tenant, View::Latest, tx, tx.running_turns(tenant, self.conversation))
    }

    /// Whether something may have been said that this reader did not hear; and tells whether it is told what is said.
    async fn may_have_missed(&mut self) -> Result<bool, End> {
        let hearing = self.core.bell.hearing(self.conversation);
        let before = std::mem::replace(&mut self.hearing, hearing);
        if hearing.deaf != before.deaf {
            self.tell_degraded(hearing.deaf).await?;
        }
        Ok(hearing != before)
    }

    async fn tell_degraded(&mut self, degraded: bool) -> Result<(), End> {
        let (code, text) = match degraded {
            true => {
                (NoticeCode::Degraded, "Live pieces of answers may be missing; whole answers still come.")
            }
            false => (NoticeCode::Restored, "Answers are live again."),
        };
        let body = EventBody::Notice { code, text: text.to_owned() };
        let event =
            Event { conversation: self.conversation, seq: None, turn: None, at: crate::clock::now(), body };
        self.pass_on(&event).await
    }

    fn poll_every(&self) -> Duration {
        let events = &self.core.config.events;
        if self.hearing.lost || self.hearing.deaf { events.poll } else { events.idle_poll }
    }

    /// Within one poll, spread: many readers have missed something at once.
    fn soon(&self) -> Instant {
        let spread = u32::try_from(self.conversation.0.as_u64_pair().1 % 1_000).unwrap_or(0);
        Instant::now() + self.core.config.events.poll * spread / 1_000
    }

    async fn send(&self, frame: Bytes) -> Result<(), End> {
        self.frames.send(frame).await.map_err(|Unread| End::Quiet)
    }
}

/// Returns when the doorbell may have got better or worse. Safe to drop.
async fn changed(hearings: &mut Option<watch::Receiver<Vec<Hearing>>>) {
    let told = match hearings {
        Some(hearings) => hearings.changed().await.is_ok(),
        None => false,
    };
    if !told {
        std::future::pending().await
    }
}

fn frame(name: &str, seq: Option<u64>, data: &impl serde::Serialize) -> Bytes {
    let json = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(match seq {
        Some(seq) => format!("event: {name}\nid: {seq}\ndata: {json}\n\n"),
        None => format!("event: {name}\ndata: {json}\n\n"),
    })
}
