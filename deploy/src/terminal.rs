//! What may be printed, and where: results on standard output, talk on standard error, no control characters of others.

use crate::error::{Error, Result};
use std::{
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
};
use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, core::display_width};

/// Why results could not be written, the first time.
static FAULT: OnceLock<io::ErrorKind> = OnceLock::new();

/// Where the status stands that is on the terminal: nowhere, where the cursor is, on the line below it.
static STATUS: AtomicU8 = AtomicU8::new(NOWHERE);
const NOWHERE: u8 = 0;
const HERE: u8 = 1;
const BELOW: u8 = 2;

/// Shows a status on the terminal of standard error, in the place of the one before, until something else is written;
/// `below` the cursor's line, where that is not to be written on.
pub fn status(line: &str, below: bool) {
    let width = terminal_size_of(io::stderr()).map_or(80, |(Width(width), _)| usize::from(width));
    let line: String = line.chars().take(width.saturating_sub(1)).collect();
    no_status();
    // Down and up again, so that there is a line below; then the cursor's place is kept and taken again (DECSC, DECRC).
    let (shown, place) = match below {
        true => (format!("\x1bD\x1bM\x1b7\r\n{line}\x1b8"), BELOW),
        false => (format!("{line}\r"), HERE),
    };
    drop(io::stderr().write_all(shown.as_bytes()));
    STATUS.store(place, Relaxed);
}

/// Takes the status away.
pub fn no_status() {
    let wipe: &[u8] = match STATUS.swap(NOWHERE, Relaxed) {
        HERE => b"\r\x1b[K",
        BELOW => b"\x1b7\r\n\x1b[K\x1b8",
        _ => return,
    };
    drop(io::stderr().write_all(wipe));
}

/// Writes a line of results.
pub fn out(line: &str) {
    no_status();
    note(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes rows whose columns stand two blanks or more apart. On a terminal, what is too long for it goes on below its own
/// column; elsewhere each row stays one line, as scripts read it.
pub fn table(rows: &str) {
    match terminal_size_of(io::stdout()) {
        Some((Width(width), _)) => out(&wrapped(rows, width.into())),
        None => out(rows),
    }
}

fn wrapped(rows: &str, width: usize) -> String {
    let row = |row: &str| {
        let indent = " ".repeat(last_column(row, width));
        textwrap::fill(row, Options::new(width).subsequent_indent(&indent))
    };
    rows.lines().map(row).collect::<Vec<_>>().join("\n")
}

/// Where the last column begins that leaves half of the width to what is in it. Within a cell no two blanks stand side by
/// side: see [`clean_line`].
fn last_column(row: &str, width: usize) -> usize {
    let starts = row.rmatch_indices("  ").map(|(gap, blanks)| display_width(&row[..gap + blanks.len()]));
    starts.into_iter().find(|start| start * 2 <= width).unwrap_or(2)
}

/// Writes a piece of a result at once, without a line's end.
pub fn piece(text: &str) {
    no_status();
    let mut stdout = io::stdout().lock();
    note(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// A reader that went away is no error: there is nobody left to tell.
fn note(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        FAULT.get_or_init(|| error.kind());
    }
}

/// Whether all results were written.
///
/// # Errors
/// Says why not.
pub fn written() -> Result<()> {
    match FAULT.get() {
        Some(kind) => Err(Error::io("standard output")((*kind).into())),
        None => Ok(()),
    }
}

/// Writes a line of talk.
pub fn say(line: &str) {
    no_status();
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Prints `value` as one line of JSON.
pub fn json(value: &impl serde::Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => out(&text),
        Err(error) => say(&format!("cannot be written as JSON: {error}")),
    }
}

/// Takes everything out of foreign text that could steer a terminal: C0 and C1 control characters (ECMA-48) but
/// line ends and tabs, and the marks that reorder text (Unicode TR 36, §3).
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !steers(*c)).collect()
}

/// [`clean`], on one line.
#[must_use]
pub fn clean_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters of [`clean_line`].
#[must_use]
pub fn clean_short(text: &str, chars: usize) -> String {
    let line = clean_line(text);
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn steers(c: char) -> bool {
    let reorders =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    reorders || (c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_cannot_steer_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\x07c\r\u{9b}31md\u{202e}e\n\tf"), "a[2Jbc31mde\n\tf");
        assert_eq!(clean("Grüße, 世界 👩‍👩‍👧"), "Grüße, 世界 👩‍👩‍👧");
        assert_eq!(clean_line(" one\n\n two\x00 "), "one two");
        assert_eq!((clean_short("äöü\n\x1bx", 3), clean_short("äöü", 3)), ("äöü…".into(), "äöü".into()));
    }

    #[test]
    fn a_long_cell_goes_on_below_its_own_column() {
        let rows = "weather   says whether it will rain\n  0.50  money  世界 世界 世界\nno columns at all, but long\nshort";
        let expected = "weather   says
          whether it
          will rain
  0.50  money  世界
        世界 世界
no columns at all,
  but long
short";
        assert_eq!(wrapped(rows, 20), expected);
        assert_eq!(wrapped(rows, 200), rows);
    }
}
