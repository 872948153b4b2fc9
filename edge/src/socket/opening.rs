//! What a socket begins with.

use super::fragments::Bounded;
use crate::{context::Edge, door::conn::Conn};
use std::sync::Arc;
use switchboard_shared::{identity::Identity, ids::ConversationId};
use tokio_tungstenite::WebSocketStream;
use tracing::Span;

/// A client's WebSocket.
pub type Socket = WebSocketStream<Bounded<Box<Conn>>>;

/// Where it belongs, and what its handshake has said.
#[derive(Debug)]
pub struct Opening {
    /// The edge.
    pub edge: Arc<Edge>,
    /// The socket's request id.
    pub id: Arc<str>,
    /// The socket's span.
    pub span: Span,
    /// Who the handshake's token stands for.
    pub identity: Option<Arc<Identity>>,
    /// A conversation that the path names, and the cursor in it.
    pub join: Option<(ConversationId, Option<u64>)>,
}
