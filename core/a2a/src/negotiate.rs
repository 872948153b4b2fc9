//! What client and server have to agree on before an operation: version, extensions, media type. Pure.

use crate::{
    VERSION,
    agent::Abilities,
    fault::{Fault, Kind},
};
use http::{HeaderMap, header};

/// The version of a request that names none (A2A 1.0, section 3.6.2).
pub const UNNAMED_VERSION: &str = "0.3";

const VERSION_PARAMETER: &str = "A2A-Version";
const EXTENSIONS_PARAMETER: &str = "A2A-Extensions";
/// Characters of what a client calls a version, where it is told back.
const MAX_SHOWN: usize = 32;

/// The version that a request asks for, by its header or its query.
#[must_use]
pub fn version(headers: &HeaderMap, query: Option<&str>) -> String {
    let named = headers.get(VERSION_PARAMETER).map(|value| value.to_str().unwrap_or("unreadable").to_owned());
    let named = named.or_else(|| {
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name.eq_ignore_ascii_case(VERSION_PARAMETER))
            .map(|(_, value)| value.into_owned())
    });
    let named = named.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    named.unwrap_or_else(|| UNNAMED_VERSION.to_owned())
}

/// A version that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Current,
    Before,
}

/// The version in which an answer is due; a patch number is none of its business.
pub(crate) fn dialect(
    headers: &HeaderMap,
    query: Option<&str>,
    abilities: &Abilities,
) -> Result<Dialect, Fault> {
    let asked = version(headers, query);
    let is = |version: &str| {
        asked == version || asked.strip_prefix(version).is_some_and(|patch| patch.starts_with('.'))
    };
    if is(VERSION) {
        return Ok(Dialect::Current);
    }
    if abilities.before_1_0 && is(UNNAMED_VERSION) {
        return Ok(Dialect::Before);
    }
    let shown: String = asked.chars().take(MAX_SHOWN).collect();
    let message = format!("A2A {shown} is not spoken here; send `A2A-Version: {VERSION}`.");
    Err(Fault::new(Kind::VersionNotSupported, message))
}

/// Whether the current version is asked for, where no other one is spoken.
pub(crate) fn check_version(headers: &HeaderMap, query: Option<&str>) -> Result<(), Fault> {
    dialect(headers, query, &Abilities::default()).map(drop)
}

/// Whether the client offers what the agent requires (section 3.3.4).
pub(crate) fn check_extensions(headers: &HeaderMap, abilities: &Abilities) -> Result<(), Fault> {
    let offered: Vec<&str> = headers
        .get_all(EXTENSIONS_PARAMETER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    match abilities.required_extensions.iter().find(|uri| !offered.contains(&uri.as_str())) {
        None => Ok(()),
        Some(uri) => {
            let message = format!("The extension {uri} is required: name it in A2A-Extensions.");
            Err(Fault::new(Kind::ExtensionSupportRequired, message))
        }
    }
}

/// Whether a body is JSON as it says: a web page could otherwise post a plain form here unasked.
pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), Fault> {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence == crate::MEDIA_TYPE {
        return Ok(());
    }
    let message = "The body must be JSON: Content-Type is application/json or application/a2a+json.";
    Err(Fault::new(Kind::ContentTypeNotSupported, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(field).collect()
    }

    #[test]
    fn major_and_minor_count_and_none_is_the_version_before() {
        let accepted = |headers: &[(&'static str, &'static str)], query| {
            check_version(&fields(headers), query).map_err(|fault| fault.kind)
        };
        for spoken in ["1.0", " 1.0 ", "1.0.1"] {
            let spoken: &'static str = spoken;
            assert_eq!(accepted(&[("a2a-version", spoken)], None), Ok(()), "{spoken}");
        }
        assert_eq!(accepted(&[], Some("a2a-version=1.0")), Ok(()));
        for other in ["", "0.3", "1", "1.1", "1.00", "99.0"] {
            let other: &'static str = other;
            assert_eq!(accepted(&[("a2a-version", other)], None), Err(Kind::VersionNotSupported), "{other}");
        }
        assert_eq!(accepted(&[], None), Err(Kind::VersionNotSupported));
        let both = Abilities { before_1_0: true, ..Abilities::default() };
        assert_eq!(dialect(&fields(&[]), None, &both), Ok(Dialect::Before));
        assert_eq!(dialect(&fields(&[("a2a-version", "1.0")]), None, &both), Ok(Dialect::Current));
        assert!(dialect(&fields(&[("a2a-version", "0.2")]), None, &both).is_err());
    }

    #[test]
    fn a_required_extension_has_to_be_offered() {
        let abilities = Abilities { required_extensions: vec!["urn:a".into()], ..Abilities::default() };
        let check = |headers| check_extensions(&headers, &abilities).map_err(|fault| fault.kind);
        assert_eq!(check(fields(&[])), Err(Kind::ExtensionSupportRequired));
        assert_eq!(check(fields(&[("a2a-extensions", "urn:b, urn:a")])), Ok(()));
    }

    #[test]
    fn a_body_says_that_it_is_json() {
        let check = |value: &'static str| check_media_type(&fields(&[("content-type", value)])).is_ok();
        assert!(check("application/json") && check("Application/A2A+JSON; charset=utf-8"));
        assert!(!check("text/plain") && !check("application/jsonp"));
        assert!(check_media_type(&fields(&[])).is_err());
    }
}
