//! `switchboard frozen`: the messages by which the router is measured, and from which it never learns.

use super::{access::Access, agents::trial};
use crate::{
    error::{Error, Result},
    terminal::{self, clean_line},
};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use switchboard_shared::{
    api::{FrozenRow, FrozenSet},
    ids::AgentId,
};

/// The label of a message that is for nobody, as `switchboard eval` reads it.
const NOBODY: &str = "oos";

/// Arguments of `frozen`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Frozen {
    /// What to do with it; shows it when absent.
    #[command(subcommand)]
    pub verb: Option<FrozenVerb>,
    /// How to show it without a verb.
    #[command(flatten)]
    pub show: Show,
}

/// What to do with the frozen set.
#[derive(Debug, Subcommand)]
pub enum FrozenVerb {
    /// Print it, one row a line, as `put` and `switchboard eval` read it
    Show(Show),
    /// Replace it with the rows of a file; an empty file empties it
    Put(Put),
}

/// Arguments of `frozen show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `frozen put`.
#[derive(Debug, Args)]
pub struct Put {
    /// One `{"text": …, "label": …}` a line: an agent's id, a list of ids, or `oos` for nobody; `lang` or `language` may say
    /// the language
    #[arg(value_name = "FILE.jsonl")]
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Frozen {
    /// Shows or replaces it.
    ///
    /// # Errors
    /// When no house answers, it refuses, or the file cannot be read.
    pub async fn run(&self) -> Result<()> {
        match &self.verb {
            None => self.show.run().await,
            Some(FrozenVerb::Show(show)) => show.run().await,
            Some(FrozenVerb::Put(put)) => put.run().await,
        }
    }
}

impl Show {
    async fn run(&self) -> Result<()> {
        let set: FrozenSet = self.access.client(&["agent-admin"])?.get("/v1/frozen").await?;
        if self.json {
            terminal::json(&set);
            return Ok(());
        }
        set.rows.iter().map(Row::of).for_each(|row| terminal::json(&row));
        count(&set);
        warning(set.left_out).iter().for_each(|warning| terminal::say(warning));
        Ok(())
    }
}

impl Put {
    async fn run(&self) -> Result<()> {
        let (rows, left_out) = read(&self.file)?;
        let given = rows.len();
        if given == 0 && left_out > 0 {
            let file = self.file.display();
            return Err(Error::Invalid(format!(
                "{file} has no row with a label that stands alone; nothing is changed (an empty file empties the set)"
            )));
        }
        let client = self.access.client(&["agent-admin"])?;
        let set: FrozenSet = client.put("/v1/frozen", &FrozenSet { rows, left_out: 0 }).await?;
        trial::once(given, set.rows.len());
        warning(set.left_out).iter().for_each(|warning| terminal::say(warning));
        if left_out > 0 {
            terminal::say(&format!(
                "left out: {left_out} rows without a label, or that go on with a conversation"
            ));
        }
        if self.json {
            terminal::json(&set);
        } else {
            count(&set);
        }
        Ok(())
    }
}

fn count(set: &FrozenSet) {
    let rows = set.rows.len();
    terminal::say(&format!(
        "the frozen set has {rows} messages; what is to be learned is tried on them first"
    ));
}

/// What is measured is not learned: of what agents bring themselves, that is a loss.
fn warning(left_out: u32) -> Option<String> {
    let examples = match left_out {
        0 => return None,
        1 => "1 example on an agent's card is one of them and is".to_owned(),
        many => format!("{many} examples on agents' cards are among them and are"),
    };
    Some(format!("warning: {examples} not learned; better freeze messages that no card has"))
}

/// A row of `switchboard eval`, as much of it as matters here.
#[derive(Debug, Deserialize, Serialize)]
struct Row {
    text: String,
    #[serde(default)]
    label: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    /// As files of examples call it; another field of that name says nothing here.
    #[serde(default, skip_serializing)]
    language: Option<serde_json::Value>,
    #[serde(default, skip_serializing)]
    prev_agents: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Label {
    One(String),
    Several(Vec<String>),
}

impl Row {
    fn of(row: &FrozenRow) -> Self {
        let names: Vec<String> = row.agents.iter().map(ToString::to_string).collect();
        let label = match names.as_slice() {
            [] => Label::One(NOBODY.to_owned()),
            [only] => Label::One(only.clone()),
            _ => Label::Several(names),
        };
        let lang = Some(row.language.clone()).filter(|language| !language.is_empty());
        Self { text: row.text.clone(), label: Some(label), lang, language: None, prev_agents: None }
    }

