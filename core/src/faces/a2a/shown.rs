//! A task as its rows show it. Pure.

use super::taken;
use crate::store::{CallRow, MessageRow, OpenCall, TaskRow, TaskState};
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use switchboard_a2a::wire::{self, Artifact, Message, Part, Role, Task, TaskStatus};
use switchboard_shared::{
    api::{Author, FileView},
    events::{CallState, Claim, Mode, Source},
    ids::{ConversationId, MessageId, TurnId},
};

/// How an answer is written.
const MARKDOWN: &str = "text/markdown";

/// Where a task stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) task: TurnId,
    /// The turn that stands for it.
    pub(super) turn: TurnId,
    pub(super) conversation: ConversationId,
    /// The conversation, as the client calls it.
    pub(super) context: String,
    /// Under which address the client knows us.
    pub(super) origin: String,
}

/// What an answer says of itself, under these names in the metadata of its artifact.
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) sources: &'a [Source],
    pub(super) claims: &'a [Claim],
    pub(super) degraded: Option<&'a str>,
}

impl Place {
    pub(super) fn of(row: &TaskRow, origin: &str) -> Self {
        let conversation = row.turn.conversation;
        let context = row.context.clone().unwrap_or_else(|| conversation.to_string());
        Self { task: row.id, turn: row.turn.id, conversation, context, origin: origin.to_owned() }
    }

    /// A task that has just begun, or goes on.
    pub(super) fn begun(&self, history: Vec<Message>, at: DateTime<Utc>) -> Task {
        Task {
            id: self.task.to_string(),
            context_id: self.context.clone(),
            status: status(wire::TaskState::Submitted, None, at),
            artifacts: None,
            history: Some(history),
            metadata: Some(HashMap::from([("switchboard.conversation".into(), json!(self.conversation))])),
        }
    }

    /// What is said by us, under an id that is the same for every reader.
    pub(super) fn message(&self, text: &str, at: DateTime<Utc>, metadata: Option<Value>) -> Message {
        Message {
            message_id: format!("{}-{}", self.turn, at.timestamp_micros()),
            context_id: Some(self.context.clone()),
            task_id: Some(self.task.to_string()),
            metadata: metadata.and_then(|metadata| serde_json::from_value(metadata).ok()),
            ..Message::new(Role::Agent, vec![Part::text(text)])
        }
    }

    /// The text of an answer as an artifact.
    pub(super) fn answer(&self, said: &Said<'_>) -> Artifact {
        let mut metadata = HashMap::from([("switchboard.sources".to_owned(), json!(said.sources))]);
        if !said.claims.is_empty() {
            metadata.insert("switchboard.claims".to_owned(), json!(said.claims));
        }
        if let Some(degraded) = said.degraded {
            metadata.insert("switchboard.degraded".to_owned(), json!(degraded));
        }
        Artifact { metadata: Some(metadata), ..self.piece(said.text) }
    }

    /// What an agent has said later, in the message that holds it.
    pub(super) fn later(&self, message: &MessageId, said: &Said<'_>) -> Artifact {
        Artifact { artifact_id: message.to_string(), ..self.answer(said) }
    }

    /// A piece of it.
    pub(super) fn piece(&self, text: &str) -> Artifact {
        Artifact {
            artifact_id: self.turn.to_string(),
            name: Some("answer".to_owned()),
            description: None,
            parts: vec![Part::text(text).with_media_type(MARKDOWN)],
            metadata: None,
            extensions: None,
        }
    }

    /// What was said in the task before what it ends with: its user's messages, and what it asked back.
    pub(super) fn history(&self, messages: &[MessageRow]) -> Vec<Message> {
        let shown = messages.iter().filter(|row| row.author != Author::Switchboard || row.turn != self.turn);
        shown.map(|row| self.said(row)).collect()
    }

    fn said(&self, row: &MessageRow) -> Message {
        let (role, id) = match &row.author {
            Author::User(_) => {
                (Role::User, row.client_id.as_ref().map(|id| taken::message_id(id).to_owned()))
            }
            Author::Switchboard => (Role::Agent, None),
        };
        let text = (!row.text.is_empty()).then(|| Part::text(row.text.clone()));
        let view = row.view();
        let files = view.files.iter().map(|file| self.link(file));
        Message {
            message_id: id.unwrap_or_else(|| row.id.to_string()),
            context_id: Some(self.context.clone()),
            task_id: Some(self.task.to_string()),
            ..Message::new(role, text.into_iter().chain(files).collect())
        }
    }

