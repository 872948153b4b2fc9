//! One run: clients that talk in one conversation through edges to cores, and what happens to each message.

use super::{
    clock::{Chance, Clock, Ms},
    faults::{self, Fault, OVER},
    parts::{Client, ClientId, Connection, Database, Entry, Process, Stream, Turn, TurnRow},
    rules::Rules,
};

pub(crate) const CLIENTS: usize = 3;
pub(crate) const CORES: usize = 3;
pub(crate) const EDGES: usize = 2;
/// Long after the last fault.
const END: Ms = 90_000;
const LEASE: Ms = 4_000;
const RENEW: Ms = 1_000;
const LOOK: Ms = 500;
const POLL: Ms = 1_000;
/// A client sends again what had no answer for so long.
const NO_ANSWER: Ms = 3_000;
/// A core tries so long to commit.
const PATIENCE: Ms = 2_000;
/// The steps of a turn before its end.
const STEPS: u32 = 4;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A client looks what there is to do.
    Tick(usize),
    /// A message is at a core.
    Arrives {
        core: Life,
        from: Caller,
        id: ClientId,
        until: Ms,
    },
    /// It is acknowledged, at the core.
    Answers {
        core: Life,
        from: Caller,
        id: ClientId,
        turn: Turn,
    },
    /// The acknowledgement is at the client.
    Acknowledged {
        from: Caller,
        id: ClientId,
        turn: Turn,
    },
    /// The doorbell rings for an event, at the core of somebody's stream.
    Rings {
        to: Caller,
        seq: usize,
    },
    /// A stream reads the rows.
    Reads {
        to: Caller,
    },
    /// It does, and will again.
    Polls {
        to: Caller,
    },
    /// An event is at the client.
    Hears {
        to: Caller,
        seq: usize,
    },
    /// A turn does its next step.
    Works {
        core: Life,
        turn: Turn,
        attempt: u32,
    },
    /// A turn's lease is renewed.
    Renews {
        core: Life,
        turn: Turn,
        attempt: u32,
    },
    /// A core looks for turns whose lease has ended.
    Looks(usize),
    Begins(Fault),
    Ends(Fault),
}

/// A core in one of its lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    core: usize,
    life: u32,
}

/// A client on one of its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    client: usize,
    connection: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) faults: u64,
    pub(crate) taken_over: u64,
    pub(crate) sent_again: u64,
    pub(crate) fenced: u64,
    pub(crate) read_for_a_gap: u64,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) clock: Clock<Event>,
    pub(crate) chance: Chance,
    pub(crate) database: Database,
    pub(crate) doorbell_away: bool,
    pub(crate) cores: [Process; CORES],
    /// What is due at a frozen core.
    pub(crate) cores_held: [Vec<Event>; CORES],
    pub(crate) edges: [Process; EDGES],
    pub(crate) clients: [Client; CLIENTS],
    pub(crate) counted: Counted,
    connections: u64,
}

impl World {
    /// From its beginning to its end.
    pub(crate) fn run(seed: u64, rules: Rules) -> Self {
        let mut world = Self {
            rules,
            clock: Clock::new(),
            chance: Chance::new(seed),
            database: Database::default(),
            doorbell_away: false,
            cores: [Process::NEW; CORES],
            cores_held: Default::default(),
            edges: [Process::NEW; EDGES],
            clients: Default::default(),
            counted: Counted::default(),
            connections: 0,
        };
        (0..CLIENTS).for_each(|client| world.clock.after(client as Ms, Event::Tick(client)));
        (0..CORES).for_each(|core| world.clock.after(core as Ms, Event::Looks(core)));
        for (at, lasts, fault) in faults::drawn(&mut world.chance) {
            world.clock.after(at, Event::Begins(fault));
            world.clock.after(at + lasts, Event::Ends(fault));
        }
        while let Some(event) = world.clock.next() {
            if world.clock.now > END {
                break;
            }
            world.happens(event);
        }
        world
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Begins(fault) => self.begins(fault),
            Event::Ends(fault) => self.ends(fault),
            Event::Tick(client) => self.tick(client),
            Event::Acknowledged { from, id, turn } => self.acknowledged(from, id, turn),
            Event::Hears { to, seq } => {
                if self.connection(to).is_some() && !self.clients[to.client].deaf {
                    self.clients[to.client].seen.push(seq);
                }
            }
            Event::Rings { to, .. } | Event::Reads { to } | Event::Polls { to } => {
                self.at_a_stream(to, event)
            }
            Event::Arrives { core, .. } | Event::Answers { core, .. } => self.at_a_core(core, event),
            Event::Works { core, .. } | Event::Renews { core, .. } => self.at_a_core(core, event),
            Event::Looks(core) => {
                self.clock.after(LOOK, event);
                let Process { life, up, frozen_until } = self.cores[core];
                if up && frozen_until <= self.clock.now && !self.database.away && self.rules.take_over {
                    self.take_over(Life { core, life });
                }
            }
        }
    }

    /// Nothing happens at a core that is dead or another one since, and later at one that is frozen.
    fn at_a_core(&mut self, core: Life, event: Event) {
        if !self.cores[core.core].is(core.life) || self.held(core.core, event) {
            return;
        }
        match event {
            Event::Arrives { core, from, id, until } => self.arrives(core, from, id, until),
            Event::Answers { from, id, turn, .. } => {
                let pause = self.chance.between(1, 40);
                self.clock.after(pause, Event::Acknowledged { from, id, turn });
            }
            Event::Works { core, turn, attempt } => self.works(core, turn, attempt),
            Event::Renews { core, turn, attempt } => self.renews(core, turn, attempt),
            _ => {}
        }
    }
}

