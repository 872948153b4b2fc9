//! What is done to the house in each drill, and what that may cost.

use super::{catalogue::Name, figures::Fault, load::Load, settings::Settings, target::Target};
use crate::{
    control::Ask,
    error::{Error, Result},
    terminal,
};
use futures::future::try_join_all;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

/// How long the house may take to be whole again after a fault; more is a failed drill.
const WHOLE_WITHIN: Duration = Duration::from_secs(90);
/// Between two faults.
const PAUSE: Duration = Duration::from_secs(3);
/// How often it is looked whether a part came back.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A drill while it goes on.
pub(super) struct Scene<'a> {
    pub(super) target: &'a Target,
    pub(super) load: &'a Load,
    pub(super) settings: &'a Settings,
    pub(super) faults: Vec<Fault>,
    /// What else is worth a figure.
    pub(super) also: BTreeMap<String, f64>,
}

impl Scene<'_> {
    /// Does it, and waits each time until the house is whole again.
    pub(super) async fn play(&mut self, name: Name) -> Result<()> {
        match name {
            Name::CoreKill => self.kill_cores().await,
            Name::EdgeKill => self.kill_each("edge").await,
            Name::RedisRestart => self.kill_each("redis").await,
            Name::CoreFreeze => {
                let cores = self.target.names("core").await?;
                let busiest = self.target.busiest(&cores).await.unwrap_or_else(|| "core-1".to_owned());
                self.freeze(&busiest, self.settings.hold(30)).await
            }
            Name::EdgeDrain => self.restart_each(&["edge"]).await,
            Name::RollingRestart => self.roll().await,
            Name::RedisAllDown => self.all_of_redis().await,
            Name::AgentFaults => {
                self.freeze("agents", self.settings.hold(10)).await?;
                sleep(PAUSE).await;
                self.kill("agents").await
            }
            Name::PgPrimaryKill => self.kill_primary().await,
            Name::PgHostLoss => self.lose_host().await,
            Name::PgSwitchover => self.switch_over().await,
            Name::PgPartition => self.cut_off().await,
            Name::PgDiskFull => self.fill_disk().await,
            Name::PgReplicaKill => self.kill_replica().await,
            Name::ReconnectStorm => self.kill_all("edge").await,
            Name::RedisPrimaryKill => self.kill_redis_primary().await,
            Name::Chaos => self.chaos().await,
            Name::Overload | Name::Soak | Name::Pitr | Name::LlmFaults => Ok(()),
        }
    }

    /// Each of them once, and each time the one that has the most to do; the next one when what the last one left
    /// behind has come to its end, so that each pause is that of one death.
    async fn kill_cores(&mut self) -> Result<()> {
        let mut left = self.target.names("core").await?;
        while let Some(name) = self.target.busiest(&left).await {
            self.kill(&name).await?;
            left.retain(|other| *other != name);
            let at_ms = self.faults.last().map_or(0, |fault| fault.at_ms);
            let deadline = Instant::now() + WHOLE_WITHIN;
            while self.load.record.still_run(at_ms) && Instant::now() < deadline {
                sleep(LOOK_EVERY).await;
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn kill_each(&mut self, kind: &str) -> Result<()> {
        let names = self.target.names(kind).await?;
        if names.is_empty() {
            return Err(Error::Failed(format!("this house has no {kind}")));
        }
        for name in names {
            self.kill(&name).await?;
            sleep(PAUSE).await;
        }
        Ok(())
    }

    pub(super) async fn kill(&mut self, name: &str) -> Result<()> {
        let target = self.target;
        self.fault(&format!("{name} killed"), kill_part(target, name)).await
    }

    async fn kill_all(&mut self, kind: &str) -> Result<()> {
        let (target, names) = (self.target, self.target.names(kind).await?);
        let all = names.iter().map(|name| kill_part(target, name));
        self.fault(&format!("every {kind} killed"), async { try_join_all(all).await.map(drop) }).await
    }

    async fn freeze(&mut self, name: &str, hold: Duration) -> Result<()> {
        let (target, owned) = (self.target, name.to_owned());
        let work = async {
            target.order(&Ask::Freeze { name: owned.clone() }).await?;
            sleep(hold).await;
            target.order(&Ask::Thaw { name: owned }).await
        };
        self.fault(&format!("{name} frozen for {} s", hold.as_secs()), work).await
    }

    pub(super) async fn restart_each(&mut self, kinds: &[&str]) -> Result<()> {
        for kind in kinds {
            for name in self.target.names(kind).await? {
                let work = self.target.restart(&name);
                self.fault(&format!("{name} told to end, and started again"), work).await?;
                sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    async fn all_of_redis(&mut self) -> Result<()> {
        let (target, hold) = (self.target, self.settings.hold(10));
        let names = target.names("redis").await?;
        if names.is_empty() {
            return Err(Error::Failed("this house has no redis".to_owned()));
        }
        let work = async {
            for name in &names {
                target.hold(name).await?;
            }
            sleep(hold).await;
            // Together: a node of a cluster is ready when it has found the others.
            try_join_all(names.iter().map(|name| target.start(name))).await.map(drop)
        };
        self.fault(&format!("all of Redis away for {} s", hold.as_secs()), work).await
    }

    async fn kill_redis_primary(&mut self) -> Result<()> {
        let (target, hold) = (self.target, self.settings.hold(15));
        let names = target.names("redis").await?;
        let name =
            names.first().cloned().ok_or_else(|| Error::Failed("this house has no redis".to_owned()))?;
        let work = async {
            target.hold(&name).await?;
            sleep(hold).await;
            target.start(&name).await
        };
        self.fault(&format!("{name} away for {} s", hold.as_secs()), work).await
    }

    /// Does something to the house, says so, and waits until it is whole again.
    pub(super) async fn fault(&mut self, what: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
        let record = &self.load.record;
        let at_ms = record.now();
        terminal::say(&format!("  {:>6.1} s  {what}", f64::from(at_ms) / 1e3));
        let done = work.await;
        let whole = match done {
            Ok(()) => self.target.whole(WHOLE_WITHIN * self.settings.times).await,
            Err(error) => Err(error),
        };
        let whole_ms = record.now();
        self.faults.push(Fault { what: what.to_owned(), at_ms, whole_ms });
        whole.map_err(|error| Error::Failed(format!("{what}: {error}")))
    }
}

/// Kills a part, and waits until the house has noticed.
async fn kill_part(target: &Target, name: &str) -> Result<()> {
    let before = pid(target, name).await?;
    target.order(&Ask::Kill { name: name.to_owned() }).await?;
    let deadline = Instant::now() + WHOLE_WITHIN;
    while pid(target, name).await? == before {
        if Instant::now() > deadline {
            return Err(Error::Failed(format!("{name} was killed and is still there")));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn pid(target: &Target, name: &str) -> Result<Option<u32>> {
    let parts = target.parts().await?;
    let part = parts.into_iter().find(|part| part.name == name);
    part.map(|part| part.pid).ok_or_else(|| Error::Failed(format!("this house has no {name}")))
}
