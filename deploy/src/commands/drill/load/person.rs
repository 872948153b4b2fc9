//! Somebody of the load: one socket, which comes back when it drops, joins again at its cursor, and sends again under
//! the same id what was not acknowledged. What a good client does, and nothing more.

use super::{check::View, record::Record};
use crate::client::{Client, Closed, Socket, next_text, send_frame};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use switchboard_shared::{
    events::CloseCode,
    ids::{ConversationId, TurnId},
};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// A message that nothing was heard of for so long is tried on another socket; the edge has answered by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// The first and the longest bound of a wait before another try (full jitter below it).
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// A connection that is not in its conversation by then is given up.
const JOIN_WITHIN: Duration = Duration::from_secs(15);
/// A frame that cannot be written for so long: the socket is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// What says that trying again will help.
const PASSING: [&str; 6] =
    ["unavailable", "rate_limited", "deadline_exceeded", "bad_gateway", "internal", "request_timeout"];

/// What the frames of a conversation have in common, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Frame {
    r#type: String,
    id: Option<String>,
    seq: Option<u64>,
    at: Option<String>,
    turn: Option<TurnId>,
    code: Option<String>,
    retry_after_s: Option<u64>,
    #[serde(default)]
    data: Value,
}

/// They say nothing by themselves: what to say comes in `orders`.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) room: ConversationId,
    pub(super) edges: Vec<Client>,
    pub(super) record: Arc<Record>,
    pub(super) orders: Receiver<(usize, String)>,
    /// Whether what was refused for now is tried again.
    pub(super) retries: bool,
    pub(super) view: View,
    pub(super) pending: BTreeMap<usize, Pending>,
    /// Acknowledged places that the stream has not come to yet.
    pub(super) due: BTreeMap<u64, Instant>,
    pub(super) tries: usize,
    /// Since when there was no socket; absent before the first.
    pub(super) away: Option<Instant>,
    pub(super) joined: tokio::sync::watch::Sender<usize>,
}

/// A message that is not acknowledged yet.
#[derive(Debug)]
pub(super) struct Pending {
    text: String,
    again: Instant,
    /// Whether an answer to it is being waited for.
    asked: bool,
}

