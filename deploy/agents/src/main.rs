//! The sixteen example agents as one program; see the library for what they are.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use switchboard_agents::{Arguments, Directory, House, shutdown};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr).init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            announce_failure(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stop = shutdown::signals()?;
    let json = arguments.json;
    let house = House::bind(arguments.into()).await?;
    announce(&house.directory(), json)?;
    house.serve(stop).await?;
    Ok(())
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the ready line is the program's result")]
fn announce(directory: &Directory, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(directory)?);
    } else {
        eprintln!(
            "{} agents are ready at {} (cards: {{agent url}}/.well-known/agent-card.json)",
            directory.agents.len(),
            directory.url
        );
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "the one sentence a person reads when the start fails")]
fn announce_failure(error: &anyhow::Error) {
    eprintln!("switchboard-agents: {error}");
}
