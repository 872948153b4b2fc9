//! The audit as its tenant's admins read it: searched page by page, and held against its own hashes.

use super::extract::{Caller, Limit, Params};
use crate::{
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    store::{AuditRow, Link, Sought, View, reading},
};
use axum::{extract::State, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{AuditBreak, AuditCheck, AuditEntry, AuditFault, AuditPage},
    identity::Identity,
    ids::UserId,
    problem::ProblemKind,
};
use tokio::time::Instant;

/// Rows that are read at once where all are read.
pub(super) const ROWS: i64 = 1_000;
/// A check ends after this and says how far it has come; the next one goes on from there.
const CHECKS_FOR: Duration = Duration::from_secs(5);
/// An action's longest name.
const MAX_ACTION: usize = 64;

/// What of the audit is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    actor: Option<UserId>,
    #[serde(default, deserialize_with = "action")]
    action: Option<String>,
    /// Whatever stands there has the form of a user's id, which is the widest of all.
    subject: Option<UserId>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    after: Option<After>,
    #[serde(default)]
    limit: Limit,
}

/// A row's number.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct After(u64);

impl TryFrom<u64> for After {
    type Error = &'static str;

    fn try_from(number: u64) -> std::result::Result<Self, Self::Error> {
        // The largest that every reader of JSON has exactly (RFC 8259 §6).
        const MOST: u64 = (1 << 53) - 1;
        (1..=MOST).contains(&number).then_some(Self(number)).ok_or("after is the number of a row")
    }
}

/// The beginning of an action's name.
pub(super) fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = text.len() <= MAX_ACTION && text.bytes().all(|c| matches!(c, b'a'..=b'z' | b'.' | b'_'));
    fits.then_some(Some(text)).ok_or_else(|| D::Error::custom("action is the beginning of an action's name"))
}

/// Looks back, newest first.
pub(crate) async fn search(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(search): Params<Search>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Administer)?;
    let Search { actor, action, subject, from, to, after, limit } = search;
    let sought = Sought { actor, action, subject: subject.map(|it| it.to_string()), from, to };
    let found = reading!(
        &core.store,
        &me.tenant,
        View::Own,
        tx,
        tx.search_audit(&me.tenant, &sought, after.map(|after| after.0), limit.rows())
    )?;
    let items = found.rows.into_iter().map(entry).collect();
    let next = found.next.map(|seq| seq.to_string());
    Ok(axum::Json(AuditPage { items, next, looked_to: found.looked_to }))
}

fn entry(row: AuditRow) -> AuditEntry {
    let AuditRow { seq, at, actor, action, subject, detail, .. } = row;
    // It was JSON when it was written; whoever changed it may have made something else of it.
    let detail = serde_json::from_str(&detail).unwrap_or(Value::String(detail));
    AuditEntry { seq, at, actor, action, subject, detail }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Anchored {
    after: Option<String>,
}

/// Makes every hash again, from the beginning or from a row that was found good before.
pub(crate) async fn verify(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(anchored): Params<Anchored>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Administer)?;
    let bad = |why| Error::public(ProblemKind::BadRequest, format!("`after` is not what is needed: {why}."));
    let anchor = anchored.after.map(|text| text.parse::<Link>().map_err(bad)).transpose()?;
    let _one = core.readings.one()?;
    let check = Box::pin(check(&core, &me, anchor)).await?;
    if let Some(broken) = &check.broken {
        tracing::error!(tenant = %me.tenant, seq = broken.seq, fault = ?broken.fault, "the audit's chain is broken");
    }
    Ok(axum::Json(check))
}

async fn check(core: &Core, me: &Identity, anchor: Option<Link>) -> Result<AuditCheck> {
    let (store, tenant) = (&core.store, &me.tenant);
    let head = reading!(store, tenant, View::Latest, tx, tx.audit_head(tenant))?;
    let began = Instant::now();
    let mut walk = Walk { last: anchor.clone().unwrap_or_default(), at: None, checked: 0, head };
    if let Some(anchor) = anchor {
        let rows = reading!(
            store,
            tenant,
            View::Latest,
            tx,
            tx.audit_after(tenant, anchor.seq.saturating_sub(1), 1)
        )?;
        let there = rows.first().filter(|row| row.seq == anchor.seq && row.hash == anchor.hash);
        match there {
            Some(row) => walk.at = Some(row.at),
            None => {
                walk.last = Link::default();
                return Ok(walk.broken(anchor.seq, AuditFault::Anchor));
            }
        }
    }
    while walk.last.seq < walk.head.seq {
        if began.elapsed() >= CHECKS_FOR {
            return Ok(walk.so_far());
        }
        let after = walk.last.seq;
        let rows = reading!(store, tenant, View::Latest, tx, tx.audit_after(tenant, after, ROWS))?;
        if let Some(broken) = walk.over(&rows) {
            return Ok(broken);
        }
    }
    Ok(if walk.last == walk.head { walk.so_far() } else { walk.broken(walk.head.seq, AuditFault::Head) })
}

/// On the way along the chain.
struct Walk {
    last: Link,
    at: Option<DateTime<Utc>>,
    checked: u64,
    /// Where the chain ended when the way began; what is added meanwhile is the next check's.
    head: Link,
}

impl Walk {
    /// Goes over rows; what it says when it cannot go on.
    fn over(&mut self, rows: &[AuditRow]) -> Option<AuditCheck> {
        if rows.is_empty() {
            return Some(self.broken(self.last.seq + 1, AuditFault::Missing));
        }
        for row in rows.iter().take_while(|row| row.seq <= self.head.seq) {
            if let Err(fault) = self.last.follow(row) {
                return Some(self.broken(self.last.seq + 1, fault));
            }
            (self.at, self.checked) = (Some(row.at), self.checked + 1);
        }
        // Of rows that are all behind the head none was gone over, and the head's own is not there.
        let is_stuck = self.last.seq < self.head.seq && rows.iter().all(|row| row.seq > self.head.seq);
        is_stuck.then(|| self.broken(self.last.seq + 1, AuditFault::Missing))
    }

    fn so_far(&self) -> AuditCheck {
        AuditCheck {
            ok: true,
            checked: self.checked,
            to: self.last.seq,
            at: self.at,
            head: self.head.seq,
            anchor: (self.last.seq > 0).then(|| self.last.to_string()),
            complete: self.last.seq >= self.head.seq,
            broken: None,
        }
    }

    fn broken(&self, seq: u64, fault: AuditFault) -> AuditCheck {
        AuditCheck { ok: false, complete: false, broken: Some(AuditBreak { seq, fault }), ..self.so_far() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64) -> AuditRow {
        AuditRow {
            seq,
            at: DateTime::UNIX_EPOCH,
            actor: String::new(),
            action: String::new(),
            subject: String::new(),
            detail: String::new(),
            hash: Vec::new(),
        }
    }

    fn walk(last: u64, head: u64) -> Walk {
        let link = |seq| Link { seq, hash: Vec::new() };
        Walk { last: link(last), at: None, checked: 0, head: link(head) }
    }

    #[test]
    fn rows_that_are_gone_are_missed_wherever_they_stood() {
        let missing = |seq| Some(AuditBreak { seq, fault: AuditFault::Missing });
        let broken = |mut walk: Walk, rows: &[AuditRow]| walk.over(rows).and_then(|check| check.broken);
        assert_eq!(broken(walk(3, 5), &[]), missing(4), "the end");
        assert_eq!(broken(walk(3, 5), &[row(5)]), missing(4), "one in between");
        assert_eq!(broken(walk(3, 5), &[row(6), row(7)]), missing(4), "the end, with newer ones behind");
    }
}
