//! `switchboard-core serve|migrate|check --config FILE`, `switchboard-core eval …`

use std::process::ExitCode;
use switchboard_core::{Command, run};

fn main() -> ExitCode {
    // Two providers are in the tree (ring and aws-lc-rs): one of them is chosen before anything can ask.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return ExitCode::FAILURE;
    }
    match Command::read(std::env::args().skip(1)) {
        Ok(command) => run(command),
        Err(usage) => usage.print(),
    }
}
