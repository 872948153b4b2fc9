//! The loop that owns one WebSocket: everything that happens to it happens here, one thing at a time.

use super::{
    Socket,
    cursor::Cursor,
    frames::{id_of, name_in, why},
    greeting::greet,
    job::{Asker, Done, Job},
    leaving::{Leaving, close},
    outbox::{Entry, Outbox},
    room::{Room, Said},
};
use crate::{
    context::Edge,
    limit::{Policy, gcra},
    metrics::METRICS,
};
use futures::{
    FutureExt, SinkExt, StreamExt,
    future::BoxFuture,
    stream::{SplitSink, SplitStream},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use switchboard_shared::{
    api::SendMessage,
    events::{ClientFrame, CloseCode, ServerFrame},
    identity::{EXPIRY_GRACE_S, Identity},
    ids::ConversationId,
    problem::{Problem, ProblemKind},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// What the rooms of a socket have said and it has not taken yet, in frames.
const SAID: usize = 4;

/// How a socket begins.
#[derive(Debug)]
pub struct Opening {
    /// The edge.
    pub edge: Arc<Edge>,
    /// The socket's request id.
    pub id: Arc<str>,
    /// The socket's span.
    pub span: Span,
    /// Who the handshake's token stands for.
    pub identity: Option<Arc<Identity>>,
    /// A conversation that the path names.
    pub join: Option<(ConversationId, Option<u64>)>,
}

/// Serves a socket until it is closed.
pub async fn serve(socket: Socket, opening: Opening) {
    let (mut sink, mut stream) = socket.split();
    let leaving = match greet(&mut stream, &opening).await {
        Ok(identity) => {
            let mut session = Session::new(opening, identity);
            session.run(&mut sink, &mut stream).await
        }
        Err(leaving) => leaving,
    };
    close(sink, stream, leaving).await;
}

struct Session {
    edge: Arc<Edge>,
    id: Arc<str>,
    span: Span,
    identity: watch::Sender<Arc<Identity>>,
    rooms: HashMap<ConversationId, (u64, CancellationToken)>,
    joins: u64,
    says: mpsc::Sender<Said>,
    said: mpsc::Receiver<Said>,
    jobs: VecDeque<(Job, Instant)>,
    job: Option<BoxFuture<'static, Done>>,
    outbox: Outbox,
    bad_frames: u32,
    frames: Policy,
    frames_tat: Option<i64>,
    started: Instant,
    next_ping: Instant,
    unanswered_pings: u32,
    full_since: Option<Instant>,
    leave_at: Option<Instant>,
}

impl Session {
    fn new(opening: Opening, identity: Arc<Identity>) -> Self {
        let config = &opening.edge.config.socket;
        let now = Instant::now();
        let (says, said) = mpsc::channel(SAID);
        let window = Duration::from_secs(1)
            .mul_f64(f64::from(config.frames_burst) / f64::from(config.frames_per_second));
        let mut session = Self {
            identity: watch::Sender::new(identity),
            rooms: HashMap::new(),
            joins: 0,
            says,
            said,
            jobs: VecDeque::new(),
            job: None,
            outbox: Outbox::new(config.queue_bytes, config.queue_frames),
            bad_frames: 0,
            frames: Policy { name: "frames", quota: config.frames_burst, window },
            frames_tat: None,
            started: now,
            next_ping: now + Duration::from_secs(config.heartbeat_s),
            unanswered_pings: 0,
            full_since: None,
            leave_at: None,
            id: opening.id,
            span: opening.span,
            edge: opening.edge,
        };
        session.welcome();
        if let Some((conversation, after)) = opening.join {
            session.join(conversation, after);
        }
        session
    }

    async fn run(
        &mut self,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
    ) -> Leaving {
        let drain = self.edge.shutdown.token.clone();
        loop {
            let wake = self.next_wake();
            // Every branch is safe to drop: a frame leaves the outbox only in the poll that hands it to the socket, and
            // the job is held outside.
            tokio::select! {
                written = write(sink, &mut self.outbox, &mut self.full_since) => {
                    if let Err(error) = written { return Leaving::from(&error) }
                }
                // Answers to its frames wait there too: who reads nothing is not heard either.
                message = stream.next(), if !self.outbox.is_full() => match message {
                    Some(Ok(message)) => if let Err(leaving) = self.message(message) { return leaving },
                    Some(Err(error)) => return Leaving::from(&error),
                    None => return Leaving::Gone,
                },
                Some(said) = self.said.recv(), if !self.outbox.is_full() => self.heard(said),
                done = poll_job(&mut self.job), if self.job.is_some() => self.done(done),
                () = drain.cancelled(), if self.leave_at.is_none() => self.prepare_to_leave(),
                () = sleep_until(wake) => if let Some(leaving) = self.tick(Instant::now()) { return leaving },
            }
            self.start_job();
            self.watch_queue();
        }
    }

    /// Takes a message of the client.
    fn message(&mut self, message: Message) -> Result<(), Leaving> {
        self.unanswered_pings = 0;
        let now = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let (decision, tat) = gcra::decide(self.frames, self.frames_tat, now);
        self.frames_tat = Some(tat);
        if !decision.allowed {
            return Err(Leaving::Code(CloseCode::TooMany));
        }
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(frame) => {
                    self.frame(frame);
                    Ok(())
                }
                Err(error) => self.bad_frame(id_of(&text), &why(&text, &error)),
            },
            Message::Binary(_) => self.bad_frame(None, "frames are text"),
            Message::Close(_) => Err(Leaving::Gone),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn bad_frame(&mut self, id: Option<String>, detail: &str) -> Result<(), Leaving> {
        METRICS.frame("in", "bad");
        self.bad_frames += 1;
        if self.bad_frames > self.edge.config.socket.max_bad_frames {
            return Err(Leaving::Code(CloseCode::BadFrame));
        }
        self.fail(id, None, &Problem::new(ProblemKind::BadRequest, detail));
        Ok(())
    }

    fn frame(&mut self, frame: ClientFrame) {
        METRICS.frame("in", name_in(&frame));
        match frame {
            ClientFrame::Hello { token: None, .. } => self.welcome(),
            ClientFrame::Hello { token: Some(token), .. } | ClientFrame::Refresh { token } => {
                self.queue(None, None, Job::Refresh(token));
            }
            ClientFrame::Join { conversation, after } => self.join(conversation, after),
            ClientFrame::Leave { conversation } => {
                self.leave(conversation);
                self.say(ServerFrame::Left { conversation });
            }
            ClientFrame::Send { id, conversation, text, agents, parts } => {
                let message = Box::new(SendMessage { client_id: Some(id.clone()), text, agents, parts });
                self.queue(Some(id.to_string()), Some(conversation), Job::Send { id, conversation, message });
            }
            ClientFrame::Cancel { turn } => self.queue(Some(turn.to_string()), None, Job::Cancel(turn)),
            ClientFrame::Ping { t } => self.say(ServerFrame::Pong { t }),
        }
    }

    fn welcome(&mut self) {
        let user = self.identity.borrow().user.clone();
        let config = &self.edge.config.socket;
        let (heartbeat_s, max_frame_bytes) = (config.heartbeat_s, config.max_frame_bytes as u64);
        self.say(ServerFrame::Welcome { user, heartbeat_s, max_frame_bytes, session: self.id.to_string() });
    }

    fn queue(&mut self, id: Option<String>, conversation: Option<ConversationId>, job: Job) {
        if self.jobs.len() + usize::from(self.job.is_some()) >= self.edge.config.socket.max_unanswered {
            let problem =
                Problem::new(ProblemKind::RateLimited, "too much is not yet answered").retry_after(1);
            return self.fail(id, conversation, &problem);
        }
        self.jobs.push_back((job, Instant::now()));
    }

    fn start_job(&mut self) {
        if self.job.is_some() {
            return;
        }
        let Some((job, since)) = self.jobs.pop_front() else { return };
        let asker = Asker {
            edge: self.edge.clone(),
            identity: self.identity.borrow().clone(),
            session: self.id.clone(),
            span: self.span.clone(),
        };
        self.job = Some(asker.run(job, since).boxed());
    }

    fn done(&mut self, done: Done) {
        self.job = None;
        if let Some(identity) = done.identity {
            self.identity.send_replace(identity);
            self.welcome();
        }
        done.frames.into_iter().for_each(|frame| self.say(frame));
    }

    fn join(&mut self, conversation: ConversationId, after: Option<u64>) {
        self.leave(conversation);
        if self.rooms.len() >= self.edge.config.socket.max_joins {
            let problem =
                Problem::new(ProblemKind::RateLimited, "too many conversations are joined on this socket");
            return self.fail(None, Some(conversation), &problem);
        }
        self.joins += 1;
        let room = Room {
            edge: self.edge.clone(),
            conversation,
            generation: self.joins,
            cursor: Cursor::after(after),
            identity: self.identity.subscribe(),
            session: self.id.clone(),
            out: self.says.clone(),
            span: self.span.clone(),
        };
        let token = CancellationToken::new();
        self.rooms.insert(conversation, (self.joins, token.clone()));
        self.edge.shutdown.tasks.spawn(async move { token.run_until_cancelled(Box::pin(room.run())).await });
    }

    fn leave(&mut self, conversation: ConversationId) {
        if let Some((_, token)) = self.rooms.remove(&conversation) {
            token.cancel();
        }
    }

    /// Takes what a room says, unless the client has left it meanwhile.
    fn heard(&mut self, said: Said) {
        if self.rooms.get(&said.conversation).is_none_or(|(generation, _)| *generation != said.generation) {
            return;
        }
        match said.entry {
            Some(entry) => self.push(entry),
            None => self.leave(said.conversation),
        }
    }

    fn say(&mut self, frame: ServerFrame) {
        self.push(Entry::from(&frame));
    }

    fn fail(&mut self, id: Option<String>, conversation: Option<ConversationId>, problem: &Problem) {
        self.say(ServerFrame::error(id, conversation, problem));
    }

    fn push(&mut self, entry: Entry) {
        METRICS.frame("out", entry.name());
        self.outbox.push(entry);
    }

    /// A client that takes nothing while its queue is full is too slow. Writing anything sets the clock back.
    fn watch_queue(&mut self) {
        match (self.outbox.is_full(), self.full_since) {
            (true, None) => self.full_since = Some(Instant::now()),
            (false, Some(_)) => self.full_since = None,
            _ => {}
        }
    }

    fn prepare_to_leave(&mut self) {
        let spread = Duration::from_millis(self.edge.config.socket.drain_spread_ms);
        self.leave_at = Some(Instant::now() + spread.mul_f64(fastrand::f64()));
    }

    fn next_wake(&self) -> Instant {
        let stall = self.full_since.map(|since| since + self.stall());
        let expiry =
            Instant::now() + Duration::from_secs(u64::try_from(self.seconds_left()).unwrap_or(0) + 1);
        [stall, self.leave_at].into_iter().flatten().fold(self.next_ping.min(expiry), Instant::min)
    }

    fn tick(&mut self, now: Instant) -> Option<Leaving> {
        if self.leave_at.is_some_and(|at| at <= now) {
            return Some(Leaving::Code(CloseCode::Restart));
        }
        if self.full_since.is_some_and(|since| since + self.stall() <= now) {
            return Some(Leaving::Code(CloseCode::TooSlow));
        }
        if self.seconds_left() < 0 {
            return Some(Leaving::Code(CloseCode::Unauthenticated));
        }
        if self.next_ping <= now {
            if self.unanswered_pings >= 2 {
                return Some(Leaving::Code(CloseCode::Idle));
            }
            self.unanswered_pings += 1;
            self.next_ping = now + Duration::from_secs(self.edge.config.socket.heartbeat_s);
            self.outbox.ping();
        }
        None
    }

    fn stall(&self) -> Duration {
        Duration::from_millis(self.edge.config.socket.queue_stall_ms)
    }

    /// Seconds until the expired token ends the socket.
    fn seconds_left(&self) -> i64 {
        self.identity.borrow().expires_at + EXPIRY_GRACE_S - chrono::Utc::now().timestamp()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.rooms.values().for_each(|(_, token)| token.cancel());
    }
}

/// Writes what waits; returns when there is room again for what the rooms say, and otherwise only with an error.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    outbox: &mut Outbox,
    full_since: &mut Option<Instant>,
) -> Result<(), WsError> {
    loop {
        std::future::poll_fn(|cx| sink.poll_ready_unpin(cx)).await?;
        let was_full = outbox.is_full();
        let Some(message) = outbox.pop() else {
            sink.flush().await?;
            return std::future::pending().await;
        };
        sink.start_send_unpin(message)?;
        if was_full && !outbox.is_full() {
            return Ok(());
        }
        // The client takes something, so it is not stuck.
        if full_since.is_some() {
            *full_since = Some(Instant::now());
        }
    }
}

async fn poll_job(job: &mut Option<BoxFuture<'static, Done>>) -> Done {
    match job {
        Some(job) => job.await,
        None => std::future::pending().await,
    }
}
