//! Who is reached, how, and whom to trust.

use crate::{
    config::{Faults, Secret},
    tls::TlsFiles,
};
use fred::{
    error::{Error, ErrorKind},
    types::config::{Config, Server, ServerConfig, TlsConfig},
};
use std::{fmt, net::IpAddr};
use url::Url;

/// Adds the faults of `redis.urls` and of the files beside them.
pub fn check(urls: &[Secret], files: &TlsFiles, faults: &mut Faults) {
    let parsed: Vec<Url> = urls.iter().filter_map(|url| Url::parse(url.expose()).ok()).collect();
    let good = |url: &Url| matches!(url.scheme(), "redis" | "rediss") && url.has_host();
    faults.require(
        parsed.len() == urls.len() && parsed.iter().all(good),
        "redis.urls",
        "must be of the form redis://host:port, or rediss://host:port for TLS",
    );
    let encrypted = parsed.iter().filter(|url| url.scheme() == "rediss").count();
    if encrypted == 0 {
        faults.require(
            urls.is_empty() || files.is_empty(),
            "redis.urls",
            "must begin with rediss:// where ca_file or cert_file are given: redis:// is not encrypted",
        );
        return;
    }
    faults.require(
        encrypted == urls.len(),
        "redis.urls",
        "must all begin with rediss:// or all with redis://: they are nodes of one cluster",
    );
    files.check("redis", true, faults);
}

/// How a cluster's nodes are reached.
///
/// A node that the cluster announces by its name is asked for a certificate with that name. One that is announced by
/// its address alone, as most are, has to have the first name among the URLs, since a provider's certificate is for
/// the name that it gave to the user; where the URLs hold addresses only, the address.
#[derive(Clone)]
pub struct Access {
    /// The nodes of the URLs. They are asked again whenever no other node answers: a provider may move all nodes behind
    /// one name.
    pub(super) seeds: Vec<Server>,
    config: Config,
    /// The first name among the URLs.
    name: Option<String>,
}

impl Access {
    /// The cluster that has these nodes among its own; user and password are the last URL's.
    ///
    /// # Errors
    /// When a URL or a file cannot be read.
    pub fn new(urls: &[Secret], files: &TlsFiles) -> Result<Self, Error> {
        let mut config = Config::default();
        let (mut seeds, mut encrypted, mut name) = (Vec::new(), false, None);
        if urls.is_empty() {
            return Err(Error::new(ErrorKind::Config, "no node of redis is named"));
        }
        for url in urls {
            let url = Url::parse(url.expose())?;
            encrypted |= url.scheme() == "rediss";
            name = name.or_else(|| name_in(&url));
            // For rediss:// fred would read the system's authorities, and knows no others.
            let one = Config::from_url(&url.as_str().replacen("rediss:", "redis:", 1))?;
            (config.username, config.password) = (one.username.clone(), one.password.clone());
            seeds.extend(one.server.hosts());
        }
        if encrypted {
            let client =
                files.client().map_err(|error| Error::new(ErrorKind::Tls, format!("redis.{error}")))?;
            config.tls = Some(TlsConfig::from(client));
        }
        Ok(Self { seeds, config, name })
    }

    /// How a node of the URLs is reached: its certificate is for what the URL says.
    pub(super) fn seed(&self, server: &Server) -> Config {
        Config { server: ServerConfig::Centralized { server: server.clone() }, ..self.config.clone() }
    }

    /// How a node that the cluster announces is reached.
    pub(super) fn node(&self, server: &Server) -> Config {
        let name = server.host.parse::<IpAddr>().is_ok().then(|| self.name.clone()).flatten();
        self.seed(&Server::new_with_tls(server.host.clone(), server.port, name))
    }
}

impl fmt::Debug for Access {
    /// Without the password, which fred would show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("seeds", &self.seeds).finish_non_exhaustive()
    }
}

/// Why there is no connection, in words for whoever configures it. Of rustls' errors fred keeps the names alone.
#[must_use]
pub fn reason(error: &Error) -> String {
    let said = error.to_string();
    let known = [
        ("UnknownIssuer", "the certificate of Redis is not of an authority that redis.ca_file holds"),
        ("NotValidForName", "the certificate of Redis is not for the name that it was asked by"),
        ("CertificateRequired", "Redis asks for a certificate: give redis.cert_file and redis.key_file"),
    ];
    match known.iter().find(|(name, _)| said.contains(name)) {
        Some((_, meaning)) => format!("{meaning} ({said})"),
        None => said,
    }
}

/// The host, unless it is an address.
fn name_in(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_matches(['[', ']']);
    host.parse::<IpAddr>().is_err().then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(urls: &[&str]) -> Vec<Secret> {
        urls.iter().map(|url| Secret::new((*url).to_owned())).collect()
    }

    #[test]
    fn plain_and_encrypted_urls_do_not_mix_and_files_are_for_encrypted_ones() {
        let faults = |urls: &[&str], ca: &str| {
            let mut faults = Faults::default();
            check(&secrets(urls), &TlsFiles { ca: ca.into(), ..TlsFiles::default() }, &mut faults);
            faults.iter().map(|(key, message)| format!("{key} {message}")).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(faults(&["redis://a:1", "redis://b:1"], ""), "");
        assert_eq!(faults(&[], "ca.pem"), "");
        assert!(faults(&["http://a:1"], "").contains("must be of the form"));
        assert!(faults(&["redis://a:1", "rediss://b:1"], "").contains("must all begin with rediss://"));
        assert!(faults(&["redis://a:1"], "ca.pem").contains("redis:// is not encrypted"));
        assert!(faults(&["rediss://a:1"], "/nowhere/ca.pem").contains("redis.ca_file cannot be read"));
    }

    #[test]
    fn nodes_user_and_password_are_read_from_the_urls() {
        let urls = secrets(&["redis://ann:s%40fe@10.0.0.1:7000", "redis://ann:s%40fe@b"]);
        let access = Access::new(&urls, &TlsFiles::default()).unwrap();
        let hosts: Vec<_> = access.seeds.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["10.0.0.1:7000", "b:6379"]);
        let config = access.node(&access.seeds[0]);
        assert_eq!((config.username.as_deref(), config.password.as_deref()), (Some("ann"), Some("s@fe")));
        assert!(config.tls.is_none());
    }

    #[test]
    fn an_announced_address_is_checked_by_the_name_of_the_urls() {
        let name = |urls: &[&str], announced: &str| {
            let access = Access::new(&secrets(urls), &TlsFiles::default()).unwrap();
            let config = access.node(&Server::new(announced, 1));
            config.server.hosts()[0].tls_server_name.as_deref().map(str::to_owned)
        };
        let urls = ["rediss://10.0.0.1:1", "rediss://r.example:1"];
        assert_eq!(name(&urls, "10.0.0.2").as_deref(), Some("r.example"));
        assert_eq!(name(&urls, "two.example"), None);
        assert_eq!(name(&urls[..1], "10.0.0.2"), None);
    }
}
