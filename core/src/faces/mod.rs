//! The faces of the core: encoders of the one event log, and the page that reads it.

pub(crate) mod http;
pub(crate) mod page;
