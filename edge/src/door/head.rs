//! The strict look at the head of an HTTP/1 request, before Pingora reads the same bytes. Whatever two servers could
//! read in two ways is refused here, since that is what request smuggling is made of (RFC 9112 §11.2; Pingora's
//! CVE-2026-2833 and CVE-2026-2835): a length and chunks, two lengths, chunks in HTTP/1.0, bare line feeds, an upgrade
//! where there is nothing to upgrade to.

use super::{authority, body::Framing};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use httparse::{EMPTY_HEADER, Header, Request, Status};
use switchboard_shared::problem::ProblemKind;

/// The bounds of a head.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes, with the empty line at its end.
    pub bytes: usize,
    /// Header fields.
    pub fields: usize,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub ProblemKind, pub &'static str);

/// A head that may go on.
#[derive(Debug)]
pub struct Head {
    /// Its length in bytes.
    pub len: usize,
    /// Where its target begins, how long that is, and what stands for it further in: an absolute one without its host.
    pub target: Option<(usize, usize, String)>,
    /// How its body is framed.
    pub framing: Framing,
    /// What is asked for, if it asks for a WebSocket.
    pub upgrade: Option<Upgrade>,
}

/// A request for a WebSocket.
#[derive(Debug)]
pub struct Upgrade {
    /// Path and query.
    pub target: String,
    /// Header fields.
    pub headers: HeaderMap,
}

const fn bad(detail: &'static str) -> Refused {
    Refused(ProblemKind::BadRequest, detail)
}

/// Looks at what has come so far; `None` when the head is not complete.
///
/// # Errors
/// When it will not be taken, whatever follows.
pub fn look(bytes: &[u8], bounds: Bounds) -> Result<Option<Head>, Refused> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
    let head = &bytes[..end.unwrap_or(bytes.len())];
    if head.len() > bounds.bytes {
        return Err(Refused(ProblemKind::HeadersTooLarge, "the header is too large"));
    }
    if has_bare_line_feed(head) {
        return Err(bad("a line does not end with CR LF"));
    }
    let Some(len) = end else { return Ok(None) };
    let mut fields = [EMPTY_HEADER; 257];
    let mut request = Request::new(&mut fields[..=bounds.fields.min(256)]);
    match request.parse(head) {
        Ok(Status::Complete(parsed)) if parsed == len => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refused(ProblemKind::HeadersTooLarge, "there are too many header fields"));
        }
        _ => return Err(bad("the header cannot be read")),
    }
    if request.headers.len() > bounds.fields {
        return Err(Refused(ProblemKind::HeadersTooLarge, "there are too many header fields"));
    }
    let version = if request.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let framing = framing(request.headers, version)?;
    let host = host(request.headers, version)?;
    let given = request.path.unwrap_or_default();
    let target = origin(given, host)?;
    let upgrade = upgrade(&request, &target, version)?;
    let begin = request.method.map_or(0, str::len) + 1;
    let target = (target != given).then_some((begin, given.len(), target));
    Ok(Some(Head { len, target, framing, upgrade }))
}

fn has_bare_line_feed(head: &[u8]) -> bool {
    let mut previous = 0;
    head.iter().any(|byte| {
        let bare = *byte == b'\n' && previous != b'\r';
        previous = *byte;
        bare
    })
}

fn values<'a>(fields: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

fn framing(fields: &[Header<'_>], version: Version) -> Result<Framing, Refused> {
    let mut lengths = values(fields, "content-length");
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(bad("there is more than one content-length"));
    }
    let digits = |length: &[u8]| length.iter().all(u8::is_ascii_digit) && length.len() <= 19;
    let number = |length| std::str::from_utf8(length).ok().and_then(|length| length.parse::<u64>().ok());
    let length = match length.map(|length| number(length).filter(|_| digits(length))) {
        Some(None) => return Err(bad("the content-length is not a number")),
        known => known.flatten(),
    };
    let mut codings = values(fields, "transfer-encoding");
    let Some(coding) = codings.next() else { return Ok(length.map_or(Framing::None, Framing::Length)) };
    if codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
        return Err(bad("the only transfer-encoding here is chunked"));
    }
    if length.is_some() {
        return Err(bad("content-length and transfer-encoding exclude each other"));
    }
    if version == Version::HTTP_10 {
        return Err(bad("HTTP/1.0 has no transfer-encoding"));
    }
    Ok(Framing::Chunked)
}

