//! The TLS side of the listener: certificate, versions, protocols. A certificate that is renewed is taken up without a
//! restart; connections that are open keep theirs.

use crate::config::TlsConfig;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use switchboard_shared::{cause::Cause, shutdown::Shutdown};
use tokio_rustls::TlsAcceptor;

const RENEWAL_CHECK: Duration = Duration::from_secs(2);

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("tls: a PEM file cannot be read: {}", Cause::of(.0))]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// Certificate and key that rustls does not take.
    #[error("tls: the certificate and its key cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The certificate as it is now.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Makes the acceptor: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
///
/// # Errors
/// When certificate or key cannot be used.
pub fn acceptor(config: &TlsConfig, shutdown: &Shutdown) -> Result<TlsAcceptor, TlsError> {
    let current = Arc::new(Current(ArcSwap::from_pointee(load(config)?)));
    watch(current.clone(), config.clone(), shutdown);
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_cert_resolver(current);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Tickets instead of the default store of 256 sessions, which a few hundred clients would thrash. One ticket is
    // enough; 0-RTT stays off, since a replayed send would be a second one.
    server.ticketer = ring::Ticketer::new()?;
    server.send_tls13_tickets = 1;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn load(config: &TlsConfig) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_file_iter(&config.cert)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&config.key)?;
    // Refuses a key that is not the certificate's.
    Ok(CertifiedKey::from_der(chain, key, &ring::default_provider())?)
}

/// Takes up a renewed certificate; one that cannot be used, perhaps because only half of it is written, is left alone.
fn watch(current: Arc<Current>, config: TlsConfig, shutdown: &Shutdown) {
    let token = shutdown.token.clone();
    shutdown.tasks.spawn(async move {
        let mut loaded = stamps(&config).await;
        while token.run_until_cancelled(tokio::time::sleep(RENEWAL_CHECK)).await.is_some() {
            let now = stamps(&config).await;
            if now == loaded {
                continue;
            }
            match load(&config) {
                Ok(renewed) => {
                    tracing::info!("the certificate was renewed");
                    current.0.store(Arc::new(renewed));
                    loaded = now;
                }
                Err(error) => {
                    tracing::warn!(%error, "a renewed certificate cannot be used; the old one stays")
                }
            }
        }
    });
}

async fn stamps(config: &TlsConfig) -> [Option<SystemTime>; 2] {
    let mut stamps = [None; 2];
    for (stamp, path) in stamps.iter_mut().zip([&config.cert, &config.key]) {
        *stamp = tokio::fs::metadata(path).await.and_then(|meta| meta.modified()).ok();
    }
    stamps
}
