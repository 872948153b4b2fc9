//! `switchboard validate FILE…`: each tier's own `check` reads the file, so that what passes here starts there.

use crate::{
    environment,
    error::{Error, Result},
    terminal,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::{Path, PathBuf};
use switchboard_shared::{cause::Cause, config::syntax_fault};
use tokio::process::Command;
use toml::Table;

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// Configuration files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which tier they are for; told by their content when absent
    #[arg(long)]
    pub tier: Option<Tier>,
    /// Print the faults as a JSON array of file, line, key and message
    #[arg(long)]
    pub json: bool,
}

/// What is wrong in a file, as `--json` shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Fault {
    file: String,
    line: Option<usize>,
    key: Option<String>,
    message: String,
}

/// Which program a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// switchboard-core
    Core,
    /// switchboard-edge
    Edge,
}

impl Tier {
    fn program(self) -> &'static str {
        match self {
            Self::Core => "switchboard-core",
            Self::Edge => "switchboard-edge",
        }
    }
}

impl Validate {
    /// Checks all files and shows all faults.
    ///
    /// # Errors
    /// When one has a fault (exit code 3).
    pub async fn run(&self) -> Result<()> {
        let (mut bad, mut all) = (0, Vec::new());
        for file in &self.files {
            let name = file.display().to_string();
            match self.check(file).await {
                Ok(word) if !self.json => terminal::out(&terminal::clean(&word)),
                Ok(_) => {}
                Err(Error::Invalid(faults)) => {
                    if !self.json {
                        terminal::say(&terminal::clean(faults.trim_end()));
                    }
                    all.extend(read_faults(&name, &faults));
                    bad += 1;
                }
                Err(other) => return Err(other),
            }
        }
        if self.json {
            terminal::json(&all);
        }
        match bad {
            0 => Ok(()),
            _ => Err(Error::Invalid(format!("{bad} of {} files cannot be used", self.files.len()))),
        }
    }

    /// What the tier says of a file that is good; the faults of one that is not, a line each.
    async fn check(&self, file: &Path) -> Result<String> {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|e| Error::Invalid(format!("{name}: cannot be read: {}", Cause::of(&e))))?;
        // The tier cannot be told by what is no TOML, and no tier would say more about it.
        if let Some(fault) = syntax_fault(&text) {
            let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
            return Err(Error::Invalid(format!("{name}{line}: {}", fault.message)));
        }
        let tier = self.tier.or_else(|| told_by(&text)).ok_or_else(|| {
            Error::Invalid(format!(
                "{name}: has no key that only one tier has; say --tier core or --tier edge"
            ))
        })?;
        let program = environment::sibling(tier.program(), None)?;
        let output = Command::new(&program).args(["check", "--config"]).arg(file).output().await;
        let output = output.map_err(Error::file(&program))?;
        match output.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
            Some(3) => Err(Error::Invalid(String::from_utf8_lossy(&output.stderr).into_owned())),
            _ => Err(Error::Failed(format!(
                "{} check {name} ended with {}: {}",
                tier.program(),
                output.status,
                String::from_utf8_lossy(&output.stderr).trim_end()
            ))),
        }
    }
}

/// Reads `FILE:LINE: key: message`, a line each; line and key may be missing.
fn read_faults(file: &str, text: &str) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for said in text.lines().filter(|line| !line.trim().is_empty()) {
        let Some(rest) = said.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')) else {
            // A message of several lines.
            match faults.last_mut() {
                Some(last) => last.message = format!("{} {}", last.message, said.trim()),
                None => faults.push(Fault {
                    file: file.to_owned(),
                    line: None,
                    key: None,
                    message: said.trim().to_owned(),
                }),
            }
            continue;
        };
        let (line, rest) = match rest.split_once(": ").map(|(number, rest)| (number.parse().ok(), rest)) {
            Some((Some(line), rest)) => (Some(line), rest),
            _ => (None, rest),
        };
        let (key, message) = match rest.trim_start().split_once(": ") {
            Some((key, message)) if !key.contains(' ') => (Some(key.to_owned()), message),
            _ => (None, rest),
        };
        faults.push(Fault { file: file.to_owned(), line, key, message: message.trim().to_owned() });
    }
    faults
}

/// Tells the tier by sections that only one of them has.
fn told_by(text: &str) -> Option<Tier> {
    let table: Table = text.parse().ok()?;
    let has = |key: &str| table.contains_key(key);
    let of_core = ["postgres", "llm", "agents", "turn", "route"].into_iter().any(has);
    let of_edge = ["tls", "cores", "auth", "socket", "limits"].into_iter().any(has);
    match (of_core, of_edge) {
        (true, false) => Some(Tier::Core),
        (false, true) => Some(Tier::Edge),
        (true, true) | (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tier_is_told_by_what_only_one_has() {
        assert_eq!(told_by("listen = \"x\"\n[postgres]\nurls = []"), Some(Tier::Core));
        assert_eq!(told_by("[auth]\nissuer = 1"), Some(Tier::Edge));
        assert_eq!(told_by("listen = \"x\""), None);
    }

    #[test]
    fn faults_are_read_from_what_a_tier_says() {
        let said =
            "a.toml:1: listen: is wrong: very\na.toml: key: must be given\na.toml:2: no TOML here\nat all\n";
        let fault = |line, key: Option<&str>, message: &str| Fault {
            file: "a.toml".into(),
            line,
            key: key.map(str::to_owned),
            message: message.into(),
        };
        assert_eq!(
            read_faults("a.toml", said),
            [
                fault(Some(1), Some("listen"), "is wrong: very"),
                fault(None, Some("key"), "must be given"),
                fault(Some(2), None, "no TOML here at all"),
            ]
        );
    }

    #[tokio::test]
    async fn what_is_no_toml_is_said_with_its_line() {
        let file = std::env::temp_dir().join(format!("switchboard-validate-{}.toml", std::process::id()));
        std::fs::write(&file, "listen = \"x\"\nissuer = = 1\n").unwrap();
        let validate = Validate { files: vec![file.clone()], tier: None, json: false };
        let error = validate.check(&file).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{}:2: ", file.display())), "{error}");
        assert_eq!(error.exit_code(), 3);
        std::fs::remove_file(file).unwrap();
    }
}
