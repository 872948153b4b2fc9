//! An edge as far as a chat needs one.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use switchboard_shared::ids::{ConversationId, TurnId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

pub(super) type Socket = WebSocketStream<TcpStream>;

/// An edge that says what a test makes it say.
pub(super) struct Edge {
    pub(super) listener: TcpListener,
    pub(super) conversation: ConversationId,
    pub(super) turn: TurnId,
}

impl Edge {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, conversation: ConversationId::new(), turn: TurnId::new() }
    }

    pub(super) fn ask(&self, args: &[&str]) -> Command {
        self.say("hello", args)
    }

    pub(super) fn say(&self, text: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        let url = format!("http://{}", self.listener.local_addr().unwrap());
        command.args(["chat", text, "--token", "t", "--url", &url]).args(args);
        command.args(["--conversation", &self.conversation.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Takes a connection. Who asks which edges there are learns nothing.
    pub(super) async fn accept(&self) -> TcpStream {
        loop {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let peeked = stream.peek(&mut head).await.unwrap();
            if !String::from_utf8_lossy(&head[..peeked]).contains("/.well-known/switchboard/edges") {
                return stream;
            }
            assert!(stream.read(&mut head).await.unwrap() > 0);
            let nothing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(nothing).await.unwrap();
        }
    }

    /// Takes a socket and lets it join; returns the cursor that it joined with.
    pub(super) async fn join(&self, seq: u64) -> (Socket, Value) {
        let stream = timeout(Duration::from_secs(10), self.accept()).await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        let join = read(&mut socket).await;
        assert_eq!(join["type"], "join");
        let at = "2026-01-01T00:00:00Z";
        let conversation = json!({"id": self.conversation, "title": "", "last_seq": seq, "created_at": at, "updated_at": at});
        write(&mut socket, &json!({"type": "joined", "conversation": conversation, "seq": seq})).await;
        (socket, join["after"].clone())
    }

    pub(super) async fn event(&self, socket: &mut Socket, seq: Option<u64>, kind: &str, data: Value) {
        let mut event = json!({"type": kind, "data": data, "conversation": self.conversation, "turn": self.turn,
                               "at": "2026-01-01T00:00:00Z"});
        if let Some(seq) = seq {
            event["seq"] = seq.into();
        }
        write(socket, &event).await;
    }

    pub(super) async fn end(&self, socket: &mut Socket, seq: u64, state: &str) {
        let usage = json!({"calls": 1, "llm_input_tokens": 0, "llm_output_tokens": 0, "ms": 5});
        self.event(socket, Some(seq), "turn.finished", json!({"state": state, "usage": usage})).await;
    }
}

pub(super) async fn read(socket: &mut Socket) -> Value {
    let message = timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

pub(super) async fn write(socket: &mut Socket, value: &Value) {
    socket.send(Message::text(value.to_string())).await.unwrap();
}
