//! What a turn needs to know before it begins: the message, what was said before, who was asked before, who waits.

use super::{room::Room, work::Work};
use crate::{
    error::{Error, Result},
    registry::{Found, Pending},
    route::{ContextMessage, Question, Roster, choice, without_own_name},
    store::{CallRow, MessageRow, PreviousTurn, Tx, retrying},
};
use futures::try_join;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::Speaks,
    events::CallState,
    ids::{AgentId, UserId},
};
use tokio::time::Instant;

/// So long the agents are taken for what they were when they were read.
const FRESH: Duration = Duration::from_millis(100);

/// The question of a turn and its context.
pub(super) struct Brief {
    /// Where the message does nothing but choose an agent that a question back named, the one that was asked back about.
    pub(super) message: MessageRow,
    /// The agents that its author has chosen, with the message or in answer to a question back.
    pub(super) chosen: Vec<AgentId>,
    /// The last messages before it, oldest first.
    pub(super) context: Vec<ContextMessage>,
    /// Of the agents that the message's author may use; for this turn there are no others.
    pub(super) roster: Arc<Roster>,
    /// When that was so.
    read: Instant,
    /// Its model, while that is being learned.
    pending: Option<Arc<Pending>>,
    /// The agents of the turn before, which may have been somebody else's: those that are on the roster.
    pub(super) previous: Vec<AgentId>,
    /// The agent that waits for this message, and its task; nobody waits for whom its author may not use.
    pub(super) waiting: Option<(AgentId, Option<String>)>,
    pub(super) room: Room,
    /// What was said before it, when the answer to that was to ask back.
    pub(super) asked_back: Option<String>,
}

impl Brief {
    pub(super) async fn read(work: &Work) -> Result<Self> {
        retrying!(work.deadline, Self::read_once(work))
    }

    /// Whether its roster was read so shortly before that nobody looks again.
    pub(super) fn is_fresh(&self) -> bool {
        self.read.elapsed() < FRESH
    }

    pub(super) fn question<'a>(&'a self, work: &'a Work) -> Question<'a> {
        Question {
            text: without_own_name(&self.message.text),
            chosen: &self.chosen,
            waiting: self.waiting.as_ref().map(|(agent, _)| agent),
            context: &self.context,
            previous: &self.previous,
            files: &self.message.files,
            deadline: work.deadline,
        }
    }

    /// Waits for the model of its agents, where one is needed, no longer than a turn waits for it; what the plan does
    /// without then.
    pub(super) async fn learned(&mut self, work: &Work) -> Option<&'static str> {
        let pending = self.pending.take()?;
        if work.core.router.is_addressed(&self.roster, &self.question(work)) {
            return None;
        }
        let _out = work.hand.out();
        match pending.learned_within(work.core.config.route.model_wait).await {
            Some(roster) => {
                self.roster = roster;
                None
            }
            None => Some(pending.without()),
        }
    }

    async fn read_once(work: &Work) -> Result<Self> {
        let (found, rows) = Rows::read(work).await?;
        let (roster, pending) = match found {
            Found::Learned(roster) => (roster, None),
            Found::Learning(pending) | Found::Refused(pending) => (pending.meanwhile().await?, Some(pending)),
        };
        let Rows { mut message, before, last, asked, calls, speaks, people } = rows;
        let (turn, known) = (&work.turn, |id: &AgentId| roster.knows(id));
        let others = people.into_iter().filter(|user| *user != turn.user).collect();
        let mut room = Room { speaks, others, was_asked: false };
        let asked_back = asked.as_ref().map(|asked| asked.text.clone());
        let (mut previous, mut chosen) = (Vec::new(), turn.chosen.clone());
        if let Some(last) = last {
            room.was_asked = last.user == turn.user && (last.clarifies() || last.waits());
            if let (Some(asked), Some(agent)) = (asked, chosen_of(work, &roster, &last, &message)) {
                (message, chosen) = (asked, vec![agent]);
            }
            let steps = last.plan.into_iter().flat_map(|plan| plan.steps).map(|step| step.agent);
            previous = steps.filter(known).collect();
        }
        let asks = |call: &CallRow| call.state == CallState::InputRequired && known(&call.agent);
        let waiting = calls.into_iter().find(asks).map(|call| (call.agent, call.task_id));
        let context = before.into_iter().rev().map(ContextMessage::from).collect();
        let read = Instant::now();
        Ok(Self { message, chosen, context, roster, read, pending, previous, waiting, room, asked_back })
    }
}

/// What the rows say.
struct Rows {
    message: MessageRow,
    /// The messages before it, newest first.
    before: Vec<MessageRow>,
    last: Option<PreviousTurn>,
    /// What the turn before asked back about.
    asked: Option<MessageRow>,
    /// The calls of the turn before, where one of them waits.
    calls: Vec<CallRow>,
    speaks: Speaks,
    people: Vec<UserId>,
}

impl Rows {
    /// Reads all that can be asked for at once in one round trip, and the agents as they are then.
    async fn read(work: &Work) -> Result<(Found, Self)> {
        let (tenant, turn) = (&work.tenant, &work.turn);
        let (conversation, seq) = (turn.conversation, turn.message_seq);
        let size = work.core.config.events.size(work.core.config.turn.context_messages);
        let tx = work.core.store.write(tenant).await?;
        let (version, message, before, last, (speaks, people)) = try_join!(
            tx.registry_version(tenant),
            said(work, &tx),
            tx.messages_before(tenant, conversation, 0..seq, size),
            tx.previous_turn(tenant, conversation, seq),
            tx.room(tenant, conversation),
        )?;
        let asked = match &last {
            Some(last) if last.clarifies() => tx.message(tenant, conversation, last.message_seq).await?,
            _ => None,
        };
        let calls = match &last {
            Some(last) if last.waits() => tx.calls(tenant, last.id).await?,
            _ => Vec::new(),
        };
        let found = work.core.registry.seek_in(&tx, tenant, version, &turn.reach).await?;
        tx.leave();
        let before = before.rows;
        Ok((found, Self { message, before, last, asked, calls, speaks, people }))
    }
}

/// The message: what this core has just written it need not read.
async fn said(work: &Work, tx: &Tx) -> Result<MessageRow> {
    let turn = &work.turn;
    let message = match &work.message {
        Some(message) => Some(message.clone()),
        None => tx.message(&work.tenant, turn.conversation, turn.message_seq).await?,
    };
    message.ok_or(Error::LeaseLost)
}

/// The agent that a message chooses, and does nothing else, after its author was asked which one.
fn chosen_of(work: &Work, roster: &Roster, last: &PreviousTurn, message: &MessageRow) -> Option<AgentId> {
    let choices = last.plan.as_ref().map(|plan| plan.choices.as_slice())?;
    let is_answer = last.user == work.turn.user && work.turn.chosen.is_empty() && message.files.is_empty();
    choice(roster, choices, &message.text).filter(|_| is_answer)
}
