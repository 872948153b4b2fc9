//! A sign-in on its way: what the browser carries, sealed, to the provider and back. It is good for ten minutes, in this
//! browser, with the provider that it was begun with; and the session that comes of it remembers it, so that it begins no
//! second one.

use super::secret;
use crate::{
    error::{Error, Result},
    seal::Sealer,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// How long it may take to sign in, in seconds.
pub(crate) const LASTS_S: i64 = 600;
/// The longest path that is gone back to.
const MAX_PATH: usize = 512;
const PLACE: &str = "sign-in";

/// What has to come back as it went out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// With whom.
    pub(crate) provider: String,
    /// Ties the answer to this browser (RFC 6749 §10.12).
    pub(crate) state: String,
    /// Ties the ID token to this sign-in (OpenID Connect Core §3.1.2.1).
    pub(crate) nonce: String,
    /// Ties the code to this sign-in (RFC 7636).
    pub(crate) verifier: String,
    /// Under which origin the browser knows us.
    pub(crate) origin: String,
    /// Where to go then, a path of ours.
    pub(crate) to: String,
    until_s: i64,
}

impl Flow {
    /// Begins one.
    pub(crate) fn begin(provider: &str, origin: &str, to: Option<&str>, now_s: i64) -> Result<Self> {
        Ok(Self {
            provider: provider.to_owned(),
            state: secret::draw()?,
            nonce: secret::draw()?,
            verifier: secret::draw()?,
            origin: origin.to_owned(),
            to: own_path(to.unwrap_or("/")),
            until_s: now_s.saturating_add(LASTS_S),
        })
    }

    /// As a cookie carries it.
    pub(crate) fn seal(&self, sealer: &Sealer) -> Result<String> {
        let text = serde_json::to_string(self).map_err(Error::writing("sign-in"))?;
        Ok(URL_SAFE_NO_PAD.encode(sealer.seal(PLACE, &text)?))
    }

    /// Opens what a cookie carried; `None` when it is none of ours, or has taken too long.
    pub(crate) fn open(sealed: &str, sealer: &Sealer, now_s: i64) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let flow: Self = serde_json::from_str(&sealer.open(PLACE, &sealed)?).ok()?;
        (now_s < flow.until_s).then_some(flow)
    }

    /// What the provider is told of the verifier: S256 (RFC 7636 §4.2).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(secret::hash(&self.verifier))
    }

    /// What the session keeps of it.
    pub(crate) fn hash(&self) -> Vec<u8> {
        secret::hash(&self.state)
    }

    /// Whether a state that came back is this one's. Both are hashed first, so that how far they are alike takes no
    /// time that could be measured.
    pub(crate) fn is(&self, state: &str) -> bool {
        secret::hash(state) == self.hash()
    }

    /// Where the provider sends the browser.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("{}/auth/callback", self.origin)
    }
}

/// A path of our own, or the first page: what begins another authority, or could be read as one, leads there.
fn own_path(to: &str) -> String {
    let plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let own = to.starts_with('/') && !to.starts_with("//") && to.len() <= MAX_PATH;
    if own && plain { to.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::config::Secret;

    fn sealer() -> Sealer {
        Sealer::new(&[Secret::new("k".to_owned())])
    }

    #[test]
    fn a_sign_in_comes_back_whole_and_not_too_late() {
        let flow = Flow::begin("corp", "https://a", Some("/c/1"), 1_000).unwrap();
        let sealed = flow.seal(&sealer()).unwrap();
        assert!(sealed.len() < 1_000, "{}", sealed.len());
        let back = Flow::open(&sealed, &sealer(), 1_599).unwrap();
        assert!(back.is(&flow.state) && !back.is(&flow.nonce));
        assert_eq!((back.provider.as_str(), back.to.as_str()), ("corp", "/c/1"));
        assert_eq!(back.redirect_uri(), "https://a/auth/callback");
        assert!(Flow::open(&sealed, &sealer(), 1_600).is_none());
        assert!(Flow::open(&sealed[1..], &sealer(), 1_000).is_none());
        let other = Sealer::new(&[Secret::new("other".to_owned())]);
        assert!(Flow::open(&sealed, &other, 1_000).is_none());
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let mut flow = Flow::begin("corp", "https://a", None, 0).unwrap();
        flow.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        assert_eq!(flow.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn one_goes_back_to_a_path_of_ours_alone() {
        for own in ["/", "/c/0197?x=1#y", "/analytics/running"] {
            assert_eq!(own_path(own), own);
        }
        let long = format!("/{}", "x".repeat(MAX_PATH));
        for other in
            ["", "c", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/\r\nx: y", &long]
        {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}
