//! HTTP through the edge.

use crate::{
    core::{FakeCore, last_seen},
    house::{House, certificate, read_all, until},
    issuer::with,
};
use futures::StreamExt;
use serde_json::json;
use std::time::Duration;
use switchboard_shared::{headers, problem::Problem};
use tokio::io::AsyncWriteExt;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_passes_over_both_versions_of_http() {
    let house = House::start().await;
    for (client, version) in [
        (house.client().http1_only().build().unwrap(), reqwest::Version::HTTP_11),
        (house.client().build().unwrap(), reqwest::Version::HTTP_2),
    ] {
        let answer =
            client.get(house.url("/v1/agents")).bearer_auth(house.token("ann")).send().await.unwrap();
        assert_eq!((answer.version(), answer.status().as_u16()), (version, 200));
        assert!(!answer.headers().contains_key("x-switchboard-secret"));
        assert_eq!(answer.headers()["ratelimit-policy"], "\"requests\";q=600;w=60");
        assert!(answer.headers().contains_key("x-request-id"));
        let posted =
            client.post(house.url("/chat")).bearer_auth(house.token("ann")).body("x".repeat(300_000));
        assert_eq!(posted.send().await.unwrap().text().await.unwrap(), "300000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_core_sees_what_the_edge_vouches_for_and_nothing_of_the_client() {
    let house = House::start().await;
    let answer = house
        .client()
        .build()
        .unwrap()
        .get(house.url("/v1/agents"))
        .bearer_auth(house.token("ann"))
        .header(headers::IDENTITY, "forged")
        .header(headers::REQUEST_ID, "mine")
        .header(headers::DEADLINE_MS, "1")
        .header("cookie", "c=1")
        .header("x-forwarded-for", "1.2.3.4")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let seen = last_seen(&house.log).unwrap();
    for gone in ["authorization", "cookie", "x-forwarded-for"] {
        assert!(!seen.contains_key(gone), "{gone}");
    }
    let identity = crate::core::who(&seen, "GET", "/v1/agents").unwrap();
    assert_eq!((identity.user.as_str(), identity.tenant.as_str()), ("ann", "acme"));
    assert_eq!(seen[headers::REQUEST_ID], answer.headers()[headers::REQUEST_ID]);
    assert!(seen[headers::DEADLINE_MS].to_str().unwrap().parse::<u64>().unwrap() > 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_core_sees_the_groups_of_the_token_but_those_that_are_no_names() {
    let house = House::start().await;
    let said = json!(["finance", "Domain Users", "/hr/payroll", 7, "finance"]);
    let token = house.key.token(&with("ann", "groups", said));
    // Neither a header of the client's own nor its query is heard.
    let url = house.url("/v1/agents?groups=board");
    let asking = house.client().build().unwrap().get(url).bearer_auth(token);
    let answer = asking.header("x-switchboard-groups", "board").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = last_seen(&house.log).unwrap();
    assert!(!seen.contains_key("x-switchboard-groups"));
    let identity = crate::core::who(&seen, "GET", "/v1/agents?groups=board").unwrap();
    let groups: Vec<_> = identity.groups.iter().map(|group| group.as_str()).collect();
    assert_eq!(groups, ["/hr/payroll", "finance"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_paths_pass_and_the_description_needs_no_token() {
    let house = House::start().await;
    let client = house.client().build().unwrap();
    assert_eq!(client.get(house.url("/openapi.json")).send().await.unwrap().status(), 200);
    for path in ["/nothing", "/healthz", "/metrics", "/v1/%2e%2e/healthz"] {
        let answer = house.get(path, &house.token("ann")).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], Problem::MEDIA_TYPE);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(answer.json::<Problem>().await.unwrap().request_id, Some(id.into()));
    }
    assert_eq!(house.log.paths(), ["/openapi.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thirty_first_message_in_a_minute_is_refused() {
    let house = House::start().await;
    let client = house.client().build().unwrap();
    let token = house.token("ann");
    let send = || client.post(house.url("/chat")).bearer_auth(&token).body("{}").send();
    for left in (0..30).rev() {
        let answer = send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let limit = answer.headers()["ratelimit"].to_str().unwrap().to_owned();
        let r: u32 = limit.split("r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
        // A refill may slip in while the test runs.
        assert!(r == left || r == left + 1, "{limit}");
    }
    let mut refused = send().await.unwrap();
    if refused.status() == 200 {
        refused = send().await.unwrap();
    }
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "2");
    assert_eq!(refused.headers()["ratelimit-policy"], "\"messages\";q=30;w=60");
    assert_eq!(refused.json::<Problem>().await.unwrap().retry_after_s, Some(2));
    // Reading, and other users, have limits of their own.
    assert_eq!(house.get("/v1/agents", &token).await.status(), 200);
    let bob =
        client.post(house.url("/chat")).bearer_auth(house.token("bob")).body("{}").send().await.unwrap();
    assert_eq!(bob.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_limited_before_its_token_is_looked_at() {
    let house = House::with("limits.ip_per_minute = 3", 1).await;
    let statuses: Vec<u16> = futures::stream::iter(0..5)
        .then(async |_| house.get("/v1/agents", "x").await.status().as_u16())
        .collect()
        .await;
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    let handshake = house.open("/ws", &[]).await;
    assert!(
        matches!(handshake, Err(tokio_tungstenite::tungstenite::Error::Http(answer)) if answer.status() == 429)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_limited_by_address_and_the_page_is_still_shown() {
    let house = House::with("limits.ip_per_minute = 3", 1).await;
    let client = house.client().build().unwrap();
    let get = async |path: &str| client.get(house.url(path)).send().await.unwrap().status().as_u16();
    let mut statuses = Vec::new();
    for path in
        ["/auth/login?provider=x", "/auth/callback?state=x", "/auth/me", "/auth/me", "/auth/providers"]
    {
        statuses.push(get(path).await);
    }
    // This core has no such route; what matters is which were passed on.
    assert_eq!(statuses, [404, 404, 404, 429, 429]);
    assert_eq!(client.post(house.url("/auth/refresh")).send().await.unwrap().status(), 429);
    assert_eq!(client.post(house.url("/auth/backchannel-logout")).send().await.unwrap().status(), 429);
    assert_ne!(get("/").await, 429, "files of the page are counted apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_an_address_keeps_nobody_out_whose_token_is_known() {
    let limits = "limits.ip_per_minute = 5\nlimits.requests_per_minute = 10";
    let house = House::with(limits, 1).await;
    let (ann, bob) = (house.token("ann"), house.token("bob"));
    for token in [&ann, &bob] {
        assert_eq!(house.get("/v1/agents", token).await.status(), 200);
    }
    let mut refused = house.get("/v1/agents", "x").await;
    for _ in 0..5 {
        refused = house.get("/v1/agents", "x").await;
    }
    assert_eq!(refused.status(), 429);
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["detail"], "5 requests from one address in 60 s are allowed");
    // Somebody new from there has to wait, and those who are known have limits of their own.
    assert_eq!(house.get("/v1/agents", &house.token("carl")).await.status(), 429);
    assert_eq!(house.get("/v1/agents", &bob).await.status(), 200);
    while house.get("/v1/agents", &ann).await.status() == 200 {}
    assert_eq!(house.get("/v1/agents", &bob).await.status(), 200);
    assert!(house.open("/ws", &[("authorization", format!("Bearer {bob}"))]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_stream_without_waiting_for_their_end() {
    let house = House::start().await;
    let path = format!("/v1/conversations/{}/events", house.log.conversation);
    let mut answer = house.get(&path, &house.token("ann")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let head = tokio::time::timeout(Duration::from_secs(2), answer.chunk()).await.unwrap().unwrap().unwrap();
    assert!(head.starts_with(b"event: attached"));
    house.log.durable();
    let event = tokio::time::timeout(Duration::from_secs(2), answer.chunk()).await.unwrap().unwrap().unwrap();
    assert!(event.starts_with(b"event: e") || event.starts_with(b": ping"));
    assert!(!last_seen(&house.log).unwrap().contains_key(headers::DEADLINE_MS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_core_is_not_noticed_while_another_one_lives() {
    let mut house = House::with("cores.health_interval_ms = 60000", 2).await;
    let token = house.token("ann");
    house.cores[0].kill();
    for _ in 0..6 {
        assert_eq!(house.get("/v1/agents", &token).await.status(), 200);
    }
    house.cores[1].kill();
    let refused = house.get("/v1/agents", &token).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_comes_back_is_found() {
    let mut house = House::start().await;
    let (token, address) = (house.token("ann"), house.cores[0].address);
    house.cores[0].kill();
    until("the edge notices", async || house.get("/v1/agents", &token).await.status() == 503).await;
    let _back = FakeCore::start_at(&house.log, address);
    until("the edge finds it", async || house.get("/v1/agents", &token).await.status() == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_its_deadline_is_answered_504() {
    let house = House::with("http.deadline_ms = 300", 1).await;
    let answer = house.get("/v1/slow", &house.token("ann")).await;
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.json::<Problem>().await.unwrap().code.code(), "deadline_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_one_request_after_another() {
    let house = House::start().await;
    let mut tls = house.tls().await;
    let request = |more: &str| {
        format!(
            "GET /v1/agents HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n{more}\r\n",
            house.token("ann")
        )
    };
    for _ in 0..3 {
        tls.write_all(request("").as_bytes()).await.unwrap();
        let mut buf = [0; 4096];
        let mut got = String::new();
        while !got.ends_with("{\"items\":[]}") && !got.ends_with("0\r\n\r\n") {
            let count = tokio::io::AsyncReadExt::read(&mut tls, &mut buf).await.unwrap();
            assert!(count > 0, "{got}");
            got.push_str(&String::from_utf8_lossy(&buf[..count]));
        }
        assert!(got.starts_with("HTTP/1.1 200"), "{got}");
    }
    tls.write_all(request("connection: close\r\n").as_bytes()).await.unwrap();
    assert!(read_all(&mut tls).await.starts_with("HTTP/1.1 200"));
    assert_eq!(house.log.paths().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_health_readiness_and_metrics() {
    let house = House::start().await;
    drop(house.get("/v1/agents", "x").await);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let admin = async |path: &str| {
        let answer = client.get(format!("http://{}{path}", house.edge.admin)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(admin("/healthz").await, (200, "ok".into()));
    assert_eq!(admin("/readyz").await, (200, "ready".into()));
    let (status, metrics) = admin("/metrics").await;
    assert_eq!(status, 200);
    for name in [
        "switchboard_edge_requests_total{",
        "switchboard_edge_request_seconds_bucket{",
        "switchboard_edge_open_sockets",
        "switchboard_edge_joined_conversations",
        "switchboard_edge_limit_decisions_total{",
        "switchboard_edge_limit_degraded_total",
        "switchboard_edge_auth_failures_total{reason=\"malformed\"}",
        "switchboard_edge_core_healthy{",
        "chat_requests_total",
        "chat_response_time_seconds_bucket",
        "active_conversations",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_over_grpc_is_counted_as_one() {
    let house = House::start().await;
    let client = house.client().build().unwrap();
    let asks =
        client.post(house.url("/lf.a2a.v1.A2AService/GetTask")).header("content-type", "application/grpc");
    let refused = asks.body(vec![0_u8; 5]).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["grpc-status"].as_bytes()), (200, &b"16"[..]));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    until("it is counted", async || {
        let answer = client.get(format!("http://{}/metrics", house.edge.admin)).send().await.unwrap();
        answer
            .text()
            .await
            .unwrap()
            .contains("switchboard_edge_requests_total{route=\"a2a\",status=\"401\"} 1")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_key_is_never_sent_twice() {
    let house = House::with("cores.health_interval_ms = 60000", 2).await;
    let client = house.client().build().unwrap();
    let path = format!("/v1/conversations/{}/break", house.log.conversation);
    let post = || client.post(house.url(&path)).bearer_auth(house.token("ann")).body("{}");
    assert_eq!(post().send().await.unwrap().status(), 502);
    assert_eq!(house.log.paths().len(), 1);
    // With a key it may be: on every core, until none is left.
    assert_eq!(post().header("idempotency-key", "k").send().await.unwrap().status(), 503);
    assert_eq!(house.log.paths().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_up_without_a_restart() {
    let mut house = House::start().await;
    let get = async |house: &House| {
        house.client().build().unwrap().get(house.url("/openapi.json")).send().await.is_ok()
    };
    assert!(get(&house).await);
    house.ca = certificate(house.dir.path());
    until("the new certificate is shown", async || get(&house).await).await;
}
