//! Limits on a real Redis Cluster of one node.

use crate::house::{House, certificate, configuration, until};
use std::{
    collections::BTreeSet,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};
use switchboard_edge::limit::Limits;
use switchboard_shared::identity::{Identity, Tier};

pub(crate) struct Redis {
    child: Child,
    port: u16,
    encrypted: bool,
    dir: tempfile::TempDir,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        Self::with(false).await
    }

    /// Has a TLS port alone, and a certificate for `localhost`, which is not what it announces.
    async fn start_encrypted() -> Self {
        Self::with(true).await
    }

    async fn with(encrypted: bool) -> Self {
        // The cluster bus listens on port + 10000.
        let port = (0..)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
            .find(|port| *port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok())
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), certificate(dir.path())).unwrap();
        let port_settings = match encrypted {
            true => format!(
                "port 0\ntls-port {port}\ntls-cluster yes\ntls-auth-clients no\ntls-cert-file cert.pem\n\
                 tls-key-file key.pem\ntls-ca-cert-file ca.pem\ncluster-announce-ip 127.0.0.1"
            ),
            // A node that has met no other one does not know its own address: it is where it was asked.
            false => format!("port {port}"),
        };
        let settings = format!(
            "{port_settings}\nbind 127.0.0.1\ncluster-enabled yes\n\
             save \"\"\nappendonly no\n"
        );
        std::fs::write(dir.path().join("redis.conf"), settings).unwrap();
        let child = Command::new("redis-server")
            .arg("redis.conf")
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Self { child, port, encrypted, dir };
        until("redis answers", async || redis.cli(&["ping"]).contains("PONG")).await;
        redis.cli(&["cluster", "addslotsrange", "0", "16383"]);
        until("the cluster is whole", async || redis.cli(&["cluster", "info"]).contains("cluster_state:ok"))
            .await;
        redis
    }

    pub(crate) fn url(&self, host: &str) -> String {
        format!("redis{}://{host}:{}", if self.encrypted { "s" } else { "" }, self.port)
    }

    /// The setting that makes its authority trusted.
    fn trusted(&self) -> String {
        format!("redis.ca_file = \"{}/ca.pem\"", self.dir.path().display())
    }

    pub(crate) fn cli(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string()]).current_dir(self.dir.path());
        if self.encrypted {
            cli.args(["--tls", "--cacert", "ca.pem"]);
        }
        let output = cli.args(command).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn kill(&mut self) {
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

pub(crate) fn user(name: &str, tier: Tier) -> Identity {
    Identity {
        tenant: "acme".parse().unwrap(),
        user: name.parse().unwrap(),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
        tier,
        expires_at: i64::MAX,
        grant: Default::default(),
    }
}

/// The house makes the files that a configuration has to name.
async fn limiters(redis: &Redis, settings: &str, count: usize) -> (House, Vec<Limits>) {
    let house = House::start().await;
    let host = if redis.encrypted { "localhost" } else { "127.0.0.1" };
    let settings = format!("redis.urls = [\"{}\"]\n{settings}", redis.url(host));
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
async fn what_turns_out_to_be_no_message_is_given_back_at_every_edge() {
    let redis = Redis::start().await;
    let (_house, limits) = limiters(&redis, "", 2).await;
    let ann = user("ann", Tier::Free);
    for _ in 0..10 {
        assert!(limits[0].message(&ann).await.allowed);
    }
    assert!(!limits[1].message(&ann).await.allowed);
    assert_eq!(limits[0].give_back(&ann).await.remaining, 1);
    assert!(limits[1].message(&ann).await.allowed);
    for _ in 0..20 {
        limits[1].give_back(&ann).await;
    }
    assert_eq!(limits[0].message(&ann).await.remaining, 9, "no more than was taken");
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

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_two_edges_count_together() {
    let redis = Redis::start_encrypted().await;
    let (_house, limits) = limiters(&redis, &redis.trusted(), 2).await;
    let ann = user("ann", Tier::Free);
    let decisions = futures::future::join_all((0..40).map(|i| limits[i % 2].message(&ann))).await;
    assert_eq!(decisions.iter().filter(|decision| decision.allowed).count(), 10);
    assert!(redis.cli(&["exists", "switchboard:limit:{acme/ann}:messages"]).starts_with('1'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_of_an_unknown_authority_or_another_name_is_refused_and_why() {
    let redis = Redis::start_encrypted().await;
    let (house, _limits) = limiters(&redis, &redis.trusted(), 0).await;
    let refused = async |settings: String| {
        let config = configuration(house.dir.path(), &["http://127.0.0.1:1".into()], &settings);
        Limits::start(&config).await.expect_err("it is refused").to_string()
    };
    // The house's own certificate is of another authority.
    let stranger = format!("redis.ca_file = \"{}/cert.pem\"", house.dir.path().display());
    let why = refused(format!("redis.urls = [\"{}\"]\n{stranger}", redis.url("localhost"))).await;
    assert!(why.contains("not of an authority that redis.ca_file holds"), "{why}");
    let why = refused(format!("redis.urls = [\"{}\"]\n{}", redis.url("127.0.0.1"), redis.trusted())).await;
    assert!(why.contains("not for the name that it was asked by") && why.contains("localhost"), "{why}");
}
