//! What can be seen of HTTP/2 from outside: the heads of frames (RFC 9113 §4.1) in the bytes of both directions. Here
//! requests that are reset before they are answered are counted, whoever resets them, before the HTTP/2 library sees
//! them: it counts only those that it has not passed on yet, and each of the others is work for a core (CVE-2023-44487,
//! CVE-2025-8671).

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// Within this time requests that were reset are counted.
pub const WINDOW: Duration = Duration::from_secs(10);

const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;

/// What matters of a frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    kind: u8,
    stream: u32,
}

/// Finds the heads of frames in bytes that come in any pieces.
#[derive(Debug)]
struct Frames {
    head: [u8; HEAD_BYTES],
    have: usize,
    skip: usize,
}

impl Frames {
    fn after(skip: usize) -> Self {
        Self { head: [0; HEAD_BYTES], have: 0, skip }
    }

    fn look(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let count = (HEAD_BYTES - self.have).min(bytes.len());
            self.head[self.have..self.have + count].copy_from_slice(&bytes[..count]);
            self.have += count;
            bytes = &bytes[count..];
            if self.have == HEAD_BYTES {
                let [a, b, c, kind, _, d, e, f, g] = self.head;
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.have = 0;
                each(Frame { kind, stream: u32::from_be_bytes([d & 0x7f, e, f, g]) });
            }
        }
    }
}

/// The requests of one connection, as its frames tell.
#[derive(Debug)]
pub struct Requests {
    from_client: Frames,
    to_client: Frames,
    tally: Tally,
}

#[derive(Debug)]
struct Tally {
    newest: u32,
    unanswered: HashSet<u32>,
    resets: VecDeque<Instant>,
    max_resets: usize,
    is_over: bool,
}

impl Requests {
    /// Of a connection on which nothing has been read or written.
    #[must_use]
    pub fn new(max_resets: usize) -> Self {
        let tally = Tally {
            newest: 0,
            unanswered: HashSet::new(),
            resets: VecDeque::new(),
            max_resets,
            is_over: false,
        };
        Self { from_client: Frames::after(PREFACE_BYTES), to_client: Frames::after(0), tally }
    }

    /// Looks at bytes of the client; returns whether it has reset too many requests.
    pub fn read(&mut self, bytes: &[u8], now: Instant) -> bool {
        let tally = &mut self.tally;
        self.from_client.look(bytes, |frame| match frame.kind {
            // Trailer fields come on a stream that is there already.
            HEADERS if frame.stream > tally.newest => tally.asked(frame.stream, now),
            RST_STREAM => tally.reset(frame.stream, now),
            _ => {}
        });
        tally.is_over
    }

    /// Looks at bytes of ours; returns whether we were made to reset too many requests.
    pub fn written(&mut self, bytes: &[u8], now: Instant) -> bool {
        let tally = &mut self.tally;
        self.to_client.look(bytes, |frame| match frame.kind {
            HEADERS => {
                tally.unanswered.remove(&frame.stream);
            }
            RST_STREAM => tally.reset(frame.stream, now),
            _ => {}
        });
        tally.is_over
    }
}

impl Tally {
    /// So many resets are forgiven, but then no further request is passed on: at most as many reach a core for nothing.
    fn asked(&mut self, stream: u32, now: Instant) {
        self.newest = stream;
        self.unanswered.insert(stream);
        self.forget(now);
        self.is_over |= self.resets.len() >= self.max_resets;
    }

    fn reset(&mut self, stream: u32, now: Instant) {
        if self.unanswered.remove(&stream) {
            self.forget(now);
            self.resets.push_back(now);
            self.is_over |= self.resets.len() > self.max_resets;
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.resets.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.resets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, stream: u32, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, 0];
        bytes.extend(stream.to_be_bytes());
        bytes.resize(HEAD_BYTES + payload, 3);
        bytes
    }

    fn opened(max: usize) -> Requests {
        let mut requests = Requests::new(max);
        assert!(!requests.read(&[3; PREFACE_BYTES], Instant::now()));
        requests
    }

    #[test]
    fn frames_are_found_however_their_bytes_come() {
        let bytes = [frame(4, 0, 12), frame(1, 1, 300), frame(0, 1, 70_000), frame(3, 1, 4)].concat();
        for size in [1, 2, 8, 9, 10, 4096, 100_000] {
            let (mut frames, mut found) = (Frames::after(0), Vec::new());
            bytes.chunks(size).for_each(|piece| frames.look(piece, |frame| found.push(frame.kind)));
            assert_eq!(found, [4, 1, 0, 3], "{size}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_reset_without_an_answer_are_counted_whoever_resets_them() {
        let mut requests = opened(4);
        let mut over = false;
        for stream in [1, 3, 5, 7, 9] {
            over = requests.read(&frame(1, stream, 3), Instant::now());
            if stream == 9 {
                break;
            }
            assert!(!over, "{stream}");
            let reset = frame(3, stream, 4);
            let counted = match stream {
                1 | 3 => requests.read(&reset, Instant::now()),
                _ => requests.written(&reset, Instant::now()),
            };
            assert!(!counted, "{stream}");
            // Once more says nothing new.
            assert!(!requests.read(&reset, Instant::now()));
        }
        assert!(over, "the next request is one too many");
    }

    #[tokio::test(start_paused = true)]
    async fn answered_requests_and_old_resets_do_not_count() {
        let mut requests = opened(2);
        for stream in (1..100).step_by(2) {
            assert!(!requests.read(&frame(1, stream, 3), Instant::now()));
            assert!(!requests.written(&frame(1, stream, 3), Instant::now()));
            assert!(!requests.read(&frame(3, stream, 4), Instant::now()));
        }
        for stream in (101..200).step_by(2) {
            assert!(!requests.read(&frame(1, stream, 3), Instant::now()));
            assert!(!requests.read(&frame(3, stream, 4), Instant::now()));
            tokio::time::advance(WINDOW).await;
        }
        let many: Vec<u8> = (201..209).step_by(2).flat_map(|stream| frame(1, stream, 3)).collect();
        let resets: Vec<u8> = (201..209).step_by(2).flat_map(|stream| frame(3, stream, 4)).collect();
        assert!(!requests.read(&many, Instant::now()));
        assert!(requests.read(&resets, Instant::now()), "requests that were open count when they are reset");
    }
}
