//! What a node of Redis says of those that follow it; pure. The form is that of `INFO replication`: lines of `name:value`,
//! of a replica `slave<n>:ip=…,port=…,state=…,offset=…,lag=…`.

use crate::api::{RedisNode, RedisRole};

/// The node, and its replicas. One that says nothing is away, and nothing is known of those that follow it.
pub(super) fn read(node: &str, said: Option<&str>) -> Vec<RedisNode> {
    let Some(said) = said else {
        return vec![RedisNode { node: node.to_owned(), role: RedisRole::Away, lag_bytes: None }];
    };
    let fields = || said.lines().filter_map(|line| line.trim().split_once(':'));
    let written = fields().find(|(name, _)| *name == "master_repl_offset").and_then(|(_, n)| n.parse().ok());
    let mut nodes = vec![RedisNode { node: node.to_owned(), role: RedisRole::Primary, lag_bytes: None }];
    let is_replica = |name: &str| {
        name.strip_prefix("slave").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let replicas = fields().filter(|(name, _)| is_replica(name));
    nodes.extend(replicas.filter_map(|(_, values)| replica(values, written.unwrap_or(0))));
    nodes
}

fn replica(values: &str, written: u64) -> Option<RedisNode> {
    let value = |wanted: &str| {
        values
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    let offset: u64 = value("offset")?.parse().ok()?;
    let role = if value("state") == Some("online") { RedisRole::Replica } else { RedisRole::Away };
    let node = format!("{}:{}", value("ip")?, value("port")?);
    Some(RedisNode { node, role, lag_bytes: Some(written.saturating_sub(offset)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_says_who_follows_it_and_how_far_behind() {
        let said = "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
            slave0:ip=127.0.0.1,port=7001,state=online,offset=1190,lag=0\r\n\
            slave1:ip=127.0.0.1,port=7002,state=wait_bgsave,offset=0,lag=0\r\n\
            master_failover_state:no-failover\r\nmaster_repl_offset:1200\r\n";
        let nodes = read("127.0.0.1:7000", Some(said));
        let told: Vec<_> = nodes.iter().map(|node| (node.node.as_str(), node.role, node.lag_bytes)).collect();
        assert_eq!(
            told,
            [
                ("127.0.0.1:7000", RedisRole::Primary, None),
                ("127.0.0.1:7001", RedisRole::Replica, Some(10)),
                ("127.0.0.1:7002", RedisRole::Away, Some(1_200)),
            ]
        );
        assert_eq!(read("a:1", None)[0].role, RedisRole::Away);
        assert_eq!(read("a:1", Some("slave:x\r\nslavex:ip=1")).len(), 1);
    }
}
