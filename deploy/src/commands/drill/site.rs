//! The house of a drill: one core, one edge, two tenants, and agents of each.

use super::agent::{Agent, Manner};
use crate::{
    client::Client,
    error::{Error, Result},
    topology::{Options, Topology, config, files, issuer::Claims},
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep};

/// Who floods.
pub(super) const LOUD: &str = "loud";
/// Whose messages are timed.
pub(super) const QUIET: &str = "quiet";
const QUICK: Manner = Manner { hangs: false, card_bytes: 0, after: Duration::ZERO };
/// How long one message is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// It runs.
pub(super) struct Site {
    topology: Topology,
    folder: PathBuf,
    quick: Agent,
    _hanging: Agent,
    ann: Client,
    room: String,
}

impl Site {
    pub(super) async fn start(programs: Option<PathBuf>) -> Result<Self> {
        let folder = files::temporary("drill")?;
        let options = Options {
            data: folder.join("data"),
            agents: false,
            register_agents: false,
            programs,
            core_overrides: toml::toml! {
                [agents]
                allow_private_addresses = true
            },
            // What is measured is the core behind them.
            edge_overrides: config::unlimited(),
            ..Options::default()
        };
        let topology = Topology::start(options).await?;
        let (quick, hanging) = (
            Agent::start("quick", QUICK).await?,
            Agent::start("hanging", Manner { hangs: true, ..QUICK }).await?,
        );
        let ann = caller(&topology, QUIET, "ann", &[])?;
        let (quick_url, hanging_url) = (quick.url.clone(), hanging.url.clone());
        let room = room(&ann).await?;
        let site = Self { topology, folder, quick, _hanging: hanging, ann, room };
        for (tenant, id, url) in
            [(QUIET, "quick", &quick_url), (LOUD, "quick", &quick_url), (LOUD, "hanging", &hanging_url)]
        {
            let examples = json!([{"text": "is the kettle on", "language": "en"}]);
            let new = json!({"url": url, "id": id, "examples": examples});
            site.caller(tenant, "olga", &[])?.post::<Value>("/v1/agents", &new).await?;
        }
        site.probe().await?;
        Ok(site)
    }

    /// Somebody of a tenant, who may do everything there is to do.
    pub(super) fn caller(&self, tenant: &str, user: &str, groups: &[String]) -> Result<Client> {
        caller(&self.topology, tenant, user, groups)
    }

    /// Times one message of the quiet tenant, from being sent to being answered.
    pub(super) async fn probe(&self) -> Result<Duration> {
        let began = Instant::now();
        let turn = say(&self.ann, &self.room, "Is the kettle on?").await?;
        loop {
            let view: Value = self.ann.get(&format!("/v1/turns/{turn}")).await?;
            if view["state"] != "running" {
                return Ok(began.elapsed());
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::Failed("the quiet tenant's message was not answered".to_owned()));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    pub(super) fn quick_url(&self) -> &str {
        &self.quick.url
    }

    /// Resident megabytes of the core and of the edge.
    pub(super) fn memory(&self) -> [f64; 2] {
        let nodes = [&self.topology.cores()[0], &self.topology.edges()[0]];
        nodes.map(|node| node.pid().and_then(resident).unwrap_or(0.0))
    }

    /// Ends the house; its folder goes with it.
    pub(super) async fn stop(self) {
        drop(self.topology.stop().await);
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn caller(topology: &Topology, tenant: &str, user: &str, groups: &[String]) -> Result<Client> {
    let invalid = |error: switchboard_shared::ids::InvalidId| Error::Invalid(error.to_string());
    let mut claims = Claims::demo(user, &["user", "agent-admin"])?;
    claims.tenant = tenant.parse().map_err(invalid)?;
    claims.groups = groups.iter().map(|group| group.parse()).collect::<Result<_, _>>().map_err(invalid)?;
    let token = topology.issuer().token(&claims, chrono::Utc::now().timestamp())?;
    Client::new(topology.url().clone(), Some(topology.ca()), &token)
}

/// A new conversation.
pub(super) async fn room(who: &Client) -> Result<String> {
    let room: Value = who.post("/v1/conversations", &json!({})).await?;
    Ok(room["id"].as_str().unwrap_or_default().to_owned())
}

/// A message with a file of so many bytes.
pub(super) fn with_file(bytes: usize) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let data = STANDARD.encode(vec![7_u8; bytes]);
    let part = json!({"name": "a.bin", "media_type": "application/octet-stream", "data": data});
    json!({"text": "@quick look", "parts": [part]})
}

/// Fails where all of a flood was refused: then nothing is shown by what it cost.
pub(super) fn shows(accepted: usize) -> Result<()> {
    match accepted {
        0 => Err(Error::Failed("all of the flood was refused, so that it shows nothing".to_owned())),
        _ => Ok(()),
    }
}

/// Says something; its turn.
pub(super) async fn say(who: &Client, room: &str, text: &str) -> Result<String> {
    let path = format!("/v1/conversations/{room}/messages");
    let accepted: Value = who.post(&path, &json!({"text": text})).await?;
    Ok(accepted["turn"].as_str().unwrap_or_default().to_owned())
}

/// Of `/proc/PID/status`, in megabytes.
fn resident(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}
