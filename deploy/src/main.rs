//! `switchboard`: starts the house, talks to it, and says how it is.

use clap::Parser;
use std::process::ExitCode;
use switchboard::{commands, terminal};

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::say(&format!("switchboard: the runtime cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(commands::run(cli));
    // A read of standard input cannot be canceled, so nothing waits for it.
    runtime.shutdown_background();
    ExitCode::from(code)
}
