//! What stops a tier from starting is said in one sentence, with what to do, and with the documented exit code.

use super::durability::{signal, until};
use std::{path::PathBuf, process::Output, time::Duration};
use switchboard_tests::House;
use tokio::{net::TcpListener, process::Command, time::timeout};

fn program(name: &str) -> PathBuf {
    let mine = std::env::current_exe().expect("a running program has a path");
    mine.parent().and_then(|deps| deps.parent()).expect("tests run from target/*/deps").join(name)
}

pub(crate) async fn run(name: &str, command: &str, config: &str) -> anyhow::Result<(Option<i32>, String)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("it.toml");
    std::fs::write(&file, config)?;
    let mut program = Command::new(program(name));
    program.args([command, "--config"]).arg(&file).kill_on_drop(true);
    let Output { status, stderr, .. } = timeout(Duration::from_secs(60), program.output()).await??;
    let said = String::from_utf8_lossy(&stderr).into_owned();
    // The sentence stands alone: what the log says is JSON.
    let sentence = said.lines().filter(|line| !line.starts_with('{')).collect::<Vec<_>>().join("\n");
    Ok((status.code(), sentence))
}

fn core(listen: &str, postgres: &str) -> String {
    format!(
        "listen = \"{listen}\"\nadmin_listen = \"127.0.0.1:0\"\n\
         identity_key = \"0123456789abcdef0123456789abcdef\"\n[postgres]\nurls = [\"{postgres}\"]\n\
         [telemetry]\nlog_format = \"json\"\n"
    )
}

#[tokio::test]
async fn a_wrong_configuration_ends_with_3_and_every_fault() -> anyhow::Result<()> {
    for (name, config, faults) in [
        (
            "switchboard-core",
            "lisen = 1\n[turn]\nlease_ms = \"x\"\n",
            ["it.toml:1: lisen", "it.toml:3: turn.lease_ms"],
        ),
        ("switchboard-core", "listen = \"nowhere\"\n", ["it.toml", "socket address"]),
        ("switchboard-edge", "lisen = 1\n[tls]\ncert = 5\n", ["it.toml:1: lisen", "it.toml:3: tls.cert"]),
    ] {
        let (code, said) = run(name, "serve", config).await?;
        assert_eq!(code, Some(3), "{said}");
        for fault in faults {
            assert!(said.contains(fault), "{fault} in {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_unreachable_database_ends_with_4_and_what_to_do() -> anyhow::Result<()> {
    let (code, said) =
        run("switchboard-core", "serve", &core("127.0.0.1:0", "postgres://x@127.0.0.1:1/x")).await?;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("nothing listens there") && said.contains("correct the URLs"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_ends_with_4_and_its_name() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0").await?;
    let address = taken.local_addr()?.to_string();
    let (code, said) =
        run("switchboard-core", "serve", &core(&address, "postgres://x@127.0.0.1:1/x")).await?;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains(&address) && said.contains("`listen`"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_schema_that_is_not_ours_ends_with_4_and_what_to_do() -> anyhow::Result<()> {
    let house = House::start().await?;
    let database = house.topology().postgres().connect().await?;
    database.batch_execute("UPDATE refinery_schema_history SET checksum = '1'").await?;
    let (code, said) =
        run("switchboard-core", "migrate", &core("127.0.0.1:0", &house.topology().postgres().owner_url()))
            .await?;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("does not fit this version") && said.contains("restore a backup"), "{said}");
    house.stop().await
}

#[tokio::test]
async fn of_several_that_died_the_one_that_others_need_comes_back_first() -> anyhow::Result<()> {
    let house = House::start().await?;
    let topology = house.topology();
    let processes =
        [topology.edges()[0].process(), topology.cores()[0].process(), topology.postgres().process()];
    for process in processes {
        signal("KILL", process.pid())?;
    }
    until(async || Ok(processes.iter().all(|process| process.try_wait().is_some()))).await?;
    let mut back = Vec::new();
    for _ in processes {
        let (child, _) = topology.died().await;
        back.push(child.kind());
        topology.revive(child).await?;
    }
    assert_eq!(back, ["postgres", "core", "edge"]);
    house.person("ann").await?.room(&[]).await?;
    house.stop().await
}

#[tokio::test]
async fn a_checkout_whose_path_has_a_blank_is_built_where_there_is_none() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (project, cache) = (folder.path().join("My Projects"), folder.path().join("cache"));
    std::fs::create_dir_all(project.join("deploy"))?;
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in ["Cargo.toml", "deploy/install"] {
        std::fs::copy(own.join(file), project.join(file))?;
    }
    for _ in 0..2 {
        let mut install = Command::new(project.join("deploy/install"));
        let ran = install.arg("run").env("XDG_CACHE_HOME", &cache).output().await?;
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let target = std::fs::read_link(project.join("target"))?;
    assert!(target.is_dir() && target.starts_with(&cache), "{}", target.display());
    let config = std::fs::read_to_string(project.join(".cargo/config.toml"))?;
    assert_eq!(config, format!("[build]\ntarget-dir = \"{}\"\n", target.display()));
    Ok(())
}
