//! `switchboard validate FILE…`: each tier's own `check` reads the file, so that what passes here starts there.

use crate::{
    environment,
    error::{Error, Result},
    terminal,
};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
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
        let mut bad = 0;
        for file in &self.files {
            if let Err(error) = self.check(file).await {
                match error {
                    Error::Invalid(faults) => terminal::say(&terminal::clean(faults.trim_end())),
                    other => return Err(other),
                }
                bad += 1;
            }
        }
        match bad {
            0 => Ok(()),
            _ => Err(Error::Invalid(format!("{bad} of {} files cannot be used", self.files.len()))),
        }
    }

    async fn check(&self, file: &Path) -> Result<()> {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|e| Error::Invalid(format!("{name}: cannot be read: {e}")))?;
        let tier = self.tier.or_else(|| told_by(&text)).ok_or_else(|| {
            Error::Invalid(format!(
                "{name}: has no key that only one tier has; say --tier core or --tier edge"
            ))
        })?;
        let program = environment::sibling(tier.program(), None)?;
        let output = Command::new(&program).args(["check", "--config"]).arg(file).output().await;
        let output = output.map_err(Error::file(&program))?;
        match output.status.code() {
            Some(0) => {
                terminal::out(&terminal::clean(String::from_utf8_lossy(&output.stdout).trim_end()));
                Ok(())
            }
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

/// Tells the tier by sections that only one of them has. A file that is no TOML is read by its lines, so that the
/// tier's own check can say where it is broken.
fn told_by(text: &str) -> Option<Tier> {
    let has = |key: &str| match text.parse::<Table>() {
        Ok(table) => table.contains_key(key),
        Err(_) => text.lines().any(|line| line.trim_start().trim_start_matches('[').starts_with(key)),
    };
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
        assert_eq!(told_by("[auth]\nissuer = = 1"), Some(Tier::Edge), "also when it is broken");
        assert_eq!(told_by("listen = \"x\""), None);
    }
}
