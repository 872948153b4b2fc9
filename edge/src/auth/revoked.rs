//! What was taken back although its signature is good: a token, whatever a user was given until a moment, a session, a
//! key. The cores know it, and are asked every few seconds; whatever is open by then is told, and ends.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};
use switchboard_shared::{
    api::{Revocation, RevokedKind},
    identity::Identity,
    ids::TenantId,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Revocations that are kept; of more, the new ones are not, which is said as an error.
const MOST: usize = 100_000;

/// What edges refuse.
#[derive(Debug, Default)]
pub struct Revoked {
    known: RwLock<Known>,
    /// Whether a core has said all of it once.
    heard: watch::Sender<bool>,
    changed: watch::Sender<u64>,
    streams: Mutex<HashMap<u64, (Arc<Identity>, CancellationToken)>>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    tenants: HashMap<TenantId, HashMap<(RevokedKind, String), Since>>,
    count: usize,
}

/// When it was taken back, and when nothing is left that it could be about; in seconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Since {
    at_s: i64,
    until_s: i64,
}

impl Revoked {
    /// Whether somebody may do nothing more.
    #[must_use]
    pub fn covers(&self, identity: &Identity) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.tenants.get(&identity.tenant).is_some_and(|of| covers(of, identity))
    }

    /// Returns once a core has said what was taken back: before that nobody is let in, since it might be one of them.
    /// Afterwards what is known holds while no core can be asked. Safe to drop.
    pub async fn heard(&self) {
        // The sender is here, so it cannot end before.
        drop(self.heard.subscribe().wait_for(|heard| *heard).await);
    }

    /// Notes that a core has said all that it knows.
    pub fn is_heard(&self) {
        self.heard.send_replace(true);
    }

    /// Hears of each change, the first one at once.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        let mut changed = self.changed.subscribe();
        changed.mark_changed();
        changed
    }

    /// Takes what a core knows; whatever is open and covered by it ends. `now_s` is for what is over by itself.
    pub fn learn(&self, revocations: &[Revocation], now_s: i64) {
        let mut is_new = false;
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.forget(now_s);
            for revocation in revocations {
                is_new |= known.add(revocation);
            }
        }
        if is_new {
            self.end_streams();
            self.changed.send_modify(|changes| *changes += 1);
        }
    }

    /// Follows a stream of somebody: its token is cancelled when they may not listen any more.
    #[must_use]
    pub fn follow(self: &Arc<Self>, identity: &Arc<Identity>, ending: CancellationToken) -> Followed {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.streams().insert(id, (identity.clone(), ending.clone()));
        // What was learned in between has not seen it.
        let is_over = self.covers(identity);
        let followed = Followed { id, ending, revoked: self.clone(), identity: identity.clone() };
        if is_over {
            followed.ending.cancel();
        }
        followed
    }

    fn end_streams(&self) {
        let streams: Vec<_> = self.streams().values().cloned().collect();
        for (identity, ending) in streams {
            if self.covers(&identity) {
                ending.cancel();
            }
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u64, (Arc<Identity>, CancellationToken)>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget(&mut self, now_s: i64) {
        for of in self.tenants.values_mut() {
            of.retain(|_, since| since.until_s > now_s);
        }
        self.tenants.retain(|_, of| !of.is_empty());
        self.count = self.tenants.values().map(HashMap::len).sum();
    }

    /// Whether it was not known.
    fn add(&mut self, new: &Revocation) -> bool {
        let since = Since { at_s: new.at.timestamp(), until_s: new.until.timestamp() };
        let key = (new.kind, new.subject.clone());
        let of = self.tenants.entry(new.tenant.clone()).or_default();
        if of.get(&key).is_some_and(|known| known.at_s >= since.at_s && known.until_s >= since.until_s) {
            return false;
        }
        if self.count >= MOST {
            tracing::error!(most = MOST, "more is taken back than this edge remembers");
            return false;
        }
        self.count += 1;
        of.insert(key, since);
        true
    }
}

fn covers(of: &HashMap<(RevokedKind, String), Since>, identity: &Identity) -> bool {
    let grant = &identity.grant;
    let has = |kind, id: String| of.contains_key(&(kind, id));
    let user = of.get(&(RevokedKind::User, identity.user.to_string()));
    user.is_some_and(|since| grant.issued_at <= since.at_s)
        || grant.session.is_some_and(|id| has(RevokedKind::Session, id.to_string()))
        || grant.key.is_some_and(|id| has(RevokedKind::Key, id.to_string()))
        || grant.token.as_ref().is_some_and(|id| has(RevokedKind::Token, id.to_string()))
}

/// A stream that is followed until this goes.
#[derive(Debug)]
pub struct Followed {
    id: u64,
    /// Ends the stream.
    pub ending: CancellationToken,
    revoked: Arc<Revoked>,
    identity: Arc<Identity>,
}

impl Followed {
    /// Whether it ends because its listener may not listen any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ending.is_cancelled() && self.revoked.covers(&self.identity)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.revoked.streams().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use switchboard_shared::{
        identity::{Grant, Tier},
        ids::{KeyId, SessionId},
    };

    fn ann(tenant: &str, grant: Grant) -> Arc<Identity> {
        Arc::new(Identity {
            tenant: tenant.parse().unwrap(),
            user: "ann".parse().unwrap(),
            roles: [].into(),
            groups: [].into(),
            tier: Tier::Standard,
            expires_at: i64::MAX,
            grant,
        })
    }

    fn taken_back(kind: RevokedKind, subject: &str, at_s: i64) -> Revocation {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let (tenant, id) = ("acme".parse().unwrap(), uuid::Uuid::now_v7());
        Revocation { tenant, id, kind, subject: subject.to_owned(), at: at(at_s), until: at(at_s + 100) }
    }

    #[test]
    fn what_is_taken_back_is_that_alone() {
        let (session, key) = (SessionId::new(), KeyId::new());
        let of = |grant: Grant| ann("acme", grant);
        let by_session = of(Grant { session: Some(session), issued_at: 50, ..Grant::default() });
        let by_key = of(Grant { key: Some(key), issued_at: 50, ..Grant::default() });
        let by_token = of(Grant { token: Some("t".into()), issued_at: 50, ..Grant::default() });
        let all = [&by_session, &by_key, &by_token];
        for (kind, subject, covered) in [
            (RevokedKind::Session, session.to_string(), [true, false, false]),
            (RevokedKind::Key, key.to_string(), [false, true, false]),
            (RevokedKind::Token, "t".to_owned(), [false, false, true]),
            (RevokedKind::User, "ann".to_owned(), [true, true, true]),
            (RevokedKind::User, "bob".to_owned(), [false, false, false]),
            (RevokedKind::Token, session.to_string(), [false, false, false]),
        ] {
            let revoked = Revoked::default();
            revoked.learn(&[taken_back(kind, &subject, 60)], 60);
            assert_eq!(all.map(|one| revoked.covers(one)), covered, "{kind:?} {subject}");
            assert!(!revoked.covers(&ann("other", by_session.grant.clone())), "another tenant's");
        }
    }

    #[test]
    fn a_user_comes_again_with_what_was_issued_later() {
        let revoked = Revoked::default();
        revoked.learn(&[taken_back(RevokedKind::User, "ann", 60)], 60);
        let issued = |issued_at| ann("acme", Grant { issued_at, ..Grant::default() });
        assert!(revoked.covers(&issued(0)), "one that does not say when");
        assert!(revoked.covers(&issued(60)) && !revoked.covers(&issued(61)));
        revoked.learn(&[], 160);
        assert!(!revoked.covers(&issued(60)), "by then nothing of before is good by itself");
    }

    #[test]
    fn who_listens_is_told_and_their_streams_end() {
        let revoked = Arc::new(Revoked::default());
        let mut changes = revoked.subscribe();
        assert!(changes.has_changed().unwrap(), "what was learned before it came is looked at");
        changes.mark_unchanged();
        let (one, two) =
            (ann("acme", Grant { token: Some("1".into()), ..Grant::default() }), ann("b", Grant::default()));
        let (stream, other) =
            (revoked.follow(&one, CancellationToken::new()), revoked.follow(&two, CancellationToken::new()));
        let back = taken_back(RevokedKind::Token, "1", 60);
        revoked.learn(std::slice::from_ref(&back), 60);
        assert!(changes.has_changed().unwrap() && stream.is_over() && !other.is_over());
        changes.mark_unchanged();
        revoked.learn(&[back], 61);
        assert!(!changes.has_changed().unwrap(), "said twice is said once");
        assert!(revoked.follow(&one, CancellationToken::new()).is_over(), "one that comes too late");
        drop((stream, other));
        assert!(revoked.streams().is_empty());
    }
}
