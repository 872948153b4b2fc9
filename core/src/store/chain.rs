//! The audit as it stands: searched, read in order, and held against the hashes that chain its rows.

use super::{
    Tx,
    audit::{Fields, link},
    messages::seq,
    sql,
    turns::int,
};
use crate::error::Result;
use chrono::{DateTime, TimeDelta, Utc};
use std::{fmt, str::FromStr};
use switchboard_shared::{
    api::AuditFault,
    ids::{TenantId, UserId},
};
use tokio_postgres::Row;

/// So many rows are looked at for one page of a search, whatever it finds: the next page goes on from there.
const LOOKED_AT: i64 = 10_000;
/// Rows stand in the order in which they were committed; that of their times differs from it by no more than this, which
/// is longer than any request or turn takes to commit what it did.
const UNORDERED: TimeDelta = TimeDelta::minutes(5);

/// Of a row's number as it is written down: whatever has no more fits.
const MAX_DIGITS: usize = 18;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditRow {
    pub(crate) seq: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    /// JSON as it was hashed.
    pub(crate) detail: String,
    pub(crate) hash: Vec<u8>,
}

/// What is looked for in the audit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sought {
    pub(crate) actor: Option<UserId>,
    /// The beginning of what was done: `agent.` finds all that was done to agents.
    pub(crate) action: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub(crate) to: Option<DateTime<Utc>>,
}

/// What a search has found, newest first.
pub(crate) struct Found {
    pub(crate) rows: Vec<AuditRow>,
    /// Where to go on; none at the beginning of the audit, or of the time that was asked about.
    pub(crate) next: Option<u64>,
    /// How far back it has looked.
    pub(crate) looked_to: Option<DateTime<Utc>>,
}

/// The last row that was found to be good: its number and hash.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) seq: u64,
    pub(crate) hash: Vec<u8>,
}

/// As it is written down: the number, a point, the hash in hexadecimal.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, hex(&self.hash))
    }
}

impl FromStr for Link {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        const FORM: &str = "an anchor is a number, a point and 64 hexadecimal digits";
        let (number, digits) = text.split_once('.').ok_or(FORM)?;
        let is_number =
            (1..=MAX_DIGITS).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit());
        let is_hash = digits.len() == 64 && digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if !is_number || !is_hash {
            return Err(FORM);
        }
        let seq = number.parse().map_err(|_| FORM)?;
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| FORM);
        let hash = (0..64).step_by(2).map(byte).collect::<std::result::Result<_, _>>()?;
        Ok(Self { seq, hash })
    }
}

/// A hash as it is written down.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Link {
    /// Goes on to the row behind it.
    ///
    /// # Errors
    /// With what is wrong there: it is another row, or not what was hashed.
    pub(crate) fn follow(&mut self, row: &AuditRow) -> std::result::Result<(), AuditFault> {
        if row.seq != self.seq + 1 {
            return Err(AuditFault::Missing);
        }
        let AuditRow { at, actor, action, subject, detail, .. } = row;
        let fields = Fields { at: *at, actor, action, subject, detail };
        if link(&self.hash, int(row.seq), &fields) != row.hash {
            return Err(AuditFault::Changed);
        }
        *self = Self { seq: row.seq, hash: row.hash.clone() };
        Ok(())
    }
}

impl Sought {
    /// Whether a row is one of those.
    pub(crate) fn takes(&self, row: &AuditRow) -> bool {
        self.actor.as_ref().is_none_or(|actor| actor.as_str() == row.actor)
            && self.action.as_ref().is_none_or(|action| row.action.starts_with(action.as_str()))
            && self.subject.as_ref().is_none_or(|subject| *subject == row.subject)
            && self.from.is_none_or(|from| row.at >= from)
            && self.to.is_none_or(|to| row.at < to)
    }

    /// Whether all rows before one of this time are too old.
    fn begins_after(&self, at: DateTime<Utc>) -> bool {
        self.from.and_then(|from| from.checked_sub_signed(UNORDERED)).is_some_and(|from| at < from)
    }
}

impl Tx {
    /// Where the tenant's chain ends; the beginning where nothing was done yet.
    pub(crate) async fn audit_head(&self, tenant: &TenantId) -> Result<Link> {
        let row = self.query_opt(sql!("audit_head"), &[&tenant.as_str()]).await?;
        Ok(row.map_or_else(Link::default, |row| Link { seq: seq(&row, 0), hash: row.get(1) }))
    }

    /// The row from which on there is nothing older than this time.
    pub(crate) async fn audit_from(&self, tenant: &TenantId, from: DateTime<Utc>) -> Result<u64> {
        let from = from.checked_sub_signed(UNORDERED).unwrap_or(from);
        self.last_before(tenant, from).await
    }

    async fn last_before(&self, tenant: &TenantId, at: DateTime<Utc>) -> Result<u64> {
        let row = self.query_opt(sql!("audit_before"), &[&tenant.as_str(), &at]).await?;
        Ok(row.map_or(0, |row| seq(&row, 0)))
    }

    /// Rows in their order, behind a number.
    pub(crate) async fn audit_after(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: i64,
    ) -> Result<Vec<AuditRow>> {
        let rows = self.query(sql!("audit_after"), &[&tenant.as_str(), &int(after), &limit]).await?;
        Ok(rows.iter().map(audit_row).collect())
    }

