//! What an operator gives for an agent, made into what is sealed and what may be known of it.

use super::{Credential, How, Read, origin};
use crate::{agents::security::Security, config::is_closed_to_others};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;
use switchboard_shared::{
    api::{CredentialKind, CredentialView, Hidden, KeyPlace, SetCredential},
    headers,
    ids::UserId,
};
use url::Url;

const MAX_SECRET_BYTES: usize = 8_192;
const MAX_NAME_BYTES: usize = 256;
const MAX_SCOPES: usize = 64;
/// What HTTP, A2A or Switchboard itself says in a request, and no key can be.
const TAKEN: [&str; 18] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "transfer-encoding",
    "content-length",
    "content-type",
    "accept",
    "cookie",
    "user-agent",
    "a2a-version",
    "a2a-extensions",
    headers::HOPS,
    "traceparent",
    "tracestate",
];

/// The agent that wants it: where it is, and what its card says.
pub(crate) struct Asker<'a> {
    pub(crate) card_url: &'a Url,
    pub(crate) asked_at: &'a Url,
    pub(crate) card: &'a Value,
    /// Whether agents may be in a private network, where they need no TLS.
    pub(crate) allow_private: bool,
}

/// Reads it; the reason why it cannot be one quotes nothing secret.
pub(crate) fn read(
    set: &SetCredential,
    asker: &Asker<'_>,
    by: (DateTime<Utc>, &UserId),
) -> Result<Read, String> {
    require_fields(set)?;
    let secret = set.secret.expose();
    if secret.is_empty() || secret.len() > MAX_SECRET_BYTES {
        return Err(format!("the secret must have 1 to {MAX_SECRET_BYTES} bytes"));
    }
    let origin = origin_of(set, asker)?;
    let security = Security::of(asker.card);
    let mut view = CredentialView {
        kind: set.kind,
        place: None,
        name: None,
        token_url: None,
        origin: origin.clone(),
        set_at: by.0,
        set_by: by.1.clone(),
    };
    let authorization = |value: String| header_of(header::AUTHORIZATION.as_str(), value);
    let how = match set.kind {
        CredentialKind::Bearer => authorization(format!("Bearer {secret}"))?,
        CredentialKind::Basic => {
            let user = set.user.as_deref().unwrap_or_default();
            if user.contains(':') || user.len() > MAX_NAME_BYTES {
                return Err(format!("user must have no colon and at most {MAX_NAME_BYTES} bytes"));
            }
            authorization(format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))))?
        }
        CredentialKind::ApiKey => {
            let (place, name) = key_of(set, &security)?;
            (view.place, view.name) = (Some(place), Some(name.clone()));
            key(place, name, secret)?
        }
        CredentialKind::OAuth2 => {
            let how = client(set, asker, &security, &origin)?;
            if let How::Token { url, .. } = &how {
                view.token_url = Some(url.clone());
            }
            how
        }
    };
    Ok(Read { credential: Credential { kind: set.kind, origin, secret: set.secret.clone(), how }, view })
}

/// What is said must belong to what it is: who says more means something else.
fn require_fields(set: &SetCredential) -> Result<(), String> {
    use CredentialKind::{ApiKey, Basic, OAuth2};
    for (field, is_said, kind, is_needed) in [
        ("user", set.user.is_some(), Basic, true),
        ("in", set.place.is_some(), ApiKey, false),
        ("name", set.name.is_some(), ApiKey, false),
        ("client_id", set.client_id.is_some(), OAuth2, true),
        ("token_url", set.token_url.is_some(), OAuth2, false),
        ("scopes", !set.scopes.is_empty(), OAuth2, false),
    ] {
        if is_said && set.kind != kind {
            return Err(format!("{field} belongs to {} and not to {}", kind.name(), set.kind.name()));
        }
        if is_needed && !is_said && set.kind == kind {
            return Err(format!("{} needs {field}", kind.name()));
        }
    }
    Ok(())
}

/// The origin that is shown it. Where a card leads is the card's word, so that another origin is only shown it if whoever
/// gives it names that one.
fn origin_of(set: &SetCredential, asker: &Asker<'_>) -> Result<String, String> {
    let (named, asked) = (set.origin.as_ref().unwrap_or(asker.card_url), origin(asker.asked_at));
    if origin(named) != asked {
        return Err(format!(
            "the agent's card leads to {asked}, and this is for {}; if that origin may have it, name it as origin",
            origin(named)
        ));
    }
    closed(named, asker, "the agent")?;
    Ok(asked)
}

