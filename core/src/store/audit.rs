//! Who did what, append-only: each row's hash covers the row before it, so that a change shows.

use super::{Tx, sql};
use crate::{clock, error::Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Display;
use switchboard_shared::{
    identity::Identity,
    ids::{TenantId, UserId},
};

/// One act.
pub(crate) struct Act<'a> {
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: &'a UserId,
    /// Such as `agent.registered`.
    pub(crate) action: &'static str,
    pub(crate) subject: &'a str,
    pub(crate) detail: Value,
}

/// What is hashed of it, besides its place.
pub(super) struct Fields<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    pub(super) detail: &'a str,
}

impl Tx {
    /// Appends what somebody did just now.
    pub(crate) async fn audit(
        &self,
        me: &Identity,
        action: &'static str,
        subject: impl Display,
        detail: Value,
    ) -> Result<()> {
        let act = Act { at: clock::now(), actor: &me.user, action, subject: &subject.to_string(), detail };
        self.append_audit(&me.tenant, &act).await
    }

    /// Appends to the tenant's chain. It holds the chain's head until the transaction ends, so it comes last in it.
    pub(crate) async fn append_audit(&self, tenant: &TenantId, act: &Act<'_>) -> Result<()> {
        let detail = act.detail.to_string();
        let (actor, action) = (act.actor.as_str(), act.action);
        let own = Fields { at: act.at, actor, action, subject: act.subject, detail: &detail }.hashed();
        self.execute(
            sql!("append_audit"),
            &[&tenant.as_str(), &act.at, &actor, &action, &act.subject, &detail, &own],
        )
        .await?;
        Ok(())
    }
}

impl Fields<'_> {
    /// Each with its length in front, so that no two rows hash alike.
    fn hashed(&self) -> Vec<u8> {
        let at = self.at.timestamp_micros().to_be_bytes();
        let fields: [&[u8]; 5] = [
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
            self.detail.as_bytes(),
        ];
        fields.into_iter().flat_map(with_length).collect()
    }
}

fn with_length(field: &[u8]) -> Vec<u8> {
    [&(field.len() as u64).to_be_bytes(), field].concat()
}

/// SHA-256 over the hash before, the number and what the row says, as `append_audit.sql` makes it.
pub(super) fn link(before: &[u8], number: i64, fields: &Fields<'_>) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(with_length(before));
    hash.update(with_length(&number.to_be_bytes()));
    hash.update(fields.hashed());
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_field_or_order_changes_the_hash() {
        let act = |action, subject| Fields {
            at: DateTime::UNIX_EPOCH,
            actor: "ann",
            action,
            subject,
            detail: "{}",
        };
        let one = link(b"", 1, &act("a", "bc"));
        assert_ne!(one, link(b"", 1, &act("ab", "c")), "fields have bounds");
        assert_ne!(one, link(&one, 1, &act("a", "bc")), "the row before counts");
        assert_ne!(one, link(b"", 2, &act("a", "bc")), "the number counts");
        assert_eq!(one, link(b"", 1, &act("a", "bc")));
    }
}
