//! `switchboard eval`: the router on the frozen set of the sixteen example agents, which no change may make worse than
//! `tests/eval/gate.json`; and what it says of files, labels and decisions that are not as they should be.

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};
use switchboard_tests::{FakeLlm, Mood};
use tokio::process::Command;

fn switchboard() -> Command {
    program("switchboard")
}

fn program(name: &str) -> Command {
    let mine = std::env::current_exe().expect("a running program has a path");
    let folder = mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps");
    let mut command = Command::new(folder.join(name));
    command.kill_on_drop(true);
    command
}

/// Runs it in a folder with these files.
async fn eval(folder: &Path, files: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Output> {
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    Ok(switchboard().arg("eval").args(arguments).current_dir(folder).output().await?)
}

const TRAIN: &str = r#"{"text":"will it rain tomorrow","label":"weather"}
{"text":"convert ten dollars to euros","label":"money"}
"#;

#[tokio::test]
async fn routing_of_the_frozen_set_is_not_worse_than_its_gate() -> anyhow::Result<()> {
    let set = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("eval");
    let mut eval = switchboard();
    eval.args(["eval", "--stages", "1"]);
    for (flag, file) in [("train", "train.jsonl"), ("dev", "dev.jsonl"), ("test", "test.jsonl")] {
        eval.arg(format!("--{flag}")).arg(set.join(file));
    }
    eval.arg("--negatives").arg(set.join("negatives.jsonl")).arg("--require").arg(set.join("gate.json"));
    let measured = eval.output().await?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&measured.stdout), String::from_utf8_lossy(&measured.stderr));
    assert!(measured.status.success(), "{said}");
    assert!(said.contains("accuracy"), "{said}");
    Ok(())
}

/// Where `deploy/install` puts the sentence encoder.
fn encoder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools/encoder");
    assert!(folder.join("weights.npz").is_file(), "run `deploy/install test` once: it brings the encoder");
    folder
}

#[tokio::test]
async fn with_the_encoder_english_examples_are_understood_in_other_languages() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let train = r#"{"text":"will it rain tomorrow","label":"weather"}
{"text":"how warm is it outside today","label":"weather"}
{"text":"do I need an umbrella in the evening","label":"weather"}
{"text":"convert ten dollars to euros","label":"money"}
{"text":"what is the exchange rate of the yen","label":"money"}
{"text":"how many francs do I get for a hundred pounds","label":"money"}
{"text":"wake me up at seven","label":"alarm"}
{"text":"set an alarm for half past six","label":"alarm"}
{"text":"cancel my alarm for tomorrow morning","label":"alarm"}
"#;
    let test = r#"{"text":"Wird es heute Abend in Hamburg regnen?","label":"weather"}
{"text":"Quel temps fera-t-il demain à Lyon ?","label":"weather"}
{"text":"Stell bitte den Wecker auf sechs Uhr","label":"alarm"}
{"text":"Despiértame mañana a las ocho","label":"alarm"}
{"text":"Cambia cien dólares a euros","label":"money"}
{"text":"100ドルをユーロに両替するといくらですか","label":"money"}
"#;
    let config = format!("[route.embedder]\nfolder = {:?}\n", encoder());
    let files = [("train.jsonl", train), ("test.jsonl", test), ("core.toml", &*config)];
    let arguments = ["--train", "train.jsonl", "--test", "test.jsonl", "--config", "core.toml", "--json"];
    let measured = eval(folder.path(), &files, &arguments).await?;
    let said = String::from_utf8_lossy(&measured.stderr);
    assert!(measured.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&measured.stdout)?;
    assert_eq!(report["accuracy"].as_f64(), Some(1.0), "{report}");
    Ok(())
}

#[tokio::test]
async fn the_encoder_says_what_the_package_says_that_its_files_are_from() -> anyhow::Result<()> {
    let recorded = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/router/eval/encoder.jsonl");
    let mut check = program("switchboard-router-eval");
    let ended = check.arg("--recorded").arg(recorded).arg("--encoder").arg(encoder()).output().await?;
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(String::from_utf8(ended.stdout)?.starts_with("40 texts with the same tokens"));
    Ok(())
}

