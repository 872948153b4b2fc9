//! What is asked on the command line.

use crate::error::{Error, Result};
use std::io::Read;

/// More of standard input is not read; the core's bound on a message is far below.
const MOST_BYTES: u64 = 1 << 20;

/// The text; `-` stands for all of standard input (POSIX, Utility Syntax Guideline 13). A byte that is no UTF-8 is shown
/// as one (U+FFFD).
pub(super) fn whole(text: &str) -> Result<String> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(MOST_BYTES).read_to_end(&mut bytes).map_err(Error::io("standard input"))?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
}

/// A text may begin with a dash. One word that does and goes on with a letter is an option, mistyped.
pub(super) fn question(text: &str) -> std::result::Result<String, String> {
    let option = text.trim_start_matches('-');
    let dashed = option.len() < text.len() && option.starts_with(|c: char| c.is_ascii_alphabetic());
    if dashed && !text.contains(char::is_whitespace) {
        return Err("there is no such option; see --help".to_owned());
    }
    Ok(text.to_owned())
}
