//! A Postgres primary with a replica that streams from it, on loopback.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use switchboard::topology::{
    account::Account,
    binaries::Binaries,
    files, ports,
    postgres::Postgres,
    process::{Process, Spec},
};
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};
use toml::{Table, Value};

/// How long a server may take to start, and a replica to take over.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both hosts: the first one begins as the primary.
#[derive(Debug)]
pub struct Replicas {
    hosts: [Process; 2],
    ports: [u16; 2],
    binaries: Binaries,
    folder: TempDir,
}

impl Replicas {
    /// Starts the primary, copies it, and starts the copy.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start() -> anyhow::Result<Self> {
        // Postgres may run as another user, who must get through to its own folder.
        let open = fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("switchboard-").permissions(open).tempdir()?;
        let (binaries, account) = (Binaries::find(None)?, Account::for_servers()?);
        let data = folder.path().join("data");
        files::folder(&data, 0o711)?;
        let plain = Postgres::start(&data, folder.path(), &|_| {}).await?;
        plain.stop().await?;
        let ports = [ports::free()?, ports::free()?];
        let spec = |name: &str, database: &Path, port: u16| {
            let mut spec = Spec::program(name, binaries.folder.join("postgres"), folder.path());
            spec.args = vec!["-D".into(), database.into(), "-k".into(), plain.socket().into()];
            for setting in [&format!("port={port}"), "listen_addresses=127.0.0.1", "max_connections=200"] {
                spec.args.extend(["-c".into(), setting.into()]);
            }
            (spec.user, spec.ready_within) = (account.switch(), None);
            spec
        };
        let first = Process::start(spec("first", plain.folder(), ports[0])).await?;
        answers(&binaries, ports[0]).await?;
        let copy = folder.path().join("copy");
        files::folder(&copy, 0o700)?;
        account.own(&copy)?;
        let mut backup = Spec::program("basebackup", binaries.folder.join("pg_basebackup"), folder.path())
            .args(["-h", "127.0.0.1", "-U", "postgres", "-X", "stream", "-R", "-c", "fast", "-p"])
            .args([ports[0].to_string(), "-D".to_owned()]);
        backup.args.push(copy.clone().into());
        backup.user = account.switch();
        Process::run(backup, PATIENCE).await?;
        let second = Process::start(spec("second", &copy, ports[1])).await?;
        answers(&binaries, ports[1]).await?;
        Ok(Self { hosts: [first, second], ports, binaries, folder })
    }

    /// `[postgres]` of a core that uses both.
    #[must_use]
    pub fn section(&self) -> Table {
        let urls = |user: &str| {
            let url = |port: &u16| Value::from(format!("postgres://{user}@127.0.0.1:{port}/switchboard"));
            Value::Array(self.ports.iter().map(url).collect())
        };
        Table::from_iter([
            ("urls".to_owned(), urls("switchboard_core")),
            ("migrate_urls".to_owned(), urls("switchboard")),
        ])
    }

    /// A host's process.
    #[must_use]
    pub fn host(&self, i: usize) -> &Process {
        &self.hosts[i]
    }

    /// Has the second host take over, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub async fn promote(&self) -> anyhow::Result<()> {
        let promoted = ask(&self.binaries, self.ports[1], "SELECT pg_promote()").await?;
        anyhow::ensure!(promoted == "t", "{promoted:?}");
        Ok(())
    }

    /// Asks a host something, as the superuser.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(&self, i: usize, sql: &str) -> anyhow::Result<String> {
        ask(&self.binaries, self.ports[i], sql).await
    }

    /// Sends a signal to every process of a host: its backends go on when the first one alone is stopped.
    ///
    /// # Errors
    /// When `kill` cannot be run.
    pub async fn signal(&self, i: usize, name: &str) -> anyhow::Result<()> {
        let parent = self.hosts[i].pid().ok_or_else(|| anyhow::anyhow!("it does not run"))?;
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        let pids = std::iter::once(parent.to_string()).chain(children.split_whitespace().map(str::to_owned));
        // A child may have ended meanwhile.
        Command::new("kill").arg(format!("-{name}")).args(pids).status().await?;
        Ok(())
    }

    /// Where their logs are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

async fn ask(binaries: &Binaries, port: u16, sql: &str) -> anyhow::Result<String> {
    let mut psql = Command::new(binaries.folder.join("psql"));
    psql.args(["-h", "127.0.0.1", "-U", "postgres", "-At", "-c", sql, "-p", &port.to_string()])
        .arg("switchboard")
        .kill_on_drop(true);
    let said = timeout(PATIENCE, psql.output()).await??;
    anyhow::ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

async fn answers(binaries: &Binaries, port: u16) -> anyhow::Result<()> {
    let asking = async {
        while ask(binaries, port, "SELECT 1").await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    Ok(timeout(PATIENCE, asking).await?)
}
