//! `switchboard completions SHELL`

use crate::{error::Result, terminal};
use clap::{Args, Command};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    pub shell: Shell,
}

impl Completions {
    /// Prints the script for this command line.
    ///
    /// # Errors
    /// Never.
    pub fn run(&self, mut command: Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "switchboard", &mut script);
        terminal::piece(&String::from_utf8_lossy(&script));
        Ok(())
    }
}
