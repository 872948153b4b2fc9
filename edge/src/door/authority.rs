//! Host and port of a request, as `Host` (RFC 9110 §7.2), as `:authority` (RFC 9113 §8.3.1) and in the absolute form of
//! a target (RFC 9112 §3.2.2).

/// Whether it is a host with or without a port that there can be, and nothing else: no user, no path, no port of letters.
#[must_use]
pub fn is_plain(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, after)) if host.parse::<std::net::Ipv6Addr>().is_ok() => (host, after),
            _ => return false,
        },
        None => {
            let at = authority.find(':').unwrap_or(authority.len());
            authority.split_at(at)
        }
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%:".contains(&byte);
    !host.is_empty() && host.bytes().all(named) && is_port(port)
}

/// With its colon; nothing is a port as well, and none behind a colon (RFC 3986 §3.2.3).
fn is_port(port: &str) -> bool {
    let Some(digits) = port.strip_prefix(':') else { return port.is_empty() };
    digits.is_empty() || digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
}

/// Takes an absolute target apart into its authority and what is asked there; `None` for what is not `https://…`.
#[must_use]
pub fn absolute(target: &str) -> Option<(&str, &str)> {
    const SCHEME: &str = "https://";
    let scheme = target.get(..SCHEME.len())?;
    let rest = &target[SCHEME.len()..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    scheme.eq_ignore_ascii_case(SCHEME).then(|| rest.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_of_sixteen_bits() {
        for good in ["a", "a:443", "a.example:0", "a:65535", "a:", "127.0.0.1:8443", "[::1]", "[::1]:8443"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "", ":443", ":", "a:b", "a:999999", "a:65536", "a:+1", "a:1:2", "u@a", "a/b", "a b", "[::1]x",
            "[::1]:x", "[::1", "[a]", "[]", "a]", "ä", "a,b",
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
    }

    #[test]
    fn an_absolute_target_has_an_authority_and_a_path() {
        assert_eq!(absolute("https://a:1/x?y"), Some(("a:1", "/x?y")));
        assert_eq!(absolute("HTTPS://a"), Some(("a", "")));
        assert_eq!(absolute("https://a?y"), Some(("a", "?y")));
        for other in ["http://a/x", "/x", "https:/a", "*", "a:443", ""] {
            assert_eq!(absolute(other), None, "{other}");
        }
    }
}
