//! The answer as it grows: what is handed out and what is kept are the same text, within a bound.

use crate::outside;

/// Nothing larger is handed out at once.
const MAX_PIECE_CHARS: usize = 800;

pub(super) struct Page<'a> {
    text: String,
    chars: usize,
    max_chars: usize,
    cut: bool,
    on_text: &'a mut (dyn FnMut(&str) + Send),
}

impl<'a> Page<'a> {
    pub(super) fn new(max_chars: usize, on_text: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        Self { text: String::new(), chars: 0, max_chars, cut: false, on_text }
    }

    /// Writes what fits.
    pub(super) fn push(&mut self, text: &str) {
        let fits = outside::first_chars(text, self.room());
        self.cut |= fits.len() < text.len();
        self.push_note(&fits);
    }

    /// Writes a sentence of our own, which always fits: users must be told.
    pub(super) fn push_note(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(MAX_PIECE_CHARS) {
            let piece: String = piece.iter().collect();
            self.text.push_str(&piece);
            (self.on_text)(&piece);
        }
        self.chars += chars.len();
    }

    /// How many characters still fit.
    pub(super) fn room(&self) -> usize {
        if self.cut { 0 } else { self.max_chars.saturating_sub(self.chars) }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How much is written, in Unicode scalar values.
    pub(super) fn chars(&self) -> u64 {
        u64::try_from(self.chars).unwrap_or(u64::MAX)
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}
