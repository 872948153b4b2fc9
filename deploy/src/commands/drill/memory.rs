//! What one user does, and how much memory that costs a core and an edge.

use super::{
    agent::{Agent, Manner},
    site::{LOUD, Site, room, say, shows, with_file},
    table::Row,
    waiting::{BOUND, probes},
};
use crate::{
    client::{Client, Socket, send_frame},
    error::Result,
};
use futures::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};
use tokio::time::{Instant, sleep};

const FILE_BYTES: usize = 1_000_000;
/// What readers of pages may cost a core.
const PAGES_MB: f64 = 150.0;
/// What one socket that reads nothing may cost an edge.
const SOCKET_MB: f64 = 32.0;
/// What streams that nobody reads may cost a core, and an edge.
const STREAMS_MB: f64 = 100.0;
/// What the cards of one tenant may cost a core.
const CARDS_MB: f64 = 50.0;
/// How long what nobody reads is watched.
const WATCHED: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Does something, and looks how much both programs have meanwhile.
async fn watch<T>(site: &Site, what: &str, bound_mb: f64, work: impl Future<Output = T>) -> (Vec<Row>, T) {
    let before = site.memory();
    let mut peak = before;
    let mut work = std::pin::pin!(work);
    let done = loop {
        let pause = sleep(LOOK_EVERY);
        tokio::select! {
            done = &mut work => break done,
            () = pause => {}
        }
        for (peak, now) in peak.iter_mut().zip(site.memory()) {
            *peak = peak.max(now);
        }
    };
    let rows = ["core", "edge"].into_iter().zip(before).zip(peak);
    let rows = rows.map(|((who, before), peak)| Row::grew(format!("{what}: {who}"), before, peak, bound_mb));
    (rows.collect(), done)
}

/// The rows, with how much of the flood was taken.
fn with_taken(mut rows: Vec<Row>, taken: usize) -> Vec<Row> {
    for row in &mut rows {
        write!(row.what, " ({taken} taken)").ok();
    }
    rows
}

/// Messages with files, and readers of the pages that they are on.
pub(super) async fn pages(site: &Site, files: usize, readers: usize, times: u32) -> Result<Vec<Row>> {
    let who = site.caller(LOUD, "ann", &[])?;
    let path = format!("/v1/conversations/{}/messages", room(&who).await?);
    let sent = with_file(FILE_BYTES);
    let upload = async {
        // One that is refused for its size, or for a quota, is not there to be read.
        let mut kept = 0;
        for _ in 0..files {
            kept += usize::from(who.post::<Value>(&path, &sent).await.is_ok());
        }
        kept
    };
    let (mut rows, kept) =
        watch(site, &format!("{files} messages with a file of 1 MB each"), PAGES_MB, upload).await;
    shows(kept)?;
    let page = format!("{path}?limit=200");
    let read = join(join_all((0..readers).map(|_| who.get::<Value>(&page))), probes(site));
    let what = format!("{kept} kept, {readers} readers of their page");
    let (more, (read, waited)) = watch(site, &what, PAGES_MB, read).await;
    shows(read.iter().filter(|read| read.is_ok()).count())?;
    rows.extend(more);
    rows.push(Row::waited(what, waited?, BOUND * times));
    Ok(rows)
}

/// A conversation with a megabyte of text in it.
async fn long_room(who: &Client) -> Result<String> {
    let room = room(who).await?;
    for _ in 0..60 {
        say(who, &room, &format!("@quick {}", "long ".repeat(3_500))).await?;
    }
    Ok(room)
}

/// A socket that joins again and again, ahead of the log, and reads nothing.
pub(super) async fn sockets(site: &Site, joins: usize) -> Result<Vec<Row>> {
    let who = site.caller(LOUD, "ann", &[])?;
    let room = long_room(&who).await?;
    let mut socket: Socket = who.socket("/ws").await?;
    let flood = async {
        let mut sent = 0;
        for _ in 0..joins {
            let join = json!({"type": "join", "conversation": room, "after": 1_000_000});
            // A socket that is closed has reached its bound.
            if send_frame(&mut socket, &join).await.is_err() {
                break;
            }
            sent += 1;
            sleep(LOOK_EVERY).await;
        }
        sleep(WATCHED).await;
        sent
    };
    let what = format!("a socket that joins {joins} times and reads nothing");
    let (rows, sent) = watch(site, &what, SOCKET_MB, flood).await;
    shows(sent)?;
    Ok(with_taken(rows, sent))
}

/// Streams of events that nobody reads, of a conversation with much in it.
pub(super) async fn streams(site: &Site, count: usize) -> Result<Vec<Row>> {
    let who = site.caller(LOUD, "ann", &[])?;
    let room = long_room(&who).await?;
    let path = format!("/v1/conversations/{room}/events?after=0");
    let open = async {
        let until = Instant::now() + WATCHED;
        let heads = stream::iter(0..count).map(|_| who.open(&path)).buffer_unordered(32);
        let held: Vec<_> = heads.filter_map(|head| std::future::ready(head.ok())).collect().await;
        tokio::time::sleep_until(until).await;
        held.len()
    };
    let what = format!("{count} event streams that nobody reads");
    let (rows, held) = watch(site, &what, STREAMS_MB, open).await;
    shows(held)?;
    Ok(with_taken(rows, held))
}

/// Agents with cards of a megabyte, and with the largest that is taken.
pub(super) async fn cards(site: &Site, count: usize) -> Result<Vec<Row>> {
    let olga = site.caller(LOUD, "olga", &[])?;
    let mut rows = Vec::new();
    for (name, card_bytes, is_taken) in [("huge", 1_000_000, false), ("large", 60_000, true)] {
        let agent = Agent::start(name, Manner { hangs: false, card_bytes, after: Duration::ZERO }).await?;
        let register = async {
            let mut taken = 0;
            for i in 0..count {
                let new = json!({"url": agent.url, "id": format!("{name}-{i}")});
                taken += usize::from(olga.post::<Value>("/v1/agents", &new).await.is_ok());
            }
            taken
        };
        let what = format!("{count} cards of {card_bytes} bytes");
        let (more, taken) = watch(site, &what, CARDS_MB, register).await;
        if is_taken {
            shows(taken)?;
        }
        rows.extend(with_taken(more, taken));
    }
    Ok(rows)
}
