//! How people sign in.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};
use switchboard_shared::{
    claims::{ClaimDefaults, ClaimPath, Mapping},
    config::{self, Check, Faults, Secret},
    identity::Role,
    proxy::Proxy,
};
use url::{Host, Url};

/// `[login]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct LoginConfig {
    pub keys: Vec<Secret>,
    pub seal_keys: Vec<Secret>,
    pub issuer: String,
    pub audience: String,
    pub origins: Vec<String>,
    #[serde(rename = "token_s", deserialize_with = "seconds")]
    pub token: Duration,
    #[serde(rename = "session_s", deserialize_with = "seconds")]
    pub session: Duration,
    #[serde(rename = "check_s", deserialize_with = "seconds")]
    pub check: Duration,
    #[serde(rename = "unchecked_s", deserialize_with = "seconds")]
    pub unchecked: Duration,
    #[serde(rename = "provider_ms", deserialize_with = "super::millis")]
    pub provider: Duration,
    pub max_at_once: usize,
    pub max_sessions: u32,
    pub providers: Vec<ProviderConfig>,
}

/// One of `[[login.providers]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct ProviderConfig {
    pub id: String,
    #[serde(default)]
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    #[serde(default)]
    pub client_secret: Secret,
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub sign_out: bool,
    #[serde(default)]
    pub proxy: Proxy,
    #[serde(default)]
    pub ca_file: PathBuf,
    #[serde(default)]
    pub claims: ProviderClaims,
    #[serde(default = "defaults")]
    pub defaults: ClaimDefaults,
    #[serde(default)]
    pub development: bool,
    #[serde(default)]
    pub users: Vec<String>,
}

/// `claims` of a provider
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct ProviderClaims {
    pub user: ClaimPath,
    pub name: ClaimPath,
    pub tenant: ClaimPath,
    pub roles: ClaimPath,
    pub groups: ClaimPath,
    pub tier: ClaimPath,
}

impl Default for ProviderClaims {
    fn default() -> Self {
        let named = ClaimPath::named;
        Self {
            user: named("sub"),
            name: named("name"),
            tenant: named("tenant"),
            roles: named("roles"),
            groups: named("groups"),
            tier: named("tier"),
        }
    }
}

impl ProviderConfig {
    /// Where its claims say who somebody is.
    pub(crate) fn mapping(&self) -> Mapping<'_> {
        let ProviderClaims { tenant, roles, groups, tier, .. } = &self.claims;
        Mapping { tenant, roles, groups, tier, defaults: &self.defaults }
    }

    fn check(&self, faults: &mut Faults) {
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let id = !self.id.is_empty() && self.id.len() <= 32 && self.id.chars().all(is_id);
        faults.require(id, "login.providers", "id must be 1 to 32 of a-z 0-9 -");
        let issuer = "issuer must be https, or http on loopback: whoever stands between could be anybody";
        let closed = Url::parse(&self.issuer).is_ok_and(|url| is_closed_to_others(&url));
        faults.require(closed, "login.providers", issuer);
        faults.require(!self.client_id.is_empty(), "login.providers", "client_id must be given");
        let openid = self.scopes.iter().any(|scope| scope == "openid");
        faults.require(openid, "login.providers", "scopes must have openid");
        let nowhere = self.claims.tenant.is_empty() && self.defaults.tenant.is_empty();
        faults.require(!nowhere, "login.providers", "claims.tenant or defaults.tenant must be given");
        self.proxy.check(faults, "login.providers");
    }
}

/// Whether nobody on the way can change what comes from there.
pub(crate) fn is_closed_to_others(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

impl Check for LoginConfig {
    fn check(&self, faults: &mut Faults) {
        for key in &self.seal_keys {
            config::require_key(faults, "login.seal_keys", key);
        }
        let ids: BTreeSet<_> = self.providers.iter().map(|provider| &provider.id).collect();
        faults.require(ids.len() == self.providers.len(), "login.providers", "two have the same id");
        for provider in &self.providers {
            provider.check(faults);
        }
        if !self.providers.is_empty() {
            let key = "must have a private key of the curve P-256 in PEM, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one";
            faults.require(!self.keys.is_empty(), "login.keys", key);
            faults.require(!self.seal_keys.is_empty(), "login.seal_keys", "must have a key");
            let origins = "must name the addresses of the edges as browsers see them, as https://host";
            faults.require(!self.origins.is_empty(), "login.origins", origins);
        }
        for origin in &self.origins {
            let same = Url::parse(origin)
                .is_ok_and(|url| url.scheme() == "https" && url.origin().ascii_serialization() == *origin);
            faults.require(same, "login.origins", "must be of the form https://host or https://host:port");
        }
        let second = Duration::from_secs(1);
        for (key, value, least, most) in [
            ("login.token_s", self.token, 30, 3_600),
            ("login.session_s", self.session, 60, 31_536_000),
            ("login.check_s", self.check, 1, 86_400),
            ("login.unchecked_s", self.unchecked, 1, 604_800),
        ] {
            let fits = (second * least..=second * most).contains(&value);
            faults.require(fits, key, &format!("must be between {least} and {most}"));
        }
        let provider = (100..=30_000).contains(&self.provider.as_millis());
        faults.require(provider, "login.provider_ms", "must be between 100 and 30000");
        faults.require(self.max_at_once > 0, "login.max_at_once", "must be at least 1");
        faults.require(self.max_sessions > 0, "login.max_sessions", "must be at least 1");
    }
}

fn scopes() -> Vec<String> {
    ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec()
}

/// Who signs in is at least a user, where no claim says more.
fn defaults() -> ClaimDefaults {
    ClaimDefaults { roles: [Role::User].into(), ..ClaimDefaults::default() }
}

fn seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_secs)
}
