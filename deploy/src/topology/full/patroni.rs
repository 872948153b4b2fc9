//! The three members of Postgres, each with its Patroni, which starts, follows and promotes it.

use super::{
    ask::http,
    backup,
    places::{Full, MEMBERS},
    template::{filled, yaml, yaml_text},
};
use crate::{
    error::{Error, Result},
    topology::{
        account::Account,
        binaries::{self, Binaries},
        files,
        postgres::{self, DATABASE, LOGIN, OWNER},
        process::{Process, Spec},
    },
};
use nix::sys::signal::{Signal, kill};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use switchboard_shared::cause::Cause;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Config, NoTls};

pub(super) const TEMPLATE: &str = include_str!("../../../full/patroni.yml");
#[cfg(test)]
pub(super) const VALUES: &[&str] = &[
    "name",
    "rest_port",
    "rest_password",
    "etcd_hosts",
    "port",
    "folder",
    "bin",
    "pgpass",
    "user",
    "socket",
    "archive_command",
    "superuser_password",
    "replication_password",
    "rewind_password",
];

/// Groups that nobody has (the id of the first one follows); they name no group of the system.
const HOST_GROUPS: u32 = 1_900_000_000;
/// How long the three may take until one writes and two follow; the first start copies the database twice.
const START_WITHIN: Duration = Duration::from_secs(120);
/// How long a Postgres may take to end whose Patroni is gone.
const END_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A member: its Patroni, and the Postgres that this keeps.
#[derive(Debug)]
pub struct Patroni {
    process: Process,
    port: u16,
    rest: u16,
    password: String,
    folder: PathBuf,
    socket: PathBuf,
}

/// What Patroni's `GET /cluster` says of a member.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) state: String,
    /// Bytes, or a word where nobody knows; absent at the writer.
    pub(crate) lag: Option<serde_json::Value>,
}

/// Whether one writes and the others follow, of whom a commit waits for any.
fn is_whole(seen: &[Seen]) -> bool {
    let follows = |seen: &&Seen| seen.role == "quorum_standby" && seen.state == "streaming";
    let writes = |seen: &Seen| seen.role == "leader" && seen.state == "running";
    seen.iter().filter(follows).count() == MEMBERS - 1 && seen.iter().any(writes)
}

/// What the Patroni at this address says of all members.
pub(crate) async fn members(url: &str) -> Result<Vec<Seen>> {
    #[derive(Deserialize)]
    struct Cluster {
        members: Vec<Seen>,
    }
    let failed = |error: reqwest::Error| Error::Unreachable(format!("Patroni: {}", Cause::of(&error)));
    let answer = http()?.get(format!("{url}/cluster")).send().await.map_err(failed)?;
    Ok(answer.json::<Cluster>().await.map_err(failed)?.members)
}

impl Patroni {
    /// Patroni's process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The port of its Postgres.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where Patroni is asked, with the login for what changes something.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://patroni:{}@127.0.0.1:{}", self.password, self.rest)
    }

    /// Where its database lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Lets both end. Patroni ends its Postgres; one that was left alone is told here.
    ///
    /// # Errors
    /// When one had to be made to.
    pub async fn end(&self) -> Result<()> {
        let ended = self.process.terminate().await;
        let deadline = Instant::now() + END_WITHIN;
        let mut told = false;
        while let Some(pid) = postgres::postmaster(&self.folder) {
            if Instant::now() >= deadline {
                kill(pid, Signal::SIGQUIT).ok();
                return ended.and(Err(self.process.fault("left a Postgres that did not end in time", None)));
            }
            if !std::mem::replace(&mut told, true) {
                kill(pid, Signal::SIGINT).ok();
            }
            sleep(LOOK_EVERY).await;
        }
        ended
    }
}

/// Starts the three, and waits until one writes and two follow.
pub(super) async fn start(full: &Full<'_>) -> Result<Vec<Patroni>> {
    let program = binaries::patroni(&full.account)?;
    let first = full.base.join("postgres-1");
    postgres::refuse_second(&first)?;
    let binaries = Binaries::find(postgres::version_of(&first))?;
    let mut started = Vec::new();
    for (number, (port, rest)) in (1..).zip(full.places.postgres) {
        let file = full.base.join(format!("patroni-{number}.yml"));
        let folder = full.base.join(format!("postgres-{number}"));
        postgres::refuse_second(&folder)?;
        let socket = postgres::socket_folder(&folder, &full.account)?;
        backup::configure(full, number, &socket)?;
        files::secret(&file, &configuration(full, number, &binaries.folder, &socket)?)?;
        full.account.own(&file)?;
        let mut spec = Spec::program(&format!("patroni-{number}"), program.clone(), full.logs).args([file]);
        (spec.user, spec.ready_within) = (host_account(full, number, &program).switch(), None);
        // Also when this program dies: killed, it would leave its Postgres behind.
        spec.last = Signal::SIGTERM;
        let (process, password) = (Process::start(spec).await?, key(full, "rest")?);
        started.push(Patroni { process, port, rest, password, folder, socket });
    }
    wait_until_whole(&started).await?;
    Ok(started)
}

