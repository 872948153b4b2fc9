//! The artifacts of one call as they grow into a reply, in bounded memory. What has been added is told without looking
//! again at what was there before: a reply may come in very many pieces.

use crate::outside;

/// An agent that makes more of them is cut there.
pub(super) const MAX_ARTIFACTS: usize = 256;
const GAP: &str = "\n\n";

/// Artifacts by id, and the text that they make.
#[derive(Debug)]
pub(super) struct Draft {
    max_bytes: usize,
    artifacts: Vec<(String, String)>,
    /// Bytes of all artifacts.
    bytes: usize,
    full: bool,
    growth: Option<Growth>,
}

/// The artifacts put together, while each new piece continues what was there. Once the agent takes something back
/// there is no such thing any more.
#[derive(Debug, Default)]
struct Growth {
    text: String,
    /// The artifact at its end, and where that begins.
    last: Option<(usize, usize)>,
    /// How much of it has been handed out.
    handed_out: usize,
}

impl Draft {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, artifacts: Vec::new(), bytes: 0, full: false, growth: Some(Growth::default()) }
    }

    /// Whether something did not fit.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// How much may still be added.
    pub(super) fn room(&self) -> usize {
        self.max_bytes - self.bytes
    }

    /// Adds to an artifact, or replaces it.
    pub(super) fn add(&mut self, id: String, append: bool, text: &str) {
        let at = match self.artifacts.iter().position(|(known, _)| *known == id) {
            Some(at) => at,
            None if self.artifacts.len() >= MAX_ARTIFACTS => {
                self.full = true;
                return;
            }
            None => {
                self.artifacts.push((id, String::new()));
                self.artifacts.len() - 1
            }
        };
        if !append {
            self.clear(at, text);
        }
        let fits = &*outside::beginning(text, self.room());
        self.full |= fits.len() < text.len();
        self.bytes += fits.len();
        self.artifacts[at].1.push_str(fits);
        self.grow(at, fits);
    }

    /// Takes all artifacts anew, as a task shows them.
    pub(super) fn replace(&mut self, artifacts: Vec<(String, String)>) {
        let before = self.growth.take();
        *self = Self { full: self.full, ..Self::new(self.max_bytes) };
        for (id, text) in artifacts {
            self.add(id, true, &text);
        }
        self.growth = match (before, self.growth.take()) {
            (Some(before), Some(mut now)) if now.text.starts_with(&before.text[..before.handed_out]) => {
                now.handed_out = before.handed_out;
                Some(now)
            }
            _ => None,
        };
    }

    /// What has been added since it was last asked for; white space at the end waits for what follows it.
    pub(super) fn added(&mut self) -> Option<String> {
        let growth = self.growth.as_mut()?;
        let end = growth.text.trim_end().len();
        let mut piece = growth.text.get(growth.handed_out..end).filter(|piece| !piece.is_empty())?;
        if growth.handed_out == 0 {
            piece = piece.trim_start();
        }
        let piece = piece.to_owned();
        growth.handed_out = end;
        Some(piece)
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        let texts = self.artifacts.iter().map(|(_, text)| text.trim_end()).filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(GAP)
    }

    fn clear(&mut self, at: usize, new: &str) {
        let old = std::mem::take(&mut self.artifacts[at].1);
        self.bytes -= old.len();
        let Some(growth) = &mut self.growth else { return };
        match growth.last {
            _ if old.trim_end().is_empty() => {}
            // The last one may say the same again, and more.
            Some((last, begins))
                if last == at
                    && new.as_bytes().starts_with(
                        growth.text.as_bytes().get(begins..growth.handed_out).unwrap_or_default(),
                    ) =>
            {
                growth.text.truncate(begins);
            }
            _ => self.growth = None,
        }
    }

    fn grow(&mut self, at: usize, more: &str) {
        let Some(growth) = &mut self.growth else { return };
        match growth.last {
            Some((last, _)) if last == at => growth.text.push_str(more),
            _ if more.trim_end().is_empty() => {}
            Some((last, _)) if last > at => self.growth = None,
            _ => {
                growth.text.truncate(growth.text.trim_end().len());
                if !growth.text.is_empty() {
                    growth.text.push_str(GAP);
                }
                growth.last = Some((at, growth.text.len()));
                growth.text.push_str(&self.artifacts[at].1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds each artifact; what was handed out on the way.
    fn handed_out(draft: &mut Draft, artifacts: &[(&str, bool, &str)]) -> String {
        let pieces = artifacts.iter().filter_map(|(id, append, text)| {
            draft.add((*id).to_owned(), *append, text);
            draft.added()
        });
        pieces.collect()
    }

    #[test]
    fn what_is_handed_out_is_what_it_comes_to() {
        for (artifacts, expected) in [
            (&[("a", false, " one "), ("a", true, "two\n"), ("b", false, "three")][..], "one two\n\nthree"),
            (
                &[("a", false, "one"), ("b", false, " "), ("a", true, " two"), ("b", true, "x")],
                "one two\n\n x",
            ),
            (&[("a", false, "one"), ("a", false, "one two"), ("a", true, "!")], "one two!"),
            (&[("a", true, "\n"), ("b", true, "x "), ("b", true, "y")], "x y"),
        ] {
            let mut draft = Draft::new(1_000);
            assert_eq!(handed_out(&mut draft, artifacts), expected);
            assert_eq!(draft.text().trim_start(), expected);
        }
    }

    #[test]
    fn what_is_taken_back_ends_the_handing_out() {
        for artifacts in [
            &[("a", false, "one"), ("a", false, "two"), ("a", true, "!")][..],
            &[("a", false, "one"), ("b", false, "two"), ("a", true, "!")],
        ] {
            let mut draft = Draft::new(1_000);
            let out = handed_out(&mut draft, artifacts);
            assert!(!out.contains('!'), "{out}");
        }
        let mut draft = Draft::new(1_000);
        assert_eq!(handed_out(&mut draft, &[("a", false, "one")]), "one");
        draft.replace(vec![("a".into(), "one two".into())]);
        assert_eq!(draft.added().as_deref(), Some(" two"));
        draft.replace(vec![("a".into(), "other".into())]);
        assert_eq!((draft.added(), draft.text().as_str()), (None, "other"));
    }

    #[test]
    fn a_reply_in_tiny_pieces_and_one_of_many_artifacts_are_bounded() {
        let mut draft = Draft::new(262_144);
        let out: usize = (0..100_000)
            .filter_map(|_| {
                draft.add("a".into(), true, "abcd");
                draft.added()
            })
            .map(|piece| piece.len())
            .sum();
        assert_eq!((out, draft.is_full(), draft.room()), (262_144, true, 0));
        let mut many = Draft::new(262_144);
        for i in 0..2 * MAX_ARTIFACTS {
            many.add(i.to_string(), true, "");
        }
        assert!(many.is_full() && many.artifacts.len() == MAX_ARTIFACTS);
    }
}
