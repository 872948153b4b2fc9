//! The opening handshake of a WebSocket (RFC 6455 §4.2), and who may open one from where. Pure.

use super::origin::Origin;
use crate::{
    auth::{page, shown::shown},
    door::head::Upgrade,
};
use http::{HeaderMap, HeaderName, header};
use switchboard_shared::{
    events::SUBPROTOCOL,
    ids::ConversationId,
    problem::{Problem, ProblemKind},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A handshake that may be answered with 101.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The answer.
    pub answer: String,
    /// A conversation that is joined at once, and its cursor.
    pub join: Option<(ConversationId, Option<u64>)>,
    /// Whether the handshake carries a token.
    pub has_token: bool,
    /// The ticket among its subprotocols, which a page can choose, where it can send no header.
    pub ticket: Option<String>,
}

fn bad(detail: &str) -> Problem {
    Problem::new(ProblemKind::BadRequest, detail)
}

/// Checks a handshake.
///
/// # Errors
/// With the problem to answer.
pub fn check(upgrade: &Upgrade, origins: &[Origin], request_id: &str) -> Result<Accepted, Problem> {
    let headers = &upgrade.headers;
    page::require_for_socket(headers, origins)?;
    let join = path(&upgrade.target)?;
    let websocket = has_token(headers, &header::UPGRADE, "websocket");
    if !websocket || !has_token(headers, &header::CONNECTION, "upgrade") {
        return Err(bad("only an upgrade to websocket is served here"));
    }
    if single(headers, &header::SEC_WEBSOCKET_VERSION)? != Some("13") {
        return Err(bad("the WebSocket version must be 13"));
    }
    let key = single(headers, &header::SEC_WEBSOCKET_KEY)?.unwrap_or_default();
    if !is_key(key) {
        return Err(bad("the WebSocket key must be 16 bytes in base64"));
    }
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-accept: {}\r\nx-request-id: {request_id}\r\n",
        derive_accept_key(key.as_bytes())
    );
    if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        if !has_token(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
            return Err(bad("the subprotocol here is switchboard.v1"));
        }
        answer.push_str(&format!("sec-websocket-protocol: {SUBPROTOCOL}\r\n"));
    }
    answer.push_str("\r\n");
    // A header that is no token is refused, and not passed over.
    let by_header = headers.contains_key(header::AUTHORIZATION);
    let ticket = ticket(headers).filter(|_| !by_header);
    let has_token = by_header || ticket.is_some() || shown(headers).is_ok();
    Ok(Accepted { answer, join, has_token, ticket })
}

fn ticket(headers: &HeaderMap) -> Option<String> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut tickets = offered.filter_map(|offer| offer.trim().strip_prefix("ticket."));
    let ticket = tickets.next()?;
    tickets.next().is_none().then(|| ticket.to_owned())
}

fn path(target: &str) -> Result<Option<(ConversationId, Option<u64>)>, Problem> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(id) = path.strip_prefix("/ws/").filter(|id| !id.is_empty()) else { return Ok(None) };
    let id = id.parse().map_err(|_| bad("the path does not name a conversation"))?;
    let mut cursor = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "after" {
            cursor = Some(value.parse().map_err(|_| bad("`after` must be a number"))?);
        }
    }
    Ok(Some((id, cursor)))
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    if values.next().is_some() {
        return Err(bad("a field of the handshake stands twice"));
    }
    Ok(value)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn of(target: &str, more: &[(&'static str, &str)]) -> Result<Accepted, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in GOOD {
            headers.insert(name, value.parse().unwrap());
        }
        for (name, value) in more {
            if value.is_empty() {
                headers.remove(*name);
            } else if *name == "origin" {
                headers.append(*name, value.parse().unwrap());
            } else {
                headers.insert(*name, value.parse().unwrap());
            }
        }
        check(&Upgrade { target: target.into(), headers }, &["https://chat.example".parse().unwrap()], "r")
    }

    #[test]
    fn the_answer_is_that_of_the_rfc() {
        let accepted = of("/ws", &[]).unwrap();
        assert!(accepted.answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(!accepted.answer.contains("sec-websocket-protocol"));
        let offered = of("/ws", &[("sec-websocket-protocol", "other, switchboard.v1")]).unwrap();
        assert!(offered.answer.contains("sec-websocket-protocol: switchboard.v1\r\n"));
        let ticket = of("/ws", &[("sec-websocket-protocol", "switchboard.v1, ticket.sbt_x.acme")]).unwrap();
        assert!(ticket.answer.contains("sec-websocket-protocol: switchboard.v1\r\n"), "and not the ticket");
        assert_eq!((ticket.ticket.as_deref(), ticket.has_token), (Some("sbt_x.acme"), true));
    }

    #[test]
    fn only_listed_origins_and_clients_without_one_come_in() {
        let origin =
            |value: &str| of("/ws", &[("origin", value)]).map(|_| ()).map_err(|problem| problem.status);
        assert_eq!(origin("https://chat.example"), Ok(()));
        for bad in [
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example.evil",
            "https://CHAT.example",
            "https://evil",
            "null",
        ] {
            assert_eq!(origin(bad), Err(403), "{bad}");
        }
        let two = of("/ws", &[("origin", "https://chat.example"), ("origin", "https://chat.example")]);
        assert_eq!(two.unwrap_err().status, 403);
        let own = of("/ws", &[("host", "edge.example"), ("origin", "https://edge.example")]);
        assert!(own.is_ok(), "a page of the edge's own");
    }

    #[test]
    fn a_cookie_opens_a_socket_for_a_page_of_ours_alone() {
        let cookie = ("cookie", "__Host-switchboard-token=t");
        let of = |fields: &[(&'static str, &str)]| of("/ws", fields);
        let ours = of(&[("host", "edge.example"), ("origin", "https://edge.example"), cookie]).unwrap();
        assert!(ours.has_token);
        assert_eq!(of(&[("host", "edge.example"), cookie]).unwrap_err().status, 403, "no origin");
        let other = of(&[("host", "edge.example"), ("origin", "https://evil.example"), cookie]);
        assert_eq!(other.unwrap_err().status, 403);
    }

    #[test]
    fn a_handshake_that_is_not_one_is_refused() {
        for (name, value) in [
            ("upgrade", "h2c"),
            ("connection", "keep-alive"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-version", ""),
            ("sec-websocket-key", "short"),
            ("sec-websocket-key", ""),
            ("sec-websocket-protocol", "graphql-ws"),
        ] {
            assert_eq!(of("/ws", &[(name, value)]).unwrap_err().status, 400, "{name}: {value}");
        }
    }

    #[test]
    fn the_path_may_name_a_conversation_and_a_cursor() {
        let id = ConversationId::new();
        assert_eq!(of(&format!("/ws/{id}?after=7"), &[]).unwrap().join, Some((id, Some(7))));
        assert_eq!(of(&format!("/ws/{id}"), &[]).unwrap().join, Some((id, None)));
        assert_eq!(of("/ws/", &[]).unwrap().join, None);
        assert!(of("/ws/nope", &[]).is_err() && of(&format!("/ws/{id}?after=x"), &[]).is_err());
    }
}
