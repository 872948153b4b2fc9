//! Who asks.

use crate::accept::Envelope;
use switchboard_shared::identity::Identity;

/// Who asks, and what came with that.
pub(super) struct Asker {
    pub(super) me: Identity,
    pub(super) envelope: Envelope,
    /// Under which address they know us.
    pub(super) origin: String,
}
