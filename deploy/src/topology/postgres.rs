//! A private child Postgres: its own data folder, a Unix socket that nobody else can reach, no TCP.
//!
//! `fsync` stays on: what is acknowledged here is the truth, on a laptop too. Trust authentication is safe because the
//! socket lies in a folder with mode 0700 (PostgreSQL manual, 21.4), so only its owner and root get as far as asking.

use super::{
    account::Account,
    binaries::Binaries,
    files,
    process::{Process, Spec},
};
use crate::error::{Error, Result};
use nix::{sys::signal::Signal, unistd::Pid};
use std::{
    ffi::OsString,
    fs,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::task::TaskTracker;

/// Who migrates: the owner of the database and of its tables, who may make roles, but is no superuser.
pub(super) const OWNER: &str = "switchboard";
/// Who the core connects as: it owns nothing, and may do nothing but take its role.
pub(super) const LOGIN: &str = "switchboard_core";
/// The database.
pub(super) const DATABASE: &str = "switchboard";
/// The superuser, for making the other two.
const SUPERUSER: &str = "postgres";
/// How long the first start may take, recovery after a crash included.
const START_WITHIN: Duration = Duration::from_secs(60);
/// `sun_path` holds 108 bytes with its end mark (unix(7)); this much of it is the socket's own name and its lock.
const SOCKET_FOLDER_MAX: usize = 107 - "/.s.PGSQL.5432.lock".len();

/// How much of the data folder's name a folder elsewhere is named by.
const NAME_CHARS: usize = 32;

/// A running Postgres of our own.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    folder: PathBuf,
    socket: PathBuf,
    tasks: TaskTracker,
}

impl Postgres {
    /// Starts Postgres on `data`/postgres, making the database first when there is none. `say` hears what a person
    /// should know.
    ///
    /// # Errors
    /// When Postgres is not installed, another one runs on the same data, or it does not start within its bound.
    pub async fn start(data: &Path, logs: &Path, say: &(dyn Fn(&str) + Send + Sync)) -> Result<Self> {
        let account = Account::for_servers()?;
        let folder = place(data, &account, say)?;
        refuse_second(&folder)?;
        let binaries = Binaries::find(version_of(&folder))?;
        let socket = socket_folder(&folder, &account)?;
        if !folder.join("PG_VERSION").is_file() {
            say(&format!("making a database with PostgreSQL {}", binaries.version));
            initialize(&folder, &binaries, &account, logs).await?;
        }
        let process = launch(spec(&folder, &socket, &binaries, &account, logs)).await?;
        let postgres = Self { process, folder, socket, tasks: TaskTracker::new() };
        postgres.wait_until_ready().await?;
        postgres.make_role_and_database().await?;
        Ok(postgres)
    }

    /// The URL that the core connects with.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(LOGIN)
    }

    /// The URL that migrations run with.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.url_of(OWNER)
    }

    fn url_of(&self, user: &str) -> String {
        url_at(&self.socket, user)
    }

    /// Where the database lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The child process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Connects as the superuser, who sees every row.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn connect(&self) -> Result<Client> {
        self.connect_as(SUPERUSER, DATABASE).await
    }

    /// Connects with the login of the core, or with that of the tables' owner.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn log_in(&self, as_owner: bool) -> Result<Client> {
        self.connect_as(if as_owner { OWNER } else { LOGIN }, DATABASE).await
    }

    /// Ends it: running statements are cut off, everything committed is on disk (fast shutdown).
    ///
    /// # Errors
    /// When it had to be made to.
    pub async fn stop(&self) -> Result<()> {
        self.process.terminate().await
    }

    /// Kills it as a crash would.
    pub async fn kill9(&self) {
        self.process.kill9().await;
    }

    /// Starts it again on the same data.
    ///
    /// # Errors
    /// When it does not start within its bound.
    pub async fn restart(&self) -> Result<()> {
        let deadline = Instant::now() + START_WITHIN;
        self.process.restart().await?;
        loop {
            match self.wait_until_ready().await {
                Err(error) if leftovers(&error) && Instant::now() < deadline => {
                    sleep(Duration::from_millis(200)).await;
                    self.process.restart().await?;
                }
                other => return other,
            }
        }
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_WITHIN;
        loop {
            if let Some(status) = self.process.try_wait() {
                return Err(self.process.fault(&format!("ended while starting ({status})"), None));
            }
            match self.connect_as(SUPERUSER, "postgres").await {
                Ok(_) => return Ok(()),
                Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(25)).await,
                Err(error) => return Err(self.process.fault(&format!("does not answer: {error}"), None)),
            }
        }
    }

    async fn make_role_and_database(&self) -> Result<()> {
        make_roles_and_database(&self.connect_as(SUPERUSER, "postgres").await?, &[]).await
    }

    async fn connect_as(&self, user: &str, database: &str) -> Result<Client> {
        let mut config = Config::new();
        config.host_path(&self.socket).user(user).dbname(database).connect_timeout(Duration::from_secs(5));
        let connected = config.connect(NoTls).await;
        let (client, connection) = connected.map_err(|error| unreachable(&error))?;
        self.tasks.spawn(connection);
        Ok(client)
    }
}

