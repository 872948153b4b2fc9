//! A Postgres and a Redis Cluster as providers run them: reached by TLS alone, and only by who shows a certificate.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use switchboard::topology::{
    account::Account,
    binaries::Binaries,
    files, ports,
    postgres::Postgres,
    process::{Process, Spec},
};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::Command,
    time::{sleep, timeout},
};
use toml::{Table, Value};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// The password of both.
const PASSWORD: &str = "s3cret";

/// Both servers. Their certificates are for `localhost`, and for no address.
#[derive(Debug)]
pub struct Managed {
    postgres: Process,
    postgres_port: u16,
    redis: Process,
    redis_port: u16,
    folder: TempDir,
}

impl Managed {
    /// Starts both.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start() -> anyhow::Result<Self> {
        // Postgres may run as another user, who must get through to its own folder.
        let open = fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("switchboard-").permissions(open).tempdir()?;
        Authority::new("provider")?.write(folder.path(), &["server", "client"])?;
        Authority::new("stranger")?.write(folder.path(), &["impostor"])?;
        let (postgres, postgres_port) = start_postgres(folder.path()).await?;
        let (redis, redis_port) = start_redis(folder.path()).await?;
        let managed = Self { postgres, postgres_port, redis, redis_port, folder };
        managed.wait_until_ready().await?;
        Ok(managed)
    }

    /// A URL of Postgres: by `host`, with what stands after the question mark.
    #[must_use]
    pub fn postgres_url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://switchboard:{PASSWORD}@{host}:{}/switchboard?{parameters}", self.postgres_port)
    }

    /// A URL of Redis, by `host`.
    #[must_use]
    pub fn redis_url(&self, host: &str) -> String {
        format!("rediss://:{PASSWORD}@{host}:{}", self.redis_port)
    }

    /// `[postgres]` or `[redis]` of who is trusted by the servers and trusts them, with this URL.
    #[must_use]
    pub fn section(&self, url: &str) -> Table {
        let file = |name: &str| Value::from(self.file(name).display().to_string());
        Table::from_iter([
            ("urls".to_owned(), Value::Array(vec![url.into()])),
            ("ca_file".to_owned(), file("provider.pem")),
            ("cert_file".to_owned(), file("client.pem")),
            ("key_file".to_owned(), file("client.key")),
        ])
    }

    /// A file: `provider.pem` is the authority of both, `stranger.pem` another one; `client.pem` and `client.key`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asks Redis, as a client that it trusts.
    ///
    /// # Errors
    /// When `redis-cli` cannot be run.
    pub async fn redis(&self, command: &[&str]) -> anyhow::Result<String> {
        let mut cli = Command::new("redis-cli");
        cli.args(["--tls", "--cacert", "provider.pem", "--cert", "client.pem", "--key", "client.key"])
            .args(["--no-auth-warning", "-a", PASSWORD, "-p", &self.redis_port.to_string()])
            .args(command)
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        let said = timeout(PATIENCE, cli.output()).await??;
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    }

    /// Kills Redis as a crash would.
    pub async fn kill_redis(&self) {
        self.redis.kill9().await;
    }

    /// Starts it again, with the slots that it had.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn restart_redis(&self) -> anyhow::Result<()> {
        Ok(self.redis.restart().await?)
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let ready = async {
            while TcpStream::connect(("127.0.0.1", self.postgres_port)).await.is_err() {
                sleep(Duration::from_millis(25)).await;
            }
            while !self.redis(&["ping"]).await?.contains("PONG") {
                sleep(Duration::from_millis(25)).await;
            }
            self.redis(&["cluster", "addslotsrange", "0", "16383"]).await?;
            while !self.redis(&["cluster", "info"]).await?.contains("cluster_state:ok") {
                sleep(Duration::from_millis(25)).await;
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, ready).await.map_err(|_| {
            let fault = |process: &Process| process.fault("is not ready", None).to_string();
            anyhow::anyhow!("{}\n{}", fault(&self.postgres), fault(&self.redis))
        })?
    }
}

/// Makes the database as `switchboard up` does, and starts it again with TLS on a port.
async fn start_postgres(folder: &Path) -> anyhow::Result<(Process, u16)> {
    let data = folder.join("data");
    files::folder(&data, 0o711)?;
    let plain = Postgres::start(&data, folder, &|_| {}).await?;
    plain.connect().await?.batch_execute(&format!("ALTER ROLE switchboard PASSWORD '{PASSWORD}'")).await?;
    plain.stop().await?;
    let (database, account) = (plain.folder(), Account::for_servers()?);
    fs::write(
        database.join("pg_hba.conf"),
        "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n",
    )?;
    for (from, to) in [("server.pem", "server.pem"), ("server.key", "server.key"), ("provider.pem", "ca.pem")]
    {
        let to = database.join(to);
        files::secret(&to, &fs::read_to_string(folder.join(from))?)?;
        account.own(&to)?;
    }
    let (port, binaries) = (ports::free()?, Binaries::find(None)?);
    let mut spec = Spec::program("managed-postgres", binaries.folder.join("postgres"), folder);
    spec.args = vec!["-D".into(), database.into(), "-k".into(), plain.socket().into()];
    for setting in [
        &format!("port={port}"),
        "listen_addresses=127.0.0.1",
        "ssl=on",
        "ssl_cert_file=server.pem",
        "ssl_key_file=server.key",
        "ssl_ca_file=ca.pem",
    ] {
        spec.args.extend(["-c".into(), setting.into()]);
    }
    (spec.user, spec.ready_within) = (account.switch(), None);
    Ok((Process::start(spec).await?, port))
}

async fn start_redis(folder: &Path) -> anyhow::Result<(Process, u16)> {
    let (port, bus) = (ports::free()?, ports::free()?);
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = [
        "port 0".to_owned(),
        format!("tls-port {port}\ncluster-port {bus}\nbind 127.0.0.1\ndir {}", folder.display()),
        "cluster-enabled yes\ntls-cluster yes\ntls-auth-clients yes".to_owned(),
        // It is announced by an address that its certificate does not bear, as by many a provider.
        "cluster-announce-ip 127.0.0.1\nsave \"\"\nappendonly no".to_owned(),
        format!("tls-cert-file {}\ntls-key-file {}", file("server.pem"), file("server.key")),
        format!("tls-ca-cert-file {}\nrequirepass {PASSWORD}", file("provider.pem")),
    ];
    fs::write(folder.join("redis.conf"), settings.join("\n"))?;
    let mut spec = Spec::program("managed-redis", "redis-server".into(), folder).args([file("redis.conf")]);
    spec.ready_within = None;
    Ok((Process::start(spec).await?, port))
}

/// A certificate authority.
struct Authority {
    name: &'static str,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &'static str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { name, pem, issuer: Issuer::new(params, key) })
    }

    /// Writes its certificate, and one that it signed for each of these, all of them for `localhost`.
    fn write(&self, folder: &Path, names: &[&str]) -> anyhow::Result<()> {
        fs::write(folder.join(format!("{}.pem", self.name)), &self.pem)?;
        for name in names {
            let (key, mut params) =
                (KeyPair::generate()?, CertificateParams::new(vec!["localhost".to_owned()])?);
            params.distinguished_name.push(DnType::CommonName, *name);
            fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, &self.issuer)?.pem())?;
            fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
        }
        Ok(())
    }
}
