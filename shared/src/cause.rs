//! Why something did not work, in words for a person. It is told by the types of what the kernel and the libraries
//! report; what has no type of its own there is told by its text.

#[cfg(test)]
mod tests;

use rustls::{CertificateError, Error as Tls, pki_types::pem};
use serde_json::error::Category;
use std::{
    error::Error,
    io::{self, ErrorKind},
};
use url::ParseError;

/// What a cause is to a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No program has the port.
    #[error("nothing listens there")]
    Refused,
    /// The name cannot be looked up.
    #[error("no machine has this name")]
    UnknownName,
    /// No network leads to the address.
    #[error("there is no way there")]
    NoWay,
    /// A CA's certificate stands where a server's should.
    #[error("its certificate is that of an authority (CA) and not a server's own")]
    Authority,
    /// Nobody trusted here has signed the certificate.
    #[error("its certificate comes from an authority that is not trusted here")]
    Untrusted,
    /// The certificate's time is over.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate's time has not begun.
    #[error("its certificate is not valid yet; is a clock wrong?")]
    NotYet,
    /// The certificate does not bear the name.
    #[error("its certificate is for another name")]
    OtherName,
    /// Any other fault of the certificate.
    #[error("its certificate cannot be accepted")]
    Certificate,
    /// What answers is no TLS.
    #[error("it does not speak TLS")]
    NoTls,
    /// The other side broke the handshake off.
    #[error("it refused the TLS handshake")]
    Handshake,
    /// What answers is no HTTP.
    #[error("it does not speak HTTP")]
    NoHttp,
    /// What answers is no HTTP/2.
    #[error("it does not speak HTTP/2")]
    NoHttp2,
    /// What answers at an address with `http:` is no HTTP; as a rule it is TLS.
    #[error("it does not speak HTTP; if it speaks TLS, its address begins with https")]
    PlainHttp,
    /// The connection ended before the answer did.
    #[error("the connection broke in the middle of the answer")]
    Broken,
    /// It took too long.
    #[error("it did not answer in time")]
    Late,
    /// A file that is not there.
    #[error("there is no such file")]
    NoFile,
    /// A file or a port that is not for this user.
    #[error("this user is not allowed to")]
    NotAllowed,
    /// A folder stands where a file should.
    #[error("it is a folder")]
    Folder,
    /// Bytes that are not text.
    #[error("it is not text in UTF-8")]
    NoText,
    /// Another program listens there.
    #[error("the port is in use")]
    PortInUse,
    /// An address of another machine.
    #[error("this machine does not have that address")]
    NoAddress,
    /// No URL.
    #[error("it is not a whole URL, as https://host/path is")]
    NoUrl,
    /// A URL with a host that cannot be one, or without one.
    #[error("the URL has no host that could be one")]
    NoHost,
    /// A URL with a port that cannot be one.
    #[error("the URL's port is not a number up to 65535")]
    NoPort,
    /// JSON that ends too early.
    #[error("its JSON ends too early, at line {0}, column {1}")]
    HalfJson(usize, usize),
    /// No JSON.
    #[error("it is not JSON from line {0}, column {1} on ({2})")]
    NoJson(usize, usize, String),
    /// No whole PEM.
    #[error("it is not whole PEM")]
    NoPem,
    /// Anything else, in its own words.
    #[error("{0}")]
    Other(String),
}

