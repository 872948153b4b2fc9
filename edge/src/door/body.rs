//! The strict look at the framing of an HTTP/1 body, byte by byte before Pingora reads the same bytes: Pingora's parser
//! takes an empty chunk size for 0, and forwards what came before as a whole body. Also knows when the body is over.

use std::{fmt, io};

/// The most bytes of one line between chunks: a size with its extensions, or a trailer field.
const MAX_LINE: usize = 1024;

/// The most bytes of a body's chunk extensions and trailer fields together, which are read and mean nothing.
const MAX_EXTRA: usize = 8192;

/// Fields that cannot stand behind a body, in small letters.
const FORBIDDEN: [&str; 24] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "traceparent",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// The beginnings of more of them.
const FORBIDDEN_FAMILIES: [&str; 4] = ["if-", "sec-", "x-forwarded-", "x-switchboard-"];

/// No forbidden name is longer.
const LONGEST_FORBIDDEN: usize = 24;

/// How a body is framed (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// By its length.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// What is wrong with a body's framing; the client may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::new(io::ErrorKind::InvalidData, broken)
    }
}

/// Where in a body we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In that many bytes of a body with a length.
    Length(u64),
    /// In a chunk's size, after so many digits.
    Size(u64, u8),
    /// In the name of an extension of a chunk of this size; whether it has begun.
    ExtensionName(u64, bool),
    /// In its value, likewise.
    ExtensionValue(u64, bool),
    /// Within the quotes of its value, and there behind a backslash.
    Quoted(u64),
    Escaped(u64),
    /// Behind the quotes.
    Unquoted(u64),
    /// Before the line feed of a chunk's head.
    SizeEnd(u64),
    /// In a chunk's data.
    Data(u64),
    DataCr,
    DataEnd,
    /// At the beginning of a trailer line.
    Trailer,
    Name,
    Value,
    ValueEnd,
    /// Before the last line feed.
    LastEnd,
    Over,
}

/// A body that is being read.
#[derive(Debug)]
pub struct Body {
    at: At,
    line: usize,
    extra: usize,
    /// The name of the trailer field that is being read, as far as it can still be one of the forbidden.
    name: Vec<u8>,
}

impl Body {
    /// The body of a request whose head is read.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let at = match framing {
            Framing::None | Framing::Length(0) => At::Over,
            Framing::Length(length) => At::Length(length),
            Framing::Chunked => At::Size(0, 0),
        };
        Self { at, line: 0, extra: 0, name: Vec::new() }
    }

    /// Whether all of it has come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// Looks at the next bytes; those after the end are another request's.
    ///
    /// # Errors
    /// When they could be read in two ways.
    pub fn look(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() && !self.is_over() {
            let used = match self.at {
                At::Length(left) | At::Data(left) => self.skip(left, bytes.len() as u64),
                _ => {
                    self.byte(bytes[0])?;
                    1
                }
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    fn skip(&mut self, left: u64, there: u64) -> usize {
        let used = left.min(there);
        let after = left - used;
        self.at = match self.at {
            At::Length(_) if after == 0 => At::Over,
            At::Length(_) => At::Length(after),
            _ if after == 0 => At::DataCr,
            _ => At::Data(after),
        };
        // No more than the slice has.
        usize::try_from(used).unwrap_or(usize::MAX)
    }

    fn byte(&mut self, byte: u8) -> Result<(), Broken> {
        self.count()?;
        self.at = match (self.at, byte) {
            (At::Size(size, digits), _) if byte.is_ascii_hexdigit() && digits < 16 => {
                At::Size(size << 4 | u64::from(hex(byte)), digits + 1)
            }
            (At::Size(size, 1..), b'\r') => At::SizeEnd(size),
            (At::Size(size, 1..), b';') => At::ExtensionName(size, false),
            (At::Size(..), _) => return Err(Broken("a chunk's size is not a number")),
            (
                At::ExtensionName(..)
                | At::ExtensionValue(..)
                | At::Quoted(_)
                | At::Escaped(_)
                | At::Unquoted(_),
                _,
            ) => extension(self.at, byte).ok_or(Broken("a chunk's extension cannot be read"))?,
            (At::SizeEnd(0), b'\n') => self.line(At::Trailer),
            (At::SizeEnd(size), b'\n') => self.line(At::Data(size)),
            (At::DataCr, b'\r') => At::DataEnd,
            (At::DataEnd, b'\n') => self.line(At::Size(0, 0)),
            (At::Trailer, b'\r') => At::LastEnd,
            (At::Trailer | At::Name, _) if is_token(byte) => self.named(byte),
            (At::Name, b':') if is_forbidden(&self.name) => {
                return Err(Broken("a trailer field says what only a head may say"));
            }
            (At::Name, b':') => At::Value,
            (At::Value, b'\r') => At::ValueEnd,
            (At::Value, b'\t' | b' '..=b'~' | 0x80..) => At::Value,
            (At::ValueEnd, b'\n') => self.line(At::Trailer),
            (At::Trailer | At::Name | At::Value, _) => return Err(Broken("a trailer field cannot be read")),
            (At::LastEnd, b'\n') => At::Over,
            _ => return Err(Broken("a line of the body does not end with CR LF")),
        };
        Ok(())
    }

    fn line(&mut self, next: At) -> At {
        self.line = 0;
        self.name.clear();
        next
    }

    fn named(&mut self, byte: u8) -> At {
        if self.name.len() <= LONGEST_FORBIDDEN {
            self.name.push(byte.to_ascii_lowercase());
        }
        At::Name
    }

    fn count(&mut self) -> Result<(), Broken> {
        self.line += 1;
        if !matches!(self.at, At::Size(..) | At::SizeEnd(_) | At::DataCr | At::DataEnd) {
            self.extra += 1;
        }
        if self.line > MAX_LINE || self.extra > MAX_EXTRA {
            return Err(Broken("the lines between the chunks are too long"));
        }
        Ok(())
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// The extensions of a chunk (RFC 9112 §7.1.1): names, and values that are words or stand in quotes, which are closed
/// again. Blanks between them, which nobody may send, are for nobody to guess at.
fn extension(at: At, byte: u8) -> Option<At> {
    Some(match (at, byte) {
        (At::ExtensionName(size, _), _) if is_token(byte) => At::ExtensionName(size, true),
        (At::ExtensionName(size, true), b'=') => At::ExtensionValue(size, false),
        (At::ExtensionValue(size, false), b'"') => At::Quoted(size),
        (At::ExtensionValue(size, _), _) if is_token(byte) => At::ExtensionValue(size, true),
        (At::Quoted(size), b'"') => At::Unquoted(size),
        (At::Quoted(size), b'\\') => At::Escaped(size),
        (At::Quoted(size) | At::Escaped(size), b'\t' | b' '..=b'~' | 0x80..) => At::Quoted(size),
        (At::ExtensionName(size, true) | At::ExtensionValue(size, true) | At::Unquoted(size), b';') => {
            At::ExtensionName(size, false)
        }
        (At::ExtensionName(size, true) | At::ExtensionValue(size, true) | At::Unquoted(size), b'\r') => {
            At::SizeEnd(size)
        }
        _ => return None,
    })
}

/// Whether a field frames, routes, steers or signs a message, or says how its content is to be read: whoever takes such a
/// field from behind a body has read another message than we have (RFC 9110 §6.5.1).
fn is_forbidden(name: &[u8]) -> bool {
    FORBIDDEN.iter().any(|forbidden| forbidden.as_bytes() == name)
        || FORBIDDEN_FAMILIES.iter().any(|family| name.starts_with(family.as_bytes()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
