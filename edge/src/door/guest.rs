//! Who is at the other end of a connection: an address, of which there are only so many, and a stranger until it has
//! shown a token that holds. Strangers get few places and little patience.

use super::hold::{Hold, Share};
use crate::limit;
use pingora::{
    http::ResponseHeader,
    protocols::{Digest, raw_connect::ProxyDigest},
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Connections by address; an IPv6 network is one address, as for the limits.
#[derive(Debug)]
pub struct Addresses {
    open: Mutex<HashMap<String, Open>>,
    max: usize,
    max_strangers: usize,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    strangers: usize,
}

/// The other end of one connection.
#[derive(Debug)]
pub struct Guest {
    addresses: Arc<Addresses>,
    address: String,
    is_known: AtomicBool,
    /// What its answers make us hold.
    pub hold: Arc<Hold>,
}

impl Addresses {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(max: usize, max_strangers: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), max, max_strangers })
    }

    /// Lets a stranger in, unless its address has all the places that it may have.
    #[must_use]
    pub fn enter(self: &Arc<Self>, address: IpAddr, max_held: usize) -> Option<Guest> {
        let address = limit::network(address);
        self.change(&address, |open| {
            let room = open.all < self.max && open.strangers < self.max_strangers;
            open.all += usize::from(room);
            open.strangers += usize::from(room);
            room
        })
        .then(|| Guest {
            addresses: self.clone(),
            address,
            is_known: AtomicBool::new(false),
            hold: Hold::new(max_held),
        })
    }

    fn change<T>(&self, address: &str, change: impl FnOnce(&mut Open) -> T) -> T {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.entry(address.to_owned()).or_default();
        let outcome = change(entry);
        if entry.all == 0 {
            open.remove(address);
        }
        outcome
    }
}

impl Guest {
    /// A token was shown that holds: it is no stranger any more.
    pub fn introduce(&self) {
        if !self.is_known.swap(true, Relaxed) {
            self.addresses.change(&self.address, |open| open.strangers -= 1);
        }
    }

    /// Whether a token was shown.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known.load(Relaxed)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let strangers = usize::from(!*self.is_known.get_mut());
        self.addresses.change(&self.address, |open| {
            open.all -= 1;
            open.strangers -= strangers;
        });
    }
}

/// What Pingora carries along with a request, for the proxy's phases to find.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Whose request it is.
    pub guest: Arc<Guest>,
    /// What its answer holds; an HTTP/1 connection has one answer at a time, so nothing is counted.
    pub share: Option<Arc<Share>>,
}

impl Visit {
    /// As Pingora carries it: what a proxy in front of a server may add to the digest of a connection.
    #[must_use]
    pub fn packed(self) -> Option<Arc<ProxyDigest>> {
        let nothing = ResponseHeader::build(200, Some(0)).ok()?;
        Some(Arc::new(ProxyDigest::new(Box::new(nothing), Some(Box::new(self)))))
    }

    /// Finds it again.
    #[must_use]
    pub fn of(digest: Option<&Digest>) -> Option<&Self> {
        digest?.proxy_digest.as_ref()?.user_data.as_ref()?.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_fewer_places_than_guests_that_are_known() {
        let addresses = Addresses::new(3, 2);
        let enter = |address: &str| addresses.enter(address.parse().unwrap(), 1);
        let (one, two) = (enter("192.0.2.1").unwrap(), enter("192.0.2.1").unwrap());
        assert!(enter("192.0.2.1").is_none() && enter("192.0.2.2").is_some());
        one.introduce();
        one.introduce();
        let three = enter("192.0.2.1").unwrap();
        two.introduce();
        assert!(enter("192.0.2.1").is_none(), "three is the bound for all");
        drop((one, two, three));
        assert!(addresses.open.lock().unwrap().is_empty());
        let v6 = (enter("2001:db8::1"), enter("2001:db8::2"));
        assert!(v6.0.is_some() && v6.1.is_some() && enter("2001:db8::3").is_none());
    }
}
