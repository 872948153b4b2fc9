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

/// A house in which three conversations were begun, and its admin.
async fn with_three() -> anyhow::Result<(House, switchboard::client::Client)> {
    let house = House::start().await?;
    let ann = house.topology().client("ann", &["user"])?;
    for _ in 0..3 {
        ann.post::<Value>("/v1/conversations", &json!({})).await?;
    }
    let root = house.topology().client("root", &["admin"])?;
    Ok((house, root))
}

async fn check(root: &switchboard::client::Client, after: &str) -> anyhow::Result<Value> {
    Ok(root.get(&format!("/v1/audit/verify{after}")).await?)
}

#[tokio::test]
async fn the_core_makes_every_hash_again_and_says_what_is_wrong_and_where() -> anyhow::Result<()> {
    let (house, root) = with_three().await?;
    let good = check(&root, "").await?;
    assert_eq!((&good["ok"], &good["complete"], &good["checked"]), (&json!(true), &json!(true), &json!(3)));
    let anchor = good["anchor"].as_str().unwrap_or_default().to_owned();
    assert!(anchor.starts_with("3."), "{good}");
    let again = check(&root, &format!("?after={anchor}")).await?;
    assert_eq!((&again["ok"], &again["checked"], &again["to"]), (&json!(true), &json!(0), &json!(3)));
    assert!(check(&root, "?after=3.zz").await.is_err());

    let owner = house.topology().postgres().connect().await?;
    let broken = async |sql: &str, after: &str| -> anyhow::Result<Value> {
        owner.batch_execute(&format!("CREATE TABLE kept AS SELECT * FROM audit; {sql}")).await?;
        let check = check(&root, after).await?;
        owner
            .batch_execute("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept")
            .await?;
        assert_eq!((&check["ok"], &check["complete"]), (&json!(false), &json!(false)), "{sql}: {check}");
        Ok(check["broken"].clone())
    };
    for (sql, fault, seq) in [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 2", "changed", 2),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 3", "changed", 3),
        ("DELETE FROM audit WHERE seq = 1", "missing", 1),
        ("DELETE FROM audit WHERE seq = 2", "missing", 2),
        ("DELETE FROM audit WHERE seq = 3", "missing", 3),
        ("DELETE FROM audit", "missing", 1),
    ] {
        assert_eq!(broken(sql, "").await?, json!({"fault": fault, "seq": seq}), "{sql}");
    }
    // Whoever owns the database can write all of it anew; an anchor that was noted elsewhere shows that.
    let anew = "UPDATE audit SET hash = sha256(hash) WHERE seq = 3";
    let anchored = format!("?after={anchor}");
    assert_eq!(broken(anew, &anchored).await?, json!({"fault": "anchor", "seq": 3}));
    owner.batch_execute("UPDATE audit_heads SET hash = sha256(hash)").await?;
    let check = check(&root, "").await?;
    assert_eq!(check["broken"], json!({"fault": "head", "seq": 3}), "{check}");
    house.stop().await
}

#[tokio::test]
async fn the_record_is_searched_page_by_page() -> anyhow::Result<()> {
    let (house, root) = with_three().await?;
    house.topology().client("bob", &["user"])?.post::<Value>("/v1/conversations", &json!({})).await?;
    let seqs = async |query: &str| -> anyhow::Result<Vec<u64>> {
        let page: Value = root.get(&format!("/v1/audit{query}")).await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        Ok(items.iter().filter_map(|item| item["seq"].as_u64()).collect())
    };
    assert_eq!(seqs("").await?, [4, 3, 2, 1]);
    assert_eq!(seqs("?actor=ann&action=conversation.").await?, [3, 2, 1]);
    assert_eq!(seqs("?limit=2").await?, [4, 3]);
    assert_eq!(seqs("?limit=2&after=3").await?, [2, 1]);
    assert_eq!(seqs("?action=agent.").await?, [0_u64; 0]);
    assert_eq!(seqs("?to=2020-01-01T00:00:00Z").await?, [0_u64; 0]);
    assert_eq!(seqs("?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&actor=bob").await?, [4]);
    let page: Value = root.get("/v1/audit?limit=1").await?;
    assert_eq!((&page["next"], &page["items"][0]["actor"]), (&json!("4"), &json!("bob")));
    let subject = page["items"][0]["subject"].as_str().unwrap_or_default().to_owned();
    assert_eq!(seqs(&format!("?subject={subject}")).await?, [4]);
    for bad in ["?after=0x", "?limit=0", "?action=A", "?from=yesterday", "?actor=%00", "?unknown=1"] {
        let refused = root.get::<Value>(&format!("/v1/audit{bad}")).await.unwrap_err().to_string();
        assert!(refused.contains("The query is not what is needed"), "{bad}: {refused}");
    }
    house.stop().await
}