/// Clients, with the edge that each is connected to.
impl World {
    fn tick(&mut self, client: usize) {
        let pause = self.chance.between(150, 600);
        self.clock.after(pause, Event::Tick(client));
        if self.clock.now < OVER && self.chance.in_a_hundred(30) {
            let one = &mut self.clients[client];
            one.said += 1;
            one.waiting.insert((client, one.said));
        }
        let gone = |it: &Connection| !self.edges[it.edge].is(it.edge_life);
        if self.clients[client].connection.as_ref().is_some_and(gone) {
            self.clients[client].connection = None;
        }
        match self.clients[client].connection {
            None => self.connect(client),
            Some(connection) => self.send(client, connection.number),
        }
    }

    fn connect(&mut self, client: usize) {
        let edge = self.chance.index(EDGES);
        if !self.edges[edge].up {
            return;
        }
        self.connections += 1;
        let number = self.connections;
        // What was under way on the last connection is sent again at once.
        self.clients[client].sent.values_mut().for_each(|at| *at = at.saturating_sub(NO_ANSWER));
        let passed = if self.rules.cursor { self.clients[client].cursor() } else { self.database.last_seq() };
        let stream = Some(Stream { core: usize::MAX, core_life: 0, passed });
        let busy_until = self.clock.now;
        let edge_life = self.edges[edge].life;
        self.clients[client].connection = Some(Connection { number, edge, edge_life, stream, busy_until });
        let to = Caller { client, connection: number };
        self.clock.after(1, if self.rules.poll { Event::Polls { to } } else { Event::Reads { to } });
    }

    fn send(&mut self, client: usize, connection: u64) {
        for id in self.clients[client].waiting.clone() {
            let now = self.clock.now;
            let sent = self.clients[client].sent.get(&id).copied();
            let again = self.rules.send_again && sent.is_some_and(|at| at + NO_ANSWER <= now);
            let up: Vec<_> = (0..CORES).filter(|core| self.cores[*core].up).collect();
            if sent.is_some() && !again || up.is_empty() {
                continue;
            }
            self.counted.sent_again += u64::from(again);
            self.clients[client].sent.insert(id, now);
            let core = up[self.chance.index(up.len())];
            let core = Life { core, life: self.cores[core].life };
            let pause = self.chance.between(1, 60);
            let from = Caller { client, connection };
            self.clock.after(pause, Event::Arrives { core, from, id, until: now + PATIENCE });
        }
    }

    fn acknowledged(&mut self, from: Caller, id: ClientId, turn: Turn) {
        if self.connection(from).is_some() && !self.clients[from.client].deaf {
            self.clients[from.client].waiting.remove(&id);
            self.clients[from.client].acknowledged.insert(id, turn);
        }
    }

    /// The connection, if it is the client's own still and its edge lives.
    fn connection(&mut self, of: Caller) -> Option<&mut Connection> {
        let edges = self.edges;
        let connection = self.clients[of.client].connection.as_mut();
        connection.filter(|it| it.number == of.connection && edges[it.edge].is(it.edge_life))
    }
}

/// Streams: what an edge reads from a core for a client.
impl World {
    fn at_a_stream(&mut self, to: Caller, event: Event) {
        let Some(mut stream) = self.connection(to).and_then(|it| it.stream) else { return };
        if matches!(event, Event::Polls { .. }) {
            self.clock.after(POLL, event);
        }
        if stream.core == usize::MAX || !self.cores[stream.core].is(stream.core_life) {
            // Its core is gone: the edge attaches it to another one, with what it passed on last.
            let core = self.chance.index(CORES);
            if !self.cores[core].up {
                self.clock.after(LOOK, Event::Reads { to });
                return;
            }
            (stream.core, stream.core_life) = (core, self.cores[core].life);
            self.keep(to, stream);
            self.clock.after(0, Event::Reads { to });
            return;
        }
        if self.held(stream.core, Event::Reads { to }) {
            return;
        }
        match event {
            Event::Rings { seq, .. } if seq <= stream.passed => {}
            Event::Rings { seq, .. } if seq == stream.passed + 1 || !self.rules.next_or_rows => {
                self.pass_on(to, stream, seq..=seq);
            }
            Event::Rings { .. } if self.database.away => {}
            Event::Rings { .. } => {
                self.counted.read_for_a_gap += 1;
                self.pass_on(to, stream, stream.passed + 1..=self.database.last_seq());
            }
            _ if self.database.away => self.clock.after(LOOK, Event::Reads { to }),
            _ => self.pass_on(to, stream, stream.passed + 1..=self.database.last_seq()),
        }
    }

