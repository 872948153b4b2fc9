//! Where the parts of a full house are. Their ports are drawn once and kept, since the members of etcd know each other by them.

use crate::{
    error::{Error, Result},
    topology::{account::Account, files, ports},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Members of etcd and of Postgres: the least that has a majority without one.
pub(super) const MEMBERS: usize = 3;
/// Primaries of Redis; each has one replica.
pub(super) const SHARDS: usize = 3;

/// What all parts of a full house are started with.
#[derive(Debug)]
pub(super) struct Full<'a> {
    pub(super) base: PathBuf,
    pub(super) account: Account,
    pub(super) places: Places,
    pub(super) logs: &'a Path,
}

/// Two ports of each part: where it is asked, and where its like or its keeper speak to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    pub(super) etcd: [(u16, u16); MEMBERS],
    pub(super) postgres: [(u16, u16); MEMBERS],
    pub(super) redis: [(u16, u16); 2 * SHARDS],
}

impl Places {
    /// Those of the file, all of them free, or new ones.
    pub(super) fn kept(file: &Path) -> Result<Self> {
        let kept = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Self>(&text).ok());
        if let Some(places) = kept {
            for (one, other) in places.etcd.iter().chain(&places.postgres).chain(&places.redis) {
                ports::hold(*one)?;
                ports::hold(*other)?;
            }
            return Ok(places);
        }
        let places = Self { etcd: drawn()?, postgres: drawn()?, redis: drawn()? };
        let text = serde_json::to_string(&places).map_err(|error| Error::Failed(error.to_string()))?;
        files::secret(file, &text)?;
        Ok(places)
    }
}

fn drawn<const N: usize>() -> Result<[(u16, u16); N]> {
    let mut pairs = [(0, 0); N];
    for pair in &mut pairs {
        *pair = (ports::free()?, ports::free()?);
    }
    Ok(pairs)
}
