//! Ten thousand tenants: what is due is found by a look for all of them, and nobody's rows hide another one's.

use serde_json::Value;
use std::{path::Path, time::Duration};
use switchboard_tests::{House, person::PATIENCE};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, types::ToSql};

const TENANTS: i64 = 10_000;
/// Every so many-th of them has something that is due.
const EVERY: i64 = 100;
/// Turns of one more tenant, whose core is gone as well.
const GREEDY: i64 = 2_000;
/// Pages of 8 KiB that a look may touch for each tenant: a tenant is a way down an index, or two.
const PAGES: i64 = 16;

/// Everybody has been here, and has said things lately. One in a hundred has a turn whose core is gone, and turns, events
/// and keys that are too old; before them comes the one with thousands of both.
fn rows() -> String {
    format!(
        "INSERT INTO tenants (id) SELECT 't' || n FROM generate_series(1, {TENANTS}) AS n UNION SELECT 'greedy';
         INSERT INTO conversations (tenant_id, id, title, created_by, last_seq)
            SELECT id, md5(id)::uuid, 'a room', 'ann', 100000 FROM tenants WHERE id <> 'demo';
         INSERT INTO members (tenant_id, conversation_id, user_id, role)
            SELECT tenant_id, id, 'ann', 'owner' FROM conversations WHERE tenant_id <> 'demo';
         CREATE TEMP TABLE made (tenant text, n bigint, age interval, state text);
         INSERT INTO made SELECT 'greedy', n, '40 days', 'running' FROM generate_series(1, {GREEDY}) AS n;
         INSERT INTO made SELECT 'greedy', n, '50 days', 'completed' FROM generate_series({GREEDY} + 1, 2 * {GREEDY}) AS n;
         INSERT INTO made SELECT 't' || t, n, '1 day', 'completed'
            FROM generate_series(1, {TENANTS}) AS t, generate_series(1, 10) AS n;
         INSERT INTO made SELECT 't' || t, 11, '1 hour', 'running' FROM generate_series({EVERY}, {TENANTS}, {EVERY}) AS t;
         INSERT INTO made SELECT 't' || t, 12, '40 days', 'completed' FROM generate_series({EVERY}, {TENANTS}, {EVERY}) AS t;
         INSERT INTO messages (tenant_id, conversation_id, seq, id, author, body, turn_id, at, files, bytes)
            SELECT tenant, md5(tenant)::uuid, n * 3, md5(tenant || n)::uuid, 'ann', 'hello', md5(n || tenant)::uuid,
                now() - age, '[]', 5 FROM made;
         INSERT INTO turns (tenant_id, id, conversation_id, message_id, message_seq, user_id, state, lease_owner, created_at)
            SELECT tenant, md5(n || tenant)::uuid, md5(tenant)::uuid, md5(tenant || n)::uuid, n * 3, 'ann', state,
                md5('a core that is gone')::uuid, now() - age FROM made;
         INSERT INTO events (tenant_id, conversation_id, seq, turn_id, body, at)
            SELECT tenant, md5(tenant)::uuid, n * 3 + e, md5(n || tenant)::uuid,
                '{{\"type\": \"turn.started\", \"data\": {{\"attempt\": 1}}}}', now() - age
            FROM made, generate_series(0, 2) AS e WHERE state = 'completed';
         INSERT INTO idempotency (tenant_id, user_id, key, request_hash, subject, at)
            SELECT tenant, 'ann', 'key ' || n, '\\x00', gen_random_uuid(), now() - age FROM made;
         ANALYZE"
    )
}

/// What the cores ask, as the role that they ask as; the tenants that are found, how long it took and the pages that were
/// touched.
#[allow(clippy::print_stdout, reason = "the figures are to be read")]
async fn look(
    database: &Client,
    statement: &str,
    values: &[&(dyn ToSql + Sync)],
) -> anyhow::Result<(Vec<String>, f64, i64)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/store/sql").join(statement);
    let sql = std::fs::read_to_string(path)?;
    database.batch_execute("SET ROLE switchboard_app_due").await?;
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
    let plan: Value = database.query_one(&explain, values).await?.get(0);
    let rows = database.query(&sql, values).await?;
    database.batch_execute("RESET ROLE").await?;
    let top = &plan[0]["Plan"];
    let pages =
        ["Shared Hit Blocks", "Shared Read Blocks"].map(|name| top[name].as_i64().unwrap_or_default());
    let (took, pages) = (plan[0]["Execution Time"].as_f64().unwrap_or_default(), pages.iter().sum());
    println!("{statement}: {} tenants found in {took:.1} ms, {pages} pages", rows.len());
    Ok((rows.iter().map(|row| row.get(0)).collect(), took, pages))
}

