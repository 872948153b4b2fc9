//! Loads a configuration file over the commented defaults that are compiled in. Unknown keys, wrong types and values
//! out of range are all found before anything is opened, and reported together with file and line.

mod faults;
mod merge;
mod place;
mod safe;
mod web;

use crate::cause::Cause;
pub use faults::{Check, ConfigError, Fault, Faults};
use merge::Merged;
use place::{Place, line_of};
pub use safe::{require_key, require_private};
use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, path::Path};
use toml::{Table, de::DeTable};
pub use web::{is_web, web_url};

/// Loads `file` over `defaults`; without a file, the defaults alone.
///
/// # Errors
/// With every fault that was found.
pub fn load<T: DeserializeOwned + Check>(defaults: &str, file: Option<&Path>) -> Result<T, ConfigError> {
    let Some(path) = file else { return parse(defaults, "(defaults)", "") };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        file: name.clone(),
        faults: vec![Fault { line: None, key: String::new(), message: unreadable(&error) }],
    })?;
    parse(defaults, &name, &text)
}

/// Reads `text`, the content of the file `name`, over `defaults`.
///
/// # Errors
/// With every fault that was found, in the order of the lines; what is missing in the file comes last.
pub fn parse<T: DeserializeOwned + Check>(defaults: &str, name: &str, text: &str) -> Result<T, ConfigError> {
    let fail = |faults| Err(ConfigError { file: name.to_owned(), faults });
    let defaults: Table =
        toml::from_str(defaults).expect("the compiled-in defaults are TOML, which a test of each tier holds");
    let (spans, given) = match (DeTable::parse(text), toml::from_str::<Table>(text)) {
        (Ok(spans), Ok(given)) => (spans, given),
        (Err(error), _) | (_, Err(error)) => return fail(vec![syntax(text, &error)]),
    };
    let mut merged = Merged::new(text, spans.get_ref(), given, &defaults);
    let config = merged.read::<T>();
    if let Some(config) = &config {
        let mut found = Faults::default();
        config.check(&mut found);
        for (key, message) in found.0 {
            merged.add_checked(key, message);
        }
    }
    let mut faults = merged.into_faults();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => {
            faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
            fail(faults)
        }
    }
}

/// Finds where `text` is no TOML, without asking what its keys mean.
#[must_use]
pub fn syntax_fault(text: &str) -> Option<Fault> {
    toml::from_str::<Table>(text).err().map(|error| syntax(text, &error))
}

fn unreadable(error: &std::io::Error) -> String {
    format!("cannot be read: {}", Cause::of(error))
}

fn syntax(text: &str, error: &toml::de::Error) -> Fault {
    let line = error.span().map(|span| line_of(text, span.start));
    Fault { line, key: String::new(), message: error.message().trim().replace('\n', " ") }
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
        // The usual message would quote what stands there instead.
        let text = String::deserialize(from).map_err(|_| {
            serde::de::Error::custom("must be a string: the value itself, env:NAME or file:PATH")
        })?;
        let value = if let Some(name) = text.strip_prefix("env:") {
            #[allow(
                clippy::disallowed_methods,
                reason = "configuration is the one place that reads the environment"
            )]
            std::env::var(name)
                // What Kubernetes puts there out of a file has the file's line break.
                .map(|value| value.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|_| serde::de::Error::custom(format!("environment variable {name} is not set")))?
        } else if let Some(path) = text.strip_prefix("file:") {
            std::fs::read_to_string(path)
                .map(|content| word_of(&content).to_owned())
                .map_err(|error| serde::de::Error::custom(format!("{path} {}", unreadable(&error))))?
        } else if has_placeholder(&text) {
            let message = "has a placeholder as of a shell, and nobody fills it in here: write \"env:NAME\" for the whole";
            return Err(serde::de::Error::custom(message));
        } else {
            text
        };
        Ok(Self(value))
    }
}

/// The text of a file that holds one word: editors put a line break behind it, and some a mark before it (U+FEFF).
#[must_use]
pub fn word_of(content: &str) -> &str {
    content.trim_start_matches('\u{FEFF}').trim()
}

