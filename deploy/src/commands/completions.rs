//! `switchboard completions SHELL`

use super::Cli;
use crate::{error::Result, terminal};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    pub shell: Shell,
}

impl Completions {
    /// Prints the script.
    ///
    /// # Errors
    /// Never.
    pub fn run(&self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "switchboard", &mut script);
        terminal::piece(&String::from_utf8_lossy(&script));
        Ok(())
    }
}
