//! Through which proxy a client of ours goes. One rule for all of them: through the one that the configuration names at
//! that place, and otherwise directly. `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are not read: a house would
//! go other ways on other machines, each program reads them differently, and what is on loopback would go astray.
//! Agents are never asked through a proxy: it would connect for us, and no guard of ours could look at the address.

use crate::config::{Faults, Secret};
use reqwest::{Client, ClientBuilder, blocking};
use serde::{Deserialize, Deserializer};
use std::fmt;
use url::Url;

/// What a value must be.
pub const FORM: &str = "must be a proxy such as \"http://proxy.example:3128\", or empty";

/// A proxy, or none. It may have a user and a password, so it is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy(Secret);

impl Proxy {
    /// Takes the address of a proxy.
    #[must_use]
    pub fn new(address: Secret) -> Self {
        Self(address)
    }

    /// Begins a client that goes through it, and through nothing else.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn client(&self) -> Result<ClientBuilder, reqwest::Error> {
        let builder = Client::builder().no_proxy();
        Ok(match self.0.expose() {
            "" => builder,
            address => builder.proxy(reqwest::Proxy::all(address)?),
        })
    }

    /// As [`Proxy::client`], for a thread that may wait.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn blocking_client(&self) -> Result<blocking::ClientBuilder, reqwest::Error> {
        let builder = blocking::Client::builder().no_proxy();
        Ok(match self.0.expose() {
            "" => builder,
            address => builder.proxy(reqwest::Proxy::all(address)?),
        })
    }

    /// Adds a fault when it is neither empty nor a proxy.
    pub fn check(&self, faults: &mut Faults, key: &str) {
        faults.require(self.is_valid(), key, FORM);
    }

    /// Whether it is one, or none.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.is_empty() || self.url().is_some()
    }

    fn url(&self) -> Option<Url> {
        let url = Url::parse(self.0.expose()).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/").then_some(url)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Secret::deserialize(from).map(Self)
    }
}

/// What an error says behind what cannot be reached: ` through the proxy http://proxy.example:3128`, or nothing.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url() {
            Some(url) => write!(f, " through the proxy {}", url.origin().ascii_serialization()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_and_its_password_is_never_shown() {
        let proxy = |text: &str| Proxy::new(Secret::new(text.to_owned()));
        for (name, text, shown) in [
            ("none", "", Some("")),
            ("a name", "http://proxy.example:3128", Some(" through the proxy http://proxy.example:3128")),
            ("a password", "http://u:hunter2@p.example:1", Some(" through the proxy http://p.example:1")),
            ("TLS", "https://[::1]:3128/", Some(" through the proxy https://[::1]:3128")),
            ("no scheme", "proxy.example:3128", None),
            ("another protocol", "socks5://proxy.example:1080", None),
            ("a path", "http://proxy.example/pac", None),
        ] {
            let (proxy, mut faults) = (proxy(text), Faults::default());
            proxy.check(&mut faults, "llm.proxy");
            assert_eq!(faults.iter().count() == 0, shown.is_some(), "{name}");
            assert_eq!(proxy.to_string(), shown.unwrap_or_default(), "{name}");
            assert!(!format!("{proxy:?}").contains("hunter2"), "{name}");
        }
    }
}
