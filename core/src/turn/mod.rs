//! A turn: one message on its way to its answer. [`run`] is the product in one function.
//!
//! Every step is written down, with its events, before the next begins, under a lease: a core that dies loses its turns
//! to another, which goes on from the rows.

mod answer;
mod brief;
mod calls;
mod close;
mod hand_on;
mod landed;
mod lease;
mod outcome;
mod pieces;
mod queue;
mod record;
mod room;
mod run;
mod share;
mod take_over;
mod whole_message;
mod work;

pub(crate) use queue::Turns;
pub(crate) use run::spawn;
pub(crate) use share::{Full, Whose};
pub(crate) use take_over::take_over;
