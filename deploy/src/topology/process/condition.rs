//! How a child is, and what is done to it on purpose: killed as by a crash, held away, frozen.

use super::{Process, send};
use nix::sys::signal::Signal;

/// How a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs.
    Running,
    /// It is there and does nothing.
    Frozen,
    /// It was ended and stays away until somebody starts it.
    Held,
    /// It ended otherwise.
    Dead,
}

impl Process {
    /// Kills it as a crash would, and lets its end be noticed: whoever watches it starts it again.
    pub fn crash(&self) {
        let mut state = self.state();
        state.crashed = true;
        send(state.child.as_mut(), Signal::SIGKILL);
    }

    /// Whether its end was asked for by [`Process::crash`]; says so once.
    #[must_use]
    pub fn crashed_on_request(&self) -> bool {
        std::mem::take(&mut self.state().crashed)
    }

    /// From now on it stays away when it has ended, until it is started again.
    pub fn hold(&self) {
        let mut state = self.state();
        (state.told, state.held) = (true, true);
    }

    /// Stops it where it is (SIGSTOP), or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        let mut state = self.state();
        if state.frozen != frozen {
            state.frozen = frozen;
            send(state.child.as_mut(), if frozen { Signal::SIGSTOP } else { Signal::SIGCONT });
        }
    }

    /// How it is.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let ended = self.try_wait().is_some();
        let state = self.state();
        match (ended, state.frozen, state.held) {
            (false, false, _) => Condition::Running,
            (false, true, _) => Condition::Frozen,
            (true, _, true) => Condition::Held,
            (true, _, false) => Condition::Dead,
        }
    }
}
