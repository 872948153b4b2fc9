//! Loads a configuration file over the commented defaults that are compiled in. Unknown keys, wrong types and values
//! out of range are all found before anything is opened, and reported together with file and line.

use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, path::Path};
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

/// A configuration that can say what is wrong with it.
pub trait Check {
    /// Adds every fault of the values to `faults`, each under its key (`limits.ip.per_minute`).
    fn check(&self, faults: &mut Faults);
}

/// Collects what [`Check::check`] finds.
#[derive(Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// Adds a fault of the value under `key`.
    pub fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push((key.to_owned(), message.into()));
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

/// Loads `file` over `defaults`; without a file, the defaults alone.
///
/// # Errors
/// With every fault that was found.
pub fn load<T: DeserializeOwned + Check>(defaults: &str, file: Option<&Path>) -> Result<T, ConfigError> {
    let Some(path) = file else { return parse(defaults, "(defaults)", "") };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        file: name.clone(),
        faults: vec![Fault { line: None, key: String::new(), message: format!("cannot be read: {error}") }],
    })?;
    parse(defaults, &name, &text)
}

/// Reads `text`, the content of the file `name`, over `defaults`.
///
/// # Errors
/// With every fault that was found.
pub fn parse<T: DeserializeOwned + Check>(defaults: &str, name: &str, text: &str) -> Result<T, ConfigError> {
    let fail = |faults| Err(ConfigError { file: name.to_owned(), faults });
    let mut merged: Table =
        toml::from_str(defaults).expect("the compiled-in defaults are TOML, which a test of each tier holds");
    let given = match DeTable::parse(text) {
        Ok(given) => given,
        Err(error) => {
            let line = error.span().map(|span| line_of(text, span.start));
            return fail(vec![Fault { line, key: String::new(), message: error.message().to_owned() }]);
        }
    };
    let mut faults = Vec::new();
    compare(text, "", given.get_ref(), &merged, &mut faults);
    if faults.is_empty() {
        let given: Table = toml::from_str(text).expect("the same text was parsed above");
        overlay(&mut merged, given);
        match T::deserialize(Value::Table(merged)) {
            Ok(config) => {
                let mut found = Faults::default();
                config.check(&mut found);
                if found.0.is_empty() {
                    return Ok(config);
                }
                faults.extend(found.0.into_iter().map(|(key, message)| {
                    let line = line_of_key(text, given_ref(text).as_ref(), &key);
                    Fault { line, key, message }
                }));
            }
            Err(error) => faults.push(Fault {
                line: None,
                key: String::new(),
                message: error.to_string().trim().replace('\n', " "),
            }),
        }
    }
    faults.sort_by_key(|fault| fault.line);
    fail(faults)
}

fn given_ref(text: &str) -> Option<Spanned<DeTable<'_>>> {
    DeTable::parse(text).ok()
}

/// Finds keys of `given` that the defaults do not have, and values of another type.
fn compare(text: &str, path: &str, given: &DeTable<'_>, defaults: &Table, faults: &mut Vec<Fault>) {
    for (name, value) in given {
        let key = join(path, name.get_ref());
        let line = Some(line_of(text, name.span().start));
        let Some(default) = defaults.get(name.get_ref().as_ref()) else {
            let known: Vec<_> = defaults.keys().map(String::as_str).collect();
            faults.push(Fault {
                line,
                key,
                message: format!("unknown key; known here are {}", known.join(", ")),
            });
            continue;
        };
        match (value.get_ref(), default) {
            (DeValue::Table(given), Value::Table(defaults)) => compare(text, &key, given, defaults, faults),
            (DeValue::Integer(_), Value::Float(_)) => {}
            (given, default) if given.type_str() == default.type_str() => {}
            (given, default) => faults.push(Fault {
                line,
                key,
                message: format!("is {} where {} is needed", given.type_str(), default.type_str()),
            }),
        }
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

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

fn line_of_key(text: &str, given: Option<&Spanned<DeTable<'_>>>, key: &str) -> Option<usize> {
    let mut table = given?.get_ref();
    let mut line = None;
    for name in key.split('.') {
        let (found, value) = table.iter().find(|(k, _)| k.get_ref() == name)?;
        line = Some(line_of(text, found.span().start));
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    line
}

/// A value that is never printed. In the file it is the text itself, `env:NAME`, or `file:PATH`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// Reads the value, where it is used.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing was configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { "***" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let value = if let Some(name) = text.strip_prefix("env:") {
            #[allow(
                clippy::disallowed_methods,
                reason = "configuration is the one place that reads the environment"
            )]
            std::env::var(name)
                .map_err(|_| serde::de::Error::custom(format!("environment variable {name} is not set")))?
        } else if let Some(path) = text.strip_prefix("file:") {
            std::fs::read_to_string(path)
                .map(|content| content.trim_end().to_owned())
                .map_err(|error| serde::de::Error::custom(format!("{path} cannot be read: {error}")))?
        } else {
            text
        };
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "listen = \"127.0.0.1:1\"\n[pool]\nmax = 20\nshare = 0.5\nkey = \"\"\n";

    #[derive(Debug, Deserialize)]
    struct Config {
        listen: String,
        pool: Pool,
    }

    #[derive(Debug, Deserialize)]
    struct Pool {
        max: u32,
        share: f64,
        key: Secret,
    }

    impl Check for Config {
        fn check(&self, faults: &mut Faults) {
            faults.require(self.pool.max > 0, "pool.max", "must be at least 1");
        }
    }

    #[test]
    fn a_file_overlays_the_defaults() {
        let config: Config = parse(DEFAULTS, "f", "[pool]\nshare = 1\nkey = \"s3cret\"").unwrap();
        assert_eq!((config.listen.as_str(), config.pool.max, config.pool.share), ("127.0.0.1:1", 20, 1.0));
        assert_eq!(config.pool.key.expose(), "s3cret");
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn all_faults_come_at_once_with_their_lines() {
        let error =
            parse::<Config>(DEFAULTS, "f.toml", "lisen = 1\nlisten = 2\n\n[pool]\nmaxx = 3").unwrap_err();
        let text = error.to_string();
        assert_eq!(error.faults.iter().map(|f| f.line).collect::<Vec<_>>(), [Some(1), Some(2), Some(5)]);
        assert!(text.contains("f.toml:1: lisen: unknown key; known here are listen, pool"), "{text}");
        assert!(text.contains("f.toml:2: listen: is integer where string is needed"), "{text}");
    }

    #[test]
    fn values_out_of_range_and_broken_toml_have_lines_too() {
        let error = parse::<Config>(DEFAULTS, "f.toml", "\n[pool]\nmax = 0").unwrap_err();
        assert_eq!(error.to_string(), "f.toml:3: pool.max: must be at least 1");
        let error = parse::<Config>(DEFAULTS, "f.toml", "a = 1\nb = = 2").unwrap_err();
        assert_eq!(error.faults[0].line, Some(2));
    }

    #[test]
    fn a_missing_environment_variable_is_named() {
        let error = parse::<Config>(DEFAULTS, "f", "[pool]\nkey = \"env:SWITCHBOARD_NOT_SET\"").unwrap_err();
        assert!(error.to_string().contains("SWITCHBOARD_NOT_SET is not set"), "{error}");
    }
}
