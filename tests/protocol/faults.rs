//! What goes wrong in a run, when and for how long.

use super::{
    clock::{Chance, Ms},
    parts::Process,
    world::{CLIENTS, CORES, EDGES, Event, World},
};

/// When nothing new goes wrong any more, and nothing new is said.
pub(crate) const OVER: Ms = 30_000;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    CoreDies(usize),
    CoreFreezes(usize),
    EdgeDies(usize),
    /// A client's connection breaks, and it is told.
    LinkBreaks(usize),
    /// Nothing comes over a client's connection any more, and it is not told.
    LinkIsDeaf(usize),
    DatabaseAway,
    DoorbellAway,
}

/// Each with its time and how long it lasts.
pub(crate) fn drawn(chance: &mut Chance) -> Vec<(Ms, Ms, Fault)> {
    let count = chance.between(4, 16);
    let one = |_| {
        let (lasts, fault) = lasts_and_what(chance);
        (chance.between(100, OVER), lasts, fault)
    };
    (0..count).map(one).collect()
}

fn lasts_and_what(chance: &mut Chance) -> (Ms, Fault) {
    match chance.between(0, 6) {
        0 => (chance.between(500, 6_000), Fault::CoreDies(chance.index(CORES))),
        1 => (chance.between(500, 12_000), Fault::CoreFreezes(chance.index(CORES))),
        2 => (chance.between(500, 6_000), Fault::EdgeDies(chance.index(EDGES))),
        3 => (0, Fault::LinkBreaks(chance.index(CLIENTS))),
        4 => (chance.between(1_000, 5_000), Fault::LinkIsDeaf(chance.index(CLIENTS))),
        5 => (chance.between(100, 6_000), Fault::DatabaseAway),
        _ => (chance.between(500, 9_000), Fault::DoorbellAway),
    }
}

impl World {
    pub(crate) fn begins(&mut self, fault: Fault) {
        self.counted.faults += 1;
        match fault {
            Fault::CoreDies(core) => self.cores[core].up = false,
            Fault::EdgeDies(edge) => self.edges[edge].up = false,
            // How long is known when it ends.
            Fault::CoreFreezes(core) => self.cores[core].frozen_until = Ms::MAX,
            Fault::LinkBreaks(client) => self.clients[client].connection = None,
            Fault::LinkIsDeaf(client) => self.clients[client].deaf = true,
            Fault::DatabaseAway => self.database.away = true,
            Fault::DoorbellAway => self.doorbell_away = true,
        }
    }

    pub(crate) fn ends(&mut self, fault: Fault) {
        let now = self.clock.now;
        match fault {
            Fault::CoreDies(core) => born_again(&mut self.cores[core]),
            Fault::EdgeDies(edge) => born_again(&mut self.edges[edge]),
            Fault::CoreFreezes(core) => {
                self.cores[core].frozen_until = now;
                for event in std::mem::take(&mut self.cores_held[core]) {
                    self.clock.after(0, event);
                }
            }
            Fault::LinkBreaks(_) => {}
            // No ping came for so long that it gives the connection up.
            Fault::LinkIsDeaf(client) => {
                self.clients[client].deaf = false;
                self.clients[client].connection = None;
            }
            Fault::DatabaseAway => self.database.away = false,
            Fault::DoorbellAway => self.doorbell_away = false,
        }
    }

    /// Puts an event off until a frozen core thaws; whether it did.
    pub(crate) fn held(&mut self, core: usize, event: Event) -> bool {
        let frozen = self.cores[core].frozen_until > self.clock.now;
        if frozen {
            self.cores_held[core].push(event);
        }
        frozen
    }
}

fn born_again(process: &mut Process) {
    *process = Process { life: process.life + 1, up: true, frozen_until: 0 };
}
