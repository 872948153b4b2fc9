//! `switchboard audit`: who did what, found, checked and taken out.

use super::access::Access;
use crate::{
    error::{Error, Result},
    terminal::{self, clean_line},
};
use clap::{Args, Subcommand, ValueEnum};
use futures::StreamExt;
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use switchboard_shared::{
    api::{AuditCheck, AuditEntry, AuditFault},
    cause::Cause,
};
use url::form_urlencoded::Serializer;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// What to do with it.
    #[command(subcommand)]
    pub verb: AuditVerb,
}

/// What to do with the audit.
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// List who did what, newest first
    List(List),
    /// Make every hash again and say whether the chain holds; exit code 1 when it does not
    Verify(Verify),
    /// Write it to a file, oldest first, with the hashes
    Export(Export),
}

/// What of it is meant.
#[derive(Debug, Args)]
pub struct Which {
    /// Only what this user did
    #[arg(long, value_name = "USER")]
    pub actor: Option<String>,
    /// Only actions whose name begins so: `agent.` is all that was done to agents
    #[arg(long, value_name = "BEGINNING")]
    pub action: Option<String>,
    /// Only what was done to this
    #[arg(long, value_name = "ID")]
    pub subject: Option<String>,
    /// Only from then on (RFC 3339, as 2026-05-04T00:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only until then
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

/// Arguments of `audit list`.
#[derive(Debug, Args)]
pub struct List {
    /// What of it.
    #[command(flatten)]
    pub which: Which,
    /// The most rows
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The anchor of a check before, as it was noted elsewhere: shows as well whether the chain was written anew since
    #[arg(long, value_name = "ANCHOR")]
    pub after: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Where to write it; `-` is the standard output
    pub file: PathBuf,
    /// One JSON object on each line, or a table
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What of it.
    #[command(flatten)]
    pub which: Which,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Format {
    /// JSON lines.
    #[default]
    Ndjson,
    /// RFC 4180.
    Csv,
}

/// Who may see it.
const ROLES: [&str; 1] = ["admin"];

impl Audit {
    /// Lists, checks or writes.
    ///
    /// # Errors
    /// When no house answers, it refuses, the chain is broken, or the file cannot be written.
    pub async fn run(&self) -> Result<()> {
        match &self.verb {
            AuditVerb::List(list) => list.run().await,
            AuditVerb::Verify(verify) => verify.run().await,
            AuditVerb::Export(export) => export.run().await,
        }
    }
}

impl Which {
    fn query(&self) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        let Self { actor, action, subject, from, to } = self;
        for (name, value) in
            [("actor", actor), ("action", action), ("subject", subject), ("from", from), ("to", to)]
        {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query
    }
}

impl List {
    async fn run(&self) -> Result<()> {
        let client = self.access.client(&ROLES)?;
        let query = self.which.query().finish();
        let (rows, has_more): (Vec<AuditEntry>, bool) = client.first("/v1/audit", &query, self.limit).await?;
        if self.json {
            terminal::json(&rows);
            return Ok(());
        }
        rows.iter().for_each(|row| terminal::table(&line(row)));
        match (rows.is_empty(), has_more) {
            (true, _) => terminal::say("nothing was done like that"),
            (false, true) => terminal::say("there is more: --limit"),
            (false, false) => {}
        }
        Ok(())
    }
}

/// A row on one line.
fn line(row: &AuditEntry) -> String {
    let at = row.at.format("%Y-%m-%d %H:%M:%S");
    let detail = match row.detail.as_object() {
        Some(fields) if fields.is_empty() => String::new(),
        _ => format!("  {}", clean_line(&row.detail.to_string())),
    };
    let [actor, action, subject] = [&row.actor, &row.action, &row.subject].map(|text| clean_line(text));
    format!("{:7}  {at}  {actor:16}  {action:24}  {subject}{detail}", row.seq)
}

impl Verify {
    /// Goes on from part to part until the chain's end.
    async fn run(&self) -> Result<()> {
        let client = self.access.client(&ROLES)?;
        let (mut after, mut checked) = (self.after.clone(), 0);
        let check = loop {
            let mut query = Serializer::new(String::new());
            if let Some(after) = &after {
                query.append_pair("after", after);
            }
            let check: AuditCheck = client.get(&format!("/v1/audit/verify?{}", query.finish())).await?;
            checked += check.checked;
            if !check.ok || check.complete {
                break AuditCheck { checked, ..check };
            }
            terminal::say(&format!("{checked} rows so far, of {}", check.head));
            after = check.anchor;
        };
        if self.json {
            terminal::json(&check);
        } else if check.ok {
            terminal::out(&held(&check));
        }
        match check.broken {
            Some(broken) => Err(Error::Failed(format!(
                "the chain is broken at row {}: {}",
                broken.seq,
                why(broken.fault)
            ))),
            None => Ok(()),
        }
    }
}

fn held(check: &AuditCheck) -> String {
    let (at, anchor) = (check.at.map(|at| at.to_rfc3339()).unwrap_or_default(), check.anchor.as_deref());
    match anchor {
        None => "there is nothing to check yet".to_owned(),
        Some(anchor) => {
            format!("the chain holds: {} rows checked, up to {at}\nanchor {anchor}", check.checked)
        }
    }
}

fn why(fault: AuditFault) -> &'static str {
    match fault {
        AuditFault::Missing => "another row is in its place, or none",
        AuditFault::Changed => "it is not what was hashed, or the row before it is not",
        AuditFault::Anchor => "it is not the row that was found good before",
        AuditFault::Head => "it is the last one, and not the one that the chain's head names",
    }
}

impl Export {
    async fn run(&self) -> Result<()> {
        let client = self.access.client(&ROLES)?;
        let mut query = self.which.query();
        query.append_pair(
            "format",
            match self.format {
                Format::Ndjson => "ndjson",
                Format::Csv => "csv",
            },
        );
        let answer = client.open(&format!("/v1/audit/export?{}", query.finish())).await?;
        let mut out: Box<dyn Write + Send> = if self.file == Path::new("-") {
            Box::new(std::io::stdout())
        } else {
            Box::new(std::fs::File::create(&self.file).map_err(Error::named(&self.file))?)
        };
        let mut pieces = answer.bytes_stream();
        let mut bytes = 0;
        while let Some(piece) = pieces.next().await {
            let broken =
                |error| Error::Unreachable(format!("it broke off: {}; try again", Cause::of(&error)));
            let piece = piece.map_err(broken)?;
            out.write_all(&piece).map_err(Error::named(&self.file))?;
            bytes += piece.len();
        }
        out.flush().map_err(Error::named(&self.file))?;
        terminal::say(&format!("{bytes} bytes are written to {}", self.file.display()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_one_line_whatever_is_in_it() {
        let row = |detail| AuditEntry {
            seq: 7,
            at: chrono::DateTime::UNIX_EPOCH,
            actor: "ann".into(),
            action: "key.created".into(),
            subject: "a\u{1b}[2Jb".into(),
            detail,
        };
        let plain = line(&row(json!({})));
        assert!(plain.starts_with("      7  1970-01-01 00:00:00  ann "), "{plain}");
        assert!(!plain.contains('\u{1b}') && !plain.contains('{'), "{plain}");
        assert!(line(&row(json!({"name": "x"}))).ends_with("{\"name\":\"x\"}"));
    }

    #[test]
    fn what_is_meant_is_asked_for_and_nothing_else() {
        let which = Which {
            actor: Some("ann b".into()),
            action: None,
            subject: None,
            from: Some("2026-05-04T00:00:00+02:00".into()),
            to: None,
        };
        assert_eq!(which.query().finish(), "actor=ann+b&from=2026-05-04T00%3A00%3A00%2B02%3A00");
    }
}
