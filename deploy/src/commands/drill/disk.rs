//! A primary whose disk is full: the log of one host lies in a small file system of its own, which is filled while that
//! host is the primary. Everything is put back afterwards, also by the next command when one was cut off.

use super::{
    postgres::{self, Host},
    session,
    target::Target,
    tool,
};
use crate::{
    environment,
    error::{Error, Result},
    topology::account::Account,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// What is free in it at first: three pieces of log.
const FREE: u64 = 48 << 20;
/// And once there has to be room again; a tmpfs takes no more memory than is written there.
const ROOM: u64 = 4 << 30;
/// The file that takes what is free.
const FILLER: &str = "drill-fills-the-disk";
/// How long each step may take.
const STEP_WITHIN: Duration = Duration::from_secs(90);
/// How long a server may take to end, in each way that it is told to.
const ENDS_WITHIN: Duration = Duration::from_secs(30);
/// How long until another host leads once the disk is full.
const LOST_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long one statement may take.
const STATEMENT_WITHIN: Duration = Duration::from_secs(3);

/// Fails with the reason when this machine does not let us.
pub(super) async fn possible(target: &Target) -> std::result::Result<(), String> {
    if !geteuid().is_root() {
        return Err("only root can give a host a small file system of its own".to_owned());
    }
    for name in ["mount", "umount", "cp"] {
        environment::program(name).ok_or_else(|| format!("{name} is not installed"))?;
    }
    let parts = target.parts().await.map_err(|error| error.to_string())?;
    let pid = parts.iter().find_map(|part| part.pid.filter(|_| part.kind == "patroni"));
    let mounts = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    if mounts("self") != pid.and_then(|pid| mounts(&pid.to_string())) {
        return Err("the house sees other file systems than this command".to_owned());
    }
    Ok(())
}

/// Moves the log of a replica to a small file system, and makes it the primary.
pub(super) async fn prepare(target: &Target, hosts: &[Host]) -> Result<()> {
    let leader = postgres::leader(hosts).await?;
    let host = hosts.iter().find(|host| host.name != leader.name);
    let host = host.ok_or_else(|| Error::Failed("Postgres has no replica".to_owned()))?;
    stop(target, host).await?;
    let (wal, aside) = (wal(host), aside(host));
    copy(&wal, &aside).await?;
    let account = Account::for_servers()?;
    let size = used(&wal)? + FREE;
    let options = format!("size={size},mode=0700,uid={},gid={}", account.uid, account.gid);
    let mounted = tool::run("mount", ["-t", "tmpfs", "-o", &options, "tmpfs", &wal.to_string_lossy()]).await;
    if mounted.is_ok() {
        tool::run("cp", ["-a", &format!("{}/.", aside.display()), &wal.to_string_lossy()]).await?;
    }
    fs::remove_dir_all(&aside).map_err(Error::file(&aside))?;
    target.start(&host.name).await?;
    mounted?;
    target.whole(STEP_WITHIN).await?;
    lead(hosts, host).await?;
    target.whole(STEP_WITHIN).await
}

/// Makes it the primary, as soon as Patroni takes it for good enough.
async fn lead(hosts: &[Host], host: &Host) -> Result<()> {
    let deadline = Instant::now() + STEP_WITHIN;
    while postgres::leader(hosts).await.map_or(true, |leader| leader.name != host.name) {
        match postgres::switch_over(hosts, Some(host)).await {
            Err(error) if Instant::now() >= deadline => return Err(error),
            _ => sleep(LOOK_EVERY).await,
        }
    }
    Ok(())
}

/// The host that has one.
pub(super) fn small(hosts: &[Host]) -> Option<&Host> {
    hosts.iter().find(|host| is_mounted(&wal(host)))
}

/// Leaves no room for the next piece of log, and waits until another host leads.
pub(super) async fn fill(hosts: &[Host], host: &Host) -> Result<()> {
    let (deadline, mut runs) = (Instant::now() + LOST_WITHIN, true);
    loop {
        take_all(&wal(host).join(FILLER))?;
        if runs {
            // What is left of the pieces that are there already is skipped, until there is no next one.
            let sql = "SELECT pg_logical_emit_message(true, 'drill', 'full'); SELECT pg_switch_wal()";
            runs = session::run(host, sql, STATEMENT_WITHIN).await.is_ok();
        }
        match postgres::leader(hosts).await {
            Ok(leader) if leader.name != host.name => return Ok(()),
            _ if Instant::now() >= deadline => {
                let seconds = LOST_WITHIN.as_secs();
                return Err(Error::Failed(format!("{} still leads {seconds} s after", host.name)));
            }
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

/// Makes room: also for all that the others have written since, which the host has to catch up with.
pub(super) async fn empty(host: &Host) -> Result<()> {
    let wal = wal(host);
    drop(fs::remove_file(wal.join(FILLER)));
    let options = format!("remount,size={ROOM}");
    tool::run("mount", ["-o", &options, &wal.to_string_lossy()]).await
}

/// Moves the log back to where it was; there may be nothing to do.
pub(super) async fn put_back(target: &Target, hosts: &[Host]) -> Result<()> {
    let Some(host) = small(hosts) else { return Ok(()) };
    empty(host).await?;
    stop(target, host).await?;
    let (wal, aside) = (wal(host), aside(host));
    copy(&wal, &aside).await?;
    unmount(&wal).await?;
    // What lay below is older than what was written since.
    let below = wal.with_extension("below");
    fs::rename(&wal, &below).and_then(|()| fs::rename(&aside, &wal)).map_err(Error::file(&wal))?;
    fs::remove_dir_all(&below).map_err(Error::file(&below))?;
    target.start(&host.name).await?;
    target.whole(STEP_WITHIN).await
}

async fn stop(target: &Target, host: &Host) -> Result<()> {
    target.hold(&host.name).await?;
    // In good order first. One whose log had no room may wait for what has died, and never end by itself.
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        let Some(pid) = postgres::running(host) else { return Ok(()) };
        kill(Pid::from_raw(pid), signal).ok();
        let deadline = Instant::now() + ENDS_WITHIN;
        while postgres::running(host).is_some() && Instant::now() < deadline {
            sleep(LOOK_EVERY).await;
        }
    }
    match postgres::running(host) {
        None => Ok(()),
        Some(_) => Err(Error::Failed(format!("the Postgres of {} does not end", host.name))),
    }
}

async fn copy(wal: &Path, aside: &Path) -> Result<()> {
    if aside.exists() {
        fs::remove_dir_all(aside).map_err(Error::file(aside))?;
    }
    tool::run("cp", [Path::new("-a"), wal, aside]).await
}

/// Somebody may look into it just now.
async fn unmount(wal: &Path) -> Result<()> {
    let deadline = Instant::now() + STATEMENT_WITHIN;
    loop {
        match tool::run("umount", [wal]).await {
            Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
            other => return other,
        }
    }
}

fn take_all(filler: &Path) -> Result<()> {
    let opened = fs::OpenOptions::new().create(true).append(true).open(filler);
    let mut file = match opened {
        Ok(file) => file,
        // Not even its name has room.
        Err(_) if filler.parent().is_some_and(Path::is_dir) => return Ok(()),
        Err(error) => return Err(Error::file(filler)(error)),
    };
    let block = vec![1; 64 << 10];
    while file.write_all(&block).is_ok() {}
    Ok(())
}

fn used(wal: &Path) -> Result<u64> {
    let entries = fs::read_dir(wal).map_err(Error::file(wal))?;
    Ok(entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum())
}

fn wal(host: &Host) -> PathBuf {
    host.data.join("pg_wal")
}

fn aside(host: &Host) -> PathBuf {
    host.data.with_extension("wal")
}

fn is_mounted(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).ok().map(|meta| meta.dev());
    folder.parent().is_some_and(|above| device(folder) != device(above))
}
