//! Addresses of what is asked over HTTP.

use crate::cause::Cause;
use url::Url;

/// Reads such an address.
///
/// # Errors
/// With what it must be, in words.
pub fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| Cause::of(&error).to_string())?;
    if is_web(&url) { Ok(url) } else { Err("must be http or https, as https://host/path is".to_owned()) }
}

/// Whether it is one.
#[must_use]
pub fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_web_is_http_or_https_with_a_host() {
        for (text, said) in [
            ("https://h:1/v1", None),
            ("HTTP://h", None),
            ("localhost:9791/v1", Some("must be http or https")),
            ("ftp://x/y", Some("must be http or https")),
            ("foo", Some("it is not a whole URL")),
            ("http://", Some("the URL has no host")),
        ] {
            let fault = web_url(text).err();
            assert_eq!(fault.is_some(), said.is_some(), "{text}: {fault:?}");
            assert!(fault.unwrap_or_default().starts_with(said.unwrap_or_default()), "{text}");
        }
    }
}
