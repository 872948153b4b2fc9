//! Under which names the edges can be reached: those stand in the certificate, and one of them is what the house calls
//! itself. Nobody can connect to "all addresses" (`0.0.0.0`, `[::]`), though an edge may listen there.

use nix::{ifaddrs::getifaddrs, unistd::gethostname};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use url::Url;

/// The names of this machine for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The most names in a certificate; a machine with more addresses than that is not one for development.
const MOST: usize = 64;

/// The names for edges that listen there, those of loopback first.
#[must_use]
pub fn of(listens: &[SocketAddr]) -> Vec<String> {
    let mut names: Vec<String> = LOOPBACK.map(str::to_owned).to_vec();
    let mut more: BTreeSet<IpAddr> = listens.iter().map(|listen| listen.ip()).collect();
    if more.iter().any(IpAddr::is_unspecified) {
        names.extend(host_names());
        more.extend(addresses());
    }
    let more = more.into_iter().filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    let more: Vec<String> = more.filter(|ip| !names.contains(ip)).collect();
    names.extend(more);
    names.truncate(MOST);
    names
}

/// Under which origins browsers know edges that listen there (RFC 6454), each of their names with each of their ports.
#[must_use]
pub fn origins(listens: &[SocketAddr]) -> Vec<String> {
    let names = of(listens);
    let host =
        |name: &String| if name.contains(':') { format!("[{name}]") } else { name.to_ascii_lowercase() };
    let at = |port: u16| {
        names.iter().map(host).map(move |host| match port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        })
    };
    listens.iter().flat_map(|listen| at(listen.port()).collect::<Vec<_>>()).collect()
}

/// The name to use from another machine, when edges listen on all addresses.
#[must_use]
pub fn from_elsewhere(listen: SocketAddr) -> Option<String> {
    let outside = |ip: &IpAddr| !ip.is_loopback();
    let address = || addresses().find(outside).map(|ip| SocketAddr::new(ip, 0).to_string());
    let bare = |with_port: String| with_port.trim_end_matches(":0").to_owned();
    listen.ip().is_unspecified().then(|| address().map(bare).or_else(|| host_names().next())).flatten()
}

/// The same address, at this machine's own place where it says "all".
#[must_use]
pub fn reachable(mut url: Url) -> Url {
    let own: Option<IpAddr> = match url.host() {
        Some(url::Host::Ipv4(Ipv4Addr::UNSPECIFIED)) => Some(Ipv4Addr::LOCALHOST.into()),
        Some(url::Host::Ipv6(Ipv6Addr::UNSPECIFIED)) => Some(Ipv6Addr::LOCALHOST.into()),
        _ => None,
    };
    if let Some(own) = own {
        url.set_ip_host(own).ok();
    }
    url
}

/// The host's name, and what it is called by mDNS (RFC 6762).
fn host_names() -> impl Iterator<Item = String> {
    let is_dns = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
            && name.parse::<IpAddr>().is_err()
    };
    let name = gethostname().ok().and_then(|name| name.into_string().ok()).filter(is_dns);
    let local = name.clone().filter(|name| !name.contains('.')).map(|name| format!("{name}.local"));
    name.into_iter().chain(local).filter(|name| name != "localhost")
}

/// The addresses of this machine that need no zone to be written.
fn addresses() -> impl Iterator<Item = IpAddr> {
    let all = getifaddrs().into_iter().flatten();
    let ip = |address: nix::sys::socket::SockaddrStorage| {
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    };
    let zoned = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    all.filter_map(move |interface| interface.address.and_then(ip)).filter(move |ip| !zoned(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_all_addresses_are_listened_on_all_names_are_known() {
        let of = |listen: &str| of(&[listen.parse().unwrap()]);
        assert_eq!(of("127.0.0.1:8443"), LOOPBACK);
        assert_eq!(of("192.0.2.7:8443"), ["localhost", "127.0.0.1", "::1", "192.0.2.7"]);
        for all in ["0.0.0.0:8443", "[::]:8443"] {
            let names = of(all);
            assert!(names.len() <= MOST && names.starts_with(&LOOPBACK.map(str::to_owned)), "{names:?}");
            assert!(addresses().all(|ip| names.contains(&ip.to_string())), "{names:?}");
            assert!(host_names().all(|name| names.contains(&name)), "{names:?}");
            assert!(!names.iter().any(|name| name == "0.0.0.0" || name == "::"), "{names:?}");
        }
    }

    #[test]
    fn a_browser_may_know_an_edge_by_any_of_its_names() {
        let listens = ["127.0.0.1:8443", "127.0.0.1:443"].map(|listen| listen.parse().unwrap());
        let origins = origins(&listens);
        for origin in ["https://localhost:8443", "https://[::1]:8443", "https://127.0.0.1"] {
            assert!(origins.contains(&origin.to_owned()), "{origin} in {origins:?}");
        }
    }

    #[test]
    fn an_address_is_one_that_can_be_connected_to() {
        for (said, used) in [
            ("https://0.0.0.0:8443", "https://127.0.0.1:8443/"),
            ("https://[::]:8443", "https://[::1]:8443/"),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443/"),
            ("https://192.0.2.7:8443", "https://192.0.2.7:8443/"),
        ] {
            assert_eq!(reachable(said.parse().unwrap()).as_str(), used, "{said}");
        }
        assert_eq!(from_elsewhere("127.0.0.1:1".parse().unwrap()), None);
    }
}
