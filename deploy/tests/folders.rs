//! A data folder may have any name that the file system takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};
use switchboard::topology::{
    config::{self, Shared},
    data, files,
    postgres::{self, Postgres},
    redis::Redis,
};
use tokio_postgres::{NoTls, config::Host};

const FOLDERS: [(&str, &str); 28] = [
    ("a plain one", "data"),
    ("a space", "my data"),
    ("two spaces", "my  data"),
    ("a trailing space", "data "),
    ("a leading space", " data"),
    ("a comma", "a,b"),
    ("a plus", "a+b"),
    ("a percent sign", "100%"),
    ("what reads like an escape", "a%20b"),
    ("a hash", "a #b"),
    ("a question mark", "a?host=b"),
    ("an ampersand", "a&b"),
    ("double quotes", "\"a\" b"),
    ("single quotes", "it's"),
    ("a backslash", "a\\nb"),
    ("a trailing backslash", "a\\"),
    ("a variable of a shell", "$HOME ${HOME}"),
    ("a home", "~"),
    ("a leading dash", "-data"),
    ("letters with marks", "Büro Größe"),
    ("another script", "数据"),
    ("an emoji", "👩‍🔬 data"),
    ("a colon and an at", "a:b@c"),
    ("an equals sign", "a=b"),
    ("brackets", "[a] (b) {c}"),
    ("a semicolon, a star and a bar", "a;b*|<c>"),
    ("a line's end and a tab", "a\nb\tc"),
    ("the longest that there is", LONGEST),
];

const LONGEST: &str = "long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long name, long nam";

struct Base(PathBuf);

impl Drop for Base {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[tokio::test]
async fn a_house_keeps_its_data_in_a_folder_of_any_name() {
    let base = Base(std::env::temp_dir().join(format!("sb-{}", std::process::id())));
    files::folder(&base.0, 0o711).unwrap();
    for (row, name) in FOLDERS {
        let data = data::prepare(&base.0.join(name)).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(data.file_name().unwrap(), name, "{row}");
        let url = read_back(row, &data);
        assert!(url.starts_with("postgres://u@%2F"), "{row}: {url}");
    }
    for name in ["my data", "-a, \"b\" c'%20+#?&\\=[$HOME]:@*{}\n数据 ", LONGEST] {
        serve(&data::prepare(&base.0.join(name)).unwrap()).await;
    }
}

/// Writes what the house writes and reads it as its programs do; returns the database's URL.
fn read_back(row: &str, data: &Path) -> String {
    let socket = data.join("postgres.socket");
    let url = postgres::url_at(&socket, "u");
    let parsed: tokio_postgres::Config = url.parse().unwrap_or_else(|error| panic!("{row}: {url}: {error}"));
    assert_eq!(parsed.get_hosts(), [Host::Unix(socket)], "{row}");
    assert_eq!((parsed.get_user(), parsed.get_dbname()), (Some("u"), Some("switchboard")), "{row}");
    let key = data.join("run/identity.key");
    let shared = Shared { identity_key: &key, redis: &[], otlp: None, cores: 1, encoder: None };
    let (listen, admin) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
    let certificate = (data.join("tls/cert.pem"), data.join("tls/key.pem"));
    let tls = (certificate.0.as_path(), certificate.1.as_path());
    for table in [
        shared.core(listen, admin, std::slice::from_ref(&url), &[]),
        shared.edge(listen, admin, &[], tls, &data.join("jwks")),
    ] {
        let file = data.join("run/node.toml");
        config::write(&file, &table).unwrap();
        let again: toml::Table = toml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(again, table, "{row}");
        let named = again["identity_key"].as_str().unwrap().strip_prefix("file:").unwrap();
        assert_eq!(Path::new(named), key, "{row}");
    }
    url
}

async fn serve(data: &Path) {
    let redis = Redis::start(data, &data.join("logs")).await;
    let redis = redis.unwrap_or_else(|error| panic!("{}: {error}", data.display()));
    let folder = redis.ask("CONFIG GET dir").await.unwrap();
    assert!(folder.contains(data.join("redis").to_str().unwrap()), "{folder}");
    redis.stop().await.unwrap();
    let postgres = Postgres::start(data, &data.join("logs"), &|_: &str| {}).await;
    let postgres = postgres.unwrap_or_else(|error| panic!("{}: {error}", data.display()));
    let (client, connection) = tokio_postgres::connect(&postgres.url(), NoTls).await.unwrap();
    let tasks = tokio_util::task::TaskTracker::new();
    tasks.spawn(connection);
    let row = client.query_one("SELECT current_user::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "switchboard_core", "{}", data.display());
    postgres.stop().await.unwrap();
    if !postgres.socket().starts_with(data) {
        std::fs::remove_dir_all(postgres.socket()).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_down_is_refused_in_a_sentence() {
    let base = Base(std::env::temp_dir().join(format!("sb-no-{}", std::process::id())));
    files::folder(&base.0, 0o711).unwrap();
    let file = base.0.join("file");
    std::fs::write(&file, "").unwrap();
    let deep = (0..5).fold(base.0.clone(), |path, _| path.join("x".repeat(200)));
    let bytes = base.0.join(std::ffi::OsStr::from_bytes(b"a\xffb"));
    for (path, why) in [
        (PathBuf::new(), "names no folder"),
        (file, "is no folder"),
        (bytes, "not UTF-8"),
        (deep, "choose a shorter one"),
    ] {
        let error = data::prepare(&path).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}
