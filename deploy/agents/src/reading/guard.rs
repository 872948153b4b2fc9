//! Keeps agents that fetch away from the network they stand in (server-side request forgery).
//!
//! The check is made on the addresses actually connected to: the resolver hands the client nothing else, so a
//! name that changes its address between check and use gains nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Who may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Public addresses only.
    Public,
    /// Everything; for tests and closed networks.
    Everything,
}

/// Why an address was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardError {
    /// Neither http nor https.
    #[error("only http and https addresses are fetched")]
    Scheme,
    /// A private, loopback, link-local or otherwise special address.
    #[error("{0} is a private or special address; this agent reaches public ones only")]
    Private(String),
    /// The name leads nowhere.
    #[error("the name {0} could not be resolved")]
    Unresolved(String),
}

impl Reach {
    /// Checks what can be told from the address alone; names are checked when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), GuardError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(GuardError::Scheme);
        }
        let private = match url.host() {
            Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
            }
            None => true,
        };
        match (self, private) {
            (Self::Public, true) => Err(GuardError::Private(url.host_str().unwrap_or_default().to_owned())),
            _ => Ok(()),
        }
    }
}

/// Resolves names by the operating system and keeps what may be reached.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found.map_err(|_| GuardError::Unresolved(host.clone()))?.collect();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach == Self::Everything || is_public(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(GuardError::Private(host).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether the address is on the public internet (IANA special-purpose registries left out).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let segments = address.segments();
            // Addresses that carry an IPv4 address: mapped, NAT64, 6to4.
            let [_, second, third, ..] = segments;
            let embedded = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match segments {
                [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    embedded(high, low)
                }
                [0x2002, ..] => embedded(second, third),
                // Global unicast only, without Teredo and its neighbours, benchmarking and documentation.
                [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..] => false,
                [first, ..] => (0x2000..=0x3fff).contains(&first),
            }
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let special = matches!(
        octets,
        [0 | 10 | 127, ..] // this network, private, loopback
            | [100, 64..=127, ..] // carrier-grade NAT
            | [169, 254, ..] // link-local, cloud metadata
            | [172, 16..=31, ..] // private
            | [192, 0, 0 | 2, _] // protocol assignments, documentation
            | [192, 88, 99, _] // 6to4 relays
            | [192, 168, ..] // private
            | [198, 18 | 19, ..] // benchmarking
            | [198, 51, 100, _]
            | [203, 0, 113, _] // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    );
    !special
}

#[cfg(test)]
mod tests {
    use super::{Reach, is_public};
    use url::Url;

    #[test]
    fn only_public_addresses_are_public() {
        for address in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2001:4860::8888"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "224.0.0.1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn odd_spellings_of_loopback_are_refused() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::ffff:7f00:1]/",
            "http://localhost./",
            "file:///etc/passwd",
        ] {
            assert!(Reach::Public.check(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }
}
