//! A restore to a point in time: what was acknowledged until then is there, and nothing that was said after it. It is
//! restored beside the house, which goes on.

use super::{
    catalogue::Name,
    figures::{Fault, Figures},
    load::{Load, Size, record::Sent},
    postgres::{self, Host},
    settings::Settings,
    target::Target,
    verdict::Report,
};
use crate::{
    error::{Error, Result},
    terminal,
    topology::{
        account::Account,
        binaries::Binaries,
        files,
        full::Backup,
        ports,
        process::{Process, Spec},
    },
};
use chrono::Utc;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};

/// The load before and after the moment.
const STEADY: Duration = Duration::from_secs(3);
/// How long each command of pgBackRest may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(180);
/// How long the restored one may take until it has read all of its log.
const RECOVER_WITHIN: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// As for other drills.
const PATIENCE: Duration = Duration::from_secs(120);
/// At most so many differences are named.
const NAMED: usize = 5;

/// Fails with the reason when the house has no backups.
pub(super) fn possible(hosts: &[Host]) -> std::result::Result<(), String> {
    let has = |host: &Host| Backup::of(&host.data, Path::new("")).is_ok_and(|backup| backup.is_configured());
    match hosts.iter().all(has) {
        true => Ok(()),
        false => Err("the house was started without backups (pgBackRest)".to_owned()),
    }
}

/// Runs it.
pub(super) async fn pitr(settings: &Settings, target: &Target) -> Result<Report> {
    let hosts = postgres::hosts(&target.described("postgres"));
    put_back(&hosts).await;
    let load = Load::start(target, Size::of(settings)).await?;
    sleep(STEADY).await;
    let restored = restore(target, &hosts, &load).await;
    put_back(&hosts).await;
    sleep(STEADY).await;
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    let (mut wrong, mut faults, mut also) = (Vec::new(), Vec::new(), BTreeMap::new());
    match restored {
        Ok(restored) => {
            wrong.extend(compare(&outcome.heard.sent, &restored.messages, restored.moment));
            also = restored.also;
            faults.push(restored.fault);
        }
        Err(error) => wrong.push(error.to_string()),
    }
    let mut figures = Figures::of(&outcome, faults, end_ms);
    figures.also.extend(also);
    Ok(Report::of(Name::Pitr.word(), figures, &Name::Pitr.budget(), settings.times, wrong))
}

/// What came back.
struct Restored {
    /// Its first and its last millisecond.
    moment: (u32, u32),
    /// The number of each message of the load, and its seq.
    messages: BTreeMap<usize, u64>,
    also: BTreeMap<String, f64>,
    fault: Fault,
}

async fn restore(target: &Target, hosts: &[Host], load: &Load) -> Result<Restored> {
    let (leader, at_ms) = (postgres::leader(hosts).await?, load.record.now());
    let data = target.data().ok_or_else(|| Error::Failed("there is no house here".to_owned()))?;
    let backup = Backup::of(&leader.data, &data.join("logs"))?;
    let mut also = BTreeMap::new();
    let began = Instant::now();
    terminal::say("  a whole backup");
    backup.run("backup", &["--type=full"], COMMAND_WITHIN).await?;
    also.insert("backup_ms".to_owned(), began.elapsed().as_secs_f64() * 1e3);
    sleep(STEADY).await;
    let (first, wanted, last) = (load.record.now(), Utc::now(), load.record.now());
    terminal::say(&format!("  the moment: {wanted}"));
    sleep(STEADY).await;
    // Ends the piece of log with the moment in it, and waits until it is in the repository.
    backup.run("check", &[], COMMAND_WITHIN).await?;
    let (folder, began) = (folder(&leader), Instant::now());
    terminal::say("  restored beside the house");
    let path = format!("--pg1-path={}", folder.display());
    let until = format!("--target={}", wanted.format("%Y-%m-%d %H:%M:%S%.6f+00"));
    let options = [path.as_str(), "--type=time", &until, "--target-action=promote"];
    backup.run("restore", &options, COMMAND_WITHIN).await?;
    let (process, client) = start(&folder, &leader, data).await?;
    also.insert("restore_ms".to_owned(), began.elapsed().as_secs_f64() * 1e3);
    let messages = read(&client, load).await?;
    also.insert("restored_messages".to_owned(), messages.len() as f64);
    process.terminate().await?;
    let what = "a whole backup, and a restore to a moment after it".to_owned();
    let fault = Fault { what, at_ms, whole_ms: load.record.now() };
    Ok(Restored { moment: (first, last), messages, also, fault })
}

