//! Reads that go on all the time: messages are listed several times a second, on one edge and then on the next.

use super::{person::code_of, record::Record};
use crate::{client::Client, error::Error};
use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use switchboard_shared::ids::ConversationId;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often one begins.
const EVERY: Duration = Duration::from_millis(250);
/// One read; by then somebody who reads has gone away.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// Reads under way at once; while there are so many, none begins.
const AT_ONCE: usize = 64;

/// Reads for as long as it is awaited. Safe to drop.
pub(super) async fn probe(edges: Vec<Client>, room: ConversationId, record: Arc<Record>) {
    let (mut ticks, mut turn, mut running) = (interval(EVERY), 0, FuturesUnordered::new());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick(), if running.len() < AT_ONCE => {
                turn += 1;
                running.push(read(&edges, turn, room, &record));
            }
            Some(()) = running.next(), if !running.is_empty() => {}
        }
    }
}

/// One read, on another edge where one cannot be reached, as any client with two addresses does.
async fn read(edges: &[Client], turn: usize, room: ConversationId, record: &Record) {
    let (path, began) = (format!("/v1/conversations/{room}/messages?limit=1"), Instant::now());
    for attempt in 0..edges.len().max(1) {
        let edge = &edges[(turn + attempt) % edges.len()];
        match timeout(READ_WITHIN, edge.get::<Value>(&path)).await {
            Ok(Ok(_)) => return record.read(began.elapsed()),
            Ok(Err(error)) => {
                record.error(&format!("read_{}", code_of(&error)));
                if !matches!(error, Error::Unreachable(_)) {
                    break;
                }
            }
            Err(_) => {
                record.error("read_no_answer");
                break;
            }
        }
    }
    record.read_failed();
}
