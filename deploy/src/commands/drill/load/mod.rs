//! A load that is verified: people on sockets who say something at a steady rate, and at the end every conversation is
//! read back and compared with what was acknowledged and with what the sockets saw.

pub(super) mod check;
mod person;
mod probe;
pub(super) mod record;

use super::{
    agent::{Agent, Manner},
    settings::Settings,
    target::Target,
};
use crate::{
    client::Client,
    error::{Error, Result},
};
use check::{Findings, Kept, View, check};
use futures::{StreamExt, TryStreamExt, stream};
use person::Person;
use record::{Heard, Record};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{ConversationSummary, MessageView, Page, TurnView},
    events::TurnState,
    ids::ConversationId,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The agent of the drill's own, whose turns take a while, so that something is always in mid-answer.
const SLOW: &str = "drill-slow";
/// How long it takes for an answer.
const SLOW_FOR: Duration = Duration::from_secs(2);
/// One message in so many goes to it.
const SLOW_SHARE: usize = 4;
/// People who share an address.
const NEIGHBOURS: usize = 10;
/// What one person may be behind with; what is more is not said at all, and counted.
const BEHIND: usize = 4_096;
/// How long everybody may take to come in.
const JOIN_WITHIN: Duration = Duration::from_secs(60);
/// Requests of a preparation or a check that are under way at once.
const AT_ONCE: usize = 8;
/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the last events may take to every socket.
const LAST_EVENTS_WITHIN: Duration = Duration::from_secs(30);
/// How long reading one page back may be tried.
const READ_BACK_WITHIN: Duration = Duration::from_secs(60);

/// How much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) people: usize,
    pub(super) rooms: usize,
    /// Messages a second, all together.
    pub(super) rate: f64,
    /// Whether what is refused for now is tried again.
    pub(super) retries: bool,
    /// Whether some messages go to an agent that takes its time.
    pub(super) slow: bool,
    /// Whether each is for two agents, so that an answer has to be written out of their replies.
    pub(super) together: bool,
}

impl Size {
    /// As it was told.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            people: settings.people as usize,
            rooms: settings.rooms as usize,
            rate: settings.rate.into(),
            retries: true,
            slow: settings.against.is_empty(),
            together: false,
        }
    }
}

/// It goes on until it is finished.
pub(super) struct Load {
    pub(super) record: Arc<Record>,
    slow: Option<Agent>,
    admin: Client,
    rooms: Vec<(ConversationId, Client)>,
    stop: CancellationToken,
    pacing: CancellationToken,
    rate: watch::Sender<f64>,
    people: Vec<JoinHandle<View>>,
    tasks: TaskTracker,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) heard: Heard,
    pub(super) findings: Findings,
    /// Turns that were not at their end when patience was.
    pub(super) stuck: u64,
    /// Sent, and neither acknowledged nor refused until then.
    pub(super) unanswered: u64,
}

