//! A client of Switchboard: conversations over a WebSocket that outlive the edge which they began at.
//!
//! It does what `edge/PROTOCOL.md` says under "What a client does": it takes the nearest edge by measured round trip,
//! leaves one that ends or drains, waits with full jitter before it tries again, joins again with its cursors, sends
//! again under the same client id what was not acknowledged, and goes back to a nearer edge later. Whoever reads gets
//! every event once and in order, whatever went on below.
//!
//! - `session`: what a program holds, made with `options`; `received`: what it hands on
//! - [`rules`]: what a close code means and how long to wait, pure
//! - `edges`: which edge is the best, pure; `measure`: how far each one is
//! - `patience`: when to connect again, pure; `reach`: how that is done
//! - `conversations`: what is read and said; `rooms`: where each is read to; `outbox`: what is not acknowledged; all pure
//! - `token`: when a token ends, pure
//! - `line`: one open WebSocket and when it counts as dead; [`socket`]: how one is opened
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use switchboard_client::{Options, Received, Session};
//!
//! // WebSockets need HTTP/1.1 (RFC 6455 §4.1); trust and proxies are the caller's.
//! let http = reqwest::Client::builder().http1_only().build()?;
//! let edges = ["https://chat.example".parse()?];
//! let mut session = Session::open(Options::new(http, edges, || async { Ok("a.b.c".to_owned()) })).await?;
//! let conversation = "01a206cc-a890-746d-b756-f80d41c27068".parse()?;
//! session.join(conversation, Some(0));
//! session.send("question-1".parse()?, conversation, "What is the mean of 4, 8 and 15?")?;
//! while let Received::Event(_, event) = session.next().await? {
//!     println!("{:?} {}", event.seq, event.body.name());
//! }
//! # Ok(())
//! # }
//! ```

mod closed;
mod conversations;
mod edges;
mod error;
mod line;
mod measure;
mod options;
mod outbox;
mod patience;
mod reach;
mod received;
mod rooms;
pub mod rules;
mod session;
pub mod socket;
mod token;

pub use closed::Closed;
pub use error::{Error, Result, TokenError};
pub use options::Options;
pub use received::Received;
pub use session::Session;
pub use socket::{Socket, next_text, send_frame};
