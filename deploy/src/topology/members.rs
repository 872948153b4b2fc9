//! Every member of a full house's state as it says itself: its role, and how far it is behind.

use super::{files, full, redis};
use crate::{
    error::{Error, Result},
    house::{House, Member, PostgresMember, RedisNode},
};
use futures::future::join_all;

/// Asks each member; a name, and what it says or why it is not as it should be.
pub async fn look(house: &House) -> Vec<(String, Result<String>)> {
    let etcd = join_all(house.etcd.iter().map(look_at_etcd)).await;
    let databases = join_all(house.postgres.iter().map(look_at_database)).await;
    let nodes = join_all(house.redis.iter().map(look_at_redis)).await;
    etcd.into_iter().chain(databases).chain(nodes).collect()
}

async fn look_at_etcd(member: &Member) -> (String, Result<String>) {
    let role = full::role_of_etcd(&member.url).await;
    (member.name.clone(), role.map(|role| format!("{role} at {}", member.url)))
}

async fn look_at_database(database: &PostgresMember) -> (String, Result<String>) {
    let seen = full::members_of_postgres(&database.patroni_url).await;
    let said = seen.and_then(|all| {
        let own = all.into_iter().find(|member| member.name == database.name);
        let own = own.ok_or_else(|| Error::Failed("is not a member of its own cluster".to_owned()))?;
        let said = format!("{}, {}{} at 127.0.0.1:{}", own.role, own.state, behind(&own), database.port);
        if own.state == "running" || own.state == "streaming" { Ok(said) } else { Err(Error::Failed(said)) }
    });
    (database.name.clone(), said)
}

fn behind(member: &full::Seen) -> String {
    match member.lag.as_ref().and_then(serde_json::Value::as_u64) {
        Some(bytes) => format!(", {bytes} bytes behind"),
        None if member.role == "leader" => String::new(),
        None => ", behind by nobody knows how much".to_owned(),
    }
}

async fn look_at_redis(node: &RedisNode) -> (String, Result<String>) {
    let said = async {
        let password = files::random_key(&node.password_file)?;
        role_of(&redis::ask(node.port, &password, "INFO replication").await?)
            .map(|role| format!("{role} at 127.0.0.1:{}", node.port))
    };
    (node.name.clone(), said.await)
}

/// Reads what Redis says of its replication (INFO, section "replication").
fn role_of(info: &str) -> Result<String> {
    let field = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default().trim()
    };
    match (field("role"), field("master_link_status")) {
        ("master", _) => Ok(format!("primary, {} replicas", field("connected_slaves"))),
        ("slave", "up") => {
            let last = field("master_last_io_seconds_ago");
            Ok(format!("replica, heard of its primary {last} s ago"))
        }
        ("slave", _) => Err(Error::Failed("a replica without its primary".to_owned())),
        _ => Err(Error::Failed("does not say what it is".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_says_whether_it_leads_or_follows() {
        let primary = "$9\r\n# Replication\r\nrole:master\r\nconnected_slaves:1\r\n";
        assert_eq!(role_of(primary).unwrap(), "primary, 1 replicas");
        let replica = "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:2\r\n";
        assert_eq!(role_of(replica).unwrap(), "replica, heard of its primary 2 s ago");
        assert!(role_of("role:slave\r\nmaster_link_status:down\r\n").is_err());
        assert!(role_of("").is_err());
    }
}
