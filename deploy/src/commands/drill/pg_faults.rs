//! What is done to Postgres in its drills.

use super::{
    behind, disk,
    faults::Scene,
    partition,
    postgres::{self, Host},
    session,
};
use crate::error::{Error, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::sleep;

impl Scene<'_> {
    /// The server's process alone: what watches it stays. In a small house that is the house itself.
    pub(super) async fn kill_primary(&mut self) -> Result<()> {
        let hosts = self.hosts();
        if hosts.is_empty() {
            return self.kill("postgres").await;
        }
        let leader = postgres::leader(&hosts).await?;
        let behind = self.settings.behind();
        let what = format!("the primary killed, its Patroni ({}) stays{}", leader.name, words(behind));
        let work = async {
            let _held_up = if behind { Some(behind::hold_up(&hosts, &leader).await) } else { None };
            kill_postmaster(&leader)
        };
        self.fault(&what, work).await
    }

    pub(super) async fn kill_replica(&mut self) -> Result<()> {
        let hosts = self.hosts();
        let leader = postgres::leader(&hosts).await?;
        let replica = hosts.iter().find(|host| host.name != leader.name);
        let replica = replica.ok_or_else(|| Error::Failed("Postgres has no replica".to_owned()))?;
        self.fault(&format!("a replica killed ({})", replica.name), async { kill_postmaster(replica) }).await
    }

    pub(super) async fn switch_over(&mut self) -> Result<()> {
        let hosts = self.hosts();
        self.fault("the primary hands over", postgres::switch_over(&hosts, None)).await
    }

    pub(super) async fn lose_host(&mut self) -> Result<()> {
        let (target, hosts) = (self.target, self.hosts());
        let leader = postgres::leader(&hosts).await?;
        let name = leader.name.clone();
        let (hold, behind) = (self.settings.hold(30), self.settings.behind());
        let what = format!("the primary's host lost ({name}, its Patroni too){}", words(behind));
        let work = async {
            let held_up = if behind { Some(behind::hold_up(&hosts, &leader).await) } else { None };
            target.hold(&name).await?;
            kill_postmaster(&leader)?;
            drop(held_up);
            // Long enough for the others to take over; then the host comes back.
            sleep(hold).await;
            target.start(&name).await
        };
        self.fault(&what, work).await
    }

    /// The primary's host goes on and believes in itself; what it cannot do is commit.
    pub(super) async fn cut_off(&mut self) -> Result<()> {
        let (target, hosts, hold) = (self.target, self.hosts(), self.settings.hold(30));
        let leader = postgres::leader(&hosts).await?;
        // Otherwise nothing would be shown by commits that fail later.
        session::commit(&leader).await?;
        let what = format!("the primary's host cut off for {} s ({})", hold.as_secs(), leader.name);
        let mut tried = session::Tried::default();
        let work = async {
            partition::cut(target, &hosts, &leader, hold).await?;
            tried = session::commits(&leader, hold).await;
            partition::heal().await?;
            match tried.done {
                0 => Ok(()),
                done => Err(Error::Failed(format!("{done} commits were done there while it was cut off"))),
            }
        };
        let done = self.fault(&what, work).await;
        for (what, count) in [("done", tried.done), ("open", tried.open), ("refused", tried.refused)] {
            self.also.insert(format!("commits_{what}_while_cut_off"), count.into());
        }
        done
    }

    pub(super) async fn fill_disk(&mut self) -> Result<()> {
        let (hosts, hold) = (self.hosts(), self.settings.hold(10));
        let host = disk::small(&hosts).cloned();
        let host = host.ok_or_else(|| Error::Failed("no host has a small disk".to_owned()))?;
        let what = format!("the primary's disk full ({}, a tmpfs for its log)", host.name);
        let work = async {
            disk::fill(&hosts, &host).await?;
            sleep(hold).await;
            disk::empty(&host).await
        };
        self.fault(&what, work).await
    }

    fn hosts(&self) -> Vec<Host> {
        postgres::hosts(&self.target.described("postgres"))
    }
}

fn words(behind: bool) -> &'static str {
    if behind { ", its followers a second behind" } else { "" }
}

fn kill_postmaster(host: &Host) -> Result<()> {
    let pid = postgres::running(host)
        .ok_or_else(|| Error::Failed(format!("the Postgres of {} does not run", host.name)))?;
    kill(Pid::from_raw(pid), Signal::SIGKILL)
        .map_err(|error| Error::Failed(format!("process {pid} of {} cannot be killed: {error}", host.name)))
}