impl Cause {
    /// What is behind an error: the first in the chain of its sources that is known, or the words of the last.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let (mut cause, mut plain) = (error, false);
        loop {
            match Self::by_type(cause) {
                Some(Self::NoHttp) if plain => return Self::PlainHttp,
                Some(known) => return known,
                None => plain |= is_of_plain_http(cause),
            }
            match cause.source() {
                Some(source) => cause = source,
                None => return Self::by_text(&cause.to_string()),
            }
        }
    }

    /// What a library said, where its error is no more than a text.
    #[must_use]
    pub fn by_text(text: &str) -> Self {
        // A URL within a larger value: the value stands behind it.
        let url = |error: ParseError| text.starts_with(&error.to_string()).then(|| Self::of_parse(error));
        let urls = [
            ParseError::RelativeUrlWithoutBase,
            ParseError::EmptyHost,
            ParseError::InvalidPort,
            ParseError::IdnaError,
            ParseError::InvalidIpv4Address,
            ParseError::InvalidIpv6Address,
            ParseError::InvalidDomainCharacter,
        ];
        if let Some(url) = urls.into_iter().find_map(url) {
            return url;
        }
        if text.contains("failed to lookup address") || text.contains("dns error") {
            return Self::UnknownName;
        }
        // hyper's, of a body in pieces that are not marked as such.
        if text.starts_with("Invalid chunk") {
            return Self::NoHttp;
        }
        // h2's, of what begins as HTTP/1.1 does, which is no frame.
        if text.ends_with("frame with invalid size") {
            return Self::NoHttp2;
        }
        Self::Other(text.split(" (os error ").next().unwrap_or(text).to_owned())
    }

    fn by_type(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(tls) = error.downcast_ref::<Tls>() {
            return Self::of_tls(tls);
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            return Self::of_http(http);
        }
        if let Some(http) = error.downcast_ref::<reqwest::Error>() {
            return http.is_timeout().then_some(Self::Late);
        }
        if let Some(json) = error.downcast_ref::<serde_json::Error>() {
            return Self::of_json(json);
        }
        if let Some(pem) = error.downcast_ref::<pem::Error>() {
            return Some(Self::of_pem(pem));
        }
        if let Some(url) = error.downcast_ref::<ParseError>() {
            return Some(Self::of_parse(*url));
        }
        Self::of_io(error.downcast_ref::<io::Error>()?)
    }

    fn of_http(error: &hyper::Error) -> Option<Self> {
        match error {
            _ if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
                Some(Self::Broken)
            }
            _ if error.is_timeout() => Some(Self::Late),
            _ if error.is_parse() && !error.to_string().contains("too large") => Some(Self::NoHttp),
            _ => None,
        }
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        // What an I/O error wraps is not its source, but the source of it is.
        let within = error.get_ref().and_then(|within| Self::by_type(within));
        within.or_else(|| match error.kind() {
            ErrorKind::ConnectionRefused => Some(Self::Refused),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(Self::Broken),
            ErrorKind::TimedOut => Some(Self::Late),
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => Some(Self::NoWay),
            ErrorKind::NotFound => Some(Self::NoFile),
            ErrorKind::PermissionDenied => Some(Self::NotAllowed),
            ErrorKind::IsADirectory => Some(Self::Folder),
            ErrorKind::AddrInUse => Some(Self::PortInUse),
            ErrorKind::AddrNotAvailable => Some(Self::NoAddress),
            ErrorKind::InvalidData if error.to_string().contains("valid UTF-8") => Some(Self::NoText),
            _ => None,
        })
    }

    fn of_tls(error: &Tls) -> Option<Self> {
        let fault = match error {
            Tls::InvalidCertificate(fault) => fault,
            Tls::InvalidMessage(_) => return Some(Self::NoTls),
            Tls::AlertReceived(_) => return Some(Self::Handshake),
            _ => return None,
        };
        Some(match fault {
            CertificateError::UnknownIssuer => Self::Untrusted,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYet,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                Self::Authority
            }
            _ => Self::Certificate,
        })
    }

    /// What is JSON and not what is needed is said in the library's words: they name the field.
    fn of_json(error: &serde_json::Error) -> Option<Self> {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let said = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        match error.classify() {
            Category::Eof => Some(Self::HalfJson(line, column)),
            Category::Syntax => Some(Self::NoJson(line, column, said.to_owned())),
            Category::Data if line > 0 => {
                Some(Self::Other(format!("{said}, at line {line}, column {column}")))
            }
            Category::Data | Category::Io => None,
        }
    }

    fn of_pem(error: &pem::Error) -> Self {
        match error {
            pem::Error::Io(error) => Self::of(error),
            _ => Self::NoPem,
        }
    }

    fn of_parse(error: ParseError) -> Self {
        match error {
            ParseError::EmptyHost
            | ParseError::IdnaError
            | ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address
            | ParseError::InvalidDomainCharacter => Self::NoHost,
            ParseError::InvalidPort => Self::NoPort,
            _ => Self::NoUrl,
        }
    }
}

/// Whether a client of HTTP speaks of an address without TLS.
fn is_of_plain_http(error: &(dyn Error + 'static)) -> bool {
    let client = error.downcast_ref::<reqwest::Error>();
    client.and_then(reqwest::Error::url).is_some_and(|url| url.scheme() == "http")
}
