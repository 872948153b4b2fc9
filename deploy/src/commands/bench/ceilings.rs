//! What benchmarks found out on this machine, kept in a file for `switchboard plan`.

use super::{
    figures::{Figures, processors, to_f64},
    metrics::Counters,
};
use crate::error::{Error, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Where it is kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct Saved {
    /// The file of what this machine was measured to take, for `switchboard plan`
    #[arg(id = "ceilings", long = "ceilings", value_name = "FILE", default_value = "bench.json")]
    pub(crate) path: PathBuf,
}

/// All of it; what was not measured is absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ceilings {
    pub(crate) processors: usize,
    #[serde(default)]
    pub(crate) turns: Vec<Point>,
    /// Bytes of tables and indexes that a turn leaves.
    pub(crate) stored_bytes: Option<f64>,
    pub(crate) sockets: Option<Memory>,
    pub(crate) events: Option<Delivery>,
}

/// One rate at which something was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) agents: u8,
    /// Answered each second.
    pub(crate) per_second: f64,
    /// Of one turn, by process.
    pub(crate) cpu_ms: BTreeMap<String, f64>,
    /// The house's own time: its mean, and its squared coefficient of variation.
    pub(crate) own_mean_ms: f64,
    pub(crate) own_scv: f64,
    pub(crate) others_percent: f64,
    /// Whether all was answered that was due.
    pub(crate) kept_up: bool,
}

/// KiB of a joined, idle socket, and of a process without any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) edge_kb: f64,
    pub(crate) core_kb: f64,
    pub(crate) empty_edge_kb: f64,
    pub(crate) empty_core_kb: f64,
}

/// What a socket more in a conversation costs for each turn said there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) edge_ms: f64,
    pub(crate) core_ms: f64,
    pub(crate) bytes: f64,
    pub(crate) events: f64,
}

impl Ceilings {
    /// Takes what is there; nothing where there is no file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(Error::named(path))?,
        };
        serde_json::from_str(&text).map_err(|error| Error::Invalid(format!("{}: {error}", path.display())))
    }

    /// Keeps it.
    pub(crate) fn write(&mut self, path: &Path) -> Result<()> {
        self.processors = processors();
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Failed(error.to_string()))?;
        fs::write(path, text).map_err(Error::file(path))
    }

    pub(crate) fn forget_turns(&mut self, agents: u8) {
        self.turns.retain(|point| point.agents != agents);
    }

    pub(crate) fn add(&mut self, point: Point) {
        self.turns.push(point);
    }

    pub(crate) fn stored(&mut self, bytes: f64) {
        self.stored_bytes = Some(bytes);
    }
}

impl Point {
    pub(crate) fn of(agents: u8, figures: &Figures, counted: &Counters) -> Self {
        let (own_mean_s, own_scv) = counted.moments("switchboard_core_own_seconds").unwrap_or_default();
        let seconds = u32::try_from(figures.seconds).unwrap_or(u32::MAX);
        Self {
            agents,
            per_second: to_f64(figures.answered) / f64::from(seconds.max(1)),
            cpu_ms: figures.cpu_ms.iter().map(|(part, ms)| ((*part).to_owned(), *ms)).collect(),
            own_mean_ms: own_mean_s * 1e3,
            own_scv,
            others_percent: figures.others_percent,
            // What takes seconds is a queue that grows.
            kept_up: figures.answered == figures.sent && figures.answer_ms.p95 < 1_000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_benchmark_wrote_the_next_one_adds_to() {
        let path = std::env::temp_dir().join(format!("switchboard-ceilings-{}.json", std::process::id()));
        let mut none = Ceilings::read(&path).unwrap();
        none.stored(7.0);
        none.write(&path).unwrap();
        let mut some = Ceilings::read(&path).unwrap();
        some.sockets =
            Some(Memory { edge_kb: 30.0, core_kb: 8.0, empty_edge_kb: 20_000.0, empty_core_kb: 50_000.0 });
        some.write(&path).unwrap();
        let both = Ceilings::read(&path).unwrap();
        assert_eq!((both.stored_bytes, &both.sockets), (Some(7.0), &some.sockets));
        fs::write(&path, "{").unwrap();
        assert_eq!(Ceilings::read(&path).unwrap_err().exit_code(), 3);
        fs::remove_file(path).unwrap();
    }
}
