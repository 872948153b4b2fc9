//! The router on the frozen set of the sixteen example agents: no change may make it worse than `tests/eval/gate.json`.

use std::path::PathBuf;
use tokio::process::Command;

#[tokio::test]
async fn routing_of_the_frozen_set_is_not_worse_than_its_gate() -> anyhow::Result<()> {
    let mine = std::env::current_exe()?;
    let program = mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps");
    let set = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("eval");
    let mut eval = Command::new(program.join("switchboard"));
    eval.args(["eval", "--stages", "1"]).kill_on_drop(true);
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
