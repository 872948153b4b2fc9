//! A real Postgres: it keeps what it acknowledged, comes back after a crash, and is alone on its data.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{os::unix::fs::PermissionsExt, path::PathBuf};
use switchboard::topology::{account::Account, files, postgres::Postgres};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("switchboard-pg-{name}-{}", std::process::id()));
        files::folder(&path, 0o711).unwrap();
        files::folder(&path.join("logs"), 0o700).unwrap();
        Self(path)
    }

    async fn postgres(&self) -> switchboard::Result<Postgres> {
        Postgres::start(&self.0, &self.0.join("logs"), &|_: &str| {}).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

async fn rows(postgres: &Postgres) -> i64 {
    postgres.connect().await.unwrap().query_one("SELECT count(*) FROM words", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_was_committed_survives_a_crash_and_a_second_server_is_refused() {
    let folder = Folder::new("crash");
    let postgres = folder.postgres().await.unwrap();
    let client = postgres.connect().await.unwrap();
    client.batch_execute("CREATE TABLE words (word text); INSERT INTO words VALUES ('one')").await.unwrap();

    let error = folder.postgres().await.unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains("already running"), "{error}");

    postgres.kill9().await;
    assert!(postgres.connect().await.is_err());
    postgres.restart().await.unwrap();
    assert_eq!(rows(&postgres).await, 1);

    postgres.kill9().await;
    drop(postgres);
    let postgres = folder.postgres().await.unwrap();
    assert_eq!(rows(&postgres).await, 1);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn it_is_durable_private_and_has_no_superuser_for_the_core() {
    let folder = Folder::new("private");
    let postgres = folder.postgres().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.unwrap();
    let tasks = tokio_util::task::TaskTracker::new();
    tasks.spawn(connection);
    let show =
        async |name: &str| -> String { client.query_one(&format!("SHOW {name}"), &[]).await.unwrap().get(0) };
    assert_eq!(show("fsync").await, "on");
    assert_eq!(show("listen_addresses").await, "");
    assert_eq!(show("server_encoding").await, "UTF8");
    assert_eq!(show("is_superuser").await, "off");
    let mode = std::fs::metadata(postgres.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(client.batch_execute("CREATE ROLE tester NOLOGIN").await.is_err(), "it makes no roles");
    let owner = postgres.log_in(true).await.unwrap();
    let role = "CREATE ROLE tester NOLOGIN; GRANT tester TO CURRENT_USER; SET ROLE tester";
    owner.batch_execute(role).await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_the_servers_user_cannot_reach_is_said_and_worked_around() {
    let account = Account::for_servers().unwrap();
    if account.switch().is_none() {
        return; // Only root needs another user.
    }
    let folder = Folder::new("closed");
    files::folder(&folder.0, 0o700).unwrap();
    let said = std::sync::Mutex::new(Vec::new());
    let say = |line: &str| said.lock().unwrap().push(line.to_owned());
    let postgres = Postgres::start(&folder.0, &folder.0.join("logs"), &say).await.unwrap();
    let place = postgres.folder().parent().unwrap().to_owned();
    assert!(place.starts_with("/var/lib/switchboard"), "{}", place.display());
    assert!(said.lock().unwrap()[0].contains("the database lies in /var/lib/switchboard"), "{said:?}");
    postgres.stop().await.unwrap();
    std::fs::remove_dir_all(place).unwrap();
}
