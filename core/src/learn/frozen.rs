//! What is never learned: the texts of the frozen set. Routing is measured by them, and what was learned proves nothing.

use std::collections::HashSet;
use switchboard_shared::api::{Example, FrozenRow};
use unicode_normalization::UnicodeNormalization;

/// Rows of a frozen set.
pub(crate) const MAX_ROWS: usize = 2_000;

/// The texts of a frozen set.
#[derive(Debug, Default)]
pub(crate) struct Frozen(HashSet<String>);

impl Frozen {
    pub(crate) fn of(rows: &[FrozenRow]) -> Self {
        Self(rows.iter().map(|row| normal(&row.text)).collect())
    }

    /// Whether a text is one of them, however it is spelt.
    pub(crate) fn holds(&self, text: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&normal(text))
    }

    /// Says which examples are among them.
    pub(crate) fn refusal<'a>(&self, mut examples: impl Iterator<Item = &'a Example>) -> Option<String> {
        let known = examples.find(|example| self.holds(&example.text))?;
        let text: String = known.text.chars().take(80).collect();
        Some(format!("{text:?} is in the frozen set: the router is measured by it and never learns it."))
    }
}

/// A text as it is compared: without case, width and compatibility forms, spacing, and the marks around a sentence.
pub(crate) fn normal(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let spaced = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = spaced.trim_matches(|c: char| c.is_whitespace() || ".,;:!?¿¡。、؟،।\"'“”„«»".contains(c));
    if bare.is_empty() { spaced } else { bare.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_however_it_is_spelt() {
        let row = |text: &str| FrozenRow { text: text.into(), agents: vec![], language: String::new() };
        let frozen = Frozen::of(&[row("Will it rain?"), row("明天会下雨吗？"), row("What is C#?")]);
        for same in
            ["will  it\nRAIN", " Will it rain!?", "明天会下雨吗", "Ｗｉｌｌ it rain", "“Will it rain?”"]
        {
            assert!(frozen.holds(same), "{same}");
        }
        for other in ["will it rain today", "What is C?", "", "?"] {
            assert!(!frozen.holds(other), "{other}");
        }
        let example = |text: &str| Example { text: text.into(), language: String::new() };
        let examples = [example("hail?"), example("will it rain")];
        assert!(frozen.refusal(examples.iter()).unwrap().contains("will it rain"));
        assert_eq!(frozen.refusal(examples[..1].iter()), None);
        assert!(!Frozen::default().holds("will it rain"));
    }
}
