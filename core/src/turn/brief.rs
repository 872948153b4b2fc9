//! What a turn needs to know before it begins: the message, what was said before, who was asked before, who waits.

use super::{room::Room, work::Work};
use crate::{
    error::{Error, Result},
    registry::{Found, Pending},
    route::{ContextMessage, Question, Roster, choice, without_own_name},
    store::{MessageRow, PreviousTurn, retrying},
};
use std::sync::Arc;
use switchboard_shared::{
    events::{CallState, Mode, TurnState},
    ids::AgentId,
};

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
        let (tenant, turn) = (&work.tenant, &work.turn);
        let (roster, pending) = match work.core.registry.seek(&work.core.store, tenant, &turn.reach).await? {
            Found::Learned(roster) => (roster, None),
            Found::Learning(pending) | Found::Refused(pending) => (pending.meanwhile().await?, Some(pending)),
        };
        let known = |id: &AgentId| roster.knows(id);
        let tx = work.core.store.write(tenant).await?;
        let message = tx.message(tenant, turn.conversation, turn.message_seq).await?;
        let mut message = message.ok_or(Error::LeaseLost)?;
        let size = work.core.config.events.size(work.core.config.turn.context_messages);
        let before = tx.messages_before(tenant, turn.conversation, 0..turn.message_seq, size).await?;
        let last = match turn.continues {
            Some(waits) => tx.turn_by_id(tenant, waits).await?,
            None => tx.previous_turn(tenant, turn.conversation, turn.message_seq).await?,
        };
        // What begins a task answers nobody, whoever waits.
        let answers = turn.task != Some(turn.id);
        let (speaks, people) = tx.room(tenant, turn.conversation).await?;
        let others = people.into_iter().filter(|user| *user != turn.user).collect();
        let mut room = Room { speaks, others, was_asked: false };
        let (mut previous, mut waiting, mut asked_back) = (Vec::new(), None, None);
        let mut chosen = turn.chosen.clone();
        if let Some(last) = last {
            let clarifies = answers && last.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Clarify);
            let waits = answers && last.state == TurnState::InputRequired;
            room.was_asked = last.user == turn.user && (clarifies || waits);
            if clarifies {
                let asked = tx.message(tenant, turn.conversation, last.message_seq).await?;
                asked_back = asked.as_ref().map(|message| message.text.clone());
                if let (Some(asked), Some(agent)) = (asked, chosen_of(work, &roster, &last, &message)) {
                    (message, chosen) = (asked, vec![agent]);
                }
            }
            let asked = last.plan.into_iter().flat_map(|plan| plan.steps).map(|step| step.agent);
            previous = asked.filter(known).collect();
            if waits {
                let calls = tx.calls(tenant, last.id).await?;
                waiting = calls
                    .into_iter()
                    .find(|call| call.state == CallState::InputRequired && known(&call.agent))
                    .map(|call| (call.agent, call.task_id));
            }
        }
        tx.commit().await?;
        let context = before.rows.into_iter().rev().map(ContextMessage::from).collect();
        Ok(Self { message, chosen, context, roster, pending, previous, waiting, room, asked_back })
    }
}

/// The agent that a message chooses, and does nothing else, after its author was asked which one.
fn chosen_of(work: &Work, roster: &Roster, last: &PreviousTurn, message: &MessageRow) -> Option<AgentId> {
    let choices = last.plan.as_ref().map(|plan| plan.choices.as_slice())?;
    let is_answer = last.user == work.turn.user && work.turn.chosen.is_empty() && message.files.is_empty();
    choice(roster, choices, &message.text).filter(|_| is_answer)
}
