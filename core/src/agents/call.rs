//! Asking an agent once, from the question to its end: send, listen, and after a broken stream look where the task is,
//! and subscribe again or poll. A question is sent twice only with the same message id, and only where its connection was
//! closed before anything came back, or its core died and no task of the agent's knows it.

use super::{
    Agent, Ask, Progress, Reply,
    breaker::Outcome,
    credentials::CredentialFault,
    files::FileBounds,
    line::{Events, Fault, Line},
    transcript::{End, Transcript},
    wire::{self, Said, TaskState, Unusable, error_code, methods},
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

const CANCEL_BOUND: Duration = Duration::from_secs(1);
/// Between two looks at a task, at first; ...
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// ... and later on.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// While an agent is away, it is looked for at least so often: it is to be back in time.
const LONGEST_MISS: Duration = Duration::from_millis(500);
const MAX_PROGRESS: u32 = 200;
const MAX_PROGRESS_CHARS: usize = 2_000;

/// What an agent says of a task that it has lost, as when it was started anew.
const UNKNOWN_TASK: &str = "it no longer knows the task";

/// What an agent may cost.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) max_reply_bytes: usize,
    pub(super) files: &'a FileBounds,
    /// How long it may be away while its task is looked after.
    pub(super) outage: Duration,
}

/// Asks; and once more, under the same message id, where a task that was running is not known any more.
pub(super) async fn run(
    line: &Line<'_>,
    agent: &Agent,
    ask: &Ask,
    bounds: Bounds<'_>,
    progress: &mut (dyn FnMut(Progress) + Send + Sync),
) -> (Reply, Outcome) {
    let (reply, outcome) = once(line, agent, ask, bounds, progress).await;
    if !ask.resume || ask.answers || reply.reason.as_deref() != Some(UNKNOWN_TASK) {
        return (reply, outcome);
    }
    let anew = Ask { task_id: None, answers: false, resume: false, ..ask.clone() };
    once(line, agent, &anew, bounds, progress).await
}

async fn once(
    line: &Line<'_>,
    agent: &Agent,
    ask: &Ask,
    Bounds { max_reply_bytes, files, outage }: Bounds<'_>,
    progress: &mut (dyn FnMut(Progress) + Send + Sync),
) -> (Reply, Outcome) {
    let mut call = Call {
        line,
        agent,
        ask,
        transcript: Transcript::new(max_reply_bytes, ask.task_id.clone()).with_files(files.clone()),
        progress,
        outage,
        heard: false,
        told_task: ask.task_id.is_some(),
        told: 0,
    };
    let end = tokio::select! {
        biased;
        end = call.converse() => end,
        () = ask.cancel.cancelled() => End::Canceled,
        () = sleep_until(ask.deadline) => call.out_of_time(),
    };
    call.give_up(&end).await;
    let outcome = Outcome::of(&end);
    (call.transcript.reply(end), outcome)
}

struct Call<'a> {
    line: &'a Line<'a>,
    agent: &'a Agent,
    ask: &'a Ask,
    transcript: Transcript,
    progress: &'a mut (dyn FnMut(Progress) + Send + Sync),
    outage: Duration,
    /// It has said something: it has the question.
    heard: bool,
    told_task: bool,
    told: u32,
}

