//! `switchboard up`: the whole house on this machine, watched until Ctrl-C.

use crate::{
    environment,
    error::{Error, Result},
    house::House,
    terminal,
    topology::{
        Options, Topology, children::Child, config::Llm, control::Control, names, process::Condition,
    },
};
use clap::{
    Args,
    builder::{NonEmptyStringValueParser, TypedValueParser},
    value_parser,
};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use switchboard_shared::config::web_url;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep},
};
use url::Url;

/// How often a child that dies by itself is started again within [`WINDOW`]; then the house is stopped.
const RESTARTS: usize = 3;
/// The most cores or edges: more than one machine has use for.
const MOST: i64 = 64;
/// The window for [`RESTARTS`].
const WINDOW: Duration = Duration::from_secs(60);

/// Arguments of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// How many cores; 3 with --full
    #[arg(long, default_value = "1", default_value_if("full", "true", "3"), value_name = "N", value_parser = some())]
    pub cores: usize,
    /// How many edges; 2 with --full
    #[arg(long, default_value = "1", default_value_if("full", "true", "2"), value_name = "M", value_parser = some())]
    pub edges: usize,
    /// The production topology: Postgres with two followers under Patroni and etcd, Redis with three shards and replicas
    #[arg(long)]
    pub full: bool,
    /// The data folder; made when it is not there
    #[arg(long, default_value = "./data", value_name = "DIR", env = "SWITCHBOARD_DATA")]
    pub data: PathBuf,
    /// Where the first edge listens; further edges take the following ports, or free ones
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Do not start the sixteen example agents
    #[arg(long)]
    pub no_agents: bool,
    /// The folder of the router's sentence encoder, as deploy/install brings it; without it the router works by words
    #[arg(long, value_name = "DIR", env = "SWITCHBOARD_ENCODER", value_parser = NonEmptyStringValueParser::new().map(PathBuf::from))]
    pub encoder: Option<PathBuf>,
    /// An OpenAI-compatible endpoint (https://host/v1)
    #[arg(long, value_name = "URL", requires = "llm_model", help_heading = "LLM", value_parser = web_url)]
    pub llm_url: Option<Url>,
    /// Its model
    #[arg(long, value_name = "M", requires = "llm_url", help_heading = "LLM")]
    pub llm_model: Option<String>,
    /// The environment variable that holds its key
    #[arg(long, value_name = "NAME", requires = "llm_url", help_heading = "LLM")]
    pub llm_key_env: Option<String>,
    /// Where traces go, as OTLP over HTTP (http://host:4318/v1/traces)
    #[arg(long, value_name = "URL", value_parser = web_url)]
    pub otlp: Option<Url>,
    /// Do not write where other commands look for a house
    #[arg(long, hide = true)]
    pub unannounced: bool,
    /// Print one line of JSON when ready
    #[arg(long)]
    pub json: bool,
}

impl Up {
    /// Starts the house, and stops it when it is told to.
    ///
    /// # Errors
    /// When it does not start, or a child keeps dying.
    pub async fn run(&self) -> Result<()> {
        let mut stop = Stop::listen()?;
        let options = self.options()?;
        let without = options.without();
        let start = Box::pin(Topology::start(options));
        let house = tokio::select! {
            house = start => house?,
            () = stop.recv() => return Err(Error::Interrupted),
        };
        // Before it is said that the house is there: who hears that may ask at once.
        let control = Control::listen(house.data())?;
        let description = house.describe(without.clone())?;
        let announced = if self.unannounced { Ok(()) } else { description.announce() };
        if let Err(error) = announced {
            terminal::say(&format!("other commands need --data {}: {error}", description.data.display()));
        }
        if self.json {
            terminal::json(&description);
        } else {
            terminal::out(&greeting(
                &description,
                &environment::own_name(),
                names::from_elsewhere(self.listen),
            ));
        }
        let publish = || {
            if let Err(error) = publish(&house, &without, !self.unannounced) {
                terminal::say(&format!("other commands will not find what has changed: {error}"));
            }
        };
        let outcome = tokio::select! {
            outcome = watch(&house, &mut stop, &publish) => outcome,
            () = control.serve(&house, &publish) => Ok(()),
        };
        drop(control);
        description.withdraw();
        terminal::say(&format!("stopping {} (Ctrl-C again kills)", house.names().join(", ")));
        let ended = tokio::select! {
            ended = house.stop() => ended,
            () = stop.recv() => Err(Error::Interrupted),
        };
        if ended.is_ok() {
            terminal::say("stopped");
        }
        outcome.and(ended)
    }

