//! Tables on a terminal, and where there is none.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nix::pty::{Winsize, openpty};
use std::{
    fs::File,
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

const WIDTH: u16 = 40;

fn doctor(stdout: Stdio) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    let data = Path::new("a data folder that is not there, whose name is longer than the terminal is wide");
    command.args(["doctor", "--data"]).arg(data).stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    command
}

/// What a terminal of this width is given. Its end is an error (EIO) that comes once the last writer has gone.
fn on_a_terminal() -> String {
    let size = Winsize { ws_row: 24, ws_col: WIDTH, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).unwrap();
    let mut child = doctor(terminal.slave.into()).spawn().unwrap();
    let mut said = Vec::new();
    File::from(terminal.master).read_to_end(&mut said).unwrap_err();
    child.wait().unwrap();
    String::from_utf8(said).unwrap().replace('\r', "")
}

#[test]
fn rows_fit_a_terminal_and_are_whole_lines_elsewhere() {
    let wrapped = on_a_terminal();
    assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH.into()), "{wrapped}");
    let whole = String::from_utf8(doctor(Stdio::piped()).output().unwrap().stdout).unwrap();
    assert!(whole.lines().any(|line| line.chars().count() > WIDTH.into()), "{whole}");
    assert!(wrapped.lines().count() > whole.lines().count(), "{wrapped}");
    let words = |text: &str| text.split_whitespace().take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&wrapped), words(&whole), "only line ends differ");
}
