//! The README's walk with the operator's command itself: up, chat, route, agents, token, doctor.

use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, timeout},
};

fn switchboard() -> PathBuf {
    let mine = std::env::current_exe().expect("a running program has a path");
    mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps").join("switchboard")
}

pub(super) struct Up {
    child: Child,
    pub(super) ready: Value,
    pub(super) folder: tempfile::TempDir,
}

pub(super) async fn up(arguments: &[&str]) -> anyhow::Result<Up> {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o711);
    let folder = tempfile::Builder::new().prefix("switchboard-").permissions(open).tempdir()?;
    let mut child = Command::new(switchboard())
        .args(["up", "--json", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .args(arguments)
        .env("XDG_RUNTIME_DIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let line = timeout(Duration::from_secs(60), lines.next_line()).await??.unwrap_or_default();
    Ok(Up { child, ready: serde_json::from_str(&line)?, folder })
}

impl Up {
    async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(switchboard());
        command
            .args(arguments)
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(timeout(Duration::from_secs(60), command.output()).await??)
    }

    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await?.success());
        let ended = timeout(Duration::from_secs(40), self.child.wait()).await??;
        assert!(ended.success(), "{ended:?}");
        Ok(())
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_new_house_answers_routes_and_passes_its_doctor() -> anyhow::Result<()> {
    let began = Instant::now();
    let up = up(&[]).await?;
    assert_eq!(up.ready["agents"].as_array().map(Vec::len), Some(16), "{}", up.ready);
    let question = "What is the mean of 4, 8 and 15, and how strong is the password hunter2?";
    let asked = up.run(&["chat", "--json", question]).await?;
    assert!(asked.status.success(), "{}", text(&asked));
    let frames: Vec<Value> = String::from_utf8_lossy(&asked.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let find = |name: &str| frames.iter().find(|frame| frame["type"] == name).cloned().unwrap_or_default();
    let plan = find("plan.decided");
    let agents: Vec<_> =
        plan["data"]["steps"].as_array().expect("steps").iter().map(|s| s["agent"].clone()).collect();
    assert_eq!(agents, ["data-processor", "security-agent"], "{plan}");
    let answer = find("answer.finished")["data"]["text"].as_str().unwrap_or_default().to_owned();
    assert!(
        answer.contains("9") && answer.contains("[data-processor]") && answer.contains("[security-agent]"),
        "{answer}"
    );
    assert!(!answer.contains("hunter2"), "a password is not repeated: {answer}");
    println!("from nothing to the first answer: {:?}", began.elapsed());

    let said = text(&up.run(&["chat", question]).await?);
    assert!(
        said.contains("data-processor") && said.contains("security-agent") && said.contains('%'),
        "{said}"
    );

    let german = up.run(&["route", "--json", "Wie hoch sind Summe und Median von 3, 7 und 9?"]).await?;
    let german: Value = serde_json::from_slice(&german.stdout)?;
    assert_eq!(german["plan"]["steps"][0]["agent"], "data-processor", "{german}");
    let nobody =
        up.run(&["route", "--json", "Book me a table for two at the harbour restaurant tonight"]).await?;
    let nobody: Value = serde_json::from_slice(&nobody.stdout)?;
    assert!(matches!(nobody["plan"]["mode"].as_str(), Some("none" | "clarify")), "{nobody}");

    let listed = up.run(&["agents", "list", "--json"]).await?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    assert_eq!(listed["items"].as_array().or(listed.as_array()).map(Vec::len), Some(16), "{listed}");
    assert!(up.run(&["agents", "probe"]).await?.status.success());
    let token = up.run(&["token", "--user", "bob"]).await?;
    assert_eq!(String::from_utf8_lossy(&token.stdout).trim().matches('.').count(), 2);
    let doctor = up.run(&["doctor"]).await?;
    assert!(doctor.status.success(), "{}", text(&doctor));
    up.end().await
}

#[tokio::test]
async fn without_a_house_the_command_says_what_to_do() -> anyhow::Result<()> {
    let empty = tempfile::tempdir()?;
    let asked = Command::new(switchboard())
        .args(["chat", "hello"])
        .env("XDG_RUNTIME_DIR", empty.path())
        .env("HOME", empty.path())
        .env_remove("XDG_STATE_HOME")
        .current_dir(empty.path())
        .output()
        .await?;
    assert_eq!(asked.status.code(), Some(4), "{}", text(&asked));
    assert!(text(&asked).contains("switchboard up"), "{}", text(&asked));
    Ok(())
}

#[tokio::test]
async fn faults_of_a_configuration_come_all_at_once_with_their_lines() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("core.toml");
    std::fs::write(&file, "lisen = 1\n\n[postgres]\nurls = \"postgres://h/d\"\nextra = true\n")?;
    let checked =
        Command::new(switchboard()).args(["validate", "--tier", "core"]).arg(&file).output().await?;
    let said = text(&checked);
    assert_eq!(checked.status.code(), Some(3), "{said}");
    for line in ["core.toml:1: lisen", "core.toml:4: postgres.urls", "core.toml:5: postgres.extra"] {
        assert!(said.contains(line), "{line} in {said}");
    }
    Ok(())
}
