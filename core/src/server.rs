//! Every route of the core on one page, and what stands around each request.

use crate::{
    admin,
    core::{Core, StartError},
    faces::{
        a2a,
        agui::run,
        http::{
            self, agents, analytics, audit, audit_export, chat, conversations, credentials, decisions, edges,
            examples, feedback, files, fork, frozen, groups, keys, messages, nobody, presence, revocations,
            sign_in, suggestions, switch, turns, users,
        },
        openai::{completions, models, shaped},
        page,
    },
    metrics,
    unread::Unread,
    visit::Visit,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{delete, get, post, put},
    serve::{Listener, ListenerExt},
};
use std::{net::SocketAddr, sync::Arc};
use switchboard_shared::{
    a2a as theirs, headers, openai,
    problem::{Problem, ProblemKind},
    telemetry,
};
use tokio::{
    net::TcpListener,
    time::{Instant, timeout},
};
use tracing::Instrument;

/// The public routes.
pub(crate) fn routes(core: &Arc<Core>) -> Router {
    let v1 = Router::new()
        .route("/conversations", post(conversations::create).get(conversations::list))
        .route(
            "/conversations/{id}",
            get(conversations::get).patch(conversations::change).delete(conversations::delete),
        )
        .route("/conversations/{id}/members", get(conversations::members).post(conversations::add_member))
        .route("/conversations/{id}/members/{user}", delete(conversations::remove_member))
        .route("/conversations/{id}/presence", post(presence::say))
        .route("/conversations/{id}/messages", post(messages::send).get(messages::page))
        .route("/conversations/{id}/events", get(messages::stream))
        .route("/conversations/{id}/files/{file}", get(files::get))
        .route("/conversations/{id}/fork", post(fork::create))
        .route("/turns/{id}", get(turns::get))
        .route("/turns/{id}/cancel", post(turns::cancel))
        .route("/turns/{id}/feedback", post(feedback::give))
        .route("/analyze", post(turns::analyze))
        .route("/agents", get(agents::list).post(agents::register))
        .route("/agents/overlap", get(agents::overlap))
        .route("/agents/{id}", get(agents::get).delete(agents::remove))
        .route("/agents/{id}/probe", post(agents::probe))
        .route("/agents/{id}/groups", put(groups::replace))
        .route("/agents/{id}/enabled", put(switch::switch))
        .route(
            "/agents/{id}/credentials",
            get(credentials::get).put(credentials::set).delete(credentials::remove),
        )
        .route("/agents/{id}/examples", get(examples::get).put(examples::replace))
        .route("/agents/{id}/examples/drafts", post(examples::draft))
        .route("/cards", post(agents::look_at_card))
        .route("/nobody", get(nobody::get).put(nobody::replace))
        .route("/frozen", get(frozen::get).put(frozen::replace))
        .route("/suggestions", get(suggestions::list))
        .route("/suggestions/{id}", post(suggestions::decide))
        .route("/decisions/{id}", get(decisions::get))
        .route("/decisions/{id}/replay", post(decisions::replay))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}", delete(keys::revoke))
        .route("/tickets", post(keys::ticket))
        .route("/revocations", post(revocations::create))
        .route("/analytics/running", get(analytics::running))
        .route("/analytics/capacity", get(analytics::capacity))
        .route("/analytics/product", get(analytics::product))
        .route("/analytics/stream", get(analytics::stream))
        .route("/analytics/drills", post(analytics::note_drill))
        .route("/users", get(users::list))
        .route("/usage", get(users::usage))
        .route("/audit", get(audit::search))
        .route("/audit/verify", get(audit::verify))
        .route("/audit/export", get(audit_export::export))
        .route("/models", get(models::list))
        .route("/models/{id}", get(models::get))
        .route("/chat/completions", post(completions::complete))
        .route("/ag-ui", post(run::run));
    let document = http::described(&core.config);
    Router::new()
        .nest("/v1", v1)
        .route("/chat", post(chat::chat))
        .route("/openapi.json", get(move || http::openapi(document)))
        .route("/auth/providers", get(sign_in::providers))
        .route("/auth/login", get(sign_in::begin))
        .route("/auth/callback", get(sign_in::back))
        .route("/auth/me", get(sign_in::me))
        .route("/auth/refresh", post(sign_in::refresh))
        .route("/auth/logout", post(sign_in::logout))
        .route("/auth/backchannel-logout", post(sign_in::backchannel_logout))
        .route("/auth/sessions", get(sign_in::sessions))
        .route("/auth/sessions/{id}", delete(sign_in::end_session))
        .route("/internal/revocations", get(edges::revocations))
        .route("/internal/secrets", post(edges::secrets))
        .route("/internal/edges", post(edges::report))
        .route("/healthz", get(admin::healthz))
        .merge(page::routes())
        .merge(a2a::routes())
        .fallback(|| async { http::respond(Problem::new(ProblemKind::NotFound, "")) })
        .method_not_allowed_fallback(|| async {
            http::respond(Problem::new(ProblemKind::MethodNotAllowed, ""))
        })
        .layer(middleware::from_fn_with_state(Arc::clone(core), around))
        .layer(DefaultBodyLimit::max(core.config.max_body_bytes))
        .with_state(Arc::clone(core))
}

