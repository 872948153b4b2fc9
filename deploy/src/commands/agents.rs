//! `switchboard agents list | add | remove | enable | disable | probe | credentials | groups | examples | nobody | review |
//! overlap`

pub mod credentials;
pub mod examples;
pub mod groups;
pub mod known;
pub mod nobody;
pub mod overlap;
pub mod review;
pub mod switch;
pub mod trial;

use super::access::Access;
use crate::{
    client::Client,
    error::{Error, Result},
    terminal::{self, clean_line},
};
use clap::{Args, Subcommand};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use switchboard_shared::{
    api::{AgentView, Example, MAX_PAGE, Page, Probe, RegisterAgent},
    cause::Cause,
    config::web_url,
    ids::{AgentId, Group},
};
use url::Url;

/// How many agents are probed at once.
const AT_ONCE: usize = 4;

/// Where a card lies under an agent's address (A2A 1.0, section 8.2).
const WELL_KNOWN: &str = "/.well-known/agent-card.json";

/// Arguments of `agents`.
#[derive(Debug, Args)]
pub struct Agents {
    /// What to do with them.
    #[command(subcommand)]
    pub verb: AgentsVerb,
}

/// What to do with agents.
#[derive(Debug, Subcommand)]
pub enum AgentsVerb {
    /// List every agent, with what it does and whether it is asked at present
    List(List),
    /// Register an agent by the URL of its A2A card, or of the place the card lies under
    Add(Add),
    /// Take an agent off the registry
    Remove(Remove),
    /// Let an agent be asked again
    Enable(switch::Switch),
    /// Switch an agent off at once and everywhere; it keeps its examples and groups
    Disable(switch::Switch),
    /// Fetch the card of one agent, or of all; exit code 1 when one fails
    Probe(ProbeArgs),
    /// Give an agent the credential that it wants, show what is set, or take it away
    Credentials(credentials::Credentials),
    /// Show or change whose members may use an agent
    Groups(groups::Groups),
    /// Show, replace or draft the messages that an agent is learned from
    Examples(examples::Examples),
    /// Show or replace the messages that are for no agent
    Nobody(nobody::Nobody),
    /// See what came up in use that an agent might learn from; approve or dismiss it
    Review(review::Review),
    /// Show which agents' examples are so alike that the router confuses them
    Overlap(overlap::Overlaps),
}

