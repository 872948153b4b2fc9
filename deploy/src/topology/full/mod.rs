//! The production topology on one machine: Postgres with two followers under Patroni, whose writer three members of etcd
//! agree on, and a Redis Cluster of three primaries and three replicas. What they are started with are the files of
//! `deploy/full`, which are the reference for machines of one's own.

mod ask;
mod backup;
mod etcd;
mod patroni;
mod places;
mod shards;
mod template;

pub(crate) use backup::Backup;
pub use etcd::Etcd;
pub(super) use etcd::role as role_of_etcd;
pub use patroni::Patroni;
pub(super) use patroni::{Seen, members as members_of_postgres};

use super::{
    account::Account,
    children::{Child, Children},
    files,
    options::Progress,
    postgres,
    redis::Redis,
};
use crate::error::Result;
use places::{Full, Places};
use std::path::Path;

/// Where the tiers find what they share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) databases: Vec<String>,
    pub(super) owners: Vec<String>,
    pub(super) redis: Vec<String>,
}

/// Starts etcd, Postgres and Redis, and waits until all of them are whole.
pub(super) async fn start(
    data: &Path,
    logs: &Path,
    say: &Progress,
    children: &mut Children,
) -> Result<Shared> {
    let account = Account::for_servers()?;
    let base = postgres::place(data, &account, &**say)?.with_file_name("full");
    let is_new = !base.is_dir();
    files::folder(&base, 0o700)?;
    if is_new {
        account.own(&base)?;
    }
    let places = Places::kept(&base.join("ports.json"))?;
    let full = Full { base, account, places, logs };
    say("starting etcd-1 to etcd-3");
    for etcd in etcd::start(&full).await? {
        children.push(Child::Etcd(etcd));
    }
    say("starting postgres-1 to postgres-3 under Patroni");
    let members = patroni::start(&full).await?;
    let (databases, owners) = patroni::make_database(&full, &members).await?;
    for member in members {
        children.push(Child::Patroni(member));
    }
    say("starting redis-1 to redis-6");
    let nodes = shards::start(&full).await?;
    let redis = nodes.iter().map(Redis::url).collect();
    for node in nodes {
        children.push(Child::Redis(node));
    }
    Ok(Shared { databases, owners, redis })
}
