//! `switchboard-core serve|migrate|check --config FILE`, `switchboard-core eval …`

use std::process::ExitCode;
use switchboard_core::Cli;

/// Gives memory back after streams have ended, as the edge does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Two providers are in the tree (ring and aws-lc-rs): one of them is chosen before anything can ask.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return ExitCode::FAILURE;
    }
    match Cli::read(std::env::args_os()) {
        Ok(cli) => cli.run(),
        Err(error) => error.exit(),
    }
}