impl Call<'_> {
    async fn converse(&mut self) -> End {
        match &self.ask.task_id {
            Some(task) if self.ask.resume => self.go_on(&task.clone()).await,
            _ => self.ask().await,
        }
    }

    async fn ask(&mut self) -> End {
        match self.send().await {
            Ok(Some(end)) => end,
            Ok(None) => self.look_after().await,
            Err(fault @ Fault::Unreachable(_)) => End::Unsent(fault.to_string()),
            Err(fault) => refused(fault),
        }
    }

    /// Goes on with a task that was there before: it is looked at first. What answers its question is sent where it still
    /// waits, and has not heard it.
    async fn go_on(&mut self, task: &str) -> End {
        let (mut pause, since) = (FIRST_PAUSE, Instant::now());
        let found = loop {
            match self.line.one(methods::GET_TASK, json!({"id": task})).await {
                Ok(found) => break found,
                // It may be followed all the same.
                Err(Fault::Rpc(error)) if cannot(error.code) => return self.look_after().await,
                Err(fault) if is_for_good(&fault) || since.elapsed() >= self.outage => return refused(fault),
                Err(_) => sleep(pause).await,
            }
            pause = LONGEST_MISS.min(pause * 2);
        };
        let is_to_be_sent = self.ask.answers && !wire::has_heard(&found, &self.ask.message_id);
        match self.look(&found) {
            Ok(Some(End::Task(TaskState::InputRequired | TaskState::AuthRequired))) if is_to_be_sent => {
                self.ask().await
            }
            Ok(Some(end)) => end,
            Ok(None) => self.look_after().await,
            Err(fault) => refused(fault),
        }
    }

    /// Sends the question. `None`: it was taken, and what became of it must be found out.
    async fn send(&mut self) -> Result<Option<End>, Fault> {
        if self.agent.streaming {
            match self.line.open(methods::SEND_STREAMING_MESSAGE, self.question(false)).await {
                Ok(events) => return self.listen(events, self.ask.task_id.is_some()).await,
                // The card promised what the agent does not do; it has not taken the question.
                Err(Fault::Rpc(error)) if cannot(error.code) => {}
                Err(fault) => return Err(fault),
            }
        }
        // New work is named at once, so that it can be looked for, canceled, and gone on with by another core. The name of
        // work that waits is known; what such an agent says at once may be what it asked before.
        let question = self.question(self.ask.task_id.is_none());
        let result = self.line.one(methods::SEND_MESSAGE, question).await?;
        let said = wire::said(&result).map_err(nonsense)?;
        Ok(self.take(said))
    }

    fn question(&self, at_once: bool) -> Value {
        let Ask { message_id, context_id, task_id, question, context, parts, .. } = self.ask;
        let (files, left_out): (Vec<_>, Vec<_>) =
            parts.iter().partition(|part| wire::takes(&self.agent.input_modes, &part.media_type));
        let mut question = question.clone();
        for file in left_out {
            question.push_str(&format!(
                "\n(The file {} is left out: you do not read {}.)",
                file.name, file.media_type
            ));
        }
        let mut message =
            json!({"messageId": message_id, "role": "ROLE_USER", "parts": wire::question(&question, &files)});
        // Beside the question: an agent that does not know it reads its question alone.
        if let Some(context) = context {
            message["metadata"] = json!({wire::WHOLE_MESSAGE: context});
        }
        // A task knows its context, and an agent may have chosen another than ours.
        match task_id {
            Some(task) => message["taskId"] = json!(task),
            None => message["contextId"] = json!(context_id),
        }
        let modes = ["text/plain", "text/markdown", "application/json", "*/*"];
        let mut configuration = json!({"acceptedOutputModes": modes});
        if at_once {
            configuration["returnImmediately"] = json!(true);
        }
        json!({"message": message, "configuration": configuration})
    }

    /// Listens until the task is over; `None`: the stream ended before that.
    async fn listen(&mut self, mut events: Events, continued: bool) -> Result<Option<End>, Fault> {
        let (mut first, mut unknown) = (true, false);
        while let Some(result) = events.next().await {
            let result = match result {
                Ok(result) => result,
                // With a task at hand, what broke is the stream and not the work.
                Err(Fault::Broken(_)) if self.transcript.task().is_some() => return Ok(None),
                Err(fault) => return Err(fault),
            };
            let said = match wire::said(&result) {
                Err(Unusable::Unknown) => {
                    unknown = true;
                    continue;
                }
                said => said.map_err(nonsense)?,
            };
            let stale = first && continued && matches!(said, Said::Task { .. });
            first = false;
            match self.take(said) {
                // A continued task is first shown as it was: still waiting for what was just sent.
                Some(End::Task(TaskState::InputRequired | TaskState::AuthRequired)) if stale => {}
                Some(end) => return Ok(Some(end)),
                None => {}
            }
        }
        match self.transcript.task() {
            Some(_) => Ok(None),
            None if unknown => Err(nonsense(Unusable::Unknown)),
            None => Err(Fault::Broken("it ended before saying anything".into())),
        }
    }

    /// Follows a running task: by its stream, and where that does not work by asking for it.
    async fn look_after(&mut self) -> End {
        let Some(task) = self.transcript.task().map(str::to_owned) else {
            return End::Failed("it took the question and named no task".into());
        };
        let (mut pause, mut away, mut subscribe) = (FIRST_PAUSE, None, self.agent.streaming);
        loop {
            if subscribe {
                match self.subscribe(&task).await {
                    Ok(Some(end)) => return end,
                    Ok(None) => {}
                    Err(Fault::Rpc(_)) => subscribe = false,
                    Err(fault) if is_for_good(&fault) => return refused(fault),
                    Err(_) => {}
                }
            }
            let longest = match self.get(&task).await {
                Ok(Some(end)) => return end,
                Ok(None) => {
                    away = None;
                    LONGEST_PAUSE
                }
                Err(fault) if is_for_good(&fault) => return refused(fault),
                Err(fault) => {
                    let since = *away.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.outage {
                        return refused(fault);
                    }
                    LONGEST_MISS
                }
            };
            sleep(pause).await;
            pause = longest.min(pause * 2);
        }
    }

    async fn subscribe(&mut self, task: &str) -> Result<Option<End>, Fault> {
        let events = self.line.open(methods::SUBSCRIBE_TO_TASK, json!({"id": task})).await?;
        self.listen(events, false).await
    }

    async fn get(&mut self, task: &str) -> Result<Option<End>, Fault> {
        let found = self.line.one(methods::GET_TASK, json!({"id": task})).await?;
        self.look(&found)
    }

    fn look(&mut self, found: &Value) -> Result<Option<End>, Fault> {
        let said = wire::task(found).map_or_else(|| wire::said(found), Ok).map_err(nonsense)?;
        Ok(self.take(said))
    }

    fn take(&mut self, said: Said) -> Option<End> {
        self.heard = true;
        let words = match &said {
            Said::Status { state: TaskState::Submitted | TaskState::Working, words, .. } => {
                words.text.clone()
            }
            Said::Status { .. } | Said::Task { .. } | Said::Message(_) | Said::Artifact { .. } => {
                String::new()
            }
        };
        let end = self.transcript.take(said);
        if let Some(piece) = self.transcript.added() {
            (self.progress)(Progress::Piece(piece));
        }
        if let (false, Some(task)) = (self.told_task, self.transcript.task()) {
            self.told_task = true;
            (self.progress)(Progress::Task(task.to_owned()));
        }
        if !words.trim().is_empty() && self.told < MAX_PROGRESS {
            self.told += 1;
            (self.progress)(Progress::Text(words.chars().take(MAX_PROGRESS_CHARS).collect()));
        }
        end
    }

    /// Work that has a name goes on, where it may.
    fn out_of_time(&self) -> End {
        let goes_on = self.ask.may_go_on && self.heard && self.transcript.task().is_some();
        if goes_on { End::Working } else { End::TimedOut }
    }

    /// Stops the work that nobody waits for any more, as well as that can be done in a moment.
    async fn give_up(&self, end: &End) {
        let Some(task) = self.transcript.task() else { return };
        if matches!(end, End::TimedOut | End::Canceled | End::Full | End::Error(_) | End::Failed(_)) {
            match timeout(CANCEL_BOUND, self.line.cancel(task)).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => {
                    let error = self.line.hide(&fault.to_string());
                    tracing::debug!(error, "the agent did not cancel its task");
                }
                Err(_) => tracing::debug!("the agent did not cancel its task in time"),
            }
        }
    }
}

