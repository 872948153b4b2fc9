//! The control socket of a running house: one JSON object a line, one answer a line. Drills break parts of the house
//! with it and put them together again; only the owner of the data folder can reach it.

use super::{
    Topology,
    children::Child,
    process::{Condition, Process},
};
use crate::{
    control::{self, Ask, ChildView, Reply},
    error::{Error, Result},
};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    fs,
    future::pending,
    path::{Path, PathBuf},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

/// The longest line that is read.
const LINE_BYTES: u64 = 4_096;
/// Callers at once; the next one waits in the socket's own queue.
const CALLERS: usize = 16;

/// A listening control socket. Its file goes with it.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens in the data folder, whose `run` only its owner may enter.
    ///
    /// # Errors
    /// When it cannot.
    pub fn listen(data: &Path) -> Result<Self> {
        let path = control::socket_in(data);
        // Whoever holds the data folder's lock is its only house, so a file that is there is a dead one's.
        drop(fs::remove_file(&path));
        let listener = control::within_reach(&path, UnixListener::bind).map_err(Error::file(&path))?;
        Ok(Self { listener, path })
    }

    /// Does what callers ask, for as long as it is awaited. `changed` hears when a part was started, and so may have
    /// other addresses and another process. Safe to drop: an order that was begun may be left half done.
    pub async fn serve(&self, house: &Topology, changed: &(dyn Fn() + Sync)) {
        let mut callers = FuturesUnordered::new();
        loop {
            let free = callers.len() < CALLERS;
            tokio::select! {
                accepted = self.listener.accept(), if free => {
                    if let Ok((stream, _)) = accepted {
                        callers.push(converse(stream, house, changed));
                    }
                }
                // What a caller's own socket says is the caller's to see.
                Some(_) = callers.next(), if !callers.is_empty() => {}
                else => pending::<()>().await,
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

async fn converse(stream: UnixStream, house: &Topology, changed: &(dyn Fn() + Sync)) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    loop {
        let mut line = String::new();
        if (&mut lines).take(LINE_BYTES).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply = match serde_json::from_str(&line) {
            Ok(ask) => answer(&ask, house, changed).await,
            Err(error) => Reply::Error(format!("this line cannot be understood: {error}")),
        };
        let text = serde_json::to_string(&reply).unwrap_or_default();
        write.write_all(format!("{text}\n").as_bytes()).await?;
    }
}

async fn answer(ask: &Ask, house: &Topology, changed: &(dyn Fn() + Sync)) -> Reply {
    let name = match ask {
        Ask::List => return Reply::Children(house.children().map(|child| view(child, house)).collect()),
        Ask::Kill { name }
        | Ask::Hold { name }
        | Ask::Stop { name }
        | Ask::Start { name }
        | Ask::Freeze { name }
        | Ask::Thaw { name } => name,
    };
    let done = match house.children().find(|child| child.process().name() == name.as_str()) {
        Some(child) => order(ask, child, house, changed).await,
        None => Err(Error::Invalid(format!("no part of this house is called {name}"))),
    };
    match done {
        Ok(()) => Reply::Ok(true),
        Err(error) => Reply::Error(error.to_string()),
    }
}

async fn order(ask: &Ask, child: &Child, house: &Topology, changed: &(dyn Fn() + Sync)) -> Result<()> {
    let process = child.process();
    // Whoever starts a part has it until it is ready; an order in between would be overtaken.
    if house.is_starting(process.name()) {
        return Err(Error::Failed(format!("{} is being started; try again", process.name())));
    }
    match ask {
        Ask::List => {}
        Ask::Kill { .. } => running(process)?.crash(),
        Ask::Hold { .. } => {
            process.hold();
            process.kill9().await;
        }
        Ask::Stop { .. } => {
            running(process)?.hold();
            process.terminate().await?;
        }
        Ask::Start { .. } => {
            if process.condition() != Condition::Held {
                return Err(Error::Failed(format!("{} is not held", process.name())));
            }
            house.revive(child).await?;
            changed();
        }
        Ask::Freeze { .. } => running(process)?.freeze(true),
        Ask::Thaw { .. } => process.freeze(false),
    }
    Ok(())
}

fn running(process: &Process) -> Result<&Process> {
    match process.pid() {
        Some(_) => Ok(process),
        None => Err(Error::Failed(format!("{} does not run", process.name()))),
    }
}

fn view(child: &Child, house: &Topology) -> ChildView {
    let process = child.process();
    let state = match process.condition() {
        _ if house.is_starting(process.name()) => "starting",
        Condition::Running => "running",
        Condition::Frozen => "frozen",
        Condition::Held => "held",
        // Dead without having been told to: whoever watches the house starts it in a moment.
        Condition::Dead => "starting",
    };
    ChildView {
        name: process.name().to_owned(),
        kind: child.kind().to_owned(),
        pid: process.pid(),
        state: state.to_owned(),
    }
}
