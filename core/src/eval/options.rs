//! What the command line of `eval` asks for.

use std::path::PathBuf;

/// How `eval` is used.
pub(crate) const HELP: &str = "\
Measures the router on messages whose right agents are known.

Usage: switchboard-core eval --test FILE [--train FILE] [--dev FILE] [--negatives FILE] [--agents FILE.json]
                             [--registries FILE.json] [--predictions DIR] [--stages 1] [--shots K]
                             [--label-field FIELD] [--plot FILE.svg] [--require GATE.json] [--config FILE] [--json]

  --train FILE         rows that become the agents' examples, one agent for each label
  --dev FILE           rows that calibrate and set thresholds; nothing is learned from them
  --test FILE          rows to be answered; without labels they are answered and not counted
  --negatives FILE     rows that are for nobody
  --agents FILE.json   {\"name\": \"description\", ...} or [{\"name\", \"description\", \"skills\": [...]}, ...]: the
                       registry without examples, or with those of --train
  --registries F.json  {\"id\": [\"name\", ...], ...}: a row with \"registry\": id may only go to these agents
  --shots K            only the first K rows of each label, in the order of the file
  --label-field FIELD  the field that holds the label; \"label\" when not given
  --stages 1           without the LLM, also where --config names one
  --config FILE        a core.toml: its [route], turn.max_agents and [[llm]] are used; without it, the defaults
  --predictions DIR    writes dev.jsonl and test.jsonl there: {\"label\", \"confidence\", \"us\"} per row, in order, and
                       \"degraded\" with the reason where the LLM was wanted and could not decide
  --plot FILE.svg      writes the reliability plot: how often an answer of a certain confidence is right
  --require GATE.json  {\"accuracy\": {\"min\": 0.9}, \"ece\": {\"max\": 0.05}, \"p99_us.lexical\": {\"max\": 100}}: fields of
                       --json, those within others after a dot; exit code 1 when one is out of bounds, or absent
  --json               one JSON object instead of tables

A row is a JSON object with \"text\", \"label\" (a text, a list, or \"oos\" for nobody), and if known \"lang\" (or
\"language\"), \"registry\", \"conv\", \"turn\", \"prev_agents\", \"history\", \"last_assistant\"; other fields are
passed over. A row whose label no agent has counts as an error, and an agent of prev_agents that is not there is passed
over; a warning says how many there are. Every option is given once; an empty argument means: not given.

Exit codes: 0 done, 1 a bound of --require does not hold, 2 usage, 3 a file cannot be read or used";

/// The arguments, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    pub(super) train: Option<PathBuf>,
    pub(super) dev: Option<PathBuf>,
    pub(super) test: Option<PathBuf>,
    pub(super) negatives: Option<PathBuf>,
    pub(super) agents: Option<PathBuf>,
    pub(super) registries: Option<PathBuf>,
    pub(super) predictions: Option<PathBuf>,
    pub(super) plot: Option<PathBuf>,
    pub(super) require: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    pub(super) shots: Option<usize>,
    pub(super) label_field: Option<String>,
    /// 1: without the LLM.
    pub(super) stages: Option<usize>,
    pub(super) json: bool,
}

impl Options {
    /// Reads the arguments after `eval`; the fault is a sentence.
    pub(crate) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--json" {
                options.json = true;
                continue;
            }
            if argument.is_empty() {
                continue;
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, value),
                None => (argument.as_str(), arguments.next().map(String::as_str).unwrap_or_default()),
            };
            if !name.starts_with("--") {
                return Err(format!("{name} is not an option"));
            }
            options.set(name, value)?;
        }
        if options.test.is_none() {
            return Err("--test is missing".into());
        }
        if options.train.is_none() && options.agents.is_none() {
            return Err("--train or --agents is needed: there is no registry without them".into());
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let path = Some(value).filter(|value| !value.is_empty()).map(PathBuf::from);
        match name {
            "--train" => once(&mut self.train, name, path),
            "--dev" => once(&mut self.dev, name, path),
            "--test" => once(&mut self.test, name, path),
            "--negatives" => once(&mut self.negatives, name, path),
            "--agents" => once(&mut self.agents, name, path),
            "--registries" => once(&mut self.registries, name, path),
            "--predictions" => once(&mut self.predictions, name, path),
            "--plot" => once(&mut self.plot, name, path),
            "--require" => once(&mut self.require, name, path),
            "--config" => once(&mut self.config, name, path),
            "--label-field" => once(&mut self.label_field, name, path.map(|_| value.to_owned())),
            "--shots" => once(&mut self.shots, name, number(name, value)?),
            "--stages" => match number(name, value)? {
                Some(other) if other > 2 => Err(format!("--stages is 1 or 2, not {other}")),
                stages => once(&mut self.stages, name, stages),
            },
            _ => Err(format!("{name} is not an option")),
        }
    }
}

/// Takes a value, where one is given: the second one would silently take the place of the first.
fn once<T>(place: &mut Option<T>, name: &str, value: Option<T>) -> Result<(), String> {
    match (&place, value) {
        (_, None) => Ok(()),
        (Some(_), Some(_)) => Err(format!("{name} is given twice")),
        (None, Some(value)) => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn number(name: &str, value: &str) -> Result<Option<usize>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    match value.parse() {
        Ok(0) | Err(_) => Err(format!("{name} must be a number above 0, not {value}")),
        Ok(number) => Ok(Some(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, String> {
        Options::read(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
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
