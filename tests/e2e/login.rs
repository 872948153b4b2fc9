//! Signing in, through edge and core: with the development provider, and with one that misbehaves.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use switchboard_tests::{Browser, Conduct, FakeProvider, House, person::PATIENCE};
use tokio::time::Instant;

const TOKEN: &str = "__Host-switchboard-token";
const SESSION: &str = "__Host-switchboard-session";

#[tokio::test]
async fn whoever_signs_in_with_the_development_provider_is_somebody_until_they_sign_out() -> anyhow::Result<()>
{
    let house = House::start().await?;
    let mut ann = Browser::of(&house)?;
    let nobody = ann.get("/auth/me").await?;
    assert_eq!((nobody.status, &nobody.body["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")));
    let providers = ann.get("/auth/providers").await?.body;
    assert_eq!(
        providers,
        json!({"providers": [{"id": "dev", "name": "Development", "development": true, "users": ["ann", "bob"]}]})
    );
    ann.sign_in("ann").await?;
    let me = ann.get("/auth/me").await?.body;
    assert_eq!(
        (&me["user"], &me["tenant"], &me["tier"]),
        (&json!("ann"), &json!("demo"), &json!("standard"))
    );
    assert_eq!((&me["name"], &me["roles"]), (&json!("Ann Archer"), &json!(["user", "agent-admin", "admin"])));
    assert!(me["session"].is_string() && me["expires_at"].is_string(), "{me}");

    let made = ann.script(Method::POST, "/v1/conversations", Some(json!({"title": "Rain"}))).await?;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(ann.get("/v1/conversations").await?.body["items"][0]["title"], "Rain");
    assert_eq!(ann.get("/auth/sessions").await?.body["sessions"][0]["client"], "a browser of a test");

    let held = ann.cookies.clone();
    assert_eq!(ann.script(Method::POST, "/auth/logout", None).await?.status, StatusCode::NO_CONTENT);
    assert!(ann.cookie(TOKEN).is_none() && ann.cookie(SESSION).is_none());
    ann.cookies = held;
    let refreshed = ann.script(Method::POST, "/auth/refresh", None).await?;
    assert_eq!(refreshed.status, StatusCode::UNAUTHORIZED, "whoever kept the cookies has nothing of them");
    assert!(ann.cookie(TOKEN).is_none());
    house.stop().await
}

#[tokio::test]
async fn a_page_that_is_opened_again_is_signed_in_still_and_a_token_is_renewed_before_it_ends()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let first = bob.cookie(TOKEN).map(str::to_owned);
    bob.forget(TOKEN);
    assert_eq!(bob.get("/v1/conversations").await?.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.get("/auth/me").await?.body["user"], "bob");
    assert!(bob.cookie(TOKEN).is_some() && bob.cookie(TOKEN) != first.as_deref());
    let second = bob.cookie(TOKEN).map(str::to_owned);
    assert_eq!(bob.script(Method::POST, "/auth/refresh", None).await?.status, StatusCode::NO_CONTENT);
    assert!(bob.cookie(TOKEN) != second.as_deref());
    assert_eq!(bob.get("/v1/conversations").await?.status, StatusCode::OK);
    house.stop().await
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_and_signs_nobody_out() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = Browser::signed_in(&house, "ann").await?;
    for (method, path) in [
        (Method::POST, "/v1/conversations"),
        (Method::POST, "/chat"),
        (Method::POST, "/v1/keys"),
        (Method::POST, "/v1/tickets"),
        (Method::POST, "/auth/logout"),
        (Method::POST, "/auth/refresh"),
        (Method::DELETE, "/auth/sessions/01980000-0000-7000-8000-000000000000"),
    ] {
        let came = ann.script_of("https://evil.example", method, path, Some(json!({}))).await?;
        assert_eq!(came.status, StatusCode::FORBIDDEN, "{path}: {}", came.body);
        let url = ann.edge.join(path)?;
        let form = ann.request_of(Method::POST, &url).body("a=b");
        assert_eq!(ann.send(form, url).await?.status, StatusCode::FORBIDDEN, "{path} as a form sends it");
    }
    assert_eq!(ann.get("/auth/me").await?.status, StatusCode::OK);
    house.stop().await
}

