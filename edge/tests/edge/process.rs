//! The edge as a process: its arguments, its one line, its signals, its exit codes, its memory.

use crate::{
    house::{House, configuration_text, until},
    issuer::{ISSUER, Key, claims, jwks},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_switchboard-edge");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn file(house: &House, name: &str, text: &str) -> PathBuf {
    let path = house.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

pub(crate) struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    pub(crate) fn start(house: &House, settings: &str) -> Self {
        Self::start_with(house, settings, &[])
    }

    fn start_with(house: &House, settings: &str, environment: &[(&str, &str)]) -> Self {
        let text = configuration_text(house.dir.path(), &[house.cores[0].url()], settings);
        let path = file(house, "edge.toml", &text);
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--config", path.to_str().unwrap()])
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(house.dir.path().join("edge.log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    fn address(&self) -> SocketAddr {
        self.ready["url"].as_str().unwrap().strip_prefix("https://").unwrap().parse().unwrap()
    }

    fn memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn terminate(&mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_says_where_it_is_and_drains_on_sigterm() {
    let house = House::start().await;
    let mut process = Process::start(&house, "socket.drain_spread_ms = 0");
    assert_eq!(process.ready["ready"], true);
    assert!(process.ready["admin"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let token = ("authorization", format!("Bearer {}", house.token("ann")));
    let mut ws = house.open_at(process.address(), "/ws", &[token]).await.unwrap();
    assert_eq!(ws.next().await["type"], "welcome");
    let started = SystemTime::now();
    let ended = tokio::task::spawn_blocking(move || process.terminate());
    assert_eq!(ws.closed().await, 1012);
    assert_eq!(ended.await.unwrap(), Some(0));
    assert!(started.elapsed().unwrap() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_socket_takes_less_than_40_kb() {
    const COUNT: u64 = 400;
    let house = House::start().await;
    let process = Process::start(&house, "");
    let token = ("authorization", format!("Bearer {}", house.token("ann")));
    let open = async || {
        let mut ws = house.open_at(process.address(), "/ws", std::slice::from_ref(&token)).await.unwrap();
        assert_eq!(ws.next().await["type"], "welcome");
        ws
    };
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(open().await);
    }
    let before = process.memory_kb();
    for _ in 0..COUNT {
        sockets.push(open().await);
    }
    let each = process.memory_kb().saturating_sub(before) / COUNT;
    println!("{each} KB for each idle socket");
    assert!(each < 40, "{each} KB");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_does_not_take_over_http2_costs_little() {
    const COUNT: u64 = 100;
    let house = House::start().await;
    for _ in 0..10 {
        house.log.large(100_000);
    }
    let process = Process::start(&house, "");
    let before = process.memory_kb();
    let tls = house.tls2_to(process.address()).await;
    let (mut client, connection) =
        h2::client::Builder::new().initial_window_size(0).handshake::<_, bytes::Bytes>(tls).await.unwrap();
    let driver = tokio::spawn(connection);
    let url = house.url(&format!("/v1/conversations/{}/events?after=0", house.log.conversation));
    let mut held = Vec::new();
    for _ in 0..COUNT {
        client = client.ready().await.unwrap();
        let token = format!("Bearer {}", house.token("ann"));
        let request = http::Request::get(&url).header("authorization", token).body(()).unwrap();
        let answer = client.send_request(request, true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), 200);
        held.push(answer);
    }
    // Each answer goes on until nothing more is read of it: then the cores' side stands still.
    let (mut last, mut still) = (0, 0);
    until("it takes no more", async || {
        let now = process.memory_kb();
        still = if now == last { still + 1 } else { 0 };
        last = now;
        still == 20
    })
    .await;
    let grown = process.memory_kb().saturating_sub(before);
    println!("{grown} KB for {COUNT} answers of 1 MB that nobody takes");
    assert!(grown < 20_000, "{grown} KB");
    driver.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_nonsense_over_http2_is_no_error_of_ours() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let frame = |kind: u8, flags: u8, stream: u32, body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
    };
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &[])].concat();
    let house = House::start().await;
    let process = Process::start(&house, "");
    for (what, bytes) in [
        ("DATA on stream 0", frame(0, 0, 0, b"x")),
        ("DATA on a stream that is idle", frame(0, 0, 1, b"x")),
        ("HEADERS that HPACK cannot read", frame(1, 5, 1, &[0xff; 20])),
        ("HEADERS of a stream of ours", frame(1, 5, 2, &[0x82])),
        ("HEADERS without a path", frame(1, 5, 1, &[0x82, 0x87])),
        ("a window that grows by nothing", frame(8, 0, 0, &[0; 4])),
        ("a window that overflows", frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ("PING of 3 bytes", frame(6, 0, 0, &[0; 3])),
        ("SETTINGS of 5 bytes", frame(4, 0, 0, &[0; 5])),
        ("SETTINGS with a wrong value", frame(4, 0, 0, &[0, 2, 0, 0, 0, 9])),
        ("RST_STREAM of an idle stream", frame(3, 0, 1, &[0; 4])),
        ("CONTINUATION of nothing", frame(9, 4, 1, &[0x82])),
        ("a frame above its bound", frame(0, 0, 1, &vec![0; 20_000])),
        ("PUSH_PROMISE", frame(5, 4, 1, &[0, 0, 0, 2, 0x82])),
        ("a frame of no known kind", frame(0xee, 0xff, 7, b"whatever")),
        ("an end in the middle of a frame", frame(1, 5, 1, &[0x82; 30])[..12].to_vec()),
        ("words", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
    ] {
        let mut tls = house.tls2_to(process.address()).await;
        tls.write_all(&[preface.clone(), bytes].concat()).await.unwrap();
        // The edge may have ended the connection already.
        drop(tls.shutdown().await);
        let mut answer = Vec::new();
        let read = tokio::time::timeout(crate::house::PATIENCE, tls.read_to_end(&mut answer)).await;
        drop(read.unwrap_or_else(|_| panic!("{what}: the connection is ended")));
    }
    let url = format!("https://localhost:{}/openapi.json", process.address().port());
    assert_eq!(house.client().build().unwrap().get(url).send().await.unwrap().status(), 200);
    let log = std::fs::read_to_string(house.dir.path().join("edge.log")).unwrap();
    assert!(!log.is_empty() && !log.contains("ERROR") && !log.contains("panicked"), "{log}");
}

#[test]
fn the_command_line_says_what_it_takes_and_refuses_what_it_does_not() {
    for (asked, answer) in [("--help", "check"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let told = run(&[asked]);
        assert_eq!(told.status.code(), Some(0), "{asked}");
        assert!(String::from_utf8_lossy(&told.stdout).contains(answer), "{asked}");
    }
    for bad in [&[][..], &["serve"], &["serve", "--config"], &["run"], &["check", "--config", "f", "more"]] {
        let refused = run(bad);
        assert_eq!(refused.status.code(), Some(2), "{bad:?}");
        assert!(refused.stdout.is_empty() && !refused.stderr.is_empty(), "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_say_what_is_wrong() {
    let house = House::start().await;
    let dir = house.dir.path();
    let cores = [house.cores[0].url()];
    let config = |name: &str, settings: &str| {
        file(&house, name, &configuration_text(dir, &cores, settings)).to_str().unwrap().to_owned()
    };
    let good = config("good.toml", "");
    let checked = run(&["check", "--config", &good]);
    assert_eq!(checked.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&checked.stdout), format!("{good}: ok\n"));
    let bad = file(&house, "bad.toml", "listn = 1\nidentity_key = \"short\"\n").to_str().unwrap().to_owned();
    for command in ["check", "serve"] {
        let refused = run(&[command, "--config", &bad]);
        assert_eq!(refused.status.code(), Some(3));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("bad.toml:1: listn: unknown key"), "{said}");
        assert!(!said.contains("short"), "secrets are not printed: {said}");
    }
    let in_use = config("used.toml", &format!("listen = \"{}\"", house.edge.address));
    assert_eq!(run(&["serve", "--config", &in_use]).status.code(), Some(4));
    let no_redis = config("redis.toml", "redis.urls = [\"redis://127.0.0.1:1\"]");
    assert_eq!(run(&["serve", "--config", &no_redis]).status.code(), Some(4));
    let no_keys = config("keys.toml", "auth.jwks = \"/nonexistent/jwks.json\"");
    assert_eq!(run(&["serve", "--config", &no_keys]).status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_at_a_url_are_fetched_and_outlive_an_outage() {
    static KEYS: Mutex<String> = Mutex::new(String::new());
    let (one, two) = (Key::ed("one"), Key::ed("two"));
    *KEYS.lock().unwrap() = jwks(&[&one]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let app =
        axum::Router::new().route("/jwks", axum::routing::get(|| async { KEYS.lock().unwrap().clone() }));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let house = House::with(&format!("auth.jwks = \"{url}\""), 1).await;
    assert!(ISSUER.starts_with("https"));
    let status =
        async |key: &Key| house.get("/v1/agents", &key.token(&claims("ann"))).await.status().as_u16();
    assert_eq!(status(&one).await, 200);
    // An unknown key is looked for at most once in 30 s, and the first load counts.
    *KEYS.lock().unwrap() = jwks(&[&one, &two]);
    assert_eq!(status(&two).await, 401);
    server.abort();
    assert_eq!(status(&Key::ed("three")).await, 401);
    until("the keys stay", async || status(&one).await == 200).await;
}

/// Answers whatever is asked, and counts that.
async fn answering(answer: axum::http::Response<String>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = asked.clone();
    let app = axum::Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(answer.clone())
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, asked)
}

fn answer(status: u16, location: Option<&str>, body: &str) -> axum::http::Response<String> {
    let mut answer = axum::http::Response::builder().status(status);
    if let Some(to) = location {
        answer = answer.header("location", to);
    }
    answer.body(body.to_owned()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_had_are_a_fault_that_says_why() {
    let house = House::start().await;
    let (moved, _) = answering(answer(302, Some("https://login.example/keys"), "")).await;
    let (page, _) = answering(answer(200, None, "<html>Sign in</html>")).await;
    let (missing, _) = answering(answer(404, None, "{}")).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (name, settings, said) in [
        (
            "a redirect",
            format!("auth.jwks = \"http://{moved}/\""),
            "302 Found and leads to https://login.example/keys",
        ),
        ("a page", format!("auth.jwks = \"http://{page}/\""), "not a JSON Web Key Set"),
        ("nothing there", format!("auth.jwks = \"http://{missing}/\""), "the URL answers 404"),
        ("nobody", format!("auth.jwks = \"http://{free}/\""), "cannot be fetched: "),
        (
            "a proxy that is away",
            format!("auth.jwks = \"http://{page}/\"\nauth.jwks_proxy = \"http://u:hunter2@{free}\""),
            &format!("cannot be fetched through the proxy http://{free}: "),
        ),
    ] {
        let text = configuration_text(house.dir.path(), &[house.cores[0].url()], &settings);
        let path = file(&house, "faulty.toml", &text);
        let output = run(&["serve", "--config", path.to_str().unwrap()]);
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && log.contains(said), "{name}: {log}");
        assert!(!log.contains("hunter2"), "{name}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_configuration_says_which_proxy_there_is() {
    let house = House::start().await;
    let (key, dead) = (Key::ed("one"), "http://127.0.0.1:1");
    let (issuer, asked) = answering(answer(200, None, &jwks(&[&key]))).await;
    let (proxy, by_proxy) = answering(answer(200, None, &jwks(&[&key]))).await;
    let settings = format!("auth.jwks = \"http://{issuer}/keys\"\nauth.jwks_proxy = \"\"");
    for (settings, directly, through) in
        [(settings.clone(), 1, 0), (settings.replace("\"\"", &format!("\"http://{proxy}\"")), 1, 1)]
    {
        let environment = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
        let mut edge = Process::start_with(&house, &settings, &environment.map(|name| (name, dead)));
        assert_eq!(edge.terminate(), Some(0), "{settings}");
        assert_eq!((asked.load(Ordering::SeqCst), by_proxy.load(Ordering::SeqCst)), (directly, through));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_tokens_reason_is_in_the_log_and_the_token_is_not() {
    let house = House::start().await;
    let mut edge = Process::start(&house, "");
    let mut refused = claims("ann");
    refused["tenant"] = "a/b".into();
    let token = house.key.token(&refused);
    let url = format!("https://localhost:{}/v1/agents", edge.address().port());
    let answer = house.client().build().unwrap().get(url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let said: Value = answer.json().await.unwrap();
    assert_eq!(said["detail"], "the token is not accepted here");
    assert_eq!(edge.terminate(), Some(0));
    let log = std::fs::read_to_string(house.dir.path().join("edge.log")).unwrap();
    assert!(log.contains("auth.claims.tenant leads to no tenant"), "{log}");
    assert!(token.split('.').all(|part| !log.contains(part)) && !log.contains("a/b"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_trace_goes_on_at_the_core() {
    use switchboard_shared::telemetry::Telemetry;
    let house = House::start().await;
    let telemetry = Telemetry::start("edge-test", &house.edge.edge.config.telemetry).unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let client = house.client().build().unwrap();
    let request = client.get(house.url("/v1/agents")).bearer_auth(house.token("ann"));
    let sent = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(house.get("/v1/agents", &house.token("ann")).await.status(), 200);
    let seen: Vec<String> = house
        .log
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|seen| seen.headers["traceparent"].to_str().unwrap().to_owned())
        .collect();
    assert!(seen[0].contains(trace) && !seen[0].contains("00f067aa0ba902b7"), "{seen:?}");
    assert!(!seen[1].contains(trace), "{seen:?}");
    drop(telemetry);
}