/// Makes what is not there yet of the roles and the database; with these passwords, where somebody asks for one.
pub(super) async fn make_roles_and_database(client: &Client, passwords: &[(&str, &str)]) -> Result<()> {
    let fault = |error| Error::Failed(format!("the database {DATABASE} cannot be made: {}", full(&error)));
    for (role, rights) in [(OWNER, "CREATEROLE"), (LOGIN, "NOINHERIT")] {
        let known = client.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role]).await;
        if known.map_err(fault)?.is_none() {
            // One of our own drawing, in hexadecimal digits.
            let password = passwords.iter().find(|(name, _)| *name == role);
            let password = password.map_or_else(String::new, |(_, word)| format!(" PASSWORD '{word}'"));
            let make = format!("CREATE ROLE {role} LOGIN {rights}{password}");
            client.batch_execute(&make).await.map_err(fault)?;
        }
    }
    let database = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&DATABASE]).await;
    if database.map_err(fault)?.is_none() {
        let make = format!("CREATE DATABASE {DATABASE} OWNER {OWNER}");
        client.batch_execute(&make).await.map_err(fault)?;
    }
    Ok(())
}

/// The error of a connection that was not had.
pub(super) fn unreachable(error: &tokio_postgres::Error) -> Error {
    Error::Unreachable(format!("postgres: {}", full(error)))
}

/// The URL of the database behind this socket. A form writes a blank as `+`, which stands for itself in a URL.
#[must_use]
pub fn url_at(socket: &Path, user: &str) -> String {
    let host: String = url::form_urlencoded::byte_serialize(socket.as_os_str().as_encoded_bytes()).collect();
    format!("postgres://{user}@{}/{DATABASE}", host.replace('+', "%20"))
}

/// The socket's folder as the server's list of folders holds it: in quotes, in which a comma or a blank is no end.
#[must_use]
pub fn socket_setting(socket: &Path) -> OsString {
    let mut bytes = vec![b'"'];
    for byte in socket.as_os_str().as_bytes() {
        bytes.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
    }
    bytes.push(b'"');
    OsString::from_vec(bytes)
}

/// `tokio_postgres` says only "db error" and keeps the server's own words in its source.
fn full(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}

/// Chooses the database's folder: beside the other data, unless the server's account cannot get there.
pub(super) fn place(data: &Path, account: &Account, say: &(dyn Fn(&str) + Send + Sync)) -> Result<PathBuf> {
    let beside = data.join("postgres");
    if account.can_traverse(data) {
        return Ok(beside);
    }
    let apart = Path::new("/var/lib/switchboard").join(format!("{}-{:016x}", name_of(data), fnv(data)));
    files::folder(Path::new("/var/lib/switchboard"), 0o711)?;
    files::folder(&apart, 0o711)?;
    say(&format!(
        "the database lies in {}, because Postgres runs as {} and cannot get into {}",
        apart.display(),
        account.name,
        data.display()
    ));
    Ok(apart.join("postgres"))
}

pub(super) fn refuse_second(folder: &Path) -> Result<()> {
    match postmaster(folder) {
        None => Ok(()),
        Some(pid) => Err(Error::Occupied {
            data: folder.display().to_string(),
            holder: Some(format!("postgres, process {pid}")),
        }),
    }
}

