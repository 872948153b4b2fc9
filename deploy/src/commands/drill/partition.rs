//! A host of Postgres that is cut off from all others: a packet filter drops what it says to them and they to it. Its
//! own Patroni still reaches its own Postgres, by the socket. The rules forget their ports by themselves after a while,
//! so that a drill that was killed cuts nothing for ever.

use super::{postgres::Host, target::Target, tool};
use crate::{
    environment,
    error::{Error, Result},
    topology::account::Account,
};
use std::{fs, os::unix::fs::MetadataExt, time::Duration};
use url::Url;

/// The table of these rules and of nothing else.
const TABLE: &str = "inet switchboard_drill";
/// How much longer than the drill needs the rules know their ports.
const SPARE: Duration = Duration::from_secs(120);

/// Fails with the reason when this machine does not let us.
pub(super) async fn possible(target: &Target, hosts: &[Host]) -> std::result::Result<(), String> {
    if environment::program("nft").is_none() {
        return Err("nft is not installed (Debian: `apt install nftables`)".to_owned());
    }
    tool::run("nft", ["list", "tables"]).await.map_err(|error| format!("no packet filter: {error}"))?;
    let plain = Account::for_servers().map_err(|error| error.to_string())?.gid;
    for host in hosts {
        let pid = pid(target, host).await.map_err(|error| error.to_string())?;
        if group(pid) == Some(plain) {
            return Err(
                "the hosts have no groups of their own, since the house was not started by root".into()
            );
        }
        let network = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        if network("self") != network(&pid.to_string()) {
            return Err("the house has another network than this command".to_owned());
        }
    }
    Ok(())
}

/// Cuts a host off, for at most somewhat more than `hold`.
pub(super) async fn cut(target: &Target, hosts: &[Host], host: &Host, hold: Duration) -> Result<()> {
    let group = group(pid(target, host).await?)
        .ok_or_else(|| Error::Failed(format!("the group of {} cannot be read", host.name)))?;
    let mut others = Vec::new();
    for other in hosts.iter().filter(|other| other.name != host.name) {
        others.extend(ports(other)?);
    }
    for member in target.described("etcd") {
        others.extend(member["url"].as_str().and_then(port));
    }
    tool::told("nft", ["-f", "-"], &rules(group, &ports(host)?, &others, hold + SPARE)).await
}

/// Lets everybody speak to everybody again; there may be nothing to do.
pub(super) async fn heal() -> Result<()> {
    // Made first, so that it is there to be deleted.
    tool::told("nft", ["-f", "-"], &format!("table {TABLE}\ndelete table {TABLE}\n")).await
}

/// Lets everybody speak to everybody again, where a drill that was interrupted has left rules.
pub(super) async fn put_back() -> Result<()> {
    let args = ["list", "table", "inet", "switchboard_drill"];
    match environment::program("nft").is_some() && tool::run("nft", args).await.is_ok() {
        true => heal().await,
        false => Ok(()),
    }
}

/// What the host says is known by the group of its processes, and each of its connections by its ports from then on:
/// what is left of a connection whose process is gone belongs to no group.
fn rules(group: u32, own: &[u16], others: &[u16], forget: Duration) -> String {
    let seconds = forget.as_secs();
    let list = |ports: &[u16]| {
        let ports: Vec<_> = ports.iter().map(|port| format!("{port} timeout {seconds}s")).collect();
        ports.join(", ")
    };
    format!(
        "table {TABLE}
delete table {TABLE}
table {TABLE} {{
  set own {{ type inet_service; flags timeout; elements = {{ {} }}; }}
  set others {{ type inet_service; flags timeout; elements = {{ {} }}; }}
  set flows {{ type inet_service . inet_service; flags dynamic,timeout; timeout {seconds}s; size 65535; }}
  chain out {{
    type filter hook output priority 0; policy accept;
    meta skgid {group} tcp dport @others add @flows {{ tcp sport . tcp dport }}
    tcp sport . tcp dport @flows drop
    tcp dport . tcp sport @flows drop
    tcp dport @own drop
    tcp sport @own drop
  }}
}}
",
        list(own),
        list(others)
    )
}

fn ports(host: &Host) -> Result<Vec<u16>> {
    let rest = port(&host.patroni_url);
    let rest = rest.ok_or_else(|| Error::Failed(format!("{} is described without a port", host.name)))?;
    Ok(vec![host.port, rest])
}

fn port(url: &str) -> Option<u16> {
    Url::parse(url).ok()?.port()
}

async fn pid(target: &Target, host: &Host) -> Result<u32> {
    let parts = target.parts().await?;
    let part = parts.into_iter().find(|part| part.name == host.name);
    part.and_then(|part| part.pid).ok_or_else(|| Error::Failed(format!("{} does not run", host.name)))
}

/// The group that a process runs in.
fn group(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|meta| meta.gid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_cut_in_both_directions_and_the_rules_forget_it() {
        let rules = rules(190, &[5001, 8001], &[2379], Duration::from_secs(150));
        for line in [
            "elements = { 5001 timeout 150s, 8001 timeout 150s }",
            "elements = { 2379 timeout 150s }",
            "meta skgid 190 tcp dport @others add @flows",
            "tcp dport @own drop",
            "tcp sport @own drop",
        ] {
            assert!(rules.contains(line), "{line} is not in {rules}");
        }
        assert_eq!(port("http://patroni:word@127.0.0.1:8001"), Some(8001));
    }
}
