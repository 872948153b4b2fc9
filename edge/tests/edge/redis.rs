//! Limits on a real Redis Cluster of one node.

use crate::house::{House, configuration, until};
use std::{
    collections::BTreeSet,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};
use switchboard_edge::limit::Limits;
use switchboard_shared::identity::{Identity, Tier};

struct Redis {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Redis {
    async fn start() -> Self {
        // The cluster bus listens on port + 10000.
        let port = (0..)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
            .find(|port| *port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok())
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--cluster-enabled", "yes"])
            // A node that has met no other one does not know its own address, and fred takes that for a name.
            .args(["--cluster-announce-ip", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir", dir.path().to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Self { child, port, _dir: dir };
        until("redis answers", async || redis.cli(&["ping"]).contains("PONG")).await;
        redis.cli(&["cluster", "addslotsrange", "0", "16383"]);
        until("the cluster is whole", async || redis.cli(&["cluster", "info"]).contains("cluster_state:ok"))
            .await;
        redis
    }

    fn cli(&self, command: &[&str]) -> String {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(command).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed by the test.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn user(name: &str, tier: Tier) -> Identity {
    Identity {
        tenant: "acme".parse().unwrap(),
        user: name.parse().unwrap(),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
        tier,
        expires_at: i64::MAX,
    }
}

/// The house makes the files that a configuration has to name.
async fn limiters(redis: &Redis, settings: &str, count: usize) -> (House, Vec<Limits>) {
    let house = House::start().await;
    let settings = format!("redis.urls = [\"redis://127.0.0.1:{}\"]\n{settings}", redis.port);
    let config = configuration(house.dir.path(), &["http://127.0.0.1:1".into()], &settings);
    let mut limiters = Vec::new();
    for _ in 0..count {
        limiters.push(Limits::start(&config).await.unwrap());
    }
    (house, limiters)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edges_count_together_and_exactly() {
    let redis = Redis::start().await;
    let (_house, limits) = limiters(&redis, "", 2).await;
    // The slowest tier refills every 6 s, so that no refill slips in between.
    let ann = user("ann", Tier::Free);
    let decisions = futures::future::join_all((0..40).map(|i| limits[i % 2].message(&ann))).await;
    assert_eq!(decisions.iter().filter(|decision| decision.allowed).count(), 10);
    let refused = decisions.iter().find(|decision| !decision.allowed).unwrap();
    assert!(refused.remaining == 0 && (1..=6).contains(&refused.retry_after_s()), "{refused:?}");
    assert!(limits[1].message(&user("bob", Tier::Free)).await.allowed);
    assert!(
        redis.cli(&["pttl", "switchboard:limit:{acme/ann}:messages"]).trim().parse::<i64>().unwrap() > 50_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_forgot_the_script_counts_all_the_same() {
    let redis = Redis::start().await;
    let (_house, limits) = limiters(&redis, "", 1).await;
    let ann = user("ann", Tier::Free);
    for _ in 0..3 {
        assert!(limits[0].message(&ann).await.allowed);
        redis.cli(&["script", "flush"]);
    }
    assert_eq!(limits[0].message(&ann).await.remaining, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_edge_decides_for_itself_within_its_bound() {
    let mut redis = Redis::start().await;
    let (_house, limits) = limiters(&redis, "", 1).await;
    let ann = user("ann", Tier::Free);
    assert!(limits[0].message(&ann).await.allowed);
    redis.kill();
    let mut passed = 0;
    for _ in 0..30 {
        let started = SystemTime::now();
        passed += u32::from(limits[0].message(&ann).await.allowed);
        let took = started.elapsed().unwrap();
        // The bound is 50 ms; the rest is for a busy machine.
        assert!(took < Duration::from_millis(120), "{took:?}");
    }
    assert_eq!(passed, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_not_waited_for() {
    let redis = Redis::start().await;
    let (_house, limits) = limiters(&redis, "redis.on_down = \"deny\"", 1).await;
    let ann = user("ann", Tier::Enterprise);
    assert!(limits[0].message(&ann).await.allowed);
    let stop =
        |signal: &str| Command::new("kill").args([signal, &redis.child.id().to_string()]).status().unwrap();
    stop("-STOP");
    let started = SystemTime::now();
    for _ in 0..20 {
        assert!(!limits[0].message(&ann).await.allowed);
    }
    // Five waits of 50 ms open the breaker.
    assert!(started.elapsed().unwrap() < Duration::from_millis(900));
    stop("-CONT");
    until("redis decides again", async || limits[0].message(&ann).await.allowed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_there_at_the_start_is_an_error() {
    let redis = Redis::start().await;
    let (house, _limits) = limiters(&redis, "", 0).await;
    let config = configuration(
        house.dir.path(),
        &["http://127.0.0.1:1".into()],
        "redis.urls = [\"redis://127.0.0.1:1\"]",
    );
    assert!(Limits::start(&config).await.is_err());
}
