//! Which addresses an agent, or a receiver of push notifications, may have. Checked on the address that is connected to, so that a name that resolves to
//! something else a moment later (DNS rebinding) gains nothing; redirects are not followed at all.

use crate::kept;
use reqwest::{
    ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use url::{Host, Url};

/// An address that an agent may not have.
#[derive(Debug, thiserror::Error)]
#[error("its address is private or reserved (agents.allow_private_addresses = false)")]
pub(super) struct RefusedAddress;

/// Resolves names, leaving out the addresses that are not allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    pub(crate) allow_private: bool,
}

impl Guard {
    /// A client for addresses that others name: it connects to allowed ones alone, and nothing leads it elsewhere.
    pub(crate) fn client(self, connect: Duration) -> ClientBuilder {
        reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(self)
            .connect_timeout(connect)
            .pool_idle_timeout(kept::IDLE)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
    }

    /// Refuses URLs whose host is an address that is not allowed; those never reach the resolver. The URL parser has
    /// turned decimal, octal and hexadecimal spellings into addresses.
    pub(crate) fn check(self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the URL must be http or https".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL must not hold credentials".into());
        }
        let address = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err("the URL has no host".into()),
        };
        if self.allows(address) { Ok(()) } else { Err(RefusedAddress.to_string()) }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(RefusedAddress.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// By the IANA registry of special-purpose addresses (RFC 6890 and its successors).
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = a == 0
        || a >= 240
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !reserved
}

/// Only global unicast (2000::/3), without the ranges that embed or document other addresses.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    if (a, b, c, d, e, f) == (0x64, 0xff9b, 0, 0, 0, 0) {
        return is_public_v4(embedded_v4(g, h));
    }
    let reserved = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) // protocols, with Teredo; documentation
        || a == 0x2002 // 6to4
        || (a == 0x3fff && b < 0x1000);
    a & 0xe000 == 0x2000 && !reserved
}

fn embedded_v4(high: u16, low: u16) -> Ipv4Addr {
    let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_reserved_addresses_are_refused_in_every_spelling() {
        let guard = Guard { allow_private: false };
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fec0::1]/",
            "http://[ff02::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:db8::1]/",
            "ftp://1.1.1.1/",
            "http://user@1.1.1.1/",
        ] {
            assert!(guard.check(&url.parse().unwrap()).is_err(), "{url}");
        }
        for url in ["https://1.1.1.1/", "https://[2606:4700::1111]/", "https://agent.example/"] {
            assert!(guard.check(&url.parse().unwrap()).is_ok(), "{url}");
        }
        assert!(Guard { allow_private: true }.check(&"http://127.0.0.1/".parse().unwrap()).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused_at_connect() {
        let resolve = |allow_private| Guard { allow_private }.resolve("localhost".parse().unwrap());
        let Err(error) = resolve(false).await else { panic!("localhost was allowed") };
        assert!(error.is::<RefusedAddress>());
        assert!(resolve(true).await.is_ok());
    }
}
