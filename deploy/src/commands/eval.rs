//! `switchboard eval …`: the core's own `eval` measures its router; this finds the program and hands everything on.

use crate::{
    environment,
    error::{Error, Result},
};
use clap::Args;
use std::ffi::OsString;
use tokio::process::Command;

const PROGRAM: &str = "switchboard-core";

/// Arguments of `eval`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Eval {
    /// Arguments of `switchboard-core eval`; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    pub arguments: Vec<OsString>,
}

impl Eval {
    /// Runs the core's `eval` with the same arguments and output, and returns its exit code.
    ///
    /// # Errors
    /// When the program is not found, or was killed.
    pub async fn run(&self) -> Result<u8> {
        let program = environment::sibling(PROGRAM, None)?;
        let status = Command::new(&program).arg("eval").args(&self.arguments).status().await;
        let status = status.map_err(Error::file(&program))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        code.ok_or_else(|| Error::Failed(format!("{PROGRAM} eval ended with {status}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::{Cli, Verb};
    use clap::Parser;

    #[test]
    fn every_argument_is_handed_on() {
        let arguments = ["--train", "a.jsonl", "--dev", "", "--json", "--help"];
        let line = ["switchboard", "eval"].into_iter().chain(arguments);
        let Verb::Eval(eval) = Cli::try_parse_from(line).unwrap().verb else { panic!("not eval") };
        assert_eq!(eval.arguments, arguments);
    }
}
