//! The audit as a file, with the hashes: whoever has it can check it without us. It is read page by page as it is sent, so
//! that it takes no more memory however long it is.

use super::{
    audit::{ROWS, action},
    extract::{Caller, Params},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    readings::Reading,
    store::{AuditRow, Sought, View, hex, reading, retrying},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::IntoResponse,
};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use std::{io, sync::Arc};
use switchboard_shared::{api::AuditLine, identity::Identity, ids::UserId};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    #[serde(default)]
    format: Format,
    actor: Option<UserId>,
    #[serde(default, deserialize_with = "action")]
    action: Option<String>,
    subject: Option<UserId>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Ndjson,
    Csv,
}

pub(crate) async fn export(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Params(export): Params<Export>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Administer)?;
    let reading = core.readings.one()?;
    let Export { format, actor, action, subject, from, to } = export;
    let sought = Sought { actor, action, subject: subject.map(|it| it.to_string()), from, to };
    let (after, end) = retrying!(envelope.patience, begin(&core, &me, &sought))?;
    let name = format!("audit-{}-{}.{}", me.tenant, Utc::now().format("%Y-%m-%d"), format.ending());
    let headers = [
        (header::CONTENT_TYPE, format.kind().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let way = Way { core, me, sought, format, after, end, is_first: true, _reading: reading };
    Ok((headers, Body::from_stream(stream::try_unfold(way, Way::piece))))
}

/// That it was taken out is in the audit too; where it begins and ends.
async fn begin(core: &Core, me: &Identity, sought: &Sought) -> Result<(u64, u64)> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    let end = tx.audit_head(&me.tenant).await?.seq;
    let after = match sought.from {
        Some(from) => tx.audit_from(&me.tenant, from).await?,
        None => 0,
    };
    let detail = json!({"actor": sought.actor, "action": sought.action, "subject": sought.subject,
        "from": sought.from, "to": sought.to});
    tx.audit(me, "audit.exported", end, detail).await?;
    tx.commit().await?;
    Ok((after, end))
}

/// On the way through the rows.
struct Way {
    core: Arc<Core>,
    me: Identity,
    sought: Sought,
    format: Format,
    after: u64,
    end: u64,
    is_first: bool,
    _reading: Reading,
}

impl Way {
    /// The next piece. An error ends the answer in the middle, and its reader sees that it is not whole.
    async fn piece(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let mut piece = String::new();
        if std::mem::take(&mut self.is_first) {
            piece.push_str(self.format.head());
        }
        // A page in which nothing was meant is no piece.
        while piece.is_empty() && self.after < self.end {
            let rows = self.rows().await.map_err(|error| {
                tracing::error!(%error, "an export of the audit ends before its end");
                io::Error::other("the audit cannot be read just now")
            })?;
            self.after = rows.last().map_or(self.end, |row| row.seq);
            let meant = rows.iter().filter(|row| row.seq <= self.end && self.sought.takes(row));
            meant.for_each(|row| self.format.write(row, &mut piece));
        }
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), self)))
    }

    async fn rows(&self) -> Result<Vec<AuditRow>, Error> {
        let tenant = &self.me.tenant;
        reading!(&self.core.store, tenant, View::Own, tx, tx.audit_after(tenant, self.after, ROWS))
    }
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Ndjson => "",
            Self::Csv => "seq,at,actor,action,subject,detail,hash\r\n",
        }
    }

    fn write(self, row: &AuditRow, into: &mut String) {
        let at = row.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let hash = hex(&row.hash);
        match self {
            Self::Ndjson => {
                let AuditRow { seq, actor, action, subject, detail, .. } = row.clone();
                let line = AuditLine { seq, at, actor, action, subject, detail, hash };
                into.push_str(&json!(line).to_string());
                into.push('\n');
            }
            Self::Csv => {
                into.push_str(&row.seq.to_string());
                for text in [&at, &row.actor, &row.action, &row.subject, &row.detail, &hash] {
                    into.push(',');
                    into.push_str(&cell(text));
                }
                into.push_str("\r\n");
            }
        }
    }
}

/// A cell (RFC 4180) that no spreadsheet takes for a formula: what one would begin with has an apostrophe before it.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_in_either_form_and_never_a_formula() {
        let row = AuditRow {
            seq: 7,
            at: DateTime::UNIX_EPOCH,
            actor: "=HYPERLINK(\"x\")".into(),
            action: "key.created".into(),
            subject: "a,b".into(),
            detail: "{\"name\":\"two\\nlines\"}".into(),
            hash: vec![0xab, 1],
        };
        let written = |format: Format| {
            let mut line = String::new();
            format.write(&row, &mut line);
            line
        };
        assert_eq!(
            written(Format::Csv),
            "7,\"1970-01-01T00:00:00.000000Z\",\"'=HYPERLINK(\"\"x\"\")\",\"key.created\",\"a,b\",\
             \"{\"\"name\"\":\"\"two\\nlines\"\"}\",\"ab01\"\r\n"
        );
        let line = written(Format::Ndjson);
        assert_eq!(line.matches('\n').count(), 1);
        let read: AuditLine = serde_json::from_str(&line).unwrap();
        assert_eq!((read.seq, read.detail.as_str(), read.hash.as_str()), (7, row.detail.as_str(), "ab01"));
    }
}
