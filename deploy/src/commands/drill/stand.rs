//! The house of a drill, and who is in it.

use super::silent::Silent;
use crate::{
    client::Client,
    error::{Error, Result},
    topology::{Options, Topology, issuer::Claims, node::Node},
};
use futures::Future;
use serde_json::{Value, json};
use std::{fmt, fs, os::unix::fs::PermissionsExt, path::PathBuf, pin::pin, time::Duration};
use switchboard_shared::{
    api::{AgentView, ConversationSummary, CreateConversation, Example, RegisterAgent},
    identity::Tier,
    ids::{ConversationId, Group},
};
use tokio::time::{Instant, sleep};
use url::Url;

/// The tenant that floods.
pub(super) const NOISY: &str = "noisy";
/// The tenant that must not notice.
pub(super) const QUIET: &str = "quiet";

/// A house of one core and one edge: without Redis and LLM, and with nothing in it that limits by address, since every
/// caller of a drill has the same one.
pub(super) struct Stand {
    pub(super) topology: Topology,
    folder: PathBuf,
}

impl Stand {
    pub(super) async fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("switchboard-drill-{}", std::process::id()));
        // The database may run as another user, who must get through to its own folder.
        fs::create_dir(&folder).map_err(Error::file(&folder))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).map_err(Error::file(&folder))?;
        let options = Options {
            data: folder.join("data"),
            register_agents: false,
            core_overrides: toml::toml! { [agents]
            allow_private_addresses = true },
            edge_overrides: toml::toml! { [limits]
            ip_per_minute = 1_000_000
            requests_per_minute = 100_000
            [limits.messages_per_minute]
            enterprise = 100_000 },
            ..Options::default()
        };
        let topology = Topology::start(options).await?;
        let stand = Self { topology, folder };
        for tenant in [NOISY, QUIET] {
            let agent = stand.topology.agents().into_iter().find(|agent| agent.id == "data-processor");
            let agent =
                agent.ok_or_else(|| Error::Failed("the example agents lack data-processor".to_owned()))?;
            stand.register(tenant, &agent.id, agent.url, &[], None).await?;
        }
        Ok(stand)
    }

    /// Somebody of a tenant, in the largest tier.
    pub(super) fn client(&self, tenant: &str, user: &str, role: &str, groups: &[&str]) -> Result<Client> {
        let invalid = |error: switchboard_shared::ids::InvalidId| Error::Invalid(error.to_string());
        let mut claims = Claims::demo(user, &[role])?;
        claims.tenant = tenant.parse().map_err(invalid)?;
        claims.tier = Tier::Enterprise;
        claims.groups =
            groups.iter().map(|group| group.parse::<Group>()).collect::<Result<_, _>>().map_err(invalid)?;
        let token = self.topology.issuer().token(&claims, chrono::Utc::now().timestamp())?;
        Client::new(self.topology.url().clone(), Some(self.topology.ca()), &token)
    }

    /// Registers an agent with examples, for everyone or for one group.
    pub(super) async fn register(
        &self,
        tenant: &str,
        id: &str,
        url: Url,
        examples: &[String],
        group: Option<&str>,
    ) -> Result<AgentView> {
        let example = |text: &String| Example { text: text.clone(), language: "en".to_owned() };
        let invalid = |error: switchboard_shared::ids::InvalidId| Error::Invalid(error.to_string());
        let groups =
            group.map(|group| group.parse().map(|group| [group].into())).transpose().map_err(invalid)?;
        let new = RegisterAgent {
            url,
            id: Some(id.parse().map_err(invalid)?),
            examples: examples.iter().map(example).collect(),
            groups,
        };
        self.client(tenant, "olga", "admin", &[])?.post("/v1/agents", &new).await
    }

    /// Registers an agent that never answers.
    pub(super) async fn register_silent(&self, tenant: &str, id: &str) -> Result<Silent> {
        let silent = Silent::start(id, "It never answers.", &["say nothing at all".to_owned()]).await?;
        self.register(tenant, id, silent.url.clone(), &[], None).await?;
        Ok(silent)
    }

    /// The core's process.
    pub(super) fn core(&self) -> Option<u32> {
        self.topology.cores().first().and_then(Node::pid)
    }

    /// The edge's process.
    pub(super) fn edge(&self) -> Option<u32> {
        self.topology.edges().first().and_then(Node::pid)
    }

    pub(super) async fn stop(self) -> Result<()> {
        let stopped = self.topology.stop().await;
        fs::remove_dir_all(&self.folder).map_err(Error::file(&self.folder))?;
        stopped
    }
}

/// Makes a conversation.
pub(super) async fn room(client: &Client) -> Result<ConversationId> {
    Ok(client.post::<ConversationSummary>("/v1/conversations", &CreateConversation::default()).await?.id)
}

/// Says something to one agent; whether it was accepted.
pub(super) async fn say(
    client: &Client,
    room: ConversationId,
    agent: &str,
    text: &str,
    files: Value,
) -> bool {
    let message = json!({"text": text, "agents": [agent], "parts": files});
    client.post::<Value>(&format!("/v1/conversations/{room}/messages"), &message).await.is_ok()
}

/// How a member of the quiet tenant fared.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// How long each answer took, the shortest first.
    taken: Vec<Duration>,
    /// What was refused, in the words of the last refusal.
    refused: Option<String>,
}

impl Waits {
    /// Whether every question was answered, and none later than that.
    pub(super) fn within(&self, bound: Duration) -> bool {
        self.refused.is_none() && self.taken.last().is_some_and(|most| *most <= bound)
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.refused, self.taken.as_slice()) {
            (Some(why), _) => write!(f, "another tenant is refused ({why})"),
            (None, []) => f.write_str("nobody asked"),
            (None, [.., most]) => {
                let median = self.taken[self.taken.len() / 2];
                write!(f, "another tenant waits {} ms, {} at most", median.as_millis(), most.as_millis())
            }
        }
    }
}

/// Asks as a member of the quiet tenant, one question after another.
pub(super) async fn neighbour(stand: &Stand, questions: u32) -> Result<Waits> {
    let bea = stand.client(QUIET, "bea", "user", &[])?;
    let mut waits = Waits::default();
    for number in 0..questions {
        let began = Instant::now();
        let asked = json!({"message": format!("What is the mean of {number}, 5 and 10?")});
        match bea.post::<Value>("/chat", &asked).await {
            Ok(answer) if answer["response"].as_str().is_some_and(|text| text.contains("mean")) => {}
            Ok(answer) => waits.refused = Some(answer.to_string()),
            Err(error) => waits.refused = Some(error.to_string()),
        }
        waits.taken.push(began.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    waits.taken.sort_unstable();
    Ok(waits)
}

/// The most memory that a process had while some work ran, in bytes more than before it, and what the work gave.
pub(super) async fn growth_during<T>(pid: Option<u32>, work: impl Future<Output = T>) -> (u64, T) {
    let before = resident(pid);
    let mut peak = before;
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return (peak.max(resident(pid)).saturating_sub(before), done),
            () = sleep(Duration::from_millis(20)) => peak = peak.max(resident(pid)),
        }
    }
}

/// What a process holds in memory, in bytes (`proc_pid_status(5)`).
fn resident(pid: Option<u32>) -> u64 {
    let Some(pid) = pid else { return 0 };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The processor time of a process so far (`proc_pid_stat(5)`, fields 14 and 15, in hundredths of a second).
pub(super) fn processor_time(pid: Option<u32>) -> Duration {
    let stat = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok()).unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
