//! How a WebSocket to an edge is opened, read and written (RFC 6455).

use crate::{
    closed::Closed,
    error::{Error, Result},
};
use futures::{SinkExt, StreamExt};
use reqwest::{Response, StatusCode, Upgraded, header};
use serde::Serialize;
use std::time::Duration;
use switchboard_shared::{cause::Cause, events::SUBPROTOCOL};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as WsError, Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};
use url::Url;

/// A WebSocket to an edge.
pub type Socket = WebSocketStream<Upgraded>;

/// Opens a WebSocket at `path`, with the token in its handshake. The client has to speak HTTP/1.1.
///
/// # Errors
/// When the edge cannot be reached, or answers with something else.
pub async fn open(
    http: &reqwest::Client,
    edge: &Url,
    path: &str,
    token: &str,
    within: Duration,
) -> Result<Socket> {
    let unreachable = |source| Error::Unreachable { edge: edge.clone(), source };
    let key = generate_key();
    let request = http
        .get(edge.join(path).map_err(|_| Error::NoWebSocket(edge.clone()))?)
        .bearer_auth(token)
        .timeout(within)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
        .header(header::SEC_WEBSOCKET_KEY, &key);
    let response = request.send().await.map_err(unreachable)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(edge, response).await);
    }
    let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(header::HeaderValue::as_bytes);
    if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Error::NoWebSocket(edge.clone()));
    }
    let upgraded = response.upgrade().await.map_err(unreachable)?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}

async fn refusal(edge: &Url, response: Response) -> Error {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap_or_default();
    Error::Refused { edge: edge.clone(), status, problem: serde_json::from_slice(&bytes).ok() }
}

/// Sends a frame as JSON.
///
/// # Errors
/// When the socket is gone.
pub async fn send_frame(socket: &mut Socket, frame: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(frame).map_err(|_| Error::Gone)?;
    socket.send(Message::text(text)).await.map_err(|_| Error::Gone)
}

/// Reads the next text frame; the error says why there is none.
///
/// # Errors
/// With the close code, when the server closed the socket, or that it is gone.
pub async fn next_text(socket: &mut Socket) -> Result<String, Closed> {
    loop {
        if let Some(text) = read(socket.next().await)? {
            return Ok(text);
        }
    }
}

/// The text of a message; `None` for one that has none.
///
/// # Errors
/// As [`next_text`].
pub(crate) fn read(message: Option<Result<Message, WsError>>) -> Result<Option<String>, Closed> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Some(text.as_str().to_owned())),
        Some(Ok(Message::Close(Some(frame)))) => {
            Err(Closed { code: Some(frame.code.into()), reason: frame.reason.as_str().to_owned() })
        }
        Some(Ok(Message::Close(None))) | None => Err(Closed::default()),
        Some(Err(error)) => Err(Closed { code: None, reason: Cause::of(&error).to_string() }),
        // Pings are answered by the library as it reads on.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error as IoError, ErrorKind};

    #[test]
    fn a_connection_that_breaks_is_told_without_the_words_of_a_library() {
        let eof =
            IoError::new(ErrorKind::UnexpectedEof, "peer closed connection without sending TLS close_notify");
        let closed = read(Some(Err(WsError::Io(eof)))).expect_err("it is closed");
        assert_eq!(closed.to_string(), "the connection broke in the middle of the answer");
    }
}
