//! `switchboard`: starts the house, talks to it, and says how it is.

use clap::Parser;
use std::process::ExitCode;
use switchboard::{commands, error, terminal};

fn main() -> ExitCode {
    let json = commands::wants_json(std::env::args_os());
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if json && error.use_stderr() => {
            terminal::say(&error::json(error.to_string().trim(), 2));
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::say(&format!("switchboard: the runtime cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(commands::run(cli, json));
    // A read of standard input cannot be canceled, so nothing waits for it.
    runtime.shutdown_background();
    ExitCode::from(code)
}