    /// What is frozen of it; nothing, where it cannot be answered by itself or nobody knows how.
    fn frozen(self) -> Result<Option<FrozenRow>, String> {
        let goes_on =
            self.prev_agents.as_ref().is_some_and(|agents| agents.as_array().is_none_or(|a| !a.is_empty()));
        let names = match self.label {
            None => return Ok(None),
            Some(_) if goes_on => return Ok(None),
            Some(Label::Several(names)) if names.is_empty() => {
                return Err(format!("label is an empty list; a message that is for nobody has {NOBODY:?}"));
            }
            Some(Label::One(name)) => vec![name],
            Some(Label::Several(names)) => names,
        };
        let agent =
            |name: String| name.parse::<AgentId>().map_err(|error| format!("label {name:?}: {error}"));
        let agents: Result<_, _> = names.into_iter().filter(|name| name != NOBODY).map(agent).collect();
        let language = self.language.as_ref().and_then(|language| language.as_str()).map(str::to_owned);
        let language = self.lang.or(language).unwrap_or_default();
        Ok(Some(FrozenRow { text: self.text, agents: agents?, language }))
    }
}

/// The rows of a file, and how many of them are left out.
fn read(file: &Path) -> Result<(Vec<FrozenRow>, usize)> {
    let text = std::fs::read_to_string(file).map_err(Error::named(file))?;
    parse(&text).map_err(|(line, reason)| Error::Invalid(format!("{}:{line}: {reason}", file.display())))
}

fn parse(text: &str) -> Result<(Vec<FrozenRow>, usize), (usize, String)> {
    let (mut rows, mut skipped) = (Vec::new(), 0);
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let row: Row =
            serde_json::from_str(line).map_err(|error| (number, clean_line(&error.to_string())))?;
        match row.frozen().map_err(|error| (number, clean_line(&error)))? {
            Some(row) => rows.push(row),
            None => skipped += 1,
        }
    }
    Ok((rows, skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_evaluation_are_read_and_written_again() {
        let text = "{\"text\":\"a\",\"label\":\"x\",\"lang\":\"de\",\"kind\":\"short\"}\n\n\
                    {\"text\":\"b\",\"label\":[\"x\",\"y\"],\"prev_agents\":[]}\n{\"text\":\"c\",\"label\":\"oos\"}\n";
        let (rows, skipped) = parse(text).unwrap();
        let agents: Vec<usize> = rows.iter().map(|row| row.agents.len()).collect();
        assert_eq!((agents, skipped, rows[0].language.as_str()), (vec![1, 2, 0], 0, "de"));
        let written: Vec<String> =
            rows.iter().map(|row| serde_json::to_string(&Row::of(row)).unwrap()).collect();
        assert_eq!(written[0], r#"{"text":"a","label":"x","lang":"de"}"#);
        assert_eq!(parse(&written.join("\n")).unwrap().0, rows);
        let named = parse("{\"text\":\"a\",\"label\":\"x\",\"language\":\"fr\",\"lang\":null}").unwrap().0;
        assert_eq!(named[0].language, "fr", "as files of examples call it");
    }

    #[test]
    fn what_a_card_brings_and_is_frozen_is_warned_of() {
        assert_eq!(warning(0), None);
        assert!(warning(1).unwrap().contains("1 example on an agent's card is"));
        assert!(warning(2).unwrap().contains("2 examples on agents' cards are"));
    }

    #[test]
    fn what_cannot_be_frozen_is_left_out_and_what_is_no_row_is_named_with_its_line() {
        let text = "{\"text\":\"a\"}\n{\"text\":\"b\",\"label\":\"x\",\"prev_agents\":[\"x\"]}";
        assert_eq!(parse(text).unwrap(), (vec![], 2));
        assert_eq!(parse("{\"text\":\"a\",\"label\":\"x\"}\n{\"label\":3}").unwrap_err().0, 2);
        assert!(parse("{\"text\":\"a\",\"label\":\"X Y\"}").unwrap_err().1.contains("X Y"));
        assert!(parse("{\"text\":\"a\",\"label\":[]}").unwrap_err().1.contains("empty list"));
    }
}
