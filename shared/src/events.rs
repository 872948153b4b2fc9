//! The conversation's event log, and the WebSocket frames that carry it: one protocol for every face.
//!
//! Durable events have a gap-free [`Event::seq`]; `answer.delta`, `call.progress`, `conversation.deleted` and
//! `notice` are live only and have none. A reader's cursor is the last seq it saw; a delta that it has already seen is
//! known by turn, attempt and offset.

mod cursor;
mod frames;
mod log;
mod notice;
mod plan;
mod why;
mod work;

pub use cursor::{Cursor, Taken};
pub use frames::{ClientFrame, CloseCode, SUBPROTOCOL, ServerFrame, StreamHead};
pub use log::{Event, EventBody};
pub use notice::NoticeCode;
pub use plan::{Mode, Plan, Stage, Step};
pub use why::{Reason, Why};
pub use work::{Answer, CallState, Claim, Delta, Source, TurnState, Usage};
