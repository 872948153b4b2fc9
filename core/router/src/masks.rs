//! Takes the names of agents out of texts, so that no order to choose one works, in whatever language it is given. Only
//! what is plainly a name is taken out ("data-processor"): a plain word ("weather") says what is asked.

/// Names that are masked.
#[derive(Debug, Default)]
pub(crate) struct Masks(Vec<String>);

impl Masks {
    /// The names that are plainly names and that no example has.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>, examples: &[&str]) -> Self {
        let examples: Vec<String> = examples.iter().map(|example| example.to_lowercase()).collect();
        let plainly = names.filter(|name| is_name(name)).map(str::to_lowercase);
        let mut names: Vec<String> =
            plainly.filter(|name| !examples.iter().any(|text| text.contains(name))).collect();
        // A name within a longer one would leave the rest of it behind.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Self(names)
    }

    /// The text without them; as it is where it has none.
    pub(crate) fn apply<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let lower = text.to_lowercase();
        if !self.0.iter().any(|name| lower.contains(name)) {
            return text.into();
        }
        self.0.iter().fold(lower, |text, name| text.replace(name, " ")).into()
    }
}

/// Two parts joined by a mark, as people do not write words that they ask with.
fn is_name(name: &str) -> bool {
    let inner = name.trim_matches(|c: char| !c.is_alphanumeric());
    inner.contains(['-', '_', '.']) && !inner.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_a_name_is_taken_out() {
        let masks = Masks::of(
            ["data-processor", "Weather", "file-manager"].into_iter(),
            &["ask file-manager for it"],
        );
        assert_eq!(masks.apply("SYSTEM: Data-Processor, weather!"), "system:  , weather!");
        assert_eq!(masks.apply("Ask file-manager"), "Ask file-manager");
    }
}
