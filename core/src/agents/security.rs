//! What an agent's card wants to be shown (A2A 1.0, section 4.5), also where it is written as in 0.3.

use super::interfaces::text;
use crate::outside;
use serde_json::{Map, Value};
use std::fmt;
use switchboard_shared::api::{CredentialKind, KeyPlace};
use url::Url;

/// Requirements, and schemes in one of them, that are looked at.
const MAX_LOOKED_AT: usize = 8;
const MAX_WORDS: usize = 120;

/// One way to show who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    ApiKey { place: KeyPlace, name: String },
    Bearer,
    Basic,
    OAuth2 { token_url: Option<Url> },
    Other(String),
}

impl Scheme {
    /// Reads one: a field named after its kind, or in 0.3 a field `type`.
    fn of(scheme: &Value) -> Self {
        let (kind, body) = match (scheme.get("type"), scheme.as_object().and_then(|it| it.iter().next())) {
            (None, Some((field, body))) => (field.trim_end_matches("SecurityScheme"), body),
            (kind, _) => (text(kind), scheme),
        };
        let word = |keys: &[&str]| keys.iter().map(|key| text(body.get(*key))).find(|word| !word.is_empty());
        match kind {
            "apiKey" => {
                let place = word(&["location", "in"]).and_then(KeyPlace::from_name);
                let name = word(&["name"]).map(|name| outside::line(name, MAX_WORDS));
                match (place, name) {
                    (Some(place), Some(name)) => Self::ApiKey { place, name },
                    _ => Self::Other("an API key at a place that it does not name".into()),
                }
            }
            "httpAuth" | "http" => {
                match word(&["scheme"]).unwrap_or_default().to_ascii_lowercase().as_str() {
                    "bearer" => Self::Bearer,
                    "basic" => Self::Basic,
                    other => Self::Other(outside::line(&format!("HTTP {other}"), MAX_WORDS)),
                }
            }
            "oauth2" => {
                let url = body.pointer("/flows/clientCredentials/tokenUrl");
                Self::OAuth2 { token_url: text(url).parse().ok() }
            }
            // A token of a provider: asked for with a client's id and secret, or given as it is.
            "openIdConnect" => Self::OAuth2 { token_url: None },
            other => Self::Other(outside::line(other, MAX_WORDS)),
        }
    }

    /// Whether a credential of this kind can be what it wants.
    fn takes(&self, kind: CredentialKind) -> bool {
        match self {
            Self::ApiKey { .. } => kind == CredentialKind::ApiKey,
            Self::Basic => kind == CredentialKind::Basic,
            Self::Bearer | Self::OAuth2 { .. } => {
                matches!(kind, CredentialKind::Bearer | CredentialKind::OAuth2)
            }
            Self::Other(_) => false,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey { place, name } => write!(f, "an API key ({} {name})", place.name()),
            Self::Bearer => f.write_str("a bearer token"),
            Self::Basic => f.write_str("a user and a password (basic)"),
            Self::OAuth2 { .. } => f.write_str("a token of OAuth 2"),
            Self::Other(kind) => write!(f, "{kind}, which is not spoken here"),
        }
    }
}

/// What a card declares, and which of it is needed: all schemes of one of the requirements.
#[derive(Debug)]
pub(crate) struct Security {
    declared: Vec<Scheme>,
    required: Vec<Vec<Scheme>>,
}

impl Security {
    pub(crate) fn of(card: &Value) -> Self {
        let none = Map::new();
        let schemes = card.get("securitySchemes").and_then(Value::as_object).unwrap_or(&none);
        let lists = ["securityRequirements", "security"].map(|key| card.get(key).and_then(Value::as_array));
        let requirements = lists.into_iter().flatten().find(|list| !list.is_empty());
        let required = requirements.into_iter().flatten().take(MAX_LOOKED_AT).map(|requirement| {
            let named = requirement.get("schemes").unwrap_or(requirement).as_object().unwrap_or(&none);
            let scheme = |name: &String| match schemes.get(name) {
                Some(scheme) => Scheme::of(scheme),
                None => Scheme::Other(outside::line(name, MAX_WORDS)),
            };
            named.keys().take(MAX_LOOKED_AT).map(scheme).collect()
        });
        let declared = schemes.values().take(MAX_LOOKED_AT).map(Scheme::of).collect();
        Self { declared, required: required.collect() }
    }

