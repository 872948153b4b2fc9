//! The house of a benchmark: one core and one edge, the example agents, and no limits in the way of what is measured.

use crate::{
    client::Client,
    error::{Error, Result},
    topology::{Options, Topology, config, files},
};
use std::path::PathBuf;

/// It runs.
pub(super) struct Site {
    pub(super) topology: Topology,
    folder: PathBuf,
}

impl Site {
    pub(super) async fn start(programs: Option<PathBuf>) -> Result<Self> {
        let folder = files::temporary("bench")?;
        let options = Options {
            data: folder.join("data"),
            programs,
            edge_overrides: config::unlimited(),
            ..Options::default()
        };
        Ok(Self { topology: Topology::start(options).await?, folder })
    }

    /// Somebody of the load.
    pub(super) fn person(&self, number: usize) -> Result<Client> {
        self.topology.client(&format!("person-{number}"), &["user"])
    }

    /// What its only core has counted.
    pub(super) async fn metrics(&self) -> Result<String> {
        let url = self.topology.cores()[0].admin().join("/metrics");
        let url = url.map_err(|error| Error::Failed(error.to_string()))?;
        let failed = |error: reqwest::Error| Error::Failed(format!("the core's metrics: {error}"));
        let response = reqwest::get(url).await.and_then(reqwest::Response::error_for_status);
        response.map_err(failed)?.text().await.map_err(failed)
    }

    /// Ends the house; its folder goes with it.
    pub(super) async fn stop(self) {
        drop(self.topology.stop().await);
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
