//! Signing in with a provider that others wrote: npm's `oidc-provider`, on a socket.

use anyhow::Context;
use futures::future::join_all;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::Stdio};
use switchboard::{client::next_text, topology::ports};
use switchboard_tests::{Browser, Came, House, guest::node, person::PATIENCE};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    time::{Duration, Instant, sleep, timeout},
};

const TABS: usize = 8;

/// The provider.
struct Corp {
    url: Url,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Corp {
    /// A house that signs people in with it, and asks it again whenever it may.
    async fn with_house() -> anyhow::Result<(Self, House)> {
        let port = ports::free()?;
        let settings = format!(
            "[login]\ncheck_s = 1\n[[login.providers]]\nid = \"corp\"\nname = \"Corp\"\n\
             issuer = \"http://127.0.0.1:{port}\"\nclient_id = \"switchboard\"\nclient_secret = \"s3cret:/ +%\"\n\
             scopes = [\"openid\", \"profile\", \"corp\", \"offline_access\"]\n\
             parameters = {{ prompt = \"consent\" }}\nsign_out = true\n\
             claims = {{ user = \"login\", tenant = \"org.id\", roles = \"realm_access.roles\", tier = \"plan\" }}\n"
        );
        let settings = toml::from_str(&settings)?;
        let house = House::with(|options| (options.cores, options.core_overrides) = (2, settings)).await?;
        let origin = house.topology().url().origin().ascii_serialization();
        let mut process = node("oidc_provider.mjs")
            .args([port.to_string(), origin])
            .env("NODE_EXTRA_CA_CERTS", house.topology().ca())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().context("it is piped")?;
        let lines = BufReader::new(process.stdout.take().context("it is piped")?).lines();
        let url = format!("http://127.0.0.1:{port}").parse()?;
        let mut corp = Self { url, input, lines, _process: process };
        anyhow::ensure!(corp.heard().await?["ready"] == true, "it does not begin");
        Ok((corp, house))
    }

    async fn tell(&mut self, what: Value) -> anyhow::Result<Value> {
        self.input.write_all(format!("{what}\n").as_bytes()).await?;
        self.heard().await
    }

    /// As a person signs out there: a page asks, and they agree.
    async fn sign_out(&self, browser: &mut Browser, at: &Url) -> anyhow::Result<Came> {
        let asked = browser.get(at.as_str()).await?;
        let xsrf = asked.text.split("name=\"xsrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let form = format!("xsrf={}&logout=yes", xsrf.with_context(|| asked.text.clone())?);
        let url = self.url.join("/session/end/confirm")?;
        let request = browser.request_of(Method::POST, &url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        browser.send(request, url).await
    }

    async fn heard(&mut self) -> anyhow::Result<Value> {
        let line = timeout(PATIENCE, self.lines.next_line()).await??.context("it has ended")?;
        Ok(serde_json::from_str(&line)?)
    }
}

async fn signed_in(house: &House, user: &str) -> anyhow::Result<Browser> {
    let mut browser = Browser::of(house)?;
    let back = browser.follow(&format!("/auth/login?provider=corp&as={user}")).await?;
    assert_eq!((back.path(), back.query()), ("/", None), "{back}");
    Ok(browser)
}

/// Renews again and again until somebody is signed in no more.
async fn is_signed_out(browser: &mut Browser) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let renewed = browser.clone().script(Method::POST, "/auth/refresh", None).await?.status;
        if renewed == StatusCode::UNAUTHORIZED {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline && renewed == StatusCode::NO_CONTENT, "{renewed}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn closes_with_4401(mut socket: switchboard::client::Socket) -> anyhow::Result<()> {
    let reading = async {
        loop {
            if let Err(closed) = next_text(&mut socket).await {
                return closed.code;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, reading).await?, Some(4401));
    Ok(())
}

#[tokio::test]
async fn who_signs_in_with_a_provider_that_others_wrote_is_who_it_says_and_stays_it_in_every_tab()
-> anyhow::Result<()> {
    let (mut corp, house) = Corp::with_house().await?;
    let mut dora = signed_in(&house, "dora").await?;
    let me = dora.get("/auth/me").await?.body;
    assert_eq!(
        (&me["user"], &me["name"], &me["tenant"]),
        (&json!("dora"), &json!("dora of Corp"), &json!("corp"))
    );
    let roles: BTreeSet<_> = me["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(roles, BTreeSet::from(["agent-admin", "user"]), "roles that are none of ours are passed over");
    assert_eq!((&me["groups"], &me["tier"]), (&json!(["finance", "hr"]), &json!("premium")));
    let made = dora.script(Method::POST, "/v1/conversations", Some(json!({"title": "Rain"}))).await?;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);

    // It takes each refresh token once, and ends everything when one is shown twice. Tabs that renew at once, at two
    // cores, do not do that.
    let deadline = Instant::now() + PATIENCE;
    while corp.tell(json!({"do": "count"})).await?["used"].as_u64() < Some(3) {
        assert!(Instant::now() < deadline, "it is not asked");
        let mut tabs = vec![dora.clone(); TABS];
        let renewed = tabs.iter_mut().map(|tab| tab.script(Method::POST, "/auth/refresh", None));
        for renewed in join_all(renewed).await {
            assert_eq!(renewed?.status, StatusCode::NO_CONTENT);
        }
        dora = tabs.remove(0);
    }
    assert_eq!(dora.get("/v1/conversations").await?.body["items"][0]["title"], "Rain");

    let held = dora.clone();
    let socket = dora.page_socket().await?;
    assert_eq!(dora.script(Method::POST, "/auth/logout", None).await?.status, StatusCode::OK);
    closes_with_4401(socket).await?;
    is_signed_out(&mut held.clone()).await?;
    assert_eq!(signed_in(&house, "dora").await?.get("/auth/me").await?.body["user"], "dora", "and in again");
    house.stop().await
}

#[tokio::test]
async fn who_signs_out_at_a_provider_that_others_wrote_is_signed_out_here() -> anyhow::Result<()> {
    let (corp, house) = Corp::with_house().await?;
    let mut dora = signed_in(&house, "dora").await?;
    let mut emil = signed_in(&house, "emil").await?;
    let socket = dora.page_socket().await?;
    let done = corp.sign_out(&mut dora, &corp.url.join("/session/end")?).await?;
    assert!(done.status.is_redirection() || done.status.is_success(), "{} {}", done.status, done.text);
    closes_with_4401(socket).await?;
    is_signed_out(&mut dora).await?;
    assert_eq!(emil.get("/auth/me").await?.body["user"], "emil", "others stay");
    house.stop().await
}

#[tokio::test]
async fn who_signs_out_here_signs_out_at_a_provider_that_others_wrote_and_comes_back() -> anyhow::Result<()> {
    let (corp, house) = Corp::with_house().await?;
    let mut dora = signed_in(&house, "dora").await?;
    let out = dora.script(Method::POST, "/auth/logout", None).await?;
    assert_eq!(out.status, StatusCode::OK, "{}", out.body);
    let to: Url = out.body["to"].as_str().context("it is sent nowhere")?.parse()?;
    assert_eq!((to.port(), to.path()), (corp.url.port(), "/session/end"));
    assert_eq!(dora.get("/auth/me").await?.status, StatusCode::UNAUTHORIZED, "whether or not they go there");
    let done = corp.sign_out(&mut dora, &to).await?;
    assert_eq!(done.location, Some(dora.edge.join("/")?));
    house.stop().await
}

#[tokio::test]
async fn whom_a_provider_that_others_wrote_does_not_stand_by_any_more_is_signed_out() -> anyhow::Result<()> {
    let (mut corp, house) = Corp::with_house().await?;
    let mut dora = signed_in(&house, "dora").await?;
    let socket = dora.page_socket().await?;
    corp.tell(json!({"do": "revoke", "user": "dora"})).await?;
    is_signed_out(&mut dora).await?;
    closes_with_4401(socket).await?;
    house.stop().await
}
