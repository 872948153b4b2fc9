//! Why something did not work, in words for a person. It is told by the types of what the kernel and the libraries
//! report; a name that nobody has and one fault of certificates have none, and are told by their text.

use rustls::{CertificateError, Error as Tls};
use std::{
    error::Error,
    io::{self, ErrorKind},
};

/// What a cause is to a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No program has the port.
    #[error("nothing listens there")]
    Refused,
    /// The name cannot be looked up.
    #[error("no machine has this name")]
    UnknownName,
    /// A CA's certificate stands where a server's should.
    #[error("its certificate is that of an authority (CA) and not a server's own")]
    Authority,
    /// Nobody trusted here has signed the certificate.
    #[error("its certificate comes from an authority that is not trusted here (--ca names one)")]
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
    /// The connection ended before the answer did.
    #[error("the connection broke in the middle of the answer")]
    Broken,
    /// It took too long.
    #[error("it did not answer in time")]
    Late,
    /// Anything else, in its own words.
    #[error("{0}")]
    Other(String),
}

impl Cause {
    /// What is behind an error: the first in the chain of its sources that is known, or the words of the last.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = error;
        loop {
            if let Some(known) = Self::by_type(cause) {
                return known;
            }
            match cause.source() {
                Some(source) => cause = source,
                None => return Self::by_text(&cause.to_string()),
            }
        }
    }

    fn by_type(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(tls) = error.downcast_ref::<Tls>() {
            return Self::of_tls(tls);
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            let broken = http.is_incomplete_message() || http.is_closed() || http.is_canceled();
            return broken.then_some(Self::Broken);
        }
        let io = error.downcast_ref::<io::Error>()?;
        // What an I/O error wraps is not its source, but the source of it is.
        let within = io.get_ref().and_then(|within| Self::by_type(within));
        within.or_else(|| Self::of_kind(io.kind()))
    }

    fn of_kind(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::ConnectionRefused => Some(Self::Refused),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(Self::Broken),
            ErrorKind::TimedOut => Some(Self::Late),
            _ => None,
        }
    }

    fn of_tls(error: &Tls) -> Option<Self> {
        let Tls::InvalidCertificate(fault) = error else {
            return matches!(error, Tls::InvalidMessage(_)).then_some(Self::NoTls);
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

    fn by_text(text: &str) -> Self {
        if text.contains("failed to lookup address") || text.contains("dns error") {
            return Self::UnknownName;
        }
        Self::Other(text.split(" (os error ").next().unwrap_or(text).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, OtherError};
    use std::sync::Arc;

    fn tls(error: Tls) -> io::Error {
        io::Error::new(ErrorKind::InvalidData, error)
    }

    fn certificate(error: CertificateError) -> io::Error {
        tls(Tls::InvalidCertificate(error))
    }

    #[test]
    fn what_the_kernel_and_libraries_report_is_told_by_its_type() {
        let own = |text: &'static str| CertificateError::Other(OtherError(Arc::new(io::Error::other(text))));
        for (error, cause) in [
            (io::Error::from_raw_os_error(111), Cause::Refused),
            (io::Error::from_raw_os_error(104), Cause::Broken),
            (io::Error::new(ErrorKind::UnexpectedEof, "during chunk size line"), Cause::Broken),
            (certificate(own("CaUsedAsEndEntity")), Cause::Authority),
            (certificate(own("NewKind")), Cause::Certificate),
            (certificate(CertificateError::UnknownIssuer), Cause::Untrusted),
            (certificate(CertificateError::Expired), Cause::Expired),
            (certificate(CertificateError::NotValidForName), Cause::OtherName),
            (tls(Tls::InvalidMessage(InvalidMessage::InvalidContentType)), Cause::NoTls),
            (io::Error::other("failed to lookup address information: x"), Cause::UnknownName),
            (io::Error::from_raw_os_error(28), Cause::Other("No space left on device".to_owned())),
        ] {
            assert_eq!(Cause::of(&error), cause, "{error:?}");
        }
    }

    #[test]
    fn a_known_cause_is_found_behind_others() {
        let error = crate::Error::Io { doing: "x".to_owned(), source: io::Error::from_raw_os_error(111) };
        assert_eq!(
            (Cause::of(&error), error.to_string().as_str()),
            (Cause::Refused, "x: nothing listens there")
        );
    }
}
