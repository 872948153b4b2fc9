//! A turn, followed from its message to its end: its events in order and each once, whichever core it runs on. What a
//! face answers is made of these and of nothing else.

use super::http::turns;
use crate::{
    accept::{Envelope, accept},
    clock,
    core::Core,
    error::{Error, Result},
    events::Listener,
    outside,
    store::{View, reading},
    synthesise::MAX_QUESTION_CHARS,
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use switchboard_shared::{
    api::{SendMessage, TurnView},
    events::{Answer, CallState, Event, EventBody, Plan, Source, TurnState, Usage},
    identity::Identity,
    ids::{ConversationId, MessageId, TurnId},
    problem::ProblemKind,
};
use tokio::time::{Instant, sleep_until};

/// How often the rows are looked at, in case the doorbell was missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Followed {
    pub(super) conversation: ConversationId,
    pub(super) turn: TurnId,
    /// Of its message; the turn's events come after it.
    pub(super) seq: u64,
}

/// A turn that is being followed.
pub(super) struct Following {
    core: Arc<Core>,
    me: Identity,
    pub(super) followed: Followed,
    listener: Listener,
    cursor: u64,
    ready: VecDeque<Event>,
    look_at: Instant,
    until: Instant,
    /// It is followed also while agents work on after its answer.
    beyond: bool,
    over: bool,
    deleted: bool,
    /// Whether it began before it was followed.
    pub(super) is_late: bool,
}

/// How a turn went, once it is over.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) plan: Option<Plan>,
    pub(super) answer: Option<Answer>,
    pub(super) state: Option<TurnState>,
    pub(super) usage: Usage,
    pub(super) error: Option<String>,
}

impl Told {
    /// Takes an event in.
    pub(super) fn hear(&mut self, event: &Event) {
        match &event.body {
            EventBody::PlanDecided(plan) => self.plan = Some(plan.clone()),
            EventBody::AnswerFinished(answer) => self.answer = Some(answer.clone()),
            EventBody::TurnFinished { state, usage, error } => {
                (self.state, self.usage, self.error) = (Some(*state), *usage, error.clone());
            }
            _ => {}
        }
    }
}

/// Says something, and follows the turn that answers it until then.
pub(super) async fn ask(
    core: &Arc<Core>,
    me: &Identity,
    envelope: Envelope,
    conversation: ConversationId,
    message: SendMessage,
    until: Instant,
) -> Result<Following> {
    // Listen first: what happens as soon as it is accepted is heard.
    let listener = core.bell.listen(conversation);
    let accepted = accept(core, me, conversation, message, envelope).await?;
    let followed = Followed { conversation, turn: accepted.turn, seq: accepted.seq };
    let mut following = Following::new(core, me, followed, listener, until);
    if accepted.duplicate {
        following.begin_late().await?;
    }
    Ok(following)
}

/// The same of a turn that began before, also while agents work on after its answer.
pub(super) async fn beyond(
    core: &Arc<Core>,
    me: &Identity,
    followed: Followed,
    until: Instant,
) -> Result<Following> {
    let listener = core.bell.listen(followed.conversation);
    let mut following = Following::new(core, me, followed, listener, until).beyond_if(true);
    following.begin_late().await?;
    Ok(following)
}

/// Follows a turn that began before.
pub(super) async fn again(
    core: &Arc<Core>,
    me: &Identity,
    followed: Followed,
    until: Instant,
) -> Result<Following> {
    let listener = core.bell.listen(followed.conversation);
    let mut following = Following::new(core, me, followed, listener, until);
    following.begin_late().await?;
    Ok(following)
}

impl Following {
    fn new(core: &Arc<Core>, me: &Identity, followed: Followed, listener: Listener, until: Instant) -> Self {
        Self {
            core: Arc::clone(core),
            me: me.clone(),
            followed,
            listener,
            cursor: followed.seq.saturating_sub(1),
            ready: VecDeque::new(),
            look_at: Instant::now() + LOOK_EVERY,
            until,
            beyond: false,
            over: false,
            deleted: false,
            is_late: false,
        }
    }

    /// It is followed also while agents work on after its answer.
    pub(super) fn beyond_if(self, beyond: bool) -> Self {
        Self { beyond, ..self }
    }