#[tokio::test]
async fn the_record_is_taken_out_whole_and_can_be_checked_without_us() -> anyhow::Result<()> {
    let (house, root) = with_three().await?;
    // More than is read at once, in the chain's own way.
    let owner = house.topology().postgres().connect().await?;
    let text = root.open("/v1/audit/export").await?.text().await?;
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 3);
    let mut before = Vec::new();
    for line in &lines {
        let at = chrono::DateTime::parse_from_rfc3339(line["at"].as_str().unwrap_or_default())?;
        let mut hash = sha2::Sha256::default();
        let text = |name: &str| line[name].as_str().unwrap_or_default().as_bytes().to_vec();
        let seq = i64::try_from(line["seq"].as_u64().unwrap_or_default())?;
        let (number, at) = (seq.to_be_bytes().to_vec(), at.timestamp_micros().to_be_bytes().to_vec());
        for field in [before, number, at, text("actor"), text("action"), text("subject"), text("detail")] {
            sha2::Digest::update(&mut hash, (field.len() as u64).to_be_bytes());
            sha2::Digest::update(&mut hash, &field);
        }
        before = sha2::Digest::finalize(hash).to_vec();
        let made: String = before.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(line["hash"], made.as_str(), "{line}");
    }
    let table = root.open("/v1/audit/export?format=csv&actor=ann").await?;
    let name = table.headers()["content-disposition"].to_str()?.to_owned();
    assert!(name.starts_with("attachment; filename=\"audit-demo-") && name.ends_with(".csv\""), "{name}");
    let table = table.text().await?;
    assert!(table.starts_with("seq,at,actor,action,subject,detail,hash\r\n1,\""), "{table}");
    assert_eq!(table.lines().count(), 4);
    // That it was taken out is in it, from the next time on.
    let exported: Value = root.get("/v1/audit?action=audit.").await?;
    assert_eq!(exported["items"].as_array().map(Vec::len), Some(2), "{exported}");
    assert_eq!(exported["items"][0]["detail"]["actor"], "ann");

    // Many rows come in many pieces, in order and each once.
    let many = "INSERT INTO audit SELECT tenant_id, 5 + n, at, actor, 'many.rows', subject, detail, hash \
                FROM audit, generate_series(1, 25000) AS n WHERE seq = 1 AND tenant_id = 'demo'; \
                UPDATE audit_heads SET seq = 25005 WHERE tenant_id = 'demo'";
    owner.batch_execute(many).await?;
    let text = root.open("/v1/audit/export?action=many.&subject=nobody").await?.text().await?;
    assert_eq!(text, "", "nothing that is meant is nothing that is sent");
    let text = root.open("/v1/audit/export?action=many.").await?.text().await?;
    let seqs = text.lines().map(|line| Ok(serde_json::from_str::<Value>(line)?["seq"].as_u64()));
    let seqs: Vec<_> = seqs.collect::<anyhow::Result<_>>()?;
    assert!(seqs.iter().copied().eq((6..=25_005).map(Some)), "{} rows", seqs.len());
    // A search looks at so many rows and says how to go on.
    let page: Value = root.get("/v1/audit?actor=bob").await?;
    assert_eq!((page["items"].as_array().map(Vec::len), page["next"].is_string()), (Some(0), true), "{page}");
    house.stop().await
}

#[tokio::test]
async fn the_record_is_its_tenants_admins_and_nobody_elses() -> anyhow::Result<()> {
    let (house, _) = with_three().await?;
    let views = ["/v1/audit", "/v1/audit/verify", "/v1/audit/export", "/v1/users", "/v1/usage"];
    for roles in [&["user"] as &[&str], &["user", "agent-admin"]] {
        let other = house.topology().client("olga", roles)?;
        for view in views {
            let refused = other.open(view).await.unwrap_err().to_string();
            assert!(refused.contains("It needs the role admin."), "{view}: {refused}");
        }
    }
    let foreign = house.token("root", &["admin"], |claims| {
        claims.tenant = "other".parse().expect("an id");
    })?;
    let foreign = house.topology().client("root", &["admin"])?.with_token(&foreign);
    let none: Value = foreign.get("/v1/audit").await?;
    assert_eq!(none["items"], json!([]));
    assert_eq!(check(&foreign, "").await?["head"], 0);
    let text = foreign.open("/v1/audit/export").await?.text().await?;
    assert_eq!(text, "");
    for view in ["/v1/users", "/v1/usage"] {
        let seen: Value = foreign.get(view).await?;
        assert!(!seen.to_string().contains("\"ann\""), "{view}: {seen}");
    }
    let usage: Value = foreign.get("/v1/usage").await?;
    assert_eq!((&usage["stored_bytes"], &usage["used"]["turns"]), (&json!(0), &json!(0)));
    let own: Value = house.topology().client("root", &["admin"])?.get("/v1/audit").await?;
    assert!(!own.to_string().contains("audit.exported"), "what another tenant takes out is its own: {own}");
    house.stop().await
}
