//! The file laid over the defaults. What is wrong in the file is written down and taken out, so that the rest of it
//! can still be looked at: a person who corrects a file wants all of its faults, not the first.

use super::{
    Fault, Place,
    place::{Step, line_of},
};
use crate::cause::Cause;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

/// How many faults of values are looked for; nobody corrects more at once.
const MOST: usize = 100;

/// The defaults with the file's values over them, and what was wrong with these.
pub(super) struct Merged<'a> {
    text: &'a str,
    spans: &'a DeTable<'a>,
    defaults: &'a Table,
    table: Table,
    faults: Vec<Fault>,
    /// How many elements were taken out of an array: those after them stand further up in the file.
    taken: HashMap<Place, usize>,
}

impl<'a> Merged<'a> {
    /// Lays `given`, which is `text` and `spans` without its places, over `defaults`.
    pub(super) fn new(text: &'a str, spans: &'a DeTable<'a>, mut given: Table, defaults: &'a Table) -> Self {
        let mut faults = Vec::new();
        compare(text, &Place::default(), spans, &mut given, defaults, &mut faults);
        let mut table = defaults.clone();
        overlay(&mut table, given);
        Self { text, spans, defaults, table, faults, taken: HashMap::new() }
    }

    /// Reads the values; each that cannot be read is a fault, and the default stands in for it. `None` when even
    /// that cannot be read.
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        for _ in 0..MOST {
            let error = match serde_path_to_error::deserialize(Value::Table(self.table.clone())) {
                Ok(config) => return Some(config),
                Err(error) => error,
            };
            let place = Place::of_path(error.path());
            let message = wording(error.inner(), &place, &self.table);
            let standing = self.in_file(&place);
            self.add(&standing, message);
            if !self.mend(&place, error.inner().message().starts_with("unknown field")) {
                return None;
            }
        }
        None
    }

    /// Adds what a check of the values found, unless its key is known to be wrong and only its stand-in was checked.
    pub(super) fn add_checked(&mut self, key: String, message: String) {
        let (inside, around) = (format!("{key}["), |fault: &str| key.starts_with(&format!("{fault}.")));
        let emptied =
            matches!(at(&self.table, &Place::of_key(&key)), Some(Value::Array(left)) if left.is_empty());
        let known = self.faults.iter().any(|fault| {
            fault.key == key || around(&fault.key) || (emptied && fault.key.starts_with(&inside))
        });
        if !known {
            let line = Place::of_key(&key).line(self.text, self.spans);
            self.faults.push(Fault { line, key, message });
        }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    fn add(&mut self, place: &Place, message: String) {
        let line = place.line(self.text, self.spans);
        self.faults.push(Fault { line, key: place.to_string(), message });
    }

    /// Where in the file stands what is at `place` now.
    fn in_file(&self, place: &Place) -> Place {
        let mut standing = place.clone();
        for (i, step) in standing.0.iter_mut().enumerate() {
            if let Step::Index(index) = step {
                *index += self.taken.get(&Place(place.0[..i].to_vec())).copied().unwrap_or_default();
            }
        }
        standing
    }

    /// Takes the value at `place` out: the default comes back, and an array loses the element that it is in, or only
    /// the field that is `unknown` there. Whether anything has changed.
    fn mend(&mut self, place: &Place, unknown: bool) -> bool {
        let element = place.0.iter().position(|step| matches!(step, Step::Index(_)));
        match (element, place.0.split_last()) {
            (_, None) => false,
            (Some(_), Some((Step::Key(name), parents))) if unknown => {
                let parent = at_mut(&mut self.table, parents).and_then(Value::as_table_mut);
                parent.is_some_and(|table| table.remove(name).is_some())
            }
            (Some(i), _) => {
                let Step::Index(index) = place.0[i] else { return false };
                let array = at_mut(&mut self.table, &place.0[..i]).and_then(Value::as_array_mut);
                let Some(array) = array.filter(|array| index < array.len()) else { return false };
                array.remove(index);
                *self.taken.entry(Place(place.0[..i].to_vec())).or_default() += 1;
                true
            }
            (None, Some(_)) => {
                let default = at(self.defaults, place).cloned();
                match (at_mut(&mut self.table, &place.0), default) {
                    (Some(value), Some(default)) if *value != default => {
                        *value = default;
                        true
                    }
                    _ => false,
                }
            }
        }
    }
}

/// Finds keys of `spans` that the defaults do not have, and values of another type; takes them out of `given`.
fn compare(
    text: &str,
    place: &Place,
    spans: &DeTable<'_>,
    given: &mut Table,
    defaults: &Table,
    faults: &mut Vec<Fault>,
) {
    for (key, value) in spans {
        let name: &str = key.get_ref().as_ref();
        let here = place.join(name);
        let message = match (value.get_ref(), defaults.get(name)) {
            (_, None) => {
                let known: Vec<_> = defaults.keys().map(String::as_str).collect();
                format!("unknown key; known here are {}", known.join(", "))
            }
            (DeValue::Table(spans), Some(Value::Table(defaults))) => {
                if let Some(Value::Table(given)) = given.get_mut(name) {
                    compare(text, &here, spans, given, defaults, faults);
                }
                continue;
            }
            (DeValue::Integer(_), Some(Value::Float(_))) => continue,
            (given, Some(default)) if given.type_str() == default.type_str() => continue,
            (given, Some(default)) => {
                format!("is {} where {} is needed", given.type_str(), default.type_str())
            }
        };
        given.remove(name);
        let line = Some(line_of(text, key.span().start));
        faults.push(Fault { line, key: here.to_string(), message });
    }
}

fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => overlay(base, over),
            (Some(slot @ Value::Float(_)), Value::Integer(value)) => {
                // Configured numbers are far below 2^52, where every integer is a float.
                *slot = Value::Float(value as f64);
            }
            (Some(slot), value) => *slot = value,
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// What serde says, but for numbers, where it names a type of this program, and URLs.
fn wording(error: &toml::de::Error, place: &Place, table: &Table) -> String {
    let said = error.message().trim().replace('\n', " ");
    let unsigned =
        ["u8", "u16", "u32", "u64", "usize"].iter().any(|name| said.ends_with(&format!("expected {name}")));
    match at(table, place) {
        Some(Value::Integer(number)) if unsigned && *number < 0 => {
            format!("is {number} where a whole number from 0 is needed")
        }
        Some(Value::Integer(number)) if unsigned => format!("{number} is too large"),
        _ => Cause::by_text(&said).to_string(),
    }
}

fn at<'t>(table: &'t Table, place: &Place) -> Option<&'t Value> {
    let (first, rest) = place.0.split_first()?;
    let Step::Key(name) = first else { return None };
    rest.iter().try_fold(table.get(name)?, |value, step| match step {
        Step::Key(name) => value.get(name),
        Step::Index(index) => value.get(*index),
    })
}

fn at_mut<'t>(table: &'t mut Table, steps: &[Step]) -> Option<&'t mut Value> {
    let (first, rest) = steps.split_first()?;
    let Step::Key(name) = first else { return None };
    rest.iter().try_fold(table.get_mut(name)?, |value, step| match step {
        Step::Key(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(*index),
    })
}
