//! Every class of bad token is refused at the edge, over HTTP and on the socket.

use super::limits::raw;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use serde_json::{Value, json};
use std::time::Duration;
use switchboard::topology::issuer::Claims;
use switchboard_tests::House;

#[tokio::test]
async fn every_class_of_bad_token_is_refused() -> anyhow::Result<()> {
    let house = House::start().await?;
    let issuer = house.topology().issuer();
    let now = Utc::now().timestamp();
    let claims = Claims::demo("ann", &["user"])?;
    let (header, good) = (issuer.header(), issuer.claims(&claims, now));
    let mint = |header: &Value, claims: &Value| issuer.mint(header, claims);
    let with = |base: &Value, key: &str, value: Value| {
        let mut changed = base.clone();
        changed[key] = value;
        changed
    };
    let without = |key: &str| {
        let mut changed = good.clone();
        changed.as_object_mut().expect("claims are an object").remove(key);
        changed
    };
    let token = mint(&header, &good)?;
    let parts: Vec<_> = token.split('.').collect();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let bad = [
        ("nothing", String::new()),
        ("no JWT", "abc".to_owned()),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("alg none", format!("{}.{}.", encode(&json!({"alg": "none", "typ": "at+jwt"})), parts[1])),
        ("alg HS256", format!("{}.{}.{}", encode(&with(&header, "alg", json!("HS256"))), parts[1], parts[2])),
        (
            "another's signature",
            format!("{}.{}.{}", parts[0], encode(&with(&good, "sub", json!("bob"))), parts[2]),
        ),
        ("padded base64", format!("{}.{}.{}=", parts[0], parts[1], parts[2])),
        ("unknown key", mint(&with(&header, "kid", json!("other")), &good)?),
        ("key in the header", mint(&with(&header, "jwk", json!({"kty": "OKP"})), &good)?),
        ("critical extension", mint(&with(&header, "crit", json!(["exp"])), &good)?),
        ("wrong typ", mint(&with(&header, "typ", json!("dpop+jwt")), &good)?),
        ("wrong issuer", mint(&header, &with(&good, "iss", json!("https://evil.example")))?),
        ("wrong audience", mint(&header, &with(&good, "aud", json!("other")))?),
        ("expired", mint(&header, &with(&good, "exp", json!(now - 3600)))?),
        ("not yet", mint(&header, &with(&good, "nbf", json!(now + 3600)))?),
        ("from the future", mint(&header, &with(&good, "iat", json!(now + 3600)))?),
        ("no expiry", mint(&header, &without("exp"))?),
        ("no tenant", mint(&header, &without("tenant"))?),
        ("tenant of another alphabet", mint(&header, &with(&good, "tenant", json!("a' OR 1=1")))?),
        ("no subject", mint(&header, &without("sub"))?),
        ("huge", mint(&header, &with(&good, "pad", json!("x".repeat(20_000))))?),
    ];
    let (client, url) = (raw(&house)?, house.topology().url().join("/v1/conversations")?);
    for (class, token) in bad {
        let answer = client.get(url.clone()).bearer_auth(&token).send().await?;
        let status = answer.status().as_u16();
        assert!(status == 401 || (class == "huge" && status == 431), "{class}: {status}");
        if status == 401 {
            assert!(answer.headers().contains_key("www-authenticate"), "{class}");
            assert_eq!(answer.json::<Value>().await?["code"], "unauthenticated", "{class}");
        }
        let http = house.topology().client("ann", &["user"])?.with_token(&token);
        assert!(http.socket("/ws").await.is_err(), "{class} on a socket");
    }
    let fine = client.get(url).bearer_auth(&token).send().await?;
    assert_eq!(fine.status(), 200);
    house.stop().await
}

#[tokio::test]
async fn a_socket_whose_token_runs_out_may_not_send_until_it_is_refreshed() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    let short = house.token("ann", &["user"], |claims| claims.lifetime = Duration::from_secs(2))?;
    ann.http = ann.http.with_token(&short);
    ann.connect().await?;
    ann.say(room, "hello").await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let refused = ann.say(room, "hello again").await.unwrap_err().to_string();
    assert!(refused.contains("unauthenticated"), "{refused}");
    let fresh = house.topology().token("ann", &["user"])?;
    ann.send(&json!({"type": "refresh", "token": fresh})).await?;
    ann.say(room, "hello once more").await?;
    // And not with somebody else's.
    let other = house.topology().token("bob", &["user"])?;
    ann.send(&json!({"type": "refresh", "token": other})).await?;
    let refused = ann.until(|frame| frame["type"] == "error").await?;
    assert!(matches!(refused.last().unwrap()["code"].as_str(), Some("forbidden" | "unauthenticated")));
    house.stop().await
}
