//! What the command line of `eval` asks for.

use clap::{ArgGroup, Args, builder::RangedU64ValueParser};
use std::{ffi::OsString, path::PathBuf};

const ROWS: &str = "\
A row is a JSON object with \"text\", \"label\" (a text, a list, or \"oos\" for nobody), and if known \"lang\" (or
\"language\"), \"registry\", \"conv\", \"turn\", \"prev_agents\", \"history\", \"last_assistant\"; other fields are
passed over. A row whose label no agent has counts as an error, and an agent of prev_agents that is not there is passed
over; a warning says how many there are. Every option is given once; an empty argument means: not given.

Exit codes: 0 done, 1 a bound of --require does not hold, 2 usage, 3 a file cannot be read or used";

/// The arguments, read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(after_help = ROWS, group = ArgGroup::new("registry").args(["train", "agents"]).required(true).multiple(true))]
pub(crate) struct Options {
    /// Rows that become the agents' examples, one agent for each label
    #[arg(long, value_name = "FILE")]
    pub(super) train: Option<PathBuf>,
    /// Rows that calibrate and set thresholds; nothing is learned from them
    #[arg(long, value_name = "FILE")]
    pub(super) dev: Option<PathBuf>,
    /// Rows to be answered; without labels they are answered and not counted
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) test: Option<PathBuf>,
    /// Rows that are for nobody
    #[arg(long, value_name = "FILE")]
    pub(super) negatives: Option<PathBuf>,
    /// {"name": "description", ...} or [{"name", "description", "skills": [...]}, ...]: the registry without examples, or
    /// with those of --train
    #[arg(long, value_name = "FILE.json")]
    pub(super) agents: Option<PathBuf>,
    /// {"id": ["name", ...], ...}: a row with "registry": id may only go to these agents
    #[arg(long, value_name = "FILE.json")]
    pub(super) registries: Option<PathBuf>,
    /// Write dev.jsonl and test.jsonl there: {"label", "confidence", "us"} per row, in order, and "degraded" with the reason
    /// where the LLM was wanted and could not decide
    #[arg(long, value_name = "DIR")]
    pub(super) predictions: Option<PathBuf>,
    /// Write the reliability plot: how often an answer of a certain confidence is right
    #[arg(long, value_name = "FILE.svg")]
    pub(super) plot: Option<PathBuf>,
    /// {"accuracy": {"min": 0.9}, "ece": {"max": 0.05}, "p99_us.lexical": {"max": 100}}: fields of --json, those within
    /// others after a dot; exit code 1 when one is out of bounds, or absent
    #[arg(long, value_name = "GATE.json")]
    pub(super) require: Option<PathBuf>,
    /// A core.toml: its [route], turn.max_agents and [[llm]] are used; without it, the defaults
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Only the first K rows of each label, in the order of the file
    #[arg(long, value_name = "K", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(super) shots: Option<usize>,
    /// The field that holds the label; "label" when not given
    #[arg(long, value_name = "FIELD")]
    pub(super) label_field: Option<String>,
    /// 1: without the LLM, also where --config names one
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=2))]
    pub(super) stages: Option<usize>,
    /// One JSON object instead of tables
    #[arg(long)]
    pub(super) json: bool,
}

/// Leaves out empty arguments, and the options that they are the values of: scripts hand on what they may not have.
pub(crate) fn without_empty(arguments: Vec<OsString>) -> Vec<OsString> {
    let wants_value = |last: &OsString| {
        last.to_str().is_some_and(|last| last.starts_with("--") && last != "--json" && !last.contains('='))
    };
    let mut kept: Vec<OsString> = Vec::new();
    for argument in arguments {
        if !argument.is_empty() {
            kept.push(argument);
        } else if kept.last().is_some_and(wants_value) {
            kept.pop();
        }
    }
    kept.retain(|kept| !kept.to_str().is_some_and(|kept| kept.starts_with("--") && kept.ends_with('=')));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Eval {
        #[command(flatten)]
        options: Options,
    }

    fn read(arguments: &[&str]) -> Result<Options, clap::Error> {
        let arguments = ["eval"].iter().chain(arguments).map(OsString::from);
        Eval::try_parse_from(without_empty(arguments.collect())).map(|eval| eval.options)
    }

    #[test]
    fn an_empty_argument_means_not_given() {
        let options = read(&["--train", "a", "--dev", "", "--test=b", "--shots", "", "--json"]).unwrap();
        assert_eq!((options.train, options.dev, options.test), (Some("a".into()), None, Some("b".into())));
        assert!(options.json && options.shots.is_none());
        let options =
            read(&["--train", "a", "--test", "b", "--test", "", "--stages", "1", "--stages="]).unwrap();
        assert_eq!((options.test, options.stages), (Some("b".into()), Some(1)), "it takes nothing back");
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for bad in [
            &["--train", "a"] as &[&str],
            &["--test", "a"],
            &["--test", "a", "--train", "b", "--shots", "x"],
            &["--test", "a", "--train", "b", "--stages", "7"],
            &["--test", "a", "--train", "b", "--what", "7"],
            &["--test", "a", "--train", "b", "c"],
            &["--test", "a", "--train", "b", "--test", "a"],
            &["--test", "a", "--train", "b", "--shots", "3", "--shots=4"],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
