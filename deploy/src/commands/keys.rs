//! `switchboard keys`: keys for programs.

use super::access::Access;
use crate::{error::Result, terminal};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::json;
use std::collections::BTreeSet;
use switchboard_shared::{
    api::{KeyList, KeyView, NewKey, NewKeyView},
    identity::Role,
    ids::{AgentId, KeyId},
};

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub struct Keys {
    /// What to do with them.
    #[command(subcommand)]
    pub verb: KeysVerb,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Make one; it is printed this once
    Create(Create),
    /// List yours; an admin sees those of all
    List(List),
    /// Take one back: it is refused at every edge within seconds
    Revoke(Revoke),
}

/// Arguments of `keys create`.
#[derive(Debug, Args)]
pub struct Create {
    /// What it is for
    pub name: String,
    /// A role that it has, of yours: user, agent-admin or admin; may be given many times. Without any it has yours
    #[arg(long = "role", value_parser = role)]
    pub roles: Vec<Role>,
    /// The only agents that it may use, with commas between
    #[arg(long, value_name = "AGENT,…", value_delimiter = ',')]
    pub agents: Vec<AgentId>,
    /// For how many days it is good; without, until it is taken back
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub days: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `keys list`.
#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// Arguments of `keys revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Its id, as `keys list` shows it
    pub id: KeyId,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// As whom the keys of a development house are made.
const ROLES: [&str; 2] = ["user", "agent-admin"];

impl Keys {
    /// Makes, lists or takes back.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        match &self.verb {
            KeysVerb::Create(create) => create.run().await,
            KeysVerb::List(list) => list.run().await,
            KeysVerb::Revoke(revoke) => {
                let client = revoke.access.client(&ROLES)?;
                client.delete(&format!("/v1/keys/{}", revoke.id)).await?;
                if revoke.json {
                    terminal::json(&json!({"revoked": revoke.id}));
                } else {
                    terminal::say("it is taken back; every edge refuses it within seconds");
                }
                Ok(())
            }
        }
    }
}

impl Create {
    async fn run(&self) -> Result<()> {
        let client = self.access.client(&ROLES)?;
        let some =
            |roles: &[Role]| (!roles.is_empty()).then(|| roles.iter().copied().collect::<BTreeSet<_>>());
        let new = NewKey {
            name: self.name.clone(),
            roles: some(&self.roles),
            agents: (!self.agents.is_empty()).then(|| self.agents.iter().cloned().collect()),
            expires_at: self.days.map(|days| Utc::now() + TimeDelta::days(days.into())),
        };
        let made: NewKeyView = client.post("/v1/keys", &new).await?;
        if self.json {
            terminal::json(&made);
        } else {
            terminal::out(&made.key);
            terminal::say(&format!("this was the only time; its id is {}", made.view.id));
        }
        Ok(())
    }
}

impl List {
    async fn run(&self) -> Result<()> {
        let list: KeyList = self.access.client(&ROLES)?.get("/v1/keys").await?;
        if self.json {
            terminal::json(&list);
            return Ok(());
        }
        list.keys.iter().for_each(|key| terminal::out(&terminal::clean_line(&line(key))));
        if list.keys.is_empty() {
            terminal::say("there are none");
        }
        Ok(())
    }
}

/// A key in one line.
fn line(key: &KeyView) -> String {
    let roles = key.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",");
    let agents = key.agents.as_ref().map_or_else(String::new, |agents| {
        format!(", for {}", agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(", "))
    });
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    let until = key.expires_at.map_or_else(String::new, |at| format!(", until {}", day(at)));
    let used = key.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {}", day(at)));
    format!("{}  {}  ({}: {roles}{agents}{until}; {used})", key.id, key.name, key.user)
}

fn role(text: &str) -> std::result::Result<Role, String> {
    Role::from_name(text).ok_or_else(|| "user, agent-admin or admin".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_line_with_what_it_is_for() {
        let key = KeyView {
            id: "01980000-0000-7000-8000-000000000000".parse().unwrap(),
            name: "backup".to_owned(),
            user: "ann".parse().unwrap(),
            roles: [Role::User].into(),
            agents: Some(["backup-agent".parse().unwrap()].into()),
            created_at: DateTime::UNIX_EPOCH,
            expires_at: Some(DateTime::UNIX_EPOCH),
            last_used_at: None,
        };
        assert_eq!(
            line(&key),
            "01980000-0000-7000-8000-000000000000  backup  (ann: user, for backup-agent, until 1970-01-01; never used)"
        );
        assert!(role("root").is_err() && role("admin").is_ok());
    }
}
