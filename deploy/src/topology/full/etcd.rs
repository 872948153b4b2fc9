//! The three members of etcd.

use super::{
    ask::http,
    places::Full,
    template::{filled, yaml},
};
use crate::{
    environment,
    error::{Error, Result},
    topology::{
        files,
        process::{Process, Spec},
    },
};
use std::time::Duration;
use switchboard_shared::cause::Cause;
use tokio::time::{Instant, sleep};

pub(super) const TEMPLATE: &str = include_str!("../../../full/etcd.yml");
#[cfg(test)]
pub(super) const VALUES: &[&str] = &["name", "folder", "client_port", "peer_port", "members"];

/// How long the three may take to agree on a leader.
const START_WITHIN: Duration = Duration::from_secs(30);

/// A member.
#[derive(Debug)]
pub struct Etcd {
    process: Process,
    port: u16,
}

impl Etcd {
    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn wait_until_healthy(&self) -> Result<()> {
        let (client, deadline) = (http()?, Instant::now() + START_WITHIN);
        loop {
            if let Some(status) = self.process.try_wait() {
                return Err(self.process.fault(&format!("ended while starting ({status})"), None));
            }
            if client
                .get(format!("{}/health", self.url()))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.process.fault("is not healthy", None));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What a member is, `leader` or `follower`; it is neither without a majority.
pub(crate) async fn role(url: &str) -> Result<&'static str> {
    let failed = |error: reqwest::Error| Error::Unreachable(format!("etcd at {url}: {}", Cause::of(&error)));
    let asked = http()?.post(format!("{url}/v3/maintenance/status")).json(&serde_json::json!({})).send();
    let status: serde_json::Value = asked.await.map_err(failed)?.json().await.map_err(failed)?;
    // Without a leader the field is missing, as protobuf's zero.
    match (status["leader"].as_str(), status["header"]["member_id"].as_str()) {
        (Some(leader), Some(member)) if leader == member => Ok("leader"),
        (Some(_), Some(_)) => Ok("follower"),
        _ => Err(Error::Failed(format!("etcd at {url} has no leader"))),
    }
}

/// Starts the three at once: one alone has no majority.
pub(super) async fn start(full: &Full<'_>) -> Result<Vec<Etcd>> {
    let program = environment::program("etcd").ok_or_else(|| Error::Missing {
        program: "etcd".to_owned(),
        hint: "a full house keeps its writer's name there (Debian: `apt install etcd-server`); \
               `deploy/install full` does it for you"
            .to_owned(),
    })?;
    let members: Vec<_> = (1..)
        .zip(full.places.etcd)
        .map(|(number, (_, peer))| format!("etcd-{number}=http://127.0.0.1:{peer}"))
        .collect();
    let mut started = Vec::new();
    for (number, (client, peer)) in (1..).zip(full.places.etcd) {
        let name = format!("etcd-{number}");
        let file = full.base.join(format!("{name}.yml"));
        let text = filled(
            TEMPLATE,
            &[
                ("name", name.as_str()),
                ("folder", &yaml(&full.base.join(&name))),
                ("client_port", &client.to_string()),
                ("peer_port", &peer.to_string()),
                ("members", &members.join(",")),
            ],
        );
        files::secret(&file, &text)?;
        full.account.own(&file)?;
        let mut spec = Spec::program(&name, program.clone(), full.logs).args(["--config-file".into(), file]);
        (spec.user, spec.ready_within) = (full.account.switch(), None);
        started.push(Etcd { process: Process::start(spec).await?, port: client });
    }
    for etcd in &started {
        etcd.wait_until_healthy().await?;
    }
    Ok(started)
}
