//! What a turn needs to know before it begins: the message, what was said before, who was asked before, who waits.

use super::{
    background::{Arrival, Background, FRESH},
    room::Room,
    work::Work,
};
use crate::{
    error::{Error, Result},
    registry::{Found, Pending},
    route::{ContextMessage, Question, Roster, choice, without_own_name},
    store::{MessageRow, OpenCall, PreviousTurn, TurnRow, retrying},
};
use futures::try_join;
use std::sync::Arc;
use switchboard_shared::{
    events::Plan,
    ids::{AgentId, TurnId},
};
use tokio::time::Instant;

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
    /// The agents that wait for what this message may be, the newest first; nobody waits for whom its author may not use.
    pub(super) waiting: Vec<OpenCall>,
    /// The one that it is for, unless it says otherwise, ...
    awaited: Option<AgentId>,
    /// ... or those of which it does not say which.
    unclear: Vec<AgentId>,
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

    /// The turn whose question a plan answers, where its client knows of no tasks and says none.
    pub(super) fn answered(&self, turn: &TurnRow, plan: &Plan) -> Option<TurnId> {
        let is_asked = |open: &&OpenCall| plan.steps.iter().any(|step| step.agent == open.agent);
        self.waiting.iter().find(is_asked).filter(|_| turn.task.is_none()).map(|open| open.turn)
    }

    /// What a call to an agent answers.
    pub(super) fn open_of(&self, agent: &AgentId) -> Option<&OpenCall> {
        self.waiting.iter().find(|open| open.agent == *agent)
    }

    /// What else waits for the user of the turn's task, and is not answered by a plan.
    pub(super) fn left(&self, turn: &TurnRow, plan: &Plan) -> Vec<OpenCall> {
        let answered: Vec<_> = plan.steps.iter().filter_map(|step| self.open_of(&step.agent)).collect();
        let is_left = |open: &&OpenCall| {
            turn.task == Some(open.of_task) && answered.iter().all(|answer| answer.call != open.call)
        };
        self.waiting.iter().filter(is_left).cloned().collect()
    }

    pub(super) fn question<'a>(&'a self, work: &'a Work) -> Question<'a> {
        Question {
            text: without_own_name(&self.message.text),
            chosen: &self.chosen,
            waiting: self.awaited.as_ref(),
            unclear: &self.unclear,
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
        let (found, known) = match at_hand(work) {
            Some(known) => known,
            None => Box::pin(Known::read(work)).await?,
        };
        let (roster, pending) = match found {
            Found::Learned(roster) => (roster, None),
            Found::Learning(pending) | Found::Refused(pending) => (pending.meanwhile().await?, Some(pending)),
        };
        let Known { mut message, background, asked } = known;
        let Background { said, last, open, speaks, people, read, .. } = background;
        let (turn, reached) = (&work.turn, |id: &AgentId| roster.knows(id));
        let others = people.into_iter().filter(|user| *user != turn.user).collect();
        let mut room = Room { speaks, others, was_asked: false };
        let asked_back = asked.as_ref().map(|asked| asked.text.clone());
        let (mut previous, mut chosen) = (Vec::new(), turn.chosen.clone());
        let mut waiting = open;
        waiting.retain(|open| may_answer(turn, open) && reached(&open.agent));
        let (awaited, unclear) = meant(&waiting, last.as_ref().map(|last| last.id));
        if let Some(last) = last {
            room.was_asked = answers(turn) && last.user == turn.user && (last.clarifies() || last.waits());
            if let (Some(asked), Some(agent)) = (asked, chosen_of(work, &roster, &last, &message)) {
                (message, chosen) = (asked, vec![agent]);
            }
            let steps = last.plan.into_iter().flat_map(|plan| plan.steps).map(|step| step.agent);
            previous = steps.filter(reached).collect();
        }
        let context = said.into_iter().rev().map(ContextMessage::from).collect();
        Ok(Self {
            message,
            chosen,
            context,
            roster,
            read,
            pending,
            previous,
            waiting,
            awaited,
            unclear,
            room,
            asked_back,
        })
    }
}

/// What the rows say.
struct Known {
    message: MessageRow,
    background: Background,
    /// What the turn before asked back about.
    asked: Option<MessageRow>,
}

