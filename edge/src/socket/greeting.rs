//! The first word on a socket: who is it?

use super::{
    leaving::Leaving,
    opening::{Opening, Socket},
};
use crate::{auth::Refusal, identify, metrics::METRICS};
use futures::{StreamExt, stream::SplitStream};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    events::{ClientFrame, CloseCode},
    identity::Identity,
};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

/// Learns who the client is: from the handshake, or from a `hello` in time.
///
/// # Errors
/// With the way to leave, when it cannot be learned.
pub async fn greet(stream: &mut SplitStream<Socket>, opening: &Opening) -> Result<Arc<Identity>, Leaving> {
    if let Some(identity) = &opening.identity {
        return Ok(identity.clone());
    }
    let until = Instant::now() + Duration::from_millis(opening.edge.config.socket.hello_timeout_ms);
    loop {
        let draining = opening.edge.shutdown.token.cancelled();
        let message = tokio::select! {
            message = timeout_at(until, stream.next()) => message,
            () = draining => return Err(Leaving::Code(CloseCode::Restart)),
        };
        match message {
            Err(_) => return Err(Leaving::Code(CloseCode::Idle)),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Text(text)))) => {
                METRICS.frame("in", "hello");
                let Ok(ClientFrame::Hello { token: Some(token), .. }) = serde_json::from_str(&text) else {
                    return Err(Leaving::Code(CloseCode::Unauthenticated));
                };
                let verified = identify::token(&opening.edge, &token).await;
                return verified.map_err(|refusal| match refusal {
                    // Another token would not help.
                    Refusal::Unavailable => Leaving::Code(CloseCode::TryLater),
                    _ => Leaving::Code(CloseCode::Unauthenticated),
                });
            }
            Ok(Some(Ok(Message::Binary(_)))) => return Err(Leaving::Code(CloseCode::BadFrame)),
            Ok(Some(Err(error))) => return Err(Leaving::from(&error)),
            Ok(_) => return Err(Leaving::Gone),
        }
    }
}
