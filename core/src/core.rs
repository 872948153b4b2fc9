//! Everything that a request or a turn needs, made once.

use crate::{
    agents::Agents,
    analytics::{Counts, Told},
    budget::{self, Budgets},
    config::Config,
    events::{Bell, Streams},
    in_hand::InHand,
    llm::Llm,
    login::Login,
    metrics,
    push::Push,
    readings::Readings,
    registry::Registry,
    route::{Router, embed::Embedder},
    seal::Sealer,
    seen::Seen,
    store::{MigrateError, Store, migrate},
    trials::Trials,
    turn::{Lease, Turns},
};
use std::sync::Arc;
use switchboard_shared::{cause::Cause, keys::SigningKeys, shutdown::Shutdown};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One core.
pub(crate) struct Core {
    /// This process, as leases name it.
    pub(crate) id: Uuid,
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) bell: Bell,
    pub(crate) agents: Agents,
    pub(crate) llm: Arc<Llm>,
    pub(crate) push: Arc<Push>,
    pub(crate) router: Router,
    pub(crate) registry: Arc<Registry>,
    pub(crate) trials: Trials,
    pub(crate) turns: Turns,
    pub(crate) lease: Lease,
    pub(crate) budgets: Budgets,
    /// Of requests for analytics.
    pub(crate) figures: Budgets,
    /// What is not in the rows yet.
    pub(crate) counts: Counts,
    pub(crate) told: Told,
    pub(crate) streams: Arc<Streams>,
    pub(crate) bodies: Arc<InHand>,
    pub(crate) files: Arc<InHand>,
    pub(crate) downloads: Arc<InHand>,
    pub(crate) seen: Seen,
    pub(crate) readings: Readings,
    /// How people sign in, if they do.
    pub(crate) login: Option<Login>,
    /// Say which words of edges and cores are ours.
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) shutdown: Shutdown,
    /// Ends what the drain has not ended: its lease ends, and another core takes its turns.
    pub(crate) halt: CancellationToken,
}

/// Why a core cannot start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum StartError {
    #[error("{0}")]
    Migrate(Box<dyn std::error::Error + Send + Sync>),
    #[error("postgres: {0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
    #[error("redis: {0}")]
    Redis(Box<dyn std::error::Error + Send + Sync>),
    #[error("agents: {0}")]
    Agents(Box<dyn std::error::Error + Send + Sync>),
    #[error("{0}")]
    Login(String),
    #[error("llm: {0}")]
    Llm(Box<dyn std::error::Error + Send + Sync>),
    #[error("{0}; correct `[route.embedder]`, or leave it empty")]
    Embedder(Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "{address} cannot be listened on: {}; is another process there? Set `{key}` to a free address.",
        Cause::of(.source)
    )]
    Listen { address: std::net::SocketAddr, key: &'static str, source: std::io::Error },
}

impl From<MigrateError> for StartError {
    fn from(error: MigrateError) -> Self {
        Self::Migrate(error.into())
    }
}

impl Core {
    pub(crate) async fn start(config: Config, shutdown: Shutdown) -> Result<Arc<Self>, StartError> {
        metrics::show();
        let sealer = Arc::new(Sealer::new(&config.login.seal_keys));
        let login = Login::new(&config.login, &sealer).map_err(StartError::Login)?;
        migrate(&config.postgres).await?;
        let id = Uuid::now_v7();
        let store = Store::new(&config.postgres).map_err(|e| StartError::Store(e.into()))?;
        store.begin(&shutdown).await;
        let keys = Arc::new(config.keys());
        let bell = Bell::start(&config, id, &keys, &shutdown).map_err(|e| StartError::Redis(e.into()))?;
        let push = Push::new(&config, Arc::clone(&sealer)).map_err(|e| StartError::Agents(e.into()))?;
        let agents = Agents::new(&config.agents, sealer).map_err(|e| StartError::Agents(e.into()))?;
        let llm = Arc::new(Llm::new(&config.llm).map_err(|e| StartError::Llm(e.into()))?);
        let settings = config.route.embedder.clone();
        let embedder = tokio::task::spawn_blocking(move || Embedder::open(&settings)).await;
        let embedder = embedder.map_err(|e| StartError::Embedder(e.into()))?;
        let embedder = embedder.map_err(|e| StartError::Embedder(e.into()))?;
        if let Some(embedder) = &embedder {
            tracing::info!(
                fingerprint = embedder.fingerprint(),
                dimensions = embedder.dimensions(),
                "embedder"
            );
        }
        let router = Router::new(&config.route, config.turn.max_agents, Arc::clone(&llm));
        Ok(Arc::new(Self {
            id,
            turns: Turns::new(&config.turn, store.writable()),
            store,
            bell,
            agents,
            llm,
            push: Arc::new(push),
            router,
            registry: Registry::new(&config.route, embedder, shutdown.clone()),
            trials: Trials::default(),
            lease: Lease::new(config.turn.lease),
            budgets: Budgets::new(budget::COSTLY, config.limits.costly_per_minute.clone()),
            figures: Budgets::new(budget::FIGURES, config.limits.analytics_per_minute.clone()),
            counts: Counts::default(),
            told: Told::new(),
            streams: Arc::new(Streams::new(config.max_streams, config.max_streams_per_user)),
            bodies: InHand::bodies(config.uploads_bytes),
            files: InHand::files(config.turn.files_bytes),
            downloads: InHand::downloads(config.downloads_bytes),
            seen: Seen::new(),
            readings: Readings::new(),
            login,
            keys,
            config,
            shutdown,
            halt: CancellationToken::new(),
        }))
    }
}
