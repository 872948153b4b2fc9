//! AG-UI 1.0 (docs.ag-ui.com): a run is a turn, and the agents that it asks are its subagents.

mod input;
pub(crate) mod run;
mod told;
