//! What both tiers refuse because it would open the house to others.

use super::{Faults, Secret};
use crate::keys::MIN_KEY_BYTES;
use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

/// The fewest different bytes of a key. Thirty-two hexadecimal digits that were drawn at random have fewer once in a
/// million; a word that is written again and again has.
const MIN_DIFFERENT: usize = 8;

/// Adds a fault unless `key` is long enough and looks drawn at random.
pub fn require_key(faults: &mut Faults, name: &str, key: &Secret) {
    let bytes = key.expose().as_bytes();
    let different = bytes.iter().collect::<HashSet<_>>().len();
    if bytes.len() < MIN_KEY_BYTES {
        faults.add(name, format!("must have at least {MIN_KEY_BYTES} bytes, has {}", bytes.len()));
    } else if different < MIN_DIFFERENT {
        faults.add(
            name,
            format!("must be drawn at random, has {different} different bytes; as in `openssl rand -hex 32`"),
        );
    }
}

/// Adds a fault unless only this machine or its private network can reach `address`.
pub fn require_private(faults: &mut Faults, name: &str, address: SocketAddr) {
    let private = match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    faults.require(private, name, "must be a loopback or private address: it has no authentication");
}
