//! Keys of programs and tickets of sockets: what they stand for, a core alone knows. What it said of a key is remembered
//! for a minute, also that there is none; of a ticket nothing, since it is good once.

use super::cache::{TokenHash, hash};
use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::identity::Identity;
use tokio::time::Instant;

/// What a program's key begins with.
pub const KEY: &str = "sbk_";
/// What a socket's ticket begins with.
pub const TICKET: &str = "sbt_";

/// Whether it is for a core to say whose this is.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    text.starts_with(KEY) || text.starts_with(TICKET)
}

/// What a core said of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Whose it is.
    Identity(Arc<Identity>),
    /// That it is none.
    Nobodys,
}

impl Said {
    /// Whose it is, if it is somebody's.
    #[must_use]
    pub fn identity(self) -> Option<Arc<Identity>> {
        match self {
            Self::Identity(identity) => Some(identity),
            Self::Nobodys => None,
        }
    }
}

/// The keys that a core was asked about. Those that are none have a place of their own: whoever guesses takes none from
/// those who know.
#[derive(Debug)]
pub struct Secrets {
    known: Mutex<HashMap<TokenHash, (Arc<Identity>, Instant)>>,
    unknown: Mutex<HashMap<TokenHash, Instant>>,
    most: usize,
    lasts: Duration,
}

impl Secrets {
    /// Remembers so many of each, for so long.
    #[must_use]
    pub fn new(most: usize, lasts: Duration) -> Self {
        Self { known: Mutex::default(), unknown: Mutex::default(), most, lasts }
    }

    /// What was said of it not long ago.
    #[must_use]
    pub fn said(&self, secret: &str, now_s: i64) -> Option<Said> {
        let (hash, now) = (hash(secret), Instant::now());
        if let Some((identity, until)) = lock(&self.known).get(&hash)
            && now < *until
            && identity.expires_at > now_s
        {
            return Some(Said::Identity(identity.clone()));
        }
        let nobodys = lock(&self.unknown).get(&hash).is_some_and(|until| now < *until);
        nobodys.then_some(Said::Nobodys)
    }

    /// Remembers what was said of a key.
    pub fn remember(&self, secret: &str, said: &Said) {
        if !secret.starts_with(KEY) {
            return;
        }
        let (hash, until) = (hash(secret), Instant::now() + self.lasts);
        match said {
            Said::Identity(identity) => {
                let mut known = lock(&self.known);
                make_room(&mut known, self.most, |(_, until)| *until);
                known.insert(hash, (identity.clone(), until));
            }
            Said::Nobodys => {
                let mut unknown = lock(&self.unknown);
                make_room(&mut unknown, self.most, |until| *until);
                unknown.insert(hash, until);
            }
        }
    }
}

/// Forgets what is over, and when all is fresh everything: to ask again costs less than to keep an order of use.
fn make_room<V, S: BuildHasher>(
    of: &mut HashMap<TokenHash, V, S>,
    most: usize,
    until: impl Fn(&V) -> Instant,
) {
    if of.len() >= most {
        let now = Instant::now();
        of.retain(|_, value| now < until(value));
    }
    if of.len() >= most {
        of.clear();
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::identity::{Grant, Tier};

    fn ann() -> Said {
        Said::Identity(Arc::new(Identity {
            tenant: "acme".parse().unwrap(),
            user: "ann".parse().unwrap(),
            roles: [].into(),
            groups: [].into(),
            tier: Tier::Standard,
            expires_at: 100,
            grant: Grant::default(),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_said_of_a_key_is_remembered_for_a_minute_and_of_a_ticket_not_at_all() {
        let secrets = Secrets::new(10, Duration::from_secs(60));
        secrets.remember("sbk_a", &ann());
        secrets.remember("sbk_b", &Said::Nobodys);
        secrets.remember("sbt_c", &ann());
        assert_eq!(secrets.said("sbk_a", 1), Some(ann()));
        assert_eq!(secrets.said("sbk_a", 100), None, "it has expired meanwhile");
        assert_eq!(secrets.said("sbk_b", 1), Some(Said::Nobodys));
        assert_eq!(secrets.said("sbt_c", 1), None);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!((secrets.said("sbk_a", 1), secrets.said("sbk_b", 1)), (None, None));
    }

    #[test]
    fn whoever_guesses_takes_no_place_from_those_who_know() {
        let secrets = Secrets::new(10, Duration::from_secs(60));
        secrets.remember("sbk_a", &ann());
        for guess in 0..1_000 {
            secrets.remember(&format!("sbk_{guess}"), &Said::Nobodys);
        }
        assert_eq!(secrets.said("sbk_a", 1), Some(ann()));
        assert!(lock(&secrets.unknown).len() <= 10);
    }
}
