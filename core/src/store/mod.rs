//! The truth: everything that Switchboard has acknowledged. One statement per file in `sql/`, one function per
//! statement, each inside a transaction that is bound to one tenant.

mod agents;
mod api_keys;
mod audit;
mod branches;
mod calls;
mod chain;
mod choice;
mod conversations;
mod counts;
mod credentials;
mod decisions;
mod due;
mod events;
mod feedback;
mod files;
mod frozen;
mod host;
mod house_counts;
mod leases;
mod lookout;
mod messages;
mod migrate;
mod nobody;
mod open_calls;
mod page;
mod parts;
mod patience;
mod pools;
mod pushes;
mod revocations;
mod sessions;
mod stored;
mod suggestions;
mod tasks;
mod threads;
mod tickets;
mod tls;
mod topology;
mod turns;
mod tx;
mod users;

pub(crate) use agents::{AgentRow, OtherAgents, RegistryRows};
pub(crate) use api_keys::{KeyRow, NewKeyRow};
pub(crate) use audit::Act;
pub(crate) use calls::{CallRow, FinishedCall, Opening};
pub(crate) use chain::{AuditRow, Link, Sought, hex};
pub(crate) use choice::View;
pub(crate) use conversations::CreateRow;
pub(crate) use counts::{CountedRow, Span, ThoughtRow};
pub(crate) use decisions::{DecisionRow, NewDecision};
pub(crate) use due::OwnTurn;
pub(crate) use events::NewEvent;
pub(crate) use files::{FilePlace, FileRow, NewFile};
pub(crate) use leases::Pulse;
pub(crate) use messages::{MessageRow, SentBefore, file};
pub(crate) use migrate::{MigrateError, migrate};
pub(crate) use open_calls::{DueCall, OpenCall, OpenOf, Openness};
pub(crate) use page::Paged;
pub(crate) use parts::{Part, PartKind};
pub(crate) use patience::Patience;
pub(crate) use pools::{Reads, Store};
pub(crate) use pushes::{Next, PushRow, Pushes};
pub(crate) use sessions::{NewSession, SessionRow, Who};
pub(crate) use stored::Stored;
pub(crate) use suggestions::{MAX_OPEN_OF_USER, NewSuggestion, Review};
pub(crate) use tasks::{TaskRow, TaskState, Tasks};
pub(crate) use threads::ThreadRow;
pub(crate) use turns::{Change, FinishedTurn, NewTurn, PreviousTurn, TurnRow};
pub(crate) use tx::Tx;
pub(crate) use users::{Standing, TenantUsage};

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

/// Reads with a transaction that is as fresh as the view says. It is no function, since the compiler cannot tell of a
/// closure that borrows a transaction that it may change its thread.
macro_rules! reading {
    ($store:expr, $tenant:expr, $view:expr, $tx:ident, $read:expr) => {{
        let mut reads = $crate::store::Reads::of($store, $tenant, $view);
        loop {
            let tried = async {
                let begun = reads.begin().await?;
                let $tx = &begun;
                let found = $read.await?;
                begun.leave();
                Ok(found)
            };
            let tried: $crate::error::Result<_> = tried.await;
            match tried {
                Err(error) if reads.again(&error).await => {}
                done => break done,
            }
        }
    }};
}
pub(crate) use reading;
