//! Another tenant's conversation cannot be seen, joined or guessed: it is as if it were not there.

use serde_json::{Value, json};
use switchboard_tests::{House, Person};

#[tokio::test]
async fn another_tenants_conversation_is_as_if_it_were_not_there() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "hello, a secret: swordfish").await?;
    let turn = heard.frames[0]["turn"].as_str().unwrap_or_default().to_owned();

    // The same name in another tenant, and somebody else in the same one.
    let foreign =
        house.token("ann", &["user", "admin"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let foreign = house.topology().client("ann", &["user"])?.with_token(&foreign);
    let stranger = house.topology().client("eve", &["user", "admin"])?;
    for outsider in [foreign, stranger] {
        let nothing = uuid::Uuid::now_v7();
        for (real, guessed) in [
            (format!("/v1/conversations/{room}"), format!("/v1/conversations/{nothing}")),
            (format!("/v1/conversations/{room}/messages"), format!("/v1/conversations/{nothing}/messages")),
            (format!("/v1/conversations/{room}/members"), format!("/v1/conversations/{nothing}/members")),
            (
                format!("/v1/conversations/{room}/events?after=0"),
                format!("/v1/conversations/{nothing}/events?after=0"),
            ),
            (format!("/v1/turns/{turn}"), format!("/v1/turns/{nothing}")),
        ] {
            // All but the request's id, which tells requests apart and not what they asked for.
            let without_id = |error: switchboard::Error| {
                let text = error.to_string();
                text.split(" (request ").next().unwrap_or_default().to_owned()
            };
            let there = without_id(outsider.get::<Value>(&real).await.unwrap_err());
            let not_there = without_id(outsider.get::<Value>(&guessed).await.unwrap_err());
            assert_eq!(there, not_there, "{real}");
        }
        let send = json!({"text": "let me in"});
        let sent = outsider.post::<Value>(&format!("/v1/conversations/{room}/messages"), &send).await;
        assert!(sent.is_err());
        assert!(outsider.post::<Value>(&format!("/v1/turns/{turn}/cancel"), &json!({})).await.is_err());
        assert!(outsider.delete(&format!("/v1/conversations/{room}")).await.is_err());
        let add = json!({"user": "eve"});
        assert!(outsider.post::<Value>(&format!("/v1/conversations/{room}/members"), &add).await.is_err());
        assert_eq!(outsider.get::<Value>("/v1/conversations").await?["items"], json!([]));

        let mut socket = Person::new("outsider", outsider);
        socket.connect().await?;
        socket.send(&json!({"type": "join", "conversation": room, "after": 0})).await?;
        assert_eq!(socket.next().await?["code"], "not_found");
        let refused = socket.say(room, "let me in").await.unwrap_err().to_string();
        assert!(refused.contains("not_found"), "{refused}");
    }
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2), "nobody got in: {page}");
    house.stop().await
}

#[tokio::test]
async fn row_level_security_hides_other_tenants_even_from_a_statement_that_names_none() -> anyhow::Result<()>
{
    let house = House::start().await?;
    let ann = house.person("ann").await?;
    ann.room(&[]).await?;
    let database = house.topology().postgres().connect().await?;
    let count = async |tenant: &str| -> anyhow::Result<i64> {
        let sql = format!("BEGIN; SET LOCAL ROLE switchboard_app; SET LOCAL app.tenant = '{tenant}'");
        database.batch_execute(&sql).await?;
        let count = database.query_one("SELECT count(*) FROM conversations", &[]).await?.get(0);
        database.batch_execute("ROLLBACK").await?;
        Ok(count)
    };
    assert_eq!((count("demo").await?, count("other").await?, count("").await?), (1, 0, 0));
    house.stop().await
}

#[tokio::test]
async fn without_its_role_the_cores_login_reads_nothing_and_the_owner_no_tenants_rows() -> anyhow::Result<()>
{
    let house = House::start().await?;
    house.person("ann").await?.room(&[]).await?;
    let postgres = house.topology().postgres();
    let (core, owner) = (postgres.log_in(false).await?, postgres.log_in(true).await?);
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND rowsecurity";
    let tables = owner.query(tables, &[]).await?;
    assert!(tables.len() >= 17, "{}", tables.len());
    for table in tables.iter().map(|row| row.get::<_, String>(0)) {
        let count = format!("SELECT count(*) FROM {table}");
        core.batch_execute("SET ROLE NONE").await?;
        let refused = core.query_one(&count, &[]).await.unwrap_err();
        assert_eq!(refused.code().map(|code| code.code()), Some("42501"), "{table}: {refused}");
        assert_eq!(owner.query_one(&count, &[]).await?.get::<_, i64>(0), 0, "{table}");
        // Edges are told what was taken back in every tenant, so that one table is read whole.
        if table == "revocations" {
            continue;
        }
        core.batch_execute("SET ROLE switchboard_app_due").await?;
        let refused = core.query_one(&format!("SELECT * FROM {table}"), &[]).await.unwrap_err();
        assert_eq!(refused.code().map(|code| code.code()), Some("42501"), "{table}: {refused}");
    }
    for statement in ["ALTER TABLE messages DISABLE ROW LEVEL SECURITY", "CREATE TABLE mine (id integer)"] {
        assert!(core.batch_execute(&format!("RESET ROLE; {statement}")).await.is_err(), "{statement}");
    }
    house.stop().await
}

#[tokio::test]
async fn who_only_tries_what_there_is_has_not_been_here() -> anyhow::Result<()> {
    let house = House::start().await?;
    let ann = house.person("ann").await?;
    let eve = house.topology().client("eve", &["user"])?;
    let nothing = uuid::Uuid::now_v7();
    for path in [
        format!("/v1/conversations/{nothing}"),
        format!("/v1/conversations/{nothing}/events"),
        format!("/v1/turns/{nothing}"),
        "/v1/agents/none".to_owned(),
        "/v1/conversations?limit=0".to_owned(),
        "/v1/nothing".to_owned(),
        "/v1/suggestions".to_owned(),
    ] {
        assert!(eve.get::<Value>(&path).await.is_err(), "{path}");
    }
    assert!(eve.post::<Value>("/v1/conversations", &json!({"members": ["nobody"]})).await.is_err());
    let with_eve = json!({"members": ["eve"]});
    let refused = ann.http.post::<Value>("/v1/conversations", &with_eve).await.unwrap_err().to_string();
    assert!(refused.contains("eve has not been here yet"), "{refused}");
    eve.get::<Value>("/v1/agents").await?;
    ann.http.post::<Value>("/v1/conversations", &with_eve).await?;

    // The first request of all that a tenant makes may be one that teaches its router.
    let token = house.token("olga", &["agent-admin"], |claims| {
        claims.tenant = "brand-new".parse().expect("an id");
    })?;
    let olga = house.topology().client("olga", &["agent-admin"])?.with_token(&token);
    let lesson = json!({"examples": [{"text": "good morning", "language": "en"}]});
    let taught: Value = olga.put("/v1/nobody", &lesson).await?;
    assert_eq!(taught["examples"][0]["text"], "good morning", "{taught}");
    house.stop().await
}
