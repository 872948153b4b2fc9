//! The command line: arguments, config, telemetry, build, serve, drain.

use crate::{
    admin,
    analytics::{keep_counts, keep_report},
    config::{Config, DEFAULTS},
    core::{Core, StartError},
    eval,
    faces::a2a::deliver,
    login::signer::key_set,
    retention, server,
    store::migrate,
    turn::{keep_lease, look_after, obey, take_over, watch},
};
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use std::{
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use switchboard_shared::{config, shutdown::Shutdown, telemetry::Telemetry};

const EXIT_CODES: &str = "\
Exit codes: 0 ended as asked, 1 a defect, 2 usage, 3 the configuration is wrong, 4 something needed cannot be reached";

/// How long what the drain did not end has to end its lease.
const HALT: Duration = Duration::from_secs(2);

/// The core of Switchboard.
#[derive(Debug, Parser)]
#[command(name = "switchboard-core", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start
    Serve(File),
    /// Bring the database's schema up to date, and end
    Migrate(File),
    /// Find every fault of the file, offline, and end
    Check(File),
    /// Print the commented defaults
    Defaults,
    /// Print the public keys of session tokens, as edges need them (auth.sessions.jwks)
    Keys(File),
    /// Measure the router on messages whose right agents are known
    Eval(Box<eval::Options>),
}

#[derive(Debug, Args)]
struct File {
    /// The core's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Cli {
    /// Reads the command line, with the program's name first.
    ///
    /// # Errors
    /// When it is not one of the commands, or asks for help.
    pub fn read(arguments: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.collect();
        match arguments.get(1).is_some_and(|command| command == "eval") {
            true => Self::try_parse_from(eval::without_empty(arguments)),
            false => Self::try_parse_from(arguments),
        }
    }

    /// Does what the command line asks for.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Defaults => {
                say(DEFAULTS.trim_end());
                ExitCode::SUCCESS
            }
            Command::Eval(options) => measure(&options),
            Command::Check(File { config: file }) => with_config(&file, |_| {
                say(&format!("{}: ok", file.display()));
                ExitCode::SUCCESS
            }),
            Command::Keys(File { config }) => with_config(&config, |config| print_keys(&config)),
            Command::Migrate(File { config }) => with_config(&config, |config| {
                run(config, async |config| Ok(migrate(&config.postgres).await?))
            }),
            Command::Serve(File { config }) => with_config(&config, |config| run(config, serve)),
        }
    }
}

fn with_config(file: &Path, work: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match config::load(DEFAULTS, Some(file)) {
        Ok(config) => work(config),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(3)
        }
    }
}

/// Runs until the work is done, with telemetry from its beginning to its end.
fn run(config: Config, work: impl AsyncFnOnce(Config) -> Result<(), StartError>) -> ExitCode {
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
    let ended = runtime.block_on(work(config));
    telemetry.flush();
    // A model that is being learned is not waited for.
    runtime.shutdown_background();
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
    let lease = shutdown.tasks.spawn(keep_lease(Arc::clone(&core)));
    shutdown.tasks.spawn(watch(Arc::clone(&core)));
    shutdown.tasks.spawn(obey(Arc::clone(&core)));
    shutdown.tasks.spawn(take_over(Arc::clone(&core)));
    // What is accepted is this core's from the beginning.
    drop(tokio::time::timeout(core.config.turn.lease, core.lease.held()).await);
    shutdown.tasks.spawn(retention::keep(Arc::clone(&core)));
    shutdown.tasks.spawn(deliver(Arc::clone(&core)));
    shutdown.tasks.spawn(look_after(Arc::clone(&core)));
    shutdown.tasks.spawn(keep_counts(Arc::clone(&core)));
    shutdown.tasks.spawn(keep_report(Arc::clone(&core)));
    let (url, admin_url) = (listener.local_addr(), admin_listener.local_addr());
    let (url, admin_url) = (url.unwrap_or(listen), admin_url.unwrap_or(admin_listen));
    shutdown.tasks.spawn(server::serve(Arc::clone(&core), listener, server::routes(&core)));
    // The admin port answers until the very end: it says that this core drains.
    let admin = axum::serve(server::at_once(admin_listener), admin::routes(Arc::clone(&core)));
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
    drop(tokio::time::timeout(HALT, lease).await);
    core.bell.end();
    admin.abort();
    if !shutdown.drain(HALT).await {
        tracing::warn!("not everything has ended in time");
    }
    Ok(())
}

fn print_keys(config: &Config) -> ExitCode {
    match key_set(&config.login.keys).map(|set| json!(set)) {
        Ok(set) => {
            say(&set.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("switchboard-core: {error}"));
            ExitCode::from(3)
        }
    }
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
    use clap::CommandFactory;

    #[test]
    fn what_computes_in_a_thread_keeps_no_core_from_its_end() {
        let text =
            "identity_key = \"0123456789abcdef0123456789abcdef\"\npostgres.urls = [\"postgres://h/d\"]\n";
        let config = config::parse(DEFAULTS, "(test)", text).unwrap();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let code = run(config, async move |_: Config| {
            drop(tokio::task::spawn_blocking(move || ends.recv()));
            Ok(())
        });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
        assert!(end.send(()).is_ok(), "it computes still");
    }

    /// What is asked for, or the exit code.
    fn read(line: &str) -> Result<Command, i32> {
        let arguments = ["switchboard-core"].into_iter().chain(line.split_whitespace());
        Cli::read(arguments.map(OsString::from)).map(|cli| cli.command).map_err(|error| error.exit_code())
    }

    #[test]
    fn the_command_line_is_read_or_refused() {
        Cli::command().debug_assert();
        let Ok(Command::Serve(file)) = read("serve --config a.toml") else { panic!("not serve") };
        assert_eq!(file.config, Path::new("a.toml"));
        assert!(matches!(read("eval --train a --test b --json"), Ok(Command::Eval(_))));
        for bad in ["", "serve", "serve a.toml", "check --config", "serve --config a b", "eval --tset b"] {
            assert_eq!(read(bad).unwrap_err(), 2, "{bad}");
        }
    }

    #[test]
    fn help_and_the_version_are_no_faults() {
        for asked in ["--help", "--version", "eval --help", "serve --help"] {
            assert_eq!(read(asked).unwrap_err(), 0, "{asked}");
        }
    }
}
