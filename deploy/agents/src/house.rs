//! The sixteen agents behind one address.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::serve::ListenerExt;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agents;
use crate::server;
use crate::settings::{Limits, Settings};

/// A bound address with the sixteen agents behind it.
pub struct House {
    listener: TcpListener,
    router: axum::Router,
    directory: Directory,
    tracker: TaskTracker,
    stop: CancellationToken,
    limits: Limits,
}

/// Who answers where; the `--json` line.
#[derive(Debug, Clone, Serialize)]
pub struct Directory {
    /// Base URL of the house.
    pub url: String,
    /// The agents, in the order of the registry.
    pub agents: Vec<Listed>,
}

/// One line of the directory.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// The agent's id, which is its path.
    pub id: String,
    /// The agent's JSON-RPC endpoint; its card is below it.
    pub url: String,
}

/// Why the house could not be opened or kept open.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source} (choose another with --listen, or --listen 127.0.0.1:0)")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The sandbox folder cannot be used.
    #[error("cannot use the data folder {}: {source} (choose another with --data)", path.display())]
    Data {
        /// The folder asked for.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// An agent could not be made ready.
    #[error("cannot start {agent}: {reason}")]
    Agent {
        /// Its id.
        agent: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// The server ended by itself.
    #[error("serving failed: {0}")]
    Serve(std::io::Error),
}

impl House {
    /// Opens the port and makes the agents ready; nothing is answered yet.
    ///
    /// # Errors
    /// When the address, the data folder or an agent's own store cannot be used.
    pub async fn bind(settings: Settings) -> Result<Self, HouseError> {
        let address = settings.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|source| HouseError::Listen { address, source })?;
        let local = listener.local_addr().map_err(|source| HouseError::Listen { address, source })?;
        let own = format!("http://{local}");
        let public = settings.public_url.as_ref().map_or_else(|| own.clone(), |url| url.as_str().to_owned());
        let public = public.trim_end_matches('/').to_owned();

        let agents = agents::all(&settings, &own)?;
        let directory = Directory {
            agents: agents
                .iter()
                .map(|agent| agent.profile().id)
                .map(|id| Listed { id: id.to_owned(), url: format!("{public}/{id}") })
                .collect(),
            url: public.clone(),
        };
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        let router = server::router(agents, &public, settings.limits, &tracker, &stop);
        Ok(Self { listener, router, directory, tracker, stop, limits: settings.limits })
    }

    /// Returns who answers where.
    #[must_use]
    pub fn directory(&self) -> Directory {
        self.directory.clone()
    }

    /// Answers until `stop`, then ends streams and running tasks within the drain time.
    ///
    /// # Errors
    /// When accepting connections fails for good.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), HouseError> {
        let own = self.stop.clone();
        let asked = async move {
            stop.cancelled().await;
            own.cancel();
        };
        // Small frames must not wait for the acknowledgement of the frame before.
        let listener = self.listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
        });
        let served = axum::serve(listener, self.router).with_graceful_shutdown(asked).into_future();
        let too_late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(self.limits.drain).await;
        };
        tokio::select! {
            result = served => result.map_err(HouseError::Serve)?,
            () = too_late => tracing::warn!("connections were still open when the drain time ended"),
        }
        self.tracker.close();
        if tokio::time::timeout(self.limits.drain, self.tracker.wait()).await.is_err() {
            tracing::warn!("tasks were still running when the drain time ended");
        }
        tracing::info!("stopped");
        Ok(())
    }
}
