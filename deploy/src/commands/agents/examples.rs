//! `switchboard agents examples`: what an agent is learned from.

use super::trial;
use crate::{
    client::Client,
    commands::access::Access,
    error::{Error, Result},
    terminal::{self, clean_line},
};
use clap::Args;
use serde::{Deserialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};
use switchboard_shared::{
    api::{AgentExamples, DraftExamples, Drafts, Example, SetExamples},
    ids::AgentId,
};

/// Arguments of `agents examples`.
#[derive(Debug, Args)]
pub struct Examples {
    /// The agent's id
    pub id: AgentId,
    /// Replace them with those of a file, one `{"text": …, "language": …}` a line; `lang` is read as well
    #[arg(long, value_name = "FILE.jsonl", group = "change", conflicts_with = "languages")]
    pub set: Option<PathBuf>,
    /// Take all of them away; those on its card stay
    #[arg(long, group = "change", conflicts_with = "languages")]
    pub clear: bool,
    /// Do it even if the router gets worse
    #[arg(long, requires = "change")]
    pub force: bool,
    /// Have the house's LLM draft some in these languages, for you to read and give to --set; nothing is stored
    #[arg(long, value_name = "de,fr,…", value_delimiter = ',')]
    pub languages: Vec<String>,
    /// How many drafts in each language, at most 20
    #[arg(long, default_value_t = 10, requires = "languages")]
    pub count: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Examples {
    /// Shows, replaces or drafts them.
    ///
    /// # Errors
    /// When no house answers, it refuses, or the file cannot be read.
    pub async fn run(&self) -> Result<()> {
        let client = self.access.client(&["agent-admin"])?;
        let path = format!("/v1/agents/{}/examples", self.id);
        if !self.languages.is_empty() {
            return self.draft(&client, &path).await;
        }
        let new = change(self.set.as_deref(), self.clear)?;
        let given = new.as_ref().map_or(0, Vec::len);
        let shown = new.is_none();
        let new = new.map(|examples| SetExamples { examples, force: self.force });
        let examples: AgentExamples = set_or_get(&client, &path, new, self.json).await?;
        trial::once(given, examples.examples.len());
        if self.json {
            terminal::json(&examples);
            return Ok(());
        }
        if shown {
            examples.examples.iter().for_each(terminal::json);
        }
        trial::say(examples.trial.as_ref());
        let (own, card) = (examples.examples.len(), examples.on_card);
        terminal::say(&format!("{} is learned from {own} examples here and {card} on its card", self.id));
        Ok(())
    }

    /// One language at a time: each request has the LLM's whole time.
    async fn draft(&self, client: &Client, path: &str) -> Result<()> {
        let mut all = Drafts { agent: self.id.clone(), drafts: Vec::new() };
        for language in &self.languages {
            let wanted = DraftExamples { languages: vec![language.clone()], count: self.count };
            let drafts: Drafts = client.post(&format!("{path}/drafts"), &wanted).await?;
            if !self.json {
                drafts.drafts.iter().for_each(terminal::json);
            }
            all.drafts.extend(drafts.drafts);
        }
        if self.json {
            terminal::json(&all);
        } else {
            terminal::say(
                "nothing is stored: read them, put the good ones with those that the agent has, and give the file to \
                 --set",
            );
        }
        Ok(())
    }
}

/// What is to be stored instead of what is there, if anything is.
///
/// # Errors
/// When the file cannot be read, or has nothing: that would take everything away, which nobody does by mistake.
pub(super) fn change(set: Option<&Path>, clear: bool) -> Result<Option<Vec<Example>>> {
    let Some(file) = set else { return Ok(clear.then(Vec::new)) };
    let examples = read(file)?;
    if examples.is_empty() {
        let file = file.display();
        return Err(Error::Invalid(format!(
            "{file} is empty; to take away what is there, give --clear instead"
        )));
    }
    Ok(Some(examples))
}

/// Replaces what is there, if something is given; what is there then.
pub(super) async fn set_or_get<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    new: Option<SetExamples>,
    json: bool,
) -> Result<T> {
    match new {
        Some(new) => trial::explained(client.put(path, &new).await, json),
        None => client.get(path).await,
    }
}

fn read(file: &Path) -> Result<Vec<Example>> {
    let text = std::fs::read_to_string(file).map_err(Error::named(file))?;
    parse(&text).map_err(|(line, reason)| Error::Invalid(format!("{}:{line}: {reason}", file.display())))
}

/// A line of a file; rows of an evaluation call the language `lang`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    #[serde(default, alias = "lang")]
    language: Option<String>,
}

/// Reads an example a line; the number of the first line that is none, and why.
fn parse(text: &str) -> Result<Vec<Example>, (usize, String)> {
    let lines =
        text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let read = serde_json::from_str::<Line>(line);
            let example = |Line { text, language }| Example { text, language: language.unwrap_or_default() };
            read.map(example).map_err(|error| (index + 1, clean_line(&error.to_string())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_an_example_a_line_and_its_first_bad_line_is_named() {
        let read = parse("{\"text\": \"a\"}\n\n{\"text\": \"b\", \"language\": \"de\"}\n").unwrap();
        assert_eq!((read.len(), read[1].language.as_str()), (2, "de"));
        assert_eq!(parse("{\"text\": \"a\"}\n{\"txt\": \"b\"}").unwrap_err().0, 2);
        let read =
            parse("{\"text\": \"a\", \"lang\": \"fr\"}\n{\"text\": \"b\", \"language\": null}").unwrap();
        assert_eq!((read[0].language.as_str(), read[1].language.as_str()), ("fr", ""));
    }

    #[test]
    fn an_empty_file_takes_nothing_away_and_clear_does() {
        let refused = change(Some(Path::new("/dev/null")), false).unwrap_err().to_string();
        assert!(refused.contains("is empty") && refused.contains("--clear"), "{refused}");
        assert_eq!(change(None, true).unwrap(), Some(vec![]));
        assert_eq!(change(None, false).unwrap(), None);
    }
}
