//! The web page: the files of `core/ui`, which `core/build.rs` has put into the program.

use crate::{config::PageConfig, core::Core};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;
use switchboard_shared::problem::{Problem, ProblemKind};

/// A file of the page.
struct File {
    path: &'static str,
    kind: &'static str,
    etag: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Paths that show the page, which then reads the path itself.
const VIEWS: [&str; 11] = [
    "/",
    "/c/{id}",
    "/agents",
    "/review",
    "/keys",
    "/sessions",
    "/users",
    "/audit",
    "/usage",
    "/analytics",
    "/analytics/{*view}",
];

/// A file's name has its content in it, so it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The routes of the page. They need nobody to be signed in.
pub(crate) fn routes() -> Router<Arc<Core>> {
    let views = VIEWS.iter().fold(Router::new(), |router, path| router.route(path, get(index)));
    views.route("/assets/{*path}", get(asset)).route("/favicon.ico", get(icon))
}

async fn index(State(core): State<Arc<Core>>, headers: HeaderMap) -> Response {
    let mut response = answer(&INDEX, &headers, "no-cache");
    let fields = [
        (header::CONTENT_SECURITY_POLICY, policy(&core.config.page)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
        ),
    ];
    response.headers_mut().extend(fields);
    response
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let found = FILES.iter().find(|file| file.path.strip_prefix("/assets/") == Some(path.as_str()));
    match found {
        Some(file) => answer(file, &headers, FOR_EVER),
        None => super::http::respond(Problem::new(ProblemKind::NotFound, "")),
    }
}

/// Browsers ask for this name whatever the page says.
async fn icon(headers: HeaderMap) -> Response {
    match FILES.iter().find(|file| file.path.starts_with("/assets/icon.")) {
        Some(file) => answer(file, &headers, "public, max-age=86400"),
        None => super::http::respond(Problem::new(ProblemKind::NotFound, "")),
    }
}

fn answer(file: &File, headers: &HeaderMap, cache: &'static str) -> Response {
    let named =
        |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fields = [
        (header::CACHE_CONTROL, cache),
        (header::ETAG, file.etag),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if named(header::IF_NONE_MATCH).split(',').any(|etag| etag.trim().trim_start_matches("W/") == file.etag) {
        return (StatusCode::NOT_MODIFIED, fields).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.kind)];
    if named(header::ACCEPT_ENCODING).split(',').any(|coding| coding.trim().starts_with("gzip")) {
        return (fields, kind, [(header::CONTENT_ENCODING, "gzip")], file.gzip).into_response();
    }
    (fields, kind, file.plain).into_response()
}

/// What the page may load, from where: nothing but its own files, and sockets of the edges that are named.
fn policy(config: &PageConfig) -> HeaderValue {
    let edges: String = config
        .edges
        .iter()
        .map(|edge| edge.as_str().trim_end_matches('/'))
        .map(|edge| format!(" {edge} {}", edge.replacen("http", "ws", 1)))
        .collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
         connect-src 'self'{edges}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types lit-html dompurify"
    );
    HeaderValue::from_str(&policy).expect("a URL has only signs that a header may have")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &'static str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        answer(&INDEX, &headers.collect(), "no-cache")
    }

    #[test]
    fn a_file_is_sent_as_the_browser_can_take_it_and_once() {
        let plain = asked(&[]);
        assert_eq!(plain.headers().get(header::CONTENT_ENCODING), None);
        let packed = asked(&[(header::ACCEPT_ENCODING, "br, gzip;q=0.8")]);
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let known = asked(&[(header::IF_NONE_MATCH, INDEX.etag)]);
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn every_file_that_the_page_names_is_there() {
        let html = std::str::from_utf8(INDEX.plain).unwrap();
        let named: Vec<_> = html.split('"').filter(|piece| piece.starts_with("/assets/")).collect();
        assert!(named.len() > 10, "{html}");
        for path in named {
            assert!(FILES.iter().any(|file| file.path == path), "{path}");
        }
    }

    #[test]
    fn the_first_view_is_small_enough() {
        let html = std::str::from_utf8(INDEX.plain).unwrap();
        let first = FILES.iter().filter(|file| html.contains(file.path) && !file.path.ends_with(".svg"));
        let bytes: usize = first.map(|file| file.gzip.len()).sum();
        assert!(bytes <= 90_000, "{bytes} bytes of script and style");
    }

    #[test]
    fn the_policy_names_the_other_edges_and_nothing_else() {
        let edges = vec!["https://127.0.0.1:8444".parse().unwrap()];
        let policy = policy(&PageConfig { edges });
        let policy = policy.to_str().unwrap();
        assert!(
            policy.contains("connect-src 'self' https://127.0.0.1:8444 wss://127.0.0.1:8444;"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
