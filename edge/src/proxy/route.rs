//! What a path is for: whether it is passed at all, what it is called in metrics, and whether it is a message.

use http::Method;
use switchboard_shared::a2a;

/// Where the card lies that says what Switchboard is (A2A 1.0, section 8.2).
const CARD: &str = "/.well-known/agent-card.json";

/// Where the edges are listed; answered here and by no core.
pub const EDGES: &str = "/.well-known/switchboard/edges";

/// A request's kind; also its metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The label.
    pub label: &'static str,
    /// Whether the limit of messages counts it.
    pub is_message: bool,
    /// Whether it is a message whatever its body says, so that it can be refused where the cores have too many.
    pub has_line: bool,
    /// Whether it is an event stream, which has no deadline.
    pub is_stream: bool,
    /// Whether it needs no token.
    pub is_public: bool,
    /// Whether it is a file of the page, of which a browser fetches dozens at once.
    pub is_page: bool,
    /// Whether it is for signing in and out: the session's own cookie goes there, and a token may, and need not, come.
    pub is_sign_in: bool,
    /// Whether the answer names addresses of this edge, as the client knows it.
    pub names_us: bool,
    /// Whether it is gRPC: HTTP/2 from end to end, since the end of an answer stands behind its body.
    pub is_grpc: bool,
}

const fn plain(label: &'static str) -> Route {
    Route {
        label,
        is_message: false,
        has_line: false,
        is_stream: false,
        is_public: false,
        is_page: false,
        is_sign_in: false,
        names_us: false,
        is_grpc: false,
    }
}

/// Knows a path; `None` for one that is not passed.
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<Route> {
    if !is_plain(path) {
        return None;
    }
    let post = method == Method::POST;
    match path {
        EDGES => return Some(Route { is_public: true, ..plain("edges") }),
        "/openapi.json" => return Some(Route { is_public: true, ..plain("openapi") }),
        "/chat" => return Some(Route { is_message: post, ..plain("chat") }),
        a2a::KEYS => return Some(Route { is_public: true, ..plain("a2a-card") }),
        CARD | a2a::CARD_BEFORE_1_0 => {
            return Some(Route { is_public: true, names_us: true, ..plain("a2a-card") });
        }
        // Whether it brings a message is in its body: the core says so, and gives back what was taken for one.
        a2a::JSONRPC | a2a::JSONRPC_SLASH => {
            return Some(Route { is_message: post, names_us: true, ..plain("a2a") });
        }
        _ if path.starts_with(a2a::REST) => {
            let is_message = post && (path.ends_with("/message:send") || path.ends_with("/message:stream"));
            return Some(Route { is_message, names_us: true, ..plain("a2a") });
        }
        _ if a2a::is_grpc(path) => {
            let is_message =
                post && (path.ends_with("/SendMessage") || path.ends_with("/SendStreamingMessage"));
            return Some(Route { is_message, is_grpc: true, names_us: true, ..plain("a2a") });
        }
        _ if path.starts_with("/auth/") => {
            return Some(Route { is_public: true, is_sign_in: true, ..plain("auth") });
        }
        _ if is_page(path) => {
            let is_page = method == Method::GET || method == Method::HEAD;
            return is_page.then_some(Route { is_public: true, is_page, ..plain("page") });
        }
        _ => {}
    }
    let parts: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
    Some(match parts.as_slice() {
        ["conversations"] | ["conversations", _] => plain("conversations"),
        ["conversations", _, "messages"] => Route { is_message: post, has_line: post, ..plain("messages") },
        ["conversations", _, "events"] => Route { is_stream: true, ..plain("events") },
        ["conversations", _, "members", ..] => plain("members"),
        ["conversations", _, "files", _] => plain("files"),
        ["conversations", _, "fork"] => plain("conversations"),
        ["turns", ..] => plain("turns"),
        ["agents", ..] => plain("agents"),
        ["analyze"] => plain("analyze"),
        ["analytics", "stream"] => Route { is_stream: true, ..plain("analytics") },
        ["analytics", ..] => plain("analytics"),
        // The OpenAI-compatible face begins a turn as well.
        ["chat", "completions"] => Route { is_message: post, ..plain("completions") },
        ["models", ..] => plain("models"),
        ["ag-ui"] => Route { is_message: post, ..plain("ag-ui") },
        _ => plain("other"),
    })
}

/// Whether a path is the web page's: its files, or a view that it shows by itself.
fn is_page(path: &str) -> bool {
    let view = path.split('/').nth(1).unwrap_or_default();
    matches!(
        path,
        "/" | "/favicon.ico"
            | "/agents"
            | "/review"
            | "/keys"
            | "/sessions"
            | "/users"
            | "/audit"
            | "/usage"
            | "/analytics"
    ) || (matches!(view, "assets" | "c" | "analytics") && path.len() > view.len() + 2)
}

