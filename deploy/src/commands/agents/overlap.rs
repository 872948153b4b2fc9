//! `switchboard agents overlap`: which agents' examples collide.

use crate::{
    commands::access::Access,
    error::Result,
    terminal::{self, clean_short},
};
use clap::Args;
use std::fmt::Write;
use switchboard_shared::{
    api::{LostExample, Overlap, OverlapPair},
    ids::AgentId,
};

const MAX_TEXT_CHARS: usize = 80;

/// Arguments of `agents overlap`.
#[derive(Debug, Args)]
pub struct Overlaps {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Overlaps {
    /// Shows them, the worst first.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        let overlap: Overlap = self.access.client(&["agent-admin"])?.get("/v1/agents/overlap").await?;
        if self.json {
            terminal::json(&overlap);
        } else {
            terminal::table(show(&overlap).trim_end());
        }
        Ok(())
    }
}

fn show(overlap: &Overlap) -> String {
    let mut text = format!(
        "{} of {} examples would go to another agent, had the router not learned them\n",
        overlap.lost, overlap.examples
    );
    overlap.pairs.iter().for_each(|one| pair(&mut text, one));
    if !overlap.duplicates.is_empty() {
        text.push_str("\nthe same to the router, and examples of several agents; where there are enough of them, messages like them go to all of these:\n");
    }
    for duplicate in &overlap.duplicates {
        let agents: Vec<_> = duplicate.agents.iter().map(AgentId::as_str).collect();
        writeln!(text, "  {}  {}", agents.join(", "), quoted(&duplicate.text)).ok();
    }
    text
}

fn pair(text: &mut String, pair: &OverlapPair) {
    let ways = [(pair.lost, &pair.agent, &pair.other), (pair.gained, &pair.other, &pair.agent)];
    let ways = ways.iter().filter(|(count, ..)| *count > 0);
    let ways: Vec<_> = ways.map(|(count, from, to)| format!("{count} of {from} to {to}")).collect();
    writeln!(text, "\n{}:", ways.join(", ")).ok();
    for LostExample { agent, text: said, share, other_share, near } in &pair.examples {
        writeln!(text, "  {share:.2} < {other_share:.2}  {:20} {}", agent.as_str(), quoted(said)).ok();
        if let Some(near) = near {
            let (like, whose) = (format!("like {:.2}", near.likeness), near.agent.as_ref());
            let whose = whose.map_or("", AgentId::as_str);
            writeln!(text, "  {like:11}  {whose:20} {}", quoted(near.text.as_deref().unwrap_or_default()))
                .ok();
        }
    }
}

/// What an example says, which may be an agent's own words: cleaned, and the beginning of a longer one.
fn quoted(text: &str) -> String {
    format!("\"{}\"", clean_short(text, MAX_TEXT_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pairs_and_duplicates_are_shown_with_their_texts_cleaned() {
        let overlap: Overlap = serde_json::from_value(json!({
            "examples": 20, "lost": 3,
            "pairs": [{"agent": "backup", "other": "files", "lost": 2, "gained": 1, "examples": [
                {"agent": "backup", "text": "which files\u{1b}[2J changed", "share": 0.2, "other_share": 0.64,
                 "near": {"agent": "files", "likeness": 0.71, "text": "list changed files"}},
            ]}],
            "duplicates": [{"text": "show files", "agents": ["backup", "files"]}],
        }))
        .unwrap();
        let expected = "3 of 20 examples would go to another agent, had the router not learned them

2 of backup to files, 1 of files to backup:
  0.20 < 0.64  backup               \"which files[2J changed\"
  like 0.71    files                \"list changed files\"

the same to the router, and examples of several agents; where there are enough of them, messages like them go to all of these:
  backup, files  \"show files\"
";
        assert_eq!(show(&overlap), expected);
    }
}
