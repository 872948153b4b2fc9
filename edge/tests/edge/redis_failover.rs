//! Limits on a real Redis Cluster of three primaries and three replicas, while its nodes die and its slots move.

use crate::{
    house::{House, configuration, until},
    redis::user,
    redis_cluster::RedisCluster,
};
use fred::util::redis_keyslot;
use std::collections::BTreeMap;
use switchboard_edge::limit::Limits;
use switchboard_shared::identity::{Identity, Tier};
use tokio::time::{Duration, Instant, interval};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What Redis does not decide is refused, so that it can be told from what it does.
async fn limits(cluster: &RedisCluster) -> (House, Limits) {
    let house = House::start().await;
    let settings = format!("redis.urls = {:?}\nredis.on_down = \"deny\"", cluster.urls());
    let config = configuration(house.dir.path(), &["http://127.0.0.1:1".into()], &settings);
    let limits = Limits::start(&config).await.unwrap();
    (house, limits)
}

fn slot(identity: &Identity) -> u16 {
    redis_keyslot(format!("{}/{}", identity.tenant, identity.user).as_bytes())
}

/// Some users of each primary.
fn users(cluster: &RedisCluster) -> BTreeMap<usize, Vec<Identity>> {
    let mut users = BTreeMap::<usize, Vec<Identity>>::new();
    for number in 0..30 {
        let user = user(&format!("user-{number}"), Tier::Enterprise);
        users.entry(cluster.primary(slot(&user), None)).or_default().push(user);
    }
    assert_eq!(users.len(), 3, "{users:?}");
    users
}

/// How many of these Redis has decided about.
async fn decided(limits: &Limits, users: &[Identity]) -> usize {
    let decisions = users.iter().map(|user| limits.message(user));
    futures::future::join_all(decisions).await.iter().filter(|decision| decision.allowed).count()
}

/// Asks for everybody until Redis decides again for all who had the primary that is away; for most others it decides
/// meanwhile.
async fn only_the_shard_suffers(limits: &Limits, users: &BTreeMap<usize, Vec<Identity>>, away: usize) {
    let (mut refused, mut others_asked, mut others_refused) = (0, 0, 0);
    let (deadline, mut pace) = (Instant::now() + PATIENCE, interval(Duration::from_millis(20)));
    loop {
        pace.tick().await;
        let rounds =
            users.iter().map(async |(shard, users)| (*shard, users.len(), decided(limits, users).await));
        let mut back = false;
        for (shard, asked, decided) in futures::future::join_all(rounds).await {
            if shard == away {
                refused += asked - decided;
                back = refused > 0 && decided == asked;
            } else {
                others_asked += asked;
                others_refused += asked - decided;
            }
        }
        if back {
            break;
        }
        assert!(Instant::now() < deadline, "nobody took over: {refused} refused");
    }
    // Each that waits for 50 ms is refused, and after five in a row all for a second: that happens on a busy machine.
    assert!(others_refused * 2 < others_asked, "{others_refused} of {others_asked} were drawn into it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_primary_holds_up_the_keys_of_its_own_slots_alone_until_its_replica_takes_over() {
    let mut cluster = RedisCluster::start();
    let (_house, limits) = limits(&cluster).await;
    let users = users(&cluster);
    for users in users.values() {
        assert_eq!(decided(&limits, users).await, users.len());
    }
    let (away, theirs) = users.first_key_value().unwrap();
    cluster.kill(*away);
    only_the_shard_suffers(&limits, &users, *away).await;
    assert_ne!(cluster.primary(slot(&theirs[0]), Some(*away)), *away);
    // The old one comes back as a replica, and nobody minds.
    cluster.restart(*away);
    until("it follows", async || cluster.cli(*away, &["role"]).contains("slave")).await;
    until("all is decided", async || decided(&limits, theirs).await == theirs.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_hangs_holds_up_the_keys_of_its_own_slots_alone() {
    let cluster = RedisCluster::start();
    let (_house, limits) = limits(&cluster).await;
    let users = users(&cluster);
    let away = *users.first_key_value().unwrap().0;
    cluster.freeze(away, true);
    only_the_shard_suffers(&limits, &users, away).await;
    cluster.freeze(away, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_is_followed_and_its_count_goes_with_it() {
    let cluster = RedisCluster::start();
    let (_house, limits) = limits(&cluster).await;
    let users = users(&cluster);
    let (from, to) = (*users.first_key_value().unwrap().0, *users.last_key_value().unwrap().0);
    let ann = Identity { tier: Tier::Free, ..users[&from][0].clone() };
    let slot = slot(&ann);
    let passes = async || {
        let decision = limits.message(&ann).await;
        assert!(decision.allowed, "{decision:?}");
        decision.remaining
    };
    // A key that is not there yet is asked for at the new place while the slot moves.
    cluster.begin_to_move(slot, from, to);
    assert_eq!((passes().await, passes().await), (9, 8));
    assert!(cluster.cli(from, &["cluster", "getkeysinslot", &slot.to_string(), "1"]).trim().is_empty());
    cluster.move_slot(slot, from, to);
    assert_eq!((passes().await, passes().await), (7, 6));
    // And back, with the key.
    cluster.move_slot(slot, to, from);
    assert_eq!(passes().await, 5);
    assert!(!cluster.cli(from, &["cluster", "getkeysinslot", &slot.to_string(), "1"]).trim().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_begun_again_with_nothing_is_found_again() {
    let mut cluster = RedisCluster::start();
    let (_house, limits) = limits(&cluster).await;
    let users: Vec<Identity> = users(&cluster).into_values().flatten().collect();
    assert_eq!(decided(&limits, &users).await, users.len());
    cluster.begin_again();
    // No node knows the script any more.
    until("all is decided", async || decided(&limits, &users).await == users.len()).await;
}
