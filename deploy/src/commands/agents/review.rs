//! `switchboard agents review`: what came up in use, and whether an agent learns from it.

use super::trial;
use crate::{
    client::Client,
    commands::access::Access,
    error::Result,
    terminal::{self, clean_line},
};
use clap::Args;
use switchboard_shared::{
    api::{DecideSuggestion, MAX_PAGE, Page, SuggestionReview, SuggestionState, SuggestionView},
    ids::{AgentId, SuggestionId},
};

/// Arguments of `agents review`.
#[derive(Debug, Args)]
pub struct Review {
    /// Approve a suggestion: it becomes an example of the agent that it speaks for, unless --agent or --nobody says whose
    #[arg(long, value_name = "ID", conflicts_with = "dismiss")]
    pub approve: Option<SuggestionId>,
    /// An agent that should get such messages; may be given several times
    #[arg(long, value_name = "ID", requires = "approve", conflicts_with = "nobody")]
    pub agent: Vec<AgentId>,
    /// Such messages are for nobody
    #[arg(long, requires = "approve")]
    pub nobody: bool,
    /// The message in better words
    #[arg(long, requires = "approve")]
    pub text: Option<String>,
    /// Its language, as in de or pt-BR
    #[arg(long, value_name = "TAG", requires = "approve")]
    pub language: Option<String>,
    /// Learn it even if the router gets worse
    #[arg(long, requires = "approve")]
    pub force: bool,
    /// Dismiss a suggestion: it does not come up again
    #[arg(long, value_name = "ID")]
    pub dismiss: Option<SuggestionId>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Review {
    /// Lists what is open, or decides one.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        let client = self.access.client(&["agent-admin"])?;
        match (self.approve, self.dismiss) {
            (Some(id), _) => self.decide(&client, id, self.approval()).await,
            (None, Some(id)) => {
                self.decide(&client, id, DecideSuggestion::new(SuggestionState::Dismissed)).await
            }
            (None, None) => self.list(&client).await,
        }
    }

    fn approval(&self) -> DecideSuggestion {
        let agents = (self.nobody || !self.agent.is_empty()).then(|| self.agent.clone());
        let (text, language) = (self.text.clone(), self.language.clone());
        DecideSuggestion { state: SuggestionState::Approved, agents, text, language, force: self.force }
    }

    async fn decide(&self, client: &Client, id: SuggestionId, decision: DecideSuggestion) -> Result<()> {
        let path = format!("/v1/suggestions/{id}");
        let review: SuggestionReview = trial::explained(client.post(&path, &decision).await, self.json)?;
        if self.json {
            terminal::json(&review);
        } else {
            trial::say(review.trial.as_ref());
            terminal::say(&clean_line(&review.note));
        }
        Ok(())
    }

    async fn list(&self, client: &Client) -> Result<()> {
        let open = all(client).await?;
        if self.json {
            terminal::json(&open);
            return Ok(());
        }
        if open.is_empty() {
            terminal::say(
                "nothing is open: suggestions come from feedback on turns, and from what agents refuse",
            );
        }
        for suggestion in open {
            terminal::table(&line(&suggestion));
        }
        Ok(())
    }
}

async fn all(client: &Client) -> Result<Vec<SuggestionView>> {
    let mut open = Vec::new();
    let mut path = format!("/v1/suggestions?state=open&limit={MAX_PAGE}");
    loop {
        let page: Page<SuggestionView> = client.get(&path).await?;
        open.extend(page.items);
        let Some(next) = page.next else { return Ok(open) };
        path = format!("/v1/suggestions?state=open&limit={MAX_PAGE}&after={}", clean_line(&next));
    }
}

/// A suggestion on one line; its text is a user's, so it is cleaned.
fn line(suggestion: &SuggestionView) -> String {
    let SuggestionView { id, agent, source, .. } = suggestion;
    let verb = if suggestion.positive { "should get" } else { "should not get" };
    format!("{id}  {agent} {verb} ({}): {}", source.name(), clean_line(&suggestion.text))
}
