//! Who is at the other end of a connection: an address, of which there are only so many, and a stranger until it has
//! shown a token that holds. Strangers get few places and little patience, and whoever has been one for a while makes
//! room for the next, so that nobody keeps others out by staying.

use super::hold::{Hold, Share};
use crate::limit;
use pingora::{
    http::ResponseHeader,
    protocols::{Digest, raw_connect::ProxyDigest},
};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A stranger younger than that keeps its place: were the newest always preferred, nobody would get through the
/// handshakes when everybody comes at once.
const COURTESY: Duration = Duration::from_secs(2);

/// Connections by address; an IPv6 network is one address, as for the limits.
#[derive(Debug)]
pub struct Addresses {
    open: Mutex<HashMap<String, Open>>,
    max: usize,
    max_strangers: usize,
    arrivals: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    /// In the order in which they came: when that was, and how each is asked to go.
    strangers: BTreeMap<u64, (Instant, CancellationToken)>,
}

/// The other end of one connection.
#[derive(Debug)]
pub struct Guest {
    addresses: Arc<Addresses>,
    address: String,
    arrival: u64,
    is_known: AtomicBool,
    /// Its place is another's.
    pub gone: CancellationToken,
    /// What its answers make us hold.
    pub hold: Arc<Hold>,
}

impl Addresses {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(max: usize, max_strangers: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), max, max_strangers, arrivals: AtomicU64::new(0) })
    }

    /// Lets a stranger in, unless its address has all the places that it may have. Where the strangers' are taken, the
    /// one that came first goes, if it had its time.
    #[must_use]
    pub fn enter(self: &Arc<Self>, address: IpAddr, max_held: usize) -> Option<Guest> {
        let address = limit::network(address);
        let (arrival, gone) = (self.arrivals.fetch_add(1, Relaxed), CancellationToken::new());
        self.change(&address, |open| {
            let room = open.all < self.max && (open.strangers.len() < self.max_strangers || open.make_room());
            if room {
                open.all += 1;
                open.strangers.insert(arrival, (Instant::now(), gone.clone()));
            }
            room
        })
        .then(|| Guest {
            addresses: self.clone(),
            address,
            arrival,
            is_known: AtomicBool::new(false),
            gone,
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

impl Open {
    fn make_room(&mut self) -> bool {
        let first = self.strangers.first_entry().filter(|first| first.get().0.elapsed() >= COURTESY);
        first.map(|first| first.remove().1.cancel()).is_some()
    }
}

impl Guest {
    /// A token was shown that holds: it is no stranger any more.
    pub fn introduce(&self) {
        if !self.is_known.swap(true, Relaxed) {
            self.addresses.change(&self.address, |open| open.strangers.remove(&self.arrival));
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
        self.addresses.change(&self.address, |open| {
            open.all -= 1;
            open.strangers.remove(&self.arrival);
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

    #[tokio::test(start_paused = true)]
    async fn a_stranger_that_had_its_time_makes_room_and_nobody_who_is_known() {
        let addresses = Addresses::new(4, 2);
        let enter = |address: &str| addresses.enter(address.parse().unwrap(), 1);
        let (one, two) = (enter("192.0.2.1").unwrap(), enter("192.0.2.1").unwrap());
        assert!(enter("192.0.2.1").is_none() && enter("192.0.2.2").is_some());
        one.introduce();
        one.introduce();
        let three = enter("192.0.2.1").unwrap();
        tokio::time::advance(COURTESY).await;
        let four = enter("192.0.2.1").unwrap();
        assert!(two.gone.is_cancelled() && !three.gone.is_cancelled() && !one.gone.is_cancelled());
        assert!(one.is_known() && !four.is_known());
        assert!(enter("192.0.2.1").is_none(), "four is the bound for all");
        drop(two);
        let five = enter("192.0.2.1").unwrap();
        assert!(three.gone.is_cancelled() && !four.gone.is_cancelled() && !one.gone.is_cancelled());
        drop((one, three, four, five));
        assert!(addresses.open.lock().unwrap().is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let addresses = Addresses::new(2, 2);
        let enter = |address: &str| addresses.enter(address.parse().unwrap(), 1);
        let v6 = (enter("2001:db8::1"), enter("2001:db8::2"));
        assert!(v6.0.is_some() && v6.1.is_some() && enter("2001:db8::3").is_none());
    }
}
