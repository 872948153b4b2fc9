//! Header fields between client and core.

use crate::{answer::limit_fields, auth::page, limit::Decision};
use http::{HeaderMap, HeaderName, Uri, header};
use pingora::{
    Result,
    http::{RequestHeader, ResponseHeader},
};
use switchboard_shared::{cookies, headers};

/// Fields that a client has no say in, or that must not go further than the edge.
const DROPPED: [&str; 19] = [
    headers::IDENTITY,
    headers::DEADLINE_MS,
    headers::REQUEST_ID,
    headers::TRACEPARENT,
    "tracestate",
    "baggage",
    "authorization",
    "proxy-authorization",
    "cookie",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "http2-settings",
];

/// Rewrites a client's request for a core: drops what the client must not say, adds what the edge vouches for.
///
/// # Errors
/// When a field cannot be written.
pub fn to_core(request: &mut RequestHeader, stamp: HeaderMap, authority: &str) -> Result<()> {
    for name in dropped(&request.headers) {
        request.remove_header(&name);
    }
    for (name, value) in &stamp {
        request.insert_header(name.clone(), value.clone())?;
    }
    request.insert_header(header::HOST, authority)
}

/// What goes to `/auth/*` and nowhere else: the cookies of the session and of a sign-in on its way, without any other, and
/// under which origin the browser knows this edge.
pub fn add_session(stamp: &mut HeaderMap, uri: &Uri, client: &HeaderMap) {
    let ours = [cookies::SESSION, cookies::LOGIN];
    let found = ours.iter().filter_map(|name| Some(format!("{name}={}", cookies::find(client, name)?)));
    insert(stamp, header::COOKIE, &found.collect::<Vec<_>>().join("; "));
    add_origin(stamp, uri, client);
}

/// Under which origin the client knows this edge.
pub fn add_origin(stamp: &mut HeaderMap, uri: &Uri, client: &HeaderMap) {
    let origin = page::own_origin(Some(uri), client).unwrap_or_default();
    insert(stamp, HeaderName::from_static(headers::ORIGIN), &origin);
}

fn insert(stamp: &mut HeaderMap, name: HeaderName, value: &str) {
    match value.parse() {
        Ok(field) if !value.is_empty() => drop(stamp.insert(name, field)),
        _ => {}
    }
}

fn dropped(fields: &HeaderMap) -> Vec<HeaderName> {
    // What `Connection` names belongs to this hop only (RFC 9110 §7.6.1); the body's framing is Pingora's to rewrite.
    let mut names: Vec<HeaderName> = fields
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| ![header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::HOST].contains(name))
        .collect();
    names.extend(DROPPED.iter().map(|name| HeaderName::from_static(name)));
    // A count of hops is the one internal field that comes through from outside: an agent that asks Switchboard again
    // carries it. Too high a count only harms who sends it.
    let ours = |name: &HeaderName| name.as_str().starts_with("x-switchboard-");
    let sane_hops = fields.get(headers::HOPS).is_some_and(|hops| {
        let hops = hops.as_bytes();
        hops.len() <= 2 && hops.iter().all(u8::is_ascii_digit)
    });
    names.extend(
        fields.keys().filter(|name| ours(name) && !(sane_hops && name.as_str() == headers::HOPS)).cloned(),
    );
    names
}

/// Rewrites a core's answer for the client.
///
/// # Errors
/// When a field cannot be written.
pub fn to_client(answer: &mut ResponseHeader, request_id: &str, decision: Option<&Decision>) -> Result<()> {
    let internal: Vec<HeaderName> =
        answer.headers.keys().filter(|name| name.as_str().starts_with("x-switchboard-")).cloned().collect();
    for name in internal {
        answer.remove_header(&name);
    }
    answer.remove_header(&header::SERVER);
    // Of the connection to the core (RFC 9110 §7.6.1).
    answer.remove_header(&header::CONNECTION);
    answer.insert_header(headers::REQUEST_ID, request_id)?;
    answer.insert_header(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000")?;
    answer.insert_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    for (name, value) in decision.map(limit_fields).into_iter().flatten() {
        answer.insert_header(name, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sessions_cookie_goes_alone_and_with_the_origin_of_the_edge() {
        let mut client = HeaderMap::new();
        let cookies = "a=1; __Host-switchboard-session=s; __Host-switchboard-token=t; b=2";
        client.insert("cookie", cookies.parse().unwrap());
        client.insert("host", "Edge.example:8443".parse().unwrap());
        client.insert("x-switchboard-origin", "https://evil.example".parse().unwrap());
        let mut stamp = HeaderMap::new();
        add_session(&mut stamp, &Uri::from_static("/auth/me"), &client);
        assert_eq!(stamp["cookie"], "__Host-switchboard-session=s");
        assert_eq!(stamp["x-switchboard-origin"], "https://edge.example:8443");
        add_session(&mut HeaderMap::new(), &Uri::from_static("/auth/me"), &HeaderMap::new());
    }

    #[test]
    fn a_client_cannot_speak_for_the_edge() {
        let mut request = RequestHeader::build("GET", b"/v1/agents", None).unwrap();
        for (name, value) in [
            ("x-switchboard-identity", "forged"),
            ("x-switchboard-other", "1"),
            ("x-switchboard-hops", "2"),
            ("authorization", "Bearer t"),
            ("cookie", "c"),
            ("x-forwarded-for", "1.2.3.4"),
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("idempotency-key", "k"),
        ] {
            request.append_header(name, value).unwrap();
        }
        let mut stamp = HeaderMap::new();
        stamp.insert("x-request-id", "r".parse().unwrap());
        to_core(&mut request, stamp, "core:80").unwrap();
        let mut names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["connection", "host", "idempotency-key", "x-request-id", "x-switchboard-hops"]);
    }
}
