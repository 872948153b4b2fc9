//! The sixteen example agents: one program, registered over the edge like anybody's agents.

use super::process::{Process, Spec};
use crate::{
    client::Client,
    error::{Error, Result},
    house::Agent,
};
use futures::{StreamExt, TryStreamExt, stream};
use std::path::{Path, PathBuf};
use switchboard_shared::api::{AgentView, RegisterAgent};

/// How many are registered at once: each registration fetches a card.
const AT_ONCE: usize = 4;

/// The running example agents.
#[derive(Debug)]
pub struct Agents {
    process: Process,
}

impl Agents {
    /// Starts them with their files in `folder`. With `private`, those that fetch from the web may also reach
    /// loopback and private addresses.
    ///
    /// # Errors
    /// When they do not start, or say something else than where they are.
    pub async fn start(program: PathBuf, folder: &Path, logs: &Path, private: bool) -> Result<Self> {
        let mut spec =
            Spec::program("agents", program, logs).args(["--listen", "127.0.0.1:0", "--json", "--data"]);
        spec.args.push(folder.into());
        if private {
            spec = spec.args(["--allow-private-addresses"]);
        }
        let agents = Self { process: Process::start(spec).await? };
        agents.list().map(|_| agents)
    }

    /// Every agent and where it is; the places change with each start.
    ///
    /// # Errors
    /// When the ready line did not say.
    pub fn list(&self) -> Result<Vec<Agent>> {
        let listed = self.process.ready()["agents"].take();
        serde_json::from_value(listed)
            .map_err(|error| self.process.fault(&format!("did not say where its agents are ({error})"), None))
    }

    /// The child process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Registers them all; those that are registered already are replaced.
    ///
    /// # Errors
    /// When one cannot be; named.
    pub async fn register(&self, client: &Client) -> Result<usize> {
        let all = self.list()?;
        let one = |agent: Agent| async move {
            let id =
                agent.id.parse().map_err(|error| Error::Failed(format!("agent {}: {error}", agent.id)))?;
            let request = RegisterAgent {
                url: agent.url,
                id: Some(id),
                examples: Vec::new(),
                groups: None,
                card_keys: None,
            };
            let registered = client.post::<AgentView>("/v1/agents", &request).await;
            registered
                .map_err(|error| Error::Failed(format!("agent {} cannot be registered: {error}", agent.id)))
        };
        let done: Vec<AgentView> = stream::iter(all).map(one).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(done.len())
    }
}
