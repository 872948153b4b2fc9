//! The one place that reads the environment beside the command line's own variables: where programs are, and where
//! the word about a running house lies.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The folders of PATH, in order.
#[must_use]
pub fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Finds a program in PATH, or in the folders that a plain user's PATH lacks.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let mut folders = search_path();
    folders.extend(
        ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from),
    );
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Finds a program of this workspace: in `folder` if one is given, else beside the running program, else in PATH.
///
/// # Errors
/// When it is nowhere.
pub fn sibling(name: &str, folder: Option<&Path>) -> Result<PathBuf> {
    let beside = match folder {
        Some(folder) => folder.to_owned(),
        None => own_folder()?,
    };
    let path = beside.join(name);
    if path.is_file() {
        return Ok(path);
    }
    program(name).ok_or_else(|| Error::Missing {
        program: name.to_owned(),
        hint: format!("not in {}; build it with `cargo build --workspace --bins`", beside.display()),
    })
}

/// The folder that the programs of this build lie in.
fn own_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::io("the running program's own path"))?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    // Test programs lie one folder deeper.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_owned())
}

/// How a person calls this program: its name when PATH leads to it, else its path.
#[must_use]
pub fn own_name() -> String {
    let Ok(own) = std::env::current_exe() else { return "switchboard".to_owned() };
    let by_name = program("switchboard").and_then(|path| path.canonicalize().ok());
    if by_name.is_some() && by_name == own.canonicalize().ok() {
        return "switchboard".to_owned();
    }
    let here = std::env::current_dir().ok().and_then(|here| own.strip_prefix(here).ok().map(Path::to_owned));
    match here {
        Some(path) => format!("./{}", path.display()),
        None => own.display().to_string(),
    }
}

/// Where the word about the running house lies: `$XDG_RUNTIME_DIR/switchboard`, else `~/.local/state/switchboard`.
#[must_use]
pub fn state_folder() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = from("XDG_RUNTIME_DIR").filter(|path| path.is_dir());
    runtime
        .or_else(|| from("HOME").map(|home| home.join(".local/state")))
        .map(|folder| folder.join("switchboard"))
}

/// Whether an environment variable has a value.
#[must_use]
pub fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The value of an environment variable that somebody named.
#[must_use]
pub fn value(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}
