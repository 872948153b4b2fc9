//! `switchboard chat`: a client of the WebSocket, for people and for scripts.

mod input;
mod prompt;
mod save;
mod session;
mod show;
mod waiting;

use super::{
    access::Access,
    agents::{self, known},
    question::{question, whole},
};
use crate::{
    error::{Error, Result},
    terminal,
};
use clap::Args;
use input::{Input, put};
use prompt::Said;
use session::Session;
use show::{Print, Show};
use std::{io::IsTerminal, path::PathBuf, time::Duration};
use switchboard_client::Received;
use switchboard_shared::{
    api::FileView,
    events::{EventBody, Plan, TurnState},
    ids::{AgentId, ClientId, ConversationId, TurnId},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, interval},
};
use waiting::Waiting;

/// How often what is waited for is said again.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// Arguments of `chat`.
#[derive(Debug, Args)]
pub struct Chat {
    /// What to ask; - takes all of standard input as one text; without it, its lines are asked one by one, and on a
    /// terminal what is pasted as one (/agents lists, /quit leaves)
    #[arg(allow_hyphen_values = true, value_parser = question)]
    pub text: Option<String>,
    /// Print every frame as one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Go on in this conversation
    #[arg(long, value_name = "ID")]
    pub conversation: Option<ConversationId>,
    /// Ask just this agent; may be given many times
    #[arg(long, value_name = "ID")]
    pub agent: Vec<AgentId>,
    /// Save the files of the answers in this folder; nothing that is there is written over
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Chat {
    /// Asks once, or goes on until the input ends.
    ///
    /// # Errors
    /// When no house answers, or the turn failed.
    pub async fn run(&self) -> Result<()> {
        let text = self.text.as_deref().map(whole).transpose()?;
        if !self.agent.is_empty() {
            known::require(&self.access.client(&["user"])?, &self.agent).await?;
        }
        let session = Session::open(self.access.clone(), self.conversation).await?;
        let interrupts = signal(SignalKind::interrupt()).map_err(Error::io("signal handlers"))?;
        let show = Show::default();
        let waiting = Waiting::default();
        let files = self.save.clone().map(|folder| Files { folder, access: self.access.clone() });
        let (json, unanswered, unsaved, to_the_end) = (self.json, false, 0, text.is_some());
        let mut talk =
            Talk { session, interrupts, show, waiting, files, json, to_the_end, unanswered, unsaved };
        match &text {
            Some(text) => talk.once(text, &self.agent).await,
            None => talk.interactive(&self.agent, &self.access).await,
        }
    }
}

/// One conversation on one terminal.
struct Talk {
    session: Session,
    interrupts: Signal,
    show: Show,
    waiting: Waiting,
    files: Option<Files>,
    json: bool,
    /// Also work that goes on after the answer is waited for.
    to_the_end: bool,
    /// The answer to our last question has no agent's reply in it, or nobody was asked since none has the name.
    unanswered: bool,
    /// Files that could not be saved.
    unsaved: usize,
}

/// Where files go, and who fetches them.
struct Files {
    folder: PathBuf,
    access: Access,
}

impl Talk {
    /// Asks, and shows what comes until the turn is over. A turn in which every agent failed has failed too, though
    /// its answer says so in words.
    async fn once(&mut self, text: &str, agents: &[AgentId]) -> Result<()> {
        match self.turn(text, agents).await? {
            TurnState::Completed if self.unanswered => Err(Error::Failed("no agent answered".to_owned())),
            TurnState::Completed | TurnState::InputRequired if self.unsaved > 0 => {
                Err(Error::Failed(format!("{} files could not be saved", self.unsaved)))
            }
            TurnState::Completed | TurnState::InputRequired | TurnState::Working => Ok(()),
            TurnState::Canceled => Err(Error::Interrupted),
            TurnState::Failed | TurnState::Running => Err(Error::Failed("the turn failed".to_owned())),
        }
    }

    async fn turn(&mut self, text: &str, agents: &[AgentId]) -> Result<TurnState> {
        let id: ClientId = uuid::Uuid::now_v7()
            .to_string()
            .parse()
            .map_err(|error| Error::Failed(format!("no id could be made for the message: {error}")))?;
        self.show.ours(id.clone());
        self.unanswered = false;
        self.session.say(id, text, agents)?;
        let (mut canceled, mut given) = (false, Vec::new());
        self.waiting = Waiting::from(Instant::now());
        // A status in its own place is for people alone.
        let (mut ticks, shows) = (interval(SAY_EVERY), std::io::stderr().is_terminal());
        loop {
            tokio::select! {
                received = self.session.next() => {
                    let received = received?;
                    self.waiting.received(&received, Instant::now());
                    self.prints(&received).into_iter().for_each(put);
                    self.unanswered |= unanswered(&received, self.session.turn(), text);
                    given.extend(files(&received, self.session.turn()));
                    let ending = ending(&received, self.session.turn());
                    let goes_on = self.to_the_end && ending == Some(TurnState::Working);
                    if let Some(state) = ending.filter(|_| !goes_on) {
                        terminal::no_status();
                        self.save(&given).await?;
                        return Ok(state);
                    }
                }
                _ = ticks.tick(), if shows => self.say_what_is_waited_for(),
                _ = self.interrupts.recv() => match self.session.turn() {
                    Some(turn) if !canceled => {
                        canceled = true;
                        terminal::say("stopping this turn (Ctrl-C again leaves)");
                        self.session.cancel(turn);
                    }
                    _ => return Err(Error::Interrupted),
                },
            }
        }
    }