/// The user of the servers, in a group of this host's own where the caller can give one: by it a packet filter tells
/// what this host says from what the others say.
fn host_account(full: &Full<'_>, number: usize, program: &Path) -> Account {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let own = full.account.in_group(HOST_GROUPS.saturating_add(number));
    let reaches = |path: &Path| own.can_traverse(path.parent().unwrap_or(path));
    if reaches(&full.base.join("x")) && reaches(program) { own } else { full.account.clone() }
}

fn configuration(full: &Full<'_>, number: usize, bin: &Path, socket: &Path) -> Result<String> {
    let (port, rest) = full.places.postgres[number - 1];
    let folder = full.base.join(format!("postgres-{number}"));
    let hosts: Vec<_> = full.places.etcd.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
    Ok(filled(
        TEMPLATE,
        &[
            ("name", &format!("patroni-{number}")),
            ("rest_port", &rest.to_string()),
            ("rest_password", &key(full, "rest")?),
            ("etcd_hosts", &hosts.join(", ")),
            ("port", &port.to_string()),
            ("folder", &yaml(&folder)),
            ("bin", &yaml(bin)),
            ("pgpass", &yaml(&full.base.join(format!("pgpass-{number}")))),
            ("user", &full.account.name),
            ("socket", &yaml(socket)),
            ("archive_command", &yaml_text(&backup::archive_command(full, number)?)),
            ("superuser_password", &key(full, "superuser")?),
            ("replication_password", &key(full, "replication")?),
            ("rewind_password", &key(full, "rewind")?),
        ],
    ))
}

/// A password that is drawn once.
fn key(full: &Full<'_>, name: &str) -> Result<String> {
    files::random_key(&full.base.join(format!("{name}.key")))
}

async fn wait_until_whole(started: &[Patroni]) -> Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        for member in started {
            if let Some(status) = member.process.try_wait() {
                return Err(member.process.fault(&format!("ended while starting ({status})"), None));
            }
        }
        let seen = members(&started[0].url()).await.unwrap_or_default();
        if is_whole(&seen) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let states: Vec<_> =
                seen.iter().map(|it| format!("{} {} {}", it.name, it.role, it.state)).collect();
            let reason = format!("has not two followers in time; {}", states.join(", "));
            return Err(started[0].process.fault(&reason, None));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Makes roles, database and its place among the backups at the writer; the URLs of all three for the cores, and for migrations.
pub(super) async fn make_database(
    full: &Full<'_>,
    started: &[Patroni],
) -> Result<(Vec<String>, Vec<String>)> {
    let (login, owner) = (key(full, "core")?, key(full, "owner")?);
    let seen = members(&started[0].url()).await?;
    let leads = |member: &&Patroni| {
        seen.iter().any(|seen| seen.role == "leader" && seen.name == member.process.name())
    };
    let writer = started.iter().find(leads).unwrap_or(&started[0]);
    let mut config = Config::new();
    config.host("127.0.0.1").port(writer.port).user("postgres").password(key(full, "superuser")?);
    config.dbname("postgres").connect_timeout(Duration::from_secs(5));
    let connected = config.connect(NoTls).await;
    let (client, connection) = connected.map_err(|error| postgres::unreachable(&error))?;
    tokio::join!(async { drop(connection.await) }, async {
        let made = postgres::make_roles_and_database(&client, &[(OWNER, &owner), (LOGIN, &login)]).await;
        drop(client);
        made
    })
    .1?;
    backup::prepare(full, writer.folder()).await?;
    let urls = |user: &str, password: &str| {
        let url =
            |member: &Patroni| format!("postgres://{user}:{password}@127.0.0.1:{}/{DATABASE}", member.port);
        started.iter().map(url).collect()
    };
    Ok((urls(LOGIN, &login), urls(OWNER, &owner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_and_two_follow() {
        let seen = |states: [(&str, &str); 3]| {
            let one = |(role, state): (&str, &str)| {
                serde_json::from_value(serde_json::json!({"name": "x", "role": role, "state": state}))
            };
            states.map(one).map(Result::unwrap)
        };
        let (writes, follows) = (("leader", "running"), ("quorum_standby", "streaming"));
        assert!(is_whole(&seen([writes, follows, follows])));
        assert!(
            !is_whole(&seen([writes, follows, ("replica", "streaming")])),
            "no commit waits for that one"
        );
        assert!(!is_whole(&seen([("replica", "running"), follows, follows])));
    }
}
