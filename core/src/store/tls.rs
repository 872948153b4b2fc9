//! TLS towards the hosts of Postgres, for those whose `sslmode` asks for it.

use crate::config::PostgresConfig;
use switchboard_shared::{cause::Cause, tls::TlsError};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What every connection is made with; over a Unix socket, and where a host offers no TLS, it does nothing.
pub(super) fn connector(config: &PostgresConfig) -> Result<MakeRustlsConnect, TlsError> {
    let mut client = config.tls().client()?;
    // PostgreSQL 17 demands it where TLS begins at once (sslnegotiation=direct); others do not look at it.
    client.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(client))
}

/// The error with its cause: tokio-postgres prints only "error connecting to server" by itself.
pub(super) fn full(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {}", Cause::of(source)),
        None => error.to_string(),
    }
}
