//! The rows of an evaluation: messages, and who should get them.

use super::Fault;
use serde::Deserialize;
use serde_json::Value;
use std::{io::BufRead, path::Path};

/// The label of a message that is for nobody.
pub(super) const NOBODY: &str = "oos";
const MAX_ROW_BYTES: usize = 1_000_000;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
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

/// Reads a file of rows; a fault names the file and the line.
pub(super) fn read(path: &Path, label_field: &str) -> Result<Vec<Row>, Fault> {
    let file = std::fs::File::open(path).map_err(|e| Fault::file(path, &e))?;
    let mut rows = Vec::new();
    for (i, line) in std::io::BufReader::new(file).lines().enumerate() {
        let at = |what: String| Fault(format!("{}:{}: {what}", path.display(), i + 1));
        let line = line.map_err(|e| at(format!("cannot be read: {e}")))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.len() > MAX_ROW_BYTES {
            return Err(at(format!("a row may have {MAX_ROW_BYTES} bytes, this one has {}", line.len())));
        }
        if !line.is_empty() {
            rows.push(row(line, label_field).map_err(at)?);
        }
    }
    Ok(rows)
}

fn row(line: &str, label_field: &str) -> Result<Row, String> {
    let raw: Raw = serde_json::from_str(line).map_err(|e| format!("is not a row: {e}"))?;
    let nobody = raw.rest.get("label").and_then(Value::as_str) == Some(NOBODY);
    let label = match raw.rest.get(label_field) {
        Some(label) if !nobody => names(label).map_err(|e| format!("{label_field}: {e}"))?,
        _ => nobody.then(Vec::new),
    };
    let mut labels = label;
    if let Some(labels) = &mut labels {
        labels.retain(|label| label != NOBODY);
    }
    let previous =
        raw.prev_agents.as_ref().map(names).transpose().map_err(|e| format!("prev_agents: {e}"))?;
    let mut before = raw.history.as_ref().map(history).unwrap_or_default();
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
    Ok(Row {
        text: raw.text,
        labels,
        lang: raw.lang.unwrap_or_default(),
        registry,
        is_turn: raw.conv.is_some_and(|conv| !conv.is_null()) || raw.prev_agents.is_some(),
        previous: previous.flatten().unwrap_or_default(),
        before,
    })
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
fn history(value: &Value) -> Vec<(String, String)> {
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
    value.as_array().into_iter().flatten().filter_map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_in_several_forms() {
        let labels = |line: &str, field: &str| row(line, field).unwrap().labels;
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
        let row = row(line, "label").unwrap();
        assert!(row.is_turn && row.previous == ["m"]);
        let said: Vec<_> = row.before.iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!(said, ["hi", "Hello", "Which?"]);
    }

    #[test]
    fn a_bad_row_is_named_with_its_line() {
        let file = std::env::temp_dir().join(format!("rows-{}.jsonl", std::process::id()));
        std::fs::write(&file, "{\"text\":\"a\"}\n\n{\"label\":3}\n").unwrap();
        let fault = read(&file, "label").unwrap_err().to_string();
        std::fs::remove_file(&file).unwrap();
        assert!(fault.contains(":3: "), "{fault}");
    }
}