impl Person {
    /// Goes on until it is told to stop; what the socket saw.
    pub(super) async fn live(mut self, stop: CancellationToken) -> View {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.stay() => {}
        }
        self.view
    }

    async fn stay(&mut self) {
        loop {
            let edge = &self.edges[(self.number + self.tries) % self.edges.len()];
            match edge.socket("/ws").await {
                Ok(mut socket) => {
                    let closed = self.listen(&mut socket).await;
                    self.closed(closed);
                }
                Err(error) => {
                    self.record.error(&code_of(&error));
                    self.tries += 1;
                }
            }
            self.away.get_or_insert_with(Instant::now);
            self.back_off().await;
        }
    }

    fn closed(&mut self, closed: Option<u16>) {
        let going = closed == Some(CloseCode::Restart as u16);
        // The edge goes away, or the socket is of no use: elsewhere. One that just dropped may be the network's fault.
        self.tries += usize::from(going || closed.is_none());
        if let Some(code @ 4400..) = closed {
            self.record.error(&format!("closed_{code}"));
        }
    }

    /// Full jitter below a bound that doubles.
    async fn back_off(&self) {
        let (first, longest) = BACKOFF;
        let bound = first.saturating_mul(1 << self.tries.min(5)).min(longest);
        let random = uuid::Uuid::new_v4().as_u64_pair().1;
        sleep(Duration::from_millis(random % u64::try_from(bound.as_millis()).unwrap_or(1).max(1))).await;
    }

    /// Until the socket is gone, or of no use.
    async fn listen(&mut self, socket: &mut Socket) -> Option<u16> {
        let join = json!({"type": "join", "conversation": self.room, "after": self.view.cursor});
        if !write(socket, &join).await {
            return None;
        }
        let (began, mut inside) = (Instant::now(), false);
        loop {
            let wake = self.pending.values().map(|pending| pending.again).min();
            let wake = if inside { wake } else { Some(began + JOIN_WITHIN) };
            let wake = wake.unwrap_or_else(|| Instant::now() + ANSWER_WITHIN);
            tokio::select! {
                text = next_text(socket) => match text {
                    Ok(text) => if !self.hear(&text, socket, &mut inside).await { return None },
                    Err(Closed { code, .. }) => return code,
                },
                Some((number, text)) = self.orders.recv(), if inside => {
                    self.pending.insert(number, Pending { text, again: Instant::now(), asked: false });
                    if !self.say_what_is_due(socket).await { return None }
                }
                () = sleep_until(wake) => {
                    if !inside || !self.say_what_is_due(socket).await { return None }
                }
            }
        }
    }

    /// Says what is new, or may be tried again. Not so when something was not answered at all.
    async fn say_what_is_due(&mut self, socket: &mut Socket) -> bool {
        let now = Instant::now();
        if self.pending.values().any(|it| it.asked && it.again <= now) {
            return false;
        }
        let due: Vec<usize> =
            self.pending.iter().filter(|(_, it)| it.again <= now).map(|(number, _)| *number).collect();
        for number in due {
            if !self.say(number, socket).await {
                return false;
            }
        }
        true
    }

    async fn say(&mut self, number: usize, socket: &mut Socket) -> bool {
        let Some(pending) = self.pending.get_mut(&number) else { return true };
        (pending.again, pending.asked) = (Instant::now() + ANSWER_WITHIN, true);
        let id = self.record.client_id(number);
        let frame = json!({"type": "send", "id": id, "conversation": self.room, "text": pending.text});
        write(socket, &frame).await
    }

    /// Not so when this socket is of no more use.
    async fn hear(&mut self, text: &str, socket: &mut Socket, inside: &mut bool) -> bool {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            self.record.error("unreadable_frame");
            return true;
        };
        match (frame.r#type.as_str(), frame.seq) {
            ("joined", Some(seq)) => {
                let cursor = *self.view.cursor.get_or_insert(seq);
                self.record.seen(self.number, cursor);
                *inside = true;
                return self.enter(socket).await;
            }
            ("snapshot", Some(seq)) => {
                self.view.start_over(seq);
                self.record.seen(self.number, seq);
                *inside = true;
                return self.enter(socket).await;
            }
            ("ack", Some(seq)) => self.stored(frame.id.as_deref(), seq, frame.turn),
            ("error", _) => return self.refused(&frame),
            (_, Some(seq)) if frame.at.is_some() => self.event(&frame, seq),
            _ => {}
        }
        true
    }

    async fn enter(&mut self, socket: &mut Socket) -> bool {
        if let Some(since) = self.away.take() {
            self.record.was_away(since.elapsed());
        }
        self.joined.send_modify(|count| *count += 1);
        // Whatever was under way on the socket before is sent again.
        for number in self.pending.keys().copied().collect::<Vec<_>>() {
            self.record.retried();
            if !self.say(number, socket).await {
                return false;
            }
        }
        true
    }

    fn stored(&mut self, id: Option<&str>, seq: u64, turn: Option<TurnId>) {
        let Some(number) = id.and_then(|id| self.record.number(id)) else { return };
        self.tries = 0;
        let news = self.record.acknowledge(number, seq, turn);
        self.pending.remove(&number);
        if news && self.view.cursor.is_some_and(|cursor| cursor < seq) {
            self.due.insert(seq, Instant::now());
        }
    }

    fn event(&mut self, frame: &Frame, seq: u64) {
        self.view.see(seq);
        self.record.seen(self.number, seq);
        let later = self.due.split_off(&(seq + 1));
        for (_, since) in std::mem::replace(&mut self.due, later) {
            self.record.was_due(since.elapsed());
        }
        match frame.r#type.as_str() {
            "message.created" => {
                // It may come before its acknowledgement, and is as good as that.
                let turn = frame.turn.or_else(|| serde_json::from_value(frame.data["turn"].clone()).ok());
                let id = frame.data["client_id"].as_str().map(str::to_owned);
                if let Some(number) = id.as_deref().and_then(|id| self.record.number(id)) {
                    self.record.acknowledge(number, seq, turn);
                    self.pending.remove(&number);
                }
            }
            "answer.finished" if frame.data["degraded"].as_str().is_some_and(|why| !why.is_empty()) => {
                self.record.degraded();
            }
            "turn.finished" => {
                if let Some(turn) = frame.turn {
                    self.record.over(turn, frame.data["state"].as_str().unwrap_or("unknown"));
                }
            }
            _ => {}
        }
    }

    fn refused(&mut self, frame: &Frame) -> bool {
        let code = frame.code.as_deref().unwrap_or("unknown");
        self.record.error(code);
        let Some(number) = frame.id.as_deref().and_then(|id| self.record.number(id)) else {
            // It is about the conversation, whose stream is over: join again on another socket.
            return false;
        };
        if !self.retries || !PASSING.contains(&code) {
            self.pending.remove(&number);
            self.record.refuse(number);
            return true;
        }
        if let Some(pending) = self.pending.get_mut(&number) {
            let spread = uuid::Uuid::new_v4().as_u64_pair().1 % 500;
            let wait = frame.retry_after_s.unwrap_or(0) * 1_000 + 250 + spread;
            (pending.again, pending.asked) = (Instant::now() + Duration::from_millis(wait), false);
            self.record.retried();
        }
        true
    }
}

async fn write(socket: &mut Socket, frame: &Value) -> bool {
    matches!(timeout(WRITE_WITHIN, send_frame(socket, frame)).await, Ok(Ok(())))
}

/// What a failed request is counted as.
pub(super) fn code_of(error: &crate::Error) -> String {
    match error {
        crate::Error::Problem(problem) => problem.code.code().to_owned(),
        crate::Error::Unreachable(_) => "edge_unreachable".to_owned(),
        _ => "other".to_owned(),
    }
}
