//! How much of an answer a client has that takes nothing back: a piece that comes again adds nothing, and an answer that
//! was begun anew goes on where it says the same. Pure.

use super::written::Written;
use switchboard_shared::events::Delta;

/// Stands before an answer that is not what the client has the beginning of.
const ANEW: &str = "\n\n(The answer was written anew:)\n\n";

/// What was passed on.
#[derive(Debug, Default)]
pub(super) struct Said {
    passed: String,
    written: Written,
}

impl Said {
    /// What a piece adds.
    pub(super) fn piece(&mut self, delta: &Delta) -> String {
        self.written.add(delta);
        let rest = self.written.text.strip_prefix(self.passed.as_str()).unwrap_or_default().to_owned();
        self.passed.push_str(&rest);
        rest
    }

    /// What the whole answer adds.
    pub(super) fn whole(&mut self, text: &str) -> String {
        let rest = match text.strip_prefix(self.passed.as_str()) {
            Some(rest) => rest.to_owned(),
            None => format!("{ANEW}{text}"),
        };
        self.passed.push_str(&rest);
        rest
    }

    /// Whether anything was passed on.
    pub(super) fn holds_something(&self) -> bool {
        !self.passed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(attempt: u32, offset: u64, text: &str) -> Delta {
        Delta { attempt, offset, text: text.into() }
    }

    #[test]
    fn what_a_client_has_is_added_to_and_never_taken_back() {
        let mut said = Said::default();
        assert_eq!(said.piece(&delta(1, 0, "Grü")), "Grü");
        assert_eq!(said.piece(&delta(1, 0, "Grüße")), "ße", "a piece comes again");
        assert_eq!(said.piece(&delta(1, 9, "all")), "", "something before it is missing");
        assert_eq!(said.piece(&delta(2, 0, "Gr")), "", "another core began anew, and says the same");
        assert_eq!(said.piece(&delta(2, 2, "üße an")), " an");
        assert_eq!(said.piece(&delta(1, 5, "x")), "", "the attempt before is over");
        assert_eq!(said.whole("Grüße an alle"), " alle");
        assert!(said.holds_something());
    }

    #[test]
    fn an_answer_that_is_another_one_comes_whole_and_says_so() {
        let mut said = Said::default();
        said.piece(&delta(1, 0, "Yes"));
        assert_eq!(said.piece(&delta(2, 0, "No, ")), "");
        assert_eq!(said.whole("No, never."), format!("{ANEW}No, never."));
    }
}
