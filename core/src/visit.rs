//! One request, as those know it who stand around its handler: who asks, once that is verified, and what of it is in hand.

use crate::{in_hand::Load, turn::Whose};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A request on its way; all copies are of the same one.
#[derive(Clone, Default)]
pub(crate) struct Visit(Arc<Inner>);

#[derive(Default)]
struct Inner {
    who: OnceLock<Whose>,
    body: Mutex<Option<Load>>,
}

impl Visit {
    /// It is this user's.
    pub(crate) fn is_of(&self, whose: Whose) {
        // Whoever asks is the same all along.
        drop(self.0.who.set(whose));
    }

    /// Who asks.
    pub(crate) fn who(&self) -> Option<&Whose> {
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
