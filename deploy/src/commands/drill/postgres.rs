//! The replicated Postgres of a full house, as its Patroni describes it.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// How long Patroni may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// One host, as the description of a house has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) patroni_url: String,
    pub(super) data: std::path::PathBuf,
    #[serde(default)]
    pub(super) socket: std::path::PathBuf,
}

/// One member, as `GET /cluster` has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) role: String,
    #[serde(default)]
    pub(super) state: String,
}

/// Reads them; none in a small house.
pub(super) fn hosts(described: &[Value]) -> Vec<Host> {
    described.iter().filter_map(|host| serde_json::from_value(host.clone()).ok()).collect()
}

/// What any host's Patroni says of all members.
pub(super) async fn members(hosts: &[Host]) -> Result<Vec<Member>> {
    #[derive(Deserialize)]
    struct Cluster {
        members: Vec<Member>,
    }
    let mut last = Error::Failed("no Postgres host is described".to_owned());
    for host in hosts {
        let asked = http()?.get(format!("{}/cluster", host.patroni_url.trim_end_matches('/'))).send().await;
        match asked {
            Ok(answer) => match answer.json::<Cluster>().await {
                Ok(cluster) => return Ok(cluster.members),
                Err(error) => last = unreadable(host, &error),
            },
            Err(error) => last = unreadable(host, &error),
        }
    }
    Err(last)
}

/// The host that has the leader.
pub(super) async fn leader(hosts: &[Host]) -> Result<Host> {
    let members = members(hosts).await?;
    let leader = members.iter().find(|member| is_leader(member));
    let host = leader.and_then(|leader| hosts.iter().find(|host| leader.name == host.name));
    host.cloned().ok_or_else(|| Error::Failed("Postgres has no leader".to_owned()))
}

/// Fails unless there is a leader and every other host follows it.
pub(super) async fn whole(described: &[Value]) -> Result<()> {
    let hosts = hosts(described);
    if hosts.is_empty() {
        return Ok(());
    }
    // What is written down of a host outlives it by some seconds, so each is asked itself.
    for host in &hosts {
        let asked = http()?.get(format!("{}/health", host.patroni_url.trim_end_matches('/'))).send().await;
        asked.and_then(reqwest::Response::error_for_status).map_err(|error| unreadable(host, &error))?;
    }
    let members = members(&hosts).await?;
    if !members.iter().any(is_leader) {
        return Err(Error::Failed("Postgres has no leader".to_owned()));
    }
    let following = members.iter().filter(|member| !is_leader(member) && member.state == "streaming").count();
    match hosts.len() - 1 - following.min(hosts.len() - 1) {
        0 => Ok(()),
        missing => Err(Error::Failed(format!("{missing} replicas of Postgres do not follow yet"))),
    }
}

/// Moves the leader to another host, in good order: to this one, or to whichever Patroni likes.
pub(super) async fn switch_over(hosts: &[Host], to: Option<&Host>) -> Result<()> {
    let leader = leader(hosts).await?;
    let url = format!("{}/switchover", leader.patroni_url.trim_end_matches('/'));
    let mut wanted = serde_json::json!({"leader": leader.name});
    if let Some(to) = to {
        wanted["candidate"] = to.name.as_str().into();
    }
    let asked = http()?.post(url).json(&wanted).timeout(ANSWER_WITHIN * 6);
    let answer = asked.send().await.map_err(|error| unreadable(&leader, &error))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => {
            let said = answer.text().await.unwrap_or_default();
            Err(Error::Failed(format!("Patroni refuses to switch over: {status} {}", said.trim())))
        }
    }
}

/// Whether a commit waits for a replica (`quorum`, `on`) or not (`off`); what it was before.
pub(super) async fn synchronous_mode(hosts: &[Host], mode: &Value) -> Result<Value> {
    let leader = leader(hosts).await?;
    let url = format!("{}/config", leader.patroni_url.trim_end_matches('/'));
    let failed = |error: reqwest::Error| unreadable(&leader, &error);
    let before = http()?.get(&url).send().await.map_err(failed)?;
    let before: Value = before.json().await.map_err(failed)?;
    let asked = http()?.patch(&url).json(&serde_json::json!({"synchronous_mode": mode})).send().await;
    asked.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    Ok(before["synchronous_mode"].clone())
}

/// Whether a commit waits for a follower just now: Patroni does what it was told a moment later.
pub(super) async fn waits_for_followers(hosts: &[Host]) -> Result<bool> {
    let waited_for = |member: &Member| matches!(member.role.as_str(), "quorum_standby" | "sync_standby");
    Ok(members(hosts).await?.iter().any(waited_for))
}

/// The process of a host's server, by its own file; none when it does not run.
pub(super) fn running(host: &Host) -> Option<i32> {
    let text = std::fs::read_to_string(host.data.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse::<i32>().ok().filter(|pid| *pid > 1)?;
    // A stale file may hold the id of another process by now, so the process itself is asked which folder it has.
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let folder = host.data.as_os_str().as_encoded_bytes();
    let mine = command.split(|byte| *byte == 0).any(|word| word.ends_with(folder));
    mine.then_some(pid)
}

fn is_leader(member: &Member) -> bool {
    member.role == "leader" && member.state == "running"
}

fn http() -> Result<reqwest::Client> {
    let built = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build();
    built.map_err(|error| Error::Failed(format!("no HTTP client: {error}")))
}

fn unreadable(host: &Host, error: &reqwest::Error) -> Error {
    Error::Unreachable(format!("Patroni of {}: {error}", host.name))
}
