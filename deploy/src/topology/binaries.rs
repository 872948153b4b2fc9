//! Where Postgres is installed: PATH, and the place that Debian puts it outside of PATH; and where Patroni is.

use super::account::Account;
use crate::{
    environment,
    error::{Error, Result},
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest version that the schema runs on.
const OLDEST: u32 = 15;

/// One installed Postgres.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binaries {
    /// Its major version.
    pub version: u32,
    /// The folder with `initdb` and `postgres`.
    pub folder: PathBuf,
}

impl Binaries {
    /// Finds the newest one, or the one that an existing database was made with.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(made_with: Option<u32>) -> Result<Self> {
        let found = Self::all();
        let fits = |binaries: &&Self| {
            made_with.map_or(binaries.version >= OLDEST, |version| binaries.version == version)
        };
        found.iter().rev().find(fits).cloned().ok_or_else(|| Error::Missing {
            program: match made_with {
                Some(version) => format!("PostgreSQL {version}, which this database was made with,"),
                None => format!("PostgreSQL {OLDEST} or newer"),
            },
            hint: "install it (Debian, Ubuntu: `apt install postgresql`; Fedora: `dnf install postgresql-server`; \
                   macOS: `brew install postgresql`); `deploy/install` does it for you"
                .to_owned(),
        })
    }

    /// Every one on this machine, oldest first.
    #[must_use]
    pub fn all() -> BTreeSet<Self> {
        let mut folders = environment::search_path();
        for root in ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"] {
            folders.extend(
                fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")),
            );
        }
        folders.iter().filter_map(|folder| Self::in_folder(folder)).collect()
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        // A link in PATH leads to the real folder, where initdb finds its neighbours.
        let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
        let folder = initdb.parent()?.to_owned();
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let version = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { version, folder })
    }
}

/// Finds Patroni: in the Python environment that `deploy/install full` makes in the project or, where the servers'
/// user cannot get there, outside of it. One that the system has may be too old for quorum commit.
///
/// # Errors
/// When there is none that this user can run.
pub fn patroni(account: &Account) -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::io("the running program's own path"))?;
    let beside = own.ancestors().map(|folder| folder.join(".venv-patroni"));
    let mut found = beside.chain([PathBuf::from("/var/lib/switchboard/venv-patroni")]);
    let runs = |python: &Path| {
        let real = fs::canonicalize(python).ok();
        let reached = |path: &Path| path.parent().is_some_and(|folder| account.can_traverse(folder));
        reached(python) && real.is_some_and(|real| reached(&real))
    };
    let usable = |folder: PathBuf| {
        let (python, patroni) = (folder.join("bin/python"), folder.join("bin/patroni"));
        (patroni.is_file() && runs(&python)).then_some(patroni)
    };
    found.find_map(usable).ok_or_else(|| Error::Missing {
        program: "Patroni".to_owned(),
        hint: format!(
            "a full house needs it, where the user {} can run it; run `deploy/install full`",
            account.name
        ),
    })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(text: &str) -> Option<u32> {
    let number = text.split_whitespace().nth(2)?;
    number.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_release_and_beta() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("nonsense"), None);
    }

    #[test]
    fn a_version_that_is_not_here_is_named() {
        let error = Binaries::find(Some(7)).unwrap_err();
        assert!(
            error.to_string().starts_with("PostgreSQL 7, which this database was made with, is not here"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 4);
    }
}
