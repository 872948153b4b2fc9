//! The usage policy: 30 messages a minute for the tier `standard`, said exactly, on the socket and over HTTP alike.

use serde_json::{Value, json};
use switchboard_tests::House;
use tokio::time::Instant;

/// More than this tier may send, also on a machine so busy that some come back meanwhile.
const MESSAGES: usize = 60;

#[tokio::test]
async fn the_31st_message_in_a_minute_is_refused_with_when_to_try_again() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let began = Instant::now();
    for n in 0..MESSAGES {
        ann.send(&json!({"type": "send", "id": format!("m{n}"), "conversation": room, "text": "hello"}))
            .await?;
    }
    let (mut acks, mut errors) = (0, Vec::new());
    while acks + errors.len() < MESSAGES {
        let frame = ann.next().await?;
        match frame["type"].as_str() {
            Some("ack") => acks += 1,
            Some("error") => errors.push(frame),
            _ => {}
        }
    }
    // Thirty, and those that have come back meanwhile: one in two seconds.
    let back = usize::try_from(began.elapsed().as_secs() / 2)?;
    assert!((30..=30 + back).contains(&acks), "{acks}, {back} came back");
    assert_eq!(errors[0]["code"], "rate_limited");
    let first = errors[0]["id"].as_str().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
    assert!(first.is_some_and(|first| first >= 30), "{}", errors[0]);
    assert!((1..=60).contains(&errors[0]["retry_after_s"].as_u64().unwrap_or_default()), "{}", errors[0]);

    // The same limit over HTTP, with the fields of draft-ietf-httpapi-ratelimit-headers.
    let url = house.topology().url().join(&format!("/v1/conversations/{room}/messages"))?;
    let (http, token) = (raw(&house)?, house.topology().token("ann", &["user"])?);
    let say = || http.post(url.clone()).bearer_auth(&token).json(&json!({"text": "hello"})).send();
    let mut response = say().await?;
    while response.status().is_success() {
        response = say().await?;
    }
    assert_eq!(response.status(), 429);
    let header = |name: &str| {
        response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
    };
    assert!(header("retry-after").parse::<u64>()? >= 1);
    assert!(header("ratelimit-policy").contains("q=30;w=60"), "{}", header("ratelimit-policy"));
    assert!(header("ratelimit").contains("r=0"), "{}", header("ratelimit"));
    assert_eq!(response.json::<Value>().await?["code"], "rate_limited");

    // Somebody else has a limit of their own.
    let mut bob = house.person("bob").await?;
    let room = bob.room(&[]).await?;
    bob.say(room, "hello").await?;
    house.stop().await
}

#[tokio::test]
async fn two_edges_that_share_a_redis_share_the_limit() -> anyhow::Result<()> {
    let house = House::with(|options| options.edges = 2).await?;
    let token = house.topology().token("ann", &["user"])?;
    let client = raw(&house)?;
    let ann = house.topology().client("ann", &["user"])?;
    let room: Value = ann.post("/v1/conversations", &json!({})).await?;
    let room = room["id"].as_str().unwrap_or_default().to_owned();
    let sends = (0..32).map(|n| {
        let edge = house.topology().edges()[n % 2].url();
        let url = edge.join(&format!("/v1/conversations/{room}/messages")).expect("a path is a path");
        client.post(url).bearer_auth(&token).json(&json!({"text": "hello"})).send()
    });
    let answers = futures::future::try_join_all(sends).await?;
    let refused = answers.iter().filter(|answer| answer.status() == 429).count();
    let accepted = answers.iter().filter(|answer| answer.status() == 202).count();
    assert_eq!((accepted, refused), (30, 2));
    house.stop().await
}

/// A client that is not ours, which trusts the house's CA.
pub(crate) fn raw(house: &House) -> anyhow::Result<reqwest::Client> {
    let ca = reqwest::Certificate::from_pem(&std::fs::read(house.topology().ca())?)?;
    Ok(reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build()?)
}
