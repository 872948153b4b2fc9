//! The doorbell on a Redis Cluster of three primaries and three replicas.

use switchboard_tests::{House, Person, RedisCluster, person::seqs};
use toml::{Table, Value, toml};

/// Two cores that ring each other over this cluster. What a reader misses it does not find by looking now and then.
async fn house(cluster: &RedisCluster) -> anyhow::Result<House> {
    let redis = Table::from_iter([("urls".to_owned(), Value::from(cluster.urls()))]);
    let mut settings = Table::from_iter([("redis".to_owned(), Value::Table(redis))]);
    settings.extend(toml! {
        [events]
        idle_poll_ms = 600_000
    });
    House::with(|options| {
        options.cores = 2;
        switchboard::topology::config::overlay(&mut options.core_overrides, &settings);
    })
    .await
}

/// Everybody hears everything up to this, in order, without a gap.
async fn hear_up_to(people: &mut [Person], after: u64, last: u64) -> anyhow::Result<()> {
    for person in people {
        let frames = person.until(|frame| frame["seq"].as_u64().is_some_and(|seq| seq >= last)).await?;
        let heard: Vec<u64> =
            seqs(&frames).into_iter().filter(|seq| (after + 1..=last).contains(seq)).collect();
        assert_eq!(heard, (after + 1..=last).collect::<Vec<_>>(), "{}", person.name);
    }
    Ok(())
}

#[tokio::test]
async fn while_a_replica_takes_over_no_reader_misses_an_event_and_then_the_doorbell_rings_again()
-> anyhow::Result<()> {
    let mut cluster = RedisCluster::start();
    let house = house(&cluster).await?;
    let names = ["bob", "cleo", "dan", "eve"];
    for name in names {
        house.greet(name).await?;
    }
    let mut ann = house.person("ann").await?;
    let room = ann.room(&names).await?;
    let mut people = Vec::new();
    for name in names {
        let mut person = house.person(name).await?;
        person.join(room, Some(0)).await?;
        people.push(person);
    }
    let before = ann.say(room, "before").await?["seq"].as_u64().unwrap_or(0);
    hear_up_to(&mut people, 0, before).await?;

    let channel = format!("switchboard:bell:{}", room.0.as_u64_pair().1 % 64);
    let slot = cluster.cli(0, &["cluster", "keyslot", &channel]).trim().parse()?;
    let dead = cluster.primary(slot, None);
    cluster.kill(dead);
    let mut last = before;
    for _ in 0..5 {
        last = ann.say(room, "while it is away").await?["seq"].as_u64().unwrap_or(0);
    }
    hear_up_to(&mut people, before, last).await?;

    // Both cores listen to the replica that took over, and ring it.
    cluster.wait_for("both cores subscribe there", |cluster| {
        let now = cluster.primary(slot, Some(dead));
        now != dead && now != usize::MAX && {
            let said = cluster.cli(now, &["pubsub", "shardnumsub", &channel]);
            said.lines().last() == Some("2")
        }
    });
    let after = ann.say(room, "after").await?["seq"].as_u64().unwrap_or(0);
    hear_up_to(&mut people, last, after).await?;
    house.stop().await
}
