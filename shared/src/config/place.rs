//! Where in the file a key stands.

use serde_path_to_error::{Path, Segment};
use std::fmt;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// One step from the file's root to a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

/// The way to a value; printed as `llm[0].base_url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Place(pub(super) Vec<Step>);

impl Place {
    /// Reads a key as [`super::Faults`] has it (`limits.ip.per_minute`).
    pub(super) fn of_key(key: &str) -> Self {
        Self(key.split('.').map(|name| Step::Key(name.to_owned())).collect())
    }

    /// Takes what serde says, up to the first step that is neither table nor array.
    pub(super) fn of_path(path: &Path) -> Self {
        let steps = path.iter().map_while(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        Self(steps.collect())
    }

    /// The place of `name` in the table at this place.
    pub(super) fn join(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(name.to_owned()));
        Self(steps)
    }

    /// The line in `text`; of the nearest value around it when the last steps are not in the file.
    pub(super) fn line(&self, text: &str, root: &DeTable<'_>) -> Option<usize> {
        let mut line = None;
        let mut inside: Option<&Spanned<DeValue<'_>>> = None;
        for step in &self.0 {
            let (at, value) = match (step, inside.map(Spanned::get_ref)) {
                (Step::Key(name), None) => entry(root, name)?,
                (Step::Key(name), Some(DeValue::Table(table))) => match entry(table, name) {
                    Some(found) => found,
                    None => return line,
                },
                (Step::Index(index), Some(DeValue::Array(array))) => match array.get(*index) {
                    Some(value) => (value.span().start, value),
                    None => return line,
                },
                _ => return line,
            };
            line = Some(line_of(text, at));
            inside = Some(value);
        }
        line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) if i == 0 => f.write_str(name)?,
                Step::Key(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn entry<'t, 'a>(table: &'t DeTable<'a>, name: &str) -> Option<(usize, &'t Spanned<DeValue<'a>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, value)| (key.span().start, value))
}

/// The line of a byte of `text`, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}
