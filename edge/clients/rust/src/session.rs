//! What a program holds: conversations that go on whatever becomes of the edge below them.

use crate::{
    closed::Closed,
    conversations::Conversations,
    edges::Edges,
    error::{Error, Result},
    line::{Line, Silence},
    measure::{Measured, draw, look, note},
    options::Options,
    patience::Patience,
    reach::{Opened, Reached, reach, token},
    received::Received,
    rules::{self, Next, after_close, after_refusal, look_after},
    token::renew_after,
};
use futures::{FutureExt, future::BoxFuture};
use std::{
    collections::VecDeque,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use switchboard_shared::{
    api::Part,
    events::{ClientFrame, ServerFrame},
    ids::{AgentId, ClientId, ConversationId, TurnId},
};
use tokio::time::{Instant, sleep_until};
use url::Url;

/// Conversations over a WebSocket that comes back. Everything happens in [`Session::next`]; dropping it leaves.
pub struct Session {
    options: Options,
    edges: Edges,
    conversations: Conversations,
    line: Option<Line>,
    connecting: Option<BoxFuture<'static, Reached>>,
    looking: Option<BoxFuture<'static, Vec<Measured>>>,
    renewing: Option<BoxFuture<'static, Result<String>>>,
    ready: VecDeque<Received>,
    patience: Patience,
    /// The edge refused this token.
    refused: Option<String>,
    look_at: Instant,
    renew_at: Option<Instant>,
}

enum Happened {
    Came(Result<String, Closed>),
    Connected(Url, Box<Result<Opened>>),
    Looked(Vec<Measured>),
    Renewed(Result<String>),
    Due,
}

impl Session {
    /// Measures the edges, and connects to the nearest, or to the next one that answers.
    ///
    /// # Errors
    /// When none does, or there is no token that holds.
    pub async fn open(options: Options) -> Result<Self> {
        let (mut edges, now) = (Edges::default(), Instant::now());
        edges.give(options.edges.iter().cloned());
        let found = look(options.http.clone(), edges.clone()).await;
        note(&mut edges, &found);
        let mut session = Self {
            edges,
            conversations: Conversations::default(),
            line: None,
            connecting: None,
            looking: None,
            renewing: None,
            ready: VecDeque::new(),
            patience: Patience::new(now),
            refused: None,
            look_at: now,
            renew_at: None,
            options,
        };
        session.look_later();
        session.connect_first().await?;
        Ok(session)
    }

    async fn connect_first(&mut self) -> Result<()> {
        let mut failed = None;
        for _ in 0..self.edges.count() {
            let Some(edge) = self.edges.best(Instant::now(), draw) else { break };
            let (edge, opened) = reach(&self.options, None, edge).await;
            match *opened {
                Ok(opened) => {
                    self.opened(opened);
                    return Ok(());
                }
                Err(error @ (Error::Token(_) | Error::Unauthenticated(_))) => return Err(error),
                Err(error) => {
                    self.edges.avoid(&edge, Instant::now());
                    failed.get_or_insert(error);
                }
            }
        }
        Err(failed.unwrap_or(Error::NoEdge))
    }

    /// Comes into a conversation, after the last seq that is known of it (0: from its beginning; none: from now).
    pub fn join(&mut self, conversation: ConversationId, after: Option<u64>) {
        self.conversations.join(conversation, after, Instant::now());
        self.write_what_is_due();
    }

    /// Leaves a conversation, and forgets what was said there and is not acknowledged.
    pub fn leave(&mut self, conversation: ConversationId) {
        self.conversations.leave(conversation);
        if let Some(line) = &mut self.line {
            line.push(&ClientFrame::Leave { conversation });
        }
    }

    /// Says something in a joined conversation, under an id of the caller's: it is sent until it is acknowledged or
    /// refused, and stored once.
    ///
    /// # Errors
    /// When too much is not acknowledged yet.
    pub fn send(&mut self, id: ClientId, conversation: ConversationId, text: &str) -> Result<()> {
        self.send_to(id, conversation, text, Vec::new(), Vec::new())
    }

    /// As [`Session::send`], to certain agents, or with files.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn send_to(
        &mut self,
        id: ClientId,
        conversation: ConversationId,
        text: &str,
        agents: Vec<AgentId>,
        parts: Vec<Part>,
    ) -> Result<()> {
        let frame = ClientFrame::Send { id: id.clone(), conversation, text: text.to_owned(), agents, parts };
        self.conversations.send(id, conversation, frame)?;
        self.write_what_is_due();
        Ok(())
    }

    /// Stops a turn. Without a line, or on one that is about to go, this is lost; it can be asked again.
    pub fn cancel(&mut self, turn: TurnId) {
        if let Some(line) = &mut self.line {
            line.push(&ClientFrame::Cancel { turn });
        }
    }

    /// Adds edges that somebody named.
    pub fn know(&mut self, edges: impl IntoIterator<Item = Url>) {
        self.edges.give(edges);
    }

    /// The edge that the session is at, if it is at one.
    #[must_use]
    pub fn edge(&self) -> Option<&Url> {
        self.line.as_ref().map(|line| &line.edge)
    }

    /// The last seq of a conversation that was handed on.
    #[must_use]
    pub fn cursor(&self, conversation: ConversationId) -> Option<u64> {
        self.conversations.cursor(conversation)
    }

    /// What comes next; below it the session connects, moves and sends again. Safe to drop, and to call again.
    ///
    /// # Errors
    /// When the session cannot go on.
    pub async fn next(&mut self) -> Result<Received> {
        loop {
            if let Some(received) = self.ready.pop_front() {
                return Ok(received);
            }
            match self.happens().await {
                Happened::Came(Ok(text)) => self.came(text),
                Happened::Came(Err(closed)) => self.lost(closed)?,
                Happened::Connected(edge, opened) => match *opened {
                    Ok(opened) => {
                        self.ready.push_back(Received::At(edge));
                        self.opened(opened);
                    }
                    Err(error) => self.failed(&edge, error)?,
                },
                Happened::Looked(found) => self.looked(&found),
                Happened::Renewed(token) => self.renewed(token),
                Happened::Due => self.due()?,
            }
        }
    }

    /// Safe to drop: what was begun is kept, and goes on with the next call.
    async fn happens(&mut self) -> Happened {
        let wake = self.wake();
        tokio::select! {
            came = next_of(&mut self.line) => Happened::Came(came),
            (edge, opened) = done(&mut self.connecting) => Happened::Connected(edge, opened),
            found = done(&mut self.looking) => Happened::Looked(found),
            token = done(&mut self.renewing) => Happened::Renewed(token),
            () = sleep_until(wake) => Happened::Due,
        }
    }

    fn wake(&self) -> Instant {
        let conversations = [self.conversations.overdue(), self.conversations.due_at()];
        let next = match &self.line {
            Some(line) => {
                conversations.into_iter().chain([self.renew_at]).flatten().fold(line.wake(), Instant::min)
            }
            None if self.connecting.is_none() => self.patience.connect_at(),
            None => self.look_at,
        };
        next.min(self.look_at)
    }

    fn due(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.look_at <= now {
            self.look_later();
            self.looking.get_or_insert_with(|| look(self.options.http.clone(), self.edges.clone()).boxed());
        }
        let overdue = self.conversations.overdue().is_some_and(|at| at <= now);
        let Some(line) = &mut self.line else {
            if self.connecting.is_none() && self.patience.connect_at() <= now {
                let edge = self.edges.best(now, draw).ok_or(Error::NoEdge)?;
                self.connect(edge);
            }
            return Ok(());
        };
        match line.silence(now) {
            Silence::Dead => return self.lost(Closed { code: None, reason: "no sign of life".to_owned() }),
            _ if overdue => return self.lost(Closed { code: None, reason: "no answer".to_owned() }),
            Silence::Ping => line.push(&ClientFrame::Ping { t: None }),
            Silence::Fine => {}
        }
        if self.renew_at.is_some_and(|at| at <= now) {
            self.renew_at = None;
            self.renewing = Some(token(self.options.tokens.clone()).boxed());
        }
        self.write_what_is_due();
        Ok(())
    }

    fn connect(&mut self, edge: Url) {
        self.connecting = Some(reach(&self.options, self.refused.clone(), edge));
    }

    fn opened(&mut self, opened: Opened) {
        let now = Instant::now();
        self.renew_at = renew_after(&opened.token, unix_now()).map(|after| now + after);
        if let Some(before) = self.line.replace(Line::new(opened.edge, opened.token, opened.socket, now)) {
            before.close();
        }
        self.conversations.again(now);
        self.write_what_is_due();
    }

    fn write_what_is_due(&mut self) {
        if let Some(line) = &mut self.line {
            self.conversations.due(Instant::now()).iter().for_each(|frame| line.push(frame));
        }
    }

    /// The line is gone.
    fn lost(&mut self, closed: Closed) -> Result<()> {
        let Some(line) = self.line.take() else { return Ok(()) };
        self.conversations.again(Instant::now());
        (self.renew_at, self.renewing) = (None, None);
        self.patience.ended(line.since, Instant::now());
        let next = after_close(closed.code);
        match next {
            Next::Stop => return Err(Error::Closed(closed)),
            Next::NewToken if self.refused.is_some() => return Err(Error::Unauthenticated(closed.reason)),
            Next::NewToken => self.refused = Some(line.token),
            Next::Elsewhere | Next::Lost => self.edges.avoid(&line.edge, Instant::now()),
            Next::Again | Next::Later => {}
        }
        // On the way to another edge already: there is nothing to wait for.
        if self.connecting.is_some() {
            return Ok(());
        }
        self.patience.again(next, Duration::ZERO, Instant::now(), fastrand::f64());
        if self.patience.is_over(self.options.most_tries) {
            return Err(Error::Closed(closed));
        }
        self.ready.push_back(Received::Away(format!("the socket ended ({closed})")));
        Ok(())
    }

    /// An edge could not be reached, or did not want us.
    fn failed(&mut self, edge: &Url, error: Error) -> Result<()> {
        let (next, after) = match &error {
            Error::Refused { status, problem, .. } => {
                let after = problem.as_ref().and_then(|problem| problem.retry_after_s).unwrap_or(0);
                (after_refusal(*status), Duration::from_secs(after))
            }
            Error::Token(_) => (Next::Again, Duration::ZERO),
            Error::Unauthenticated(_) => (Next::Stop, Duration::ZERO),
            _ => (Next::Lost, Duration::ZERO),
        };
        if next == Next::Lost || next == Next::Later {
            self.edges.avoid(edge, Instant::now());
        }
        // It was only to be better there: here is good enough.
        if self.line.is_some() {
            return Ok(());
        }
        self.patience.again(next, after, Instant::now(), fastrand::f64());
        // Another token was tried by then.
        if matches!(next, Next::Stop | Next::NewToken) || self.patience.is_over(self.options.most_tries) {
            return Err(error);
        }
        self.ready.push_back(Received::Away(error.to_string()));
        Ok(())
    }

    fn look_later(&mut self) {
        self.look_at = Instant::now() + look_after(self.options.look_every, fastrand::f64());
    }

    /// Goes to a better edge, if there is one; the line here is read until the one there is open.
    fn looked(&mut self, found: &[Measured]) {
        note(&mut self.edges, found);
        let Some(line) = self.line.as_ref().filter(|_| self.connecting.is_none()) else { return };
        if let Some(edge) = self.edges.better_than(&line.edge, Instant::now(), draw) {
            self.connect(edge);
        }
    }

    fn renewed(&mut self, token: Result<String>) {
        let Some(line) = &mut self.line else { return };
        match token {
            // Nobody has a newer one: the edge will say when this one is over.
            Ok(token) if token == line.token => {}
            Ok(token) => {
                self.renew_at = renew_after(&token, unix_now()).map(|after| Instant::now() + after);
                line.push(&ClientFrame::Refresh { token: token.clone() });
                line.token = token;
            }
            Err(_) => self.renew_at = Some(Instant::now() + rules::BACK_OFF_MOST),
        }
    }

    fn came(&mut self, text: String) {
        let received = self.conversations.came(text, Instant::now());
        if let Some(Received::Frame(_, frame)) = &received {
            self.frame(frame);
        }
        self.ready.extend(received);
        self.write_what_is_due();
    }

    fn frame(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Welcome { heartbeat_s, list, .. } => {
                self.refused = None;
                if let Some(line) = &mut self.line {
                    line.beats(Duration::from_secs(*heartbeat_s));
                }
                self.edges.list(list);
            }
            ServerFrame::Move { to } => self.leave_for(to),
            _ => {}
        }
    }

    /// This edge is about to go: the one that it names is gone to at once. The line here is read until it ends.
    fn leave_for(&mut self, to: &str) {
        let Some(line) = &self.line else { return };
        self.edges.avoid(&line.edge, Instant::now());
        let other = self.edges.name(to).or_else(|| self.edges.best(Instant::now(), draw));
        let other = other.filter(|edge| *edge != line.edge);
        if let Some(edge) = other {
            self.connect(edge);
        }
    }
}

async fn next_of(line: &mut Option<Line>) -> Result<String, Closed> {
    match line {
        Some(line) => line.next().await,
        None => std::future::pending().await,
    }
}

/// What a task that was begun brings; it is forgotten then.
async fn done<T>(task: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(running) = task else { return std::future::pending().await };
    let brought = running.await;
    *task = None;
    brought
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
