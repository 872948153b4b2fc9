//! What processes cost: their time on the processors, and that of everything else on the machine (proc(5)).

use super::site::Site;
use std::{collections::BTreeMap, fs};

/// Of `/proc`: the kernel counts in hundredths of a second there.
const TICK_MS: f64 = 10.0;

/// What was used until now, in milliseconds of one processor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    /// By part of the house; `client` is this process.
    pub(crate) parts: BTreeMap<&'static str, f64>,
    /// By the whole machine.
    machine: f64,
}

impl Cost {
    /// Looks.
    pub(crate) fn now(site: &Site) -> Self {
        let processes = processes();
        let mut parts = BTreeMap::new();
        for child in site.topology.children() {
            let ticks = child.process().pid().map_or(0, |pid| of_tree(&processes, pid));
            *parts.entry(child.kind()).or_default() += to_ms(ticks);
        }
        let own = processes.get(&std::process::id()).map_or(0, |process| process.ticks);
        parts.insert("client", to_ms(own));
        Self { parts, machine: machine() }
    }

    /// What came since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let part = |(name, ms): (&&'static str, &f64)| {
            (*name, ms - before.parts.get(name).copied().unwrap_or_default())
        };
        Self { parts: self.parts.iter().map(part).collect(), machine: self.machine - before.machine }
    }

    /// What everything else used that runs here.
    pub(crate) fn others(&self) -> f64 {
        (self.machine - self.parts.values().sum::<f64>()).max(0.0)
    }
}

struct Process {
    parent: u32,
    ticks: u64,
}

/// Every process.
fn processes() -> BTreeMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, process(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// A line of `/proc/PID/stat`. The name in brackets may hold anything.
fn process(line: &str) -> Option<Process> {
    let fields: Vec<_> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Own time, and that of children that have ended and were waited for.
    let ticks = (11..15).map(number).sum::<Option<u64>>()?;
    Some(Process { parent: u32::try_from(number(1)?).ok()?, ticks })
}

/// A process with all that it has started.
fn of_tree(processes: &BTreeMap<u32, Process>, pid: u32) -> u64 {
    let own = processes.get(&pid).map_or(0, |process| process.ticks);
    let children = processes.iter().filter(|(_, process)| process.parent == pid);
    own + children.map(|(child, _)| of_tree(processes, *child)).sum::<u64>()
}

/// All that was not idle, in milliseconds.
fn machine() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are within user.
    let busy = ticks.iter().enumerate().filter(|(at, _)| !matches!(at, 3 | 4) && *at < 8);
    to_ms(busy.map(|(_, ticks)| ticks).sum())
}

#[allow(clippy::cast_precision_loss, reason = "no machine runs for so long")]
fn to_ms(ticks: u64) -> f64 {
    ticks as f64 * TICK_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_and_counts_with_its_children() {
        let line = |parent: u32, ticks: u32| {
            format!("7 (post) gres) S {parent} 7 7 0 -1 4194560 1 0 0 0 {ticks} 2 3 4 20 0 1 0 55 1 1 1")
        };
        let all = [(7, line(1, 10)), (8, line(7, 20)), (9, line(8, 30)), (10, line(1, 40))];
        let all = all.into_iter().map(|(pid, line)| (pid, process(&line).unwrap())).collect();
        assert_eq!(of_tree(&all, 7), 10 + 20 + 30 + 3 * 9);
        assert!(process("7 (sh) S").is_none());
    }
}
