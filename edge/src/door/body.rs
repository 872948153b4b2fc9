//! The strict look at the framing of an HTTP/1 body, byte by byte before Pingora reads the same bytes: Pingora's parser
//! takes an empty chunk size for 0, and forwards what came before as a whole body. Also knows when the body is over.

use std::{fmt, io};

/// The most bytes of one line between chunks: a size with its extensions, or a trailer field.
const MAX_LINE: usize = 1024;

/// The most bytes of a body's chunk extensions and trailer fields together, which are read and mean nothing.
const MAX_EXTRA: usize = 8192;

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
    /// In the extensions of a chunk of this size, after this byte.
    Extension(u64, u8),
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
        Self { at, line: 0, extra: 0 }
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
            (At::Size(size, 1..), b';') => At::Extension(size, byte),
            (At::Size(..), _) => return Err(Broken("a chunk's size is not a number")),
            (At::Extension(size, last), b'\r') if last != b';' && last != b'=' => At::SizeEnd(size),
            (At::Extension(size, last), _) if is_extension(last, byte) => At::Extension(size, byte),
            (At::Extension(..), _) => return Err(Broken("a chunk's extension cannot be read")),
            (At::SizeEnd(0), b'\n') => self.line(At::Trailer),
            (At::SizeEnd(size), b'\n') => self.line(At::Data(size)),
            (At::DataCr, b'\r') => At::DataEnd,
            (At::DataEnd, b'\n') => self.line(At::Size(0, 0)),
            (At::Trailer, b'\r') => At::LastEnd,
            (At::Trailer, _) if is_token(byte) => At::Name,
            (At::Name, b':') => At::Value,
            (At::Name, _) if is_token(byte) => At::Name,
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
        next
    }

    fn count(&mut self) -> Result<(), Broken> {
        self.line += 1;
        if matches!(self.at, At::Extension(..) | At::Name | At::Value) {
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

/// A name after a semicolon, and no second separator at once; blanks, which nobody may send, are for nobody to guess at.
fn is_extension(last: u8, byte: u8) -> bool {
    let separator = byte == b';' || byte == b'=';
    byte.is_ascii_graphic() && !(separator && (last == b';' || last == b'='))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
