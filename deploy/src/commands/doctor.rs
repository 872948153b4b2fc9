//! `switchboard doctor`: every dependency, how it is, and what to do about it.

use super::{access::Access, agents};
use crate::{
    client::Client,
    environment,
    error::{Error, Result},
    house::{self, House},
    terminal::{self, clean_line},
    topology::{
        account::Account,
        binaries::{self, Binaries},
        members, node,
    },
};
use chrono::Utc;
use clap::Args;
use futures::future::join_all;
use nix::sys::{
    resource::{Resource, getrlimit},
    statvfs::statvfs,
};
use serde::Serialize;
use std::path::Path;
use tokio::process::Command;

/// Below this many days a certificate's end is worth a word.
const CERTIFICATE_DAYS: i64 = 14;
/// Less free space than this is worth a word; a tenth of it is a failure.
const FREE_BYTES: u64 = 5 << 30;
/// Fewer files than this at once limit the sockets of an edge.
const FILES: u64 = 4096;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// One finding.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    what: String,
    state: State,
    is: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    todo: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    fn new(what: impl Into<String>, state: State, is: impl Into<String>, todo: &'static str) -> Self {
        let todo = if state == State::Ok { "" } else { todo };
        Self { what: what.into(), state, is: clean_line(&is.into()), todo }
    }

    fn line(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        let todo = if self.todo.is_empty() { String::new() } else { format!("\n        → {}", self.todo) };
        format!("{state:4}  {:22} {}{todo}", self.what, self.is)
    }
}

impl Doctor {
    /// Looks at everything.
    ///
    /// # Errors
    /// When something is as it must not be (exit code 1).
    pub async fn run(&self) -> Result<()> {
        let mut findings = programs().await;
        findings.extend(machine(&House::data_folder(self.access.data.as_deref())));
        findings.extend(self.house().await);
        if self.json {
            terminal::json(&findings);
        } else {
            findings.iter().for_each(|finding| terminal::table(&finding.line()));
        }
        match findings.iter().filter(|finding| finding.state == State::Fail).count() {
            0 => Ok(()),
            failed => Err(Error::Failed(format!("{failed} of {} checks failed", findings.len()))),
        }
    }

    async fn house(&self) -> Vec<Finding> {
        let running = match (&self.access.url, House::find(self.access.data.as_deref())) {
            (None, Err(error)) => {
                return vec![Finding::new(
                    "house",
                    State::Warn,
                    error.to_string(),
                    "start one: `switchboard up`",
                )];
            }
            (None, Ok(house)) => Some(house),
            (Some(_), _) => None,
        };
        let mut findings = Vec::new();
        if let Some(house) = &running {
            findings.push(Finding::new(
                "house",
                State::Ok,
                format!("process {} in {}", house.pid, house.data.display()),
                "",
            ));
            findings.extend(state(house).await);
            findings.extend(tiers(house).await);
        }
        match self.access.client(&["user", "agent-admin"]) {
            Ok(client) => {
                findings.push(certificate(&client).await);
                findings.extend(registry(&client).await);
            }
            Err(error) => {
                findings.push(Finding::new("access", State::Fail, error.to_string(), "set SWITCHBOARD_TOKEN"))
            }
        }
        if let Some(house) = &running {
            findings.push(llm(house));
        }
        findings
    }
}

async fn programs() -> Vec<Finding> {
    let mut findings = vec![match Binaries::find(None) {
        Ok(found) => Finding::new(
            "postgres",
            State::Ok,
            format!("PostgreSQL {} in {}", found.version, found.folder.display()),
            "",
        ),
        Err(error) => {
            Finding::new("postgres", State::Fail, error.to_string(), "install it: `deploy/install`")
        }
    }];
    findings.push(match environment::program("redis-server") {
        Some(program) => Finding::new("redis-server", State::Ok, version(&program).await, ""),
        None => Finding::new(
            "redis-server",
            State::Warn,
            "not installed; one core and one edge do without",
            "install it for more: `deploy/install`",
        ),
    });
    findings.extend(full_programs());
    for name in ["switchboard-core", "switchboard-edge", "switchboard-agents"] {
        findings.push(match environment::sibling(name, None) {
            Ok(path) => Finding::new(name, State::Ok, path.display().to_string(), ""),
            Err(error) => Finding::new(
                name,
                State::Fail,
                error.to_string(),
                "build it: `cargo build --workspace --bins`",
            ),
        });
    }
    findings
}

/// What `up --full` needs besides; the small house does without.
fn full_programs() -> Vec<Finding> {
    let patroni = Account::for_servers().and_then(|account| binaries::patroni(&account));
    let (etcd, backups) = (environment::program("etcd"), environment::program("pgbackrest"));
    [("etcd", etcd), ("Patroni", patroni.ok()), ("pgBackRest", backups)]
        .map(|(name, found)| match found {
            Some(path) => Finding::new(name, State::Ok, path.display().to_string(), ""),
            None => {
                let is = "not installed; only `switchboard up --full` needs it";
                Finding::new(name, State::Warn, is, "install it for that: `deploy/install full`")
            }
        })
        .into()
}

async fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output().await;
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn machine(data: &Path) -> Vec<Finding> {
    let place = if data.exists() { data } else { Path::new(".") };
    let disk = match statvfs(place) {
        Ok(stat) => {
            let free = stat.blocks_available().saturating_mul(stat.fragment_size());
            let is = format!("{} GiB free for {}", free >> 30, place.display());
            Finding::new("disk", space(free), is, "make room: the database stops when the disk is full")
        }
        Err(error) => Finding::new("disk", State::Warn, error.to_string(), "look at the data folder"),
    };
    let files = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((now, most)) => {
            let state = if now < FILES { State::Warn } else { State::Ok };
            let is = format!("{now} files at once (at most {most}); each socket takes one or two");
            Finding::new("file descriptors", state, is, "raise it before starting: `ulimit -n 20000`")
        }
        Err(error) => Finding::new("file descriptors", State::Warn, error.to_string(), "look at `ulimit -n`"),
    };
    vec![disk, files]
}

fn space(free: u64) -> State {
    match free {
        free if free < FREE_BYTES / 10 => State::Fail,
        free if free < FREE_BYTES => State::Warn,
        _ => State::Ok,
    }
}

/// The members of a full house's state.
async fn state(house: &House) -> Vec<Finding> {
    let todo = "look at its log in the data folder's logs/";
    let finding = |(name, said): (String, Result<String>)| match said {
        Ok(said) => Finding::new(name, State::Ok, said, ""),
        Err(error) => Finding::new(name, State::Fail, error.to_string(), todo),
    };
    members::look(house).await.into_iter().map(finding).collect()
}

async fn tiers(house: &House) -> Vec<Finding> {
    let named = |tier: &'static str, nodes: &[house::Node]| -> Vec<(String, house::Node)> {
        nodes.iter().zip(1..).map(|(node, number)| (format!("{tier}-{number}"), node.clone())).collect()
    };
    let all = named("core", &house.cores).into_iter().chain(named("edge", &house.edges));
    join_all(all.map(|(name, node)| async move {
        match node::readiness(&node.admin).await {
            Ok(()) => Finding::new(name, State::Ok, format!("ready at {}", node.url), ""),
            Err(error) => Finding::new(
                name,
                State::Fail,
                error.to_string(),
                "look at its log in the data folder's logs/",
            ),
        }
    }))
    .await
}

async fn certificate(client: &Client) -> Finding {
    let what = "edge and certificate";
    match client.certificate_expiry().await {
        Ok(Some(expiry)) => {
            let days = (expiry - Utc::now()).num_days();
            let state = match days {
                ..0 => State::Fail,
                0..CERTIFICATE_DAYS => State::Warn,
                _ => State::Ok,
            };
            Finding::new(
                what,
                state,
                format!("{} answers; its certificate is good for {days} days", client.base()),
                "renew it",
            )
        }
        Ok(None) => {
            Finding::new(what, State::Warn, format!("{} answers without TLS", client.base()), "use https")
        }
        Err(error) => {
            Finding::new(what, State::Fail, error.to_string(), "is the edge running, and is this its CA?")
        }
    }
}

async fn registry(client: &Client) -> Vec<Finding> {
    let probes = async {
        let all = agents::all(client).await?;
        agents::probe(client, all.into_iter().map(|agent| agent.id).collect()).await
    };
    let probes = match probes.await {
        Ok(probes) => probes,
        Err(error) => {
            return vec![Finding::new("agents", State::Fail, error.to_string(), "look at the core's log")];
        }
    };
    if probes.is_empty() {
        return vec![Finding::new(
            "agents",
            State::Warn,
            "none is registered",
            "`switchboard agents add URL`",
        )];
    }
    let good = probes.iter().filter(|probe| probe.ok).count();
    let state = if good == 0 { State::Fail } else { State::Ok };
    let mut findings =
        vec![Finding::new("agents", state, format!("{good} of {} answer", probes.len()), "start them")];
    findings.extend(probes.iter().filter(|probe| !probe.ok).map(|probe| {
        let reason = probe.reason.clone().unwrap_or_default();
        Finding::new(
            format!("agent {}", probe.agent),
            State::Warn,
            reason,
            "start it, or `switchboard agents remove` it",
        )
    }));
    findings
}

fn llm(house: &House) -> Finding {
    match house.without.iter().find(|what| what.contains("LLM")) {
        Some(what) => Finding::new(
            "LLM",
            State::Warn,
            what.clone(),
            "give `switchboard up` an endpoint, if you have one",
        ),
        None => Finding::new("LLM", State::Ok, "configured", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_to_do_unless_all_is_well() {
        let fine = Finding::new("x", State::Ok, "good", "nothing");
        assert_eq!(fine.line(), "ok    x                      good");
        let bad = Finding::new("x", State::Fail, "a\nb\x1b", "mend it");
        assert_eq!(bad.line(), "fail  x                      a b\n        → mend it");
        assert_eq!([1 << 20, 1 << 31, 1 << 40].map(space), [State::Fail, State::Warn, State::Ok]);
    }
}
