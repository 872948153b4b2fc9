//! How the control socket of a running house is asked: to list its parts, and to break one or put it together again.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::Duration,
};
use switchboard_shared::cause::Cause;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

/// How long an order may take: a part that is stopped drains first, and one that is started has to be ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// `sun_path` holds 108 bytes with its end mark (unix(7)).
const SOCKET_PATH_MAX: usize = 107;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ask {
    /// Every part and how it is.
    List,
    /// SIGKILL; the house starts it again, as after a crash.
    Kill {
        /// Which.
        name: String,
    },
    /// SIGKILL, and not started again until `start`.
    Hold {
        /// Which.
        name: String,
    },
    /// SIGTERM, waits for its end; not started again until `start`.
    Stop {
        /// Which.
        name: String,
    },
    /// Starts what is held, and waits until it is ready.
    Start {
        /// Which.
        name: String,
    },
    /// SIGSTOP.
    Freeze {
        /// Which.
        name: String,
    },
    /// SIGCONT.
    Thaw {
        /// Which.
        name: String,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// It is done.
    Ok(bool),
    /// It is not, and why.
    Error(String),
    /// Every part, in the order in which they start.
    Children(Vec<ChildView>),
}

/// A part of the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildView {
    /// Its name, as its log is called.
    pub name: String,
    /// What it is: `core`, `edge`, `agents`, and so on.
    pub kind: String,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// `running`, `starting`, `frozen` or `held`.
    pub state: String,
}

/// Where the house of a data folder listens.
#[must_use]
pub fn socket_in(data: &Path) -> PathBuf {
    data.join("run").join("control.sock")
}

/// Does something with a socket's path, or, where that is too long for one, by way of its open folder.
pub(crate) fn within_reach<T>(path: &Path, act: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if path.as_os_str().len() > SOCKET_PATH_MAX => {
            let folder = std::fs::File::open(folder)?;
            act(Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name))
        }
        _ => act(path.to_owned()),
    }
}

/// The control socket of one running house.
#[derive(Clone, Debug)]
pub struct Control {
    path: PathBuf,
}

impl Control {
    /// That of the house in `data`.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { path: socket_in(data) }
    }

    /// Every part and how it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn list(&self) -> Result<Vec<ChildView>> {
        match self.ask(&Ask::List).await? {
            Reply::Children(children) => Ok(children),
            other => Err(Error::Failed(format!("the control socket answered {other:?} to a list"))),
        }
    }

    /// Gives an order and waits until it is done.
    ///
    /// # Errors
    /// When nobody answers, or it is refused; with the reason.
    pub async fn order(&self, ask: &Ask) -> Result<()> {
        match self.ask(ask).await? {
            Reply::Ok(_) => Ok(()),
            Reply::Error(reason) => Err(Error::Failed(reason)),
            Reply::Children(_) => Err(Error::Failed("the control socket answered a list".to_owned())),
        }
    }

    async fn ask(&self, ask: &Ask) -> Result<Reply> {
        let exchange = async {
            let stream = std::os::unix::net::UnixStream::connect;
            let stream = within_reach(&self.path, stream)?;
            stream.set_nonblocking(true)?;
            let (read, mut write) = UnixStream::from_std(stream)?.into_split();
            write.write_all(format!("{}\n", serde_json::to_string(ask)?).as_bytes()).await?;
            let mut line = String::new();
            BufReader::new(read).read_line(&mut line).await?;
            Ok(serde_json::from_str(&line)?)
        };
        let answered = timeout(ANSWER_WITHIN, exchange).await;
        let answered: io::Result<Reply> = answered
            .map_err(|_| Error::Unreachable(format!("{}: no answer in time", self.path.display())))?;
        answered.map_err(|error| {
            Error::Unreachable(format!(
                "{}: {}: no house with a control socket runs here",
                self.path.display(),
                Cause::of(&error)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_answers_are_lines_that_a_person_can_write() {
        let text = |value: &Ask| serde_json::to_string(value).unwrap();
        assert_eq!(text(&Ask::List), r#"{"do":"list"}"#);
        assert_eq!(text(&Ask::Kill { name: "core-1".into() }), r#"{"do":"kill","name":"core-1"}"#);
        assert_eq!(serde_json::to_string(&Reply::Ok(true)).unwrap(), r#"{"ok":true}"#);
        assert_eq!(serde_json::to_string(&Reply::Error("no".into())).unwrap(), r#"{"error":"no"}"#);
        assert!(serde_json::from_str::<Ask>(r#"{"do":"burn","name":"core-1"}"#).is_err());
        assert!(serde_json::from_str::<Ask>(r#"{"do":"kill"}"#).is_err());
    }
}
