//! What can go wrong in the core, and how much of it a client may read.

use std::fmt::Display;
use switchboard_shared::{
    ids::AgentId,
    problem::{Problem, ProblemKind},
};

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
            | Self::Reading { .. }
            | Self::Writing { .. }
            | Self::Task { .. }
            | Self::LeaseLost => Problem::new(ProblemKind::Internal, ""),
        }
    }

    /// Whether the same statement may succeed a moment later: on a new writer, or without its rival.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoConnection { .. } => true,
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

/// Classes of SQLSTATE that a failover or a rival transaction causes (Postgres documentation, appendix A).
fn is_transient(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || match error.code() {
            Some(state) => {
                let state = state.code();
                state.starts_with("08")
                    || matches!(state, "57P01" | "57P02" | "57P03" | "25006" | "40001" | "40P01")
            }
            // No SQLSTATE: the connection broke before the server could say anything.
            None => {
                error.as_db_error().is_none()
                    && std::error::Error::source(error).is_some_and(|s| s.is::<std::io::Error>())
            }
        }
}
