//! By which names a house, its people and what is said are known: all that are in use stand for the same.

use super::limits::raw;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use switchboard_tests::{FakeAgent, House, Manner};

#[tokio::test]
async fn a_house_on_all_addresses_calls_itself_what_can_be_reached() -> anyhow::Result<()> {
    for (listen, own) in [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "[::1]")] {
        let house = House::with(|options| options.listen = listen.parse().ok()).await?;
        let url = house.topology().url().clone();
        assert_eq!(url.host_str(), Some(own), "{listen}");
        let described = house.topology().describe(Vec::new())?;
        assert_eq!((&described.url, &described.edges[0].url), (&url, &url), "{listen}");
        let ann = house.topology().client("ann", &["user"])?;
        assert!(ann.get::<Value>("/v1/agents").await.is_ok(), "{listen}");
        let client = raw(&house)?;
        for name in switchboard::topology::names::of(&[listen.parse()?]) {
            // What is a name of this machine elsewhere may not be known on it.
            let Ok(mut to) = tokio::net::lookup_host((name.as_str(), 0)).await else { continue };
            if to.any(|address| address.is_ipv4() || listen.starts_with('[')) {
                let host = if name.contains(':') { format!("[{name}]") } else { name.clone() };
                let url = format!("https://{host}:{}/openapi.json", url.port().unwrap_or_default());
                let answer = client.get(&url).send().await;
                assert_eq!(answer.map(|answer| answer.status().as_u16()).ok(), Some(200), "{url}");
            }
        }
        house.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn people_are_known_by_whatever_their_issuer_calls_them() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (client, edge) = (raw(&house)?, house.topology().url().clone());
    let ann = house.topology().token("ann", &["user"])?;
    for user in [
        "https://idp.example/users/7?x=%20&y#z",
        "spiffe://acme.example/ns/prod/sa/billing",
        "CN=Lee\\, Jörg,OU=People,O=\"Acme\"",
        "system:serviceaccount:prod:billing",
    ] {
        let mut them = house.person(user).await?;
        let own = them.room(&[]).await?;
        them.say_as(own, "hello-1", "hello").await?;
        let made = client.post(edge.join("/v1/conversations")?).bearer_auth(&ann);
        let made = made.json(&json!({"members": [user]})).send().await?;
        assert_eq!(made.status(), 201, "{user}");
        let id = made.json::<Value>().await?["id"].as_str().unwrap_or_default().to_owned();
        them.join(id.parse()?, None).await?;
        let mut member = edge.join(&format!("/v1/conversations/{id}/members/"))?;
        if let Ok(mut path) = member.path_segments_mut() {
            path.pop_if_empty().push(user);
        }
        let removed = client.delete(member.clone()).bearer_auth(&ann).send().await?;
        assert_eq!(removed.status(), 204, "{member}");
    }
    house.stop().await
}

#[tokio::test]
async fn what_is_said_has_the_same_names_at_every_face() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("Weather", &["will it rain?"], Manner::Says("rain".into())).await?;
    house.register("weather", &agent).await?;
    let (client, edge) = (raw(&house)?, house.topology().url().clone());
    let token = house.topology().token("ann", &["user"])?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let post = async |path: &str, body: &Value| {
        let answer = client.post(edge.join(path)?).bearer_auth(&token).json(body).send().await?;
        anyhow::Ok((answer.status().as_u16(), answer.json::<Value>().await?))
    };
    for (path, fine) in
        [("/chat", 200), (&*format!("/v1/conversations/{room}/messages"), 202), ("/v1/analyze", 200)]
    {
        for name in ["text", "message", "prompt"] {
            assert_eq!(post(path, &json!({name: "will it rain?"})).await?.0, fine, "{path} {name}");
        }
        let (status, both) = post(path, &json!({"text": "will it rain?", "message": "or snow?"})).await?;
        assert_eq!((status, both["code"].as_str()), (400, Some("bad_request")), "{path}: {both}");
    }
    let (_, both) = post("/chat", &json!({"text": "a", "message": "b"})).await?;
    assert!(both["detail"].as_str().unwrap_or_default().contains("say different things"), "{both}");
    ann.send(&json!({"type": "send", "id": "m-1", "conversation": room, "message": "will it rain?"})).await?;
    ann.until(|frame| frame["type"] == "ack" && frame["id"] == "m-1").await?;
    let file = json!({"name": "a.txt", "media_type": "text/plain", "data": STANDARD.encode("sky")});
    let asked = json!({"text": "no words of theirs", "agents": ["weather"], "parts": [file]});
    let (status, answer) = post("/chat", &asked).await?;
    assert_eq!((status, answer["plan"]["stage"].as_str()), (200, Some("rule")), "{answer}");
    assert!(answer["response"].as_str().unwrap_or_default().contains("rain"), "{answer}");
    let sent = agent.asked().last().map(|(_, body)| body.to_string()).unwrap_or_default();
    assert!(sent.contains("a.txt") && sent.contains(&STANDARD.encode("sky")), "{sent}");
    house.stop().await
}