    /// Looks back from a number, or from the newest row.
    pub(crate) async fn search_audit(
        &self,
        tenant: &TenantId,
        sought: &Sought,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Found> {
        let mut before = before.map_or(i64::MAX, int);
        if let Some(to) = sought.to.and_then(|to| to.checked_add_signed(UNORDERED)) {
            before = before.min(int(self.last_before(tenant, to).await?).saturating_add(1));
        }
        let (actor, action) = (sought.actor.as_ref().map(UserId::as_str), sought.action.as_deref());
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] = [
            &tenant.as_str(),
            &before,
            &LOOKED_AT,
            &actor,
            &action,
            &sought.subject.as_deref(),
            &sought.from,
            &sought.to,
            &(i64::from(limit) + 1),
        ];
        let rows = self.query(sql!("search_audit"), &values).await?;
        let Some(last) = rows.first() else {
            return Ok(Found { rows: Vec::new(), next: None, looked_to: None });
        };
        let (last_seq, last_at): (u64, DateTime<Utc>) = (seq(last, 0), last.get("last_at"));
        let is_found = |row: &&Row| row.get::<_, Option<i64>>("seq").is_some();
        let mut found: Vec<_> = rows.iter().filter(is_found).map(audit_row).collect();
        let (next, looked_to) = if found.len() > limit as usize {
            found.truncate(limit as usize);
            let last = found.last();
            (last.map(|row| row.seq), last.map(|row| row.at))
        } else {
            let is_all = last_seq <= 1 || sought.begins_after(last_at);
            ((!is_all).then_some(last_seq), Some(last_at))
        };
        Ok(Found { rows: found, next, looked_to })
    }
}

fn audit_row(row: &Row) -> AuditRow {
    AuditRow {
        seq: u64::try_from(row.get::<_, i64>("seq")).unwrap_or(0),
        at: row.get("at"),
        actor: row.get("actor"),
        action: row.get("action"),
        subject: row.get("subject"),
        detail: row.get("detail"),
        hash: row.get("hash"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(link_before: &Link, action: &str) -> AuditRow {
        let at = DateTime::UNIX_EPOCH;
        let fields = Fields { at, actor: "ann", action, subject: "s", detail: "{}" };
        let hash = link(&link_before.hash, int(link_before.seq + 1), &fields);
        AuditRow {
            seq: link_before.seq + 1,
            at,
            actor: "ann".into(),
            action: action.into(),
            subject: "s".into(),
            detail: "{}".into(),
            hash,
        }
    }

    fn chain(count: usize) -> Vec<AuditRow> {
        let (mut rows, mut last) = (Vec::new(), Link::default());
        for _ in 0..count {
            let next = row(&last, "agent.registered");
            last = Link { seq: next.seq, hash: next.hash.clone() };
            rows.push(next);
        }
        rows
    }

    fn walk(rows: &[AuditRow]) -> std::result::Result<Link, (u64, AuditFault)> {
        let mut last = Link::default();
        for row in rows {
            last.follow(row).map_err(|fault| (last.seq + 1, fault))?;
        }
        Ok(last)
    }

    #[test]
    fn a_chain_holds_until_a_row_is_changed_left_out_or_put_in() {
        let rows = chain(4);
        assert_eq!(walk(&rows).map(|last| last.seq), Ok(4));
        for change in [
            (|row: &mut AuditRow| row.actor = "eve".into()) as fn(&mut AuditRow),
            |row| row.detail = "{ }".into(),
            |row| row.at += TimeDelta::microseconds(1),
            |row| row.hash[0] ^= 1,
        ] {
            let mut changed = rows.clone();
            change(&mut changed[1]);
            assert_eq!(walk(&changed), Err((2, AuditFault::Changed)));
        }
        let without = [&rows[..1], &rows[2..]].concat();
        assert_eq!(walk(&without), Err((2, AuditFault::Missing)));
        let mut twice = rows.clone();
        twice.insert(1, rows[0].clone());
        assert_eq!(walk(&twice), Err((2, AuditFault::Missing)));
    }

    #[test]
    fn an_anchor_is_read_as_it_is_written_and_nothing_else_is_one() {
        let anchor = Link { seq: 12, hash: (0..32).collect() };
        assert_eq!(anchor.to_string().parse(), Ok(anchor.clone()));
        let digits = hex(&anchor.hash);
        let upper = digits.to_uppercase();
        for bad in [
            "",
            "12",
            &digits,
            &format!("+1.{digits}"),
            &format!("1.{}", &digits[2..]),
            &format!("1.{upper}"),
        ] {
            assert!(bad.parse::<Link>().is_err(), "{bad}");
        }
        assert!(format!("1.{}é", &digits[..62]).parse::<Link>().is_err());
    }

    #[test]
    fn what_is_sought_is_held_against_each_row() {
        let rows = chain(1);
        let sought = |change: fn(&mut Sought)| {
            let mut sought = Sought::default();
            change(&mut sought);
            sought.takes(&rows[0])
        };
        assert!(sought(|_| {}) && sought(|s| s.action = Some("agent.".into())));
        assert!(!sought(|s| s.action = Some("key.".into())) && !sought(|s| s.subject = Some("t".into())));
        assert!(sought(|s| s.from = Some(DateTime::UNIX_EPOCH)));
        assert!(!sought(|s| s.to = Some(DateTime::UNIX_EPOCH)), "it is exclusive");
        assert!(!sought(|s| s.actor = "eve".parse().ok()));
    }
}