/// Whether there is a `${NAME}` in it, or it is a `$NAME` in capital letters. A value that is drawn at random is neither.
fn has_placeholder(text: &str) -> bool {
    let is_name = |name: &str, of: fn(char) -> bool| {
        name.starts_with(|c: char| of(c) && !c.is_ascii_digit()) && name.chars().all(of)
    };
    let braced = text.match_indices("${").any(|(at, _)| {
        let name = text[at + 2..].split_once('}').map(|(name, _)| name);
        name.is_some_and(|name| is_name(name, |c| c.is_ascii_alphanumeric() || c == '_'))
    });
    let bare = text.strip_prefix('$');
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    braced || bare.is_some_and(|name| is_name(name, capital))
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
    fn faults_of_every_kind_come_together_and_no_secret_is_shown() {
        const DEFAULTS: &str =
            "listen = \"127.0.0.1:1\"\nkey = \"\"\nurls = []\nllm = []\n[turn]\nmax = 1\nwait = 2\n";
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only whether they can be read is of interest")]
        struct All {
            listen: std::net::SocketAddr,
            key: Secret,
            urls: Vec<Secret>,
            llm: Vec<Llm>,
            turn: Turn,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only whether they can be read is of interest")]
        #[serde(deny_unknown_fields)]
        struct Llm {
            base: url::Url,
            key: Secret,
        }
        #[derive(Debug, Deserialize)]
        struct Turn {
            max: usize,
            wait: u32,
        }
        impl Check for All {
            fn check(&self, faults: &mut Faults) {
                faults.require(!self.key.is_empty(), "key", "must be given");
                faults.require(!self.urls.is_empty(), "urls", "must name one");
                faults.require(self.turn.wait > 0 && self.turn.max > 0, "turn.wait", "must be at least 1");
            }
        }
        let text = "listen = \"nonsense\"\nkey = \"env:SWITCHBOARD_NOT_SET\"\nextra = 1\n\
                    urls = [\n  4711,\n  \"env:SWITCHBOARD_NOT_SET\"\n]\n\
                    [turn]\nmax = -5\nwait = 0\n\
                    [[llm]]\nbase = \"http://a\"\nkey = 4711\n\
                    [[llm]]\nbase = \"http://b\"\nkey = \"k\"\nmodle = 1\n\
                    [[llm]]\nkey = \"k\"\n";
        let error = parse::<All>(DEFAULTS, "f", text).unwrap_err();
        let found: Vec<_> = error.faults.iter().map(|f| (f.line.unwrap_or(0), f.key.as_str())).collect();
        assert_eq!(
            found,
            [
                (1, "listen"),
                (2, "key"),
                (3, "extra"),
                (5, "urls[0]"),
                (6, "urls[1]"),
                (9, "turn.max"),
                (10, "turn.wait"),
                (13, "llm[0].key"),
                (17, "llm[1].modle"),
                (18, "llm[2]"),
            ],
            "{error}"
        );
        let text = error.to_string();
        assert!(!text.contains("4711"), "{text}");
        assert!(text.contains("f:9: turn.max: is -5 where a whole number from 0 is needed"), "{text}");
    }

    #[test]
    fn a_placeholder_of_a_shell_is_called_one_and_a_password_is_not() {
        for (text, placeholder) in [
            ("${KEY}", true),
            ("$API_KEY", true),
            ("postgres://u:${PG_PASSWORD}@db/x", true),
            ("env:${KEY}", false),
            ("$ecret", false),
            ("a$B", false),
            ("pa${}ss", false),
            ("pa${wo rd}", false),
            ("$", false),
        ] {
            let error = parse::<Config>(DEFAULTS, "f", &format!("[pool]\nkey = \"{text}\"")).err();
            let said = error.map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(said.contains("a placeholder as of a shell"), placeholder, "{text}: {said}");
            assert!(!said.contains("PG_PASSWORD") && !said.contains("API_KEY"), "{said}");
        }
    }

    #[test]
    fn a_secret_in_a_file_is_read_without_what_editors_put_around_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (name, content) in [
            ("nothing", "s3cret"),
            ("a line break", "s3cret\n"),
            ("that of Windows", "s3cret\r\n"),
            ("a mark of the byte order", "\u{FEFF}s3cret\r\n"),
            ("blanks and lines", "\n  s3cret \t\n\n"),
        ] {
            std::fs::write(file.path(), content).unwrap();
            let text = format!("[pool]\nkey = \"file:{}\"", file.path().display());
            assert_eq!(parse::<Config>(DEFAULTS, "f", &text).unwrap().pool.key.expose(), "s3cret", "{name}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said_without_the_kernels_words() {
        let error = load::<Config>(DEFAULTS, Some(Path::new("/nowhere/x.toml"))).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/x.toml: cannot be read: there is no such file");
        let error = parse::<Config>(DEFAULTS, "f", "[pool]\nkey = \"file:/nowhere\"").unwrap_err();
        assert_eq!(error.to_string(), "f:2: pool.key: /nowhere cannot be read: there is no such file");
    }

    #[test]
    fn a_missing_environment_variable_is_named() {
        let error = parse::<Config>(DEFAULTS, "f", "[pool]\nkey = \"env:SWITCHBOARD_NOT_SET\"").unwrap_err();
        assert!(
            error.to_string().contains("f:2: pool.key: environment variable SWITCHBOARD_NOT_SET is not set"),
            "{error}"
        );
    }
}