fn closed(url: &Url, asker: &Asker<'_>, what: &str) -> Result<(), String> {
    if is_closed_to_others(url) || (url.scheme() == "http" && asker.allow_private) {
        return Ok(());
    }
    Err(format!("{what} is not reached over https, and whoever stands between could read the secret"))
}

/// Where an API key stands, as is said or as the card says.
fn key_of(set: &SetCredential, security: &Security) -> Result<(KeyPlace, String), String> {
    let said = security.key();
    let place = set.place.or(said.map(|(place, _)| place));
    let name = set.name.clone().or(said.map(|(_, name)| name.to_owned()));
    match (place, name) {
        (Some(place), Some(name)) if !name.is_empty() && name.len() <= MAX_NAME_BYTES => Ok((place, name)),
        (Some(_), Some(_)) => Err(format!("name must have 1 to {MAX_NAME_BYTES} bytes")),
        _ => Err("the agent's card names no place for an API key, or several: say in and name".into()),
    }
}

fn key(place: KeyPlace, name: String, secret: &str) -> Result<How, String> {
    match place {
        KeyPlace::Query => Ok(How::Query { name }),
        KeyPlace::Header if TAKEN.contains(&name.to_ascii_lowercase().as_str()) => {
            Err(format!("the header {name} says something else already"))
        }
        KeyPlace::Header => header_of(&name, secret.to_owned()),
        KeyPlace::Cookie => {
            // A name is a token, a value has no separators (RFC 6265 §4.1.1).
            let ends = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | ',' | ';' | '\\');
            if name.parse::<HeaderName>().is_err() || secret.contains(ends) {
                return Err("the name or the key cannot stand in a cookie".into());
            }
            header_of(header::COOKIE.as_str(), format!("{name}={secret}"))
        }
    }
}

fn header_of(name: &str, value: String) -> Result<How, String> {
    name.parse::<HeaderName>().map_err(|_| "name cannot be a header's".to_owned())?;
    let fits = value.is_ascii() && HeaderValue::from_str(&value).is_ok() && value.trim() == value;
    fits.then(|| How::Header { name: name.to_owned(), value: Hidden::new(value) })
        .ok_or_else(|| "the secret cannot stand in a header: it must be visible ASCII in one line".to_owned())
}

