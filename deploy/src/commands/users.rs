//! `switchboard users` and `switchboard usage`: who has been here, and how much is used.

use super::access::Access;
use crate::{
    error::Result,
    terminal::{self, clean_line},
};
use chrono::{DateTime, Utc};
use clap::Args;
use switchboard_shared::{
    api::{UsageView, Used, UserView},
    ids::Group,
};
use url::form_urlencoded::Serializer;

/// Who may see it.
const ROLES: [&str; 1] = ["admin"];

/// Arguments of `users`.
#[derive(Debug, Args)]
pub struct Users {
    /// Only those whose names begin so
    pub begin: Option<String>,
    /// The most users
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Users {
    /// Lists them.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        let client = self.access.client(&ROLES)?;
        let mut query = Serializer::new(String::new());
        if let Some(begin) = &self.begin {
            query.append_pair("begin", begin);
        }
        let (users, has_more): (Vec<UserView>, bool) =
            client.first("/v1/users", &query.finish(), self.limit).await?;
        if self.json {
            terminal::json(&users);
            return Ok(());
        }
        users.iter().for_each(|user| terminal::table(&line(user)));
        if users.is_empty() {
            terminal::say("nobody of this name has been here");
        } else if has_more {
            terminal::say("there are more: --limit");
        }
        Ok(())
    }
}

/// Somebody on one line.
fn line(user: &UserView) -> String {
    let roles = user.roles.as_ref().map_or_else(
        || "not known yet".to_owned(),
        |roles| roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(","),
    );
    let groups = user.groups.iter().flatten().map(Group::as_str).collect::<Vec<_>>().join(",");
    let groups = if groups.is_empty() { groups } else { format!(" [{groups}]") };
    let tier = user.tier.map_or_else(String::new, |tier| format!(", {}", tier.name()));
    let minute = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let last = user.last_turn.map_or_else(|| "never asked".to_owned(), |at| format!("asked {}", minute(at)));
    let name = clean_line(user.user.as_str());
    format!("{name:20}  {roles}{groups}{tier}; {last}; {} bytes", user.stored_bytes)
}

/// Arguments of `usage`.
#[derive(Debug, Args)]
pub struct Usage {
    /// How many days back turns, calls and tokens are counted
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    /// Who comes first: who asked the most (turns), stores the most (stored), or had LLMs read and write most (tokens)
    #[arg(long, default_value = "turns", value_parser = ["turns", "stored", "tokens"])]
    pub order: String,
    /// The most users
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Usage {
    /// Shows it.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        let path = format!("/v1/usage?days={}&order={}&limit={}", self.days, self.order, self.limit);
        let usage: UsageView = self.access.client(&ROLES)?.get(&path).await?;
        if self.json {
            terminal::json(&usage);
            return Ok(());
        }
        terminal::table(&format!(
            "{:18}  {:>7}  {:>7}  {:>10}  {:>10}  stored",
            "", "turns", "calls", "tokens in", "tokens out"
        ));
        let all = format!("all {} users", usage.users);
        terminal::table(&figures(&all, &usage.used, &stored(usage.stored_bytes, usage.quota_bytes)));
        for it in &usage.items {
            let stored = stored(it.stored_bytes, usage.user_quota_bytes);
            terminal::table(&figures(&clean_line(it.user.as_str()), &it.used, &stored));
        }
        Ok(())
    }
}

fn figures(name: &str, used: &Used, stored: &str) -> String {
    let Used { turns, calls, llm_input_tokens, llm_output_tokens } = used;
    format!("{name:18}  {turns:7}  {calls:7}  {llm_input_tokens:10}  {llm_output_tokens:10}  {stored}")
}

fn stored(bytes: u64, quota: Option<u64>) -> String {
    quota.map_or_else(|| bytes.to_string(), |quota| format!("{bytes} of {quota}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_one_line_also_before_a_token_has_come() {
        let known = UserView {
            user: "ann".parse().unwrap(),
            roles: Some([switchboard_shared::identity::Role::User].into()),
            groups: Some(["hr".parse().unwrap()].into()),
            tier: Some(Default::default()),
            first_seen: DateTime::UNIX_EPOCH,
            last_seen: None,
            last_turn: Some(DateTime::UNIX_EPOCH),
            stored_bytes: 7,
        };
        let said = line(&known);
        assert!(said.ends_with("user [hr], standard; asked 1970-01-01 00:00; 7 bytes"), "{said}");
        let unknown = UserView { roles: None, groups: None, tier: None, last_turn: None, ..known };
        assert!(line(&unknown).ends_with("not known yet; never asked; 7 bytes"));
    }
}
