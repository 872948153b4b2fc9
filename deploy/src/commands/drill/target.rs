//! What a drill is run against: the house of a data folder, one of the drill's own, or addresses that are only loaded.

use super::settings::Settings;
use crate::{
    client::Client,
    control::{Ask, ChildView, Control, socket_in},
    environment,
    error::{Error, Result},
    house::House,
    terminal,
    topology::{
        files,
        issuer::{Claims, Issuer},
        node::readiness,
        process::{Process, Spec},
    },
};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};
use switchboard_shared::identity::Tier;
use tokio::time::{Instant, sleep};
use url::{Host, Url};

/// How long a house of the drill's own may take to start.
const START_WITHIN: Duration = Duration::from_secs(300);
/// How long it may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(90);
/// How often it is looked whether everything is there again.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the people of a drill may speak.
const TOKEN_FOR: Duration = Duration::from_secs(12 * 3600);

/// It is there.
pub(super) struct Target {
    edges: Vec<Url>,
    ca: Option<PathBuf>,
    voice: Voice,
    home: Option<Home>,
}

/// As whom people speak.
enum Voice {
    /// Each for themselves.
    Issuer(Box<Issuer>),
    /// All of them as one.
    Token(String),
}

/// Which house to start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// Three cores and two edges.
    Small,
    /// As `up --full` starts it.
    Full,
    /// Two cores that ask an LLM there.
    WithLlm(&'a str),
}

/// A house on this machine.
struct Home {
    house: House,
    control: Control,
    /// The process and the folder of a house of the drill's own.
    own: Option<(Process, PathBuf)>,
}

impl Target {
    /// Finds it, or starts it.
    pub(super) async fn find(settings: &Settings, needs_full: bool) -> Result<Self> {
        if !settings.against.is_empty() {
            return Self::elsewhere(settings);
        }
        let data = settings.data.clone().unwrap_or_else(|| PathBuf::from("data"));
        match House::find(Some(&data)) {
            Ok(house) => Self::here(house, None, settings.i_know),
            Err(_) if needs_full || settings.full => Self::own(settings, Kind::Full).await,
            Err(_) => Self::own(settings, Kind::Small).await,
        }
    }

    /// Addresses that are loaded, and no more.
    fn elsewhere(settings: &Settings) -> Result<Self> {
        if !settings.i_know {
            return Err(Error::Refused(
                "--against names what may be no test topology; --i-know says that it may be loaded"
                    .to_owned(),
            ));
        }
        let token = settings.token.clone().ok_or_else(|| {
            Error::Auth(
                "--against needs a token (SWITCHBOARD_TOKEN): everybody speaks as its user".to_owned(),
            )
        })?;
        let (edges, ca) = (settings.against.clone(), settings.ca.clone());
        Ok(Self { edges, ca, voice: Voice::Token(token), home: None })
    }

    fn here(house: House, own: Option<(Process, PathBuf)>, i_know: bool) -> Result<Self> {
        let outside = house.edges.iter().find(|edge| !is_loopback(&edge.url));
        if let (Some(edge), false) = (outside, i_know) {
            return Err(Error::Refused(format!(
                "{} can be reached from elsewhere, so it may be no test topology; --i-know breaks it all the same",
                edge.url
            )));
        }
        if !socket_in(&house.data).exists() {
            return Err(Error::Refused(format!(
                "the house in {} has no control socket: it was started by an older version, or by a test",
                house.data.display()
            )));
        }
        let issuer = Issuer::open(&house.data.join("issuer"))?;
        Ok(Self {
            edges: house.edges.iter().map(|edge| edge.url.clone()).collect(),
            ca: Some(house.ca.clone()),
            voice: Voice::Issuer(Box::new(issuer)),
            home: Some(Home { control: Control::of(&house.data), house, own }),
        })
    }

