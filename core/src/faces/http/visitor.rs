//! Who comes to sign in or out: by way of an edge, with what their browser holds, and maybe with a token.

use super::extract::{identity_of, request_of};
use crate::{
    core::Core,
    error::{Error, Result},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
};
use std::sync::Arc;
use switchboard_shared::{cookies, headers, identity::Identity, problem::ProblemKind, proof};

/// An edge that asks for somebody, or for nobody.
pub(crate) struct FromEdge(pub(crate) Option<Identity>);

impl FromRequestParts<Arc<Core>> for FromEdge {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        if parts.headers.contains_key(headers::IDENTITY) {
            return identity_of(parts, core).map(|identity| Self(Some(identity)));
        }
        let proof = text(&parts.headers, &HeaderName::from_static(headers::EDGE));
        let now_s = chrono::Utc::now().timestamp();
        if proof.is_some_and(|proof| proof::holds(proof, &core.keys, now_s, request_of(parts))) {
            return Ok(Self(None));
        }
        Err(Error::public(ProblemKind::Unauthenticated, "This port answers to edges only."))
    }
}

/// Somebody before the door.
pub(crate) struct Visitor {
    /// Whose token came along.
    pub(crate) identity: Option<Identity>,
    /// The cookie of their session.
    pub(crate) session: Option<String>,
    /// The cookie of a sign-in on its way.
    pub(crate) login: Option<String>,
    /// The origin under which their browser knows us.
    pub(crate) origin: String,
    /// Their browser, as it calls itself.
    pub(crate) client: String,
}

impl FromRequestParts<Arc<Core>> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let FromEdge(identity) = FromEdge::from_request_parts(parts, core).await?;
        let own = |name: &str| cookies::find(&parts.headers, name).map(str::to_owned);
        let of = |name: HeaderName| text(&parts.headers, &name).unwrap_or_default().to_owned();
        Ok(Self {
            identity,
            session: own(cookies::SESSION),
            login: own(cookies::LOGIN),
            origin: of(HeaderName::from_static(headers::ORIGIN)),
            client: of(header::USER_AGENT),
        })
    }
}

fn text<'h>(fields: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}
