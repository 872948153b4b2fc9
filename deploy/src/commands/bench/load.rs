//! An open load: each message is due at a moment of its own and is timed from that moment, whether or not those before it
//! are answered. So what makes a house slow for a while is seen in every message that was due in that while.

use super::site::Site;
use crate::{
    client::{Client, Socket, next_text, send_frame},
    error::{Error, Result},
};
use futures::future::try_join_all;
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::task::TaskTracker;

/// What is said: the words alone tell which of the example agents is meant.
const QUESTIONS: [&str; 4] = [
    "What are the mean and the median of 3, 5 and 10?",
    "How strong is the password hunter2?",
    "Review this code: eval(input())",
    "What is the mean of 4, 8 and 15?",
];
/// What two of the example agents have to answer.
const COMPOUND: &str = "What is the mean of 4, 8 and 15, and how strong is the password hunter2?";
/// How long the last answers are waited for.
const LAST_WITHIN: Duration = Duration::from_secs(10);

/// How many agents a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agents {
    One,
    Two,
}

/// What one message took from when it was due; what did not come is absent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    pub(crate) acknowledged: Option<Duration>,
    pub(crate) first_piece: Option<Duration>,
    pub(crate) answered: Option<Duration>,
}

/// People, each with a socket in a conversation of their own.
pub(crate) struct Load {
    people: Vec<mpsc::UnboundedSender<(usize, Instant)>>,
    rooms: Vec<String>,
    ended: Vec<tokio::task::JoinHandle<Vec<Took>>>,
}

impl Load {
    /// Brings everybody in.
    pub(crate) async fn enter(site: &Site, people: usize, agents: Agents) -> Result<Self> {
        let sockets =
            try_join_all((0..people).map(async |number| enter(&site.person(number)?).await)).await?;
        let tasks = TaskTracker::new();
        let (mut all, mut ended) = (Vec::new(), Vec::new());
        let rooms = sockets.iter().map(|(_, room)| room.clone()).collect();
        for (socket, room) in sockets {
            // Unbounded, or what is late to be taken would hold the others up; there are no more than are due.
            let (orders, ordered) = mpsc::unbounded_channel();
            all.push(orders);
            ended.push(tasks.spawn(Person { socket, room, agents, timed: Timed::default() }.live(ordered)));
        }
        Ok(Self { people: all, rooms, ended })
    }

    /// Their conversations.
    pub(super) fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// Lets so many messages a second be due, for so long.
    pub(crate) async fn say(&self, per_second: u32, time: Duration) {
        // From a tick of the timer on, so that what is due at whole milliseconds is due at ticks.
        sleep(Duration::from_millis(1)).await;
        let (start, step) = (Instant::now(), Duration::from_secs(1) / per_second);
        let mut number = 0_usize;
        loop {
            let due = start + step.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
            if due.duration_since(start) >= time {
                return;
            }
            sleep_until(due).await;
            // Who has gone has said why.
            self.people[number % self.people.len()].send((number, due)).ok();
            number += 1;
        }
    }

    /// Waits for the last answers; what each message took.
    pub(crate) async fn end(self) -> Result<Vec<Took>> {
        drop(self.people);
        let broke = |error| Error::Failed(format!("a person of the load: {error}"));
        Ok(try_join_all(self.ended).await.map_err(broke)?.into_iter().flatten().collect())
    }
}

async fn enter(who: &Client) -> Result<(Socket, String)> {
    let room = room(who).await?;
    Ok((join(who, &room).await?, room))
}

/// A new conversation.
pub(super) async fn room(who: &Client) -> Result<String> {
    let room: Value = who.post("/v1/conversations", &json!({})).await?;
    Ok(room["id"].as_str().unwrap_or_default().to_owned())
}

/// A socket that is in a conversation.
pub(super) async fn join(who: &Client, room: &str) -> Result<Socket> {
    let mut socket = who.socket("/ws").await?;
    let gone = |_| Error::Failed("a socket closed before it was in its conversation".to_owned());
    let join = json!({"type": "join", "conversation": room, "after": 0});
    send_frame(&mut socket, &join).await.map_err(|error| Error::Failed(error.to_string()))?;
    while !next_text(&mut socket).await.map_err(gone)?.contains("\"joined\"") {}
    Ok(socket)
}

