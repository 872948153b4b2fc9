//! One joined conversation: a task that follows its event stream on one core, and on another one when that ends.

use super::{
    job::passed,
    outbox::Entry,
    stream::{self, Fault, SourceEvent},
};
use crate::{
    context::Edge,
    metrics::{Counted, METRICS},
    upstream::{Lease, call::unavailable, streams::Slot},
};
use eventsource_stream::EventStreamError;
use futures::{Stream, StreamExt};
use http::{Method, StatusCode, header};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    events::{Cursor, Event, EventBody, NoticeCode, ServerFrame, StreamHead, Taken},
    identity::Identity,
    ids::ConversationId,
    problem::{Problem, ProblemKind},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tracing::Span;

const ATTACH_ATTEMPT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A stream that ends sooner is not attached again at once a second time.
const SHORT_LIFE: Duration = Duration::from_secs(5);

/// A joined conversation.
pub struct Room {
    /// The edge.
    pub edge: Arc<Edge>,
    /// Which.
    pub conversation: ConversationId,
    /// Tells this joining from an earlier one of the same conversation.
    pub generation: u64,
    /// Where the reader stands.
    pub cursor: Cursor,
    /// Who reads; another one after a refresh.
    pub identity: watch::Receiver<Arc<Identity>>,
    /// The socket's request id.
    pub session: Arc<str>,
    /// To the socket. Boxed, since a queue has room for 32 of its items from the beginning.
    pub out: mpsc::Sender<Box<FromRoom>>,
    /// The socket's span.
    pub span: Span,
}

/// What goes from a room to its socket.
#[derive(Debug)]
pub struct FromRoom {
    /// Which room.
    pub conversation: ConversationId,
    /// Which joining.
    pub generation: u64,
    /// A frame for the client; `None` when the room is over.
    pub entry: Option<Entry>,
}

/// The socket has left the room, or is gone.
struct SocketGone;

/// How following a stream ended.
enum End {
    /// Attach again.
    Again,
    /// Never again.
    ForGood(Problem),
}

struct Attached<S> {
    events: S,
    // Held for as long as the stream is read.
    _core: Lease,
    _slot: Slot,
}

impl Room {
    /// Follows the conversation until it may not, cannot, or is no longer wanted.
    pub async fn run(mut self) {
        let _joined = Counted::new(&[&METRICS.joined_conversations, &METRICS.active_conversations]);
        // There is no socket left to tell.
        drop(self.follow().await);
    }

    async fn follow(&mut self) -> Result<(), SocketGone> {
        let identity = self.identity.borrow().clone();
        // What is done now and then is boxed while it lasts: a quiet room is to be small.
        let decision = Box::pin(self.edge.limits.join(&identity)).await;
        if let Err(refusal) = passed(&decision, None, Some(self.conversation)) {
            for frame in refusal {
                self.say(Entry::from(&frame)).await?;
            }
            return self.tell(None).await;
        }
        let mut welcomed = false;
        let mut short_lives = 0_u32;
        loop {
            let attached = match Box::pin(self.attach(welcomed)).await? {
                Ok(attached) => attached,
                Err(problem) => return self.over(&problem).await,
            };
            let since = Instant::now();
            match self.read(attached.events, &mut welcomed).await? {
                End::ForGood(problem) => return self.over(&problem).await,
                End::Again => {}
            }
            short_lives = if since.elapsed() < SHORT_LIFE { short_lives + 1 } else { 0 };
            if short_lives > 1 {
                tokio::time::sleep(jitter(pause(short_lives))).await;
            }
        }
    }

    /// Finds a core that serves the stream, for as long as the configuration says.
    async fn attach(
        &mut self,
        again: bool,
    ) -> Result<Result<Attached<impl Stream<Item = SourceEvent> + Unpin + use<>>, Problem>, SocketGone> {
        let until = Instant::now() + Duration::from_millis(self.edge.config.socket.reattach_ms);
        let (mut tried, mut round, mut noticed) = (Vec::new(), 0, false);
        loop {
            while let Some(core) = self.edge.cores.choose(&tried) {
                tried.push(core.index);
                match timeout(ATTACH_ATTEMPT, self.ask(&core)).await {
                    Ok(Ok((response, slot))) if response.status() == StatusCode::OK => {
                        self.attached_again(again, noticed).await?;
                        let socket = &self.edge.config.socket;
                        let silence = Duration::from_millis(socket.stream_silence_ms);
                        let events = stream::events(response, silence, socket.max_event_bytes);
                        return Ok(Ok(Attached { events, _core: core, _slot: slot }));
                    }
                    Ok(Ok((response, _))) => {
                        if let Some(problem) = final_problem(response).await {
                            return Ok(Err(problem));
                        }
                    }
                    Ok(Err(error)) if error.is_connect() => core.mark_down("it refuses connections"),
                    Ok(Err(error)) => tracing::debug!(%error, "a stream could not be attached"),
                    Err(_) => tracing::debug!(core = %core.url, "a core took too long to attach a stream"),
                }
            }
            if Instant::now() >= until {
                METRICS.reattach.with_label_values(&["given_up"]).inc();
                return Ok(Err(unavailable()));
            }
            if again && !noticed {
                noticed = true;
                self.notice(NoticeCode::Reconnecting, "the connection to the conversation is being restored")
                    .await?;
            }
            tried.clear();
            round += 1;
            tokio::time::sleep(jitter(pause(round))).await;
        }
    }

    async fn attached_again(&mut self, again: bool, noticed: bool) -> Result<(), SocketGone> {
        if again {
            METRICS.reattach.with_label_values(&["attached"]).inc();
        }
        if noticed {
            self.notice(NoticeCode::Reconnected, "the connection to the conversation is restored").await?;
        }
        Ok(())
    }

