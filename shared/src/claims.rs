//! Where a token says who somebody is. Every issuer has names of its own for it, so the names are settings: of the edge
//! for access tokens, of the core for what identity providers say at sign-in.

use crate::{
    identity::{MAX_CALLER_GROUPS, MAX_CALLER_GROUPS_CHARS, Role, Tier},
    ids::{Group, TenantId},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, str::FromStr};

/// Lists in one text, divided by blanks (RFC 6749 §3.3). In other claims a blank is a part of a name.
const SCOPES: [&str; 2] = ["scope", "scp"];

/// The way to a claim, as a key of TOML: `roles`, `realm_access.roles`, `"kubernetes.io".namespace`. What is no such key
/// is the name of one claim, whole: `https://example.com/roles`, `cognito:groups`. Empty leads nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// The way to one claim of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// What stands there; `null` is nothing.
    #[must_use]
    pub fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        let found = rest.iter().try_fold(claims.get(first)?, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }

    /// The members of a list, or the one text that stands for a list of one. A member that is no text is `None`.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn list<'a>(&self, claims: &'a Map<String, Value>) -> Result<Option<Vec<Option<&'a str>>>, NotAList> {
        Ok(Some(match self.find(claims) {
            None => return Ok(None),
            Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
            Some(Value::String(scopes)) if self.is_scope() => scopes.split_whitespace().map(Some).collect(),
            Some(Value::String(one)) => vec![Some(one.as_str())],
            Some(_) => return Err(NotAList),
        }))
    }

    /// Whether it leads anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_scope(&self) -> bool {
        self.0.last().is_some_and(|last| SCOPES.contains(&last.as_str()))
    }
}

/// What holds where a claim is absent or null.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct ClaimDefaults {
    pub tenant: String,
    pub roles: BTreeSet<Role>,
    pub groups: BTreeSet<Group>,
    pub tier: Tier,
}

/// Where claims say who somebody is, and what holds where they do not.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct Mapping<'a> {
    pub tenant: &'a ClaimPath,
    pub roles: &'a ClaimPath,
    pub groups: &'a ClaimPath,
    pub tier: &'a ClaimPath,
    pub defaults: &'a ClaimDefaults,
}

/// What claims say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what the identity has under its name")]
pub struct Mapped {
    pub tenant: TenantId,
    pub roles: BTreeSet<Role>,
    pub groups: BTreeSet<Group>,
    pub tier: Tier,
}

/// The claim that cannot be read; none is ever replaced by a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each says which")]
pub enum Unreadable {
    #[error("tenant")]
    Tenant,
    #[error("roles")]
    Roles,
    #[error("groups")]
    Groups,
    #[error("tier")]
    Tier,
}

impl Mapping<'_> {
    /// Reads the claims.
    ///
    /// # Errors
    /// With the first that cannot be read.
    pub fn read(&self, claims: &Map<String, Value>) -> Result<Mapped, Unreadable> {
        Ok(Mapped {
            tenant: self.tenant(claims)?,
            roles: self.roles(claims)?,
            groups: self.groups(claims)?,
            tier: self.tier(claims)?,
        })
    }

    fn tenant(&self, claims: &Map<String, Value>) -> Result<TenantId, Unreadable> {
        let name = match self.tenant.find(claims) {
            None => self.defaults.tenant.as_str(),
            Some(named) => named.as_str().ok_or(Unreadable::Tenant)?,
        };
        name.parse().map_err(|_| Unreadable::Tenant)
    }

    fn roles(&self, claims: &Map<String, Value>) -> Result<BTreeSet<Role>, Unreadable> {
        let Some(names) = self.roles.list(claims).map_err(|NotAList| Unreadable::Roles)? else {
            return Ok(self.defaults.roles.clone());
        };
        let names: Option<Vec<&str>> = names.into_iter().collect();
        Ok(names.ok_or(Unreadable::Roles)?.into_iter().filter_map(Role::from_name).collect())
    }

    /// Reads the tenant's own groups (RFC 9068 §2.2.3.1). What cannot be a group's name is left out: a directory has
    /// groups that are none of Switchboard's business, no agent can be for one that has no name here, and to be in a
    /// group only ever allows more. Too many are refused, since leaving some out would take agents away by an order that
    /// nobody chose; the issuer can be told to send the groups that matter.
    fn groups(&self, claims: &Map<String, Value>) -> Result<BTreeSet<Group>, Unreadable> {
        let Some(names) = self.groups.list(claims).map_err(|NotAList| Unreadable::Groups)? else {
            return Ok(self.defaults.groups.clone());
        };
        let groups: BTreeSet<Group> =
            names.into_iter().flatten().filter_map(|name| name.parse().ok()).collect();
        let chars: usize = groups.iter().map(|group| group.as_str().len()).sum();
        let too_many = groups.len() > MAX_CALLER_GROUPS || chars > MAX_CALLER_GROUPS_CHARS;
        if too_many { Err(Unreadable::Groups) } else { Ok(groups) }
    }

    fn tier(&self, claims: &Map<String, Value>) -> Result<Tier, Unreadable> {
        match self.tier.find(claims) {
            None => Ok(self.defaults.tier),
            Some(value) => value.as_str().and_then(Tier::from_name).ok_or(Unreadable::Tier),
        }
    }
}