#[tokio::test]
async fn every_file_and_row_that_cannot_be_used_is_named_at_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let files =
        [("train.jsonl", TRAIN), ("test.jsonl", "{\"text\":\"a\"}\nno row\n{\"text\":\"b\",\"label\":7}\n")];
    let arguments = ["--train", "train.jsonl", "--dev", "missing.jsonl", "--test", "test.jsonl"];
    let measured = eval(folder.path(), &files, &arguments).await?;
    let said = String::from_utf8_lossy(&measured.stderr);
    assert_eq!(measured.status.code(), Some(3), "{said}");
    for part in [
        "3 faults",
        "missing.jsonl: there is no such file",
        "test.jsonl:2: is not a row",
        "test.jsonl:3: label",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn what_demands_nothing_or_is_given_twice_is_refused_and_an_agent_that_is_not_there_warned_of()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let test = r#"{"text":"rain today","label":"weather","prev_agents":["wether"],"history":null,"language":"en"}
"#;
    let files = [("train.jsonl", TRAIN), ("test.jsonl", test), ("gate.json", "{}")];
    let usual = ["--train", "train.jsonl", "--test", "test.jsonl"];
    let run = async |more: &[&str]| -> anyhow::Result<(Option<i32>, String)> {
        let ended = eval(folder.path(), &files, &[&usual, more].concat()).await?;
        Ok((ended.status.code(), String::from_utf8(ended.stderr)?))
    };
    let (code, said) = run(&["--require", "gate.json"]).await?;
    assert!(code == Some(3) && said.contains("gate.json: demands nothing"), "{code:?} {said}");
    let (code, said) = run(&["--test", "train.jsonl"]).await?;
    assert!(code == Some(2) && said.contains("cannot be used multiple times"), "{code:?} {said}");
    let (code, said) = run(&["--require", "", "--test", ""]).await?;
    assert_eq!(code, Some(0), "an empty argument is none: {said}");
    assert!(
        said.contains("1 of 1 rows name agents in prev_agents that are not there") && said.contains("wether")
    );
    Ok(())
}

#[tokio::test]
async fn a_named_file_that_is_not_there_ends_every_command_with_3() -> anyhow::Result<()> {
    let nowhere = ["--url", "https://127.0.0.1:1/", "--token", "x"];
    for command in [
        &["frozen", "put", "missing.jsonl"] as &[&str],
        &["agents", "examples", "weather", "--set", "missing.jsonl"],
        &["agents", "nobody", "--set", "missing.jsonl"],
        &["agents", "list", "--ca", "missing.pem"],
        &["validate", "missing.toml"],
        &["eval", "--agents", "missing.json", "--test", "missing.jsonl"],
    ] {
        let mut run = switchboard();
        run.args(command);
        if !matches!(command[0], "validate" | "eval") {
            run.args(nowhere);
        }
        let ended = run.output().await?;
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains("missing.") && said.contains("no such file"), "{command:?}: {said}");
        assert_eq!(ended.status.code(), Some(3), "{command:?}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn labels_that_no_agent_has_are_warned_of() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let test = r#"{"text":"rain today","label":"wether"}
{"text":"ten euros","label":"money"}
"#;
    let files = [("train.jsonl", TRAIN), ("test.jsonl", test)];
    let arguments = ["--train", "train.jsonl", "--test", "test.jsonl", "--json"];
    let measured = eval(folder.path(), &files, &arguments).await?;
    let said = String::from_utf8_lossy(&measured.stderr);
    assert!(measured.status.success(), "{said}");
    assert!(said.contains("warning: test.jsonl: 1 of 2 rows") && said.contains("\"wether\""), "{said}");
    let report: Value = serde_json::from_slice(&measured.stdout)?;
    assert!(report["accuracy"].as_f64().is_some_and(|share| share <= 0.5), "it counts: {report}");
    Ok(())
}

#[tokio::test]
async fn decisions_without_the_llm_that_was_wanted_are_counted_with_their_reasons() -> anyhow::Result<()> {
    let llm = FakeLlm::start(Mood::Erring(500)).await?;
    let folder = tempfile::tempdir()?;
    let config = format!("[[llm]]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key = \"k\"\n", llm.url());
    let test = "{\"text\":\"zzyzx quux frobnicate the blorp?\",\"label\":\"money\"}\n";
    let files = [("train.jsonl", TRAIN), ("test.jsonl", test), ("core.toml", &config)];
    let arguments = [
        "--train",
        "train.jsonl",
        "--test",
        "test.jsonl",
        "--config",
        "core.toml",
        "--json",
        "--predictions",
        "p",
    ];
    let measured = eval(folder.path(), &files, &arguments).await?;
    assert!(measured.status.success(), "{measured:?}");
    let report: Value = serde_json::from_slice(&measured.stdout)?;
    assert_eq!(
        report["degraded"],
        json!({"share": 1.0, "rows": 1, "dev_rows": 0, "reasons": {"server_error": 1}})
    );
    assert!(report["p50_us"]["fallback"].is_number() && report["p50_us"]["lexical"].is_null(), "{report}");
    let predicted: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("p/test.jsonl"))?)?;
    assert_eq!(predicted["degraded"], "server_error");
    Ok(())
}
