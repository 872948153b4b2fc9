//! A person at a terminal, as the terminal shows it.

use super::edge::{Edge, Socket, read, write};
use nix::pty::{Winsize, openpty};
use serde_json::json;
use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use switchboard_shared::ids::{CallId, MessageId};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// What is done by now, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// A terminal is told to bracket what is pasted when the prompt is there (xterm, "Bracketed Paste Mode").
const PROMPTED: &str = "\u{1b}[?2004h";

/// A chat without a question on a terminal of its own.
struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn open(edge: &Edge) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let asking = edge.ask(&[]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(asking.as_std().get_args().filter(|word| *word != "hello")).env("TERM", "xterm");
        let child = command.stdin(end()).stdout(end()).stderr(end()).kill_on_drop(true).spawn().unwrap();
        let (keys, shown) = (File::from(pty.master), Arc::<Mutex<Vec<u8>>>::default());
        let (mut screen, seen) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        // It ends with the terminal (EIO).
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                seen.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { child, keys, shown }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until something was shown so often.
    async fn shows(&self, what: &str, times: usize) {
        let there = async {
            while self.shown().matches(what).count() < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(PATIENCE, there).await.is_ok(), "{what:?} {times} times in {:?}", self.shown());
    }

    async fn ends_with(mut self, code: i32) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(code), "{:?}", self.shown());
    }
}

/// Takes a message, and returns its text.
async fn heard(edge: &Edge, socket: &mut Socket, seq: u64) -> String {
    let sent = read(socket).await;
    let ack = json!({"type": "ack", "id": sent["id"], "message": MessageId::new(), "turn": edge.turn, "seq": seq, "duplicate": false});
    write(socket, &ack).await;
    sent["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_pasted_is_one_message_and_comes_back_with_the_history() {
    let edge = Edge::start().await;
    let mut terminal = Terminal::open(&edge);
    let (mut socket, _) = edge.join(0).await;
    terminal.shows(PROMPTED, 1).await;
    terminal.press("\u{1b}[200~What is the mean of\r4\r8\u{1b}[201~\r");
    assert_eq!(heard(&edge, &mut socket, 1).await, "What is the mean of\n4\n8");
    edge.end(&mut socket, 1, "completed").await;
    terminal.shows(PROMPTED, 2).await;
    terminal.press("\u{10}\r");
    assert_eq!(heard(&edge, &mut socket, 2).await, "What is the mean of\n4\n8", "Ctrl-P");
    edge.end(&mut socket, 2, "completed").await;
    terminal.shows(PROMPTED, 3).await;
    terminal.press("\u{4}");
    terminal.ends_with(0).await;
}

#[tokio::test]
async fn the_first_interrupt_takes_back_what_is_typed_and_the_second_leaves() {
    let edge = Edge::start().await;
    let mut terminal = Terminal::open(&edge);
    let (mut socket, _) = edge.join(0).await;
    terminal.shows(PROMPTED, 1).await;
    terminal.press("never mind\u{3}");
    terminal.shows("again leaves", 1).await;
    terminal.shows(PROMPTED, 2).await;
    // What others say stands above what is being typed.
    terminal.press("hel");
    terminal.shows("hel", 1).await;
    let notice = json!({"code": "degraded", "text": "pieces may be missing"});
    edge.event(&mut socket, None, "notice", notice).await;
    terminal.shows("pieces may be missing", 1).await;
    terminal.press("lo\r");
    assert_eq!(heard(&edge, &mut socket, 1).await, "hello");
    edge.end(&mut socket, 1, "completed").await;
    terminal.shows(PROMPTED, 3).await;
    terminal.press("\u{3}");
    terminal.shows("again leaves", 2).await;
    terminal.shows(PROMPTED, 4).await;
    terminal.press("\u{3}");
    terminal.ends_with(130).await;
}

#[tokio::test]
async fn a_slow_agent_is_named_with_the_time_on_a_terminal_and_nowhere_else() {
    let edge = Edge::start().await;
    let asked = json!({"call": CallId::new(), "agent": "slow-agent", "question": "hello"});
    let piped = edge.ask(&[]).spawn().unwrap();
    let (mut pipe, _) = edge.join(0).await;
    heard(&edge, &mut pipe, 1).await;
    edge.event(&mut pipe, Some(1), "call.started", asked.clone()).await;

    let mut terminal = Terminal::open(&edge);
    let (mut socket, _) = edge.join(0).await;
    terminal.shows(PROMPTED, 1).await;
    terminal.press("hello\r");
    assert_eq!(heard(&edge, &mut socket, 1).await, "hello");
    edge.event(&mut socket, Some(1), "call.started", asked).await;
    terminal.shows("waiting for slow-agent (4 s)", 1).await;
    edge.end(&mut socket, 2, "completed").await;
    terminal.shows(PROMPTED, 2).await;
    assert!(terminal.shown().contains("\r\u{1b}[K"), "it is taken away again: {:?}", terminal.shown());

    // It was asked before the one on the terminal was.
    edge.end(&mut pipe, 2, "completed").await;
    let output = timeout(PATIENCE, piped.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("slow-agent: asked") && !said.contains("waiting for"), "{said}");
}
