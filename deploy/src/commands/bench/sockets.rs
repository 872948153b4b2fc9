//! `switchboard bench sockets`: what a joined, idle WebSocket costs an edge and a core in memory.

use super::{
    ceilings::{Ceilings, Memory, Saved},
    cost::Cost,
    crowd::Crowd,
    figures::{QUIET_PERCENT, Quantiles, machine, to_f64},
    load::room,
    site::Site,
};
use crate::{
    client::Client,
    error::{Error, Result},
    terminal,
};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep};

/// What has been begun is over by then, and what was freed for a moment is given back.
const SETTLE: Duration = Duration::from_secs(3);
/// How long after the last socket has gone it is looked what is left.
const GONE: Duration = Duration::from_secs(10);
/// Conversations that are made at once.
const AT_ONCE: usize = 8;

/// Arguments of `bench sockets`.
#[derive(Debug, Args)]
pub(super) struct Sockets {
    /// How many sockets, each of a user and in a conversation of its own; several sizes are measured one after another
    #[arg(long, default_values_t = [1_000, 2_500, 5_000], num_args = 1..)]
    count: Vec<usize>,
    #[command(flatten)]
    saved: Saved,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// The folder of the programs to start; absent: beside this one
    #[arg(long, hide = true)]
    programs: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Figures {
    /// Of edge and core, without a socket.
    empty_kb: [f64; 2],
    sizes: Vec<Size>,
    /// Ten seconds after all have closed.
    after_kb: [f64; 2],
    others_percent: f64,
    is_quiet: bool,
}

#[derive(Debug, Serialize)]
struct Size {
    sockets: usize,
    /// How long it took to open those that came in.
    opened_s: f64,
    open_ms: Quantiles,
    kb: [f64; 2],
    /// Of one socket: all that came, by how many there are.
    each_kb: [f64; 2],
}

impl Sockets {
    pub(super) async fn run(&self) -> Result<()> {
        let mut counts = self.count.clone();
        counts.sort_unstable();
        let site = Site::start(self.programs.clone(), false).await?;
        let measured = measure(&site, &counts).await;
        site.stop().await;
        let figures = measured?;
        match self.json {
            true => terminal::json(&figures),
            false => figures.rows().iter().for_each(|row| terminal::out(row)),
        }
        let Some(last) = figures.sizes.last() else { return Ok(()) };
        let ([edge_kb, core_kb], [empty_edge_kb, empty_core_kb]) = (last.each_kb, figures.empty_kb);
        let mut ceilings = Ceilings::read(&self.saved.path)?;
        ceilings.sockets = Some(Memory { edge_kb, core_kb, empty_edge_kb, empty_core_kb });
        ceilings.write(&self.saved.path)
    }
}

async fn measure(site: &Site, counts: &[usize]) -> Result<Figures> {
    let seats = seats(site, counts.last().copied().unwrap_or_default()).await?;
    // What the first sockets make once is no cost of theirs.
    let first = Crowd::default();
    first.join(&seats[..seats.len().min(AT_ONCE)]).await?;
    first.leave().await;
    sleep(SETTLE).await;
    let (began, cost, empty_kb) = (Instant::now(), Cost::now(site), site.memory_kb());
    let (crowd, mut sizes, mut there) = (Crowd::default(), Vec::new(), 0);
    for &sockets in counts {
        let opening = Instant::now();
        let took = crowd.join(&seats[there..sockets]).await?;
        let opened_s = opening.elapsed().as_secs_f64();
        there = sockets;
        sleep(SETTLE).await;
        if crowd.len() < sockets {
            return Err(Error::Failed(format!("of {sockets} sockets only {} stayed", crowd.len())));
        }
        let kb = site.memory_kb();
        let each_kb = [0, 1].map(|at| (kb[at] - empty_kb[at]) / to_f64(sockets));
        sizes.push(Size { sockets, opened_s, open_ms: Quantiles::of(took), kb, each_kb });
    }
    let others = Cost::now(site).since(&cost).others();
    let others_percent = others / (began.elapsed().as_secs_f64() * 1e3) * 100.0;
    crowd.leave().await;
    sleep(GONE).await;
    let after_kb = site.memory_kb();
    Ok(Figures { empty_kb, sizes, after_kb, others_percent, is_quiet: others_percent <= QUIET_PERCENT })
}

/// Users, each with a conversation.
async fn seats(site: &Site, count: usize) -> Result<Vec<(Client, String)>> {
    // One client for all: a client of its own for each would read the CA anew.
    let all = site.person(0)?;
    let seat = async |number: usize| {
        let who = all.with_token(&site.topology.token(&format!("person-{number}"), &["user"])?);
        let room = room(&who).await?;
        Ok((who, room))
    };
    stream::iter(0..count).map(seat).buffer_unordered(AT_ONCE).try_collect().await
}

impl Figures {
    fn rows(&self) -> Vec<String> {
        let mb = |of: [f64; 2]| of.map(|kb| format!("{:.1}", kb / 1024.0)).join(" + ");
        let mut rows = vec![
            "sockets  opened in  open p50, p99        edge + core, MB   a socket, KB: edge  core".to_owned(),
            format!("{:7}  {:9}  {:19}  {:16}", 0, "", "", mb(self.empty_kb)),
        ];
        for size in &self.sizes {
            let ([edge, core], open) = (size.each_kb, size.open_ms);
            let opened = format!("{:.1} s", size.opened_s);
            let open = format!("{:.1}, {:.1} ms", open.p50, open.p99);
            let kb = mb(size.kb);
            rows.push(format!("{:7}  {opened:9}  {open:19}  {kb:16}  {edge:18.1}  {core:4.1}", size.sockets));
        }
        rows.push(format!("ten seconds after they closed: {} MB", mb(self.after_kb)));
        rows.push(machine(self.others_percent));
        rows
    }
}
