//! The house of a benchmark: one core and one edge, the example agents, and no limits in the way of what is measured.

use crate::{
    client::Client,
    error::{Error, Result},
    topology::{Options, Topology, config, files},
};
use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use toml::Table;

/// It runs.
pub(crate) struct Site {
    pub(crate) topology: Topology,
    folder: PathBuf,
}

impl Site {
    pub(crate) async fn start(programs: Option<PathBuf>, redis: bool) -> Result<Self> {
        // What this process may have open its children may too: each socket is one here and one at the edge.
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(unlimited)?;
        setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(unlimited)?;
        let folder = files::temporary("bench")?;
        let options = Options {
            data: folder.join("data"),
            programs,
            redis: Some(redis),
            edge_overrides: open_edge(),
            core_overrides: toml::toml! { max_streams_per_user = 20_000 },
            ..Options::default()
        };
        Ok(Self { topology: Topology::start(options).await?, folder })
    }

    /// Resident memory of its only edge and core, in KiB (proc(5), `VmRSS`).
    pub(crate) fn memory_kb(&self) -> [f64; 2] {
        let nodes = [self.topology.edges()[0], self.topology.cores()[0]];
        nodes.map(|node| node.pid().and_then(resident_kb).unwrap_or_default())
    }

    /// Bytes of the files of Postgres that hold tables and indexes; what is only in its memory is not among them.
    pub(crate) fn stored_bytes(&self) -> u64 {
        bytes(&self.topology.data().join("postgres"), "pg_wal")
    }

    /// Somebody of the load.
    pub(crate) fn person(&self, number: usize) -> Result<Client> {
        self.topology.client(&format!("person-{number}"), &["user"])
    }

    /// What its only core has counted.
    pub(crate) async fn metrics(&self) -> Result<String> {
        let url = self.topology.cores()[0].admin().join("/metrics");
        let url = url.map_err(|error| Error::Failed(error.to_string()))?;
        let failed = |error: reqwest::Error| Error::Failed(format!("the core's metrics: {error}"));
        let response = reqwest::get(url).await.and_then(reqwest::Response::error_for_status);
        response.map_err(failed)?.text().await.map_err(failed)
    }

    /// Ends the house; its folder goes with it.
    pub(crate) async fn stop(self) {
        drop(self.topology.stop().await);
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// An edge that takes as many sockets from one address as there may be.
fn open_edge() -> Table {
    let mut table = toml::toml! {
        max_connections = 50_000
        max_connections_per_address = 50_000
    };
    config::overlay(&mut table, &config::unlimited());
    table
}

fn unlimited(error: Errno) -> Error {
    Error::Failed(format!("how many files may be open: {error}"))
}

fn resident_kb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Of all files in a folder and below it, but for one folder.
fn bytes(folder: &Path, but: &str) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(it) if it.is_dir() && entry.file_name() != but => bytes(&entry.path(), but),
        Ok(it) if it.is_file() => it.len(),
        _ => 0,
    };
    entries.map(of).sum()
}
