//! One WebSocket, from its handshake to its close code.
//!
//! - [`handshake`]: who may open one; [`origin`]: from where
//! - [`opening`]: what it begins with; [`greeting`]: who is it
//! - [`session`]: the loop that owns the socket; [`patience`]: when it pings and gives up, pure; [`leaving`]: how it ends
//! - [`room`]: a joined conversation, following its stream on the cores
//! - [`outbox`]: what waits to be written, bounded
//! - [`job`]: sends, cancels and refreshes, one after another
//! - [`frames`]: names of frames
//! - [`stream`], [`fragments`]: bounds on what comes from a core, and from a client

pub mod fragments;
pub mod frames;
pub mod greeting;
pub mod handshake;
pub mod job;
pub mod leaving;
pub mod opening;
pub mod origin;
pub mod outbox;
pub mod patience;
pub mod room;
pub mod session;
pub mod stream;

use crate::{
    answer::{Answer, close_with, rate_limited, unauthenticated},
    context::{Edge, request_id},
    door::{conn::Conn, head::Upgrade},
    identify,
    limit::Decision,
    metrics::{Counted, METRICS},
};
use fragments::Bounded;
use handshake::Accepted;
use opening::Opening;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{identity::Identity, problem::Problem, telemetry};
use tokio::{io::AsyncWriteExt, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};
use tracing::Instrument;

/// How long the answer to a handshake may take to be written.
const ANSWERING: Duration = Duration::from_secs(5);

/// Serves a WebSocket, or answers why not.
pub async fn accept(edge: Arc<Edge>, mut conn: Box<Conn>, upgrade: Upgrade) {
    let id = request_id();
    let span = tracing::info_span!("socket", otel.kind = "server", request_id = %id);
    telemetry::follow(&span, &upgrade.headers);
    let (accepted, identity) = match Box::pin(admit(&edge, &conn, &upgrade, &id)).await {
        Ok(admitted) => admitted,
        Err((problem, decision)) => {
            METRICS.requests.with_label_values(&["ws", &problem.status.to_string()]).inc();
            return Box::pin(close_with(conn, &Answer::new(problem, &id, decision.as_ref()))).await;
        }
    };
    drop(upgrade);
    METRICS.requests.with_label_values(&["ws", "101"]).inc();
    let answered = async {
        conn.write_all(accepted.answer.as_bytes()).await?;
        conn.flush().await
    };
    if !matches!(timeout(ANSWERING, answered).await, Ok(Ok(()))) {
        return;
    }
    let config = websocket_config(edge.config.socket.max_frame_bytes);
    let conn = Bounded::new(conn, edge.config.socket.max_fragments);
    let socket = WebSocketStream::from_raw_socket(conn, Role::Server, Some(config)).await;
    let _open = Counted::new(&[&METRICS.open_sockets]);
    let opening = Opening { edge, id: id.into(), span: span.clone(), identity, join: accepted.join };
    Box::pin(session::serve(socket, opening)).instrument(span).await;
}

type Refusal = (Problem, Option<Decision>);

async fn admit(
    edge: &Edge,
    conn: &Conn,
    upgrade: &Upgrade,
    id: &str,
) -> Result<(Accepted, Option<Arc<Identity>>), Refusal> {
    let known = edge.auth.known(&upgrade.headers);
    let decision = edge.limits.arrival(known.as_deref(), conn.peer().ip());
    if !decision.allowed {
        return Err((rate_limited(&decision), Some(decision)));
    }
    let accepted =
        handshake::check(upgrade, &edge.config.socket.origins, id).map_err(|problem| (problem, None))?;
    let identity = match accepted.has_token {
        true => {
            let verified = match &accepted.ticket {
                Some(ticket) => identify::token(edge, ticket).await,
                None => identify::request(edge, &upgrade.headers).await,
            };
            Some(verified.map_err(|refusal| (unauthenticated(refusal), None))?)
        }
        false => None,
    };
    Ok((accepted, identity))
}

/// Small buffers, since most sockets are idle most of the time; no compression, since a few bytes could become a bomb.
fn websocket_config(max_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_frame_size(Some(max_bytes))
        .max_message_size(Some(max_bytes))
}
