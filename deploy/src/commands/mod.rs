//! The verbs of `switchboard`, a file each.

pub mod access;
pub mod agents;
pub mod audit;
pub mod bench;
pub mod chat;
pub mod completions;
pub mod doctor;
pub mod drill;
pub mod eval;
pub mod feedback;
pub mod frozen;
pub mod keys;
pub mod plan;
mod question;
pub mod route;
pub mod token;
pub mod up;
pub mod users;
pub mod validate;

use crate::terminal;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

const TEMPLATE: &str = "{name} {version}: {about}

Examples:
  switchboard up                                      start everything on this machine
  switchboard chat \"What are the mean and the median of 3, 5 and 10?\"
                                                    ask, and watch who answers
  switchboard route \"Review this code: eval(input())\" which agents would be asked, and why

{usage-heading} {usage}

{all-args}{after-help}";

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a check failed, or a turn did; or a defect
  2    the command line cannot be understood, or a drill refuses its target
  3    a configuration is invalid, or a file that was named cannot be used
  4    something that is needed cannot be reached, is not installed, or its port is taken
  5    the token is missing or refused
  130  interrupted";

/// One chat address in front of all your agents.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, help_template = TEMPLATE, after_help = EXIT_CODES)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start everything on this machine: database, cores, edges and sixteen example agents
    Up(up::Up),
    /// Ask, and see who answers; without a text, line by line
    Chat(chat::Chat),
    /// Show which agents would be asked, and why; asks nobody
    Route(route::Route),
    /// List, add, remove, switch, probe and teach agents
    Agents(agents::Agents),
    /// Say whether the right agents were asked, and which would have been
    Feedback(feedback::Feedback),
    /// Show or replace the messages by which the router is measured and never learns
    Frozen(frozen::Frozen),
    /// Make, list and take back keys for programs
    Keys(keys::Keys),
    /// List who has been here, with what their last token said
    Users(users::Users),
    /// Show how much is used, and by whom the most
    Usage(users::Usage),
    /// Find who did what, check the record and take it out
    Audit(audit::Audit),
    /// Make a token of a development house
    Token(token::Token),
    /// Check configuration files of either tier, without starting anything
    Validate(validate::Validate),
    /// Measure the router on known messages, with the core's own program
    Eval(eval::Eval),
    /// Check everything that is needed, and say what to do about it
    Doctor(doctor::Doctor),
    /// Break parts of a house under a verified load, and say what that cost
    Drill(drill::Drill),
    /// Measure what a house does on this machine, and what it costs
    Bench(bench::Bench),
    /// Say how many edges, cores and databases a load needs, by what bench has measured
    Plan(plan::Plan),
    /// Print shell completions
    Completions(completions::Completions),
}

/// Whether this command line asks for JSON, also where it cannot be understood otherwise.
#[must_use]
pub fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// Runs the verb and returns the exit code.
pub async fn run(cli: Cli, json: bool) -> u8 {
    let result = match cli.verb {
        Verb::Up(up) => up.run().await,
        Verb::Chat(chat) => chat.run().await,
        Verb::Route(route) => route.run().await,
        Verb::Agents(agents) => agents.run().await,
        Verb::Feedback(feedback) => feedback.run().await,
        Verb::Frozen(frozen) => frozen.run().await,
        Verb::Keys(keys) => keys.run().await,
        Verb::Users(users) => users.run().await,
        Verb::Usage(usage) => usage.run().await,
        Verb::Audit(audit) => audit.run().await,
        Verb::Token(token) => token.run(),
        Verb::Validate(validate) => validate.run().await,
        Verb::Eval(eval) => match eval.run().await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Verb::Doctor(doctor) => doctor.run().await,
        Verb::Drill(drill) => drill.run().await,
        Verb::Bench(bench) => bench.run().await,
        Verb::Plan(plan) => plan.run().await,
        Verb::Completions(completions) => completions.run(Cli::command()),
    };
    // A result that nobody has got is none.
    match result.and_then(|()| terminal::written()) {
        Ok(()) => 0,
        Err(error) => {
            let text = if json { error.json() } else { format!("switchboard: {error}") };
            terminal::say(&terminal::clean(&text));
            error.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together_and_its_help_has_examples_and_exit_codes() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for part in [
            "Examples:\n  switchboard up ",
            "switchboard chat",
            "switchboard route",
            "Exit codes:\n  0    done",
        ] {
            assert!(help.contains(part), "{part} is missing in\n{help}");
        }
    }

    #[test]
    fn a_question_may_begin_with_a_dash_and_a_mistyped_option_is_none() {
        let read = |words: &[&str]| {
            let line = ["switchboard", "chat"].iter().chain(words);
            match Cli::try_parse_from(line).ok()?.verb {
                Verb::Chat(chat) => chat.text.map(|text| (text, chat.json)),
                other => panic!("{other:?}"),
            }
        };
        for text in ["-5 and 7", "-5", "- a list\n- of two", "--- a rule", "-x + 3 = 0", "--json is what?"] {
            assert_eq!(read(&[text]), Some((text.to_owned(), false)), "{text}");
            assert_eq!(read(&[text, "--json"]), Some((text.to_owned(), true)), "{text}");
        }
        assert_eq!(read(&["--jsn"]), None);
        let asks = |words: &[&str]| wants_json(words.iter().map(OsString::from));
        assert!(asks(&["chat", "x", "--json"]) && !asks(&["chat", "--", "--json"]));
    }

    #[test]
    fn a_verb_that_does_not_exist_is_answered_with_the_one_that_was_meant() {
        let error = Cli::try_parse_from(["switchboard", "chta"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("'chat'"), "{error}");
    }
}
