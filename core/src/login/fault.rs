//! Why nobody has signed in: a word for the page, and a sentence for the log.

use crate::error::Error;

/// Why a sign-in, or asking a provider again, came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The provider cannot be reached, is late, or fails.
    #[error("the identity provider cannot be asked: {0}")]
    Down(String),
    /// What it says is not what it has to be.
    #[error("what the identity provider says is not believed: {0}")]
    Unbelievable(String),
    /// It says no.
    #[error("the identity provider says no: {0}")]
    Denied(String),
    /// The answer belongs to no sign-in of this browser, or one that is over.
    #[error("no sign-in of this browser is on its way: {0}")]
    Stray(&'static str),
    /// Its claims do not say who somebody is.
    #[error("the claims cannot be read: {0}")]
    Claims(String),
    /// Too many sign in at once.
    #[error("too many ask identity providers at once")]
    Busy,
    /// No such provider, or not from there.
    #[error("nobody signs in like this: {0}")]
    NotHere(&'static str),
    /// The database said no.
    #[error(transparent)]
    Ours(#[from] Error),
}

impl Fault {
    pub(crate) fn unbelievable(why: &str) -> Self {
        Self::Unbelievable(why.to_owned())
    }

    /// The word that a page is told; deploy/OPERATING.md lists them.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Down(_) => "provider_down",
            Self::Unbelievable(_) => "provider_answer",
            Self::Denied(_) => "denied",
            Self::Stray(_) => "expired",
            Self::Claims(_) => "claims",
            Self::Busy => "busy",
            Self::NotHere(_) => "not_here",
            Self::Ours(_) => "unavailable",
        }
    }
}
