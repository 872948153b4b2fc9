//! AG-UI 1.0 (docs.ag-ui.com): a run is a turn, the agents that it asks are its subagents, and what an agent asks back
//! is an interrupt.

mod input;
mod resume;
pub(crate) mod run;
mod told;