/// Whether edge and core cannot but read the path alike: no empty or dotted segments, no backslash, and nothing escaped
/// that could stand as it is or divide the path. Only a member, whose id may have these signs, is the last segment in
/// any case.
fn is_plain(path: &str) -> bool {
    if path.contains("//") || path.contains('\\') || path.split('/').any(|part| part == "." || part == "..") {
        return false;
    }
    match path.rsplit_once('/') {
        Some((front, user)) if front.starts_with("/v1/conversations/") && front.ends_with("/members") => {
            has_escapes_but(b".", user) && has_escapes_but(b"./\\%", front)
        }
        _ => has_escapes_but(b"./\\%", path),
    }
}

/// Whether all that is escaped had to be, and is none of these.
fn has_escapes_but(barred: &[u8], path: &str) -> bool {
    path.split('%').skip(1).all(|after| {
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        code.is_some_and(|byte| {
            !byte.is_ascii_alphanumeric() && !byte.is_ascii_control() && !barred.contains(&byte)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_known_however_they_are_written() {
        let message = |path: &str| find(&Method::POST, path).map(|route| route.is_message);
        assert_eq!(message("/v1/conversations/7/messages"), Some(true));
        assert_eq!(message("/chat"), Some(true));
        assert_eq!(message("/v1/conversations"), Some(false));
        assert!(!find(&Method::GET, "/chat").unwrap().is_message);
        for disguised in [
            "/v1/conversations/7/%6dessages",
            "/v1//conversations/7/messages",
            "/v1/x/../conversations/7/messages",
            "/v1/conversations/7%2fmessages",
            "/v1/conversations/7/messages%00",
            "/v1/a\\b",
            "/v1/%zz",
            "/v1/%4",
        ] {
            assert_eq!(message(disguised), None, "{disguised}");
        }
    }

    #[test]
    fn agents_ask_by_either_binding_and_read_the_card_without_a_token() {
        let message = |method: Method, path: &str| find(&method, path).map(|route| route.is_message);
        assert_eq!(message(Method::POST, "/a2a"), Some(true));
        assert_eq!(message(Method::POST, "/a2a/v1/message:send"), Some(true));
        assert_eq!(message(Method::POST, "/a2a/v1/acme/message:stream"), Some(true));
        for path in ["/a2a/v1/tasks/7:cancel", "/a2a/v1/tasks/7:subscribe"] {
            assert_eq!(message(Method::POST, path), Some(false), "{path}");
        }
        assert_eq!(message(Method::POST, "/a2a/v1/message%3Asend"), Some(false));
        assert_eq!(message(Method::GET, "/a2a/v2/tasks"), None);
        let grpc = |name: &str| find(&Method::POST, &format!("{}{name}", a2a::GRPC)).unwrap();
        assert!(grpc("SendMessage").is_message && grpc("SendStreamingMessage").is_grpc);
        assert!(!grpc("GetTask").is_message);
        let card = find(&Method::GET, CARD).unwrap();
        assert!(find(&Method::GET, a2a::KEYS).unwrap().is_public);
        assert!(card.is_public && card.names_us && !find(&Method::GET, "/a2a/v1/tasks").unwrap().is_public);
    }

    #[test]
    fn the_page_is_read_by_everybody_and_only_read() {
        for path in [
            "/",
            "/c/7",
            "/agents",
            "/usage",
            "/analytics/capacity",
            "/assets/views/app.00ff.js",
            "/favicon.ico",
        ] {
            let route = find(&Method::GET, path).unwrap();
            assert!(route.is_public && route.is_page && !route.is_message, "{path}");
            assert_eq!(find(&Method::POST, path), None, "{path}");
        }
        let login = find(&Method::POST, "/auth/refresh").unwrap();
        assert!(login.is_public && !login.is_page);
    }

    #[test]
    fn other_prefixes_are_not_passed() {
        for path in
            ["/healthz", "/metrics", "/v1", "/v2/x", "/chat/x", "/openapi.json/x", "/auth", "/assets", "/c/"]
        {
            assert_eq!(find(&Method::GET, path), None, "{path}");
        }
        assert!(find(&Method::GET, "/v1/conversations/7/members/ann%40acme.example").is_some());
        for member in ["spiffe:%2F%2Facme.example%2Fsa", "CN=Lee%5C, Ann", "50%25", "J%C3%B6rg%20M"] {
            let path = format!("/v1/conversations/7/members/{member}");
            assert_eq!(find(&Method::DELETE, &path).map(|route| route.label), Some("members"), "{member}");
        }
        for path in [
            "/v1/conversations/7%2fmembers/ann",
            "/v1/conversations/7/members/%2e%2e",
            "/v1/conversations/7/members/a%00b",
            "/v1/conversations/7/members/%61nn",
            "/v1/agents/a%2fb/members/ann",
        ] {
            assert_eq!(find(&Method::DELETE, path), None, "{path}");
        }
        assert!(find(&Method::GET, "/v1/conversations/7/events").unwrap().is_stream);
        assert!(
            find(&Method::POST, "/auth/refresh").is_some_and(|route| route.is_public && route.is_sign_in)
        );
        for path in ["/auth", "/auth/../internal/credentials", "/internal/credentials", "/auth/%2e%2e/x"] {
            assert_eq!(find(&Method::POST, path), None, "{path}");
        }
    }
}