fn host<'a>(fields: &'a [Header<'a>], version: Version) -> Result<Option<&'a str>, Refused> {
    let mut hosts = values(fields, "host");
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad("there is more than one host"));
    }
    let Some(host) = host else {
        return if version == Version::HTTP_10 { Ok(None) } else { Err(bad("there is no host")) };
    };
    match std::str::from_utf8(host) {
        Ok(host) if authority::is_plain(host) => Ok(Some(host)),
        _ => Err(bad("the host cannot be read")),
    }
}

/// The target as a path. In the absolute form (RFC 9112 §3.2.2) it has to name the host that the request names, so that
/// nobody can read it as being for another one.
fn origin(target: &str, host: Option<&str>) -> Result<String, Refused> {
    if target.starts_with('/') {
        return Ok(target.to_owned());
    }
    let Some((authority, path)) = authority::absolute(target) else {
        return Err(bad("the request target must be a path, or https with the host and a path"));
    };
    if !host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
        return Err(bad("the request target is for another host"));
    }
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// An upgrade is to a WebSocket on its path, without a body; everything else that says `upgrade` is refused, so that no
/// server behind this one can take the bytes that follow for something else.
fn upgrade(request: &Request<'_, '_>, target: &str, version: Version) -> Result<Option<Upgrade>, Refused> {
    let fields = &*request.headers;
    if values(fields, "upgrade").next().is_none() {
        return Ok(None);
    }
    let path = target.split('?').next().unwrap_or_default();
    if path != "/ws" && !path.starts_with("/ws/") {
        return Err(bad("there is nothing to upgrade to on this path"));
    }
    let has_body = values(fields, "transfer-encoding").next().is_some()
        || values(fields, "content-length").any(|length| length != b"0");
    if request.method != Some("GET") || version != Version::HTTP_11 || has_body {
        return Err(bad("a WebSocket begins with a GET of HTTP/1.1 without a body"));
    }
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        let (Ok(name), Ok(value)) = (name, value) else { return Err(bad("the header cannot be read")) };
        headers.append(name, value);
    }
    Ok(Some(Upgrade { target: target.to_owned(), headers }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 1024, fields: 10 };

    fn of(lines: &str) -> Result<Option<Head>, Refused> {
        look(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes(), BOUNDS)
    }

    #[test]
    fn an_ordinary_request_goes_on() {
        for good in [
            "GET /v1/agents HTTP/1.1\nhost: a",
            "POST /chat HTTP/1.1\nHost: a:443\nContent-Length: 5",
            "POST /chat HTTP/1.1\nHost: [::1]:8443\nTransfer-Encoding: chunked",
            "GET /chat HTTP/1.0",
            "GET /chat HTTP/1.0\nhost: a",
        ] {
            assert!(of(good).unwrap().unwrap().upgrade.is_none(), "{good}");
        }
        assert!(look(b"GET / HTTP/1.1\r\nhost:", BOUNDS).unwrap().is_none());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for smuggled in [
            "POST /chat HTTP/1.1\nhost: a\ncontent-length: 5\ntransfer-encoding: chunked",
            "POST /chat HTTP/1.1\nhost: a\ntransfer-encoding: chunked\ncontent-length: 0",
            "POST /chat HTTP/1.1\nhost: a\ncontent-length: 5\ncontent-length: 5",
            "POST /chat HTTP/1.1\nhost: a\ncontent-length: 5, 5",
            "POST /chat HTTP/1.1\nhost: a\ncontent-length: +5",
            "POST /chat HTTP/1.1\nhost: a\ncontent-length:",
            "POST /chat HTTP/1.1\nhost: a\ncontent-length: 5 5",
            "POST /chat HTTP/1.0\nhost: a\ntransfer-encoding: chunked",
            "POST /chat HTTP/1.1\nhost: a\ntransfer-encoding: gzip, chunked",
            "POST /chat HTTP/1.1\nhost: a\ntransfer-encoding: chunked\ntransfer-encoding: chunked",
            "POST /chat HTTP/1.1\nhost: a\ntransfer-encoding: xchunked",
            "POST /chat HTTP/1.1\nhost: a\ntransfer-encoding : chunked",
            "POST /chat HTTP/1.1\nhost: a\nx: y\n folded: z",
            "GET /chat HTTP/1.1\nhost: a\nhost: b",
            "GET /chat HTTP/1.1",
            "GET /chat HTTP/1.1\nhost: a/b",
            "GET /chat HTTP/1.1\nhost: a b",
            "GET /chat HTTP/1.1\nhost: u@a",
            "GET /chat HTTP/1.1\nhost: a:b",
            "GET /chat HTTP/1.1\nhost: a:999999",
            "GET http://a/chat HTTP/1.1\nhost: a",
            "GET https://b/chat HTTP/1.1\nhost: a",
            "GET https://a:443/chat HTTP/1.1\nhost: a",
            "GET https://u@a/chat HTTP/1.1\nhost: a",
            "GET https://a/chat HTTP/1.0",
            "GET a/chat HTTP/1.1\nhost: a",
            "CONNECT a:443 HTTP/1.1\nhost: a",
            "GET /a b HTTP/1.1\nhost: a",
            "GET /chat HTTP/2.0\nhost: a",
            "GET /chat HTTP/1.1\nhost: a\nupgrade: websocket\nconnection: upgrade",
            "POST /ws HTTP/1.1\nhost: a\nupgrade: websocket\nconnection: upgrade",
            "GET /ws HTTP/1.1\nhost: a\nupgrade: websocket\nconnection: upgrade\ncontent-length: 3",
            "GET /ws HTTP/1.0\nhost: a\nupgrade: websocket\nconnection: upgrade",
        ] {
            let refused = of(smuggled).map(|head| head.is_some());
            assert!(matches!(refused, Err(Refused(ProblemKind::BadRequest, _))), "{smuggled}: {refused:?}");
        }
        for bytes in [
            "GET / HTTP/1.1\nhost: a\n\n",
            "GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n",
            "\r\n\r\n",
            "x\r\n\r\n",
        ] {
            assert!(look(bytes.as_bytes(), BOUNDS).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn an_absolute_target_of_the_host_is_its_path() {
        for (target, path) in
            [("https://a:1/chat?x", "/chat?x"), ("HTTPS://A:1", "/"), ("https://a:1?x", "/?x")]
        {
            let head = of(&format!("GET {target} HTTP/1.1\nhost: a:1")).unwrap().unwrap();
            assert_eq!(head.target, Some((4, target.len(), path.to_owned())));
        }
        assert_eq!(of("GET /https://b/ HTTP/1.1\nhost: a").unwrap().unwrap().target, None);
    }

    #[test]
    fn size_and_number_of_fields_are_bounded() {
        let long = format!("GET / HTTP/1.1\nhost: a\nx: {}", "y".repeat(1024));
        assert_eq!(of(&long).unwrap_err().0, ProblemKind::HeadersTooLarge);
        assert_eq!(look(&[b'a'; 1025], BOUNDS).unwrap_err().0, ProblemKind::HeadersTooLarge);
        for count in [9, 10, 11, 300] {
            let many = format!("GET / HTTP/1.1\nhost: a{}", "\nx: y".repeat(count - 1));
            assert_eq!(of(&many).is_ok(), count <= 10, "{count}");
        }
    }
}
