//! What several agents read or reach in the same way.

pub(crate) mod addresses;
pub(crate) mod colleagues;
pub(crate) mod fetch;
pub(crate) mod guard;
pub(crate) mod numbers;
pub(crate) mod quotes;
pub(crate) mod sandbox;
pub(crate) mod statistics;
pub(crate) mod subject;
pub(crate) mod table;
pub(crate) mod words;
