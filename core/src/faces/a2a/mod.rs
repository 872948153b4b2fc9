//! A2A 1.0: Switchboard as an agent. A context is a conversation, a task is a turn (with those that answer what it asked
//! back), on the same rows and the same log as everywhere, so that any core answers for any task at any time. How it is
//! said on the wire is `switchboard-a2a`'s.

mod asker;
mod card;
mod contexts;
mod deliver;
mod face;
mod faults;
mod files;
mod listing;
mod pushes;
mod routes;
mod shown;
mod stream;
mod taken;
mod told;

pub(crate) use deliver::deliver;
pub(crate) use faults::shaped;
pub(crate) use routes::routes;
