//! Programs of the system that a drill needs: their names, what they are told, and what they say when they fail.

use crate::{
    environment,
    error::{Error, Result},
};
use std::{ffi::OsStr, process::Stdio, time::Duration};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// How long one may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Runs it to its end.
pub(super) async fn run<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> Result<()> {
    told(name, args, "").await
}

/// The same, with this on its standard input.
pub(super) async fn told<A: AsRef<OsStr>>(
    name: &str,
    args: impl IntoIterator<Item = A>,
    input: &str,
) -> Result<()> {
    let program = environment::program(name)
        .ok_or_else(|| Error::Missing { program: name.to_owned(), hint: "install it".to_owned() })?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let failed = |source| Error::Io { doing: name.to_owned(), source };
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever reads nothing is told nothing, and says so itself.
        drop(stdin.write_all(input.as_bytes()).await);
    }
    let output = timeout(WITHIN, child.wait_with_output()).await;
    let output = output
        .map_err(|_| Error::Failed(format!("{name} did not end within {} s", WITHIN.as_secs())))?
        .map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Failed(format!("{name} failed ({}): {}", output.status, said.trim())))
}
