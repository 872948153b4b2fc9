//! Files of a conversation, handed out to its members: as bytes to be kept, never as something that a browser would run.

use super::extract::{Below, Caller};
use crate::{
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    in_hand::Load,
    media,
    store::{FileRow, View, hex, reading},
    turn::Whose,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use switchboard_shared::{
    ids::FileId,
    problem::{Problem, ProblemKind},
};

/// When somebody who fetches too many at once may fetch the next one.
const RETRY_AFTER_S: u64 = 2;
/// Whatever it is, where it is opened it may do nothing.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Below(conversation, id): Below<FileId>,
    headers: HeaderMap,
) -> Result<Response> {
    permit(&me, Permission::Converse)?;
    let whose = Whose { tenant: me.tenant.clone(), user: me.user.clone() };
    let most = core.config.agents.max_file_bytes.max(core.config.max_body_bytes);
    let in_hand = core.downloads.take(whose, most).await.ok_or_else(too_many)?;
    let file = reading!(&core.store, &me.tenant, View::Own, tx, async {
        tx.conversation(&me.tenant, conversation, &me.user).await?;
        tx.file(&me.tenant, conversation, &id).await
    })?;
    Ok(handed_out(file.ok_or_else(Error::not_found)?, in_hand, &headers))
}

fn too_many() -> Error {
    let detail = "You fetch too many files at once.";
    Error::Public(Problem::new(ProblemKind::RateLimited, detail).retry_after(RETRY_AFTER_S))
}

fn handed_out(file: FileRow, in_hand: Load, asked: &HeaderMap) -> Response {
    let etag = etag(&file.bytes);
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let fields = [
        (header::CONTENT_TYPE, media::handed_out(&file.media_type, &file.bytes).to_owned()),
        (header::CONTENT_DISPOSITION, disposition(&file.name)),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
        // Whoever is no member any more gets it no more.
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::ETAG, etag),
    ];
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            Body::from(Bytes::from_owner(InRoom { bytes: file.bytes, _in_hand: in_hand })).into_response()
        }
    };
    for (name, value) in fields {
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"));
        response.headers_mut().insert(name, value);
    }
    response
}

/// The bytes, which have their room until they are sent.
struct InRoom {
    bytes: Vec<u8>,
    _in_hand: Load,
}

impl AsRef<[u8]> for InRoom {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex(&Sha256::digest(bytes)))
}

/// To be kept under this name (RFC 6266): what old clients read, and the name itself (RFC 8187).
fn disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
    let simple: String = name.chars().map(plain).collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b) => whole.push(char::from(b)),
            b => whole.push_str(&format!("%{b:02X}")),
        }
    }
    format!("attachment; filename=\"{simple}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_said_so_that_it_ends_nothing() {
        assert_eq!(disposition("a b.csv"), "attachment; filename=\"a b.csv\"; filename*=UTF-8''a%20b.csv");
        assert_eq!(
            disposition("ä\"; x=\\\r\n%.png"),
            "attachment; filename=\"__; x=____.png\"; filename*=UTF-8''%C3%A4%22%3B%20x%3D%5C%0D%0A%25.png"
        );
    }
}
