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
    sync::Mutex,
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

struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    fn start(house: &House, settings: &str) -> Self {
        let text = configuration_text(house.dir.path(), &[house.cores[0].url()], settings);
        let path = file(house, "edge.toml", &text);
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--config", path.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
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
    assert_eq!(run(&["serve"]).status.code(), Some(2));
    let in_use = config("used.toml", &format!("listen = \"{}\"", house.edge.address));
    assert_eq!(run(&["serve", "--config", &in_use]).status.code(), Some(4));
    let no_redis = config("redis.toml", "redis.urls = [\"redis://127.0.0.1:1\"]");
    assert_eq!(run(&["serve", "--config", &no_redis]).status.code(), Some(4));
    let no_keys = config("keys.toml", "auth.jwks = \"/nonexistent/jwks.json\"");
    assert_eq!(run(&["serve", "--config", &no_keys]).status.code(), Some(5));
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
