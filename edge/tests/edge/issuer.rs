//! An issuer of tokens: keys made for the test, a JWKS file, tokens with anything in them.

use aws_lc_rs::{
    encoding::AsDer,
    signature::{KeyPair as _, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://issuer.example";

pub(crate) struct Key {
    pub(crate) kid: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) private: EncodingKey,
    pub(crate) jwk: Value,
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    pub(crate) fn ed(kid: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(pair.public_key_raw()), "use": "sig"});
        Self {
            kid,
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_der(&pair.serialize_der()),
            jwk,
        }
    }

    pub(crate) fn ec(kid: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let (x, y) = pair.public_key_raw()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(x), "y": b64(y), "alg": "ES256"});
        Self {
            kid,
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_der(&pair.serialize_der()),
            jwk,
        }
    }

    pub(crate) fn rsa(kid: &'static str) -> Self {
        let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let public = pair.public_key();
        let jwk = json!({
            "kty": "RSA", "kid": kid, "key_ops": ["verify"],
            "n": b64(public.modulus().big_endian_without_leading_zero()),
            "e": b64(public.exponent().big_endian_without_leading_zero()),
        });
        // jsonwebtoken takes PKCS#1 here: the inner part of the PKCS#8 that is made (RFC 5208 §5).
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let private = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
        Self { kid, algorithm: Algorithm::RS256, private, jwk }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "typ": "at+jwt", "kid": self.kid})
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
        let signature = sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub(crate) fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

pub(crate) fn claims(user: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": "switchboard", "sub": user, "tenant": "acme", "exp": now() + 600, "iat": now(),
        "jti": "1", "roles": ["user"], "tier": "standard",
    })
}

pub(crate) fn with(user: &str, name: &str, value: Value) -> Value {
    let mut claims = claims(user);
    claims[name] = value;
    claims
}

pub(crate) fn without(user: &str, name: &str) -> Value {
    let mut claims = claims(user);
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub(crate) fn jwks(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk.clone()).collect::<Vec<_>>()}).to_string()
}
