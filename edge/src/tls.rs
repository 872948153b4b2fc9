//! The TLS side of the listener: certificate, versions, protocols.

use crate::config::TlsConfig;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("tls: a PEM file cannot be read: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// Certificate and key that rustls does not take.
    #[error("tls: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Makes the acceptor: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
///
/// # Errors
/// When certificate or key cannot be used.
pub fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
    let chain = CertificateDer::pem_file_iter(&config.cert)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&config.key)?;
    let mut server = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Tickets instead of the default store of 256 sessions, which a few hundred clients would thrash. One ticket is
    // enough; 0-RTT stays off, since a replayed send would be a second one.
    server.ticketer = rustls::crypto::ring::Ticketer::new()?;
    server.send_tls13_tickets = 1;
    Ok(TlsAcceptor::from(Arc::new(server)))
}
