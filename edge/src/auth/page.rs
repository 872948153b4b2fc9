//! Whether it is a page of ours that sends what its browser adds by itself. Cookies go along with whatever any page sends
//! to this host; so where a cookie stands for somebody and something is changed, the page has to show that it is one of
//! ours: by its origin, which no page can choose, and by a header, which pages of other origins cannot send unasked.

use super::shown::{Shown, shown};
use crate::socket::origin::Origin;
use http::{HeaderMap, Method, Uri, header};
use switchboard_shared::{
    cookies, headers,
    problem::{Problem, ProblemKind},
};

/// The origin of the pages of this edge itself, as the request names its host.
#[must_use]
pub fn own_origin(uri: Option<&Uri>, fields: &HeaderMap) -> Option<String> {
    let named = uri.and_then(Uri::authority).map(|authority| authority.as_str());
    let host = named.or_else(|| fields.get(header::HOST)?.to_str().ok())?;
    Some(format!("https://{}", host.to_ascii_lowercase().trim_end_matches(":443")))
}

/// Whether the page that sends this is one of ours: of this edge, or of a listed origin. `None`: no page sends it.
#[must_use]
pub fn is_ours(fields: &HeaderMap, own: Option<&str>, listed: &[Origin]) -> Option<bool> {
    let mut sent = fields.get_all(header::ORIGIN).iter();
    let origin = sent.next()?;
    let is_own = own.is_some_and(|own| own.as_bytes() == origin.as_bytes());
    Some(sent.next().is_none() && (is_own || listed.iter().any(|listed| listed.is(origin))))
}

/// Refuses a change that a cookie would allow and no page of ours asks for. `of_session`: the path is one to which the
/// session itself goes, beside the token.
///
/// # Errors
/// With the problem to answer.
pub fn require(
    method: &Method,
    fields: &HeaderMap,
    own: Option<&str>,
    listed: &[Origin],
    of_session: bool,
) -> Result<(), Problem> {
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let by_token = matches!(shown(fields), Ok(Shown::Cookie(_)));
    let by_session = of_session && cookies::find(fields, cookies::SESSION).is_some();
    if is_safe || !(by_token || by_session) {
        return Ok(());
    }
    let page = fields.get(headers::PAGE).is_some_and(|value| value == "1");
    match is_ours(fields, own, listed) {
        Some(true) if page => Ok(()),
        Some(true) => Err(refused("with a cookie a change needs the header X-Switchboard: 1")),
        Some(false) => {
            Err(refused("pages of this origin may not do this: socket.origins names those that may"))
        }
        None => Err(refused("with a cookie a change needs the Origin of its page")),
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(ProblemKind::Forbidden, detail)
}

/// Refuses a socket from a page that is none of ours, and one that a cookie alone would open. A browser says where its
/// page comes from, and cannot be made to lie about it; others need not say anything.
///
/// # Errors
/// With the problem to answer.
pub fn require_for_socket(fields: &HeaderMap, listed: &[Origin]) -> Result<(), Problem> {
    let by_cookie = matches!(shown(fields), Ok(Shown::Cookie(_)));
    match is_ours(fields, own_origin(None, fields).as_deref(), listed) {
        Some(false) => Err(refused(
            "pages of this origin may not connect: the edge's setting socket.origins names those that may",
        )),
        None if by_cookie => Err(refused("with a cookie a socket needs the Origin of its page")),
        Some(true) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &Method, fields: &[(&'static str, &str)], of_session: bool) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let own = own_origin(None, &headers);
        let listed = ["https://chat.example".parse().unwrap()];
        require(method, &headers, own.as_deref(), &listed, of_session).err().map(|problem| problem.status)
    }

    const HOST: (&str, &str) = ("host", "Edge.example:8443");
    const TOKEN: (&str, &str) = ("cookie", "__Host-switchboard-token=t");
    const SESSION: (&str, &str) = ("cookie", "__Host-switchboard-session=s");
    const OWN: (&str, &str) = ("origin", "https://edge.example:8443");
    const PAGE: (&str, &str) = ("x-switchboard", "1");

    #[test]
    fn a_cookie_changes_something_for_a_page_of_ours_alone() {
        let post = &Method::POST;
        assert_eq!(of(post, &[HOST, TOKEN, OWN, PAGE], false), None);
        assert_eq!(of(post, &[HOST, TOKEN, ("origin", "https://chat.example"), PAGE], false), None);
        for (name, fields) in [
            ("no header", vec![HOST, TOKEN, OWN]),
            ("another header", vec![HOST, TOKEN, OWN, ("x-switchboard", "0")]),
            ("no origin", vec![HOST, TOKEN, PAGE]),
            ("another origin", vec![HOST, TOKEN, ("origin", "https://evil.example"), PAGE]),
            ("another port", vec![HOST, TOKEN, ("origin", "https://edge.example"), PAGE]),
            ("another scheme", vec![HOST, TOKEN, ("origin", "http://edge.example:8443"), PAGE]),
            ("null", vec![HOST, TOKEN, ("origin", "null"), PAGE]),
            ("two origins", vec![HOST, TOKEN, OWN, ("origin", "https://evil.example"), PAGE]),
        ] {
            assert_eq!(of(post, &fields, false), Some(403), "{name}");
        }
    }

    #[test]
    fn what_changes_nothing_or_comes_without_a_cookie_needs_no_page() {
        assert_eq!(of(&Method::GET, &[HOST, TOKEN], false), None);
        assert_eq!(of(&Method::POST, &[HOST], true), None);
        assert_eq!(of(&Method::POST, &[HOST, TOKEN, ("authorization", "Bearer t")], false), None);
        assert_eq!(of(&Method::POST, &[HOST, SESSION], false), None, "it goes no further there");
        assert_eq!(of(&Method::POST, &[HOST, SESSION, ("authorization", "Bearer t")], true), Some(403));
        assert_eq!(of(&Method::DELETE, &[HOST, SESSION, OWN, PAGE], true), None);
    }
}
