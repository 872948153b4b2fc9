//! How well this core hears each channel of the doorbell. Readers of one that is not heard look at the rows by themselves.

use crate::metrics::DEGRADED_CHANNELS;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Without hearing itself for this long, a core takes a channel for degraded.
const DEAF_AFTER: Duration = Duration::from_secs(4);

/// How well a channel is heard. Nothing was lost yet by a core that has just begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hearing {
    /// It is not subscribed to at present.
    pub(crate) lost: bool,
    /// This core did not hear itself for a while: its clients are told.
    pub(crate) deaf: bool,
    /// Counts how often a ring may have been missed.
    pub(crate) missed: u32,
}

/// All channels.
pub(super) struct Channels {
    start: Instant,
    /// When this core last heard itself, by channel, in milliseconds since its start.
    heard: Vec<AtomicU64>,
    told: watch::Sender<Vec<Hearing>>,
}

impl Channels {
    pub(super) fn new(count: u16) -> Self {
        Self {
            start: Instant::now(),
            heard: (0..count).map(|_| AtomicU64::new(0)).collect(),
            told: watch::channel(vec![Hearing::default(); usize::from(count)]).0,
        }
    }

    pub(super) fn count(&self) -> u16 {
        u16::try_from(self.heard.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn of(&self, channel: u16) -> Hearing {
        self.told.borrow().get(usize::from(channel)).copied().unwrap_or_default()
    }

    /// Tells when any has got better or worse.
    pub(super) fn changes(&self) -> watch::Receiver<Vec<Hearing>> {
        self.told.subscribe()
    }

    /// This core has heard itself.
    pub(super) fn hear(&self, channel: u16) {
        if let Some(heard) = self.heard.get(usize::from(channel)) {
            heard.store(self.now_ms().max(1), Ordering::Relaxed);
        }
    }

    /// Whether this core did not hear itself for a while, or has not yet.
    pub(super) fn is_deaf(&self, channel: u16) -> bool {
        let last = self.heard.get(usize::from(channel)).map_or(0, |heard| heard.load(Ordering::Relaxed));
        last == 0 || self.now_ms().saturating_sub(last) > millis(DEAF_AFTER)
    }

    /// Tells readers on which channels nothing is heard.
    pub(super) fn listen_in_vain(&self) {
        let began = self.now_ms() > millis(DEAF_AFTER);
        let deaf: Vec<bool> = (0..self.count()).map(|channel| began && self.is_deaf(channel)).collect();
        let count = deaf.iter().filter(|deaf| **deaf).count();
        DEGRADED_CHANNELS.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.tell(|channel, hearing| hearing.deaf = deaf[channel]);
    }

    /// Tells readers where the subscription is lost, and where it has just been made: what was said before was missed.
    pub(super) fn subscribed(&self, lost: impl Fn(usize) -> bool, fresh: impl Fn(usize) -> bool) {
        self.tell(|channel, hearing| {
            hearing.lost = lost(channel);
            hearing.missed = hearing.missed.wrapping_add(u32::from(fresh(channel)));
        });
    }

    /// Something was missed, on whatever channel.
    pub(super) fn missed_some(&self) {
        self.tell(|_, hearing| hearing.missed = hearing.missed.wrapping_add(1));
    }

    fn tell(&self, change: impl Fn(usize, &mut Hearing)) {
        self.told.send_if_modified(|told| {
            let before = told.clone();
            told.iter_mut().enumerate().for_each(|(channel, hearing)| change(channel, hearing));
            *told != before
        });
    }

    fn now_ms(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
