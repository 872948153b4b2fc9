//! Brings the schema up to date, under a lock, so that several cores may start at once.

use super::{
    due::due_role,
    tls::{connector, full},
};
use crate::config::PostgresConfig;
use std::{collections::BTreeSet, time::Duration};
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
    /// The login may only look, and what it sees is older than what is needed.
    #[error(
        "the database's schema is at version {found} and {needed} is needed; run `switchboard-core migrate` with a login that owns the tables (postgres.migrate_urls)"
    )]
    Behind {
        /// What the database has.
        found: i32,
        /// What this version needs.
        needed: i32,
    },
}

/// Runs what has not run yet, on the primary among the hosts.
pub(crate) async fn migrate(config: &PostgresConfig) -> Result<(), MigrateError> {
    let tls = connector(config)?;
    let (lock, mut work) = (primary(config, &tls).await?, primary(config, &tls).await?);
    if is_a_guest(&work).await? {
        return require_current(&work).await;
    }
    warn_of_owner(config);
    for role in [&config.role, &due_role(&config.role)] {
        make_role(&work, role).await?;
    }
    lock_schema(&lock).await?;
    let report = embedded::migrations::runner().set_abort_divergent(true).run_async(&mut work).await?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "applied");
    }
    grant(&work, &config.role).await?;
    for login in logins(config) {
        admit(&work, &config.role, &login).await?;
    }
    lock.batch_execute("COMMIT").await?;
    Ok(())
}

async fn primary(config: &PostgresConfig, tls: &MakeRustlsConnect) -> Result<Client, MigrateError> {
    let deadline = Instant::now() + CONNECT_WAIT;
    loop {
        let mut reason = String::new();
        let urls = if config.migrate_urls.is_empty() { &config.urls } else { &config.migrate_urls };
        let mut found: Option<(i64, Client)> = None;
        for url in urls {
            match connect(url.expose(), config.connect, tls).await {
                // Of two that claim to be primary the one of the earlier timeline was replaced.
                Ok(one) if found.as_ref().is_none_or(|(timeline, _)| one.0 > *timeline) => found = Some(one),
                Ok(_) => {}
                Err(error) => reason = error,
            }
        }
        if let Some((_, client)) = found {
            return Ok(client);
        }
        if Instant::now() >= deadline {
            return Err(MigrateError::Unreachable(reason));
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// A connection to a primary, and its timeline.
async fn connect(url: &str, bound: Duration, tls: &MakeRustlsConnect) -> Result<(i64, Client), String> {
    let mut config: tokio_postgres::Config = url.parse().map_err(|e: tokio_postgres::Error| e.to_string())?;
    config.application_name("switchboard-migrate").options("-c lock_timeout=10s -c timezone=UTC");
    let connecting = tokio::time::timeout(bound, config.connect(tls.clone())).await;
    let (client, connection) =
        connecting.map_err(|_| "no answer in time".to_owned())?.map_err(|e| full(&e))?;
    #[allow(clippy::disallowed_methods, reason = "it ends with its client, before anything else is started")]
    tokio::spawn(connection);
    let sql = "SELECT CASE WHEN pg_is_in_recovery() THEN NULL \
               ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END";
    let row = tokio::time::timeout(bound, client.query_one(sql, &[])).await;
    let row = row.map_err(|_| "no answer in time".to_owned())?.map_err(|e| full(&e))?;
    let timeline: Option<i64> = row.get(0);
    timeline.map(|timeline| (timeline, client)).ok_or_else(|| "the host is a replica".to_owned())
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

/// Whether the tables are there and belong to somebody else.
async fn is_a_guest(client: &Client) -> Result<bool, MigrateError> {
    let sql = "SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename = 'tenants' \
               AND NOT pg_has_role(tableowner, 'MEMBER')";
    Ok(client.query_opt(sql, &[]).await?.is_some())
}

async fn require_current(client: &Client) -> Result<(), MigrateError> {
    let sql = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    let found: i32 = client.query_one(sql, &[]).await?.get(0);
    let runner = embedded::migrations::runner();
    let needed = runner.get_migrations().iter().map(|one| one.version()).max().unwrap_or(0);
    if found < needed { Err(MigrateError::Behind { found, needed }) } else { Ok(()) }
}

/// One login for everything works, and is said: what it may do by its role alone it could do without.
fn warn_of_owner(config: &PostgresConfig) {
    if config.migrate_urls.is_empty() {
        tracing::warn!(
            "the login of postgres.urls owns the tables; give migrations their own in postgres.migrate_urls"
        );
    }
}

/// Whom the cores log in as.
fn logins(config: &PostgresConfig) -> BTreeSet<String> {
    let configs = config.urls.iter().filter_map(|url| url.expose().parse::<tokio_postgres::Config>().ok());
    configs.filter_map(|config| config.get_user().map(ToOwned::to_owned)).collect()
}

/// Lets a login work as the roles, and see which schema there is.
async fn admit(client: &Client, role: &str, login: &str) -> Result<(), MigrateError> {
    let (login, due) = (login.replace('"', "\"\""), due_role(role));
    let sql =
        format!("GRANT {role}, {due} TO \"{login}\"; GRANT SELECT ON refinery_schema_history TO \"{login}\"");
    client.batch_execute(&sql).await?;
    Ok(())
}

/// A role that the cores work as: it owns nothing, so row-level security binds it.
async fn make_role(client: &Client, role: &str) -> Result<(), MigrateError> {
    let known = client.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role]).await?;
    if known.is_none() {
        let make = format!("CREATE ROLE {role} NOLOGIN NOBYPASSRLS");
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
    grant_due(client, &due_role(role)).await
}

/// Whose a row is, which core works on it, and when it is due: of every tenant, and nothing else.
async fn grant_due(client: &Client, role: &str) -> Result<(), MigrateError> {
    let mut sql = format!(
        "GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON cores TO {role}; \
         GRANT SELECT (id) ON tenants TO {role};"
    );
    for (table, columns) in [
        ("turns", "tenant_id, id, lease_owner, lease_until, attempt, cancel_requested, state, created_at"),
        ("events", "tenant_id, at"),
        ("idempotency", "tenant_id, at"),
        ("counts", "tenant_id, step, at"),
        ("conversations", "tenant_id, id, last_seq"),
        ("open_calls", "tenant_id, due_at"),
        ("pushes", "tenant_id, user_id, conversation_id, after_seq, next_at, lease_owner, ended_at"),
        // A logout at a provider, and what edges have to refuse, are of any tenant.
        ("sessions", "tenant_id, subject_hash, provider_hash, ended_at"),
        ("revocations", "tenant_id, id, kind, subject, at, until"),
    ] {
        sql.push_str(&format!(
            "DROP POLICY IF EXISTS due ON {table};
             CREATE POLICY due ON {table} FOR SELECT TO {role} USING (true);
             GRANT SELECT ({columns}) ON {table} TO {role};"
        ));
    }
    client.batch_execute(&sql).await?;
    Ok(())
}