/// A client of a token endpoint. One at another origin gets the secret only if whoever gives it names that one.
fn client(set: &SetCredential, asker: &Asker<'_>, security: &Security, own: &str) -> Result<How, String> {
    let url = match (&set.token_url, security.token_url()) {
        (Some(said), _) => said,
        (None, Some(url)) if origin(url) == *own => url,
        (None, Some(url)) => {
            let elsewhere = origin(url);
            return Err(format!(
                "the agent's card has tokens from {elsewhere}, which is not its own origin; if that may have the secret, say token_url"
            ));
        }
        (None, None) => {
            return Err("the agent's card does not say where tokens are given: say token_url".into());
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("token_url must not hold credentials".into());
    }
    closed(url, asker, "token_url")?;
    let client_id = set.client_id.clone().unwrap_or_default();
    let of_bound = |text: &String| !text.is_empty() && text.len() <= MAX_NAME_BYTES;
    let scopes =
        set.scopes.len() <= MAX_SCOPES && set.scopes.iter().all(|it| of_bound(it) && !it.contains(' '));
    if !of_bound(&client_id) || !scopes {
        return Err(format!(
            "client_id and each of at most {MAX_SCOPES} scopes must have 1 to {MAX_NAME_BYTES} bytes, a scope no blank"
        ));
    }
    Ok(How::Token { url: url.clone(), client_id, scopes: set.scopes.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tried(set: Value, card: &Value, asked_at: &str) -> Result<Read, String> {
        let set: SetCredential = serde_json::from_value(set).unwrap();
        let (card_url, asked_at) =
            ("https://a.example/card.json".parse().unwrap(), asked_at.parse().unwrap());
        let asker = Asker { card_url: &card_url, asked_at: &asked_at, card, allow_private: false };
        read(&set, &asker, (DateTime::UNIX_EPOCH, &"olga".parse().unwrap()))
    }

    fn header(read: Read) -> (String, String) {
        match read.credential.how {
            How::Header { name, value } => (name, value.expose().to_owned()),
            How::Query { name } => ("?".to_owned() + &name, String::new()),
            How::Token { url, .. } => (url.to_string(), String::new()),
        }
    }

    #[test]
    fn each_kind_is_shown_where_it_is_wanted() {
        let scheme = |place: &str| json!({"securitySchemes": {"k": {"apiKeySecurityScheme": {"location": place, "name": "X-Key"}}}});
        let key = json!({"kind": "api_key", "secret": "s3"});
        for (set, card, name, value) in [
            (json!({"kind": "bearer", "secret": "t"}), json!({}), "authorization", "Bearer t"),
            (
                json!({"kind": "basic", "user": "ann", "secret": "p:w"}),
                json!({}),
                "authorization",
                "Basic YW5uOnA6dw==",
            ),
            (key.clone(), scheme("header"), "X-Key", "s3"),
            (key.clone(), scheme("cookie"), "cookie", "X-Key=s3"),
            (key.clone(), scheme("query"), "?X-Key", ""),
            (
                json!({"kind": "api_key", "secret": "s3", "in": "header", "name": "K"}),
                scheme("query"),
                "K",
                "s3",
            ),
        ] {
            let read = tried(set, &card, "https://a.example/rpc").unwrap();
            assert_eq!(read.view.origin, "https://a.example");
            assert_eq!(header(read), (name.to_owned(), value.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_one_is_refused_and_not_quoted() {
        let long = "s3cr3t".repeat(2_000);
        for set in [
            json!({"kind": "bearer", "secret": ""}),
            json!({"kind": "bearer", "secret": long}),
            json!({"kind": "bearer", "secret": "s3cr3t\r\nx: y"}),
            json!({"kind": "bearer", "secret": "s3cr3t", "user": "ann"}),
            json!({"kind": "basic", "secret": "s3cr3t"}),
            json!({"kind": "basic", "secret": "s3cr3t", "user": "a:b"}),
            json!({"kind": "api_key", "secret": "s3cr3t"}),
            json!({"kind": "api_key", "secret": "s3cr3t", "in": "header", "name": "Host"}),
            json!({"kind": "api_key", "secret": "s3cr3t", "in": "header", "name": "a b"}),
            json!({"kind": "api_key", "secret": "s3cr3t;", "in": "cookie", "name": "k"}),
            json!({"kind": "oauth2", "secret": "s3cr3t", "client_id": "c"}),
            json!({"kind": "oauth2", "secret": "s3cr3t", "client_id": "c", "token_url": "http://t.example/"}),
            json!({"kind": "oauth2", "secret": "s3cr3t", "client_id": "c", "token_url": "https://t.example/", "scopes": ["a b"]}),
        ] {
            let refused = tried(set.clone(), &json!({}), "https://a.example/rpc").err();
            let refused = refused.unwrap_or_else(|| panic!("{set} was taken"));
            assert!(!refused.contains("s3cr3t"), "{refused}");
        }
    }

    #[test]
    fn a_card_sends_no_secret_to_another_origin_than_its_own() {
        let bearer = json!({"kind": "bearer", "secret": "t"});
        let elsewhere = tried(bearer, &json!({}), "https://b.example/rpc").err().unwrap();
        assert!(
            elsewhere.contains("https://b.example") && elsewhere.contains("name it as origin"),
            "{elsewhere}"
        );
        let named = json!({"kind": "bearer", "secret": "t", "origin": "https://b.example"});
        assert_eq!(
            tried(named, &json!({}), "https://b.example/rpc").unwrap().view.origin,
            "https://b.example"
        );
        let plain = json!({"kind": "bearer", "secret": "t", "origin": "http://b.example"});
        assert!(tried(plain, &json!({}), "http://b.example/rpc").err().unwrap().contains("https"));
        let card = |url: &str| {
            let flow = json!({"clientCredentials": {"tokenUrl": url}});
            json!({"securitySchemes": {"o": {"oauth2SecurityScheme": {"flows": flow}}}})
        };
        let oauth2 = json!({"kind": "oauth2", "secret": "t", "client_id": "c"});
        let own = tried(oauth2.clone(), &card("https://a.example/token"), "https://a.example/rpc").unwrap();
        assert_eq!(header(own).0, "https://a.example/token");
        let refused =
            tried(oauth2, &card("https://evil.example/token"), "https://a.example/rpc").err().unwrap();
        assert!(refused.contains("https://evil.example") && refused.contains("token_url"), "{refused}");
    }
}
