//! OpenAI's HTTP interface, as far as clients for chatting use it: models are agents, a completion is a turn.

mod background;
mod chunks;
mod completion;
pub(crate) mod completions;
mod content;
mod links;
pub(crate) mod models;
mod request;
mod shape;

pub(crate) use shape::shaped;
