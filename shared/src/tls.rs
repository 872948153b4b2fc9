//! TLS towards Postgres and Redis: whom to trust and who we are, from PEM files that are read once, at the start.
//!
//! Whatever is encrypted is checked as well: the server's certificate, and that it bears the name that was asked for
//! (libpq's `verify-full`). There is no other way, since who can listen between two machines can usually answer there.

use crate::{cause::Cause, config::Faults};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The PEM files of one section of a configuration; an empty path names none.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// The authorities that are trusted instead of those that the system trusts.
    pub ca: PathBuf,
    /// Our own certificate, with its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key} {message}")]
pub struct TlsError {
    /// The key of the configuration that names it.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl TlsFiles {
    /// Whether any is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.ca, &self.cert, &self.key].iter().all(|path| is_empty(path))
    }

    /// Adds every fault of the files of `section`; `required` when nothing goes without TLS there.
    pub fn check(&self, section: &str, required: bool, faults: &mut Faults) {
        let mut add = |error: TlsError| faults.add(&format!("{section}.{}", error.key), error.message);
        match self.roots() {
            Err(error) => add(error),
            Ok(roots) if required && roots.is_empty() => add(fault(
                "ca_file",
                "must name a PEM file: this system trusts no authority of its own (Debian: ca-certificates)",
            )),
            Ok(_) => {}
        }
        let (chain, key) = (self.chain(), self.private_key());
        match (chain.is_ok() && key.is_ok(), self.certificate()) {
            (true, Err(error)) => add(error),
            (true, Ok(_)) => {}
            (false, _) => [chain.err(), key.err()].into_iter().flatten().for_each(add),
        }
    }

    /// How to begin a connection.
    ///
    /// # Errors
    /// With the first file that cannot be used.
    pub fn client(&self) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the suites of TLS 1.2 and 1.3")
            .with_root_certificates(self.roots()?);
        Ok(match self.certificate()? {
            Some(ours) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(ours))),
            None => builder.with_no_client_auth(),
        })
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if is_empty(&self.ca) {
            // One that cannot be read among a hundred others is no reason not to start.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(roots);
        }
        for certificate in certificates("ca_file", &self.ca)? {
            roots.add(certificate).map_err(|error| {
                fault("ca_file", format!("holds what is not an authority's certificate: {error}"))
            })?;
        }
        Ok(roots)
    }

    fn certificate(&self) -> Result<Option<CertifiedKey>, TlsError> {
        let (chain, Some(key)) = (self.chain()?, self.private_key()?) else { return Ok(None) };
        // Refuses a key that is not the certificate's.
        let ours = CertifiedKey::from_der(chain, key, &ring::default_provider());
        ours.map(Some).map_err(|error| fault("key_file", format!("does not fit cert_file: {error}")))
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        match (is_empty(&self.cert), is_empty(&self.key)) {
            (false, _) => certificates("cert_file", &self.cert),
            (true, false) => Err(fault("cert_file", "must be given with key_file")),
            (true, true) => Ok(Vec::new()),
        }
    }

    fn private_key(&self) -> Result<Option<PrivateKeyDer<'static>>, TlsError> {
        match (is_empty(&self.key), is_empty(&self.cert)) {
            (false, _) => match PrivateKeyDer::from_pem_file(&self.key) {
                Ok(key) => Ok(Some(key)),
                Err(pem::Error::NoItemsFound) => {
                    Err(fault("key_file", "holds no key in PEM; one with a pass phrase cannot be read"))
                }
                Err(error) => Err(unreadable("key_file", &error)),
            },
            (true, false) => Err(fault("key_file", "must be given with cert_file")),
            (true, true) => Ok(None),
        }
    }
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(fault(key, "holds no certificate in PEM")),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(key, &error)),
    }
}

fn unreadable(key: &'static str, error: &pem::Error) -> TlsError {
    fault(key, format!("cannot be read: {}", Cause::of(error)))
}

fn fault(key: &'static str, message: impl Into<String>) -> TlsError {
    TlsError { key, message: message.into() }
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a certificate and its key.
    fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (cert, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (cert, key)
    }

    fn found(files: &TlsFiles) -> Vec<String> {
        let mut faults = Faults::default();
        files.check("redis", true, &mut faults);
        faults.iter().map(|(key, message)| format!("{key} {message}")).collect()
    }

    #[test]
    fn files_that_fit_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "ours");
        let files = TlsFiles { ca: pair(folder.path(), "theirs").0, cert, key };
        assert_eq!(found(&files), Vec::<String>::new());
        assert!(files.client().unwrap().client_auth_cert_resolver.has_certs());
        let alone = TlsFiles { ca: files.ca, ..TlsFiles::default() };
        assert!(!alone.client().unwrap().client_auth_cert_resolver.has_certs());
    }

    #[test]
    fn every_file_that_cannot_be_used_is_named_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "ours");
        let (other, _) = pair(folder.path(), "other");
        let missing = folder.path().join("missing.pem");
        let all = TlsFiles { ca: missing.clone(), cert: key.clone(), key: cert.clone() };
        let said = found(&all);
        assert!(said[0].starts_with("redis.ca_file cannot be read: "), "{said:?}");
        assert_eq!(said[1], "redis.cert_file holds no certificate in PEM");
        assert!(said[2].starts_with("redis.key_file holds no key in PEM"), "{said:?}");
        let ca = other.clone();
        let half = TlsFiles { ca: ca.clone(), cert: cert.clone(), key: PathBuf::new() };
        assert_eq!(found(&half), ["redis.key_file must be given with cert_file"]);
        let half = TlsFiles { ca: ca.clone(), cert: PathBuf::new(), key: key.clone() };
        assert_eq!(found(&half), ["redis.cert_file must be given with key_file"]);
        let strangers = TlsFiles { ca, cert: other, key };
        assert!(found(&strangers)[0].starts_with("redis.key_file does not fit cert_file: "));
    }
}
