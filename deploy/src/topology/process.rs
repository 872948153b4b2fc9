//! One child process: started until it says that it is ready, stopped within a bound, killed with its parent.

mod condition;

use super::log;
use crate::{
    environment,
    error::{Error, Result},
};
pub use condition::Condition;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    os::unix::{fs::OpenOptionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};

/// The longest ready line that is read: sixteen agents fit many times.
const READY_BYTES: usize = 64 * 1024;
/// How often the end of a child is looked for.
const POLL: Duration = Duration::from_millis(10);

/// What to start, and how it ends.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The child's name in messages and its log's file name.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Where its standard error goes.
    pub log: PathBuf,
    /// Another user and group to run it as; only root can.
    pub user: Option<(u32, u32)>,
    /// How long it may take to say that it is ready; `None` when it says nothing.
    pub ready_within: Option<Duration>,
    /// The signal that asks it to end.
    pub stop: Signal,
    /// How long it may take to end.
    pub stop_within: Duration,
    /// The signal that comes after that, and when its parent dies.
    pub last: Signal,
}

impl Spec {
    /// A program of this workspace: it prints one ready line, drains on SIGTERM, and loses nothing when killed.
    #[must_use]
    pub fn program(name: &str, program: PathBuf, logs: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program,
            args: Vec::new(),
            log: logs.join(format!("{name}.log")),
            user: None,
            ready_within: Some(Duration::from_secs(60)),
            stop: Signal::SIGTERM,
            stop_within: Duration::from_secs(30),
            last: Signal::SIGKILL,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }
}

/// A running child. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    spec: Spec,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    child: Option<Child>,
    /// Held so that the child can go on writing; nothing but the ready line is read.
    _stdout: Option<BufReader<ChildStdout>>,
    ready: Value,
    log_from: u64,
    /// Whether it was told to end.
    told: bool,
    /// Whether it stays away until somebody starts it.
    held: bool,
    /// Whether it was stopped with SIGSTOP.
    frozen: bool,
    /// Whether its crash was asked for, and nobody has heard of it yet.
    crashed: bool,
}

impl Process {
    /// Starts the child and waits for its ready line.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready in time; with the end of its log.
    pub async fn start(spec: Spec) -> Result<Self> {
        let state = launch(&spec).await?;
        Ok(Self { spec, state: Mutex::new(state) })
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// When it fails, or has not ended within `bound`; with the end of its log.
    pub async fn run(mut spec: Spec, bound: Duration) -> Result<()> {
        spec.ready_within = None;
        let process = Self::start(spec).await?;
        let deadline = Instant::now() + bound;
        while Instant::now() < deadline {
            match process.try_wait() {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(process.fault(&format!("failed ({status})"), status.code())),
                None => sleep(POLL).await,
            }
        }
        Err(process.fault(&format!("did not end within {} s", bound.as_secs()), None))
    }

    /// The child's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it said when it was ready.
    #[must_use]
    pub fn ready(&self) -> Value {
        self.state().ready.clone()
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self.try_wait() {
            None => self.state().child.as_ref().and_then(Child::id),
            Some(_) => None,
        }
    }

    /// Asks it to end, waits, and then makes it.
    ///
    /// # Errors
    /// When it had to be made to.
    pub async fn terminate(&self) -> Result<()> {
        self.signal(self.spec.stop);
        // Who is frozen hears nothing.
        self.freeze(false);
        if self.gone(self.spec.stop_within).await {
            return Ok(());
        }
        self.signal(self.spec.last);
        if !self.gone(Duration::from_secs(5)).await {
            self.signal(Signal::SIGKILL);
            self.gone(Duration::from_secs(5)).await;
        }
        Err(self
            .fault(&format!("did not end within {} s and was killed", self.spec.stop_within.as_secs()), None))
    }

    /// Kills it as a crash would (SIGKILL) and waits until it is gone.
    pub async fn kill9(&self) {
        self.signal(Signal::SIGKILL);
        self.gone(Duration::from_secs(10)).await;
    }

    /// Starts it again, after ending it if it runs.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn restart(&self) -> Result<()> {
        if self.try_wait().is_none() {
            self.terminate().await?;
        }
        let state = launch(&self.spec).await?;
        *self.state() = state;
        Ok(())
    }