    /// Saves the files of an answer; one that cannot be saved is said, and the others are.
    async fn save(&mut self, given: &[FileView]) -> Result<()> {
        let Some(files) = self.files.as_ref().filter(|_| !given.is_empty()) else { return Ok(()) };
        // The token of when the conversation began may be over.
        let client = files.access.client(&["user"])?;
        for file in given {
            match save::save(&client, self.session.conversation(), file, &files.folder).await {
                Ok(path) => terminal::say(&terminal::clean(&format!("saved {}", path.display()))),
                Err(error) => {
                    self.unsaved += 1;
                    terminal::say(&terminal::clean(&error.to_string()));
                }
            }
        }
        Ok(())
    }

    fn say_what_is_waited_for(&self) {
        if let Some(line) = self.waiting.line(Instant::now()) {
            terminal::status(&line, self.show.is_within_a_line() && std::io::stdout().is_terminal());
        }
    }

    async fn interactive(&mut self, agents: &[AgentId], access: &Access) -> Result<()> {
        let mut input = Input::open()?;
        terminal::say(&format!("conversation {} (/agents lists, /quit leaves)", self.session.conversation()));
        while let Some(line) = self.line(&mut input).await? {
            match line.trim() {
                "" => {}
                "/quit" | "/exit" => return Ok(()),
                "/agents" => self.list(access).await,
                command if command.starts_with('/') && !command.contains('\n') => {
                    terminal::say("known here: /agents, /quit; anything else is asked");
                }
                text => match self.turn(text, agents).await {
                    Ok(_) => {}
                    // The conversation goes on when one message was refused.
                    Err(Error::Problem(problem)) if problem.status != 401 => {
                        terminal::say(&terminal::clean(&Error::Problem(problem).to_string()));
                    }
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// Waits for what is said here, and shows what others say meanwhile; `None` at the end of the input.
    async fn line(&mut self, input: &mut Input) -> Result<Option<String>> {
        let mut interrupted = false;
        input.ask();
        loop {
            tokio::select! {
                said = input.next() => match said? {
                    Said::Text(text) => return Ok(Some(text)),
                    Said::End => return Ok(None),
                    Said::Interrupt if interrupted => return Err(Error::Interrupted),
                    // The first one takes back what was being typed, as in a shell.
                    Said::Interrupt => {
                        interrupted = true;
                        terminal::say("(Ctrl-C again leaves, and so does Ctrl-D)");
                        input.ask();
                    }
                },
                received = self.session.next() => {
                    let received = received?;
                    self.prints(&received).into_iter().for_each(|print| input.print(print));
                }
                _ = self.interrupts.recv() => return Err(Error::Interrupted),
            }
        }
    }

    async fn list(&self, access: &Access) {
        let listed = async { agents::all(&access.client(&["user"])?).await };
        match listed.await {
            Ok(all) => all.iter().for_each(|agent| terminal::table(&agents::line(agent))),
            Err(error) => terminal::say(&terminal::clean(&error.to_string())),
        }
    }

    fn prints(&mut self, received: &Received) -> Vec<Print> {
        if !self.json {
            return self.show.received(received);
        }
        vec![match received {
            Received::Event(text, _) | Received::Frame(text, _) | Received::Unknown(text) => {
                Print::Line(text.replace(['\n', '\r'], " "))
            }
            Received::At(edge) => Print::Talk(show::at(edge.as_str())),
            Received::Away(why) => Print::Talk(show::away(why)),
        }]
    }
}

/// Whether this is the answer of our turn, and no agent that was asked has a part in it; or its plan, and nobody is asked
/// since there is no agent of the name that was called.
fn unanswered(received: &Received, turn: Option<TurnId>, text: &str) -> bool {
    let Received::Event(_, event) = received else { return false };
    if event.turn.is_none() || event.turn != turn {
        return false;
    }
    match &event.body {
        EventBody::PlanDecided(plan) => plan.steps.is_empty() && names_the_called(plan, text),
        EventBody::AnswerFinished(answer) => {
            answer.degraded.is_some()
                && !answer.sources.is_empty()
                && answer.sources.iter().all(|source| show::failed(source.state))
        }
        _ => false,
    }
}

/// Whether what is said instead of asking names whom the message calls first: nobody else is named by it.
fn names_the_called(plan: &Plan, text: &str) -> bool {
    let Some(called) = text.split_whitespace().find_map(|word| word.strip_prefix('@')) else { return false };
    let called = called.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let said = plan.says.as_deref().unwrap_or_default().to_lowercase();
    !called.is_empty() && said.contains(&format!("@{called} "))
}

/// The files of our turn's answer, if this is it.
fn files(received: &Received, turn: Option<TurnId>) -> Vec<FileView> {
    match received {
        Received::Event(_, event) if event.turn.is_some() && event.turn == turn => match &event.body {
            EventBody::AnswerFinished(answer) => answer.files.clone(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// How our turn ended, if this is its end.
fn ending(received: &Received, turn: Option<TurnId>) -> Option<TurnState> {
    let Received::Event(_, event) = received else { return None };
    if event.turn.is_none() || event.turn != turn {
        return None;
    }
    match &event.body {
        EventBody::TurnFinished { state, .. } => Some(*state),
        EventBody::InputRequired { .. } => Some(TurnState::InputRequired),
        _ => None,
    }
}
