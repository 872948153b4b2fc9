//! The way to an identity provider: each request has one deadline, each answer a bound, and no redirect is followed, since
//! what it leads to was not configured.

use super::fault::Fault;
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, header, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use std::{path::Path, time::Duration};
use switchboard_shared::{cause::Cause, proxy::Proxy};
use url::Url;

/// The longest answer that is read.
const MAX_BYTES: usize = 1 << 20;

/// A client of one provider.
pub(crate) struct Line(Client);

/// An error of the token endpoint (RFC 6749 §5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Line {
    pub(crate) fn new(proxy: &Proxy, ca_file: &Path, patience: Duration) -> Result<Self, String> {
        let failed = |error: reqwest::Error| Cause::of(&error).to_string();
        let mut builder = proxy.client().map_err(failed)?.timeout(patience).redirect(Policy::none());
        if !ca_file.as_os_str().is_empty() {
            let pem = std::fs::read(ca_file).map_err(|error| format!("ca_file: {}", Cause::of(&error)))?;
            let trusted = Certificate::from_pem_bundle(&pem).map_err(failed)?;
            builder = builder.tls_certs_only(trusted);
        }
        builder.build().map(Self).map_err(failed)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, Fault> {
        ask(self.0.get(url.clone())).await
    }

    /// Posts a form; `basic` says who we are.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: String,
        basic: Option<(String, String)>,
    ) -> Result<T, Fault> {
        let request = self.0.post(url.clone()).body(form);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        ask(match basic {
            Some((id, secret)) => request.basic_auth(id, Some(secret)),
            None => request,
        })
        .await
    }
}

async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Fault> {
    let down = |error: reqwest::Error| Fault::Down(Cause::of(&error).to_string());
    let mut response = request.header(header::ACCEPT, "application/json").send().await.map_err(down)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(down)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Fault::unbelievable("an answer is longer than 1 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|_| Fault::unbelievable("an answer cannot be read"));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Fault::Down(format!("it answers {}", status.as_u16())));
    }
    match serde_json::from_slice::<Refusal>(&body) {
        // The word alone: a description may hold what it was asked with.
        Ok(refusal) => Err(Fault::Denied(crate::outside::line(&refusal.error, 64))),
        Err(_) => Err(Fault::unbelievable(&format!("it answers {}", status.as_u16()))),
    }
}