/// One span, one deadline and one line of metrics per request.
async fn around(State(core): State<Arc<Core>>, mut request: Request, next: Next) -> Response {
    let visit = Visit::default();
    request.extensions_mut().insert(visit.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let id = request.headers().get(headers::REQUEST_ID).cloned();
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {route}", request.method()),
        http.request.method = %request.method(),
        http.route = route,
        request.id = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default(),
    );
    telemetry::follow(&span, request.headers());
    let began = Instant::now();
    let path = request.uri().path().to_owned();
    // What listens or waits for an answer has bounds of its own; only the head of its response is waited for here.
    let bound = match route.as_str() {
        "/chat"
        | "/v1/chat/completions"
        | theirs::JSONRPC
        | theirs::JSONRPC_SLASH
        | theirs::REST_ROUTE
        | theirs::GRPC_ROUTE => core.config.turn.deadline + core.config.request_deadline,
        _ => core.config.request_deadline,
    };
    let (request, unread) = Unread::of(request);
    let answered = timeout(bound, next.run(request).instrument(span)).await;
    let mut response =
        answered.unwrap_or_else(|_| http::respond(Problem::new(ProblemKind::DeadlineExceeded, "")));
    unread.before(&mut response).await;
    visit.is_stored();
    // Whoever only tries what there is has not been here.
    if let Some(who) = visit.who().filter(|_| response.status().is_success()) {
        core.seen.see(&core.store, who).await;
    }
    metrics::answered(&route, response.status().as_u16(), began.elapsed());
    if let Some(who) = visit.who() {
        core.counts.request(&who.whose.tenant, response.status().as_u16());
    }
    let problem = http::name_request(&mut response, id.as_ref());
    match problem {
        Some(problem) if openai::is_theirs(&path) => shaped(&mut response, &problem),
        Some(problem) if theirs::is_theirs(&path) => a2a::shaped(&mut response, &path, &problem),
        _ => {}
    }
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        response.headers_mut().insert(headers::REQUEST_ID, id);
    }
    response
}

/// Takes a port, or says in one sentence why it cannot.
pub(crate) async fn listen(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, key, source })
}

/// Connections that send what is small at once, and do not wait until what went before is acknowledged (RFC 896): the
/// other end may take 40 ms for that.
pub(crate) fn at_once(listener: TcpListener) -> impl Listener<Addr = SocketAddr> {
    listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
        }
    })
}

/// Serves until the core goes; what is running then is finished.
pub(crate) async fn serve(core: Arc<Core>, listener: TcpListener, routes: Router) {
    let stop = core.shutdown.token.clone();
    let serving = axum::serve(at_once(listener), routes).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "the server stopped");
    }
}
