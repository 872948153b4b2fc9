//! A turn as a stream of its own: followed to its end, and told in the words of a face.

use super::{
    following::Following,
    outgoing::{Gone, Outgoing},
};
use serde_json::Value;
use switchboard_shared::{
    events::Event,
    problem::{Problem, ProblemKind},
};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

/// The words of a face.
pub(super) trait Tells {
    /// What comes first.
    fn begin(&mut self) -> Vec<Value>;
    /// What an event of the turn is told as.
    fn hear(&mut self, event: &Event) -> Vec<Value>;
    /// What comes last.
    fn end(&mut self) -> Vec<Value>;
    /// What comes last where the turn's end is not heard of here.
    fn broken(&mut self, problem: &Problem) -> Vec<Value>;
}

/// Tells a turn until it is over, or this core ends (`halt`); whether its end was heard of.
pub(super) async fn tell(
    outgoing: &Outgoing,
    mut following: Following,
    mut words: impl Tells,
    halt: &CancellationToken,
) -> Result<bool, Gone> {
    send(outgoing, words.begin()).await?;
    let mut pings = interval_at(Instant::now() + outgoing.ping, outgoing.ping);
    let problem = loop {
        tokio::select! {
            next = following.next() => match next {
                Ok(Some(event)) => send(outgoing, words.hear(&event)).await?,
                Ok(None) => return send(outgoing, words.end()).await.map(|()| true),
                Err(error) => break error.problem(),
            },
            _ = pings.tick() => outgoing.put(": waiting\n\n").await?,
            () = outgoing.gone() => return Err(Gone),
            () = halt.cancelled() => {
                let why = "This core ends; the answer is written elsewhere.";
                break Problem::new(ProblemKind::Unavailable, why);
            }
        }
    };
    send(outgoing, words.broken(&problem)).await.map(|()| false)
}

async fn send(outgoing: &Outgoing, told: Vec<Value>) -> Result<(), Gone> {
    for event in told {
        outgoing.send(&event).await?;
    }
    Ok(())
}