    async fn ask(&self, core: &Lease) -> Result<(reqwest::Response, Slot), reqwest::Error> {
        let slot = core.streams.take();
        let identity = self.identity.borrow().clone();
        let mut target = format!("/v1/conversations/{}/events", self.conversation);
        if let Some(seq) = self.cursor.seq() {
            target.push_str(&format!("?after={seq}"));
        }
        let stamp = self.edge.stamp(Some(&identity), &self.session, &self.span);
        let stamp = stamp.headers(None, &Method::GET, &target);
        let url = format!("http://{}{target}", core.authority);
        let request = slot.client.get(url).headers(stamp).header(header::ACCEPT, "text/event-stream");
        Ok((request.send().await?, slot))
    }

    async fn read(
        &mut self,
        mut events: impl Stream<Item = SourceEvent> + Unpin,
        welcomed: &mut bool,
    ) -> Result<End, SocketGone> {
        let mut head_seen = false;
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(EventStreamError::Transport(Fault::TooLarge)) => {
                    // It would be as large again from any core.
                    tracing::warn!(conversation = %self.conversation, "an event is larger than max_event_bytes");
                    let detail = "an event of this conversation is larger than this edge passes on";
                    return Ok(End::ForGood(Problem::new(ProblemKind::TooLarge, detail)));
                }
                Err(error) => {
                    tracing::debug!(%error, conversation = %self.conversation, "an event stream broke");
                    return Ok(End::Again);
                }
            };
            match event.event.as_str() {
                "attached" | "snapshot" if !head_seen => {
                    head_seen = true;
                    let Ok(head) = serde_json::from_str(&event.data) else { return Ok(End::Again) };
                    self.head(head, welcomed).await?;
                }
                "error" => return Ok(ended(&event.data)),
                _ if !head_seen => return Ok(End::Again),
                _ => {
                    if !self.event(event.data).await? {
                        return Ok(End::Again);
                    }
                }
            }
        }
        Ok(End::Again)
    }

    async fn head(&mut self, head: StreamHead, welcomed: &mut bool) -> Result<(), SocketGone> {
        let frame = match head {
            StreamHead::Attached { conversation, seq } => {
                self.cursor.attached(seq);
                // The client has been told once, and sees no difference between one core and the next.
                if std::mem::replace(welcomed, true) {
                    return Ok(());
                }
                ServerFrame::Joined { conversation, seq }
            }
            StreamHead::Snapshot { conversation, seq, reason, messages } => {
                *welcomed = true;
                self.cursor.replaced(seq);
                ServerFrame::Snapshot { conversation, seq, reason, messages }
            }
        };
        self.say(Entry::from(&frame)).await
    }

    /// Passes an event on; false when the stream cannot be trusted and has to be attached again.
    async fn event(&mut self, text: String) -> Result<bool, SocketGone> {
        let entry = match self.cursor.take(&text) {
            Ok(Taken::AsItCame) => Entry::Event(self.conversation, text),
            Ok(Taken::Piece(event)) => Entry::Piece(event),
            Ok(Taken::Seen) => return Ok(true),
            Ok(Taken::Gap) => {
                tracing::warn!(conversation = %self.conversation, "a core left out an event");
                return Ok(false);
            }
            Err(error) => {
                tracing::warn!(%error, conversation = %self.conversation, "a core sent what is not an event");
                return Ok(false);
            }
        };
        self.say(entry).await?;
        Ok(true)
    }

    async fn notice(&mut self, code: NoticeCode, text: &str) -> Result<(), SocketGone> {
        let body = EventBody::Notice { code, text: text.to_owned() };
        let at = chrono::Utc::now();
        let event = Event { conversation: self.conversation, seq: None, turn: None, at, body };
        let Ok(text) = serde_json::to_string(&event) else { return Ok(()) };
        self.say(Entry::Event(self.conversation, text)).await
    }

    async fn over(&mut self, problem: &Problem) -> Result<(), SocketGone> {
        let frame = ServerFrame::error(None, Some(self.conversation), problem);
        self.say(Entry::from(&frame)).await?;
        self.tell(None).await
    }

    async fn say(&mut self, entry: Entry) -> Result<(), SocketGone> {
        self.tell(Some(entry)).await
    }

    async fn tell(&mut self, entry: Option<Entry>) -> Result<(), SocketGone> {
        let from = FromRoom { conversation: self.conversation, generation: self.generation, entry };
        self.out.send(Box::new(from)).await.map_err(|_| SocketGone)
    }
}

/// Reads the problem with which a stream ends.
fn ended(data: &str) -> End {
    match serde_json::from_str::<Problem>(data) {
        Ok(problem) if is_final(problem.code) => End::ForGood(problem),
        _ => End::Again,
    }
}

fn is_final(code: ProblemKind) -> bool {
    matches!(code, ProblemKind::Forbidden | ProblemKind::NotFound | ProblemKind::Unauthenticated)
}

/// The problem that another core would have as well; `None` when it is worth asking one.
async fn final_problem(response: reqwest::Response) -> Option<Problem> {
    let status = response.status();
    let busy = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if !status.is_client_error() || busy || response.content_length().is_some_and(|length| length > 65_536) {
        return None;
    }
    let problem = timeout(ATTACH_ATTEMPT, response.json::<Problem>()).await.ok()?.ok();
    Some(problem.unwrap_or_else(|| Problem::new(ProblemKind::BadGateway, "the core's answer cannot be read")))
}

fn pause(round: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << round.min(8)).min(LONGEST_PAUSE)
}

fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + 0.5 * fastrand::f64())
}
