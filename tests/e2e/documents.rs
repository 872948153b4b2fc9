//! The documents are true: their links lead somewhere, the tests that they name are there, and their commands run and
//! print what stands below them. A fence of `sh not-run` needs what a test has not: a build, an LLM, other machines, an id.

use super::{architecture::sources, house::up, interop::foreign_agent};
use regex::Regex;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::LazyLock,
    time::Duration,
};
use switchboard_tests::{FakeAgent, Manner};
use tokio::{process::Command, time::timeout};

/// README is read in three minutes.
const README_BYTES: usize = 6_000;
/// A sentence of README that a tired person understands.
const SENTENCE_WORDS: usize = 25;
/// How long the commands of one document may take together.
const PATIENCE: Duration = Duration::from_secs(120);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("the document is there")
}

fn documents() -> Vec<PathBuf> {
    let top = fs::read_dir(root()).expect("the root is there").flatten().map(|entry| entry.path());
    let top = top.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let folders = ["core", "deploy", "edge", "migrations", "shared", "tests"];
    top.chain(folders.iter().flat_map(|folder| sources(folder, "md"))).collect()
}

/// A block between two lines of three backticks.
#[derive(Debug)]
struct Fence {
    info: String,
    text: String,
}

fn fences(document: &str) -> Vec<Fence> {
    let mut parts = document.split("\n```");
    parts.next();
    let parts: Vec<_> = parts.collect();
    parts
        .chunks(2)
        .filter_map(|pair| pair[0].split_once('\n'))
        .map(|(info, text)| Fence { info: info.to_owned(), text: text.to_owned() })
        .collect()
}

/// The words outside of fences.
fn prose(document: &str) -> String {
    let even = document.split("\n```").step_by(2);
    even.map(|part| part.trim_start_matches('\n')).collect::<Vec<_>>().join("\n\n")
}

/// What GitHub calls a heading in a link.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("it is a pattern");
    for path in documents() {
        let text = fs::read_to_string(&path).expect("it is a document");
        for found in link.captures_iter(&prose(&text)) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => path.clone(),
                file => path.parent().expect("it lies in a folder").join(file),
            };
            assert!(to.exists(), "{}: {target}", path.display());
            let known = || anchors(&fs::read_to_string(&to).expect("it is a document"));
            assert!(anchor.is_empty() || known().contains(anchor), "{}: {target}", path.display());
        }
    }
}