    /// Waits until it has ended without having been told to. Safe to drop.
    pub async fn died(&self) -> ExitStatus {
        loop {
            match self.try_wait() {
                Some(status) if !self.state().told => return status,
                _ => sleep(POLL * 10).await,
            }
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn try_wait(&self) -> Option<ExitStatus> {
        self.state().child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    /// The last lines of its log, since it was last started.
    #[must_use]
    pub fn log_tail(&self) -> String {
        log::tail(&self.spec.log, self.state().log_from)
    }

    /// Sends it a signal; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let mut state = self.state();
        state.told = true;
        send(state.child.as_mut(), signal);
    }

    /// An error that names this child and shows the end of its log.
    #[must_use]
    pub fn fault(&self, reason: &str, code: Option<i32>) -> Error {
        Error::Child { name: self.spec.name.clone(), reason: reason.to_owned(), code, tail: self.log_tail() }
    }

    /// An error that says how it ended by itself. What it said before is of use only when it chose to end.
    #[must_use]
    pub fn ended(&self, status: ExitStatus) -> Error {
        let tail = if status.code().is_some() { self.log_tail() } else { String::new() };
        let reason = match status.signal() {
            Some(number) => match Signal::try_from(number) {
                Ok(signal) => format!("was killed ({signal})"),
                Err(_) => format!("was killed (signal {number})"),
            },
            None => format!("ended by itself ({status})"),
        };
        Error::Child { name: self.spec.name.clone(), reason, code: None, tail }
    }

    async fn gone(&self, bound: Duration) -> bool {
        let deadline = Instant::now() + bound;
        while self.try_wait().is_none() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(POLL).await;
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(self.spec.last);
    }
}

fn send(child: Option<&mut Child>, signal: Signal) {
    let Some(child) = child else { return };
    // Reaped first, so that the id cannot belong to somebody else by now.
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // Fails only when it ended just now, which is what is wanted.
        kill(Pid::from_raw(pid), signal).ok();
    }
}

async fn launch(spec: &Spec) -> Result<State> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&spec.log)
        .map_err(Error::file(&spec.log))?;
    let log_from = log.metadata().map_err(Error::file(&spec.log))?.len();
    let mut child =
        command(spec, log)?.spawn().map_err(Error::io(format!("{} cannot be started", spec.name)))?;
    let stdout = child.stdout.take().map(BufReader::new);
    let mut state = State {
        child: Some(child),
        _stdout: None,
        ready: Value::Null,
        log_from,
        told: false,
        held: false,
        frozen: false,
        crashed: false,
    };
    if let (Some(bound), Some(mut stdout)) = (spec.ready_within, stdout) {
        let line = timeout(bound, ready_line(&mut stdout)).await;
        match line {
            Ok(Some(ready)) => (state.ready, state._stdout) = (ready, Some(stdout)),
            Ok(None) => return Err(not_ready(spec, state, "ended before it was ready").await),
            Err(_) => {
                let reason = format!("was not ready within {} s", bound.as_secs());
                return Err(not_ready(spec, state, &reason).await);
            }
        }
    }
    Ok(state)
}

fn command(spec: &Spec, log: File) -> Result<Command> {
    let stdout = match spec.ready_within {
        Some(_) => Stdio::piped(),
        None => log.try_clone().map_err(Error::file(&spec.log))?.into(),
    };
    let mut command = match environment::program("setpriv") {
        // PR_SET_PDEATHSIG by the tool that has it, since nothing here is unsafe code.
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command
                .arg("--pdeathsig")
                .arg(spec.last.as_str().trim_start_matches("SIG"))
                .arg("--")
                .arg(&spec.program);
            command
        }
        None => Command::new(&spec.program),
    };
    // Its own process group: Ctrl-C on the terminal reaches the parent alone, which then drains in order.
    command.args(&spec.args).stdin(Stdio::null()).stdout(stdout).stderr(log).process_group(0);
    if let Some((uid, gid)) = spec.user {
        command.uid(uid).gid(gid).current_dir("/");
    }
    Ok(command)
}

/// Reads the first line that is JSON; `None` at the end of the output.
async fn ready_line(stdout: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut read = 0;
    while read < READY_BYTES {
        let mut line = String::new();
        match stdout.read_line(&mut line).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read += count,
        }
        if let Ok(ready @ Value::Object(_)) = serde_json::from_str(&line) {
            return Some(ready);
        }
    }
    None
}

async fn not_ready(spec: &Spec, mut state: State, reason: &str) -> Error {
    let mut code = None;
    if let Some(child) = state.child.as_mut() {
        if let Ok(Ok(status)) = timeout(Duration::from_secs(2), child.wait()).await {
            code = status.code();
        }
        send(Some(child), spec.last);
    }
    Error::Child {
        name: spec.name.clone(),
        reason: reason.to_owned(),
        code,
        tail: log::tail(&spec.log, state.log_from),
    }
}

#[cfg(test)]
mod tests;