    fn options(&self) -> Result<Options> {
        let llm = match (&self.llm_url, &self.llm_model) {
            (Some(url), Some(model)) => vec![Llm {
                base_url: url.as_str().trim_end_matches('/').to_owned(),
                api_key: key_reference(self.llm_key_env.as_deref())?,
                model: model.clone(),
            }],
            _ => Vec::new(),
        };
        Ok(Options {
            cores: self.cores,
            edges: self.edges,
            full: self.full,
            data: self.data.clone(),
            listen: Some(self.listen),
            agents: !self.no_agents,
            llm,
            encoder: self
                .encoder
                .as_deref()
                .map(std::path::absolute)
                .transpose()
                .map_err(Error::io("--encoder"))?,
            otlp: self.otlp.clone(),
            progress: Arc::new(|line| terminal::say(&terminal::clean(line))),
            ..Options::default()
        })
    }
}

/// At least one, since a house without cores or edges is none.
fn some() -> impl TypedValueParser<Value = usize> {
    value_parser!(u16).range(1..=MOST).map(usize::from)
}

/// The key stays in the environment, which the cores inherit; it is never written down.
fn key_reference(name: Option<&str>) -> Result<String> {
    match name {
        None => Ok(String::new()),
        Some(name) if environment::is_set(name) => Ok(format!("env:{name}")),
        Some(name) => Err(Error::Invalid(format!("--llm-key-env {name}: this variable is not set"))),
    }
}

/// SIGINT or SIGTERM.
struct Stop {
    int: Signal,
    term: Signal,
}

impl Stop {
    fn listen() -> Result<Self> {
        let handler = |kind| signal(kind).map_err(Error::io("signal handlers"));
        Ok(Self { int: handler(SignalKind::interrupt())?, term: handler(SignalKind::terminate())? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}

/// Starts again what dies, within reason, until it is told to stop. The others go on meanwhile.
async fn watch(house: &Topology, stop: &mut Stop, changed: &(dyn Fn() + Sync)) -> Result<()> {
    let mut restarts = Restarts::default();
    // A child that did not come back, to be tried again.
    let mut failed: Option<(&Child, Error)> = None;
    loop {
        let (child, fault) = tokio::select! {
            // In this order: a core does not come back before its database.
            biased;
            () = stop.recv() => return Ok(()),
            (child, status) = house.died() => (child, child.process().ended(status)),
            again = again(&mut failed) => again,
        };
        let name = child.process().name();
        failed = failed.filter(|(waiting, _)| !std::ptr::eq(*waiting, child));
        if child.process().condition() == Condition::Held {
            continue;
        }
        // A crash that was asked for says nothing against the child.
        let counts = !child.process().crashed_on_request();
        if counts && !restarts.allow(name, Instant::now()) {
            return Err(fault);
        }
        terminal::say(&terminal::clean(&format!("{fault}\nstarting {name} again")));
        let revived = tokio::select! {
            revived = Box::pin(house.revive(child)) => revived,
            () = stop.recv() => return Ok(()),
        };
        if let Err(error) = revived {
            failed = Some((child, error));
            continue;
        }
        changed();
        terminal::say(&format!("{name} is back"));
    }
}

/// Describes the house anew, for other commands to find what has changed.
fn publish(house: &Topology, without: &[String], announced: bool) -> Result<()> {
    let description = house.describe(without.to_vec())?;
    if announced {
        description.announce().ok();
    }
    description.write()
}

/// The child that did not come back, after a moment for those that died with it; never, when there is none. Safe to
/// drop: it is taken only when the moment is over.
async fn again<'h>(failed: &mut Option<(&'h Child, Error)>) -> (&'h Child, Error) {
    sleep(Duration::from_millis(200)).await;
    match failed.take() {
        Some(failed) => failed,
        None => std::future::pending().await,
    }
}

/// When each child was started again.
#[derive(Debug, Default)]
struct Restarts<'h>(HashMap<&'h str, VecDeque<Instant>>);