    /// A house of the drill's own.
    pub(super) async fn own(settings: &Settings, kind: Kind<'_>) -> Result<Self> {
        let folder = files::temporary("drill")?;
        let program = environment::sibling("switchboard", settings.programs.as_deref())?;
        let mut spec = Spec::program("house", program, &folder)
            .args(["up", "--json", "--unannounced", "--listen", "127.0.0.1:0", "--data"])
            .args([folder.join("data")]);
        spec = match kind {
            Kind::Small => spec.args(["--cores", "3", "--edges", "2"]),
            Kind::Full => spec.args(["--full"]),
            Kind::WithLlm(url) => spec.args(["--cores", "2", "--llm-model", "drill", "--llm-url", url]),
        };
        (spec.ready_within, spec.stop_within) = (Some(START_WITHIN), STOP_WITHIN);
        // Also when this command dies: in good order.
        spec.last = Signal::SIGTERM;
        terminal::say(&format!("starting a house of the drill's own in {}", folder.display()));
        let process = Process::start(spec).await?;
        let house: House = serde_json::from_value(process.ready())
            .map_err(|error| process.fault(&format!("did not say where it is ({error})"), None))?;
        Self::here(house, Some((process, folder)), true)
    }

    /// Whether parts of it can be broken.
    pub(super) fn can_be_broken(&self) -> bool {
        self.home.is_some()
    }

    /// Whether everybody has a name of their own here.
    pub(super) fn has_names(&self) -> bool {
        matches!(self.voice, Voice::Issuer(_))
    }

    /// A client of each edge. Each number has an address of its own where that is possible, as people have.
    pub(super) fn client(&self, user: &str, roles: &[&str], number: usize) -> Result<Vec<Client>> {
        let token = self.token(user, roles)?;
        let one = |edge: &Url| match address(number).filter(|_| is_loopback(edge)) {
            Some(local) => Client::from_address(local, edge.clone(), self.ca.as_deref(), &token),
            None => Client::new(edge.clone(), self.ca.as_deref(), &token),
        };
        self.edges.iter().map(one).collect()
    }

    /// A token for somebody who may say much.
    pub(super) fn token(&self, user: &str, roles: &[&str]) -> Result<String> {
        match &self.voice {
            Voice::Token(token) => Ok(token.clone()),
            Voice::Issuer(issuer) => {
                let mut claims = Claims::demo(user, roles)?;
                (claims.tier, claims.lifetime) = (Tier::Enterprise, TOKEN_FOR);
                issuer.token(&claims, chrono::Utc::now().timestamp())
            }
        }
    }

    /// Every part and how it is; none elsewhere.
    pub(super) async fn parts(&self) -> Result<Vec<ChildView>> {
        match &self.home {
            Some(home) => home.control.list().await,
            None => Ok(Vec::new()),
        }
    }

    /// The names of the parts of a kind, in order.
    pub(super) async fn names(&self, kind: &str) -> Result<Vec<String>> {
        let parts = self.parts().await?;
        Ok(parts.into_iter().filter(|part| part.kind == kind).map(|part| part.name).collect())
    }

    /// Of these cores the one that runs the most turns: what is killed has to be in the middle of something.
    pub(super) async fn busiest(&self, cores: &[String]) -> Option<String> {
        let nodes = self.home.as_ref().map(|home| home.house.cores.as_slice()).unwrap_or_default();
        let mut busiest: Option<(f64, &String)> = None;
        for name in cores {
            let index = name.strip_prefix("core-").and_then(|number| number.parse::<usize>().ok());
            let node = index.and_then(|number| nodes.get(number.checked_sub(1)?));
            let running = match node {
                Some(node) => running_turns(&node.admin).await.unwrap_or(0.0),
                None => 0.0,
            };
            if busiest.is_none_or(|(most, _)| running > most) {
                busiest = Some((running, name));
            }
        }
        busiest.map(|(_, name)| name.clone())
    }

    /// Breaks a part, or puts it together again.
    pub(super) async fn order(&self, ask: &Ask) -> Result<()> {
        match &self.home {
            Some(home) => home.control.order(ask).await,
            None => Err(Error::Refused("nothing can be broken there".to_owned())),
        }
    }

    /// Kills a part, which stays away.
    pub(super) async fn hold(&self, name: &str) -> Result<()> {
        self.order(&Ask::Hold { name: name.to_owned() }).await
    }