    /// The next event; `None` after the last. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.at_hand() {
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            if self.deleted {
                return Err(Error::public(ProblemKind::NotFound, "This conversation was deleted."));
            }
            if Instant::now() >= self.until {
                let turn = self.followed.turn;
                let detail = format!("The answer is still being written: GET /v1/turns/{turn}.");
                return Err(Error::public(ProblemKind::DeadlineExceeded, detail));
            }
            tokio::select! {
                heard = self.listener.hear() => match heard {
                    Some(event) => self.hear(&event).await,
                    None => self.catch_up().await,
                },
                () = sleep_until(self.look_at.min(self.until)) => self.catch_up().await,
            }
        }
    }

    /// The next event that is there already.
    pub(super) fn at_hand(&mut self) -> Option<Event> {
        let event = self.ready.pop_front()?;
        if let EventBody::TurnFinished { state, .. } = &event.body {
            self.over |= !(self.beyond && *state == TurnState::Working);
        }
        Some(event)
    }

    /// Waits for the end, and says how it went.
    pub(super) async fn whole(&mut self) -> Result<Told> {
        let mut told = Told::default();
        while let Some(event) = self.next().await? {
            told.hear(&event);
        }
        Ok(told)
    }

    /// The next one is taken, a gap is filled from the rows, an old one is dropped.
    async fn hear(&mut self, event: &Event) {
        match event.seq {
            Some(seq) if seq <= self.cursor => {}
            Some(seq) if seq > self.cursor + 1 => self.catch_up().await,
            _ => self.take(event.clone()),
        }
    }

    fn take(&mut self, event: Event) {
        self.cursor = event.seq.unwrap_or(self.cursor);
        self.deleted |= matches!(event.body, EventBody::ConversationDeleted {});
        if event.turn == Some(self.followed.turn) {
            self.ready.push_back(event);
        }
    }

    /// Reads the rows after the last event. While the database is away it is tried again at the next look.
    async fn catch_up(&mut self) {
        self.look_at = Instant::now() + LOOK_EVERY;
        loop {
            let (tenant, conversation) = (&self.me.tenant, self.followed.conversation);
            let size = self.core.config.events.size(self.core.config.events.page);
            let page = reading!(
                &self.core.store,
                tenant,
                View::Latest,
                tx,
                tx.events_after(tenant, conversation, self.cursor, size)
            );
            match page {
                Ok(page) => {
                    page.rows.into_iter().for_each(|event| self.take(event));
                    if !page.more {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, %conversation, "a turn's events could not be read; trying again");
                    return;
                }
            }
        }
    }

    /// What was missed of a turn that began before: one that is over is told from its row, since events are kept for a
    /// while only.
    async fn begin_late(&mut self) -> Result<()> {
        self.is_late = true;
        let (me, turn) = (&self.me, self.followed.turn);
        let view = reading!(&self.core.store, &me.tenant, View::Latest, tx, turns::view(tx, me, turn))?;
        let goes_on = self.beyond && view.state == TurnState::Working;
        if view.state != TurnState::Running && !goes_on {
            self.ready.extend(from_row(view));
            return Ok(());
        }
        self.catch_up().await;
        for delta in self.core.bell.so_far(turn).await {
            let body = EventBody::AnswerDelta(delta);
            let conversation = self.followed.conversation;
            self.ready.push_back(Event { conversation, seq: None, turn: Some(turn), at: clock::now(), body });
        }
        Ok(())
    }
}

/// The events of a turn that is over, as far as its row tells them.
fn from_row(view: TurnView) -> Vec<Event> {
    let sources = view.calls.iter().map(|call| Source {
        agent: call.agent.clone(),
        state: call.state,
        reason: call.reason.clone(),
    });
    let waits = view.calls.iter().find(|call| call.state == CallState::InputRequired);
    let asks =
        waits.filter(|_| view.state == TurnState::InputRequired).map(|call| EventBody::InputRequired {
            agent: call.agent.clone(),
            call: call.id,
            question: outside::shorten(call.reply.as_deref().unwrap_or_default(), MAX_QUESTION_CHARS),
        });
    let files = view.calls.iter().flat_map(|call| call.files.clone()).collect();
    let answer = view.answer.map(|text| Answer {
        message: MessageId::new(),
        attempt: view.attempt,
        text,
        sources: sources.collect(),
        claims: Vec::new(),
        degraded: view.degraded,
        files,
    });
    let end = EventBody::TurnFinished { state: view.state, usage: view.usage, error: view.error };
    let bodies =
        [view.plan.map(EventBody::PlanDecided), answer.map(EventBody::AnswerFinished), asks, Some(end)];
    let event = |body| Event {
        conversation: view.conversation,
        seq: None,
        turn: Some(view.id),
        at: view.created_at,
        body,
    };
    bodies.into_iter().flatten().map(event).collect()
}
