//! What an agent is shown by Switchboard, so that it answers. It is given once and read back by nobody.

use crate::ids::UserId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::Error};
use std::fmt;
use url::Url;

/// A secret on its way: it prints as `***`, and no fault of reading quotes it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// Reads the value, where it is used.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The usual message would quote what stands there instead.
        String::deserialize(from).map(Self).map_err(|_| D::Error::custom("a secret must be a string"))
    }
}

/// Of what kind a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A bearer token (RFC 6750).
    Bearer,
    /// A key in a header, a cookie or the query.
    ApiKey,
    /// A name and a password (RFC 7617).
    Basic,
    /// A client's id and secret, for which a token endpoint gives tokens (RFC 6749 §4.4).
    #[serde(rename = "oauth2")]
    OAuth2,
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bearer, Self::ApiKey, Self::Basic, Self::OAuth2];

    /// As it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::OAuth2 => "oauth2",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where an API key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In a header.
    Header,
    /// In the query.
    Query,
    /// In a cookie.
    Cookie,
}

impl KeyPlace {
    /// As cards name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Cookie => "cookie",
        }
    }

    /// The place of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Header, Self::Query, Self::Cookie].into_iter().find(|place| place.name() == name)
    }
}

/// `PUT /v1/agents/{id}/credentials`: what the agent is shown from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetCredential {
    /// Of what kind it is.
    pub kind: CredentialKind,
    /// The token, the key, the password or the client's secret.
    pub secret: Hidden,
    /// Of `basic`: whose password it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Of `api_key`: where the key stands; when absent, as the agent's card says.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub place: Option<KeyPlace>,
    /// Of `api_key`: the name of the header, the cookie or the parameter; when absent, as the agent's card says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of `oauth2`: the client's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Of `oauth2`: where tokens are given; when absent, as the agent's card says, where that is at its own origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<Url>,
    /// Of `oauth2`: the scopes to ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The only origin that is shown it; when absent, that of the agent's card, which has to be where it is asked too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Url>,
}

/// What may be known of an agent's credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialView {
    /// Of what kind it is.
    pub kind: CredentialKind,
    /// Of `api_key`: where the key stands.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub place: Option<KeyPlace>,
    /// Of `api_key`: under which name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of `oauth2`: where tokens are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<Url>,
    /// The only origin that is shown it.
    pub origin: String,
    /// When it was set.
    pub set_at: DateTime<Utc>,
    /// By whom.
    pub set_by: UserId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_neither_printed_nor_quoted_in_a_fault() {
        let read = |text: &str| serde_json::from_str::<SetCredential>(text);
        let set = read(r#"{"kind": "bearer", "secret": "hunter2"}"#).unwrap();
        assert!(!format!("{set:?}").contains("hunter2"), "{set:?}");
        assert_eq!(set.secret.expose(), "hunter2");
        for bad in
            [r#"{"kind": "bearer", "secret": 4711}"#, r#"{"kind": "bearer", "secret": {"hunter2": 1}}"#]
        {
            let fault = read(bad).unwrap_err().to_string();
            assert!(!fault.contains("4711") && !fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn kinds_and_places_are_named_as_they_are_written() {
        for kind in CredentialKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(CredentialKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(KeyPlace::from_name("cookie"), Some(KeyPlace::Cookie));
    }
}
