//! `switchboard-edge serve --config FILE` and `switchboard-edge check --config FILE`.

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};
use switchboard_edge::config::Config;

mod serve;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The edge of Switchboard.
#[derive(Parser)]
#[command(name = "switchboard-edge", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start.
    Serve {
        /// The configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Find every fault of the file, and end.
    Check {
        /// The configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

const EXIT_CODES: &str = "\
Exit codes: 0 ended as asked, 1 a defect, 2 usage, 3 the configuration or a file that it names cannot be used, \
4 something needed cannot be reached";

fn main() -> ExitCode {
    // fred and jsonwebtoken bring a second provider along, so rustls cannot choose for itself.
    drop(rustls::crypto::ring::default_provider().install_default());
    match Arguments::parse().command {
        Command::Serve { config } => serve::run(&config),
        Command::Check { config } => check(&config),
    }
}

fn check(file: &std::path::Path) -> ExitCode {
    match Config::load(file) {
        Ok(_) => {
            say(&format!("{}: ok", file.display()));
            ExitCode::SUCCESS
        }
        Err(error) => serve::fail(&error.to_string(), 3),
    }
}

#[allow(clippy::print_stdout, reason = "this is what the command was asked for")]
fn say(text: &str) {
    println!("{text}");
}
