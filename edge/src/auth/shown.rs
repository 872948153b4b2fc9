//! Where a request shows its token: a program in a header, a page in a cookie that its browser adds by itself.

use super::token::Refusal;
use http::{HeaderMap, header};
use switchboard_shared::cookies;

/// A token, and how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// In `Authorization: Bearer …` (RFC 6750 §2.1), which only somebody sends who has it.
    Header(&'a str),
    /// In a cookie, which a browser also adds to what other pages send.
    Cookie(&'a str),
}

impl<'a> Shown<'a> {
    /// The token.
    #[must_use]
    pub fn token(self) -> &'a str {
        match self {
            Self::Header(token) | Self::Cookie(token) => token,
        }
    }
}

/// The token of a request. A header goes before a cookie, and two such fields are none.
///
/// # Errors
/// When there is no token, or more than one.
pub fn shown(headers: &HeaderMap) -> Result<Shown<'_>, Refusal> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        return cookies::find(headers, cookies::TOKEN).map(Shown::Cookie).ok_or(Refusal::Missing);
    };
    let bearer = field.to_str().ok().and_then(|field| field.split_once(' '));
    let (scheme, token) = bearer.filter(|_| fields.next().is_none()).ok_or(Refusal::Missing)?;
    // One blank or more (RFC 9110 §11.4).
    let token = token.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::Missing);
    }
    Ok(Shown::Header(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_goes_before_a_cookie_and_a_broken_one_is_not_replaced_by_it() {
        let of = |fields: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, value.parse().unwrap());
            }
            shown(&headers).map(|shown| (matches!(shown, Shown::Cookie(_)), shown.token().to_owned()))
        };
        let cookie = ("cookie", "__Host-switchboard-token=c");
        assert_eq!(of(&[cookie]), Ok((true, "c".to_owned())));
        for whole in ["bearer h", "Bearer   h"] {
            assert_eq!(of(&[cookie, ("authorization", whole)]), Ok((false, "h".to_owned())), "{whole}");
        }
        for broken in ["Basic x", "Bearer", "Bearer ", "Bearer   "] {
            assert_eq!(of(&[cookie, ("authorization", broken)]), Err(Refusal::Missing), "{broken}");
        }
        let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        assert_eq!(of(&two), Err(Refusal::Missing));
        assert_eq!(of(&[("cookie", "switchboard-token=c")]), Err(Refusal::Missing));
    }
}
