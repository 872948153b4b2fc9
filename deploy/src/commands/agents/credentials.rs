//! `switchboard agents credentials`: what an agent is shown so that it answers.

use crate::{
    commands::access::Access,
    environment,
    error::{Error, Result},
    terminal::{self, clean_line},
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};
use switchboard_shared::{
    api::{CredentialKind, CredentialView, Hidden, KeyPlace, SetCredential},
    config::{web_url, word_of},
    ids::AgentId,
};
use url::Url;

/// More than any secret has.
const MOST_BYTES: u64 = 65_536;

/// Arguments of `agents credentials`.
#[derive(Debug, Args)]
pub struct Credentials {
    /// What to do with them.
    #[command(subcommand)]
    pub verb: CredentialsVerb,
}

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub enum CredentialsVerb {
    /// Give an agent its credential, instead of the one that it has; the secret is read from standard input
    Set(Box<Set>),
    /// Show of what kind it is, when it was set and by whom; nobody reads the secret back
    Show(One),
    /// Take it away
    Remove(One),
}

/// Arguments of `agents credentials set`.
#[derive(Debug, Args)]
pub struct Set {
    /// The agent's id
    pub id: AgentId,
    /// What the secret is
    #[arg(long, value_enum)]
    pub kind: Kind,
    /// Read the secret from this file and not from standard input
    #[arg(long, value_name = "FILE", conflicts_with = "env")]
    pub file: Option<PathBuf>,
    /// Read it from this environment variable
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Of basic: whose password it is
    #[arg(long)]
    pub user: Option<String>,
    /// Of api-key: where the key stands; without, as the agent's card says
    #[arg(long = "in", value_enum, value_name = "PLACE")]
    pub place: Option<Place>,
    /// Of api-key: the name of the header, the parameter or the cookie; without, as the agent's card says
    #[arg(long)]
    pub name: Option<String>,
    /// Of oauth2: the client's id
    #[arg(long)]
    pub client_id: Option<String>,
    /// Of oauth2: where tokens are given; without, as the agent's card says, if that is at the agent's own origin
    #[arg(long, value_name = "URL", value_parser = web_url)]
    pub token_url: Option<Url>,
    /// Of oauth2: a scope to ask for; may be given many times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// The only origin that is shown it, where that is not the one that the agent's card lies at
    #[arg(long, value_name = "URL", value_parser = web_url)]
    pub origin: Option<Url>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `agents credentials show` and `remove`.
#[derive(Debug, Args)]
pub struct One {
    /// The agent's id
    pub id: AgentId,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// What a secret is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// A bearer token
    Bearer,
    /// An API key
    ApiKey,
    /// A password
    Basic,
    /// A client's secret, for OAuth 2 client credentials
    #[value(name = "oauth2")]
    OAuth2,
}

/// Where an API key stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Place {
    /// In a header
    Header,
    /// In the query
    Query,
    /// In a cookie
    Cookie,
}

impl Credentials {
    /// Sets, shows or removes.
    ///
    /// # Errors
    /// When there is no secret, no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        match &self.verb {
            CredentialsVerb::Set(set) => set.run().await,
            CredentialsVerb::Show(one) => {
                let view = one.access.client(&["agent-admin"])?.get(&path(&one.id)).await?;
                show(&one.id, &view, one.json);
                Ok(())
            }
            CredentialsVerb::Remove(one) => {
                one.access.client(&["agent-admin"])?.delete(&path(&one.id)).await?;
                if one.json {
                    terminal::json(&json!({"removed": one.id}));
                } else {
                    terminal::say(&format!("{} is shown nothing from now on", one.id));
                }
                Ok(())
            }
        }
    }
}

impl Set {
    async fn run(&self) -> Result<()> {
        let kind = match self.kind {
            Kind::Bearer => CredentialKind::Bearer,
            Kind::ApiKey => CredentialKind::ApiKey,
            Kind::Basic => CredentialKind::Basic,
            Kind::OAuth2 => CredentialKind::OAuth2,
        };
        let place = self.place.map(|place| match place {
            Place::Header => KeyPlace::Header,
            Place::Query => KeyPlace::Query,
            Place::Cookie => KeyPlace::Cookie,
        });
        let new = SetCredential {
            kind,
            secret: self.secret()?,
            user: self.user.clone(),
            place,
            name: self.name.clone(),
            client_id: self.client_id.clone(),
            token_url: self.token_url.clone(),
            scopes: self.scopes.clone(),
            origin: self.origin.clone(),
        };
        let view = self.access.client(&["agent-admin"])?.put(&path(&self.id), &new).await?;
        show(&self.id, &view, self.json);
        Ok(())
    }

    /// Never an argument: those are in the shell's history, and every process sees them.
    fn secret(&self) -> Result<Hidden> {
        let text = match (&self.file, &self.env) {
            (Some(file), _) => std::fs::read_to_string(file).map_err(Error::named(file))?,
            (None, Some(name)) => environment::value(name)
                .ok_or_else(|| Error::Invalid(format!("the environment variable {name} has no value")))?,
            (None, None) => {
                let mut input = std::io::stdin();
                if input.is_terminal() {
                    let hint = "the secret is read from standard input, and a terminal would show it: give it by `< FILE`, a pipe, --file or --env";
                    return Err(Error::Invalid(hint.to_owned()));
                }
                let mut text = String::new();
                input
                    .by_ref()
                    .take(MOST_BYTES)
                    .read_to_string(&mut text)
                    .map_err(Error::io("standard input"))?;
                text
            }
        };
        match word_of(&text) {
            "" => Err(Error::Invalid("there is no secret in it".to_owned())),
            secret => Ok(Hidden::new(secret.to_owned())),
        }
    }
}

fn path(id: &AgentId) -> String {
    format!("/v1/agents/{id}/credentials")
}

fn show(id: &AgentId, view: &CredentialView, json: bool) {
    if json {
        terminal::json(view);
    } else {
        terminal::out(&clean_line(&line(id, view)));
    }
}

fn line(id: &AgentId, view: &CredentialView) -> String {
    let place =
        view.place.map(|place| format!(" ({} {})", place.name(), view.name.as_deref().unwrap_or_default()));
    let tokens = view.token_url.as_ref().map(|url| format!(", with tokens from {url}"));
    let (kind, at) = (view.kind.name(), view.set_at.format("%Y-%m-%d %H:%M UTC"));
    format!(
        "{id} is shown {kind}{}{} at {}; set {at} by {}",
        place.unwrap_or_default(),
        tokens.unwrap_or_default(),
        view.origin,
        view.set_by
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn what_may_be_known_is_one_line() {
        let view = CredentialView {
            kind: CredentialKind::ApiKey,
            place: Some(KeyPlace::Header),
            name: Some("X-Key".into()),
            token_url: None,
            origin: "https://a.example".into(),
            set_at: DateTime::UNIX_EPOCH,
            set_by: "olga".parse().unwrap(),
        };
        let said =
            "turner is shown api_key (header X-Key) at https://a.example; set 1970-01-01 00:00 UTC by olga";
        assert_eq!(line(&"turner".parse().unwrap(), &view), said);
    }
}