/// What came with the message, if that is all that there is to know, of agents that this core knows.
fn at_hand(work: &Work) -> Option<(Found, Known)> {
    let Arrival { message, background } = *work.arrival().take().filter(|_| work.turn.continues.is_none())?;
    let version = Some(background.version).filter(|_| background.will_do())?;
    let found = work.core.registry.seek_at(&work.tenant, version, &work.turn.reach)?;
    Some((found, Known { message, background, asked: None }))
}

impl Known {
    /// Reads it all, and the agents as they are then.
    async fn read(work: &Work) -> Result<(Found, Self)> {
        let (core, tenant, turn) = (&work.core, &work.tenant, &work.turn);
        let (conversation, seq) = (turn.conversation, turn.message_seq);
        let tx = core.store.write(tenant).await?;
        let (message, mut background) = try_join!(
            tx.message(tenant, conversation, seq),
            Background::read(&tx, &core.config, tenant, conversation, 0..seq),
        )?;
        let message = message.ok_or(Error::LeaseLost)?;
        if let Some(waits) = turn.continues {
            background.last = tx.turn_by_id(tenant, waits).await?;
        }
        let asked = match &background.last {
            Some(last) if answers(turn) && last.clarifies() => {
                tx.message(tenant, conversation, last.message_seq).await?
            }
            _ => None,
        };
        let found = core.registry.seek_in(&tx, tenant, background.version, &turn.reach).await?;
        tx.leave();
        Ok((found, Self { message, background, asked }))
    }
}

/// What begins a task answers nobody, whoever waits.
fn answers(turn: &TurnRow) -> bool {
    turn.task != Some(turn.id)
}

/// Whether a message may be for an agent that waits: where its client has said which task it is of, for one of that.
fn may_answer(turn: &TurnRow, open: &OpenCall) -> bool {
    answers(turn) && turn.task.is_none_or(|task| task == open.of_task)
}

/// The agent that a message is for that names none: the only one that waits, or the one that the turn before went on with.
/// Otherwise those of which it is one.
pub(crate) fn meant(waiting: &[OpenCall], last: Option<TurnId>) -> (Option<AgentId>, Vec<AgentId>) {
    let mut agents: Vec<_> = Vec::new();
    for open in waiting {
        if !agents.contains(&open.agent) {
            agents.push(open.agent.clone());
        }
    }
    let just_now: Vec<_> = waiting.iter().filter(|open| Some(open.turn) == last).collect();
    match (agents.as_slice(), just_now.as_slice()) {
        ([only], _) => (Some(only.clone()), Vec::new()),
        (_, [only]) if only.asks_on => (Some(only.agent.clone()), Vec::new()),
        _ => (None, agents),
    }
}

/// The agent that a message chooses, and does nothing else, after its author was asked which one.
fn chosen_of(work: &Work, roster: &Roster, last: &PreviousTurn, message: &MessageRow) -> Option<AgentId> {
    let choices = last.plan.as_ref().map(|plan| plan.choices.as_slice())?;
    let is_answer = last.user == work.turn.user && work.turn.chosen.is_empty() && message.files.is_empty();
    choice(roster, choices, &message.text).filter(|_| is_answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::ids::CallId;

    fn open(agent: &str, turn: TurnId, asks_on: bool) -> OpenCall {
        let (agent, task) = (agent.parse().unwrap(), "t".to_owned());
        let question = String::new();
        OpenCall { call: CallId::new(), turn, of_task: turn, agent, task, asks_on, signs_in: false, question }
    }

    #[test]
    fn of_several_that_wait_the_one_is_meant_that_was_just_gone_on_with_and_otherwise_it_is_asked() {
        let (before, now) = (TurnId::new(), TurnId::new());
        let [a, b]: [AgentId; 2] = ["a", "b"].map(|id| id.parse().unwrap());
        assert_eq!(meant(&[], Some(now)), (None, vec![]));
        assert_eq!(meant(&[open("a", before, false)], Some(now)), (Some(a.clone()), vec![]));
        let twice = [open("a", now, false), open("a", before, false)];
        assert_eq!(meant(&twice, Some(now)), (Some(a.clone()), vec![]));
        let new = [open("b", now, false), open("a", before, false)];
        assert_eq!(meant(&new, Some(now)), (None, vec![b.clone(), a]));
        let on = [open("b", now, true), open("a", before, false)];
        assert_eq!(meant(&on, Some(now)), (Some(b), vec![]));
    }
}
