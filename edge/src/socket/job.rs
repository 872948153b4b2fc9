//! What a client asks for that takes a while: done one after another, so that answers come in the order of asking.

use crate::{
    answer::{rate_limited, unauthenticated},
    context::Edge,
    identify,
    limit::Decision,
    metrics::METRICS,
    upstream::call::{Answered, Call},
};
use bytes::Bytes;
use http::Method;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{Accepted, SendMessage},
    events::ServerFrame,
    identity::Identity,
    ids::{ClientId, ConversationId, TurnId},
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// Something to be done.
#[derive(Debug)]
pub enum Job {
    /// Say something.
    Send {
        /// The client's id of it.
        id: ClientId,
        /// Where.
        conversation: ConversationId,
        /// What.
        message: Box<SendMessage>,
    },
    /// Stop a turn.
    Cancel(TurnId),
    /// Take another token.
    Refresh(String),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Done {
    /// Frames for the client.
    pub frames: Vec<ServerFrame>,
    /// Who the client is from now on.
    pub identity: Option<Arc<Identity>>,
}

impl Done {
    fn say(frames: Vec<ServerFrame>) -> Self {
        Self { frames, ..Self::default() }
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The edge.
    pub edge: Arc<Edge>,
    /// The verified caller.
    pub identity: Arc<Identity>,
    /// The socket's request id.
    pub session: Arc<str>,
    /// The socket's span.
    pub span: Span,
}

impl Asker {
    /// Does a job that came in at `since`.
    pub async fn run(self, job: Job, since: Instant) -> Done {
        match job {
            Job::Send { id, conversation, message } => {
                let span = tracing::info_span!(parent: &self.span, "send", session = %self.session);
                let frames =
                    self.send(id, conversation, *message, since, &span).instrument(span.clone()).await;
                Done::say(frames)
            }
            Job::Cancel(turn) => {
                let decision = self.edge.limits.request(&self.identity).await;
                match passed(&decision, Some(turn.to_string()), None) {
                    Ok(()) => Done::say(self.cancel(turn, since).await),
                    Err(frames) => Done::say(frames),
                }
            }
            Job::Refresh(token) => {
                match passed(&self.edge.limits.request(&self.identity).await, None, None) {
                    Ok(()) => self.refresh(&token).await,
                    Err(frames) => Done::say(frames),
                }
            }
        }
    }

    async fn send(
        &self,
        id: ClientId,
        conversation: ConversationId,
        message: SendMessage,
        since: Instant,
        span: &Span,
    ) -> Vec<ServerFrame> {
        let fail = |problem: &Problem| ServerFrame::error(Some(id.to_string()), Some(conversation), problem);
        if self.identity.expires_at <= chrono::Utc::now().timestamp() {
            let problem = Problem::new(ProblemKind::Unauthenticated, "the token has expired; refresh it");
            return vec![fail(&problem)];
        }
        // It may have been told while this one waited for those before it.
        if let Err(problem) = self.edge.limits.line(&self.identity, false) {
            return vec![fail(&problem)];
        }
        let decision = self.edge.limits.message(&self.identity).await;
        if !decision.allowed {
            return vec![fail(&rate_limited(&decision)), limit(&decision)];
        }
        METRICS.chat_requests.inc();
        let Ok(body) = serde_json::to_vec(&message) else {
            return vec![fail(&Problem::new(ProblemKind::BadRequest, "the message cannot be written"))];
        };
        let path = format!("/v1/conversations/{conversation}/messages");
        let answered = self.call(Method::POST, path, body.into(), since, span).await;
        self.edge.limits.told(&self.identity, answered.next);
        match answered.body {
            Ok(answer) => match serde_json::from_slice::<Accepted>(&answer) {
                Ok(Accepted { message, turn, seq, duplicate, .. }) => {
                    METRICS.chat_response_time.observe(since.elapsed().as_secs_f64());
                    vec![ServerFrame::Ack { id, message, turn, seq, duplicate }]
                }
                Err(_) => {
                    vec![fail(&Problem::new(ProblemKind::BadGateway, "the core's answer cannot be read"))]
                }
            },
            Err(problem) => vec![fail(&problem)],
        }
    }

    async fn cancel(&self, turn: TurnId, since: Instant) -> Vec<ServerFrame> {
        let path = format!("/v1/turns/{turn}/cancel");
        match self.call(Method::POST, path, Bytes::new(), since, &self.span).await.body {
            // The turn's events say the rest.
            Ok(_) => Vec::new(),
            Err(problem) => vec![ServerFrame::error(Some(turn.to_string()), None, &problem)],
        }
    }

    async fn call(&self, method: Method, path: String, body: Bytes, since: Instant, span: &Span) -> Answered {
        let socket = &self.edge.config.socket;
        let deadline = since + Duration::from_millis(socket.send_deadline_ms);
        let attempt = Duration::from_millis(socket.send_attempt_ms);
        let stamp = self.edge.stamp(Some(&self.identity), &self.session, span);
        self.edge.cores.ask(&Call { method, path, body, deadline, attempt }, &stamp).await
    }

    /// Takes another token of the same user; anybody else has to open a socket of their own.
    async fn refresh(&self, token: &str) -> Done {
        let problem = match identify::token(&self.edge, token).await {
            Ok(new) if new.user == self.identity.user && new.tenant == self.identity.tenant => {
                return Done { identity: Some(new), ..Done::default() };
            }
            Ok(_) => Problem::new(ProblemKind::Forbidden, "the token is another user's"),
            Err(refusal) => unauthenticated(refusal),
        };
        Done::say(vec![ServerFrame::error(None, None, &problem)])
    }
}

/// Whether a limit lets pass what is no message, which is counted as over HTTP.
///
/// # Errors
/// With what to say when it is one too many.
pub fn passed(
    decision: &Decision,
    id: Option<String>,
    conversation: Option<ConversationId>,
) -> Result<(), Vec<ServerFrame>> {
    if decision.allowed {
        return Ok(());
    }
    Err(vec![ServerFrame::error(id, conversation, &rate_limited(decision)), limit(decision)])
}

/// How a limit stands.
fn limit(decision: &Decision) -> ServerFrame {
    ServerFrame::Limit {
        policy: decision.policy.name.to_owned(),
        quota: decision.policy.quota,
        remaining: decision.remaining,
        reset_s: decision.reset_s(),
    }
}
