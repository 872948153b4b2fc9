//! Who may have how much of what there is: places for turns, bytes in hand. Pure: values in, values out.
//!
//! Nobody has a fixed share, which would be too small alone and too large in a crowd. Whoever already has some may have
//! one more as long as what it has is no more than what is free (dynamic thresholds; Choudhury and Hahne, 1998). A tenant
//! alone has half of all, of two greedy ones each has a third, and whoever comes next always finds something free. A
//! user's are counted twice, as its own and as its tenant's, so that the same holds among the users of a tenant: one
//! alone has a third.

use std::collections::HashMap;
use switchboard_shared::ids::{TenantId, UserId};

/// Whose a turn is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Whose {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// None is left for anybody.
    All,
    /// The caller's tenant has its share.
    Tenant,
    /// The caller has its share.
    User,
}

/// What there is, and who has it.
#[derive(Debug)]
pub(crate) struct Shares {
    all: usize,
    taken: usize,
    tenants: HashMap<TenantId, usize>,
    users: HashMap<Whose, usize>,
}

impl Shares {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, taken: 0, tenants: HashMap::new(), users: HashMap::new() }
    }

    pub(crate) fn free(&self) -> usize {
        self.all.saturating_sub(self.taken)
    }

    pub(super) fn are_idle(&self) -> bool {
        self.taken == 0
    }

    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> usize {
        self.tenants.get(tenant).copied().unwrap_or(0)
    }

    pub(crate) fn of_user(&self, whose: &Whose) -> usize {
        self.users.get(whose).copied().unwrap_or(0)
    }

    #[cfg(test)]
    pub(crate) fn knows_nobody(&self) -> bool {
        self.tenants.is_empty() && self.users.is_empty()
    }

    /// Whether there is one more for somebody.
    pub(crate) fn may_take(&self, whose: &Whose) -> Result<(), Full> {
        let (of_tenant, of_user) = (self.of_tenant(&whose.tenant), self.of_user(whose));
        match self.free() {
            0 => Err(Full::All),
            free if of_tenant > free => Err(Full::Tenant),
            free if of_tenant + of_user > free => Err(Full::User),
            _ => Ok(()),
        }
    }

    /// As [`Shares::may_take`], where one more than there are does no harm: whoever has less than an equal share (of all
    /// tenants with one to come; of a tenant's users likewise) may have one more however many the others have.
    pub(super) fn may_take_fairly(&self, whose: &Whose) -> Result<(), Full> {
        self.may_take(whose).or_else(|full| if self.has_less_than_equal(whose) { Ok(()) } else { Err(full) })
    }

    fn has_less_than_equal(&self, whose: &Whose) -> bool {
        let (tenants, users) = self.with(whose);
        let share = self.all / (tenants + 1);
        self.of_tenant(&whose.tenant) < share && self.of_user(whose) < (share / (users + 1)).max(1)
    }

    /// How many are served for each one of somebody's, where tenants are served in turn, and the users of each.
    pub(super) fn round(&self, whose: &Whose) -> usize {
        let (tenants, users) = self.with(whose);
        (tenants * users).min(self.taken.max(1))
    }

    /// How many tenants have some, and users of this one's tenant, with this one.
    fn with(&self, whose: &Whose) -> (usize, usize) {
        let tenants = self.tenants.len() + usize::from(!self.tenants.contains_key(&whose.tenant));
        let users = self.users.keys().filter(|other| other.tenant == whose.tenant).count();
        (tenants, users + usize::from(!self.users.contains_key(whose)))
    }

    /// Whether there is one more for a tenant, where they come back soon: all but the last are for whoever comes, and that
    /// one for who has none.
    pub(super) fn has_one_for(&self, tenant: &TenantId) -> bool {
        self.free() > usize::from(self.of_tenant(tenant) > 0)
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// From now on there are so many.
    pub(super) fn resize(&mut self, all: usize) {
        self.all = all;
    }

    /// Takes some for nobody yet.
    pub(super) fn hold(&mut self, count: usize) {
        self.taken += count;
    }

    pub(super) fn release(&mut self, count: usize) {
        self.taken = self.taken.saturating_sub(count);
    }

    /// Takes one, whether or not there is one.
    pub(super) fn take(&mut self, whose: &Whose) {
        self.take_some(whose, 1);
    }

    pub(super) fn give_back(&mut self, whose: &Whose) {
        self.give_some_back(whose, 1);
    }

    /// Takes so many, whether or not there are any.
    pub(crate) fn take_some(&mut self, whose: &Whose, count: usize) {
        self.taken += count;
        *self.tenants.entry(whose.tenant.clone()).or_default() += count;
        *self.users.entry(whose.clone()).or_default() += count;
    }

    pub(crate) fn give_some_back(&mut self, whose: &Whose, count: usize) {
        self.taken = self.taken.saturating_sub(count);
        less(&mut self.tenants, &whose.tenant, count);
        less(&mut self.users, whose, count);
    }
}