/// Whether it is no use to try again.
pub(super) fn is_for_good(fault: &Fault) -> bool {
    matches!(fault, Fault::TooMuch | Fault::Garbage(_) | Fault::Rpc(_) | Fault::Credential(_))
}

pub(super) fn refused(fault: Fault) -> End {
    match fault {
        Fault::Rpc(error) if error.code == i64::from(error_code::TASK_NOT_FOUND) => {
            End::Error(UNKNOWN_TASK.into())
        }
        Fault::Rpc(error) if error.code == i64::from(error_code::CONTENT_TYPE_NOT_SUPPORTED) => {
            End::Refused(format!("it does not read this kind of content: {}", error.message))
        }
        Fault::Rpc(error) if error.code == i64::from(error_code::VERSION_NOT_SUPPORTED) => {
            End::Failed(format!("it does not speak A2A {}", a2a::VERSION))
        }
        Fault::Rpc(ref error) if !breaks_protocol(error.code) => End::Error(fault.to_string()),
        // It answers; whoever looks after it has to be told this, and not that it is left alone for a while.
        Fault::Credential(CredentialFault::Refused(_) | CredentialFault::Missing(_)) => {
            End::Error(fault.to_string())
        }
        fault => End::Failed(fault.to_string()),
    }
}

/// Whether an error says that the two sides do not understand each other; any other is about what was asked.
fn breaks_protocol(code: i64) -> bool {
    [error_code::PARSE_ERROR, error_code::INVALID_REQUEST, error_code::METHOD_NOT_FOUND]
        .map(i64::from)
        .contains(&code)
}

fn cannot(code: i64) -> bool {
    [error_code::UNSUPPORTED_OPERATION, error_code::METHOD_NOT_FOUND].map(i64::from).contains(&code)
}

fn nonsense(what: Unusable) -> Fault {
    Fault::Garbage(match what {
        Unusable::Unknown => "neither a message nor a task".into(),
        Unusable::Broken => "a task or an update that is not whole, or has an id that cannot be kept".into(),
    })
}
