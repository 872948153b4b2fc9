//! Which host is what: decided in pure code from what each host said of itself last.

use std::{
    cmp::Reverse,
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Points of the writer's log that are remembered to tell by how much a replica is behind.
const TRAIL: usize = 128;

/// What a host said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) in_recovery: bool,
    /// Of a primary the one that it writes; of a replica the last one that it is known to have followed.
    pub(super) timeline: u32,
    /// How far a primary has written, and a replica replayed.
    pub(super) lsn: u64,
}

/// A point in the log. After a failover the log goes on under another timeline, perhaps from an earlier LSN: a point of a
/// later timeline is the later one whatever its LSN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) timeline: u32,
    pub(super) lsn: u64,
}

/// Who writes, and who can be read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topology {
    /// The epoch: of the writer, or of the last one there was.
    pub(super) timeline: u32,
    pub(super) writer: Option<usize>,
    /// Those that answer, in the order of the hosts.
    pub(super) replicas: Vec<Replica>,
}

/// A host that can be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replica {
    pub(super) host: usize,
    /// For how long the writer has been seen to have more than it.
    pub(super) lag: Duration,
    pub(super) replayed: u64,
}

/// What is known of all hosts.
pub(super) struct Known {
    said: Vec<Option<Said>>,
    writer: Option<usize>,
    timeline: u32,
    /// When the writer was first seen to have written so far, oldest first.
    trail: VecDeque<(Instant, u64)>,
}

impl Known {
    pub(super) fn new(hosts: usize) -> Self {
        Self { said: vec![None; hosts], writer: None, timeline: 0, trail: VecDeque::new() }
    }

    /// A host has said something, or does not answer any more; what holds then.
    pub(super) fn hear(&mut self, host: usize, said: Option<Said>, now: Instant) -> Topology {
        if let Some(place) = self.said.get_mut(host) {
            *place = said;
        }
        let seen = self.said.iter().flatten().map(|said| said.timeline).max();
        let floor = seen.unwrap_or(0).max(self.timeline);
        let writer = choose(&self.said, floor, self.writer);
        if let Some((writer, said)) = writer {
            if self.writer != Some(writer) || self.timeline != said.timeline {
                self.trail.clear();
            }
            (self.writer, self.timeline) = (Some(writer), said.timeline);
            if self.trail.back().is_none_or(|(_, lsn)| *lsn < said.lsn) {
                self.trail.push_back((now, said.lsn));
            }
            if self.trail.len() > TRAIL {
                self.trail.pop_front();
            }
        }
        let of_host = |(host, said): (usize, &Option<Said>)| {
            let said = said.filter(|said| said.in_recovery)?;
            Some(Replica { host, lag: self.lag(said.lsn, now), replayed: said.lsn })
        };
        let replicas = self.said.iter().enumerate().filter_map(of_host).collect();
        Topology { timeline: self.timeline, writer: writer.map(|(writer, _)| writer), replicas }
    }

    /// How long ago the writer was first seen to have more than this. It needs no clock but ours, and also shows a
    /// replica that follows nobody any more: the writer goes on and it does not.
    fn lag(&self, replayed: u64, now: Instant) -> Duration {
        let missing = self.trail.iter().find(|(_, lsn)| *lsn > replayed);
        missing.map_or(Duration::ZERO, |(at, _)| now.duration_since(*at))
    }
}

/// Of several that claim to be primary the one of the latest timeline, and of two on the same the one that was it before.
/// One of an earlier timeline than was ever seen is not written to, even if it is the only one: it was replaced.
fn choose(said: &[Option<Said>], floor: u32, before: Option<usize>) -> Option<(usize, Said)> {
    let hosts = said.iter().enumerate().filter_map(|(host, said)| Some((host, (*said)?)));
    let primaries = hosts.filter(|(_, said)| !said.in_recovery && said.timeline >= floor);
    primaries.max_by_key(|(host, said)| (said.timeline, before == Some(*host), Reverse(*host)))
}

/// The last point that this core has committed.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Position>>);

impl Written {
    pub(super) fn note(&self, position: Position) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = position.max(*last);
    }

    /// The LSN that a replica must have replayed to have all of it. What was written on an earlier timeline says nothing
    /// about this one's LSNs: then the whole log is wanted, which the primary alone has for certain.
    pub(super) fn wanted(&self, timeline: u32) -> Option<u64> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.timeline {
            0 => Some(0),
            own if own == timeline => Some(last.lsn),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn primary(timeline: u32, lsn: u64) -> Option<Said> {
        Some(Said { in_recovery: false, timeline, lsn })
    }

    fn replica(timeline: u32, lsn: u64) -> Option<Said> {
        Some(Said { in_recovery: true, timeline, lsn })
    }

    #[test]
    fn of_two_primaries_the_later_timeline_is_written_to_and_it_never_flaps() {
        let (mut known, now) = (Known::new(3), Instant::now());
        assert_eq!(known.hear(0, primary(1, 10), now).writer, Some(0));
        assert_eq!(known.hear(1, replica(1, 10), now).writer, Some(0));
        assert_eq!(known.hear(0, None, now).writer, None);
        assert_eq!(known.hear(1, primary(2, 8), now).writer, Some(1));
        assert_eq!(known.hear(0, primary(1, 900), now).writer, Some(1), "the old one came back");
        assert_eq!(known.hear(1, None, now).writer, None, "and is not written to although it is alone");
        assert_eq!(known.hear(1, primary(2, 9), now).writer, Some(1));
        assert_eq!(known.hear(2, primary(2, 9), now).writer, Some(1), "who was it before stays it");
        assert_eq!(known.hear(0, primary(3, 9), now).writer, Some(0));
    }

    #[test]
    fn a_replica_that_follows_a_later_timeline_tells_on_an_old_primary() {
        let (mut known, now) = (Known::new(2), Instant::now());
        known.hear(1, replica(2, 10), now);
        assert_eq!(known.hear(0, primary(1, 10), now).writer, None);
    }

    #[test]
    fn lag_is_the_time_since_the_writer_had_more() {
        let (mut known, start) = (Known::new(2), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        known.hear(0, primary(1, 10), start);
        assert_eq!(
            known.hear(1, replica(1, 10), after(5_000)).replicas[0].lag,
            Duration::ZERO,
            "all is there"
        );
        known.hear(0, primary(1, 20), after(6_000));
        known.hear(0, primary(1, 30), after(7_000));
        assert_eq!(known.hear(1, replica(1, 10), after(7_500)).replicas[0].lag, Duration::from_millis(1_500));
        assert_eq!(known.hear(1, replica(1, 20), after(7_500)).replicas[0].lag, Duration::from_millis(500));
        assert_eq!(known.hear(1, replica(1, 30), after(9_000)).replicas[0].lag, Duration::ZERO);
    }

    #[test]
    fn a_point_of_a_later_timeline_is_later_and_an_earlier_ones_lsn_says_nothing() {
        let written = Written::default();
        assert_eq!(written.wanted(4), Some(0), "nothing was written yet");
        written.note(Position { timeline: 1, lsn: 500 });
        written.note(Position { timeline: 1, lsn: 400 });
        assert_eq!((written.wanted(1), written.wanted(2)), (Some(500), None));
        written.note(Position { timeline: 2, lsn: 90 });
        written.note(Position { timeline: 1, lsn: 600 });
        assert_eq!(written.wanted(2), Some(90));
    }
}
