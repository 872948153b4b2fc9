//! The faces of the core: encoders of the one event log.

pub(crate) mod http;
