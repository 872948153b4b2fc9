//! What can go wrong in the core, and how much of it a client may read.

use crate::no_writer::NoWriter;
use std::fmt::Display;
use switchboard_shared::{
    ids::AgentId,
    problem::{Problem, ProblemKind},
};
use tokio_postgres::error::Severity;

/// An error on the way from a request to its answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The client asked for something that it cannot have; the problem says what.
    #[error("{}: {}", .0.code.code(), .0.detail)]
    Public(Problem),
    /// The database said no.
    #[error("while {doing}: {source}")]
    Database { doing: &'static str, source: tokio_postgres::Error },
    /// No connection to a database that could do it.
    #[error("no connection for {doing}: {reason}")]
    NoConnection { doing: &'static str, reason: String },
    /// Postgres has no primary, or none that is known.
    #[error("no database can be written to just now")]
    NoWriter(NoWriter),
    /// A row holds what this version cannot read.
    #[error("a stored {what} cannot be read: {reason}")]
    Reading { what: &'static str, reason: String },
    /// Something has no form in which it could be stored.
    #[error("the {what} cannot be stored: {reason}")]
    Writing { what: &'static str, reason: String },
    /// A piece of work did not come to its end: a defect of ours.
    #[error("{doing} was broken off: {reason}")]
    Task { doing: &'static str, reason: String },
    /// The turn is not this core's any more.
    #[error("the lease of this turn is lost")]
    LeaseLost,
}

/// The core's results.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A problem of the client's own making.
    pub(crate) fn public(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self::Public(Problem::new(kind, detail))
    }

    /// Makes the error of a stored thing that cannot be read.
    pub(crate) fn reading<E: Display>(what: &'static str) -> impl Fn(E) -> Self + Copy {
        move |error| Self::Reading { what, reason: error.to_string() }
    }

    /// Makes the error of a thing that cannot be stored.
    pub(crate) fn writing<E: Display>(what: &'static str) -> impl Fn(E) -> Self + Copy {
        move |error| Self::Writing { what, reason: error.to_string() }
    }

    /// Makes the error of a piece of work that was broken off.
    pub(crate) fn task<E: Display>(doing: &'static str) -> impl Fn(E) -> Self + Copy {
        move |error| Self::Task { doing, reason: error.to_string() }
    }

    /// Not there, or not the caller's: the same words for both.
    pub(crate) fn not_found() -> Self {
        Self::public(ProblemKind::NotFound, "")
    }

    /// The same for an agent that is not there and for one that is not the caller's to know of.
    pub(crate) fn no_agent(id: &AgentId) -> Self {
        Self::public(ProblemKind::NotFound, format!("There is no agent {id} here."))
    }

    /// What the client reads.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Public(problem) => problem.clone(),
            error if error.is_transient() => {
                Problem::new(ProblemKind::Unavailable, "The database cannot be reached just now.")
                    .retry_after(2)
            }
            Self::Database { .. }
            | Self::NoConnection { .. }
            | Self::NoWriter(_)
            | Self::Reading { .. }
            | Self::Writing { .. }
            | Self::Task { .. }
            | Self::LeaseLost => Problem::new(ProblemKind::Internal, ""),
        }
    }

    /// Whether the same statement may succeed a moment later: on a new writer, or without its rival.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoConnection { .. } | Self::NoWriter(_) => true,
            Self::Database { source, .. } => is_transient(source),
            Self::Public(_)
            | Self::Reading { .. }
            | Self::Writing { .. }
            | Self::Task { .. }
            | Self::LeaseLost => false,
        }
    }

    /// Whether trying again would only repeat it: neither a reason that passes, nor somebody else's work by now.
    pub(crate) fn is_defect(&self) -> bool {
        !matches!(self, Self::LeaseLost) && !self.is_transient()
    }
}

/// What a failover, a host that starts or ends, or a rival transaction causes.
pub(crate) fn is_transient(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || match error.as_db_error() {
            Some(said) => passes(said.parsed_severity(), said.code().code()),
            // The connection broke before the server could say anything.
            None => std::error::Error::source(error).is_some_and(|s| s.is::<std::io::Error>()),
        }
}

/// SQLSTATEs (PostgreSQL manual, appendix A). What was canceled because it took too long (57014) would again. A server that
/// panics ends for a reason of its own, as a disk that is full: none that the next one has.
fn passes(severity: Option<Severity>, state: &str) -> bool {
    const ENDS_OR_STARTS: [&str; 3] = ["57P01", "57P02", "57P03"];
    /// A replica where there was a primary; a transaction that stood still, as of a core that was frozen.
    const NOT_HERE: [&str; 2] = ["25006", "25P03"];
    /// Serialization, which on a replica is a conflict with what it replays; deadlock; a lock not had in time; no more
    /// connections.
    const RIVALS: [&str; 4] = ["40001", "40P01", "55P03", "53300"];
    severity == Some(Severity::Panic)
        || state.starts_with("08")
        || [&ENDS_OR_STARTS[..], &NOT_HERE, &RIVALS].into_iter().flatten().any(|passing| *passing == state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failover_or_a_rival_causes_passes_and_a_defect_does_not() {
        for state in
            ["57P01", "57P02", "57P03", "08006", "08001", "25006", "40001", "40P01", "55P03", "53300"]
        {
            assert!(passes(Some(Severity::Error), state), "{state}");
        }
        for state in ["57014", "23505", "42P01", "42501", "22001", "53100", "XX000"] {
            assert!(!passes(Some(Severity::Error), state), "{state}");
            assert!(passes(Some(Severity::Panic), state), "{state}");
        }
    }
}
