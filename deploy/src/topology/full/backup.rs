//! Backups of the database: pgBackRest takes each piece of log as it is finished, and whole copies when it is told to.

use super::{
    places::Full,
    template::{filled, shell},
};
use crate::{
    environment,
    error::{Error, Result},
    topology::{
        account::Account,
        files,
        process::{Process, Spec},
    },
};
use nix::sys::signal::Signal;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

pub(super) const TEMPLATE: &str = include_str!("../../../full/pgbackrest.conf");
#[cfg(test)]
pub(super) const VALUES: &[&str] = &["repository", "lock", "folder", "port", "socket"];

/// What the database is called in the repository.
const STANZA: &str = "switchboard";
/// How long it may take to make the repository ready.
const PREPARE_WITHIN: Duration = Duration::from_secs(60);

/// pgBackRest for one member of a full house.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    program: PathBuf,
    file: PathBuf,
    account: Account,
    logs: PathBuf,
}

impl Backup {
    /// That of the member whose database lies in `folder`.
    pub(crate) fn of(folder: &Path, logs: &Path) -> Result<Self> {
        let number = folder.file_name().and_then(|name| name.to_str()?.strip_prefix("postgres-"));
        let number = number.ok_or_else(|| Error::Failed(format!("{} is no member's", folder.display())))?;
        let file = folder.with_file_name(format!("pgbackrest-{number}.conf"));
        Ok(Self { program: program()?, file, account: Account::for_servers()?, logs: logs.to_owned() })
    }

    /// Whether the house was started with it.
    pub(crate) fn is_configured(&self) -> bool {
        self.file.is_file()
    }

    /// Runs one of its commands to its end, as the user of the servers.
    pub(crate) async fn run(&self, command: &str, options: &[&str], within: Duration) -> Result<()> {
        let mut spec = Spec::program("pgbackrest", self.program.clone(), &self.logs);
        spec =
            spec.args(["--config".into(), OsString::from(&self.file)]).args([format!("--stanza={STANZA}")]);
        spec = spec.args(options.iter().copied()).args([command]);
        // It lets go of what it holds.
        (spec.user, spec.last) = (self.account.switch(), Signal::SIGTERM);
        Process::run(spec, within).await
    }
}

/// Writes the configuration of a member, and makes the folders that it names.
pub(super) fn configure(full: &Full<'_>, number: usize, socket: &Path) -> Result<()> {
    let (repository, lock) = (full.base.join("backup"), full.base.join("lock"));
    for folder in [&repository, &lock] {
        files::folder(folder, 0o700)?;
        full.account.own(folder)?;
    }
    let (port, _) = full.places.postgres[number - 1];
    let text = filled(
        TEMPLATE,
        &[
            ("repository", &repository.to_string_lossy()),
            ("lock", &lock.to_string_lossy()),
            ("folder", &full.base.join(format!("postgres-{number}")).to_string_lossy()),
            ("port", &port.to_string()),
            ("socket", &socket.to_string_lossy()),
        ],
    );
    let file = file(full, number);
    files::secret(&file, &text)?;
    full.account.own(&file)
}

/// What Postgres runs for each finished piece of its log; `%p` is the piece.
pub(super) fn archive_command(full: &Full<'_>, number: usize) -> Result<String> {
    let (program, file) = (shell(&program()?), shell(&file(full, number)));
    Ok(format!("{program} --config={file} --stanza={STANZA} archive-push %p"))
}

/// Makes the repository ready for the database that the writer has in this folder; there is nothing to do at a later start.
pub(super) async fn prepare(full: &Full<'_>, writer: &Path) -> Result<()> {
    Backup::of(writer, full.logs)?.run("stanza-create", &[], PREPARE_WITHIN).await
}

fn file(full: &Full<'_>, number: usize) -> PathBuf {
    full.base.join(format!("pgbackrest-{number}.conf"))
}

fn program() -> Result<PathBuf> {
    environment::program("pgbackrest").ok_or_else(|| Error::Missing {
        program: "pgBackRest".to_owned(),
        hint: "a full house keeps its backups with it (Debian: `apt install pgbackrest`); \
               `deploy/install full` does it for you"
            .to_owned(),
    })
}
