//! What a drill saw, a row at a time.

use crate::{
    error::{Error, Result},
    terminal,
};
use serde::Serialize;

/// The rows of a drill; each is printed as it comes.
#[derive(Debug, Default)]
pub(super) struct Report {
    json: bool,
    missed: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    what: &'a str,
    seen: &'a str,
    must: &'a str,
    held: bool,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        if !json {
            terminal::out(&format!("{:<58} {:<46} {:<22}", "what is done", "seen", "must"));
        }
        Self { json, missed: Vec::new() }
    }

    /// Adds what was seen, and whether that is as it must be.
    pub(super) fn row(&mut self, what: &str, seen: &str, must: &str, held: bool) {
        if !held {
            self.missed.push(what.to_owned());
        }
        if self.json {
            return terminal::json(&Row { what, seen, must, held });
        }
        terminal::out(&format!("{what:<58} {seen:<46} {must:<22} {}", if held { "held" } else { "MISSED" }));
    }

    /// Fails when a bound did not hold.
    pub(super) fn end(self) -> Result<()> {
        match self.missed.as_slice() {
            [] => Ok(()),
            missed => Err(Error::Failed(format!("{} did not hold: {}", missed.len(), missed.join("; ")))),
        }
    }
}
