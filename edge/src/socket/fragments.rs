//! Counts the fragments of a message as its bytes pass. tungstenite bounds a message by its bytes only, and an endless
//! run of empty fragments has none.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Follows the frames of a client (RFC 6455 §5.2) without keeping any of them.
#[derive(Debug)]
struct Frames {
    header: [u8; 14],
    have: usize,
    payload_left: u64,
    fragments: u32,
    max: u32,
}

impl Frames {
    fn new(max: u32) -> Self {
        Self { header: [0; 14], have: 0, payload_left: 0, fragments: 0, max }
    }

    /// Whether all that came so far is within the bound.
    fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let skip =
                    usize::try_from(self.payload_left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.payload_left -= skip as u64;
                bytes = &bytes[skip..];
                continue;
            }
            self.header[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if self.have >= 2 && self.have == self.header_len() && !self.frame() {
                return false;
            }
        }
        true
    }

    fn header_len(&self) -> usize {
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        mask + match self.header[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    /// Takes note of a whole frame header.
    fn frame(&mut self) -> bool {
        let header = &self.header;
        self.payload_left = match header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([header[2], header[3]])),
            127 => header[2..10].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
            length => u64::from(length),
        };
        self.have = 0;
        let (last, opcode) = (header[0] & 0x80 != 0, header[0] & 0x0f);
        if opcode >= 8 {
            return true;
        }
        self.fragments = if last { 0 } else { self.fragments + 1 };
        self.fragments <= self.max
    }
}

/// A stream whose messages may have only so many fragments; more is an error of kind `InvalidData`.
#[derive(Debug)]
pub struct Bounded<S> {
    inner: S,
    frames: Frames,
}

impl<S> Bounded<S> {
    /// Bounds a stream.
    pub fn new(inner: S, max_fragments: u32) -> Self {
        Self { inner, frames: Frames::new(max_fragments) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        if self.frames.feed(&buf.filled()[before..]) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message has too many fragments")))
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload {
            0..126 => bytes.push(0x80 | u8::try_from(payload).unwrap()),
            126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((payload as u64).to_be_bytes());
            }
        }
        bytes.extend([7; 4]);
        bytes.resize(bytes.len() + payload, 0);
        bytes
    }

    #[test]
    fn whole_messages_pass_in_any_number_and_any_cut() {
        let stream: Vec<u8> =
            [0, 5, 125, 126, 70_000, 3].into_iter().flat_map(|size| frame(0x81, size)).collect();
        for cut in [1, 2, 3, 7, 1000] {
            let mut frames = Frames::new(2);
            assert!(stream.chunks(cut).all(|part| frames.feed(part)));
            assert_eq!((frames.have, frames.payload_left), (0, 0));
        }
    }

    #[test]
    fn empty_fragments_are_counted_and_pings_between_them_do_not_help() {
        let mut frames = Frames::new(3);
        assert!(frames.feed(&frame(0x01, 1)) && frames.feed(&frame(0x00, 0)) && frames.feed(&frame(0x89, 0)));
        assert!(frames.feed(&frame(0x00, 0)));
        assert!(!frames.feed(&frame(0x00, 0)));
    }
}
