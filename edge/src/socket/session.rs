//! The loop that owns one WebSocket: everything that happens to it happens here, one thing at a time.

use super::{
    frames::{id_of, name_in, why},
    greeting::greet,
    job::{Asker, Done, Job},
    leaving::{Leaving, close},
    opening::{Opening, Socket},
    outbox::{Entry, Outbox},
    patience::{Due, Patience},
    room::{FromRoom, Room},
};
use crate::{context::Edge, metrics::METRICS};
use futures::{
    FutureExt, SinkExt, StreamExt,
    future::BoxFuture,
    stream::{SplitSink, SplitStream},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use switchboard_shared::{
    api::SendMessage,
    events::{ClientFrame, CloseCode, Cursor, ServerFrame},
    identity::Identity,
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

/// What the rooms of a socket have for it and it has not taken yet, in frames.
const FROM_ROOMS: usize = 4;

/// Serves a socket until it is closed.
pub async fn serve(socket: Socket, opening: Opening) {
    let (mut sink, mut stream) = socket.split();
    let edges = opening.edge.edges.clone();
    // What the beginning and the end take is not kept in between.
    let leaving = match Box::pin(greet(&mut stream, &opening)).await {
        Ok(identity) => {
            let mut session = Session::new(opening, identity);
            session.run(&mut sink, &mut stream).await
        }
        Err(leaving) => leaving,
    };
    let to = (leaving == Leaving::Code(CloseCode::Restart)).then(|| edges.better()).flatten();
    Box::pin(close(sink, stream, leaving, to)).await;
}

struct Session {
    edge: Arc<Edge>,
    id: Arc<str>,
    span: Span,
    identity: watch::Sender<Arc<Identity>>,
    rooms: HashMap<ConversationId, (u64, CancellationToken)>,
    joins: u64,
    to_socket: mpsc::Sender<Box<FromRoom>>,
    from_rooms: mpsc::Receiver<Box<FromRoom>>,
    jobs: VecDeque<(Job, Instant)>,
    job: Option<BoxFuture<'static, Done>>,
    outbox: Outbox,
    bad_frames: u32,
    patience: Patience,
}

impl Session {
    fn new(opening: Opening, identity: Arc<Identity>) -> Self {
        let config = &opening.edge.config.socket;
        let (to_socket, from_rooms) = mpsc::channel(FROM_ROOMS);
        let patience = Patience::new(config, Instant::now(), identity.expires_at);
        let mut session = Self {
            identity: watch::Sender::new(identity),
            rooms: HashMap::new(),
            joins: 0,
            to_socket,
            from_rooms,
            jobs: VecDeque::new(),
            job: None,
            outbox: Outbox::new(config.queue_bytes, config.queue_frames),
            bad_frames: 0,
            patience,
            id: opening.id,
            span: opening.span,
            edge: opening.edge,
        };
        session.welcome();
        if let Some((conversation, cursor)) = opening.join {
            session.join(conversation, cursor);
        }
        session
    }

    async fn run(
        &mut self,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
    ) -> Leaving {
        let drain = self.edge.shutdown.token.clone();
        let mut revoked = self.edge.revoked.subscribe();
        loop {
            let wake = self.patience.wake(Instant::now(), unix_now());
            // Every branch is safe to drop: a frame leaves the outbox only in the poll that hands it to the socket, and
            // the job is held outside.
            tokio::select! {
                written = write(sink, &mut self.outbox, &mut self.patience) => {
                    if let Err(error) = written { return Leaving::from(&error) }
                }
                // Answers to its frames wait there too: who reads nothing is not read from either.
                message = stream.next(), if !self.outbox.is_full() => match message {
                    Some(Ok(message)) => if let Err(leaving) = self.message(message) { return leaving },
                    Some(Err(error)) => return Leaving::from(&error),
                    None => return Leaving::Gone,
                },
                Some(frame) = self.from_rooms.recv(), if !self.outbox.is_full() => self.take(*frame),
                done = poll_job(&mut self.job), if self.job.is_some() => self.done(done),
                Ok(()) = revoked.changed() => if self.edge.revoked.covers(&self.identity.borrow()) {
                    return Leaving::Code(CloseCode::Unauthenticated);
                },
                () = drain.cancelled(), if !self.patience.is_draining() => {
                    self.patience.drain(Instant::now() + self.edge.drain_spread().mul_f64(fastrand::f64()));
                }
                () = sleep_until(wake) => match self.patience.due(Instant::now(), unix_now()) {
                    Some(Due::Leave(code)) => return Leaving::Code(code),
                    Some(Due::Ping) => self.outbox.ping(),
                    None => {}
                },
            }
            self.start_job();
            self.patience.queue(self.outbox.is_full(), Instant::now());
        }
    }

    /// Takes a message of the client.
    fn message(&mut self, message: Message) -> Result<(), Leaving> {
        if !self.patience.may_send(Instant::now()) {
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
                let line = self.edge.limits.line(&self.identity.borrow(), self.job.is_some());
                if let Err(problem) = line {
                    return self.fail(Some(id.to_string()), Some(conversation), &problem);
                }
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
        let (session, list) = (self.id.to_string(), self.edge.edges.list());
        self.say(ServerFrame::Welcome { user, heartbeat_s, max_frame_bytes, session, list });
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
            self.patience.renew(identity.expires_at);
            self.identity.send_replace(identity);
            self.welcome();
        }
        done.frames.into_iter().for_each(|frame| self.say(frame));
    }

    fn join(&mut self, conversation: ConversationId, cursor: Option<u64>) {
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
            cursor: Cursor::after(cursor),
            identity: self.identity.subscribe(),
            session: self.id.clone(),
            out: self.to_socket.clone(),
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

    /// Takes what comes from a room, unless the client has left it meanwhile.
    fn take(&mut self, from: FromRoom) {
        if self.rooms.get(&from.conversation).is_none_or(|(generation, _)| *generation != from.generation) {
            return;
        }
        match from.entry {
            Some(entry) => self.push(entry),
            None => self.leave(from.conversation),
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
}

impl Drop for Session {
    fn drop(&mut self) {
        self.rooms.values().for_each(|(_, token)| token.cancel());
    }
}

/// Writes what waits; returns when there is space again for what comes from the rooms, and otherwise only with an error.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    outbox: &mut Outbox,
    patience: &mut Patience,
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
        patience.written(Instant::now());
    }
}

fn unix_now() -> i64 {
    chrono::Utc::now().timestamp()
}

async fn poll_job(job: &mut Option<BoxFuture<'static, Done>>) -> Done {
    match job {
        Some(job) => job.await,
        None => std::future::pending().await,
    }
}
