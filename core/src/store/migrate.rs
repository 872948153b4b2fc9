//! Brings the schema up to date, under a lock, so that several cores may start at once.

use super::tls::{connector, full};
use crate::config::PostgresConfig;
use std::time::Duration;
use switchboard_shared::tls::TlsError;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// How long another core's migration is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// How long a database that is not there yet is waited for.
const CONNECT_WAIT: Duration = Duration::from_secs(15);

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    /// A file of the configuration that was there when it was checked.
    #[error("postgres.{0}")]
    Tls(#[from] TlsError),
    /// No primary among the hosts.
    #[error("no database of postgres.urls can be written to ({0}); start it, or correct the URLs")]
    Unreachable(String),
    /// The database refused a statement.
    #[error(
        "the database refused to prepare the schema ({0}); the user of postgres.urls must own the database and may need CREATEROLE"
    )]
    Prepare(#[from] tokio_postgres::Error),
    /// A migration failed, or one that has run is not the one that is here.
    #[error(
        "the database's schema does not fit this version ({0}); run the version that wrote it, or restore a backup"
    )]
    Schema(#[from] refinery::Error),
}

/// Runs what has not run yet, on the primary among the hosts.
pub(crate) async fn migrate(config: &PostgresConfig) -> Result<(), MigrateError> {
    let tls = connector(config)?;
    let (lock, mut work) = (primary(config, &tls).await?, primary(config, &tls).await?);
    make_role(&work, &config.role).await?;
    lock_schema(&lock).await?;
    let report = embedded::migrations::runner().set_abort_divergent(true).run_async(&mut work).await?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "applied");
    }
    grant(&work, &config.role).await?;
    lock.batch_execute("COMMIT").await?;
    Ok(())
}

async fn primary(config: &PostgresConfig, tls: &MakeRustlsConnect) -> Result<Client, MigrateError> {
    let deadline = Instant::now() + CONNECT_WAIT;
    loop {
        let mut reason = String::new();
        for url in &config.urls {
            match connect(url.expose(), config.connect, tls).await {
                Ok(client) => return Ok(client),
                Err(error) => reason = error,
            }
        }
        if Instant::now() >= deadline {
            return Err(MigrateError::Unreachable(reason));
        }
        sleep(Duration::from_millis(250)).await;
    }
}

async fn connect(url: &str, bound: Duration, tls: &MakeRustlsConnect) -> Result<Client, String> {
    let mut config: tokio_postgres::Config = url.parse().map_err(|e: tokio_postgres::Error| e.to_string())?;
    config.application_name("switchboard-migrate").options("-c lock_timeout=10s -c timezone=UTC");
    let connecting = tokio::time::timeout(bound, config.connect(tls.clone())).await;
    let (client, connection) =
        connecting.map_err(|_| "no answer in time".to_owned())?.map_err(|e| full(&e))?;
    #[allow(clippy::disallowed_methods, reason = "it ends with its client, before anything else is started")]
    tokio::spawn(connection);
    let row = client.query_one("SELECT pg_is_in_recovery()", &[]).await.map_err(|e| full(&e))?;
    if row.get(0) { Err("the host is a replica".to_owned()) } else { Ok(client) }
}

/// Holds a row until `COMMIT`; cores that come later wait here.
async fn lock_schema(client: &Client) -> Result<(), MigrateError> {
    let table = "CREATE TABLE IF NOT EXISTS schema_lock (id integer PRIMARY KEY)";
    // Two first starts at once can collide on the catalogue; the second attempt finds the table.
    if client.batch_execute(table).await.is_err() {
        client.batch_execute(table).await?;
    }
    client.batch_execute("INSERT INTO schema_lock VALUES (1) ON CONFLICT DO NOTHING").await?;
    let wait = LOCK_WAIT.as_millis();
    client
        .batch_execute(&format!(
            "BEGIN; SET LOCAL lock_timeout = {wait}; SELECT id FROM schema_lock FOR UPDATE"
        ))
        .await?;
    Ok(())
}

/// The role that the cores work as: it owns nothing, so row-level security binds it.
async fn make_role(client: &Client, role: &str) -> Result<(), MigrateError> {
    let known = client.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role]).await?;
    if known.is_none() {
        let make = format!("CREATE ROLE {role} NOLOGIN NOBYPASSRLS; GRANT {role} TO CURRENT_USER");
        let made = client.batch_execute(&make).await;
        // Another core may have made it in between.
        if let Err(error) = made
            && error.code().is_none_or(|state| state.code() != "42710" && state.code() != "23505")
        {
            return Err(error.into());
        }
    }
    Ok(())
}

async fn grant(client: &Client, role: &str) -> Result<(), MigrateError> {
    client
        .batch_execute(&format!(
            "GRANT USAGE ON SCHEMA public TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
             REVOKE UPDATE, DELETE ON audit FROM {role};
             REVOKE ALL ON schema_lock, refinery_schema_history FROM {role}"
        ))
        .await?;
    Ok(())
}