/// Every test of the workspace, by its name.
fn tests() -> BTreeSet<String> {
    let test =
        Regex::new(r"#\[(?:tokio::)?test[^\n]*\]\s+(?:#\[[^\n]*\]\s+)*(?:async )?fn (\w+)").expect("it is");
    let mut names = BTreeSet::new();
    for path in ["core", "deploy", "edge", "shared", "tests"].iter().flat_map(|folder| sources(folder, "rs"))
    {
        let text = fs::read_to_string(path).expect("it is a source file");
        names.extend(test.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    names
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let (word, tests) = (Regex::new(r"`([a-z0-9_]+)`").expect("it is a pattern"), tests());
    for path in documents() {
        let text = fs::read_to_string(&path).expect("it is a document");
        for found in word.captures_iter(&text) {
            let name = &found[1];
            // A name with four joints is a sentence: a test, unless it is a metric or a setting.
            let other = name.starts_with("switchboard_") || name.ends_with("_per_address");
            if name.matches('_').count() > 3 && !other {
                assert!(tests.contains(name), "{}: no test is called {name}", path.display());
            }
        }
    }
    for row in read("tests/PROMISES.md").lines().filter(|line| is_promise(line)) {
        let shown = row.rsplit(" | ").next().unwrap_or_default();
        let names: Vec<_> = word.captures_iter(shown).map(|found| found[1].to_owned()).collect();
        assert!(!names.is_empty(), "a promise without a test: {row}");
        for name in names {
            assert!(tests.contains(&name), "tests/PROMISES.md: no test is called {name}");
        }
    }
}

/// A row below the head of a table.
fn is_promise(line: &str) -> bool {
    line.starts_with("| ") && !line.starts_with("| promise |") && !line.starts_with("| ---")
}

#[test]
fn the_readme_is_read_in_three_minutes() {
    let text = read("README.md");
    assert!(text.len() <= README_BYTES, "README.md has {} bytes", text.len());
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").expect("it is a pattern");
    let end = Regex::new(r"[.?:;]\s").expect("it is a pattern");
    for paragraph in prose(&link.replace_all(&text, "$1")).lines().filter(|line| !line.starts_with('|')) {
        for sentence in end.split(paragraph) {
            let words = sentence.split_whitespace().count();
            assert!(words <= SENTENCE_WORDS, "{words} words: {sentence}");
        }
    }
}

#[test]
fn every_fence_says_what_it_is() {
    for path in documents() {
        let text = fs::read_to_string(&path).expect("it is a document");
        for fence in fences(&text) {
            let known = ["sh", "sh not-run", "text", "toml", "python", "json"].contains(&fence.info.as_str());
            assert!(known, "{}: a fence of {:?}:\n{}", path.display(), fence.info, fence.text);
        }
    }
}

#[tokio::test]
async fn every_command_of_the_readme_runs_and_prints_what_stands_there() -> anyhow::Result<()> {
    walk("README.md").await
}

#[tokio::test]
async fn every_command_of_the_protocol_runs_and_prints_what_stands_there() -> anyhow::Result<()> {
    walk("edge/PROTOCOL.md").await
}

#[tokio::test]
async fn every_command_for_other_clients_runs_and_prints_what_stands_there() -> anyhow::Result<()> {
    walk("edge/CLIENTS.md").await
}

#[tokio::test]
async fn every_command_of_routing_runs_and_prints_what_stands_there() -> anyhow::Result<()> {
    walk("core/ROUTING.md").await
}

#[tokio::test]
async fn every_command_of_operating_runs_and_prints_what_stands_there() -> anyhow::Result<()> {
    walk("deploy/OPERATING.md").await
}

#[tokio::test]
async fn every_command_of_the_runbook_runs_and_prints_what_stands_there() -> anyhow::Result<()> {
    walk("deploy/RUNBOOK.md").await
}

/// Runs what a document says, from its beginning to its end, in one shell and a house of its own.
async fn walk(document: &str) -> anyhow::Result<()> {
    let up = up(&[]).await?;
    let weather =
        FakeAgent::start("Weather", &["Will it rain?"], Manner::Says("It will rain.".into())).await?;
    let payroll = FakeAgent::start("Payroll", &["What do I earn?"], Manner::Says("Enough.".into())).await?;
    let (_python, turner) = foreign_agent().await?;
    let (house, tls) = (up.ready["url"].as_str().unwrap_or_default(), up.folder.path().join("data/tls"));
    let here = |text: &str| {
        text.replace("127.0.0.1:8443", house.trim_start_matches("https://"))
            .replace("http://127.0.0.1:9100", &turner)
            .replace("https://agents.example.com/weather", weather.url())
            .replace("https://agents.example.com/payroll", payroll.url())
            // A busy machine takes longer to answer than a reader wants to wait.
            .replace("--max-time 3", "--max-time 12")
            .replace("/etc/switchboard", &tls.display().to_string())
    };
    let (mut script, mut expected) = (String::from("set -euo pipefail\n"), Vec::new());
    let mut runs = false;
    for fence in fences(&read(document)) {
        let text = here(&fence.text);
        match fence.info.as_str() {
            "sh" => script.push_str(&format!("{text}\n")),
            "text" if runs => expected.extend(text.lines().map(str::to_owned)),
            "python" => fs::write(up.folder.path().join("ask.py"), &text)?,
            "toml" => {
                let name = text.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
                fs::write(up.folder.path().join(name), &text)?;
            }
            _ => {}
        }
        runs = fence.info == "sh";
    }
    let printed = run(&script, up.folder.path()).await?;
    let printed: Vec<_> = printed.lines().map(without_numbers).collect();
    for line in expected.iter().filter(|line| !line.trim().is_empty()) {
        let kept = without_numbers(line.split('…').next().unwrap_or_default().trim_end());
        let there = printed.iter().any(|printed| printed.starts_with(&kept));
        assert!(there, "{document}: {line:?} is not printed by\n{script}\nbut\n{}", printed.join("\n"));
    }
    up.end().await
}

/// What the commands print, on both ways.
async fn run(script: &str, folder: &Path) -> anyhow::Result<String> {
    let mine = std::env::current_exe()?;
    let programs = mine.ancestors().nth(2).expect("tests run from target/*/deps");
    let python = root().join(".venv/bin");
    let path = format!("export PATH={}:{}:$PATH", programs.display(), python.display());
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("exec 2>&1\n{path}\n{script}")]).current_dir(folder);
    shell.env("XDG_RUNTIME_DIR", folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, shell.output()).await??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(output.status.success(), "{}\n{script}\n{text}", output.status);
    Ok(text)
}

/// A line with `#` for each number, id and time, which are others each time.
fn without_numbers(line: &str) -> String {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[A-Za-z0-9-]*[0-9][A-Za-z0-9-]*").expect("it is a pattern"));
    NUMBER.replace_all(line, "#").into_owned()
}
