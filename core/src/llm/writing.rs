//! A text that is being written: what of it is the answer, whether it lives, and how it ended.

use super::{
    Tokens,
    chunk::Piece,
    fault::{Fault, Kind},
    thoughts::Thoughts,
};
use crate::outside;

/// As endpoints name the end of what is whole; by any other name it was cut.
const WHOLE: [&str; 11] = [
    "stop",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "end",
    "done",
    "complete",
    "completed",
    "finished",
    "tool_calls",
];
const MAX_REFUSAL_CHARS: usize = 300;

/// What came besides the answer.
pub(super) struct Said {
    pub(super) tokens: Tokens,
    /// The text with what was taken out of it.
    pub(super) raw: String,
    /// What it would call a tool with.
    pub(super) call: String,
    /// What it thought, apart from its text.
    pub(super) apart: String,
    /// Whether thoughts were closed that had not been opened.
    pub(super) unopened: bool,
    /// Whether it was cut at the bound of its length.
    pub(super) too_long: bool,
}

pub(super) struct Writing<'a> {
    pub(super) on_text: &'a mut (dyn FnMut(&str) + Send),
    pub(super) thoughts: Thoughts,
    /// Something of the answer has been handed out.
    pub(super) begun: bool,
    /// It writes, or thinks.
    pub(super) lives: bool,
    pub(super) tokens: Tokens,
    call: String,
    apart: String,
    /// Its texts as they came.
    raw: String,
    finish: Option<String>,
    done: bool,
}

impl<'a> Writing<'a> {
    /// `opens`: as [`Thoughts::new`] takes it.
    pub(super) fn new(opens: bool, on_text: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        Self {
            on_text,
            thoughts: Thoughts::new(opens),
            begun: false,
            lives: false,
            tokens: Tokens::default(),
            call: String::new(),
            apart: String::new(),
            raw: String::new(),
            finish: None,
            done: false,
        }
    }

    pub(super) fn take(&mut self, piece: Piece) -> Result<(), Fault> {
        if let Some(why) = piece.refusal {
            let why = outside::line(&why, MAX_REFUSAL_CHARS);
            return Err(Fault::new(Kind::Refused, format!("it declined to write: {why}")));
        }
        self.tokens = piece.tokens.unwrap_or(self.tokens);
        self.finish = piece.finish.or(self.finish.take());
        self.lives |= piece.thinks || !piece.text.is_empty() || !piece.call.is_empty();
        self.call.push_str(&piece.call);
        if piece.thinks {
            self.apart.push_str(&piece.thought);
            let text = self.thoughts.come_apart();
            self.hand_out(&text);
        }
        let text = if piece.is_whole { self.added(piece.text) } else { piece.text };
        self.raw.push_str(&text);
        let text = self.thoughts.feed(&text);
        self.hand_out(&text);
        Ok(())
    }

    /// It says itself that there is no more.
    pub(super) fn done(&mut self) {
        self.done = true;
    }

    /// Whether it was cut at the bound of its length.
    pub(super) fn is_too_long(&self) -> bool {
        self.finish
            .as_deref()
            .is_some_and(|why| why.eq_ignore_ascii_case("length") || why.contains("max_tokens"))
    }

    pub(super) fn into_said(self) -> Said {
        let (too_long, unopened) = (self.is_too_long(), self.thoughts.unopened);
        Said { tokens: self.tokens, raw: self.raw, call: self.call, apart: self.apart, unopened, too_long }
    }

    /// Begins anew; that it lives is known.
    pub(super) fn restart(&mut self, opens: bool) {
        self.thoughts = Thoughts::new(opens);
        (self.finish, self.done) = (None, false);
        for text in [&mut self.call, &mut self.apart, &mut self.raw] {
            text.clear();
        }
    }

    /// Hands out what is left.
    pub(super) fn flush(&mut self) {
        let text = self.thoughts.end();
        self.hand_out(&text);
    }

    /// Whether it ended as a text should.
    pub(super) fn end(&self) -> Result<(), Fault> {
        let finish = self.finish.as_deref().map(str::to_ascii_lowercase);
        match finish.as_deref() {
            Some(reason) if !self.begun && !WHOLE.contains(&reason) => {
                let what = if self.thoughts.seen { "only thoughts" } else { "nothing" };
                Err(Fault::new(Kind::Nonsense, format!("it wrote {what}, and stopped ({reason})")))
            }
            _ if !self.begun && !self.call.is_empty() => {
                Err(Fault::new(Kind::Nonsense, "it called a tool that it was not given, and wrote nothing"))
            }
            _ if !self.begun && self.thoughts.seen => {
                Err(Fault::new(Kind::Nonsense, "it wrote only thoughts"))
            }
            _ if !self.begun => Err(Fault::new(Kind::Nonsense, "it wrote nothing")),
            Some(reason) if WHOLE.contains(&reason) => Ok(()),
            Some(reason) => Err(Fault::new(Kind::Cut, format!("it stopped early ({reason})"))),
            None if self.done => Ok(()),
            None => Err(Fault::new(Kind::Cut, "its stream ended before it had finished")),
        }
    }

    /// What a text that comes whole each time adds to what was there.
    fn added(&self, text: String) -> String {
        text.strip_prefix(self.raw.as_str()).map(str::to_owned).unwrap_or(text)
    }

    fn hand_out(&mut self, text: &str) {
        // A byte order mark before a text is no part of it.
        let text = if self.begun { text } else { text.trim_start_matches('\u{FEFF}') };
        if !text.is_empty() {
            self.begun = true;
            (self.on_text)(text);
        }
    }
}
