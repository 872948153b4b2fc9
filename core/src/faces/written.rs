//! An answer as far as its pieces came without a gap. Pure.

use switchboard_shared::events::Delta;

/// The attempt that is being written.
#[derive(Debug, Default)]
pub(super) struct Written {
    attempt: u32,
    chars: u64,
    pub(super) text: String,
}

impl Written {
    /// What a piece adds: nothing where it was there before, or something before it is missing. One of a later attempt
    /// begins anew.
    pub(super) fn add(&mut self, delta: &Delta) -> String {
        if delta.attempt > self.attempt {
            *self = Self { attempt: delta.attempt, ..Self::default() };
        }
        if delta.attempt < self.attempt || delta.offset > self.chars {
            return String::new();
        }
        let seen = usize::try_from(self.chars - delta.offset).unwrap_or(usize::MAX);
        let new: String = delta.text.chars().skip(seen).collect();
        self.chars += new.chars().count() as u64;
        self.text.push_str(&new);
        new
    }
}