impl Load {
    /// Brings everybody into their conversations, and begins.
    pub(super) async fn start(target: &Target, size: Size) -> Result<Self> {
        let admin = target.client("drill-admin", &["user", "agent-admin"], 0)?.remove(0);
        let slow = if size.slow { Some(slow_agent(&admin).await?) } else { None };
        let record = Arc::new(Record::new(format!("drill-{}", uuid::Uuid::new_v4().simple())));
        let everybody = everybody(target, size.people).await?;
        let rooms = rooms(&everybody, size, target.has_names()).await?;
        let (stop, pacing, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let (joined, mut count) = watch::channel(0_usize);
        let (mut people, mut orders) = (Vec::new(), Vec::new());
        for (number, edges) in everybody.iter().enumerate() {
            let (order, ordered) = mpsc::channel(BEHIND);
            orders.push(order);
            let person = Person {
                number,
                room: rooms[number % rooms.len()].0,
                edges: edges.clone(),
                record: Arc::clone(&record),
                orders: ordered,
                retries: size.retries,
                view: View::default(),
                pending: Default::default(),
                due: Default::default(),
                tries: 0,
                away: None,
                joined: joined.clone(),
            };
            people.push(tasks.spawn(person.live(stop.clone())));
        }
        let inside = timeout(JOIN_WITHIN, count.wait_for(|count| *count >= size.people)).await;
        if inside.is_err() {
            stop.cancel();
            return Err(Error::Failed("not everybody came into their conversation".to_owned()));
        }
        let (rate, paced) = watch::channel(size.rate);
        let pacer = pace(Arc::clone(&record), orders, rooms.len(), size, paced);
        tasks.spawn(until(pacing.clone(), pacer));
        let probe = probe::probe(everybody[0].clone(), rooms[0].0, Arc::clone(&record));
        tasks.spawn(until(pacing.clone(), probe));
        Ok(Self { record, slow, admin, rooms, stop, pacing, rate, people, tasks })
    }

    /// Says so many messages a second from now on.
    pub(super) fn pace(&self, rate: f64) {
        self.rate.send_replace(rate);
    }

    /// Says nothing more, waits until all is answered, reads everything back and compares.
    pub(super) async fn finish(mut self, patience: Duration) -> Result<Outcome> {
        self.pacing.cancel();
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            let (unanswered, running) = self.record.open();
            if unanswered == 0 && running.is_empty() {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        let stuck = self.stuck().await;
        let ends = self.ends().await?;
        // Events come after what they are about; the last ones get their time.
        let deadline = Instant::now() + LAST_EVENTS_WITHIN;
        while Instant::now() < deadline && !self.record.all_at(&ends) {
            sleep(LOOK_EVERY).await;
        }
        self.stop.cancel();
        let (unanswered, _) = self.record.open();
        let mut views = Vec::new();
        for (number, person) in std::mem::take(&mut self.people).into_iter().enumerate() {
            let mut view = person.await.unwrap_or_default();
            view.end(ends[number % ends.len()]);
            views.push(view);
        }
        let findings = check(&self.record.acknowledged(), &self.kept().await?);
        if self.slow.is_some() {
            drop(self.admin.delete(&format!("/v1/agents/{SLOW}")).await);
        }
        self.tasks.close();
        let mut heard = self.record.take();
        heard.views = views;
        Ok(Outcome { heard, findings, stuck, unanswered: u64::try_from(unanswered).unwrap_or(u64::MAX) })
    }

    /// Turns whose end nobody heard are asked for by name.
    async fn stuck(&self) -> u64 {
        let (_, running) = self.record.open();
        let who = &self.rooms;
        let ask = |turn| async move {
            for (_, client) in who {
                let path = format!("/v1/turns/{turn}");
                if let Ok(view) = again(|| client.get::<TurnView>(&path)).await {
                    return u64::from(view.state == TurnState::Running);
                }
            }
            1
        };
        stream::iter(running).map(ask).buffer_unordered(AT_ONCE).fold(0, async |all, one| all + one).await
    }

    /// The last seq of each conversation.
    async fn ends(&self) -> Result<Vec<u64>> {
        let one = |(id, client): (ConversationId, Client)| async move {
            let path = format!("/v1/conversations/{id}");
            again(|| client.get::<ConversationSummary>(&path)).await.map(|summary| summary.last_seq)
        };
        stream::iter(self.rooms.clone()).map(one).buffered(AT_ONCE).try_collect().await
    }

    /// Every message of this load, as the house has it.
    async fn kept(&self) -> Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for (room, (id, client)) in self.rooms.iter().enumerate() {
            let mut after = "0".to_owned();
            loop {
                let path = format!("/v1/conversations/{id}/messages?limit=200&after={after}");
                let page: Page<MessageView> = again(|| client.get(&path)).await?;
                for message in page.items {
                    if let Some(client_id) = message.client_id {
                        kept.push(Kept { room, client_id: client_id.to_string(), seq: message.seq });
                    }
                }
                match page.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
        }
        Ok(kept)
    }
}

/// Takes away the agent that a load which was cut off has left; there may be none.
pub(super) async fn put_back(target: &Target) {
    if let Ok(admin) = target.client("drill-admin", &["user", "agent-admin"], 0) {
        let taken = admin.first().map(|admin| async { admin.delete(&format!("/v1/agents/{SLOW}")).await });
        if let Some(taken) = taken {
            drop(timeout(JOIN_WITHIN, taken).await);
        }
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Says something at each tick, by one person after another.
async fn pace(
    record: Arc<Record>,
    orders: Vec<mpsc::Sender<(usize, String)>>,
    rooms: usize,
    size: Size,
    mut rate: watch::Receiver<f64>,
) {
    let mut said = 0;
    loop {
        let every = Duration::from_secs_f64(1.0 / rate.borrow_and_update().max(0.1));
        let mut ticks = interval(every);
        // Late ticks are made up for: the rate is what people want, not what the house can do.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                changed = rate.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
            let person = said % orders.len();
            let Some(number) = record.send(person % rooms) else { return };
            said += 1;
            if orders[person].try_send((number, words(number, size))).is_err() {
                record.unsent(number);
            }
        }
    }
}

fn words(number: usize, size: Size) -> String {
    let question = format!("What is the mean of {number}, 8 and 15?");
    match (size.slow, size.together) {
        (true, true) => format!("@data-processor @{SLOW} {question}"),
        (true, false) if number.is_multiple_of(SLOW_SHARE) => format!("@{SLOW} say {number}"),
        _ => format!("@data-processor {question}"),
    }
}

async fn slow_agent(admin: &Client) -> Result<Agent> {
    let manner = Manner { hangs: false, card_bytes: 0, after: SLOW_FOR };
    let agent = Agent::start(SLOW, manner).await?;
    // One that a drill has left which was cut off.
    drop(admin.delete(&format!("/v1/agents/{SLOW}")).await);
    let new = json!({"url": agent.url, "id": SLOW});
    again(|| admin.post::<Value>("/v1/agents", &new)).await?;
    Ok(agent)
}

/// The clients of everybody, a few of them behind one address, one for each edge; everybody has been seen by the house.
async fn everybody(target: &Target, people: usize) -> Result<Vec<Vec<Client>>> {
    let groups = (0..people.div_ceil(NEIGHBOURS)).map(|group| target.client("drill-0", &["user"], group + 1));
    let groups: &Vec<Vec<Client>> = &groups.collect::<Result<_>>()?;
    let one = |number: usize| async move {
        let token = target.token(&format!("drill-{number}"), &["user"])?;
        let edges: Vec<_> = groups[number / NEIGHBOURS].iter().map(|edge| edge.with_token(&token)).collect();
        again(|| edges[0].get::<Value>("/v1/conversations?limit=1")).await?;
        Ok(edges)
    };
    stream::iter(0..people).map(one).buffered(AT_ONCE).try_collect().await
}

/// The conversations, each with who began it.
async fn rooms(everybody: &[Vec<Client>], size: Size, named: bool) -> Result<Vec<(ConversationId, Client)>> {
    let rooms = size.rooms.clamp(1, everybody.len());
    let one = |room: usize| async move {
        let owner = everybody[room][0].clone();
        let others = (room..everybody.len()).step_by(rooms).skip(1);
        // Who all speak as one are in it already.
        let others = others.filter(|_| named);
        let members: Vec<_> = others.map(|number| format!("drill-{number}")).collect();
        let new = json!({"title": "a drill", "members": members});
        let made: ConversationSummary = again(|| owner.post("/v1/conversations", &new)).await?;
        Ok((made.id, owner))
    };
    stream::iter(0..rooms).map(one).buffered(AT_ONCE).try_collect().await
}

/// Tries until it works, within a bound: what prepares and checks is no part of what is measured.
async fn again<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> Result<T> {
    let deadline = Instant::now() + READ_BACK_WITHIN;
    loop {
        match work().await {
            Err(error) if Instant::now() < deadline && passing(&error) => sleep(LOOK_EVERY * 2).await,
            other => return other,
        }
    }
}

fn passing(error: &Error) -> bool {
    match error {
        Error::Unreachable(_) => true,
        Error::Problem(problem) => problem.status == 429 || problem.status >= 500,
        _ => false,
    }
}
