//! `switchboard token`: only for the development issuer.

use super::access::Access;
use crate::{
    error::{Error, Result},
    terminal,
    topology::issuer::{Claims, TENANT},
};
use clap::Args;
use serde_json::json;
use std::{path::PathBuf, time::Duration};
use switchboard_shared::{
    identity::{Role, Tier},
    ids::{Group, TenantId, UserId},
};

/// The longest lifetime: a token cannot be taken back.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct Token {
    /// Whom it is for
    #[arg(long, default_value = "ann")]
    pub user: UserId,
    /// The tenant
    #[arg(long, default_value = TENANT)]
    pub tenant: TenantId,
    /// A role: user, agent-admin or admin; may be given many times
    #[arg(long = "role", default_value = "user", value_parser = role)]
    pub roles: Vec<String>,
    /// The tenant's own groups that the user is in: they decide which agents the user may use
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    pub groups: Vec<Group>,
    /// The usage policy: free, standard, premium or enterprise
    #[arg(long, default_value = "standard", value_parser = tier)]
    pub tier: Tier,
    /// How long it is good for: 90s, 15m, 1h, 7d
    #[arg(long, default_value = "1h", value_parser = lifetime)]
    pub ttl: Duration,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The data folder of the house
    #[arg(long, value_name = "DIR", env = "SWITCHBOARD_DATA")]
    pub data: Option<PathBuf>,
}

impl Token {
    /// Makes it.
    ///
    /// # Errors
    /// When there is no development issuer here (exit code 5).
    pub fn run(&self) -> Result<()> {
        let access = Access { data: self.data.clone(), ..Access::default() };
        let now = chrono::Utc::now();
        let claims = Claims {
            user: self.user.clone(),
            tenant: self.tenant.clone(),
            roles: self.roles.clone(),
            groups: self.groups.clone(),
            tier: self.tier,
            lifetime: self.ttl,
        };
        let token = access.issuer()?.token(&claims, now.timestamp())?;
        if self.json {
            let expires =
                now + chrono::TimeDelta::from_std(self.ttl).map_err(|e| Error::Invalid(e.to_string()))?;
            terminal::json(&json!({"token": token, "expires_at": expires}));
        } else {
            terminal::out(&token);
        }
        Ok(())
    }
}

fn role(text: &str) -> Result<String, String> {
    Role::from_name(text).map(|_| text.to_owned()).ok_or_else(|| "user, agent-admin or admin".to_owned())
}

fn tier(text: &str) -> Result<Tier, String> {
    Tier::from_name(text).ok_or_else(|| "free, standard, premium or enterprise".to_owned())
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || "a number and s, m, h or d, such as 1h; at most 30d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let lifetime = Duration::from_secs(number.checked_mul(unit).ok_or_else(wrong)?);
    if lifetime.is_zero() || lifetime > LONGEST { Err(wrong()) } else { Ok(lifetime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_and_a_unit() {
        assert_eq!(lifetime("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(lifetime("7d"), Ok(Duration::from_secs(7 * 86400)));
        for bad in ["", "h", "1", "0s", "-1h", "31d", "1w", "99999999999999999999h", "1é"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