#[tokio::test]
async fn an_answer_that_is_replayed_or_belongs_to_another_browser_signs_nobody_in() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = Browser::of(&house)?;
    let begun = ann.get("/auth/login?provider=dev&as=ann").await?.location.expect("the provider");
    let carried = ann.cookies.clone();
    let back = ann.get(begun.as_str()).await?.location.expect("back to the edge");

    let mut other = Browser::of(&house)?;
    let refused = other.get(back.as_str()).await?.location.expect("back to the page");
    assert_eq!(refused.query(), Some("sign_in_error=expired"), "a browser that has begun nothing");
    other.get("/auth/login?provider=dev&as=bob").await?;
    let refused = other.get(back.as_str()).await?.location.expect("back to the page");
    assert_eq!(refused.query(), Some("sign_in_error=expired"), "one that has begun something else");
    assert!(other.cookie(SESSION).is_none());

    assert_eq!(ann.get(back.as_str()).await?.location.expect("in").path(), "/");
    assert!(ann.cookie(SESSION).is_some());
    let again = ann.get(back.as_str()).await?.location.expect("back to the page");
    assert_eq!(again.query(), Some("sign_in_error=expired"), "its cookie is gone");
    let mut kept = Browser::of(&house)?;
    kept.cookies = carried;
    let again = kept.get(back.as_str()).await?.location.expect("back to the page");
    assert_eq!(again.query(), Some("sign_in_error=denied"), "the code is used up");
    assert!(kept.cookie(SESSION).is_none());
    house.stop().await
}

#[tokio::test]
async fn nobody_is_sent_to_a_page_of_others_nor_comes_by_an_address_that_is_not_ours() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut ann = Browser::of(&house)?;
    for to in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let back = ann.follow(&format!("/auth/login?provider=dev&as=ann&return_to={to}")).await?;
        assert_eq!((back.host_str(), back.path()), (ann.edge.host_str(), "/"), "{to}");
    }
    let url = ann.edge.join("/auth/login?provider=dev")?;
    let request = ann.old_request_of(Method::GET, &url).header("host", "evil.example");
    let refused = ann.send(request, url).await?.location.expect("back to the page");
    assert_eq!(refused.query(), Some("sign_in_error=not_here"));
    house.stop().await
}

