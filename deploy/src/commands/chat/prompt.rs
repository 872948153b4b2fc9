//! A person at a terminal: a line editor with a history, to which what is pasted is one text however many lines it has
//! (bracketed paste). The editor waits in a thread of its own; what others say meanwhile is printed above it.

use super::show::Print;
use crate::{
    error::{Error, Result},
    terminal,
};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::{Config, Editor, ExternalPrinter, error::ReadlineError, history::MemHistory};
use std::{
    io::{self, IsTerminal, Write},
    mem,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};
use tokio::sync::mpsc;

const PROMPT: &str = "> ";
/// Texts that Ctrl-P finds again; they are written to no file.
const HISTORY: usize = 1_000;
/// Lines that wait to be printed above; one more is printed where the cursor is.
const ABOVE: usize = 1_024;
/// Takes a terminal out of the mode in which it brackets what is pasted (xterm, "Bracketed Paste Mode").
const NO_BRACKETS: &[u8] = b"\r\n\x1b[?2004l";

type Line = Editor<(), MemHistory>;
type Read = rustyline::Result<String>;

/// What came.
pub(super) enum Said {
    /// A text; of a person it may have several lines.
    Text(String),
    /// Ctrl-C at the prompt.
    Interrupt,
    /// There is no more.
    End,
}

/// The editor.
pub(super) struct Prompt {
    wanted: mpsc::Sender<()>,
    read: mpsc::Receiver<Read>,
    above: SyncSender<String>,
    /// The beginning of a line whose end has not come.
    piece: String,
    /// Something is being typed.
    is_open: bool,
    before: Option<Termios>,
}

impl Prompt {
    /// Takes the terminal.
    pub(super) fn open() -> Result<Self> {
        let before = tcgetattr(io::stdin()).ok();
        let config = Config::builder().max_history_size(HISTORY).map_err(failed)?.build();
        let history = MemHistory::with_config(&config);
        let mut editor = Line::with_history(config, history).map_err(failed)?;
        let mut printer = editor.create_external_printer().map_err(failed)?;
        let ((wanted, wishes), (sender, read)) = (mpsc::channel(1), mpsc::channel(1));
        let (above, lines) = sync_channel::<String>(ABOVE);
        begin("prompt", move || edit(editor, wishes, &sender))?;
        // The printer waits for the editor, which waits for us when a text has just been said.
        begin("above the prompt", move || {
            lines.into_iter().for_each(|lines| printer.print(lines).unwrap_or_default());
        })?;
        Ok(Self { wanted, read, above, piece: String::new(), is_open: false, before })
    }

    /// Shows the prompt.
    pub(super) fn ask(&mut self) {
        // One wish at a time fits; the editor is gone only when it has said so.
        self.is_open = self.wanted.try_send(()).is_ok();
    }

    /// Waits for what is said. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Said> {
        let read = self.read.recv().await;
        self.is_open = false;
        terminal::piece(&mem::take(&mut self.piece));
        match read {
            Some(Ok(text)) => Ok(Said::Text(text)),
            Some(Err(ReadlineError::Interrupted)) => Ok(Said::Interrupt),
            Some(Err(ReadlineError::Eof)) | None => Ok(Said::End),
            Some(Err(error)) => Err(failed(error)),
        }
    }

    /// Prints whole lines above what is being typed.
    pub(super) fn print(&mut self, print: Print) {
        match print {
            Print::Piece(text) => {
                self.piece.push_str(&text);
                if let Some((lines, rest)) = self.piece.rsplit_once('\n') {
                    let (lines, rest) = (lines.to_owned(), rest.to_owned());
                    self.piece = rest;
                    self.above(&lines);
                }
            }
            Print::Line(text) => {
                let line = mem::take(&mut self.piece) + &text;
                self.above(&line);
            }
            Print::Talk(text) if !io::stderr().is_terminal() => terminal::say(&text),
            Print::Talk(text) => self.above(&text),
        }
    }

    fn above(&mut self, lines: &str) {
        if self.above.try_send(format!("{lines}\n")).is_err() {
            terminal::out(lines);
        }
    }
}

impl Drop for Prompt {
    /// A terminal that is left while something is being typed is given back as it was taken.
    fn drop(&mut self) {
        if let Some(before) = self.before.take().filter(|_| self.is_open) {
            // There is nobody left to tell when even this cannot be done.
            tcsetattr(io::stdin(), SetArg::TCSADRAIN, &before).unwrap_or_default();
            drop(io::stdout().write_all(NO_BRACKETS));
        }
    }
}

/// Reads a text each time one is wanted, until nobody is left who wants one.
fn edit(mut editor: Line, mut wishes: mpsc::Receiver<()>, sender: &mpsc::Sender<Read>) {
    while wishes.blocking_recv().is_some() {
        let read = editor.readline(PROMPT);
        if let Ok(text) = &read {
            // Without its history a line is still said.
            drop(editor.add_history_entry(text.trim()));
        }
        if sender.blocking_send(read).is_err() {
            return;
        }
    }
}

fn begin(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let begun = thread::Builder::new().name(name.to_owned()).spawn(work);
    begun.map(drop).map_err(Error::io("the line editor"))
}

fn failed(error: ReadlineError) -> Error {
    Error::io("the terminal")(io::Error::other(error))
}
