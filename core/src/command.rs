//! The command line: arguments, config, telemetry, build, serve, drain.

use crate::{
    admin,
    config::{Config, DEFAULTS},
    core::{Core, StartError},
    eval, retention, server,
    store::migrate,
    turn::take_over,
};
use serde_json::json;
use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use switchboard_shared::{config, shutdown::Shutdown, telemetry::Telemetry};

const USAGE: &str = "\
The core of Switchboard.

Usage: switchboard-core serve   --config FILE   start
       switchboard-core migrate --config FILE   bring the database's schema up to date, and end
       switchboard-core check   --config FILE   find every fault of the file, offline, and end
       switchboard-core defaults                print the commented defaults
       switchboard-core eval ...                measure the router on known messages (eval --help)

Exit codes: 0 ended as asked, 1 a defect, 2 usage, 3 the configuration is wrong, 4 something needed cannot be reached";

/// How long what the drain did not end has to give its leases back.
const HALT: Duration = Duration::from_secs(2);

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Serve(PathBuf),
    /// Migrate, and end.
    Migrate(PathBuf),
    /// Check the file, and end.
    Check(PathBuf),
    /// Print the defaults.
    Defaults,
    /// Measure the router.
    Eval(Box<eval::Options>),
    /// Print how `eval` is used.
    EvalHelp,
}

/// The command line could not be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage {
    asked: bool,
    /// What is wrong, where that can be said.
    why: Option<String>,
}

impl Command {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// When they are not one of the commands.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Self, Usage> {
        let arguments: Vec<String> = arguments.collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["serve", "--config", file] => Ok(Self::Serve(file.into())),
            ["migrate", "--config", file] => Ok(Self::Migrate(file.into())),
            ["check", "--config", file] => Ok(Self::Check(file.into())),
            ["defaults"] => Ok(Self::Defaults),
            ["eval", "--help" | "-h" | "help", ..] => Ok(Self::EvalHelp),
            ["eval", ..] => match eval::Options::read(&arguments[1..]) {
                Ok(options) => Ok(Self::Eval(Box::new(options))),
                Err(why) => Err(Usage { asked: false, why: Some(why) }),
            },
            other => Err(Usage { asked: matches!(other, ["--help" | "-h" | "help"]), why: None }),
        }
    }
}

impl Usage {
    /// Prints how it is used; asked for, that is a success.
    #[must_use]
    pub fn print(&self) -> ExitCode {
        if self.asked {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        match &self.why {
            Some(why) => complain(&format!("switchboard-core eval: {why}; eval --help says more")),
            None => complain(USAGE),
        }
        ExitCode::from(2)
    }
}

/// Does what the command line asks for.
#[must_use]
pub fn run(command: Command) -> ExitCode {
    let file = match &command {
        Command::Defaults => {
            say(DEFAULTS.trim_end());
            return ExitCode::SUCCESS;
        }
        Command::EvalHelp => {
            say(eval::HELP);
            return ExitCode::SUCCESS;
        }
        Command::Eval(options) => return measure(options),
        Command::Serve(file) | Command::Migrate(file) | Command::Check(file) => file,
    };
    let config: Config = match config::load(DEFAULTS, Some(file)) {
        Ok(config) => config,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(3);
        }
    };
    if matches!(command, Command::Check(_)) {
        say(&format!("{}: ok", file.display()));
        return ExitCode::SUCCESS;
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failed) => return failed,
    };
    let telemetry = match Telemetry::start("switchboard-core", &config.telemetry) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(3);
        }
    };
    let ended = runtime.block_on(async {
        match command {
            Command::Migrate(_) => migrate(&config.postgres).await.map_err(StartError::from),
            _ => serve(config).await,
        }
    });
    telemetry.flush();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("switchboard-core: {error}"));
            ExitCode::from(4)
        }
    }
}

async fn serve(config: Config) -> Result<(), StartError> {
    let shutdown = Shutdown::default();
    let (listen, admin_listen, drain) = (config.listen, config.admin_listen, config.drain);
    let listener = server::listen(listen, "listen").await?;
    let admin_listener = server::listen(admin_listen, "admin_listen").await?;
    let core = Core::start(config, shutdown.clone()).await?;
    shutdown.tasks.spawn(take_over(Arc::clone(&core)));
    shutdown.tasks.spawn(retention::keep(Arc::clone(&core)));
    let (url, admin_url) = (listener.local_addr(), admin_listener.local_addr());
    let (url, admin_url) = (url.unwrap_or(listen), admin_url.unwrap_or(admin_listen));
    shutdown.tasks.spawn(server::serve(Arc::clone(&core), listener, server::routes(&core)));
    // The admin port answers until the very end: it says that this core drains.
    let admin = axum::serve(admin_listener, admin::routes(Arc::clone(&core)));
    let admin = shutdown.tasks.spawn(async move { drop(admin.await) });
    tracing::info!(%url, admin = %admin_url, core = %core.id, "ready");
    let ready = json!({
        "ready": true, "url": format!("http://{url}"), "admin": format!("http://{admin_url}"),
    });
    let signal = Shutdown::signal();
    say(&ready.to_string());
    match signal {
        Ok(signal) => signal.await,
        Err(error) => tracing::error!(%error, "signals cannot be heard; draining"),
    }
    tracing::info!("draining");
    let admin = admin.abort_handle();
    shutdown.token.cancel();
    tokio::time::timeout(drain, core.turns.idle()).await.unwrap_or_else(|_| {
        tracing::warn!("turns are still running; another core takes them over");
    });
    core.halt.cancel();
    admin.abort();
    if !shutdown.drain(HALT).await {
        tracing::warn!("not everything has ended in time");
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        complain(&format!("the runtime cannot be started: {error}"));
        ExitCode::FAILURE
    })
}

fn measure(options: &eval::Options) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failed) => return failed,
    };
    match runtime.block_on(eval::run(options)) {
        Ok(outcome) => {
            outcome.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
            say(outcome.text.trim_end());
            outcome.broken.iter().for_each(|broken| complain(broken));
            if outcome.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(fault) => {
            complain(&format!("switchboard-core eval: {fault}"));
            ExitCode::from(3)
        }
    }
}

/// The ready line, and what was asked for. A reader that has seen enough and closed the pipe is no fault.
fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

#[allow(clippy::print_stderr, reason = "before telemetry has started there is no log")]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read_or_refused() {
        let read = |text: &str| Command::read(text.split_whitespace().map(str::to_owned));
        assert_eq!(read("serve --config a.toml"), Ok(Command::Serve("a.toml".into())));
        assert_eq!(read("--help"), Err(Usage { asked: true, why: None }));
        for bad in ["", "serve", "serve a.toml", "check --config", "serve --config a b"] {
            assert_eq!(read(bad), Err(Usage { asked: false, why: None }), "{bad}");
        }
        assert!(matches!(read("eval --train a --test b --json"), Ok(Command::Eval(_))));
        assert_eq!(read("eval --help"), Ok(Command::EvalHelp));
        assert!(matches!(read("eval --tset b"), Err(Usage { asked: false, why: Some(_) })));
    }
}