    /// Starts what stays away.
    pub(super) async fn start(&self, name: &str) -> Result<()> {
        self.order(&Ask::Start { name: name.to_owned() }).await
    }

    /// Lets it end in good order, and starts it again.
    pub(super) async fn restart(&self, name: &str) -> Result<()> {
        self.order(&Ask::Stop { name: name.to_owned() }).await?;
        self.start(name).await
    }

    /// Its data folder.
    pub(super) fn data(&self) -> Option<&Path> {
        self.home.as_ref().map(|home| home.house.data.as_path())
    }

    /// A list in the description of the house, as it was started with.
    pub(super) fn described(&self, key: &str) -> Vec<Value> {
        let house = self.data().map(crate::house::described_in).and_then(|path| std::fs::read(path).ok());
        let house: Value = house.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        house[key].as_array().cloned().unwrap_or_default()
    }

    /// Waits until every part runs and is ready.
    pub(super) async fn whole(&self, bound: Duration) -> Result<()> {
        let deadline = Instant::now() + bound;
        loop {
            match self.missing().await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => {
                    let logs = self.data().unwrap_or(Path::new(".")).join("logs");
                    return Err(Error::Failed(format!(
                        "not whole again within {} s: {error}; its logs are in {}",
                        bound.as_secs(),
                        logs.display()
                    )));
                }
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Fails with what is not as it should be.
    async fn missing(&self) -> Result<()> {
        let Some(home) = &self.home else { return Ok(()) };
        if let Some(part) = self.parts().await?.iter().find(|part| part.state != "running") {
            return Err(Error::Failed(format!("{} is {}", part.name, part.state)));
        }
        for node in home.house.cores.iter().chain(&home.house.edges) {
            readiness(&node.admin).await?;
        }
        super::postgres::whole(&self.described("postgres")).await
    }

    /// Thaws what is frozen and starts what is held, whatever else happened; the last error of those that do not.
    pub(super) async fn put_back(&self) -> Result<()> {
        let mut outcome = Ok(());
        for part in self.parts().await? {
            let name = part.name.clone();
            let ask = match part.state.as_str() {
                "frozen" => Ask::Thaw { name },
                "held" => Ask::Start { name },
                _ => continue,
            };
            if let Err(error) = self.order(&ask).await {
                outcome = Err(Error::Failed(format!("{}: {error}", part.name)));
            }
        }
        outcome
    }

    /// Ends a house of the drill's own. Its folder goes with it, unless something was wrong.
    pub(super) async fn stop(self, good: bool) {
        let Some((process, folder)) = self.home.and_then(|home| home.own) else { return };
        if let Err(error) = process.terminate().await {
            terminal::say(&terminal::clean(&error.to_string()));
        }
        if good {
            drop(std::fs::remove_dir_all(&folder));
        } else {
            terminal::say(&format!("kept for a look: {}", folder.display()));
        }
    }
}

async fn running_turns(admin: &Url) -> Option<f64> {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().ok()?;
    let text = http.get(admin.join("/metrics").ok()?).send().await.ok()?.text().await.ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("switchboard_core_running_turns "));
    value?.trim().parse().ok()
}

/// 127.0.0.0/8 is all this machine.
fn address(number: usize) -> Option<IpAddr> {
    let [_, a, b, c] = u32::try_from(number).ok()?.checked_add(256)?.to_be_bytes();
    Some(Ipv4Addr::new(127, a, b, c).into()).filter(|_| number < 1 << 23)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_an_address_each_on_this_machine() {
        assert_eq!(address(0).unwrap().to_string(), "127.0.1.0");
        assert_eq!(address(300).unwrap().to_string(), "127.0.2.44");
        assert!(address(70_000).unwrap().is_loopback());
    }

    #[test]
    fn what_is_named_by_its_address_is_loaded_only_by_who_knows_it() {
        let mut settings = Settings::default();
        settings.against.push("https://chat.example.com".parse().unwrap());
        let refused = Target::elsewhere(&settings).map(drop).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        settings.i_know = true;
        assert_eq!(Target::elsewhere(&settings).map(drop).unwrap_err().exit_code(), 5, "there is no token");
    }
}
