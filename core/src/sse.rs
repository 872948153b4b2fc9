//! Server-sent events as the HTML standard reads them (§9.2.6): a byte order mark at the beginning, comments, unknown
//! fields and every kind of line end are no error. Each byte is looked at once, however small the pieces are.

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SentEvent {
    /// Empty where the stream names none, which is `message`.
    pub(crate) name: String,
    pub(crate) data: String,
}

impl SentEvent {
    /// Whether it is of the kind that is meant to be read; others, such as `ping`, are for who knows them.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.name.as_str(), "" | "message")
    }
}

/// The events in a stream of bytes. What is not ended by an empty line is no event.
pub(crate) fn events<E: Send + 'static>(
    chunks: impl Stream<Item = Result<Bytes, E>> + Send,
) -> impl Stream<Item = Result<SentEvent, E>> + Send {
    let mut reader = Reader::default();
    let read = chunks.map(move |chunk| match chunk {
        Ok(chunk) => stream::iter(reader.feed(&chunk).into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    });
    read.flatten()
}

#[derive(Default)]
struct Reader {
    line: Vec<u8>,
    begun: bool,
    after_cr: bool,
    name: String,
    data: String,
}

impl Reader {
    fn feed(&mut self, mut bytes: &[u8]) -> Vec<SentEvent> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(bytes);
                break;
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            events.extend(self.end_of_line());
        }
        events
    }

    fn end_of_line(&mut self) -> Option<SentEvent> {
        let line = std::mem::take(&mut self.line);
        let first = !std::mem::replace(&mut self.begun, true);
        let line = line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| first).unwrap_or(&line);
        if line.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.name),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<SentEvent> {
        let (name, mut data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        data.pop();
        (!data.is_empty()).then_some(SentEvent { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], piece: usize) -> Vec<(String, String)> {
        let mut reader = Reader::default();
        let events = text.chunks(piece).flat_map(|piece| reader.feed(piece)).collect::<Vec<_>>();
        events.into_iter().map(|event| (event.name, event.data)).collect()
    }

    #[test]
    fn the_standards_examples_and_traps_are_read_however_they_are_cut() {
        let one = |data: &str| vec![(String::new(), data.to_owned())];
        for (text, expected) in [
            (&b"\xEF\xBB\xBFdata: a\n\n"[..], one("a")),
            (b"\xEF\xBB\xBF\n\ndata: a\n\n", one("a")),
            (b"data: a\r\n\r\n", one("a")),
            (b"data: a\r\r", one("a")),
            (b": comment\n\ndata:a\ndata: b\nid: 1\nretry: 18446744073709551616\nwhat\n\n", one("a\nb")),
            (b"data\n\ndata:\n\nevent: ping\n\ndata: a\n\n", one("a")),
            (b"data: a\n\ndata: not ended", one("a")),
            (b"event: ping\ndata: {}\n\n", vec![("ping".into(), "{}".into())]),
            (b"data: \xC3\xA9 \xFF\n\n", one("é \u{FFFD}")),
        ] {
            for piece in [1, 2, 3, 100] {
                assert_eq!(read(text, piece), expected, "{:?} in {piece}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn a_long_line_in_small_pieces_is_read_once() {
        let text = format!("data: {}\n\n", "x".repeat(4_000_000));
        assert_eq!(read(text.as_bytes(), 4)[0].1.len(), 4_000_000);
    }
}
