//! `switchboard-edge serve --config FILE` and `switchboard-edge check --config FILE`.

use std::{path::PathBuf, process::ExitCode};
use switchboard_edge::config::Config;

mod serve;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const USAGE: &str = "usage: switchboard-edge serve|check --config FILE";

fn main() -> ExitCode {
    // fred and jsonwebtoken bring a second provider along, so rustls cannot choose for itself.
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", "--config", file] => serve::run(&PathBuf::from(file)),
        ["check", "--config", file] => check(&PathBuf::from(file)),
        ["--version"] => say(concat!("switchboard-edge ", env!("CARGO_PKG_VERSION")), ExitCode::SUCCESS),
        _ => serve::fail(USAGE, 2),
    }
}

fn check(file: &std::path::Path) -> ExitCode {
    match Config::load(file) {
        Ok(_) => say(&format!("{}: ok", file.display()), ExitCode::SUCCESS),
        Err(error) => serve::fail(&error.to_string(), 3),
    }
}

#[allow(clippy::print_stdout, reason = "this is what the command was asked for")]
fn say(text: &str, code: ExitCode) -> ExitCode {
    println!("{text}");
    code
}
