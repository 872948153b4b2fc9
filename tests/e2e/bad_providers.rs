//! What a provider does wrong signs nobody in, and is said in a word.

use serde_json::json;
use std::time::Duration;
use switchboard_tests::{Browser, Conduct, FakeProvider, House, person::PATIENCE};
use tokio::time::{Instant, sleep};

/// What it is called, what it is, and the word that a page is told.
type Wrong = (&'static str, Conduct, &'static str);

/// The description is read again until it is believed, so what is wrong with it comes first.
fn wrongs(now_s: i64) -> Vec<Wrong> {
    let claim = Conduct::Claim;
    let groups = (0..60).map(|number| format!("{number:060}")).collect();
    vec![
        ("another issuer in its description", Conduct::SomebodyElse, "provider_answer"),
        ("tokens where everybody can read along", Conduct::Open, "provider_answer"),
        ("an error of its own", Conduct::Status(500), "provider_down"),
        ("too many requests", Conduct::Status(429), "provider_down"),
        ("too late", Conduct::Late(Duration::from_secs(5)), "provider_down"),
        ("a no", Conduct::SaysNo, "denied"),
        ("nothing there", Conduct::Status(404), "provider_answer"),
        ("sent elsewhere", Conduct::SendsElsewhere, "provider_answer"),
        ("an answer without an end", Conduct::Endless, "provider_answer"),
        ("an answer that is none", Conduct::Garbage, "provider_answer"),
        ("an answer in another's name", Conduct::MixedUp, "expired"),
        ("another issuer", claim("iss", json!("https://somebody.example")), "provider_answer"),
        ("another audience", claim("aud", json!("them")), "provider_answer"),
        ("several audiences, and no party", claim("aud", json!(["us", "them"])), "provider_answer"),
        ("another party", claim("azp", json!("them")), "provider_answer"),
        ("another nonce", claim("nonce", json!("another")), "provider_answer"),
        ("no nonce", claim("nonce", json!(null)), "provider_answer"),
        ("an old token", claim("exp", json!(now_s - 3_600)), "provider_answer"),
        ("a token of tomorrow", claim("iat", json!(now_s + 86_400)), "provider_answer"),
        ("nobody", claim("sub", json!("")), "provider_answer"),
        ("no signature (alg none)", Conduct::Unsigned, "provider_answer"),
        ("a key that it does not show", Conduct::ForeignKey, "provider_answer"),
        ("a tenant that is none", claim("tenant", json!("a' OR 1=1")), "claims"),
        ("a user that turns the text", claim("sub", json!("a\u{202e}b")), "claims"),
        ("a tier that is none", claim("tier", json!("gold")), "claims"),
        ("roles that are no list", claim("roles", json!({"admin": true})), "claims"),
        ("more groups than a cookie holds", claim("groups", groups), "claims"),
    ]
}

#[tokio::test]
async fn what_a_provider_does_wrong_is_said_in_a_word_and_signs_nobody_in() -> anyhow::Result<()> {
    let keys = tempfile::tempdir()?;
    let provider = FakeProvider::start(keys.path()).await?;
    let house = House::with(|options| options.core_overrides = provider.config("")).await?;
    for (name, conduct, word) in wrongs(chrono::Utc::now().timestamp()) {
        provider.set(conduct);
        let mut carol = Browser::of(&house)?;
        let back = carol.follow("/auth/login?provider=fake").await?;
        assert_eq!(back.query(), Some(format!("sign_in_error={word}").as_str()), "{name}");
        assert!(carol.cookies.is_empty(), "{name}: {:?}", carol.cookies);
    }
    provider.set(Conduct::Good);
    let mut carol = Browser::of(&house)?;
    assert_eq!(carol.follow("/auth/login?provider=fake").await?.path(), "/");
    let me = carol.get("/auth/me").await?.body;
    assert_eq!((&me["user"], &me["roles"]), (&json!("carol"), &json!(["user"])), "by the defaults");
    house.stop().await
}

#[tokio::test]
async fn a_provider_that_changes_its_key_is_believed_again_within_seconds() -> anyhow::Result<()> {
    let keys = tempfile::tempdir()?;
    let provider = FakeProvider::start(keys.path()).await?;
    let house = House::with(|options| options.core_overrides = provider.config("")).await?;
    assert_eq!(Browser::of(&house)?.follow("/auth/login?provider=fake").await?.query(), None);
    provider.set(Conduct::NewKey);
    // Keys are not read again for each token that names one that is not known.
    let deadline = Instant::now() + PATIENCE;
    while let Some(word) = Browser::of(&house)?.follow("/auth/login?provider=fake").await?.query() {
        assert_eq!(word, "sign_in_error=provider_answer");
        assert!(Instant::now() < deadline, "its new key is not read");
        sleep(Duration::from_millis(200)).await;
    }
    house.stop().await
}

#[tokio::test]
async fn with_a_provider_that_is_not_there_nobody_signs_in() -> anyhow::Result<()> {
    let keys = tempfile::tempdir()?;
    let provider = FakeProvider::start(keys.path()).await?;
    let house = House::with(|options| options.core_overrides = provider.config("")).await?;
    drop(provider);
    let mut carol = Browser::of(&house)?;
    let back = carol.follow("/auth/login?provider=fake").await?;
    assert_eq!(back.query(), Some("sign_in_error=provider_down"));
    let back = carol.follow("/auth/login?provider=nobody").await?;
    assert_eq!(back.query(), Some("sign_in_error=not_here"));
    house.stop().await
}