async fn number(database: &Client, sql: &str) -> anyhow::Result<i64> {
    Ok(database.query_one(sql, &[]).await?.get(0))
}

/// Waits until nothing is counted any more.
async fn none(database: &Client, sql: &str) -> anyhow::Result<()> {
    let gone = async {
        while number(database, sql).await? > 0 {
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    timeout(3 * PATIENCE, gone).await.map_err(|_| anyhow::anyhow!("there are still some: {sql}"))?
}

#[tokio::test]
async fn among_ten_thousand_tenants_what_is_due_is_found_by_one_look_and_nobodys_hides_anothers()
-> anyhow::Result<()> {
    let house = House::with(|options| {
        let keep = toml::toml! {
            messages_days = 30
            every_ms = 3_600_000
            tenants = [{ tenant = "greedy", messages_days = 60 }]
        };
        options.core_overrides.insert("retention".into(), keep.into());
    })
    .await?;
    let database = house.topology().postgres().connect().await?;
    let core = house.topology().cores()[0];
    core.kill9().await;
    database.batch_execute(&rows()).await?;

    let (now, due) = (chrono::Utc::now(), TENANTS / EVERY);
    let (month, days) = (now - chrono::Duration::days(30), now - chrono::Duration::days(2));
    let but: Vec<&str> = vec!["greedy"];
    let turns = look(&database, "tenants_with_due_turns.sql", &[]).await?;
    let old = look(&database, "tenants_with_old_rows.sql", &[&month, &days]).await?;
    let older = look(&database, "tenants_with_old_turns.sql", &[&month, &but]).await?;
    for (what, found, pages, tenants) in [
        ("due turns", turns.0.len(), turns.2, due + 1),
        ("old rows", old.0.len(), old.2, due + 1),
        ("old turns", older.0.len(), older.2, due),
    ] {
        assert_eq!(i64::try_from(found)?, tenants, "{what}");
        assert!(pages < TENANTS * PAGES, "{what}: {pages} pages");
    }
    assert!(turns.2 < 4 * GREEDY, "only what runs is looked at: {} pages", turns.2);

    // All others' turns are taken up at the first looks, though the greedy one's stand before them.
    core.restart().await?;
    none(
        &database,
        "SELECT count(*) FROM turns WHERE state = 'running' AND attempt = 1 AND tenant_id <> 'greedy'",
    )
    .await?;
    let taken =
        number(&database, "SELECT count(*) FROM turns WHERE tenant_id = 'greedy' AND attempt > 1").await?;
    println!("of the greedy tenant's {GREEDY} turns {taken} were taken up when the last of the others' was");
    assert!(taken < GREEDY / 4, "{taken}");
    none(&database, "SELECT count(*) FROM turns WHERE state = 'running' AND tenant_id <> 'greedy'").await?;
    database.batch_execute("DELETE FROM turns WHERE tenant_id = 'greedy' AND state = 'running'").await?;
    house.stop().await
}

#[tokio::test]
async fn a_tenant_that_keeps_more_hides_nobodys_old_messages_and_keeps_its_own() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let keep = toml::toml! {
            messages_days = 0
            every_ms = 300
            tenants = [{ tenant = "t100", messages_days = 30 }, { tenant = "t300", messages_days = 60 }]
        };
        options.core_overrides.insert("retention".into(), keep.into());
    })
    .await?;
    let database = house.topology().postgres().connect().await?;
    database.batch_execute(&rows().replace("'running'", "'completed'")).await?;
    none(
        &database,
        "SELECT count(*) FROM turns WHERE tenant_id = 't100' AND created_at < now() - interval '30 days'",
    )
    .await?;
    none(&database, "SELECT count(*) FROM events WHERE at < now() - interval '30 days'").await?;
    none(&database, "SELECT count(*) FROM idempotency WHERE at < now() - interval '2 days'").await?;
    let kept = "SELECT count(*) FROM turns WHERE created_at < now() - interval '30 days'";
    assert_eq!(number(&database, kept).await?, 2 * GREEDY + TENANTS / EVERY - 1);
    house.stop().await
}
