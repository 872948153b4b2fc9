//! The wall clock, as precise as Postgres keeps it: an event reads the same from the doorbell and from its row.

use chrono::{DateTime, SubsecRound, Utc};

/// Now, to the microsecond.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
