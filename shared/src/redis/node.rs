//! One node: its connection, which is made again for as long as the node is wanted, and its breaker.

use super::{access::reason, breaker::Breaker, slots::Slots};
use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, ClusterInterface, EventInterface},
    types::{
        Builder, ClusterHash, ConnectHandle, CustomCommand, FromValue, Message, RespVersion, Value,
        config::{Config, Options, Server},
    },
};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, broadcast::error::RecvError, watch},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// Between two attempts to connect to a node.
pub(super) const RETRY: Duration = Duration::from_millis(250);
/// For a connection (TCP and TLS), for its start-up, and for what a node says about the cluster.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// A connection on which nothing is answered for so long is given up, although it is open.
const SILENCE: Duration = Duration::from_millis(700);
/// Commands that wait for one node; beyond, they fail.
const WAITING: usize = 10_000;
/// What was heard on channels and waits for [`Ear`]; fred's own default of 32 loses it silently.
const INCOMING: usize = 65_536;

/// How long a command may take, and when a node is left alone.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// No command is waited for longer.
    pub command: Duration,
    /// After so many failures in a row a node is left alone ...
    pub failures: u32,
    /// ... for so long.
    pub pause: Duration,
}

/// Hears what is said on channels; called on the task of the node's connection, and must not block.
pub type Ear = Arc<dyn Fn(Heard) + Send + Sync>;

/// What there is to hear.
#[derive(Debug)]
pub enum Heard {
    /// Something was said on a channel.
    Message(Message),
    /// So much was said and could not be taken in time.
    Missed(u64),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No node is known to have the key.
    #[error("no node of redis is known to have this key")]
    Nowhere,
    /// The node that has the key is not connected.
    #[error("redis at {0} is not connected")]
    Away(Server),
    /// The node has failed too often, and is left alone for a while.
    #[error("redis at {0} is left alone after repeated failures")]
    Open(Server),
    /// Redis answered with an error, or not in time.
    #[error("redis: {}", reason(.0))]
    Redis(#[from] Error),
}

/// What nodes tell the cluster.
#[derive(Debug, Default)]
pub(super) struct News {
    /// It should be looked at who has which slots.
    pub(super) look: Notify,
    /// Counts the changes of connections and slots.
    pub(super) changes: watch::Sender<u64>,
}

pub(super) struct Node {
    pub(super) server: Server,
    client: Client,
    breaker: Mutex<Breaker>,
    bounds: Bounds,
    ear: Option<Ear>,
    /// The number of the connection that is open, of all in this process; 0 while there is none.
    connection: watch::Sender<u64>,
    /// Until then it stays although no slot is known to be its own.
    pub(super) guest_until: Instant,
    pub(super) closed: CancellationToken,
}

impl News {
    pub(super) fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
        self.look.notify_one();
    }
}

