//! The cookies of a browser in which somebody has signed in. Each is bound to this host and to TLS by its name
//! (`__Host-`), and no script reads it.

use http::{HeaderMap, header};

/// The session token, which every edge verifies like any other.
pub const TOKEN: &str = "__Host-switchboard-token";
/// The session itself, which a core alone understands; it goes to `/auth/*` and nowhere else.
pub const SESSION: &str = "__Host-switchboard-session";
/// A sign-in that is on its way.
pub const LOGIN: &str = "__Host-switchboard-login";

/// The longest value that is read: browsers keep no more of a cookie than 4096 bytes (RFC 6265bis §5.6).
pub const MAX_CHARS: usize = 4_000;

/// The value of a cookie. Two of one name are none: who could have set the other one?
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = values.next().filter(|value| !value.is_empty() && value.len() <= MAX_CHARS)?;
    values.next().is_none().then_some(value)
}

/// Sets a cookie for so many seconds.
#[must_use]
pub fn set(name: &str, value: &str, max_age_s: i64, same_site: SameSite) -> String {
    let same_site = match same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
    };
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; Secure; SameSite={same_site}")
}

/// Takes a cookie away.
#[must_use]
pub fn clear(name: &str) -> String {
    set(name, "", 0, SameSite::Lax)
}

/// With which requests a browser sends a cookie (RFC 6265bis §5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Also when somebody follows a link to here.
    Lax,
    /// With those of our own pages alone.
    Strict,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_in_any_field_and_a_doubled_one_is_none() {
        let of = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(header::COOKIE, field.parse().unwrap());
            }
            find(&headers, "a").map(str::to_owned)
        };
        assert_eq!(of(&["b=1; a=2", "c=3"]).as_deref(), Some("2"));
        assert_eq!(of(&["b=1", "a=x=y"]).as_deref(), Some("x=y"));
        for none in [&["b=1"][..], &["aa=1"], &["a="], &["a=1; a=2"], &["a=1", "a=1"]] {
            assert_eq!(of(none), None, "{none:?}");
        }
        assert_eq!(of(&[&format!("a={}", "x".repeat(MAX_CHARS + 1))]), None);
    }

    #[test]
    fn a_cookie_is_for_this_host_alone_and_for_no_script() {
        let set = set(TOKEN, "v", 300, SameSite::Lax);
        assert_eq!(set, "__Host-switchboard-token=v; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax");
        assert!(clear(SESSION).contains("Max-Age=0"));
    }
}
