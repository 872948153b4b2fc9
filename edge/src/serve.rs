//! One process from its configuration to its exit code.

use std::{path::Path, process::ExitCode};
use switchboard_edge::{EdgeError, config::Config};
use switchboard_shared::{shutdown::Shutdown, telemetry::Telemetry};

/// Serves until a signal.
pub(crate) fn run(file: &Path) -> ExitCode {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string(), 3),
    };
    let telemetry = match Telemetry::start("switchboard-edge", &config.telemetry) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&error.to_string(), 3),
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.workers > 0 {
        runtime.worker_threads(config.workers);
    }
    let runtime = match runtime.enable_all().thread_name("edge").build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string(), 1),
    };
    let ended = runtime.block_on(serve(config));
    runtime.shutdown_background();
    telemetry.flush();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), error.exit_code()),
    }
}

async fn serve(config: Config) -> Result<(), EdgeError> {
    let running = Box::pin(switchboard_edge::start(config)).await?;
    let signal = Shutdown::signal();
    announce(&running);
    match signal {
        Ok(signal) => signal.await,
        Err(error) => tracing::error!(%error, "signals cannot be received; the edge ends"),
    }
    running.drain().await;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "one line of JSON tells the starter where this process listens")]
fn announce(running: &switchboard_edge::Running) {
    let url = format!("https://{}", running.address);
    let admin = format!("http://{}", running.admin);
    println!("{}", serde_json::json!({ "ready": true, "url": url, "admin": admin }));
}

/// Says what is wrong, on standard error.
#[allow(clippy::print_stderr, reason = "there may be no log yet")]
pub(crate) fn fail(text: &str, code: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(code)
}
