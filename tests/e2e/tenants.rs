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