/// Starts it as a Postgres of its own, and waits until it is as it was at the moment.
async fn start(folder: &Path, leader: &Host, data: &Path) -> Result<(Process, Client)> {
    let version =
        fs::read_to_string(folder.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
    let (binaries, port) = (Binaries::find(version)?, ports::free()?);
    let mut spec = Spec::program("restored", binaries.folder.join("postgres"), &data.join("logs"));
    spec = spec.args(["-D".into(), folder.as_os_str().to_owned()]);
    for setting in [
        format!("port={port}"),
        format!("hba_file={}", folder.join("pg_hba.conf").display()),
        format!("ident_file={}", folder.join("pg_ident.conf").display()),
        // It speaks to nobody, and writes into nobody's backups.
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "archive_mode=off".to_owned(),
        "synchronous_standby_names=".to_owned(),
    ] {
        spec = spec.args(["-c".to_owned(), setting]);
    }
    (spec.user, spec.ready_within) = (Account::for_servers()?.switch(), None);
    (spec.stop, spec.last) = (nix::sys::signal::Signal::SIGINT, nix::sys::signal::Signal::SIGQUIT);
    let process = Process::start(spec).await?;
    let password = files::random_key(&leader.data.with_file_name("superuser.key"))?;
    let deadline = Instant::now() + RECOVER_WITHIN;
    loop {
        if let Some(status) = process.try_wait() {
            return Err(process.fault(&format!("ended while it was restored ({status})"), None));
        }
        match recovered(port, &password).await {
            Some(client) => return Ok((process, client)),
            None if Instant::now() >= deadline => return Err(process.fault("is not restored in time", None)),
            None => sleep(LOOK_EVERY).await,
        }
    }
}

/// A client of it, once it has become a primary of its own.
async fn recovered(port: u16, password: &str) -> Option<Client> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user("postgres").password(password).dbname("switchboard");
    let (client, connection) = config.connect_timeout(Duration::from_secs(5)).connect(NoTls).await.ok()?;
    let tasks = tokio_util::task::TaskTracker::new();
    tasks.spawn(connection);
    let row = client.query_one("SELECT pg_is_in_recovery()", &[]).await.ok()?;
    (!row.get::<_, bool>(0)).then_some(client)
}

/// Every message of this load, whichever tenant's: its ids are like no others.
async fn read(client: &Client, load: &Load) -> Result<BTreeMap<usize, u64>> {
    let sql = "SELECT client_id, seq FROM messages WHERE client_id LIKE 'drill-%'";
    let rows = client.query(sql, &[]).await;
    let rows = rows.map_err(|error| Error::Failed(format!("the restored database: {error}")))?;
    let mine = rows.iter().filter_map(|row| {
        let (id, seq): (String, i64) = (row.get(0), row.get(1));
        Some((load.record.number(&id)?, u64::try_from(seq).ok()?))
    });
    Ok(mine.collect())
}

/// What was acknowledged before the moment has to be there, at its place, and nothing that was said after it.
fn compare(sent: &[Sent], restored: &BTreeMap<usize, u64>, (first, last): (u32, u32)) -> Vec<String> {
    let (mut before, mut after) = (0_usize, 0_usize);
    let (mut missing, mut early) = (Vec::new(), Vec::new());
    for (number, message) in sent.iter().enumerate() {
        if message.acknowledged.is_some_and(|at| at < first) {
            before += 1;
            if restored.get(&number) != Some(&message.seq) {
                missing.push(number);
            }
        }
        if message.at > last {
            after += 1;
            if restored.contains_key(&number) {
                early.push(number);
            }
        }
    }
    let mut wrong = Vec::new();
    if before == 0 || after == 0 {
        wrong.push(format!("{before} messages before the moment and {after} after it show nothing"));
    }
    for (what, numbers) in [("not restored", missing), ("restored and said after the moment", early)] {
        if !numbers.is_empty() {
            let first: Vec<_> = numbers.iter().take(NAMED).collect();
            wrong.push(format!("{} messages are {what}, of them {first:?}", numbers.len()));
        }
    }
    wrong
}

/// Takes away what was restored; there may be nothing to do.
pub(super) async fn put_back(hosts: &[Host]) {
    for folder in hosts.iter().map(folder).filter(|folder| folder.exists()) {
        let deadline = Instant::now() + PATIENCE;
        // Processes that were just told to end may still write there.
        while fs::remove_dir_all(&folder).is_err() && folder.exists() && Instant::now() < deadline {
            sleep(LOOK_EVERY).await;
        }
    }
}

fn folder(host: &Host) -> PathBuf {
    host.data.with_file_name("restored")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_is_good_when_all_before_the_moment_is_there_and_nothing_after_it() {
        let one = |at, acknowledged, seq| Sent { at, acknowledged, seq, ..Sent::default() };
        // Acknowledged before; under way at the moment; said after it.
        let sent = [one(10, Some(20), 1), one(95, Some(110), 2), one(130, Some(140), 3)];
        let wrong = |numbers: &[(usize, u64)]| compare(&sent, &numbers.iter().copied().collect(), (100, 101));
        assert_eq!(wrong(&[(0, 1)]), [""; 0]);
        assert_eq!(wrong(&[(0, 1), (1, 2)]), [""; 0], "what was under way may be there");
        assert!(wrong(&[(1, 2)])[0].contains("1 messages are not restored"));
        assert!(wrong(&[(0, 9)])[0].contains("not restored"), "at another place");
        assert!(wrong(&[(0, 1), (2, 3)])[0].contains("said after the moment"));
        assert!(compare(&[], &BTreeMap::new(), (1, 2))[0].contains("show nothing"));
    }
}
