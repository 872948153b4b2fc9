//! What one tenant does, and how long another tenant's message takes meanwhile.

use super::{
    site::{LOUD, Site, room, say, shows, with_file},
    table::Row,
};
use crate::error::Result;
use futures::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Another tenant's message is answered within this, whatever the first one does.
pub(super) const BOUND: Duration = Duration::from_secs(1);
const PROBES: usize = 20;
/// With base64 it just fits into a body.
const FILE_BYTES: usize = 1_400_000;
const PAUSE: Duration = Duration::from_millis(150);
/// Requests of a flood that are under way at once.
const AT_ONCE: usize = 32;
/// Uploads of one user that are under way at once: as many as a browser has connections to one place.
const UPLOADS_AT_ONCE: usize = 6;

/// Times another tenant's messages, beginning with the flood.
pub(super) async fn probes(site: &Site) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..PROBES {
        times.push(site.probe().await?);
        sleep(PAUSE).await;
    }
    Ok(times)
}

/// Ten users fill the house with messages to an agent that hangs.
pub(super) async fn turns(site: &Site, messages: usize, times: u32) -> Result<Vec<Row>> {
    let mut rooms = Vec::new();
    for user in 0..10 {
        let who = site.caller(LOUD, &format!("user-{user}"), &[])?;
        rooms.push((room(&who).await?, who));
    }
    let sent = stream::iter(0..messages).map(|i| {
        let (room, who) = &rooms[i % rooms.len()];
        say(who, room, "@hanging are you there?")
    });
    let accepted = sent.buffer_unordered(AT_ONCE).filter(|sent| std::future::ready(sent.is_ok())).count();
    let (accepted, times_taken) = join(accepted, probes(site)).await;
    shows(accepted)?;
    let what = format!("{messages} messages to an agent that hangs ({accepted} accepted)");
    Ok(vec![Row::waited(what, times_taken?, BOUND * times)])
}

/// One user sends large files, several at once, each into a room of its own.
pub(super) async fn uploads(site: &Site, files: usize, times: u32) -> Result<Vec<Row>> {
    let who = site.caller(LOUD, "ann", &[])?;
    let rooms = join_all((0..UPLOADS_AT_ONCE).map(|_| room(&who))).await;
    let rooms = rooms.into_iter().collect::<Result<Vec<_>>>()?;
    let sent = with_file(FILE_BYTES);
    let flood = stream::iter(0..files).map(async |i| {
        let path = format!("/v1/conversations/{}/messages", rooms[i % rooms.len()]);
        who.post::<Value>(&path, &sent).await
    });
    let kept =
        flood.buffer_unordered(UPLOADS_AT_ONCE).filter(|done| std::future::ready(done.is_ok())).count();
    let (kept, times_taken) = join(kept, probes(site)).await;
    shows(kept)?;
    let what = format!("{files} files of 1.4 MB of one user, {UPLOADS_AT_ONCE} at once ({kept} kept)");
    Ok(vec![Row::waited(what, times_taken?, BOUND * times)])
}

/// Many sets of groups of one tenant each need a model of their own; callers leave before it is there.
pub(super) async fn learning(site: &Site, sets: usize, examples: usize, times: u32) -> Result<Vec<Row>> {
    let olga = site.caller(LOUD, "olga", &[])?;
    for agent in 0..3 {
        let texts = (0..examples).map(|i| {
            let text = format!("please do the task {i} of kind {} with tool {agent} now", i * 7919 % 997);
            json!({"text": text, "language": "en"})
        });
        let new = json!({"url": site.quick_url(), "id": format!("many-{agent}"), "examples": texts.collect::<Vec<_>>()});
        olga.post::<Value>("/v1/agents", &new).await?;
    }
    for set in 0..sets {
        let new =
            json!({"url": site.quick_url(), "id": format!("only-{set}"), "groups": [format!("group-{set}")]});
        olga.post::<Value>("/v1/agents", &new).await?;
    }
    let callers = (0..sets).map(async |set| {
        let who = site.caller(LOUD, &format!("user-{set}"), &[format!("group-{set}")])?;
        let room = room(&who).await?;
        say(&who, &room, "please do the task 3 of kind 5").await?;
        // They ask what would be done as well, and leave.
        let text = json!({"text": "do the task 4"});
        let asks = who.post::<Value>("/v1/analyze", &text);
        drop(tokio::time::timeout(PAUSE, asks).await);
        Ok::<_, crate::error::Error>(())
    });
    join_all(callers).await.into_iter().collect::<Result<Vec<()>>>()?;
    let what = format!("{sets} sets of groups of one tenant, {} examples each, to be learned", 3 * examples);
    Ok(vec![Row::waited(what, probes(site).await?, BOUND * times)])
}

/// One user asks again and again what the router would do.
pub(super) async fn analyses(site: &Site, requests: usize, times: u32) -> Result<Vec<Row>> {
    let who = site.caller(LOUD, "ann", &[])?;
    let began = Instant::now();
    let flood = stream::iter(0..requests).map(async |i| {
        let text = json!({"text": format!("what of {i}?"), "explain": true});
        who.post::<Value>("/v1/analyze", &text).await
    });
    let flood = async {
        let answered = flood.buffer_unordered(AT_ONCE).filter(|done| std::future::ready(done.is_ok()));
        (answered.count().await, began.elapsed())
    };
    let ((answered, took), times_taken) = join(flood, probes(site)).await;
    let what = format!("{requests} analyses of one user");
    let seconds = took.as_secs_f64();
    let counted = format!("{answered} answered in {seconds:.1} s");
    #[allow(clippy::cast_precision_loss, reason = "they are hundreds")]
    let answered = answered as f64;
    // The default budget of the tier: a quarter of 30 at once, and then one every two seconds.
    let budget = Row::counted(format!("{what}: answered"), counted, answered, 8.0 + seconds / 2.0 + 1.0);
    Ok(vec![Row::waited(what, times_taken?, BOUND * times), budget])
}
