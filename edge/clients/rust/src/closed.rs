//! How a socket ended.

use std::fmt;

/// Why a socket ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// The close code, when one was said.
    pub code: Option<u16>,
    /// The words that came with it.
    pub reason: String,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.reason.as_str()) {
            (Some(code), reason) => write!(f, "{code} {reason}"),
            (None, "") => f.write_str("without a word"),
            (None, reason) => f.write_str(reason),
        }
    }
}