/// Arguments of `agents list`.
#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `agents add`.
#[derive(Debug, Args)]
pub struct Add {
    /// `https://host/path`; `/.well-known/agent-card.json` is added when it is not there
    #[arg(value_name = "CARD_URL", value_parser = web_url)]
    pub card: Url,
    /// The id to address it by (`@id`); made from the card's name when absent
    #[arg(long)]
    pub id: Option<AgentId>,
    /// A message that this agent should get; may be given many times
    #[arg(long, value_name = "TEXT")]
    pub example: Vec<String>,
    /// Whose members may use it: groups as tokens name them, with commas between, or after the URL with blanks. Without
    /// any, a new agent is everyone's in the tenant, and one that is registered already keeps its groups
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    pub groups: Vec<Group>,
    /// Those that come after the first one and a blank.
    #[arg(value_name = "GROUP", value_delimiter = ',', requires = "groups", hide = true)]
    pub more_groups: Vec<Group>,
    /// A file with a JWK Set: its card has to be signed with one of these keys. Without, one that is registered already
    /// keeps its own; an empty set takes them away
    #[arg(long, value_name = "FILE")]
    pub card_keys: Option<PathBuf>,
    /// Put it in the place of the one that has its id
    #[arg(long)]
    pub replace: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `agents remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// Its id
    pub id: AgentId,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `agents probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Its id; all when absent
    pub id: Option<AgentId>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Agents {
    /// Does it.
    ///
    /// # Errors
    /// When no house answers, it refuses, or a probe fails.
    pub async fn run(&self) -> Result<()> {
        match &self.verb {
            AgentsVerb::List(list) => list.run().await,
            AgentsVerb::Add(add) => add.run().await,
            AgentsVerb::Remove(remove) => remove.run().await,
            AgentsVerb::Enable(switch) => switch.run(true).await,
            AgentsVerb::Disable(switch) => switch.run(false).await,
            AgentsVerb::Probe(probe) => probe.run().await,
            AgentsVerb::Credentials(credentials) => credentials.run().await,
            AgentsVerb::Groups(groups) => groups.run().await,
            AgentsVerb::Examples(examples) => examples.run().await,
            AgentsVerb::Nobody(nobody) => nobody.run().await,
            AgentsVerb::Review(review) => review.run().await,
            AgentsVerb::Overlap(overlap) => overlap.run().await,
        }
    }
}

impl List {
    async fn run(&self) -> Result<()> {
        // In a development house as somebody who manages agents, who sees all of them and their groups.
        let agents = all(&self.access.client(&["user", "agent-admin"])?).await?;
        if self.json {
            terminal::json(&agents);
            return Ok(());
        }
        if agents.is_empty() {
            terminal::say("no agent is registered: add one with `switchboard agents add URL`");
        }
        for agent in agents {
            terminal::table(&line(&agent));
        }
        Ok(())
    }
}

impl Add {
    async fn run(&self) -> Result<()> {
        let examples =
            self.example.iter().map(|text| Example { text: text.clone(), language: String::new() });
        let groups = self.groups.iter().chain(&self.more_groups).cloned().collect();
        let request = RegisterAgent {
            url: self.card.clone(),
            id: self.id.clone(),
            examples: examples.collect(),
            groups: Some(groups).filter(|groups: &BTreeSet<_>| !groups.is_empty()),
            card_keys: self.card_keys.as_deref().map(key_set).transpose()?,
        };
        let client = self.access.client(&["user", "agent-admin"])?;
        let before = all(&client).await?;
        self.refuse_silent_replacement(&before)?;
        let agent: AgentView = client.post("/v1/agents", &request).await?;
        if let Some(old) = before.iter().find(|old| old.id == agent.id) {
            terminal::say(&format!("{} was at {} and is replaced", old.id, old.card_url));
        }
        if self.json {
            terminal::json(&agent);
        } else {
            terminal::table(&line(&agent));
            // Its card was read, and nothing else of it is known yet.
            terminal::say(&format!("registered by its card; ask it: chat \"@{} …\"", agent.id));
            if let Some(wants) = wants(&agent.wants) {
                terminal::say(&format!("{wants}: agents credentials set {} --kind …", agent.id));
            }
        }
        Ok(())
    }
}

impl Add {
    /// Without an id the card's name makes one, which is not known here: the same card is told by its address.
    fn refuse_silent_replacement(&self, before: &[AgentView]) -> Result<()> {
        let card = self.card.as_str().trim_end_matches('/');
        let same = |old: &&AgentView| match &self.id {
            Some(id) => old.id == *id,
            None => old.card_url.as_str() == card || old.card_url.as_str() == format!("{card}{WELL_KNOWN}"),
        };
        match before.iter().find(same) {
            Some(old) if !self.replace => Err(Error::Failed(format!(
                "{} is there already, at {}: add --replace to put this one in its place, or choose another --id",
                old.id, old.card_url
            ))),
            _ => Ok(()),
        }
    }
}

fn key_set(file: &Path) -> Result<Value> {
    let wrong = |why: String| Error::Failed(format!("{}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(Cause::of(&error).to_string()))?;
    serde_json::from_slice(&text).map_err(|error| wrong(Cause::of(&error).to_string()))
}

impl Remove {
    async fn run(&self) -> Result<()> {
        self.access.client(&["agent-admin"])?.delete(&format!("/v1/agents/{}", self.id)).await?;
        if self.json {
            terminal::json(&json!({"removed": self.id}));
        } else {
            terminal::say(&format!("{} is removed", self.id));
        }
        Ok(())
    }
}

impl ProbeArgs {
    async fn run(&self) -> Result<()> {
        let client = self.access.client(&["user", "agent-admin"])?;
        let ids = match &self.id {
            Some(id) => vec![id.clone()],
            None => all(&client).await?.into_iter().map(|agent| agent.id).collect(),
        };
        let probes = probe(&client, ids).await?;
        if self.json {
            terminal::json(&probes);
        } else {
            for probe in &probes {
                let state = if probe.ok { "ok" } else { "fail" };
                let reason = probe.reason.clone().or_else(|| wants(&probe.wants)).unwrap_or_default();
                let reason = clean_line(&reason);
                terminal::table(&format!("{state:4}  {:20} {:5} ms  {reason}", probe.agent, probe.ms));
            }
        }
        match probes.iter().filter(|probe| !probe.ok).count() {
            0 => Ok(()),
            failed => Err(Error::Failed(format!("{failed} of {} agents cannot be reached", probes.len()))),
        }
    }
}

/// Probes these agents, a few at once, in their order.
///
/// # Errors
/// When the house does not answer.
pub async fn probe(client: &Client, ids: Vec<AgentId>) -> Result<Vec<Probe>> {
    let one = |id: AgentId| async move {
        client.post::<Probe>(&format!("/v1/agents/{id}/probe"), &serde_json::Map::new()).await
    };
    stream::iter(ids).map(one).buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

/// What a card wants that is not set, in words.
fn wants(wants: &[String]) -> Option<String> {
    (!wants.is_empty()).then(|| clean_line(&format!("it wants {}, and that is not set", wants.join(", or "))))
}

/// Reads every agent, page by page.
///
/// # Errors
/// When the house does not answer.
pub async fn all(client: &Client) -> Result<Vec<AgentView>> {
    let mut agents = Vec::new();
    let mut path = format!("/v1/agents?limit={MAX_PAGE}");
    loop {
        let page: Page<AgentView> = client.get(&path).await?;
        agents.extend(page.items);
        let Some(next) = page.next else { return Ok(agents) };
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        path = format!("/v1/agents?limit={MAX_PAGE}&after={next}");
    }
}

/// An agent on one line; its words are its own, so they are cleaned.
#[must_use]
pub fn line(agent: &AgentView) -> String {
    let state = match agent.breaker.as_str() {
        _ if !agent.enabled => " [off]".to_owned(),
        "closed" => String::new(),
        other => format!(" [breaker {}]", clean_line(other)),
    };
    let groups = match agent.groups.as_ref().filter(|groups| !groups.is_empty()) {
        Some(groups) => format!(" [for {}]", groups::names(groups)),
        None => String::new(),
    };
    format!("{:20} {}{groups}{state}", agent.id.as_str(), clean_line(&agent.description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{Cli, Verb};
    use clap::Parser;

    fn read(arguments: &[&str]) -> Option<AgentsVerb> {
        let line = ["switchboard", "agents"].iter().chain(arguments);
        match Cli::try_parse_from(line).ok()?.verb {
            Verb::Agents(agents) => Some(agents.verb),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn groups_stand_with_commas_or_blanks_between() {
        let url = "https://a.example/";
        for arguments in [
            &["add", url, "--groups", "a,b"] as &[&str],
            &["add", "--groups", "a,b", url],
            &["add", url, "--groups", "a", "b"],
            &["add", "--groups", "a", "--groups", "b", url],
        ] {
            let Some(AgentsVerb::Add(add)) = read(arguments) else { panic!("{arguments:?}") };
            let groups: Vec<_> = add.groups.iter().chain(&add.more_groups).map(Group::as_str).collect();
            assert_eq!((groups, add.card.as_str()), (vec!["a", "b"], url), "{arguments:?}");
        }
        for arguments in [["groups", "x", "a,b"].as_slice(), &["groups", "x", "a", "b"]] {
            let Some(AgentsVerb::Groups(groups)) = read(arguments) else { panic!("{arguments:?}") };
            let names: Vec<_> = groups.groups.iter().map(Group::as_str).collect();
            assert_eq!(names, ["a", "b"], "{arguments:?}");
        }
        assert!(read(&["add", url, "a"]).is_none(), "a group has to be called one");
    }

    #[test]
    fn examples_are_replaced_or_cleared_and_only_then_forced() {
        for (arguments, understood) in [
            (["examples", "x", "--clear", "--force"].as_slice(), true),
            (&["examples", "x", "--set", "f", "--force"], true),
            (&["examples", "x", "--set", "f", "--clear"], false),
            (&["examples", "x", "--force"], false),
            (&["nobody", "--clear", "--force"], true),
            (&["nobody", "--clear", "--set", "f"], false),
        ] {
            assert_eq!(read(arguments).is_some(), understood, "{arguments:?}");
        }
    }
}
