//! The truth: everything that Switchboard has acknowledged. One statement per file in `sql/`, one function per
//! statement, each inside a transaction that is bound to one tenant.

mod agents;
mod audit;
mod calls;
mod conversations;
mod decisions;
mod due;
mod events;
mod feedback;
mod frozen;
mod leases;
mod messages;
mod migrate;
mod nobody;
mod page;
mod pools;
mod stored;
mod suggestions;
mod tls;
mod turns;

pub(crate) use agents::{AgentRow, OtherAgents, RegistryRows};
pub(crate) use audit::Act;
pub(crate) use calls::{CallRow, FinishedCall};
pub(crate) use conversations::CreateRow;
pub(crate) use decisions::{DecisionRow, NewDecision};
pub(crate) use due::OwnTurn;
pub(crate) use events::NewEvent;
pub(crate) use leases::Pulse;
pub(crate) use messages::{MessageRow, SentBefore, file};
pub(crate) use migrate::{MigrateError, migrate};
pub(crate) use page::Paged;
pub(crate) use pools::{Patience, Store, Tx};
pub(crate) use stored::Stored;
pub(crate) use suggestions::{MAX_OPEN_OF_USER, NewSuggestion, Review};
pub(crate) use turns::{FinishedTurn, NewTurn, TurnRow};

macro_rules! sql {
    ($name:literal) => {
        (concat!("running ", $name), include_str!(concat!("sql/", $name, ".sql")))
    };
}
use sql;

/// Runs a transaction again while it fails for reasons that pass, until a deadline. It must be safe to repeat.
macro_rules! retrying {
    ($deadline:expr, $work:expr) => {{
        let mut patience = $crate::store::Patience::until($deadline);
        loop {
            match $work.await {
                Err(error) if patience.again(&error).await => {}
                done => break done,
            }
        }
    }};
}
pub(crate) use retrying;
