//! Where a token says what the edge needs to know. Every issuer has names of its own for it, so the names are settings.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};
use std::str::FromStr;

/// Lists in one text, divided by blanks (RFC 6749 §3.3). In other claims a blank is a part of a name.
const SCOPES: [&str; 2] = ["scope", "scp"];

/// The way to a claim, as a key of TOML: `roles`, `realm_access.roles`, `"kubernetes.io".namespace`. What is no such key
/// is the name of one claim, whole: `https://example.com/roles`, `cognito:groups`. Empty leads nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
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
