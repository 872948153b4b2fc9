//! Every way in which a token can be wrong.

use crate::{
    house::{House, until},
    issuer::{Key, claims, jwks, now, with, without},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

async fn status(house: &House, token: &str) -> u16 {
    house.get("/v1/agents", token).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_supported_type_are_taken() {
    let house = House::start().await;
    let keys = [Key::ed("ed"), Key::ec("ec"), Key::rsa("rsa")];
    std::fs::write(house.dir.path().join("jwks.json"), jwks(&[&keys[0], &keys[1], &keys[2]])).unwrap();
    for key in &keys {
        until(key.kid, async || status(&house, &key.token(&claims("ann"))).await == 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_any_wrong_claim_is_refused() {
    let house = House::start().await;
    let good = [
        claims("ann"),
        with("ann", "aud", json!(["other", "switchboard"])),
        with("ann", "nbf", json!(now() - 5)),
        with("ann", "iat", json!(now() + 50)),
        without("ann", "iat"),
        with("ann", "exp", json!(9_999_999_999.5)),
        with("ann", "nbf", json!(null)),
        with("ann", "roles", json!(["user", "unknown"])),
        with("ann", "roles", json!("admin")),
        with("ann", "groups", json!("finance")),
        with("ann", "sub", json!("a b")),
        without("ann", "roles"),
        with("ann", "groups", json!(["finance", "/hr/payroll", "7d1a-4f", "finance"])),
        with("ann", "groups", json!(["Domain Users", "x".repeat(65), "", 7, {"value": "finance"}])),
        with("ann", "groups", groups(256)),
        with("ann", "groups", json!((0..256).map(|i| format!("{i:0>36}")).collect::<Vec<_>>())),
        without("ann", "tier"),
    ];
    for claims in good {
        assert_eq!(status(&house, &house.key.token(&claims)).await, 200, "{claims}");
    }
    let bad = [
        with("ann", "iss", json!("https://issuer.example/")),
        with("ann", "aud", json!("switchboard2")),
        with("ann", "aud", json!(["other"])),
        with("ann", "exp", json!(now())),
        with("ann", "exp", json!(now() - 1)),
        with("ann", "exp", json!("9999999999")),
        with("ann", "exp", json!(now() as f64 + 0.001)),
        with("ann", "exp", json!(1e300)),
        with("ann", "exp", json!(null)),
        with("ann", "nbf", json!(now() + 100)),
        with("ann", "iat", json!(now() + 100)),
        with("ann", "sub", json!("a  b")),
        with("ann", "sub", json!("a\u{202e}b")),
        with("ann", "sub", json!("u".repeat(256))),
        with("ann", "sub", json!("")),
        with("ann", "sub", json!(7)),
        with("ann", "tenant", json!("a/b")),
        with("ann", "roles", json!({"admin": true})),
        with("ann", "tier", json!("gold")),
        with("ann", "token_use", json!("id")),
        with("ann", "typ", json!("ID")),
        with("ann", "groups", json!({"finance": true})),
        with("ann", "groups", groups(257)),
        with("ann", "groups", json!((0..150).map(|i| format!("{i:0>64}")).collect::<Vec<_>>())),
        without("ann", "iss"),
        without("ann", "aud"),
        without("ann", "exp"),
        without("ann", "sub"),
        without("ann", "tenant"),
    ];
    for claims in bad {
        assert_eq!(status(&house, &house.key.token(&claims)).await, 401, "{claims}");
    }
}

/// So many groups with short names.
fn groups(count: usize) -> Value {
    json!((0..count).map(|i| format!("g{i}")).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_any_wrong_header_is_refused() {
    let house = House::start().await;
    let changed = |name: &str, value: Value| {
        let mut header = house.key.header();
        header[name] = value;
        house.key.sign(&header.to_string(), &claims("ann").to_string())
    };
    for typ in ["JWT", "jwt", "at+JWT", "application/at+jwt", "Application/AT+JWT", "application/jwt"] {
        assert_eq!(status(&house, &changed("typ", json!(typ))).await, 200, "{typ}");
    }
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("eddsa")),
        ("typ", json!("id+jwt")),
        ("typ", json!("application/")),
        ("typ", json!("application/application/jwt")),
        ("typ", json!("")),
        ("typ", json!(null)),
        ("kid", json!("other")),
        ("kid", json!("")),
        ("kid", json!(null)),
        ("jku", json!("https://evil")),
        ("jwk", house.key.jwk.clone()),
        ("x5u", json!("https://evil")),
        ("x5c", json!([])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
    ] {
        assert_eq!(status(&house, &changed(name, value.clone())).await, 401, "{name}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_kid_is_taken_where_one_key_could_have_signed_it() {
    let house = House::start().await;
    let without_kid = |key: &Key| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove("kid");
        key.sign(&header.to_string(), &claims("ann").to_string())
    };
    let (other, ec) = (Key::ed("other"), Key::ec("ec"));
    assert_eq!(status(&house, &without_kid(&house.key)).await, 200);
    assert_eq!(status(&house, &without_kid(&other)).await, 401, "another key");
    std::fs::write(house.dir.path().join("jwks.json"), jwks(&[&house.key, &ec])).unwrap();
    until("a key of another type is told apart", async || status(&house, &without_kid(&ec)).await == 200)
        .await;
    std::fs::write(house.dir.path().join("jwks.json"), jwks(&[&house.key, &ec, &other])).unwrap();
    until("the third key is taken", async || status(&house, &other.token(&claims("ann"))).await == 200).await;
    assert_eq!(status(&house, &without_kid(&other)).await, 401, "two could have signed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_written_canonically_is_refused() {
    let house = House::start().await;
    let good = house.token("ann");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    // An Ed25519 signature is 64 bytes: its last character carries four stray bits.
    let last = signature.chars().last().unwrap();
    let stray = char::from(u8::try_from(last).unwrap() + 1);
    let foreign = Key::ed("one").token(&claims("ann"));
    let doubled = claims("ann").to_string().replacen('{', "{\"sub\":\"bob\",", 1);
    let doubled_header = house.key.header().to_string().replacen('{', "{\"kid\":\"one\",", 1);
    let large = house.key.token(&with("ann", "x", json!("y".repeat(10_800))));
    let other = URL_SAFE_NO_PAD.encode(claims("bob").to_string());
    for bad in [
        format!("{message}.{}{stray}", &signature[..signature.len() - 1]),
        format!("{message}.{signature}="),
        format!("{message}."),
        message.to_owned(),
        format!("{good}.x"),
        format!("{header}.{other}.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("..{signature}"),
        foreign,
        house.key.sign(&house.key.header().to_string(), &doubled),
        house.key.sign(&doubled_header, &claims("ann").to_string()),
        house.key.sign(&house.key.header().to_string(), "[]"),
        large,
        "x".to_owned(),
    ] {
        assert_eq!(status(&house, &bad).await, 401, "{bad}");
    }
    assert_eq!(status(&house, &good).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_is_needed_and_nothing_about_why() {
    let house = House::start().await;
    let client = house.client().build().unwrap();
    for field in [None, Some("Basic YTpi"), Some("Bearer"), Some("Bearer x")] {
        let mut request = client.get(house.url("/v1/agents"));
        if let Some(field) = field {
            request = request.header("authorization", field);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    assert!(house.log.paths().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_without_a_restart_and_the_old_ones_are_gone() {
    let house = House::start().await;
    let old = house.token("ann");
    assert_eq!(status(&house, &old).await, 200);
    let new = Key::ec("two");
    std::fs::write(house.dir.path().join("jwks.json"), jwks(&[&new])).unwrap();
    until("the new key is taken", async || status(&house, &new.token(&claims("ann"))).await == 200).await;
    // Although it was verified before and is remembered.
    assert_eq!(status(&house, &old).await, 401);
    std::fs::write(house.dir.path().join("jwks.json"), "broken").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(status(&house, &new.token(&claims("bob"))).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_there_to_verify_are_not_used() {
    let house = House::start().await;
    let usable = Key::ed("usable");
    let mut encryption = Key::ed("encryption");
    encryption.jwk["use"] = json!("enc");
    let mut signing = Key::ec("signing");
    signing.jwk["key_ops"] = json!(["sign"]);
    let mut named = Key::rsa("named");
    named.jwk["alg"] = json!("PS256");
    let all = jwks(&[&usable, &encryption, &signing, &named]);
    std::fs::write(house.dir.path().join("jwks.json"), all).unwrap();
    until("the keys are taken", async || status(&house, &usable.token(&claims("ann"))).await == 200).await;
    for key in [encryption, signing, named] {
        assert_eq!(status(&house, &key.token(&claims("ann"))).await, 401, "{}", key.kid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_understood_does_not_take_the_others_with_it() {
    let house = House::start().await;
    let usable = Key::ec("classical");
    let strange = [
        json!({"kty": "AKP", "alg": "ML-DSA-65", "kid": "quantum", "pub": "AAAA"}),
        json!({"kty": "RSA", "alg": "RSA-OAEP", "use": "enc", "kid": "sealed", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "half", "x": "AAAA"}),
        json!({"kty": "OKP", "crv": "Ed448", "kid": "other", "x": "AAAA"}),
        json!("no key at all"),
        usable.jwk.clone(),
    ];
    let text = json!({"keys": strange}).to_string();
    std::fs::write(house.dir.path().join("jwks.json"), text).unwrap();
    until("the key among strangers is taken", async || {
        status(&house, &usable.token(&claims("ann"))).await == 200
    })
    .await;
}
