//! The rows of an evaluation: messages, and who should get them.

use super::fault::Fault;
use serde::Deserialize;
use serde_json::Value;
use std::{
    io::{BufRead, ErrorKind},
    path::Path,
};
use switchboard_shared::cause::Cause;

/// The label of a message that is for nobody.
pub(super) const NOBODY: &str = "oos";
const MAX_ROW_BYTES: usize = 1_000_000;
/// Faults that are shown; of more, how many.
const MAX_FAULTS: usize = 20;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Its place in its file, from 1.
    pub(super) line: usize,
    pub(super) text: String,
    /// Who should get it, sorted; empty: nobody. None when it is not known.
    pub(super) labels: Option<Vec<String>>,
    pub(super) lang: String,
    pub(super) registry: Option<String>,
    /// Whether it belongs to a conversation.
    pub(super) is_turn: bool,
    /// The agents of the turn before, sorted.
    pub(super) previous: Vec<String>,
    /// What was said before, oldest first: by whom, and what.
    pub(super) before: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Raw {
    text: String,
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    registry: Option<Value>,
    #[serde(default)]
    conv: Option<Value>,
    #[serde(default)]
    prev_agents: Option<Value>,
    #[serde(default)]
    history: Option<Value>,
    #[serde(default)]
    last_assistant: Option<String>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

/// What is wrong with the rows of all files, so that one look is enough: the first faults, and how many more.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    shown: Vec<String>,
    more: usize,
}

impl BadRows {
    /// Notes what is wrong with a line of a file.
    pub(super) fn add(&mut self, path: &Path, line: usize, what: &str) {
        self.note(format!("{}:{line}: {what}", path.display()));
    }

    /// Fails if anything was wrong.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let more = match self.more {
            0 => String::new(),
            more => format!("\nand {more} more"),
        };
        match self.shown.as_slice() {
            [] => Ok(()),
            [only] => Err(Fault(only.clone())),
            several => {
                let all = several.len() + self.more;
                Err(Fault(format!("{all} faults in its files\n{}{more}", several.join("\n"))))
            }
        }
    }

    fn note(&mut self, fault: String) {
        if self.shown.len() < MAX_FAULTS {
            self.shown.push(fault);
        } else {
            self.more += 1;
        }
    }
}

/// Reads a file of rows, and goes on after one that is none; `every` says that each must have a label.
pub(super) fn read(path: &Path, label_field: &str, every: bool, faults: &mut BadRows) -> Vec<Row> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) => {
            faults.note(format!("{}: {}", path.display(), Cause::of(&error)));
            return Vec::new();
        }
    };
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(std::io::BufReader::new(file).lines()) {
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                faults.add(path, line, &format!("cannot be read: {}", Cause::of(&error)));
                // After bytes that are no text comes the next line; after anything else, nothing does.
                if error.kind() == ErrorKind::InvalidData {
                    continue;
                }
                break;
            }
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        match row(text, label_field) {
            Ok(row) if every && row.labels.is_none() => {
                faults.add(path, line, &format!("every row needs \"{label_field}\""));
            }
            Ok(row) => rows.push(Row { line, ..row }),
            Err(what) => faults.add(path, line, &what),
        }
    }
    rows
}

