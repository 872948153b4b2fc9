//! A newtype for every id, so that a turn is never passed where a message is meant.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes a new time-ordered id (UUIDv7, RFC 9562).
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

uuid_id! {
    /// A conversation: a room, and an A2A `contextId`.
    ConversationId,
    /// What a member, or Switchboard, said.
    MessageId,
    /// One message on its way to its answer.
    TurnId,
    /// Asking one agent within a turn.
    CallId,
    /// A message that an agent might learn from, once somebody has looked at it.
    SuggestionId,
    /// What a sign-in began, until it ends.
    SessionId,
    /// A program's key.
    KeyId,
}

/// Why a text is not an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what} must be 1 to {max} characters of {alphabet}")]
pub struct InvalidId {
    what: &'static str,
    max: usize,
    alphabet: &'static str,
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident($max:literal, $allowed:expr, $alphabet:literal)),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let allowed: fn(char) -> bool = $allowed;
                let blank = text.starts_with(' ') || text.ends_with(' ') || text.contains("  ");
                if text.is_empty() || text.chars().count() > $max || blank || !text.chars().all(allowed) {
                    return Err(InvalidId { what: stringify!($name), max: $max, alphabet: $alphabet });
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text_id! {
    /// The customer whose data this is; leads every key in the database.
    TenantId(64, |c| c.is_ascii_alphanumeric() || "-_.".contains(c), "letters, digits, - _ ."),
    /// A member: the `sub` of a verified token, within its tenant, as it is: a name, a mail address, a GUID, a URI or a
    /// distinguished name (RFC 4514). As long as OpenID Connect allows (Core §2). It is shown to people, so it has nothing
    /// that cannot be seen, and of blanks only single ones within.
    UserId(255, |c| c == ' ' || is_seen(c), "what can be seen, with single blanks within"),
    /// An agent, as the registry names it and as `@agent` addresses it.
    AgentId(64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', "a-z 0-9 -"),
    /// A group of the tenant's own making, as its tokens and its agents name it: a name, a path, a mail address or a
    /// GUID, as identity providers write them. No comma, which divides groups on a command line.
    Group(64, |c| c.is_ascii_alphanumeric() || "-_.@:|+/".contains(c), "letters, digits, - _ . @ : | + /"),
    /// The client's own id of a message it sends: the idempotency key.
    ClientId(128, |c| c.is_ascii_graphic(), "visible ASCII"),
    /// A file within its conversation. Clients take it as it is.
    FileId(64, |c| c.is_ascii_hexdigit() || c == '-', "0-9 a-f -"),
}

/// Neither a blank nor what leaves no mark: controls, format characters, fillers, variation selectors, tags.
#[must_use]
pub fn is_seen(c: char) -> bool {
    let unseen = matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}');
    !(unseen || c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_could_be_mistaken_for_something_else() {
        assert!("nlp-agent".parse::<AgentId>().is_ok());
        for bad in ["", "NLP", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(bad.parse::<AgentId>().is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<UserId>("\"a\\nb\"").is_err());
    }

    #[test]
    fn a_user_may_be_whatever_a_subject_is_that_can_be_seen() {
        for good in [
            "ann",
            "auth0|5f7c8ec7c33c6c004bbafe82",
            "system:serviceaccount:prod:billing",
            "https://idp.example/users/7?x=%20&y#z",
            "spiffe://acme.example/ns/prod/sa/billing",
            "CN=Lee\\, Ann,OU=People+UID=7,O=\"Acme\",C=DE",
            "cn=Jörg Müller,dc=例,dc=de",
            "आनंद्",
            &"ü".repeat(255),
        ] {
            assert_eq!(good.parse::<UserId>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            " ",
            "ann ",
            " ann",
            "a  b",
            "a\tb",
            "a\u{0}",
            "a\u{a0}b",
            "a\u{202e}b",
            "a\u{200b}",
            "\u{3164}",
            "\u{2800}",
            &"u".repeat(256),
        ] {
            assert!(bad.parse::<UserId>().is_err(), "{bad:?}");
        }
    }
}
