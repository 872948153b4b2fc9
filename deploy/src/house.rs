//! How a running house is described, and found by the other commands.

use crate::{
    environment,
    error::{Error, Result},
    topology::files,
};
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize, Serializer};
use std::{
    fs,
    path::{Path, PathBuf},
};
use url::Url;

/// A running house: what `up --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct House {
    /// The first edge.
    #[serde(serialize_with = "plain")]
    pub url: Url,
    /// The CA to trust.
    pub ca: PathBuf,
    /// A token of the development issuer.
    pub token: String,
    /// Every edge.
    pub edges: Vec<Node>,
    /// Every core.
    pub cores: Vec<Node>,
    /// Every example agent.
    pub agents: Vec<Agent>,
    /// Every member of etcd, in a full house.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub etcd: Vec<Member>,
    /// Every member of Postgres, in a full house.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postgres: Vec<PostgresMember>,
    /// Every node of Redis, if the house has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redis: Vec<RedisNode>,
    /// Its data folder.
    pub data: PathBuf,
    /// The process that holds it.
    pub pid: u32,
    /// What it does without, in words for a person.
    #[serde(default)]
    pub without: Vec<String>,
}

/// An edge or a core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Where it serves.
    #[serde(serialize_with = "plain")]
    pub url: Url,
    /// Where it says how it is.
    #[serde(serialize_with = "plain")]
    pub admin: Url,
    /// Its process.
    pub pid: u32,
}

/// A member of etcd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The name of its process.
    pub name: String,
    /// Where it is asked.
    pub url: String,
}

/// A member of Postgres with its Patroni.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresMember {
    /// The name of its Patroni's process.
    pub name: String,
    /// Where it listens, on loopback.
    pub port: u16,
    /// Where its Patroni is asked, with the login for what changes something.
    pub patroni_url: String,
    /// Where its database lies.
    pub data: PathBuf,
    /// The folder of its socket, where the user of the servers and root may be its superuser.
    #[serde(default)]
    pub socket: PathBuf,
}

/// A node of Redis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisNode {
    /// The name of its process.
    pub name: String,
    /// Where it listens, on loopback.
    pub port: u16,
    /// Where its password lies.
    pub password_file: PathBuf,
}

/// Writes an address without its last slash, so that a script can put a path behind it.
fn plain<S: Serializer>(url: &Url, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(url.as_str().trim_end_matches('/'))
}

/// An example agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Where its card lies.
    pub url: Url,
}

impl House {
    /// Writes the description into the data folder, readable by its owner alone (it holds a token).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Failed(error.to_string()))?;
        files::secret(&described_in(&self.data), &text)
    }

    /// Writes it also where the other commands look.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn announce(&self) -> Result<()> {
        let Some(folder) = environment::state_folder() else { return Ok(()) };
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Failed(error.to_string()))?;
        files::folder(&folder, 0o700)?;
        files::secret(&folder.join("house.json"), &text)
    }

    /// Removes what [`House::announce`] wrote, unless another house has written there since.
    pub fn withdraw(&self) {
        let Some(path) = environment::state_folder().map(|folder| folder.join("house.json")) else { return };
        if read(&path).is_some_and(|house| house.pid == self.pid) {
            drop(fs::remove_file(path));
        }
    }

    /// Finds the running house: in `data` if that is given, else in `./data`, else where one announced itself.
    ///
    /// # Errors
    /// When there is none, or the one that was there is gone.
    pub fn find(data: Option<&Path>) -> Result<Self> {
        let places = match data {
            Some(data) => vec![described_in(data)],
            None => {
                let announced = environment::state_folder().map(|folder| folder.join("house.json"));
                [described_in(Path::new("data"))].into_iter().chain(announced).collect()
            }
        };
        pick(&places, alive)
    }

    /// Whether this is the house of `./data`, which is the one that is meant when none is named.
    #[must_use]
    pub fn is_here(&self) -> bool {
        fs::canonicalize("data").is_ok_and(|data| data == self.data)
    }

    /// Whether the process that holds the house is there.
    #[must_use]
    pub fn is_up(&self) -> bool {
        alive(self.pid)
    }

    /// The data folder to look for keys in, with or without a running house.
    #[must_use]
    pub fn data_folder(data: Option<&Path>) -> PathBuf {
        match (data, Self::find(data)) {
            (_, Ok(house)) => house.data,
            (Some(data), Err(_)) => data.to_owned(),
            (None, Err(_)) => PathBuf::from("data"),
        }
    }
}

/// Where a data folder's house is described.
#[must_use]
pub fn described_in(data: &Path) -> PathBuf {
    data.join("run").join("house.json")
}

fn pick(places: &[PathBuf], alive: fn(u32) -> bool) -> Result<House> {
    let mut stale = String::new();
    for place in places {
        match read(place) {
            Some(house) if alive(house.pid) => return Ok(house),
            Some(house) => stale = format!(" (the one in {} ended without a word)", house.data.display()),
            None => {}
        }
    }
    Err(Error::Unreachable(format!("no house is running here{stale}: start one with `switchboard up`")))
}

fn read(path: &Path) -> Option<House> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// Whether a process is there, ours or not.
fn alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(data: &Path, pid: u32) -> House {
        let url: Url = "https://127.0.0.1:8443".parse().unwrap();
        House {
            url,
            ca: data.join("tls/ca.pem"),
            token: "t".into(),
            edges: vec![],
            cores: vec![],
            agents: vec![],
            etcd: vec![],
            postgres: vec![],
            redis: vec![],
            data: data.to_owned(),
            pid,
            without: vec![],
        }
    }

    #[test]
    fn a_running_house_is_found_and_a_dead_one_is_said_to_be_dead() {
        let data = std::env::temp_dir().join(format!("switchboard-house-{}", std::process::id()));
        files::folder(&data.join("run"), 0o700).unwrap();
        let place = [described_in(&data)];
        assert_eq!(
            pick(&place, alive).unwrap_err().to_string(),
            "no house is running here: start one with `switchboard up`"
        );
        let running = house(&data, std::process::id());
        running.write().unwrap();
        assert_eq!(House::find(Some(&data)).unwrap(), running);
        let json = serde_json::to_value(&running).unwrap();
        assert_eq!(json["url"], "https://127.0.0.1:8443");
        let error = pick(&place, |_| false).unwrap_err();
        assert!(error.to_string().contains("ended without a word"), "{error}");
        assert_eq!(error.exit_code(), 4);
        let other = data.join("other");
        files::folder(&other.join("run"), 0o700).unwrap();
        house(&other, std::process::id()).write().unwrap();
        let both = [described_in(&data), described_in(&other)];
        assert_eq!(pick(&both, alive).unwrap().data, data, "the first that runs");
        house(&data, u32::MAX).write().unwrap();
        assert_eq!(pick(&both, alive).unwrap().data, other);
        fs::remove_dir_all(data).unwrap();
    }
}
