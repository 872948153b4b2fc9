//! Which candidates of the router are being tried on this core: one of each tenant at a time, and few of all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::ids::TenantId;
use tokio::sync::{AcquireError, Mutex as Turnstile, OwnedMutexGuard, Semaphore, SemaphorePermit};

/// Candidates that are learned at once on this core, one of each tenant: they take its processors from the turns.
const AT_ONCE: usize = 2;

/// Lets one candidate of each tenant be tried at a time, and few of all.
pub(crate) struct Trials {
    tenants: Mutex<HashMap<TenantId, Arc<Turnstile<()>>>>,
    at_once: Semaphore,
}

impl Default for Trials {
    fn default() -> Self {
        Self { tenants: Mutex::default(), at_once: Semaphore::new(AT_ONCE) }
    }
}

impl Trials {
    /// Waits until no other candidate of the tenant is being tried.
    pub(crate) async fn enter(&self, tenant: &TenantId) -> OwnedMutexGuard<()> {
        let turnstile = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            tenants.retain(|_, turnstile| Arc::strong_count(turnstile) > 1);
            Arc::clone(tenants.entry(tenant.clone()).or_default())
        };
        turnstile.lock_owned().await
    }

    /// Waits until few enough are being tried; an error only when the core is gone.
    pub(crate) async fn one_of_few(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.at_once.acquire().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn one_candidate_of_a_tenant_is_tried_at_a_time() {
        let trials = Trials::default();
        let (a, b): (TenantId, TenantId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let first = trials.enter(&a).now_or_never().unwrap();
        assert!(trials.enter(&a).now_or_never().is_none(), "the first one has not ended");
        assert!(trials.enter(&b).now_or_never().is_some(), "another tenant need not wait");
        drop(first);
        assert!(trials.enter(&a).now_or_never().is_some());
        assert_eq!(trials.tenants.lock().unwrap().len(), 1, "who has left is forgotten");
    }
}