    /// What would do, where the credential that is set does not.
    pub(crate) fn wants(&self, set: Option<CredentialKind>) -> Vec<String> {
        let does = |schemes: &Vec<Scheme>| match schemes.as_slice() {
            [] => true,
            schemes => set.is_some_and(|kind| schemes.iter().all(|scheme| scheme.takes(kind))),
        };
        if self.required.iter().any(does) {
            return Vec::new();
        }
        let words = |schemes: &Vec<Scheme>| {
            schemes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" together with ")
        };
        self.required.iter().map(words).collect()
    }

    /// Where an API key is wanted, if the card says it in one way only.
    pub(crate) fn key(&self) -> Option<(KeyPlace, &str)> {
        let mut keys = self.declared.iter().filter_map(|scheme| match scheme {
            Scheme::ApiKey { place, name } => Some((*place, name.as_str())),
            Scheme::Bearer | Scheme::Basic | Scheme::OAuth2 { .. } | Scheme::Other(_) => None,
        });
        keys.next().filter(|_| keys.next().is_none())
    }

    /// Where tokens are given.
    pub(crate) fn token_url(&self) -> Option<&Url> {
        self.declared.iter().find_map(|scheme| match scheme {
            Scheme::OAuth2 { token_url } => token_url.as_ref(),
            Scheme::ApiKey { .. } | Scheme::Bearer | Scheme::Basic | Scheme::Other(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_card_says_what_it_wants_in_the_words_of_1_0_and_of_0_3() {
        let new = json!({
            "securitySchemes": {
                "key": {"apiKeySecurityScheme": {"location": "header", "name": "X-Key"}},
                "flow": {"oauth2SecurityScheme": {"flows": {"clientCredentials": {"tokenUrl": "https://t.example/"}}}},
                "web": {"httpAuthSecurityScheme": {"scheme": "Bearer"}},
                "tls": {"mtlsSecurityScheme": {}}},
            "securityRequirements": [{"schemes": {"key": {"list": []}}}, {"schemes": {"web": {}, "tls": {}}}],
        });
        let security = Security::of(&new);
        let wants =
            ["an API key (header X-Key)", "mtls, which is not spoken here together with a bearer token"];
        assert_eq!(security.wants(None), wants);
        assert_eq!(security.wants(Some(CredentialKind::Bearer)), wants, "one of two schemes is not enough");
        assert!(security.wants(Some(CredentialKind::ApiKey)).is_empty());
        assert_eq!(security.key(), Some((KeyPlace::Header, "X-Key")));
        assert_eq!(security.token_url().map(Url::as_str), Some("https://t.example/"));
        let old = json!({
            "securitySchemes": {"k": {"type": "apiKey", "in": "cookie", "name": "sid"}, "b": {"type": "http", "scheme": "basic"}},
            "security": [{"b": []}],
        });
        let security = Security::of(&old);
        assert_eq!(security.wants(None), ["a user and a password (basic)"]);
        assert!(security.wants(Some(CredentialKind::Basic)).is_empty());
        assert_eq!(security.key(), Some((KeyPlace::Cookie, "sid")));
    }

    #[test]
    fn what_is_nonsense_or_optional_is_not_wanted() {
        for card in [
            json!(null),
            json!({"securitySchemes": 7, "securityRequirements": 7}),
            json!({"securitySchemes": {"b": {"type": "http", "scheme": "basic"}}}),
            json!({"securityRequirements": [{"schemes": {"k": {}}}, {}]}),
        ] {
            assert!(Security::of(&card).wants(None).is_empty(), "{card}");
        }
        let unknown = json!({"securitySchemes": {"k": {}}, "securityRequirements": [{"schemes": {"k": {}}}, 7, {"x": []}]});
        assert_eq!(Security::of(&unknown).wants(None).len(), 0, "a requirement of nothing is none");
    }
}
