//! The record of who did what: it can be added to, and a change in it shows.

use serde_json::{Value, json};
use switchboard_tests::{FakeAgent, House, Manner};
use tokio_postgres::Client;

/// The numbers of the rows whose hash is not that of their fields and of the row before: SHA-256 over each with its length
/// in front.
async fn broken(database: &Client) -> anyhow::Result<Vec<i64>> {
    let field = |bytes: &str| format!("int8send(octet_length({bytes})) || {bytes}");
    let fields = [
        "coalesce(lag(hash) OVER (PARTITION BY tenant_id ORDER BY seq), '')",
        "int8send(seq)",
        "int8send((extract(epoch FROM at) * 1000000)::bigint)",
        "convert_to(actor, 'UTF8')",
        "convert_to(action, 'UTF8')",
        "convert_to(subject, 'UTF8')",
        "convert_to(detail, 'UTF8')",
    ];
    let all = fields.map(field).join(" || ");
    let sql = format!(
        "SELECT seq FROM (SELECT seq, hash, sha256({all}) AS made FROM audit) AS rows WHERE made <> hash ORDER BY seq"
    );
    Ok(database.query(&sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn the_audit_is_added_to_and_never_changed_and_a_change_behind_its_back_shows() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("weather", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("weather", &agent).await?;
    let ann = house.topology().client("ann", &["user"])?;
    for _ in 0..3 {
        ann.post::<Value>("/v1/conversations", &json!({})).await?;
    }
    // As the cores work, with all that they may do.
    let cores = house.topology().postgres().log_in(false).await?;
    cores.batch_execute("SET ROLE switchboard_app; SET app.tenant = 'demo'").await?;
    let there: i64 = cores.query_one("SELECT count(*) FROM audit", &[]).await?.get(0);
    assert!(there >= 4, "{there}");
    for change in [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "ALTER TABLE audit DISABLE ROW LEVEL SECURITY",
        "DROP TABLE audit",
    ] {
        let refused = cores.batch_execute(change).await.unwrap_err();
        let code = refused.code().map(|state| state.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{change}: {refused}");
    }
    assert!(broken(&cores).await?.is_empty());

    // Whoever owns the database can change a row, and all see that it was changed.
    let owner = house.topology().postgres().connect().await?;
    owner.batch_execute("UPDATE audit SET actor = 'eve' WHERE tenant_id = 'demo' AND seq = 2").await?;
    assert_eq!(broken(&cores).await?, [2]);
    owner.batch_execute("DELETE FROM audit WHERE tenant_id = 'demo' AND seq = 2").await?;
    assert_eq!(broken(&cores).await?, [3], "the row behind one that is gone");
    house.stop().await
}
