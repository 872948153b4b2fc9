use super::*;

fn shell(folder: &Path, script: &str) -> Spec {
    Spec::program("fake", "/bin/sh".into(), folder).args(["-c", script])
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("switchboard-process-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn a_child_is_ready_when_it_says_so_and_ends_when_it_is_told() {
    let folder = folder("ready");
    let script = r#"echo noise; echo '{"ready":true,"url":"u"}'; exec sleep 60"#;
    let child = Process::start(shell(&folder, script)).await.unwrap();
    assert_eq!(child.ready()["url"], "u");
    let first = child.pid().unwrap();
    child.kill9().await;
    assert_eq!(child.pid(), None);
    child.restart().await.unwrap();
    assert_ne!(child.pid(), Some(first));
    child.terminate().await.unwrap();
    assert!(timeout(Duration::from_millis(300), child.died()).await.is_err(), "it was told to end");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_child_that_ends_or_hangs_is_named_with_the_end_of_its_log() {
    let folder = folder("fails");
    let error = Process::start(shell(&folder, "echo broken >&2; exit 4")).await.unwrap_err();
    assert_eq!(error.to_string(), "fake ended before it was ready; the end of its log:\nbroken");
    assert_eq!(error.exit_code(), 4);
    let mut hangs = shell(&folder, "exec sleep 60");
    hangs.ready_within = Some(Duration::from_millis(100));
    let error = Process::start(hangs).await.unwrap_err();
    assert!(error.to_string().starts_with("fake was not ready within 0 s"), "{error}");
    let error = Process::run(shell(&folder, "exit 3"), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.exit_code(), 3);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_child_that_ends_by_itself_is_noticed() {
    let folder = folder("dies");
    let child = Process::start(shell(&folder, "echo '{}'; exit 7")).await.unwrap();
    let status = timeout(Duration::from_secs(5), child.died()).await.unwrap();
    assert_eq!(status.code(), Some(7));
    child.restart().await.unwrap();
    assert_eq!(child.ended(status).to_string(), "fake ended by itself (exit status: 7)");
    let killed = ExitStatus::from_raw(9);
    std::fs::write(folder.join("fake.log"), "last words\n").unwrap();
    assert_eq!(child.ended(killed).to_string(), "fake was killed (SIGKILL)");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_child_that_is_held_stays_away_and_a_frozen_one_can_still_be_told_to_end() {
    let folder = folder("held");
    let child = Process::start(shell(&folder, "echo '{}'; exec sleep 60")).await.unwrap();
    assert_eq!(child.condition(), Condition::Running);
    child.freeze(true);
    assert_eq!(child.condition(), Condition::Frozen);
    child.terminate().await.unwrap();
    child.restart().await.unwrap();
    child.crash();
    timeout(Duration::from_secs(5), child.died()).await.unwrap();
    assert_eq!(child.condition(), Condition::Dead);
    assert!(child.crashed_on_request() && !child.crashed_on_request());
    child.restart().await.unwrap();
    child.hold();
    child.kill9().await;
    assert_eq!(child.condition(), Condition::Held);
    assert!(timeout(Duration::from_millis(300), child.died()).await.is_err(), "nobody starts it again");
    child.restart().await.unwrap();
    assert_eq!(child.condition(), Condition::Running);
    std::fs::remove_dir_all(folder).unwrap();
}