    /// The task as its rows say it is; `open` is who waits of the turns before. What its agents gave, and what those say that
    /// worked on, stands beside the answer.
    pub(super) fn task(
        &self,
        row: &TaskRow,
        messages: &[MessageRow],
        calls: &[CallRow],
        open: Option<&OpenCall>,
    ) -> Task {
        let turn = &row.turn;
        let begun = self.begun(self.history(messages), row.since);
        let asks = calls.iter().find(|call| call.state == CallState::InputRequired);
        let works = calls.iter().any(|call| call.state == CallState::Working);
        let later = || messages.iter().filter(|said| said.turn == self.turn && said.agent.is_some());
        let (mode, steps) = turn.plan.as_ref().map_or((None, 0), |plan| (Some(plan.mode), plan.steps.len()));
        let is_answer = is_artifact(mode, steps, asks.is_some() || works || later().next().is_some());
        let text = match row.state {
            TaskState::Submitted | TaskState::Completed | TaskState::Canceled => None,
            TaskState::Working => turn.answer.clone().filter(|_| !is_answer),
            TaskState::Failed => turn.error.clone(),
            TaskState::Rejected => turn.answer.clone(),
            TaskState::InputRequired | TaskState::AuthRequired => {
                let asked = asks.and_then(|call| call.reply.clone());
                asked.or_else(|| open.map(|open| open.question.clone())).or_else(|| turn.answer.clone())
            }
        };
        let asker = asks.map(|call| &call.agent).or(open.map(|open| &open.agent));
        let asker = asker.map(|agent| json!({"switchboard.agent": agent}));
        let message = text.map(|text| self.message(&text, row.since, asker));
        let sources: Vec<_> = calls.iter().map(source).collect();
        let answer = turn.answer.as_deref().filter(|_| is_answer).map(|text| {
            self.answer(&Said { text, sources: &sources, claims: &[], degraded: turn.degraded.as_deref() })
        });
        let given = calls.iter().flat_map(|call| &call.files).map(|file| self.file(file, self.link(file)));
        let later = later().filter_map(|said| self.result(said, calls));
        let artifacts: Vec<_> = answer.into_iter().chain(later).chain(given).collect();
        Task {
            status: status(state(row.state), message, row.since),
            artifacts: (!artifacts.is_empty()).then_some(artifacts),
            ..begun
        }
    }

    /// What an agent has said later, unless that is what it asks, or why it says nothing.
    fn result(&self, said: &MessageRow, calls: &[CallRow]) -> Option<Artifact> {
        let call = calls.iter().find(|call| Some(&call.agent) == said.agent.as_ref())?;
        let is_usable = call.state == CallState::Completed || call.partial;
        let sources = [source(call)];
        let result = Said { text: &said.text, sources: &sources, claims: &[], degraded: None };
        is_usable.then(|| self.later(&said.id, &result))
    }

    /// Where a file is.
    pub(super) fn link(&self, file: &FileView) -> Part {
        let id = file.id.as_ref().map(|id| id.as_str()).unwrap_or_default();
        let url = format!("{}/v1/conversations/{}/files/{id}", self.origin, self.conversation);
        Part::url(url).with_media_type(file.media_type.clone()).with_filename(file.name.clone())
    }

    /// A file that an agent gave.
    pub(super) fn file(&self, file: &FileView, part: Part) -> Artifact {
        let id = file.id.as_ref().map_or_else(|| file.name.clone(), |id| id.as_str().to_owned());
        let agent = file.agent.as_ref().map(|agent| ("switchboard.agent".to_owned(), json!(agent)));
        Artifact {
            artifact_id: id,
            name: Some(file.name.clone()),
            description: None,
            parts: vec![part],
            metadata: agent.map(|agent| HashMap::from([agent])),
            extensions: None,
        }
    }
}

/// Whether what Switchboard says is a result: not where it asks back, or says that nobody does this, or only passes on
/// what the one agent asks.
pub(super) fn is_artifact(mode: Option<Mode>, steps: usize, asks: bool) -> bool {
    let passes_on = asks && steps <= 1;
    !matches!(mode, Some(Mode::Clarify | Mode::None)) && !passes_on
}

pub(super) fn status(state: wire::TaskState, message: Option<Message>, at: DateTime<Utc>) -> TaskStatus {
    TaskStatus { state, message, timestamp: Some(at.trunc_subsecs(3)) }
}

pub(super) fn state(state: TaskState) -> wire::TaskState {
    match state {
        TaskState::Submitted => wire::TaskState::Submitted,
        TaskState::Working => wire::TaskState::Working,
        TaskState::Completed => wire::TaskState::Completed,
        TaskState::Failed => wire::TaskState::Failed,
        TaskState::Canceled => wire::TaskState::Canceled,
        TaskState::Rejected => wire::TaskState::Rejected,
        TaskState::InputRequired => wire::TaskState::InputRequired,
        TaskState::AuthRequired => wire::TaskState::AuthRequired,
    }
}

fn source(call: &CallRow) -> Source {
    Source { agent: call.agent.clone(), state: call.state, reason: call.reason.clone() }
}
