//! What the cores of this house sign and seal with when somebody signs in, made once.

use super::files;
use crate::error::{Error, Result};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// The files of the keys.
#[derive(Clone, Debug)]
pub struct SessionKeys {
    /// The private key of session tokens.
    pub key: PathBuf,
    /// Its public half, for the edges, as `switchboard-core keys` prints it.
    pub jwks: PathBuf,
    /// What seals refresh tokens.
    pub seal: PathBuf,
}

impl SessionKeys {
    /// Takes the keys in `folder`, or makes them.
    ///
    /// # Errors
    /// When they can be neither read nor made.
    pub fn ensure(folder: &Path) -> Result<Self> {
        files::folder(folder, 0o700)?;
        let keys = Self {
            key: folder.join("key.pem"),
            jwks: folder.join("jwks.json"),
            seal: folder.join("seal.key"),
        };
        if !keys.key.is_file() {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unusable)?;
            files::secret(&keys.key, &pair.serialize_pem())?;
        }
        let pem = std::fs::read(&keys.key).map_err(Error::file(&keys.key))?;
        let key = EncodingKey::from_ec_pem(&pem).map_err(unusable)?;
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(unusable)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let set = serde_json::to_string(&JwkSet { keys: vec![public] }).map_err(unusable)?;
        files::public(&keys.jwks, &set)?;
        files::random_key(&keys.seal)?;
        Ok(keys)
    }
}

fn unusable(error: impl fmt::Display) -> Error {
    Error::Failed(format!("the key of session tokens cannot be used: {error}"))
}
