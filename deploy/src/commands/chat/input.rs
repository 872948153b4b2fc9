//! Where what is said comes from: the lines of standard input, or a person at a terminal.

use super::{
    prompt::{Prompt, Said},
    show::Print,
};
use crate::{
    error::{Error, Result},
    terminal,
};
use std::io::IsTerminal;
use tokio::io::{AsyncBufReadExt, BufReader, Split, Stdin};

/// The source.
pub(super) enum Input {
    /// A file or a pipe, line by line.
    Lines(Split<BufReader<Stdin>>),
    /// A terminal.
    Person(Prompt),
}

impl Input {
    /// A person is asked where both ends are the terminal: what is edited is shown there.
    pub(super) fn open() -> Result<Self> {
        match std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            true => Prompt::open().map(Self::Person),
            false => Ok(Self::Lines(BufReader::new(tokio::io::stdin()).split(b'\n'))),
        }
    }

    /// Asks for the next text.
    pub(super) fn ask(&mut self) {
        if let Self::Person(prompt) = self {
            prompt.ask();
        }
    }

    /// Waits for the text. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Said> {
        match self {
            Self::Person(prompt) => prompt.next().await,
            Self::Lines(lines) => {
                let line = lines.next_segment().await.map_err(Error::io("standard input"))?;
                // A byte that is no UTF-8 is shown as one (U+FFFD) and costs no more than itself.
                Ok(line.map_or(Said::End, |bytes| Said::Text(String::from_utf8_lossy(&bytes).into_owned())))
            }
        }
    }

    /// Prints what comes meanwhile; above what a person is typing.
    pub(super) fn print(&mut self, print: Print) {
        match self {
            Self::Person(prompt) => prompt.print(print),
            Self::Lines(_) => put(print),
        }
    }
}

/// Prints where the cursor is.
pub(super) fn put(print: Print) {
    match print {
        Print::Piece(text) => terminal::piece(&text),
        Print::Line(text) => terminal::out(&text),
        Print::Talk(text) => terminal::say(&text),
    }
}
