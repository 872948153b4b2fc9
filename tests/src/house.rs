//! The house, started as `switchboard up` starts it, in a folder that goes with it.

use crate::{agent::FakeAgent, llm::FakeLlm, person::Person};
use std::{os::unix::fs::PermissionsExt, sync::Once};
use switchboard::client::Client;
use switchboard::topology::{Options, Topology, config::Llm, issuer::Claims};
use switchboard_shared::api::{AgentView, Example, RegisterAgent};
use tempfile::TempDir;

/// A running house.
#[derive(Debug)]
pub struct House {
    topology: Topology,
    options: Options,
    folder: TempDir,
}

impl House {
    /// One core, one edge, no agents yet, no LLM.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(|_| {}).await
    }

    /// With an LLM.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn with_llm(llm: &FakeLlm) -> anyhow::Result<Self> {
        Self::with(|options| options.llm = vec![endpoint(&llm.url())]).await
    }

    /// As the test wants it.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn with(change: impl FnOnce(&mut Options)) -> anyhow::Result<Self> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        // The database may run as another user, who must get through to its own folder.
        let open = std::fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("switchboard-").permissions(open).tempdir()?;
        let mut options = Options {
            data: folder.path().join("data"),
            agents: false,
            register_agents: false,
            programs: programs(),
            ..Options::default()
        };
        options.core_overrides = toml::toml! {
            [agents]
            allow_private_addresses = true
            [limits.costly_per_minute]
            standard = 10_000
            [route]
            model_wait_ms = 60_000
        };
        change(&mut options);
        Ok(Self { topology: Topology::start(options.clone()).await?, options, folder })
    }

    /// Ends the house in order and starts it again on the same data.
    ///
    /// # Errors
    /// When it does not end or come up.
    pub async fn start_again(self) -> anyhow::Result<Self> {
        self.topology.stop().await?;
        let topology = Topology::start(self.options.clone()).await?;
        Ok(Self { topology, options: self.options, folder: self.folder })
    }

    /// The topology, to kill and restart its parts.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Registers an agent under an id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn register(&self, id: &str, agent: &FakeAgent) -> anyhow::Result<AgentView> {
        self.register_url(id, agent.url(), &[]).await
    }

    /// Registers whatever lies at `url`, with examples besides those on its card.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn register_url(&self, id: &str, url: &str, examples: &[&str]) -> anyhow::Result<AgentView> {
        let example = |text: &&str| Example { text: (*text).to_owned(), language: String::new() };
        let new = RegisterAgent {
            url: url.parse()?,
            id: Some(id.parse()?),
            examples: examples.iter().map(example).collect(),
            groups: None,
            card_keys: None,
        };
        Ok(self.topology.client("olga", &["agent-admin"])?.post("/v1/agents", &new).await?)
    }

    /// Registers an agent that only members of these groups may use.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn register_for(
        &self,
        groups: &[&str],
        id: &str,
        agent: &FakeAgent,
    ) -> anyhow::Result<AgentView> {
        let new = RegisterAgent {
            url: agent.url().parse()?,
            id: Some(id.parse()?),
            examples: Vec::new(),
            groups: Some(groups.iter().map(|group| group.parse()).collect::<Result<_, _>>()?),
            card_keys: None,
        };
        Ok(self.topology.client("olga", &["agent-admin"])?.post("/v1/agents", &new).await?)
    }

    /// Somebody who is in these groups, with a socket at the first edge.
    ///
    /// # Errors
    /// When the edge refuses.
    pub async fn member(&self, name: &str, groups: &[&str]) -> anyhow::Result<Person> {
        let token = self.member_token(name, groups)?;
        let mut person = Person::new(name, self.topology.client(name, &["user"])?.with_token(&token));
        person.connect().await?;
        self.greet(name).await?;
        Ok(person)
    }

    /// A token of somebody who is in these groups.
    ///
    /// # Errors
    /// When a name is not what it should be.
    pub fn member_token(&self, name: &str, groups: &[&str]) -> anyhow::Result<String> {
        let groups = groups.iter().map(|group| group.parse()).collect::<Result<_, _>>()?;
        self.token(name, &["user"], |claims| claims.groups = groups)
    }

    /// Somebody of the demo tenant, with a socket at the first edge.
    ///
    /// # Errors
    /// When the edge refuses.
    pub async fn person(&self, name: &str) -> anyhow::Result<Person> {
        let mut person = Person::new(name, self.topology.client(name, &["user"])?);
        person.connect().await?;
        self.greet(name).await?;
        Ok(person)
    }

    /// Lets somebody have been here: only then can a conversation be shared with them.
    ///
    /// # Errors
    /// When the house refuses.
    pub async fn greet(&self, name: &str) -> anyhow::Result<()> {
        let client = self.topology.client(name, &["user"])?;
        client.get::<serde_json::Value>("/v1/conversations?limit=1").await?;
        Ok(())
    }

    /// A client of a certain edge.
    ///
    /// # Errors
    /// When the user's name is not an id.
    pub fn client_at(&self, edge: &url::Url, user: &str) -> anyhow::Result<Client> {
        let token = self.topology.token(user, &["user"])?;
        Ok(Client::new(edge.clone(), Some(self.topology.ca()), &token)?)
    }

    /// A token with claims of the test's choice.
    ///
    /// # Errors
    /// When the user's name is not an id.
    pub fn token(
        &self,
        user: &str,
        roles: &[&str],
        change: impl FnOnce(&mut Claims),
    ) -> anyhow::Result<String> {
        let mut claims = Claims::demo(user, roles)?;
        change(&mut claims);
        Ok(self.topology.issuer().token(&claims, chrono::Utc::now().timestamp())?)
    }

    /// Ends the house in order; its folder goes with it.
    ///
    /// # Errors
    /// When a part had to be killed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.topology.stop().await?;
        Ok(self.folder.close()?)
    }
}

/// An endpoint without a key.
#[must_use]
pub fn endpoint(base_url: &str) -> Llm {
    Llm { base_url: base_url.to_owned(), api_key: String::new(), model: "fake".to_owned() }
}

/// Tests run from `deps/`, the programs lie above it.
fn programs() -> Option<std::path::PathBuf> {
    let mine = std::env::current_exe().ok()?;
    let folder = mine.parent()?;
    Some(if folder.ends_with("deps") { folder.parent()?.to_owned() } else { folder.to_owned() })
}
