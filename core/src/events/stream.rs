//! One reader of one conversation: what it has missed from the rows, then what is new from the doorbell, in order,
//! with nothing missing and nothing twice.

use super::{
    hearing::Hearing,
    rooms::Listener,
    start::{Start, start},
    streams::{Piece, StreamPlace, Unread, Writer, queue},
};
use crate::{
    core::Core,
    error::{Error, Result},
    store::{Paged, View, reading},
};
use bytes::Bytes;
use futures::FutureExt;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    events::{Event, EventBody, NoticeCode, StreamHead},
    identity::{EXPIRY_GRACE_S, Identity},
    ids::{ConversationId, TurnId},
    problem::{Problem, ProblemKind},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// An opened stream: its frames, in the format of server-sent events.
pub(crate) struct OpenStream {
    pub(crate) frames: mpsc::Receiver<Box<Piece>>,
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
    let start = start(core, identity, conversation, after).await?;
    let (frames, receiver) = queue(core.config.events.queue_bytes, core.config.events.stall);
    let (cursor, member_at) = match &start.head {
        StreamHead::Attached { seq, .. } => (after.unwrap_or(*seq), *seq),
        StreamHead::Snapshot { seq, .. } => (*seq, *seq),
    };
    // The edge attaches again with a fresh token where it has one; nobody else can.
    let left = identity.expires_at + EXPIRY_GRACE_S - chrono::Utc::now().timestamp();
    let reader = Reader {
        core: Arc::clone(core),
        place,
        expiry: Instant::now() + Duration::from_secs(u64::try_from(left).unwrap_or(0)),
        conversation,
        listener,
        cursor,
        member_at,
        frames,
        hearing: Hearing { deaf: false, ..core.bell.hearing(conversation) },
        hearings: core.bell.changes(),
    };
    let stop = core.shutdown.token.clone();
    core.shutdown.tasks.spawn(reader.run(Box::new(start), stop));
    Ok(OpenStream { frames: receiver })
}

/// A quiet one waits in [`Reader::follow`] and is to be small there: what is done now and then is boxed while it lasts.
struct Reader {
    core: Arc<Core>,
    /// Whose it is, too.
    place: StreamPlace,
    expiry: Instant,
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
}

/// Why a stream ends.
enum End {
    /// The client went, or this core goes: attach again.
    Quiet,
    /// For good.
    Told(Problem),
}

impl Reader {
    async fn run(mut self, start: Box<Start>, stop: CancellationToken) {
        let ended = match self.begin(start).boxed().await {
            Ok(()) => self.follow(stop).await,
            Err(end) => Err(end),
        };
        if let Err(End::Told(problem)) = ended {
            let json = serde_json::to_string(&problem).unwrap_or_default();
            drop(self.frames.send(Bytes::from(format!("event: error\ndata: {json}\n\n"))).await);
        }
    }

    /// Says what is there already.
    async fn begin(&mut self, start: Box<Start>) -> Result<(), End> {
        let Start { head, page, running } = *start;
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
        self.may_have_missed().await.map(drop)
    }

    async fn follow(&mut self, stop: CancellationToken) -> Result<(), End> {
        let ping = self.core.config.events.ping;
        let (mut ping_at, mut poll_at) = (Instant::now() + ping, Instant::now() + self.poll_every());
        let mut view = View::Any;
        loop {
            tokio::select! {
                heard = self.listener.hear() => match heard {
                    Some(event) => self.hear(&event).await?,
                    None => self.catch_up(View::Latest).boxed().await?,
                },
                () = sleep_until(poll_at.min(ping_at).min(self.expiry)) => {
                    let now = Instant::now();
                    if now >= self.expiry {
                        return Err(End::Quiet);
                    }
                    if now >= ping_at {
                        self.send(Bytes::from_static(b": ping\n\n")).await?;
                        ping_at = now + ping;
                    }
                    if now >= poll_at {
                        self.catch_up(std::mem::replace(&mut view, View::Any)).boxed().await?;
                        poll_at = Instant::now() + self.poll_every();
                    }
                }
                () = changed(&mut self.hearings) => {
                    if self.may_have_missed().boxed().await? {
                        (view, poll_at) = (View::Latest, poll_at.min(self.soon()));
                    }
                }
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
            Some(_) => self.catch_up(View::Latest).boxed().await,
            None => self.pass_on(event).await,
        }
    }

    async fn pass_on(&mut self, event: &Event) -> Result<(), End> {
        self.send(frame(event.body.name(), event.seq, event)).await?;
        self.cursor = event.seq.unwrap_or(self.cursor);
        match &event.body {
            EventBody::MemberRemoved { user } if user == self.place.whose().1 => {
                self.may_stay(event.seq).boxed().await
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
        let (tenant, user) = self.place.whose();
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
        let ((tenant, _), store) = (self.place.whose(), &self.core.store);
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
        let (tenant, _) = self.place.whose();
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