impl<'h> Restarts<'h> {
    fn allow(&mut self, name: &'h str, now: Instant) -> bool {
        let times = self.0.entry(name).or_default();
        times.retain(|at| now.duration_since(*at) < WINDOW);
        times.push_back(now);
        times.len() <= RESTARTS
    }
}

fn greeting(house: &House, me: &str, elsewhere: Option<String>) -> String {
    let (url, ca) = (house.url.as_str().trim_end_matches('/'), for_a_shell(&house.ca.to_string_lossy()));
    let me = for_a_shell(me);
    let mut lines = vec![
        String::new(),
        format!("Switchboard is up: {url}"),
        format!("  sign in          {url}/auth/login?provider=dev&as=ann   (for development: ann or bob, no password)"),
        format!("  trust            {ca}"),
        format!("  a token          {me} token   (for user ann, one hour)"),
        format!("  ask              {me} chat \"What are the mean and the median of 3, 5 and 10?\""),
        format!("  who is there     {me} agents list"),
        "  with curl:".to_owned(),
        format!("    curl --cacert {ca} -H \"Authorization: Bearer $({me} token)\" \\"),
        "      -H 'Content-Type: application/json' -d '{\"message\":\"What are the mean and the median of 3, 5 and 10?\"}' \\"
            .to_owned(),
        format!("      {url}/chat"),
    ];
    if let (Some(host), Some(port)) = (elsewhere, house.url.port()) {
        lines.push(format!("  from elsewhere   https://{host}:{port}   (with the same CA file)"));
    }
    lines.extend(house.without.iter().map(|what| format!("  without          {what}")));
    lines.push(format!("  logs             {}", house.data.join("logs").display()));
    lines.push("Ctrl-C stops everything in order.".to_owned());
    lines.join("\n")
}

/// A path as it can be pasted into a shell: in single quotes where something in it would mean more than itself.
fn for_a_shell(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Cli;
    use clap::Parser;

    #[test]
    fn the_llm_needs_url_and_model_and_its_key_stays_in_the_environment() {
        assert!(Cli::try_parse_from(["switchboard", "up", "--llm-url", "http://m/v1"]).is_err());
        let with = |url| Cli::try_parse_from(["switchboard", "up", "--llm-model", "m", "--llm-url", url]);
        assert!(with("http://m/v1").is_ok());
        let refused = with("localhost:9791/v1").unwrap_err().to_string();
        assert!(refused.contains("must be http or https"), "before anything is made: {refused}");
        assert_eq!(key_reference(Some("PATH")).unwrap(), "env:PATH");
        assert_eq!(key_reference(Some("SWITCHBOARD_NOT_SET")).unwrap_err().exit_code(), 3);
    }

    #[test]
    fn what_is_printed_for_a_shell_means_itself_there() {
        for path in ["./target/debug/switchboard", "my data/$HOME/ca.pem", "it's \"a\" \\ `b` #!*"] {
            let script = format!("printf %s {}", for_a_shell(path));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), path);
        }
        assert_eq!(for_a_shell("./switchboard"), "./switchboard");
    }

    #[test]
    fn a_house_without_cores_or_edges_is_a_mistake_on_the_command_line() {
        for option in ["--cores", "--edges"] {
            for number in ["0", "65", "-1", "x"] {
                let error = Cli::try_parse_from(["switchboard", "up", option, number]).unwrap_err();
                assert_eq!(error.exit_code(), 2, "{option} {number}");
            }
            assert!(Cli::try_parse_from(["switchboard", "up", option, "2"]).is_ok());
        }
    }

    #[test]
    fn a_child_is_started_again_three_times_a_minute() {
        let mut restarts = Restarts::default();
        let allowed: Vec<_> = (0..4).map(|_| restarts.allow("core-1", Instant::now())).collect();
        assert_eq!(allowed, [true, true, true, false]);
        assert!(restarts.allow("edge-1", Instant::now()), "each child has its own count");
        assert!(restarts.allow("core-1", Instant::now() + WINDOW * 2));
    }
}
