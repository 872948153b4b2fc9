//! What clients speak. Every face takes a message, and tells the events of its turn in its own words.

pub(crate) mod a2a;
pub(crate) mod agui;
mod following;
mod gone;
pub(crate) mod http;
pub(crate) mod openai;
mod outgoing;
pub(crate) mod page;
mod plan_words;
mod questions;
mod said;
mod telling;
mod thread;
mod written;
