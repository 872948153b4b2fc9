//! Floods of bytes, and how much more a process holds while they last.

use super::{
    report::Report,
    silent::Silent,
    stand::{NOISY, Stand, growth_during, neighbour, room, say},
};
use crate::{
    client::{Client, send_frame},
    error::Result,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_shared::ids::ConversationId;
use tokio::time::sleep;

/// How much more a process may hold.
const BOUND: u64 = 64 << 20;
/// How long a reader that does not read is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(3);

pub(super) async fn run(stand: &Stand, quick: bool, report: &mut Report) -> Result<()> {
    let scale = if quick { 10 } else { 1 };
    files(stand, 190 / scale, report).await?;
    let ann = stand.client(NOISY, "ann", "user", &[])?;
    let long = long_room(&ann).await?;
    joins(stand, &ann, long, report).await?;
    streams(stand, &ann, long, 300 / scale, report).await?;
    cards(stand, 20, report).await
}

fn grown(what: &str, growth: u64, note: &str, report: &mut Report) {
    let seen = format!("{:.1} MB more{note}", growth as f64 / 1e6);
    report.row(what, &seen, "at most 67 MB more", growth <= BOUND);
}

/// Messages with a file of 1.4 MB each, and pages of them for 22 readers at once.
async fn files(stand: &Stand, messages: usize, report: &mut Report) -> Result<()> {
    let sender = stand.client(NOISY, "filer", "user", &[])?;
    let room = room(&sender).await?;
    let data = STANDARD.encode(vec![7_u8; 1_400_000]);
    let file = json!([{"name": "a.bin", "media_type": "application/octet-stream", "data": data}]);
    let sent =
        stream::iter(0..messages)
            .map(|number| {
                let (sender, file) = (&sender, file.clone());
                async move {
                    say(sender, room, "data-processor", &format!("the mean of {number} and 2"), file).await
                }
            })
            .buffered(2);
    let accepted = sent.filter(|accepted| std::future::ready(*accepted)).count().await;
    let path = format!("/v1/conversations/{room}/messages?limit=200");
    let (growth, (_, waits)) = growth_during(stand.core(), async {
        tokio::join!(join_all((0..22).map(|_| sender.get::<Value>(&path))), neighbour(stand, 3))
    })
    .await;
    let what = format!("{accepted} of {messages} messages with 1.4 MB, read by 22 at once");
    grown(&what, growth, &format!(", {}", waits?), report);
    Ok(())
}

/// A conversation whose newest messages are large.
async fn long_room(client: &Client) -> Result<ConversationId> {
    let room = room(client).await?;
    let text = "数据处理的平均值是多少 ".repeat(1_600);
    for _ in 0..40 {
        say(client, room, "data-processor", &text, json!([])).await;
    }
    Ok(room)
}

/// A socket that asks for snapshots and reads none.
async fn joins(stand: &Stand, client: &Client, room: ConversationId, report: &mut Report) -> Result<()> {
    let (growth, sent) = growth_during(stand.edge(), async {
        let mut socket = client.socket("/ws").await?;
        let join = json!({"type": "join", "conversation": room, "after": 1_000_000});
        let mut sent = 0;
        while sent < 200 && send_frame(&mut socket, &join).await.is_ok() {
            sent += 1;
            sleep(Duration::from_millis(25)).await;
        }
        sleep(LEFT_ALONE).await;
        Ok::<_, crate::error::Error>(sent)
    })
    .await;
    grown(&format!("a socket joins {} times ahead of the log, reads nothing", sent?), growth, "", report);
    Ok(())
}

/// Event streams that nobody reads.
async fn streams(
    stand: &Stand,
    client: &Client,
    room: ConversationId,
    streams: usize,
    report: &mut Report,
) -> Result<()> {
    let path = format!("/v1/conversations/{room}/events?after=0");
    let (growth, held) = growth_during(stand.core(), async {
        let open = stream::iter(0..streams).map(|_| client.listen(&path)).buffered(8);
        let open: Vec<_> = open.filter_map(|opened| std::future::ready(opened.ok())).collect().await;
        sleep(LEFT_ALONE).await;
        open.len()
    })
    .await;
    grown(
        &format!("{streams} event streams of one user that nobody reads"),
        growth,
        &format!(", {held} opened"),
        report,
    );
    Ok(())
}

/// Agents whose cards have a megabyte each.
async fn cards(stand: &Stand, cards: usize, report: &mut Report) -> Result<()> {
    let long = "word ".repeat(200_000);
    let (growth, taken) = growth_during(stand.core(), async {
        let mut taken = 0;
        for number in 0..cards {
            let agent = Silent::start(&format!("big-{number}"), &long, &[]).await?;
            let registered =
                stand.register(NOISY, &format!("big-{number}"), agent.url.clone(), &[], None).await;
            taken += usize::from(registered.is_ok());
        }
        Ok::<_, crate::error::Error>(taken)
    })
    .await;
    grown(&format!("{cards} cards of 1 MB are registered"), growth, &format!(", {} taken", taken?), report);
    Ok(())
}
