//! The doorbell: after a commit an event is announced to whoever listens to its conversation, on this core and, over
//! Redis, on the others. A ring that is missed costs time, never an event: readers look at the rows.
//!
//! The pieces of running answers live here too, so that who comes late catches up.

use super::{
    hearing::Hearing,
    redis::RedisBell,
    rings::Ring,
    rooms::{Control, Listener, Rooms},
};
use crate::{clock, config::Config, metrics::RINGS};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::{
    api::RedisNode,
    events::{Delta, Event, EventBody},
    ids::{ConversationId, TurnId},
    keys::SigningKeys,
    shutdown::Shutdown,
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Announces events and hands out listeners.
pub(crate) struct Bell {
    local: Arc<Rooms>,
    answers: Mutex<HashMap<TurnId, RunningAnswer>>,
    redis: Option<RedisBell>,
    end: CancellationToken,
}

struct RunningAnswer {
    attempt: u32,
    text: String,
}

impl Bell {
    /// With Redis configured, connects in the background; until then, and whenever it is away, readers poll.
    pub(crate) fn start(
        config: &Config,
        core: Uuid,
        keys: &Arc<SigningKeys>,
        shutdown: &Shutdown,
    ) -> Result<Self, fred::error::Error> {
        let (local, end) = (Rooms::new(config.events.queue), CancellationToken::new());
        // A core that drains has something to say until its last turn is over.
        let shutdown = &Shutdown { token: end.clone(), ..shutdown.clone() };
        let redis = match config.redis.urls.is_empty() {
            true => None,
            false => Some(RedisBell::start(config, core, Arc::clone(&local), Arc::clone(keys), shutdown)?),
        };
        Ok(Self { local, answers: Mutex::default(), redis, end })
    }

    /// Says what is still to be said, and ends.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    /// Announces an event: a durable one after its commit, a live one as it happens.
    pub(crate) fn ring(&self, event: Event) {
        let event = Arc::new(event);
        self.local.deliver(&event);
        if let Some(redis) = &self.redis {
            let sent = redis.publish(Ring::Event(event));
            RINGS.with_label_values(&["redis", if sent { "sent" } else { "dropped" }]).inc();
        }
    }

    /// Rings every core, this one too.
    pub(crate) fn tell(&self, control: Control) {
        self.local.control(control);
        if let Some(redis) = &self.redis {
            redis.publish(Ring::Control(control));
        }
    }

    /// What cores are rung for, from now on.
    pub(crate) fn controls(&self) -> broadcast::Receiver<Control> {
        self.local.controls()
    }

    /// Announces something that is live only.
    pub(crate) fn live(&self, conversation: ConversationId, turn: Option<TurnId>, body: EventBody) {
        self.ring(Event { conversation, seq: None, turn, at: clock::now(), body });
    }

    /// Announces a piece of an answer and keeps it for those who come late.
    pub(crate) fn delta(&self, conversation: ConversationId, turn: TurnId, delta: Delta) {
        {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = answers
                .entry(turn)
                .or_insert_with(|| RunningAnswer { attempt: delta.attempt, text: String::new() });
            if answer.attempt != delta.attempt {
                *answer = RunningAnswer { attempt: delta.attempt, text: String::new() };
            }
            answer.text.push_str(&delta.text);
        }
        if let Some(redis) = &self.redis {
            redis.publish(Ring::Delta(turn, delta.clone()));
        }
        self.live(conversation, Some(turn), EventBody::AnswerDelta(delta));
    }

    /// The answer of a turn is whole and stored: its pieces are not needed any more.
    pub(crate) fn answered(&self, turn: TurnId) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&turn);
    }

    /// What has been written so far of a running answer, by this core or another.
    pub(crate) async fn so_far(&self, turn: TurnId) -> Vec<Delta> {
        let here = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&turn)
            .map(|answer| Delta { attempt: answer.attempt, offset: 0, text: answer.text.clone() });
        match (here, &self.redis) {
            (Some(delta), _) => vec![delta],
            (None, Some(redis)) => redis.deltas(turn).await,
            (None, None) => Vec::new(),
        }
    }

    /// Listens to a conversation from now on.
    pub(crate) fn listen(&self, conversation: ConversationId) -> Listener {
        self.local.listen(conversation)
    }

    /// How many conversations are listened to on this core.
    pub(crate) fn rooms(&self) -> usize {
        self.local.count()
    }

    /// Tells when [`Bell::hearing`] may have changed; `None` in a bell of which nothing is ever missed.
    pub(crate) fn changes(&self) -> Option<watch::Receiver<Vec<Hearing>>> {
        self.redis.as_ref().map(RedisBell::changes)
    }

    /// The nodes of Redis, if there is one.
    pub(crate) async fn nodes(&self) -> Vec<RedisNode> {
        match &self.redis {
            Some(redis) => redis.nodes().await,
            None => Vec::new(),
        }
    }

    /// How well the rings of other cores are heard for this conversation.
    pub(crate) fn hearing(&self, conversation: ConversationId) -> Hearing {
        self.redis.as_ref().map(|redis| redis.hearing(conversation)).unwrap_or_default()
    }
}