    fn pass_on(&mut self, to: Caller, mut stream: Stream, seqs: std::ops::RangeInclusive<usize>) {
        for seq in seqs {
            stream.passed = seq;
            let (now, pause) = (self.clock.now, self.chance.between(1, 40));
            let Some(connection) = self.connection(to) else { return };
            connection.busy_until = connection.busy_until.max(now + pause);
            let at = connection.busy_until;
            self.clock.after(at - now, Event::Hears { to, seq });
        }
        self.keep(to, stream);
    }

    fn keep(&mut self, to: Caller, stream: Stream) {
        if let Some(connection) = self.connection(to) {
            connection.stream = Some(stream);
        }
    }

    /// Writes into the log and rings: each stream hears it at another time, or not at all.
    fn log(&mut self, entry: Entry) {
        self.database.log.push(entry);
        let seq = self.database.last_seq();
        for client in 0..CLIENTS {
            let Some(Connection { number, .. }) = self.clients[client].connection else { continue };
            if !self.doorbell_away && !self.chance.in_a_hundred(5) {
                let pause = self.chance.between(0, 60);
                self.clock.after(pause, Event::Rings { to: Caller { client, connection: number }, seq });
            }
        }
    }
}

/// Cores: accepting messages and working on turns.
impl World {
    fn arrives(&mut self, core: Life, from: Caller, id: ClientId, until: Ms) {
        let answers = |turn| Event::Answers { core, from, id, turn };
        if !self.rules.commit_first {
            self.clock.after(0, answers(Turn::MAX));
        }
        if self.database.away {
            if self.clock.now < until {
                self.clock.after(100, Event::Arrives { core, from, id, until });
            }
            return;
        }
        let turn = match self.database.by_id.get(&id) {
            Some(turn) if self.rules.one_per_id => *turn,
            _ => self.begin(core, id),
        };
        // It may die now: committed, and nobody was told.
        let pause = self.chance.between(1, 30);
        if self.rules.commit_first {
            self.clock.after(pause, answers(turn));
        }
    }

    fn begin(&mut self, core: Life, id: ClientId) -> Turn {
        let turn = self.database.turns.len();
        let lease_until = self.clock.now + LEASE;
        self.database.turns.push(TurnRow {
            attempt: 1,
            core: core.core,
            lease_until,
            steps: 0,
            finished: false,
        });
        self.database.by_id.insert(id, turn);
        self.log(Entry::Message(id));
        self.go(core, turn, 1);
        turn
    }

    fn go(&mut self, core: Life, turn: Turn, attempt: u32) {
        let pause = self.chance.between(5, 300);
        self.clock.after(pause, Event::Works { core, turn, attempt });
        self.clock.after(RENEW, Event::Renews { core, turn, attempt });
    }

    fn works(&mut self, core: Life, turn: Turn, attempt: u32) {
        let again = Event::Works { core, turn, attempt };
        if self.database.away {
            self.clock.after(100, again);
            return;
        }
        let row = self.database.turns[turn];
        if row.finished || row.attempt != attempt {
            self.counted.fenced += 1;
            if self.rules.fence {
                return;
            }
        }
        let step = row.steps + 1;
        self.database.turns[turn].steps = step;
        if step < STEPS {
            self.log(Entry::Step { turn, attempt, step });
            let pause = self.chance.between(20, 900);
            self.clock.after(pause, again);
        } else {
            self.database.turns[turn].finished = true;
            self.log(Entry::Finished { turn, attempt });
        }
    }

    fn renews(&mut self, core: Life, turn: Turn, attempt: u32) {
        let row = self.database.turns[turn];
        if row.finished || row.attempt != attempt {
            return;
        }
        if !self.database.away {
            self.database.turns[turn].lease_until = self.clock.now + LEASE;
        }
        self.clock.after(RENEW, Event::Renews { core, turn, attempt });
    }

    fn take_over(&mut self, core: Life) {
        let now = self.clock.now;
        let due = |(_, row): &(Turn, &TurnRow)| !row.finished && row.lease_until < now;
        let due: Vec<_> = self.database.turns.iter().enumerate().filter(due).map(|(turn, _)| turn).collect();
        for turn in due {
            let row = &mut self.database.turns[turn];
            row.attempt += 1;
            row.core = core.core;
            row.lease_until = now + LEASE;
            let attempt = row.attempt;
            self.counted.taken_over += 1;
            self.go(core, turn, attempt);
        }
    }
}