/// Neither a list nor one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAList;

impl FromStr for ClaimPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let quoted = text.contains(['"', '\'']);
        match toml_key(text) {
            _ if text.is_empty() => Ok(Self::default()),
            Some(steps) => Ok(Self(steps)),
            None if quoted => Err("must be a claim, or a way to one such as realm_access.roles or \"a.b\".c"),
            None => Ok(Self(vec![text.to_owned()])),
        }
    }
}

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// The steps of a key of TOML.
fn toml_key(text: &str) -> Option<Vec<String>> {
    let mut table: toml::Table = toml::from_str(&format!("{text} = true")).ok()?;
    let mut steps = Vec::new();
    loop {
        let mut entries = table.into_iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else { return None };
        steps.push(name);
        match value {
            toml::Value::Table(inner) => table = inner,
            toml::Value::Boolean(true) => return Some(steps),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_way_to_a_claim_is_a_key_of_toml_or_one_whole_name() {
        let cases: [(&str, &[&str]); 11] = [
            ("roles", &["roles"]),
            ("realm_access.roles", &["realm_access", "roles"]),
            ("https://example.com/roles", &["https://example.com/roles"]),
            ("\"https://example.com/roles\"", &["https://example.com/roles"]),
            ("\"https://example.com/app\".roles", &["https://example.com/app", "roles"]),
            ("'kubernetes.io'.serviceaccount.name", &["kubernetes.io", "serviceaccount", "name"]),
            ("resource_access.\"my client\".roles", &["resource_access", "my client", "roles"]),
            ("cognito:groups", &["cognito:groups"]),
            ("urn:zitadel:iam:org:project:roles", &["urn:zitadel:iam:org:project:roles"]),
            ("a = 1\nb", &["a = 1\nb"]),
            ("", &[]),
        ];
        for (text, steps) in cases {
            assert_eq!(text.parse::<ClaimPath>().unwrap().0, steps, "{text}");
        }
        for bad in ["\"https://example.com/roles", "a.\"b", "'x'y"] {
            assert!(bad.parse::<ClaimPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_may_be_one_text_and_only_scopes_are_divided_by_blanks() {
        let claims = json!({
            "list": ["a", 7], "one": "Domain admin", "scp": "a b", "null": null, "deep": {"scope": "c d"},
            "object": {"a": true}, "number": 1,
        });
        let list = |path: &str| path.parse::<ClaimPath>().unwrap().list(claims.as_object().unwrap());
        for (path, items) in [
            ("list", Some(vec![Some("a"), None])),
            ("one", Some(vec![Some("Domain admin")])),
            ("scp", Some(vec![Some("a"), Some("b")])),
            ("deep.scope", Some(vec![Some("c"), Some("d")])),
            ("null", None),
            ("absent", None),
            ("one.more", None),
            ("", None),
        ] {
            assert_eq!(list(path), Ok(items), "{path}");
        }
        for path in ["object", "number"] {
            assert_eq!(list(path), Err(NotAList), "{path}");
        }
    }
}
