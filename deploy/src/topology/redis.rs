//! A private Redis Cluster of one node, on loopback, that keeps nothing: what is in it may be lost by design.

use super::{
    files, ports,
    process::{Process, Spec},
};
use crate::{
    environment,
    error::{Error, Result},
};
use nix::sys::signal::Signal;
use std::{
    ffi::OsString,
    fmt,
    net::Ipv4Addr,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// How long a start may take; a node that comes back waits two seconds by itself before it serves.
const START_WITHIN: Duration = Duration::from_secs(20);

/// A running Redis of our own.
pub struct Redis {
    process: Process,
    port: u16,
    password: String,
    password_file: PathBuf,
    /// Whether it is the whole cluster.
    alone: bool,
}

impl Redis {
    /// Starts it with its files in `data`/redis.
    ///
    /// # Errors
    /// When it is not installed, or does not serve all slots within its bound.
    pub async fn start(data: &Path, logs: &Path) -> Result<Self> {
        let folder = data.join("redis");
        // The slots of an earlier run, and its port, are of no use.
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
        }
        files::folder(&folder, 0o700)?;
        let (port, bus) = (ports::free()?, ports::free()?);
        let password_file = folder.join("password");
        let settings = settings(port, bus, &folder, &files::random_key(&password_file)?);
        let mut redis = Self::node("redis", &folder, (port, &password_file), &settings, logs).await?;
        redis.alone = true;
        redis.take_all_slots().await?;
        Ok(redis)
    }

    /// Starts a node that has no slots yet, and waits until it answers.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub(super) async fn node(
        name: &str,
        folder: &Path,
        (port, password_file): (u16, &Path),
        settings: &str,
        logs: &Path,
    ) -> Result<Self> {
        let program = environment::program("redis-server").ok_or_else(|| Error::Missing {
            program: "redis-server".to_owned(),
            hint: "several cores or edges share one (Debian, Ubuntu: `apt install redis-server`); \
                   `deploy/install` does it for you"
                .to_owned(),
        })?;
        let mut spec = Spec::program(name, program, logs);
        // In a file that only its owner may read: arguments are there for everybody to see.
        let file = folder.join("redis.conf");
        files::secret(&file, settings)?;
        spec.args.push(literal(&file));
        spec.ready_within = None;
        spec.last = Signal::SIGKILL;
        let process = Process::start(spec).await?;
        let (password, password_file) = (files::random_key(password_file)?, password_file.to_owned());
        let redis = Self { process, port, password, password_file, alone: false };
        redis.wait_until(|answer| answer.starts_with("+PONG"), "PING").await?;
        Ok(redis)
    }

    /// The URL that both tiers connect with; it holds the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://default:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// Where its password lies.
    #[must_use]
    pub fn password_file(&self) -> &Path {
        &self.password_file
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The child process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it as a crash would.
    pub async fn kill9(&self) {
        self.process.kill9().await;
    }

    /// Starts it again on the same port, empty.
    ///
    /// # Errors
    /// When it does not serve within its bound.
    pub async fn restart(&self) -> Result<()> {
        self.process.restart().await?;
        if self.alone {
            return self.take_all_slots().await;
        }
        // One of several is told by the others what it is now.
        self.wait_until(|answer| answer.starts_with("+PONG"), "PING").await
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it had to be made to.
    pub async fn stop(&self) -> Result<()> {
        self.process.terminate().await
    }

    /// A node that was killed may or may not have written down which slots are its own.
    async fn take_all_slots(&self) -> Result<()> {
        self.wait_until(|answer| answer.starts_with("+PONG"), "PING").await?;
        let info = self.ask("CLUSTER INFO").await?;
        if info.contains("cluster_slots_assigned:0\r") {
            self.ask("CLUSTER ADDSLOTSRANGE 0 16383").await?;
        }
        self.wait_until_serving().await
    }

    async fn wait_until_serving(&self) -> Result<()> {
        self.wait_until(|answer| answer.contains("cluster_state:ok"), "CLUSTER INFO").await
    }

    async fn wait_until(&self, good: fn(&str) -> bool, command: &str) -> Result<()> {
        let deadline = Instant::now() + START_WITHIN;
        loop {
            if let Some(status) = self.process.try_wait() {
                return Err(self.process.fault(&format!("ended while starting ({status})"), None));
            }
            let last = match self.ask(command).await {
                Ok(answer) if good(&answer) => return Ok(()),
                Ok(answer) => answer,
                Err(error) => error.to_string(),
            };
            if Instant::now() >= deadline {
                return Err(self
                    .process
                    .fault(&format!("is not ready; {command} says {}", last.trim()), None));
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Sends one inline command (Redis protocol, "Inline commands") and returns its answer as it came.
    ///
    /// # Errors
    /// When nothing answers, or an error does.
    pub async fn ask(&self, command: &str) -> Result<String> {
        ask(self.port, &self.password, command).await
    }
}

/// Sends one inline command to the node at this port of loopback and returns its answer as it came.
///
/// # Errors
/// When nothing answers, or an error does.
pub(crate) async fn ask(port: u16, password: &str, command: &str) -> Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        // QUIT ends the stream after the answer, so that reading to its end is reading all of it.
        let lines = format!("AUTH {password}\r\n{command}\r\nQUIT\r\n");
        stream.write_all(lines.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = timeout(Duration::from_secs(5), exchange).await;
    let answer = answer.map_err(|_| Error::Unreachable(format!("redis did not answer {command} in 5 s")))?;
    let answer = answer.map_err(Error::io(format!("redis, {command}")))?;
    let answer = answer.strip_prefix("+OK\r\n").unwrap_or(&answer).to_owned();
    match answer.strip_prefix('-') {
        Some(error) => Err(Error::Failed(format!("redis, {command}: {}", error.trim()))),
        None => Ok(answer),
    }
}

/// The whole configuration of the node.
fn settings(port: u16, bus: u16, folder: &Path, password: &str) -> String {
    format!(
        "port {port}\ncluster-port {bus}\nbind 127.0.0.1\nrequirepass {password}\nmasterauth {password}\n\
         cluster-enabled yes\ncluster-announce-ip 127.0.0.1\ncluster-require-full-coverage no\n\
         cluster-node-timeout 2000\nsave \"\"\nappendonly no\ndaemonize no\ndir {}\n",
        quoted(folder)
    )
}

/// The path of a configuration file as an argument. Redis takes one with a sign of a pattern in it for a pattern
/// (glob(7)), in which a backslash makes a sign stand for itself; any other path it takes as it stands.
fn literal(file: &Path) -> OsString {
    let (signs, bytes) = (b"*?[", file.as_os_str().as_bytes());
    if !bytes.iter().any(|byte| signs.contains(byte)) {
        return file.into();
    }
    let escaped =
        |byte: &u8| if signs.contains(byte) || *byte == b'\\' { vec![b'\\', *byte] } else { vec![*byte] };
    OsString::from_vec(bytes.iter().flat_map(escaped).collect())
}

/// A path as a configuration file of Redis holds it: in quotes, every byte that is no letter or digit as `\xHH`.
pub(super) fn quoted(path: &Path) -> String {
    let byte = |byte: &u8| match byte {
        b'/' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    format!("\"{}\"", path.as_os_str().as_encoded_bytes().iter().map(byte).collect::<String>())
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("port", &self.port).finish_non_exhaustive()
    }
}
