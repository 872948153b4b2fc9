//! The end of a child's log, for the error that names the child.

use crate::terminal;
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// How many lines an error shows.
const LINES: usize = 12;
/// How much of a log's end is read for that.
const BYTES: u64 = 16 * 1024;

/// The last lines that were written after `from` bytes; empty when the log cannot be read.
#[must_use]
pub fn tail(log: &Path, from: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(BYTES))))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = read().map(|bytes| terminal::clean(&String::from_utf8_lossy(&bytes))).unwrap_or_default();
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LINES)..].iter();
    last.map(|line| shorten(line)).collect::<Vec<_>>().join("\n")
}

/// A line of JSON as `LEVEL message: error`, which is what a person reads in it; any other line as it is.
fn shorten(line: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return line.to_owned() };
    let field = |name: &str| fields.get(name).and_then(Value::as_str);
    match (field("message"), field("error")) {
        (Some(message), error) => {
            let level = field("level").map(|level| format!("{level} ")).unwrap_or_default();
            let error = error.map(|error| format!(": {error}")).unwrap_or_default();
            format!("{level}{message}{error}")
        }
        (None, _) => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_of_this_start_are_shown() {
        let path = std::env::temp_dir().join(format!("switchboard-log-{}", std::process::id()));
        let old = "old\n";
        let lines: String = (0..20).map(|number| format!("line {number}\n\n")).collect();
        std::fs::write(&path, format!("{old}{lines}")).unwrap();
        let shown = tail(&path, 4);
        assert_eq!((shown.lines().count(), shown.lines().last()), (LINES, Some("line 19")));
        std::fs::write(&path, format!("{old}new\x1b")).unwrap();
        assert_eq!(tail(&path, 4), "new");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn of_a_line_of_json_the_message_is_shown() {
        let line =
            r#"{"timestamp":"t","level":"ERROR","message":"no database","error":"refused","target":"a"}"#;
        assert_eq!(shorten(line), "ERROR no database: refused");
        assert_eq!(shorten(r#"{"a":1}"#), r#"{"a":1}"#);
        assert_eq!(shorten("FATAL: gone"), "FATAL: gone");
    }
}
