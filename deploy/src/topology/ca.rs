//! A development certificate authority, and the edges' certificate from it.
//!
//! The authority's key is thrown away once it has signed: who trusts this authority trusts one certificate, and nobody
//! can make another. Both are renewed together.

use super::files;
use crate::error::{Error, Result};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};
use x509_parser::extensions::GeneralName;

/// How long both are good for; Apple's platforms refuse more than 825 days.
const LIFETIME: TimeDelta = TimeDelta::days(365);
/// Renewed when less than this is left.
const RENEW: TimeDelta = TimeDelta::days(7);

/// The files of the edges' TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// What clients trust.
    pub ca: PathBuf,
    /// The edges' certificate.
    pub cert: PathBuf,
    /// Its key, mode 0600.
    pub key: PathBuf,
}

impl Certificates {
    /// Takes the files in `folder`, or makes them when they are not there, run out soon, or lack one of the names that
    /// the edges answer to.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn ensure(folder: &Path, names: &[String], now: DateTime<Utc>) -> Result<Self> {
        files::folder(folder, 0o700)?;
        let files =
            Self { ca: folder.join("ca.pem"), cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        if !files.good(names, now) {
            files.make(names, now).map_err(|error| match error {
                Fault::Made(error) => {
                    Error::Failed(format!("the development certificate cannot be made: {error}"))
                }
                Fault::Written(error) => error,
            })?;
        }
        Ok(files)
    }

    fn good(&self, names: &[String], now: DateTime<Utc>) -> bool {
        let lasts = |path: &Path| expiry_of_pem(path).is_some_and(|expiry| expiry - now > RENEW);
        let named = names_of_pem(&self.cert);
        let has_names = names.iter().all(|name| named.contains(name));
        lasts(&self.ca) && lasts(&self.cert) && self.key.is_file() && has_names
    }

    fn make(&self, names: &[String], now: DateTime<Utc>) -> Result<(), Fault> {
        let ca_key = KeyPair::generate()?;
        let mut ca = params("Switchboard development CA", Vec::new(), now)?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca_cert = ca.self_signed(&ca_key)?;
        let key = KeyPair::generate()?;
        let mut edge = params("Switchboard edge", names.to_vec(), now)?;
        edge.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        edge.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        edge.use_authority_key_identifier_extension = true;
        let cert = edge.signed_by(&key, &Issuer::from_params(&ca, &ca_key))?;
        files::secret(&self.key, &key.serialize_pem()).map_err(Fault::Written)?;
        files::public(&self.cert, &cert.pem()).map_err(Fault::Written)?;
        files::public(&self.ca, &ca_cert.pem()).map_err(Fault::Written)
    }
}

enum Fault {
    Made(rcgen::Error),
    Written(Error),
}

impl From<rcgen::Error> for Fault {
    fn from(error: rcgen::Error) -> Self {
        Self::Made(error)
    }
}

fn params(name: &str, names: Vec<String>, now: DateTime<Utc>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let day = |at: DateTime<Utc>| {
        // A month is 1 to 12 and a day 1 to 31, so both fit.
        date_time_ymd(at.year(), u8::try_from(at.month()).unwrap_or(1), u8::try_from(at.day()).unwrap_or(1))
    };
    (params.not_before, params.not_after) = (day(now - TimeDelta::days(1)), day(now + LIFETIME));
    Ok(params)
}

/// When the certificate in a PEM file expires; `None` when there is none.
#[must_use]
pub fn expiry_of_pem(path: &Path) -> Option<DateTime<Utc>> {
    let text = fs::read(path).ok()?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&text).ok()?;
    expiry(&pem.contents)
}

/// The names in the certificate of a PEM file; none when there is no certificate.
fn names_of_pem(path: &Path) -> Vec<String> {
    let text = fs::read(path).unwrap_or_default();
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(&text) else { return Vec::new() };
    let Ok(certificate) = pem.parse_x509() else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    names.value.general_names.iter().filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// When a certificate expires.
#[must_use]
pub fn expiry(der: &[u8]) -> Option<DateTime<Utc>> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> Vec<String> {
        crate::topology::names::of(&[])
    }

    #[test]
    fn a_certificate_without_a_name_that_is_needed_is_made_anew() {
        let folder = std::env::temp_dir().join(format!("switchboard-ca-more-{}", std::process::id()));
        let now = Utc::now();
        let cert = || fs::read(folder.join("cert.pem")).unwrap();
        Certificates::ensure(&folder, &loopback(), now).unwrap();
        let first = cert();
        let more = [loopback(), vec!["box.local".to_owned(), "2001:db8::7".to_owned()]].concat();
        Certificates::ensure(&folder, &more, now).unwrap();
        let second = cert();
        assert_ne!(second, first);
        assert_eq!(names_of_pem(&folder.join("cert.pem")), more);
        Certificates::ensure(&folder, &loopback(), now).unwrap();
        assert_eq!(cert(), second, "fewer names are needed than it has");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn certificates_are_kept_until_they_run_out() {
        let folder = std::env::temp_dir().join(format!("switchboard-ca-{}", std::process::id()));
        let now = Utc::now();
        let first = Certificates::ensure(&folder, &loopback(), now).unwrap();
        let cert = fs::read(&first.cert).unwrap();
        Certificates::ensure(&folder, &loopback(), now + TimeDelta::days(300)).unwrap();
        assert_eq!(fs::read(&first.cert).unwrap(), cert);
        Certificates::ensure(&folder, &loopback(), now + TimeDelta::days(360)).unwrap();
        assert_ne!(fs::read(&first.cert).unwrap(), cert);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_certificate_names_loopback_and_is_signed_by_the_authority() {
        let folder = std::env::temp_dir().join(format!("switchboard-ca-names-{}", std::process::id()));
        let files = Certificates::ensure(&folder, &loopback(), Utc::now()).unwrap();
        let (cert, ca) = (fs::read(&files.cert).unwrap(), fs::read(&files.ca).unwrap());
        let (_, cert) = x509_parser::pem::parse_x509_pem(&cert).unwrap();
        let (_, ca) = x509_parser::pem::parse_x509_pem(&ca).unwrap();
        let (cert, ca) = (cert.parse_x509().unwrap(), ca.parse_x509().unwrap());
        assert_eq!(cert.issuer(), ca.subject());
        assert!(ca.is_ca() && !cert.is_ca());
        assert_eq!(cert.subject_alternative_name().unwrap().unwrap().value.general_names.len(), 3);
        fs::remove_dir_all(folder).unwrap();
    }
}
