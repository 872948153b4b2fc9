//! One request, as those know it who stand around its handler: who asks, once that is verified, and what of it is in hand.

use crate::{in_hand::Load, store::Standing, turn::Whose};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use switchboard_shared::identity::Identity;

/// A request on its way; all copies are of the same one.
#[derive(Clone, Default)]
pub(crate) struct Visit(Arc<Inner>);

#[derive(Default)]
struct Inner {
    who: OnceLock<Who>,
    body: Mutex<Option<Load>>,
}

/// Who asks, and as what.
pub(crate) struct Who {
    pub(crate) whose: Whose,
    /// None of a key, which says less than its user is.
    pub(crate) standing: Option<Standing>,
}

impl Visit {
    /// It is this caller's.
    pub(crate) fn is_of(&self, caller: &Identity) {
        let whose = Whose { tenant: caller.tenant.clone(), user: caller.user.clone() };
        let standing =
            || Standing { roles: caller.roles.clone(), groups: caller.groups.clone(), tier: caller.tier };
        let standing = caller.grant.key.is_none().then(standing);
        // Whoever asks is the same all along.
        drop(self.0.who.set(Who { whose, standing }));
    }

    /// Who asks.
    pub(crate) fn who(&self) -> Option<&Who> {
        self.0.who.get()
    }

    /// Its body is a large one.
    pub(crate) fn brings(&self, body: Load) {
        *self.0.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    /// What it brought is stored, or goes no further: another one may come.
    pub(crate) fn is_stored(&self) {
        drop(self.0.body.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