impl Node {
    pub(super) fn new(
        server: Server,
        config: Config,
        bounds: Bounds,
        ear: Option<Ear>,
        guest_until: Instant,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: client(config, bounds.command, ear.is_some())?,
            server,
            breaker: Mutex::new(Breaker::new(bounds.failures, bounds.pause)),
            bounds,
            ear,
            connection: watch::channel(0).0,
            guest_until,
            closed: CancellationToken::new(),
        })
    }

    /// Connects, and again whenever the connection ends, until the node is closed.
    pub(super) async fn keep_connected(self: Arc<Self>, news: Arc<News>) {
        let mut said = String::new();
        loop {
            let ended = match self.client.init().await {
                Ok(connection) => {
                    said.clear();
                    self.be_connected(connection, &news).await
                }
                Err(error) => Some(error),
            };
            if let Some(error) = ended {
                warn_of(&self.server, &error, &mut said);
            }
            // What was wrong with the node before says nothing about the next connection.
            *self.breaker() = Breaker::new(self.bounds.failures, self.bounds.pause);
            tokio::select! {
                () = sleep(RETRY) => {}
                () = self.closed.cancelled() => return,
            }
        }
    }

    /// Returns why the connection has ended.
    async fn be_connected(&self, mut connection: ConnectHandle, news: &News) -> Option<Error> {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        let mut messages = self.client.message_rx();
        self.connection.send_replace(CONNECTIONS.fetch_add(1, Ordering::Relaxed) + 1);
        news.changed();
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended.ok().and_then(Result::err),
                heard = messages.recv() => match (heard, &self.ear) {
                    (Ok(message), Some(ear)) => ear(Heard::Message(message)),
                    (Err(RecvError::Lagged(count)), Some(ear)) => ear(Heard::Missed(count)),
                    _ => {}
                },
                () = self.closed.cancelled() => break None,
            }
        };
        self.connection.send_replace(0);
        news.changed();
        end(&self.client, &connection).await;
        ended
    }

    /// Sends a command; after an `ASKING` in the same breath, where the slot is just being moved here.
    pub(super) async fn ask<R: FromValue>(
        &self,
        name: &'static str,
        arguments: &[Value],
        asking: bool,
    ) -> Result<R, AskError> {
        if self.connection() == 0 {
            return Err(AskError::Away(self.server.clone()));
        }
        if !self.breaker().admit(Instant::now()) {
            return Err(AskError::Open(self.server.clone()));
        }
        let answer = match asking {
            false => self.client.custom(command(name), arguments.to_vec()).await,
            true => self.ask_in_passing(name, arguments).await,
        };
        self.record(&answer);
        Ok(answer?)
    }

    async fn ask_in_passing<R: FromValue>(
        &self,
        name: &'static str,
        arguments: &[Value],
    ) -> Result<R, Error> {
        let pipeline = self.client.pipeline();
        let _queued: Value = pipeline.custom(command("ASKING"), Vec::<Value>::new()).await?;
        let _queued: Value = pipeline.custom(command(name), arguments.to_vec()).await?;
        pipeline.last().await
    }

    /// What the node says about the cluster.
    pub(super) async fn slots(&self) -> Result<Slots, Error> {
        slots(&self.client, &self.server).await
    }

    /// The number of the connection; 0 while there is none.
    pub(super) fn connection(&self) -> u64 {
        *self.connection.borrow()
    }

    /// Waits for a connection. The caller bounds it.
    pub(super) async fn connected(&self) {
        drop(self.connection.subscribe().wait_for(|connection| *connection != 0).await);
    }

    fn record<R>(&self, answer: &Result<R, Error>) {
        // A node that sends a command elsewhere, or wants the whole script, is well.
        let well = ["MOVED", "ASK", "TRYAGAIN", "NOSCRIPT"];
        let success = match answer {
            Ok(_) => true,
            Err(error) => well.iter().any(|word| error.details().starts_with(word)),
        };
        let turned = self.breaker().record(success, Instant::now());
        match (turned, success) {
            (true, true) => tracing::info!(node = %self.server, "redis answers again"),
            (true, false) => {
                tracing::warn!(node = %self.server, "redis fails again and again; left alone for a while");
            }
            (false, _) => {}
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Asks a node once that is not one of the cluster's, as far as is known. Has to be waited for: its connection ends
/// with it.
pub(super) async fn visit(server: &Server, config: Config) -> Result<Slots, Error> {
    let client = client(config, PATIENCE, false)?;
    let connection = client.init().await?;
    let slots = slots(&client, server).await;
    end(&client, &connection).await;
    slots
}

/// Ends a connection. fred waits for what a node still owes, which may be for ever.
async fn end(client: &Client, connection: &ConnectHandle) {
    if !connection.is_finished() {
        drop(client.quit().await);
        connection.abort();
    }
}

/// Four times a second the same would be said while a node is away; each reason is said once in a row.
pub(super) fn warn_of(node: &dyn fmt::Display, error: &Error, said: &mut String) {
    let reason = reason(error);
    if *said != reason {
        tracing::warn!(%node, reason, "no connection to redis");
        *said = reason;
    }
}

async fn slots(client: &Client, server: &Server) -> Result<Slots, Error> {
    let client = client.with_options(&Options { timeout: Some(PATIENCE), ..Options::default() });
    let said: Value = client.cluster_slots().await?;
    Slots::read(&said, server)
        .ok_or_else(|| Error::new(ErrorKind::Cluster, "no slot of the cluster has a node"))
}

fn client(mut config: Config, command: Duration, listens: bool) -> Result<Client, Error> {
    // Messages on channels and answers on one connection are a thing of the third version of the protocol.
    config.version = if listens { RespVersion::RESP3 } else { RespVersion::RESP2 };
    let mut builder = Builder::from_config(config);
    builder
        .with_performance_config(|performance| {
            performance.default_command_timeout = command;
            if listens {
                performance.broadcast_channel_capacity = INCOMING;
            }
        })
        // Without a policy of fred's a connection that ends fails what waits for it at once; we connect again.
        .with_connection_config(|connection| {
            // What is small is sent at once, and does not wait until what went before is acknowledged.
            connection.tcp.nodelay = Some(true);
            connection.connection_timeout = PATIENCE;
            connection.internal_command_timeout = PATIENCE;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = WAITING;
            connection.unresponsive.max_timeout = Some(SILENCE);
            connection.unresponsive.interval = SILENCE / 2;
        });
    builder.build()
}

fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}