/// The server that runs on this folder.
pub(super) fn postmaster(folder: &Path) -> Option<Pid> {
    let text = fs::read_to_string(folder.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse::<i32>().ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // A stale file may hold the id of another process by now, so the process itself is asked which folder it has.
    let mine = folder.as_os_str().as_encoded_bytes();
    let has = |arg: &[u8]| arg.strip_prefix(b"--pgdata=").or(Some(arg)).is_some_and(|arg| arg == mine);
    command.split(|byte| *byte == 0).any(has).then(|| Pid::from_raw(pid))
}

pub(super) fn version_of(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// The socket's folder: beside the database, or under /tmp where that path would be too long for a socket.
pub(super) fn socket_folder(database: &Path, account: &Account) -> Result<PathBuf> {
    let beside = database.with_extension("socket");
    // Patroni divides a list of folders at commas, and takes no quotes.
    let plain = !beside.to_string_lossy().contains([',', '"']);
    let socket = if plain && beside.as_os_str().len() <= SOCKET_FOLDER_MAX {
        beside
    } else {
        Path::new("/tmp").join(format!("switchboard-{:016x}", fnv(database)))
    };
    if !socket.is_dir() {
        fs::create_dir(&socket).map_err(Error::file(&socket))?;
        account.own(&socket)?;
    }
    let meta = fs::symlink_metadata(&socket).map_err(Error::file(&socket))?;
    if !meta.is_dir() || meta.uid() != account.uid {
        return Err(Error::Failed(format!("{} belongs to somebody else; remove it", socket.display())));
    }
    files::folder(&socket, 0o700)?;
    Ok(socket)
}

/// Makes the database in a folder beside its own and moves it there when it is whole, so that a start that is cut off
/// leaves nothing that looks like a database.
async fn initialize(folder: &Path, binaries: &Binaries, account: &Account, logs: &Path) -> Result<()> {
    let new = folder.with_extension("new");
    let mut failure = None;
    // Not every system has C.UTF-8; C sorts the same way.
    for locale in ["C.UTF-8", "C"] {
        if new.exists() {
            fs::remove_dir_all(&new).map_err(Error::file(&new))?;
        }
        fs::create_dir(&new).map_err(Error::file(&new))?;
        account.own(&new)?;
        files::folder(&new, 0o700)?;
        let mut spec = Spec::program("initdb", binaries.folder.join("initdb"), logs).args([
            "--encoding=UTF8".to_owned(),
            // They would be for a shell, which takes no name with a line's end in it.
            "--no-instructions".to_owned(),
            format!("--locale={locale}"),
            "--auth=trust".to_owned(),
            format!("--username={SUPERUSER}"),
            "--pgdata".to_owned(),
        ]);
        spec.args.push(new.clone().into());
        spec.user = account.switch();
        match Process::run(spec, Duration::from_secs(120)).await {
            Ok(()) => return fs::rename(&new, folder).map_err(Error::file(folder)),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Error::Failed("initdb was not run".to_owned())))
}

fn spec(folder: &Path, socket: &Path, binaries: &Binaries, account: &Account, logs: &Path) -> Spec {
    let mut spec = Spec::program("postgres", binaries.folder.join("postgres"), logs);
    let mut args: Vec<OsString> = vec!["-D".into(), folder.into(), "-k".into(), socket_setting(socket)];
    for setting in
        ["listen_addresses=", "fsync=on", "max_connections=200", "timezone=UTC", "log_timezone=UTC"]
    {
        args.extend(["-c".into(), setting.into()]);
    }
    spec.args = args;
    spec.user = account.switch();
    spec.ready_within = None;
    (spec.stop, spec.last) = (Signal::SIGINT, Signal::SIGQUIT);
    spec
}

async fn launch(spec: Spec) -> Result<Process> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let process = Process::start(spec.clone()).await?;
        // What is wrong with a data folder shows at once; waiting for readiness is the caller's.
        sleep(Duration::from_millis(100)).await;
        let Some(status) = process.try_wait() else { return Ok(process) };
        let fault = process.fault(&format!("ended at once ({status})"), None);
        if !leftovers(&fault) || Instant::now() >= deadline {
            return Err(fault);
        }
    }
}

/// After a kill -9 of the server, its own children need a moment to notice and to end.
fn leftovers(error: &Error) -> bool {
    matches!(error, Error::Child { tail, .. } if tail.contains("pre-existing shared memory block"))
}

/// The start of its name, for a person: a whole one may leave no room for what is written behind it.
fn name_of(data: &Path) -> String {
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    name.chars().take(NAME_CHARS).collect()
}

/// FNV-1a, 64 bits: a short name for a long path, the same in every version.
fn fnv(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let account = Account::own_user();
        let long = std::env::temp_dir().join("x".repeat(120)).join("postgres");
        let socket = socket_folder(&long, &account).unwrap();
        assert!(socket.as_os_str().len() <= SOCKET_FOLDER_MAX);
        fs::remove_dir(socket).unwrap();
    }
}
