//! Why a command failed, in one sentence for a person, and the exit code that says it to a script.

use std::{io, path::Path};
use switchboard_shared::{cause::Cause, problem::Problem};

/// What every function of this crate fails with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something on this machine could not be read, written or started.
    #[error("{doing}: {}", Cause::of(.source))]
    Io {
        /// What was being attempted.
        doing: String,
        /// Why it did not work.
        source: io::Error,
    },
    /// A program is not on this machine.
    #[error("{program} is not here: {hint}")]
    Missing {
        /// Its name.
        program: String,
        /// How to get it.
        hint: String,
    },
    /// A child process did not start, or ended by itself.
    #[error("{name} {reason}{}", lines(.tail))]
    Child {
        /// Which.
        name: String,
        /// What happened.
        reason: String,
        /// Its exit code, when it ended with one.
        code: Option<i32>,
        /// The last lines of its log.
        tail: String,
    },
    /// An address that is needed is taken.
    #[error("port {port} is in use{}: stop that, or choose another with --listen", by(.holder))]
    PortInUse {
        /// The port.
        port: u16,
        /// Who listens there, if that can be seen.
        holder: Option<String>,
    },
    /// Another house uses this data folder.
    #[error("a house is already running on {data}{}", by(.holder))]
    Occupied {
        /// The folder.
        data: String,
        /// Who holds it, if that can be seen.
        holder: Option<String>,
    },
    /// Nothing answers.
    #[error("{0}")]
    Unreachable(String),
    /// The server refused, and said why.
    #[error("{}", sentence(.0))]
    Problem(Box<Problem>),
    /// No token, or no way to make one.
    #[error("{0}")]
    Auth(String),
    /// A configuration or an argument's value cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// What was asked for is not done to this target.
    #[error("{0}")]
    Refused(String),
    /// A check failed.
    #[error("{0}")]
    Failed(String),
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// The result of every function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code of `switchboard`: the same list as in its help.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io { .. } | Self::Failed(_) => 1,
            Self::Occupied { .. } | Self::PortInUse { .. } | Self::Unreachable(_) | Self::Missing { .. } => 4,
            Self::Child { code, .. } => match code {
                Some(3) => 3,
                Some(4) => 4,
                Some(5) => 5,
                _ => 1,
            },
            Self::Problem(problem) => match problem.status {
                401 => 5,
                502..=504 => 4,
                _ => 1,
            },
            Self::Auth(_) => 5,
            Self::Refused(_) => 2,
            Self::Invalid(_) => 3,
            Self::Interrupted => 130,
        }
    }

    /// For `map_err`: says what was being attempted.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For `map_err`: a file that the user named cannot be read, so the argument cannot be used.
    pub fn named(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Invalid(format!("{path}: {}", Cause::of(&source)))
    }

    /// For `map_err`: says which of our own files it was about.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(path.display().to_string())
    }
}

impl Error {
    /// The same as one JSON object, with the server's own problem where there is one.
    #[must_use]
    pub fn json(&self) -> String {
        match self {
            Self::Problem(problem) => {
                serde_json::json!({"error": self.to_string(), "exit_code": self.exit_code(), "problem": problem})
                    .to_string()
            }
            _ => json(&self.to_string(), self.exit_code()),
        }
    }
}

/// An error as one JSON object.
#[must_use]
pub fn json(text: &str, exit_code: u8) -> String {
    serde_json::json!({"error": text, "exit_code": exit_code}).to_string()
}

fn lines(tail: &str) -> String {
    if tail.is_empty() { String::new() } else { format!("; the end of its log:\n{tail}") }
}

fn by(holder: &Option<String>) -> String {
    holder.as_ref().map(|who| format!(" (by {who})")).unwrap_or_default()
}

fn sentence(problem: &Problem) -> String {
    let mut text = problem.title.clone();
    if !problem.detail.is_empty() && problem.detail != problem.title {
        let stop = if problem.detail.ends_with(['.', '!', '?']) { "" } else { "." };
        text = format!("{text} {}{stop}", problem.detail);
    }
    if let Some(seconds) = problem.retry_after_s {
        text = format!("{text} Try again in {seconds} s.");
    }
    if let Some(id) = &problem.request_id {
        text = format!("{text} (request {id})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::problem::ProblemKind;

    #[test]
    fn a_problem_is_shown_as_title_and_detail_and_has_its_exit_code() {
        let error = Error::Problem(Box::new(Problem::new(ProblemKind::RateLimited, "31st.").retry_after(2)));
        assert_eq!(error.to_string(), "A limit is reached. 31st. Try again in 2 s.");
        assert_eq!(error.exit_code(), 1);
        let error = Error::Problem(Box::new(Problem::new(ProblemKind::Unauthenticated, "")));
        assert_eq!(error.exit_code(), 5);
    }

    #[test]
    fn an_error_is_one_json_object() {
        let error = Error::Problem(Box::new(Problem::new(ProblemKind::RateLimited, "31st.")));
        let value: serde_json::Value = serde_json::from_str(&error.json()).unwrap();
        assert_eq!((value["exit_code"].as_u64(), value["problem"]["status"].as_u64()), (Some(1), Some(429)));
    }

    #[test]
    fn a_file_that_was_named_and_cannot_be_read_is_an_argument_that_cannot_be_used() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let error = Error::named(Path::new("rows.jsonl"))(missing());
        assert_eq!((error.to_string().as_str(), error.exit_code()), ("rows.jsonl: there is no such file", 3));
        assert_eq!(Error::file(Path::new("/run/house"))(missing()).exit_code(), 1);
    }

    #[test]
    fn what_could_not_be_done_here_is_said_with_its_cause() {
        let error = Error::Io { doing: "x".to_owned(), source: io::Error::from_raw_os_error(111) };
        assert_eq!(
            (Cause::of(&error), error.to_string()),
            (Cause::Refused, "x: nothing listens there".into())
        );
    }

    #[test]
    fn a_child_hands_its_own_exit_code_on() {
        let child =
            |code| Error::Child { name: "core-1".into(), reason: "ended".into(), code, tail: "x".into() };
        assert_eq!([Some(3), Some(4), Some(77), None].map(|code| child(code).exit_code()), [3, 4, 1, 1]);
        assert_eq!(child(None).to_string(), "core-1 ended; the end of its log:\nx");
    }
}
