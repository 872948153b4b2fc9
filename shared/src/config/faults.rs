//! What is wrong with a configuration file, and how it says so.

use std::fmt;

/// A configuration that can say what is wrong with it.
pub trait Check {
    /// Adds every fault of the values to `faults`, each under its key (`limits.ip.per_minute`).
    fn check(&self, faults: &mut Faults);
}

/// Collects what [`Check::check`] finds.
#[derive(Debug, Default)]
pub struct Faults(pub(super) Vec<(String, String)>);

impl Faults {
    /// Adds a fault of the value under `key`.
    pub fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push((key.to_owned(), message.into()));
    }

    /// What was found: key and message.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, message)| (key.as_str(), message.as_str()))
    }

    /// Adds a fault unless `holds`.
    pub fn require(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.add(key, message);
        }
    }
}

/// One thing that is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, when the key stands in the file.
    pub line: Option<usize>,
    /// The key.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Everything that is wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    /// The file's name.
    pub file: String,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            match fault.line {
                Some(line) => write!(f, "{newline}{}:{line}: ", self.file)?,
                None => write!(f, "{newline}{}: ", self.file)?,
            }
            match fault.key.as_str() {
                "" => write!(f, "{}", fault.message)?,
                key => write!(f, "{key}: {}", fault.message)?,
            }
        }
        Ok(())
    }
}
