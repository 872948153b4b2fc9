//! A real Redis Cluster of one node.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use switchboard::topology::{files, redis::Redis};

#[tokio::test]
async fn it_serves_all_slots_and_comes_back_empty_on_the_same_port() {
    let folder = std::env::temp_dir().join(format!("switchboard-redis-{}", std::process::id()));
    files::folder(&folder, 0o700).unwrap();
    let redis = Redis::start(&folder, &folder).await.unwrap();
    let url = redis.url();
    assert!(redis.ask("CLUSTER INFO").await.unwrap().contains("cluster_slots_assigned:16384"));
    assert!(redis.ask("SET greeting hello").await.unwrap().starts_with("+OK"));
    assert!(redis.ask("SPUBLISH room word").await.unwrap().starts_with(":0"));

    redis.kill9().await;
    assert!(redis.ask("PING").await.is_err());
    redis.restart().await.unwrap();
    assert_eq!(redis.url(), url);
    assert!(redis.ask("CLUSTER INFO").await.unwrap().contains("cluster_slots_assigned:16384"));

    redis.kill9().await;
    std::fs::remove_file(folder.join("redis/nodes.conf")).unwrap();
    redis.restart().await.unwrap();
    assert!(redis.ask("CLUSTER INFO").await.unwrap().contains("cluster_slots_assigned:16384"));
    assert!(redis.ask("GET greeting").await.unwrap().starts_with("$-1"));
    redis.stop().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
