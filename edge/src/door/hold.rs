//! How many bytes of answers an HTTP/2 connection makes us hold. A client decides with its windows (RFC 9113 §5.2) when
//! an answer is taken; until then what the core has sent is kept in queues on the way, on up to `http.max_h2_streams`
//! answers at once. Here the bytes of all of them are counted from the core's socket to the client's, and above the
//! bound the core is not read from: it waits, as a slow client would make it wait.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Waker,
};

/// So much of each answer may come whatever the others hold, so that an answer that is taken never waits for those that
/// are not.
const EACH: usize = 8 << 10;

/// The bytes that one connection holds.
#[derive(Debug)]
pub struct Hold {
    bound: usize,
    bytes: AtomicUsize,
    answers: AtomicUsize,
    waiting: Mutex<Vec<Waker>>,
}

/// One answer of a connection.
#[derive(Debug)]
pub struct Share {
    hold: Arc<Hold>,
    bytes: AtomicUsize,
}

impl Hold {
    /// Nothing is held.
    #[must_use]
    pub fn new(bound: usize) -> Arc<Self> {
        let (bytes, answers) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { bound, bytes, answers, waiting: Mutex::default() })
    }

    /// One more answer; it lets go of everything when it is dropped.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        self.answers.fetch_add(1, Relaxed);
        Share { hold: self.clone(), bytes: AtomicUsize::new(0) }
    }

    fn release(&self, count: usize) {
        self.bytes.fetch_sub(count, Relaxed);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Share {
    /// How many answers the connection has at once.
    #[must_use]
    pub fn siblings(&self) -> usize {
        self.hold.answers.load(Relaxed)
    }

    /// Whether more may be read from the core; otherwise the reader is woken when it is worth asking again.
    pub fn may_read(&self, reader: &Waker) -> bool {
        if self.has_room() {
            return true;
        }
        let mut waiting = self.hold.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|waker| waker.will_wake(reader)) {
            waiting.push(reader.clone());
        }
        drop(waiting);
        // What was let go of before the reader stood in the list woke nobody.
        self.has_room()
    }

    fn has_room(&self) -> bool {
        self.hold.bytes.load(Relaxed) < self.hold.bound || self.bytes.load(Relaxed) < EACH
    }

    /// So many bytes came from the core.
    pub fn came(&self, count: usize) {
        self.bytes.fetch_add(count, Relaxed);
        self.hold.bytes.fetch_add(count, Relaxed);
    }

    /// So many bytes were taken by the client's connection.
    pub fn went(&self, count: usize) {
        let before = self.bytes.fetch_update(Relaxed, Relaxed, |bytes| Some(bytes.saturating_sub(count)));
        // An answer whose core is read without being counted has none to let go of.
        let count = count.min(before.unwrap_or(0));
        if count > 0 {
            self.hold.release(count);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold.answers.fetch_sub(1, Relaxed);
        self.hold.release(self.bytes.load(Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::AtomicBool,
        task::{Wake, Waker},
    };

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    #[test]
    fn above_the_bound_each_answer_has_a_little_and_waits_for_the_rest() {
        let hold = Hold::new(100_000);
        let (stuck, read) = (hold.share(), hold.share());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        stuck.came(100_000);
        assert!(!stuck.may_read(&waker) && read.may_read(&waker));
        read.came(EACH);
        assert!(!read.may_read(&waker));
        read.went(1);
        assert!(woken.0.load(Relaxed) && read.may_read(&waker));
        drop(stuck);
        assert_eq!((hold.bytes.load(Relaxed), hold.answers.load(Relaxed)), (EACH - 1, 1));
        read.went(1_000_000);
        assert_eq!(hold.bytes.load(Relaxed), 0);
    }
}