struct Person {
    socket: Socket,
    room: String,
    agents: Agents,
    timed: Timed,
}

impl Person {
    async fn live(mut self, mut orders: mpsc::UnboundedReceiver<(usize, Instant)>) -> Vec<Took> {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some((number, due)) => if !self.say(number, due).await { break },
                    None => break,
                },
                text = next_text(&mut self.socket) => match text {
                    Ok(text) => self.timed.hear(&text, Instant::now()),
                    Err(_) => break,
                },
            }
        }
        let last = async {
            while self.timed.waits() {
                let Ok(text) = next_text(&mut self.socket).await else { return };
                self.timed.hear(&text, Instant::now());
            }
        };
        // What has not come by then has not come.
        drop(timeout(LAST_WITHIN, last).await);
        self.timed.took()
    }

    async fn say(&mut self, number: usize, due: Instant) -> bool {
        let id = number.to_string();
        let text = match self.agents {
            Agents::One => QUESTIONS[number % QUESTIONS.len()],
            Agents::Two => COMPOUND,
        };
        let frame = json!({"type": "send", "id": id, "conversation": self.room, "text": text});
        self.timed.due.insert(id, due);
        send_frame(&mut self.socket, &frame).await.is_ok()
    }
}

/// When what was heard.
#[derive(Default)]
struct Timed {
    due: HashMap<String, Instant>,
    acknowledged: HashMap<String, (Instant, String)>,
    /// By turn.
    first_piece: HashMap<String, Instant>,
    answered: HashMap<String, Instant>,
}

impl Timed {
    fn hear(&mut self, text: &str, now: Instant) {
        let Ok(frame) = serde_json::from_str::<Value>(text) else { return };
        let word = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("ack") => drop(self.acknowledged.insert(word("id"), (now, word("turn")))),
            Some("answer.delta") => drop(self.first_piece.entry(word("turn")).or_insert(now)),
            Some("turn.finished") => drop(self.answered.insert(word("turn"), now)),
            // Refused: it is not waited for, and counts as what did not come.
            Some("error") => drop(self.acknowledged.insert(word("id"), (now, String::new()))),
            _ => {}
        }
    }

    fn waits(&self) -> bool {
        let is_over = |turn: &String| turn.is_empty() || self.answered.contains_key(turn);
        !self.due.keys().all(|id| self.acknowledged.get(id).is_some_and(|(_, turn)| is_over(turn)))
    }

    fn took(self) -> Vec<Took> {
        let of = |(id, due): (&String, &Instant)| {
            let Some((acknowledged, turn)) = self.acknowledged.get(id).filter(|(_, turn)| !turn.is_empty())
            else {
                return Took::default();
            };
            let since = |at: Option<&Instant>| at.map(|at| at.duration_since(*due));
            Took {
                acknowledged: since(Some(acknowledged)),
                first_piece: since(self.first_piece.get(turn)),
                answered: since(self.answered.get(turn)),
            }
        };
        self.due.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_is_timed_from_when_it_was_due_and_what_does_not_come_is_missing() {
        let (start, mut timed) = (Instant::now(), Timed::default());
        let at = |ms| start + Duration::from_millis(ms);
        timed.due = HashMap::from([("0".into(), at(0)), ("1".into(), at(20)), ("2".into(), at(40))]);
        for (ms, frame) in [
            (5, json!({"type": "ack", "id": "0", "turn": "a"})),
            (7, json!({"type": "answer.delta", "turn": "a"})),
            (8, json!({"type": "answer.delta", "turn": "a"})),
            (9, json!({"type": "turn.finished", "turn": "a"})),
            (50, json!({"type": "error", "id": "1", "code": "rate_limited"})),
        ] {
            timed.hear(&frame.to_string(), at(ms));
        }
        assert!(timed.waits(), "the third was neither acknowledged nor refused");
        let took = timed.took();
        let of = |one: fn(&Took) -> Option<Duration>| took.iter().filter_map(one).collect::<Vec<_>>();
        assert_eq!(took.len(), 3);
        assert_eq!(of(|took| took.acknowledged), [Duration::from_millis(5)]);
        assert_eq!(of(|took| took.first_piece), [Duration::from_millis(7)]);
        assert_eq!(of(|took| took.answered), [Duration::from_millis(9)]);
    }
}