/// Somebody has so many less, and is forgotten with none.
pub(super) fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K, by: usize) {
    if let Some(count) = counts.get_mut(key) {
        *count -= by;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(tenant: &str, user: &str) -> Whose {
        Whose { tenant: tenant.parse().unwrap(), user: user.parse().unwrap() }
    }

    /// Takes as many as there are for these users in turn.
    fn fill(shares: &mut Shares, users: &[Whose]) -> usize {
        let before = shares.taken;
        loop {
            let at = shares.taken;
            for user in users {
                if shares.may_take(user).is_ok() {
                    shares.take(user);
                }
            }
            if shares.taken == at {
                return shares.taken - before;
            }
        }
    }

    #[test]
    fn however_many_come_the_next_tenant_and_the_next_user_find_something_free() {
        let mut shares = Shares::new(256);
        let ten: Vec<_> = (0..10).map(|i| whose("greedy", &format!("u{i}"))).collect();
        let taken = fill(&mut shares, &ten);
        assert!((100..=130).contains(&taken), "{taken}");
        assert_eq!(shares.may_take(&whose("greedy", "newcomer")), Ok(()));
        for tenant in 0..4 {
            let users: Vec<_> = (0..5).map(|i| whose(&format!("t{tenant}"), &format!("u{i}"))).collect();
            assert!(fill(&mut shares, &users) > 0, "tenant {tenant}");
        }
        assert_eq!(shares.may_take(&whose("last", "ann")), Ok(()));
    }

    #[test]
    fn one_user_alone_has_a_third_and_a_tenant_of_many_half() {
        let mut shares = Shares::new(300);
        assert_eq!(fill(&mut shares, &[whose("a", "ann")]), 101);
        assert_eq!(shares.may_take(&whose("a", "ann")), Err(Full::User));
        let others: Vec<_> = (0..300).map(|i| whose("a", &format!("u{i}"))).collect();
        assert_eq!(101 + fill(&mut shares, &others), 151);
        assert_eq!(shares.may_take(&whose("a", "bob")), Err(Full::Tenant));
    }

    #[test]
    fn who_has_less_than_an_equal_share_may_have_one_more_where_others_have_all() {
        let mut shares = Shares::new(20);
        (0..100).for_each(|i| shares.take(&whose("greedy", &format!("u{}", i % 10))));
        let (greedy, other) = (whose("greedy", "new"), whose("b", "bob"));
        assert_eq!(shares.may_take(&other), Err(Full::All));
        assert_eq!(shares.may_take_fairly(&greedy), Err(Full::All));
        // A third of twenty for the tenant, and half of that for one of its users.
        let taken =
            (0..20).take_while(|_| shares.may_take_fairly(&other).map(|()| shares.take(&other)).is_ok());
        assert_eq!(taken.count(), 3);
        assert_eq!(shares.may_take_fairly(&whose("b", "ben")), Ok(()), "its neighbour has some too");
        (0..20).for_each(|i| shares.take(&whose(&format!("t{i}"), "ann")));
        assert_eq!(shares.may_take_fairly(&whose("last", "ann")), Err(Full::All), "more tenants than shares");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_is_forgotten() {
        let mut shares = Shares::new(1);
        let ann = whose("a", "ann");
        assert_eq!(shares.may_take(&ann), Ok(()), "the only place is anybody's");
        shares.take(&ann);
        assert_eq!(shares.may_take(&whose("b", "bob")), Err(Full::All));
        shares.give_back(&ann);
        assert!(shares.are_idle() && shares.knows_nobody());
        assert_eq!(shares.may_take(&ann), Ok(()));
    }
}