fn row(line: &str, label_field: &str) -> Result<Row, String> {
    if line.len() > MAX_ROW_BYTES {
        return Err(format!("a row may have {MAX_ROW_BYTES} bytes, this one has {}", line.len()));
    }
    let raw: Raw = serde_json::from_str(line).map_err(|e| format!("is not a row: {e}"))?;
    let nobody = raw.rest.get("label").and_then(Value::as_str) == Some(NOBODY);
    let label = match raw.rest.get(label_field) {
        Some(label) if !nobody => labels(label).map_err(|e| format!("{label_field}: {e}"))?,
        _ => nobody.then(Vec::new),
    };
    let mut labels = label;
    if let Some(labels) = &mut labels {
        labels.retain(|label| label != NOBODY);
    }
    let previous =
        raw.prev_agents.as_ref().map(names).transpose().map_err(|e| format!("prev_agents: {e}"))?;
    let before = raw.history.as_ref().map(history).transpose().map_err(|e| format!("history: {e}"))?;
    let mut before = before.unwrap_or_default();
    if let Some(said) = raw.last_assistant.filter(|said| !said.is_empty())
        && before.last().is_none_or(|(_, last)| *last != said)
    {
        before.push(("assistant".to_owned(), said));
    }
    let registry = raw.registry.as_ref().and_then(|id| match id {
        Value::String(id) => Some(id.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    });
    // Files of examples call it so.
    let language = || raw.rest.get("language").and_then(Value::as_str).map(str::to_owned);
    Ok(Row {
        line: 0,
        text: raw.text,
        labels,
        lang: raw.lang.or_else(language).unwrap_or_default(),
        registry,
        is_turn: raw.conv.is_some_and(|conv| !conv.is_null()) || raw.prev_agents.is_some(),
        previous: previous
            .flatten()
            .unwrap_or_default()
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect(),
        before,
    })
}

/// Who should get a row: names, of which an empty list has none, or nothing where that is not known.
fn labels(value: &Value) -> Result<Option<Vec<String>>, String> {
    let names = names(value)?;
    match names.as_deref() {
        Some(names) if names.iter().any(|name| name.trim().is_empty()) => Err("is an empty name".to_owned()),
        _ => Ok(names),
    }
}

/// A name, a list of names, or nothing.
fn names(value: &Value) -> Result<Option<Vec<String>>, String> {
    let mut names = match value {
        Value::Null => return Ok(None),
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => {
            let name = |name: &Value| name.as_str().map(str::to_owned).ok_or("must hold texts only");
            names.iter().map(name).collect::<Result<_, _>>()?
        }
        _ => return Err("must be a text or a list of texts".into()),
    };
    names.sort();
    names.dedup();
    Ok(Some(names))
}

/// Texts, or objects with who said what under the names that are usual.
fn history(value: &Value) -> Result<Vec<(String, String)>, &'static str> {
    let said_before = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(said) => said,
        _ => return Err("must be a list of what was said"),
    };
    let text = |value: &Value, keys: &[&str]| {
        keys.iter().find_map(|key| value.get(key).and_then(Value::as_str)).map(str::to_owned)
    };
    let said = |value: &Value| match value {
        Value::String(said) => Some(("user".to_owned(), said.clone())),
        value => {
            let by = text(value, &["role", "author", "by"]).unwrap_or_else(|| "user".to_owned());
            text(value, &["text", "content", "said"]).map(|said| (by, said))
        }
    };
    Ok(said_before.iter().filter_map(said).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A row of line 7.
    pub(in crate::eval) fn row(text: &str) -> Row {
        Row { line: 7, ..super::row(text, "label").unwrap() }
    }

    #[test]
    fn labels_come_in_several_forms() {
        let labels = |line: &str, field: &str| super::row(line, field).unwrap().labels;
        assert_eq!(labels(r#"{"text":"a","label":"x"}"#, "label"), Some(vec!["x".to_owned()]));
        assert_eq!(labels(r#"{"text":"a","label":["y","x"]}"#, "label").unwrap(), ["x", "y"]);
        assert_eq!(labels(r#"{"text":"a","label":"oos"}"#, "label"), Some(vec![]));
        assert_eq!(labels(r#"{"text":"a","label":"oos","domain":"d"}"#, "domain"), Some(vec![]));
        assert_eq!(labels(r#"{"text":"a","label":"x","domain":"d"}"#, "domain").unwrap(), ["d"]);
        assert_eq!(labels(r#"{"text":"a"}"#, "label"), None);
    }

    #[test]
    fn what_was_said_before_is_read() {
        let line = r#"{"text":"a","conv":"c","prev_agents":["m"],"last_assistant":"Which?",
            "history":["hi",{"role":"assistant","content":"Hello"}]}"#;
        let row = row(line);
        assert!(row.is_turn && row.previous == ["m"]);
        let said: Vec<_> = row.before.iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!(said, ["hi", "Hello", "Which?"]);
    }

    #[test]
    fn what_may_be_absent_may_be_null_and_the_language_has_two_names() {
        let line = r#"{"text":"a","label":null,"lang":null,"language":"de","registry":null,"conv":null,
            "prev_agents":null,"history":null,"last_assistant":null,"turn":null,"domain":[],"note":{}}"#;
        let read = super::row(line, "label").unwrap();
        assert_eq!(
            (read.labels, read.lang.as_str(), read.before.len(), read.registry),
            (None, "de", 0, None)
        );
        let lang = |line: &str| row(line).lang;
        assert_eq!(lang(r#"{"text":"a","lang":"en","language":"de"}"#), "en", "its own name comes first");
        assert_eq!(lang(r#"{"text":"a","language":["de"]}"#), "", "another field of that name is no fault");
        assert!(row(r#"{"text":"a","prev_agents":""}"#).previous.is_empty());
    }

    #[test]
    fn labels_without_a_name_and_a_history_that_is_no_list_are_faults_with_their_lines() {
        for (row, what) in [
            (r#"{"text":"a","label":""}"#, "label: is an empty name"),
            (r#"{"text":"a","label":["x"," "]}"#, "label: is an empty name"),
            (r#"{"text":"a","history":"x"}"#, "history: must be a list"),
        ] {
            let (rows, said) = faults_of(format!("\n{row}\n").as_bytes(), false);
            assert!(rows == 0 && said.starts_with(&format!("F:2: {what}")), "{row}: {said}");
        }
    }

    fn faults_of(text: &[u8], every: bool) -> (usize, String) {
        let name = format!("rows-{}-{:x}.jsonl", std::process::id(), text.len());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).unwrap();
        let mut faults = BadRows::default();
        let rows = read(&file, "label", every, &mut faults);
        std::fs::remove_file(&file).unwrap();
        let said = faults.check().map_or_else(|fault| fault.to_string(), |()| String::new());
        (rows.len(), said.replace(&file.display().to_string(), "F"))
    }

    #[test]
    fn every_bad_row_is_named_with_its_line() {
        let (rows, said) = faults_of(b"{\"text\":\"a\"}\n\n{\"label\":3}\n", false);
        assert!(rows == 1 && said.starts_with("F:3: is not a row: missing field `text`"), "{said}");
        let text = b"no row\n{\"text\":\"\xff\"}\n{\"text\":\"a\"}\n{\"text\":\"b\",\"label\":{}}\n{\"text\":\"c\",\"label\":\"x\"}";
        let (rows, said) = faults_of(text, true);
        let lines: Vec<_> = said.lines().collect();
        assert_eq!((rows, lines[0], lines.len()), (1, "4 faults in its files", 5));
        for (line, what) in
            lines[1..].iter().zip(["F:1: ", "F:2: cannot be read", "F:3: every row", "F:4: label: "])
        {
            assert!(line.starts_with(what), "{said}");
        }
    }

    #[test]
    fn of_many_bad_rows_the_first_are_shown_and_the_others_counted() {
        let (_, said) = faults_of(&b"?\n".repeat(25), false);
        assert!(said.starts_with("25 faults") && said.ends_with("\nand 5 more"), "{said}");
        assert_eq!(said.lines().count(), 1 + MAX_FAULTS + 1);
    }

    #[test]
    fn a_file_that_is_none_is_said_once() {
        let mut faults = BadRows::default();
        read(&std::env::temp_dir(), "label", false, &mut faults);
        read(Path::new("/nowhere/rows.jsonl"), "label", false, &mut faults);
        let said = faults.check().unwrap_err().to_string();
        assert!(
            said.starts_with("2 faults") && said.contains("/nowhere/rows.jsonl: there is no such file"),
            "{said}"
        );
    }
}
