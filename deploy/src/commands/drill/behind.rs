//! Followers of Postgres that are behind: what they receive is held up for a moment, as by a slow link, and what came to
//! them in that time is never read. Without quorum commit that is a loss; with it, sends wait.

use super::postgres::{self, Host};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, time::Duration};
use tokio::time::sleep;

/// How far behind they are when the primary goes: less than Patroni takes for too far (`maximum_lag_on_failover`).
pub(super) const BEHIND: Duration = Duration::from_secs(1);

/// The receivers that are stopped; let go when this goes.
#[derive(Debug)]
pub(super) struct Stopped(Vec<Pid>);

/// Stops the receiver of each follower, and waits.
pub(super) async fn hold_up(hosts: &[Host], leader: &Host) -> Stopped {
    let followers = hosts.iter().filter(|host| host.name != leader.name);
    let stopped = Stopped(followers.filter_map(receiver).collect());
    for pid in &stopped.0 {
        kill(*pid, Signal::SIGSTOP).ok();
    }
    sleep(BEHIND).await;
    stopped
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It is told to end first, so that it does not read what has come to it meanwhile.
            kill(*pid, Signal::SIGTERM).ok();
            kill(*pid, Signal::SIGCONT).ok();
        }
    }
}

/// The process that receives the log, a child of the host's server.
fn receiver(host: &Host) -> Option<Pid> {
    let server = postgres::running(host)?;
    let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).ok()?;
    let receives = |pid: &i32| {
        let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&title).contains("walreceiver")
    };
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(receives).map(Pid::from_raw)
}
