//! One turn, while this core has it: what its steps share.

use super::{
    background::Arrival,
    elsewhere::Elsewhere,
    queue::{Hand, Stop},
    unwritten::Unwritten,
};
use crate::{core::Core, store::TurnRow};
use std::sync::{Arc, MutexGuard, PoisonError};
use switchboard_shared::ids::TenantId;
use tokio::{sync::Mutex, time::Instant};

/// A turn that is being worked on.
pub(super) struct Work {
    pub(super) core: Arc<Core>,
    pub(super) tenant: TenantId,
    pub(super) turn: TurnRow,
    /// What was said, where this core has just written it.
    pub(super) arrival: std::sync::Mutex<Option<Box<Arrival>>>,
    /// The user wants it stopped, or it is not this core's any more.
    pub(super) stop: Stop,
    /// Its place; says when it waits for an agent or an LLM.
    pub(super) hand: Hand,
    pub(super) deadline: Instant,
    /// One step is written at a time, so that the last one written is the one a lost answer is about.
    pub(super) record: Mutex<()>,
    /// What goes with the next step.
    pub(super) unwritten: Unwritten,
    pub(super) begun: std::sync::Mutex<Begun>,
    pub(super) elsewhere: Elsewhere,
}

impl Work {
    pub(super) fn arrival(&self) -> MutexGuard<'_, Option<Box<Arrival>>> {
        self.arrival.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has gone out already, as the beginning of the answer: of the only agent's reply, or of replies that stand side by
/// side.
#[derive(Default)]
pub(super) struct Begun {
    /// It is written down that the answer begins.
    pub(super) started: bool,
    pub(super) text: String,
    pub(super) chars: usize,
    /// The steps whose replies the text begins with.
    pub(super) steps: Vec<usize>,
}
