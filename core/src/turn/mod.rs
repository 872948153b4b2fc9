//! A turn: one message on its way to its answer. [`run`] is the product in one function.
//!
//! Every step is written down, with its events, before anything begins that takes long, under its core's lease: a core that
//! dies loses its turns to another, which goes on from the rows.

mod answer;
mod background;
mod brief;
mod calls;
mod close;
mod converse;
mod counted;
mod elsewhere;
mod files;
mod given;
mod hand_on;
mod isolate;
mod keep_lease;
mod landed;
mod later;
mod lease;
mod open_calls;
mod opening;
mod outcome;
mod pace;
mod pieces;
mod queue;
mod record;
mod room;
mod run;
mod share;
mod step;
mod take_over;
mod unwritten;
mod watch;
mod whole_message;
mod work;

pub(crate) use background::{Arrival, Background};
pub(crate) use brief::meant;
pub(crate) use keep_lease::keep_lease;
pub(crate) use lease::Lease;
pub(crate) use open_calls::look_after;
pub(crate) use queue::Turns;
pub(crate) use run::spawn;
pub(crate) use share::{Full, Shares, Whose};
pub(crate) use take_over::{obey, take_over};
pub(crate) use watch::watch;