#[tokio::test]
async fn of_two_tabs_that_renew_at_once_one_asks_the_provider_and_both_go_on() -> anyhow::Result<()> {
    let keys = tempfile::tempdir()?;
    let provider = FakeProvider::start(keys.path()).await?;
    let house = House::with(|options| {
        options.cores = 2;
        options.core_overrides = provider.config("check_s = 1");
    })
    .await?;
    let mut carol = Browser::of(&house)?;
    carol.follow("/auth/login?provider=fake").await?;
    let asked = || provider.asked("refresh_token");
    let deadline = Instant::now() + PATIENCE;
    while asked().is_empty() {
        assert!(Instant::now() < deadline, "it is not asked");
        let tabs: Vec<_> = (0..8).map(|_| carol.clone()).collect();
        let renewed = tabs.into_iter().map(|mut tab| async move {
            let status = tab.script(Method::POST, "/auth/refresh", None).await?.status;
            let works = tab.get("/v1/conversations").await?.status;
            anyhow::Ok((status, works))
        });
        for outcome in futures::future::join_all(renewed).await {
            assert_eq!(outcome?, (StatusCode::NO_CONTENT, StatusCode::OK));
        }
    }
    let tokens: BTreeSet<_> = asked().iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(tokens.len(), asked().len(), "no refresh token is shown twice");

    provider.set(Conduct::Status(503));
    let before = asked().len();
    while asked().len() == before {
        assert!(Instant::now() < deadline, "it is not asked again");
        let renewed = carol.script(Method::POST, "/auth/refresh", None).await?;
        assert_eq!(renewed.status, StatusCode::NO_CONTENT, "while it cannot be asked, what is known holds");
    }
    provider.set(Conduct::SaysNo);
    let mut status = StatusCode::NO_CONTENT;
    for _ in 0..100 {
        status = carol.script(Method::POST, "/auth/refresh", None).await?.status;
        if status != StatusCode::NO_CONTENT {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, StatusCode::UNAUTHORIZED, "and when it says no, the session is over");
    house.stop().await
}

#[tokio::test]
async fn whoever_signs_out_everywhere_is_signed_out_in_each_browser() -> anyhow::Result<()> {
    let house = House::start().await?;
    let mut one = Browser::signed_in(&house, "ann").await?;
    let mut two = Browser::signed_in(&house, "ann").await?;
    let mut three = Browser::signed_in(&house, "ann").await?;
    let mut bob = Browser::signed_in(&house, "bob").await?;
    let sessions = one.get("/auth/sessions").await?.body;
    let list = sessions["sessions"].as_array().expect("a list").clone();
    assert_eq!(list.len(), 3, "{sessions}");
    assert_eq!(list.iter().filter(|one| one["current"] == true).count(), 1, "{sessions}");
    let of_three = three.get("/auth/me").await?.body["session"].as_str().expect("an id").to_owned();
    let path = format!("/auth/sessions/{of_three}");
    assert_eq!(bob.script(Method::DELETE, &path, None).await?.status, StatusCode::NOT_FOUND);
    assert_eq!(one.script(Method::DELETE, &path, None).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(three.get("/auth/me").await?.status, StatusCode::UNAUTHORIZED);
    let everywhere = Some(json!({"everywhere": true}));
    assert_eq!(one.script(Method::POST, "/auth/logout", everywhere).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(two.script(Method::POST, "/auth/refresh", None).await?.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.get("/auth/me").await?.status, StatusCode::OK);
    house.stop().await
}

#[tokio::test]
async fn who_signs_out_at_their_provider_is_signed_out_here() -> anyhow::Result<()> {
    let keys = tempfile::tempdir()?;
    let provider = FakeProvider::start(keys.path()).await?;
    let house = House::with(|options| options.core_overrides = provider.config("")).await?;
    let mut carol = Browser::of(&house)?;
    carol.follow("/auth/login?provider=fake").await?;
    let url = carol.edge.join("/auth/backchannel-logout")?;
    let mut them = Browser::of(&house)?;
    for (about, status) in [
        (json!({"sub": "carol", "nonce": "n"}), StatusCode::BAD_REQUEST),
        (json!({"sub": "carol", "aud": "them"}), StatusCode::BAD_REQUEST),
        (json!({"sub": "carol", "events": {}}), StatusCode::BAD_REQUEST),
        (json!({"sub": "dave"}), StatusCode::OK),
        (json!({"sid": "another-session"}), StatusCode::OK),
    ] {
        let form = format!("logout_token={}", provider.logout_token(&about)?);
        let request = them.request_of(Method::POST, &url).body(form);
        assert_eq!(them.send(request, url.clone()).await?.status, status, "{about}");
        assert_eq!(carol.get("/auth/me").await?.status, StatusCode::OK, "{about}");
    }
    for about in [json!({"sub": "carol", "sid": "their-session"}), json!({"sub": "carol"})] {
        let mut carol = Browser::of(&house)?;
        carol.follow("/auth/login?provider=fake").await?;
        let form = format!("logout_token={}", provider.logout_token(&about)?);
        let request = them.request_of(Method::POST, &url).body(form);
        assert_eq!(them.send(request, url.clone()).await?.status, StatusCode::OK, "{about}");
        let refused = carol.script(Method::POST, "/auth/refresh", None).await?;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{about}");
    }
    house.stop().await
}

#[tokio::test]
async fn without_a_provider_the_page_is_told_so() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.core_overrides = toml::toml! {
            [login]
            providers = []
        };
    })
    .await?;
    let mut ann = Browser::of(&house)?;
    assert_eq!(ann.get("/auth/providers").await?.body, json!({"providers": []}));
    let back = ann.follow("/auth/login?provider=dev").await?;
    assert_eq!(back.query(), Some("sign_in_error=not_here"));
    let me: Value = ann.get("/auth/me").await?.body;
    assert_eq!(me["code"], "unauthenticated");
    house.stop().await
}
