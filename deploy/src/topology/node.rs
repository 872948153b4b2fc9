//! A core or an edge of the house, running.

use super::{
    names,
    process::{Process, Spec},
};
use crate::{
    error::{Error, Result},
    house,
};
use std::time::Duration;
use switchboard_shared::cause::Cause;
use tokio::time::{Instant, sleep};
use url::Url;

/// A running core or edge. Its addresses stay when it is started again.
#[derive(Debug)]
pub struct Node {
    process: Process,
    url: Url,
    admin: Url,
}

impl Node {
    /// Starts it and reads its addresses from its ready line.
    ///
    /// # Errors
    /// When it does not start, or says something else.
    pub async fn start(spec: Spec) -> Result<Self> {
        let process = Process::start(spec).await?;
        let ready = process.ready();
        let read = |key: &str| {
            let url = ready[key].as_str().and_then(|text| Url::parse(text).ok());
            url.ok_or_else(|| process.fault(&format!("said no {key} when it was ready: {ready}"), None))
        };
        let (url, admin) = (names::reachable(read("url")?), read("admin")?);
        Ok(Self { process, url, admin })
    }

    /// Where it serves.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where it says how it is.
    #[must_use]
    pub fn admin(&self) -> &Url {
        &self.admin
    }

    /// The child process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Lets it drain and end.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn terminate(&self) -> Result<()> {
        self.process.terminate().await
    }

    /// Kills it as a crash would.
    pub async fn kill9(&self) {
        self.process.kill9().await;
    }

    /// Starts it again with the same addresses, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&self) -> Result<()> {
        self.process.restart().await?;
        self.wait_until_ready(Duration::from_secs(20)).await
    }

    /// Waits until its `/readyz` answers 200.
    ///
    /// # Errors
    /// When it does not within `bound`, or has ended.
    pub async fn wait_until_ready(&self, bound: Duration) -> Result<()> {
        let deadline = Instant::now() + bound;
        loop {
            let last = match readiness(&self.admin).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if let Some(status) = self.process.try_wait() {
                return Err(self.process.fault(&format!("ended ({status})"), status.code()));
            }
            if Instant::now() >= deadline {
                return Err(self
                    .process
                    .fault(&format!("is not ready after {} s: {last}", bound.as_secs()), None));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Describes it.
    #[must_use]
    pub fn describe(&self) -> house::Node {
        house::Node { url: self.url.clone(), admin: self.admin.clone(), pid: self.pid().unwrap_or_default() }
    }
}

/// Asks the admin address of a core or an edge whether it is ready.
///
/// # Errors
/// When it is not; with its own words.
pub async fn readiness(admin: &Url) -> Result<()> {
    let failed =
        |error: reqwest::Error| Error::Unreachable(format!("{admin} does not answer: {}", Cause::of(&error)));
    let http =
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().map_err(failed)?;
    let url = admin.join("/readyz").map_err(|error| Error::Failed(error.to_string()))?;
    let response = http.get(url).send().await.map_err(failed)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let words = response.text().await.unwrap_or_default();
    Err(Error::Failed(format!("{status} {}", crate::terminal::clean_line(&words))))
}
