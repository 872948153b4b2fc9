//! Why an evaluation could not be made.

use std::path::Path;

/// What is wrong, and in which file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(super) String);

impl Fault {
    pub(super) fn file(path: &Path, why: &dyn std::fmt::Display) -> Self {
        Self(format!("{}: {why}", path.display()))
    }
}
