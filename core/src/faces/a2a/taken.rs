//! A message as a client of A2A sends it, and as it is said in a conversation. Pure.

use crate::{media, store::hex};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use switchboard_a2a::{
    Fault, Kind,
    wire::{Message, Part, PartContent},
};
use switchboard_shared::{
    api::{self, SendMessage},
    ids::ClientId,
};

/// What stands before a client's own id of a message, so that no other face's client meets it.
const OWN_ID: &str = "a2a-";
/// Of a file that does not say what it is.
const UNSAID: &str = "application/octet-stream";

/// What is said: texts, data and links in their order, a line between them; files beside them. A link is passed on as it
/// is, and never fetched.
pub(super) fn message(message: &Message, takes: impl Fn(&str) -> bool) -> Result<SendMessage, Fault> {
    let (mut lines, mut files) = (Vec::new(), Vec::new());
    for (at, part) in message.parts.iter().enumerate() {
        match &part.content {
            PartContent::Text(text) => lines.push(text.clone()),
            PartContent::Data(data) => lines.push(data.to_string()),
            PartContent::Url(url) => lines.push(url.clone()),
            PartContent::Raw(bytes) => files.push(file(at, part, bytes, &takes)?),
        }
    }
    Ok(SendMessage {
        client_id: Some(client_id(&message.message_id)),
        text: lines.join("\n"),
        agents: Vec::new(),
        parts: files,
    })
}

fn file(at: usize, part: &Part, bytes: &[u8], takes: impl Fn(&str) -> bool) -> Result<api::Part, Fault> {
    let media_type = part.media_type.clone().filter(|said| !said.is_empty()).unwrap_or_else(|| UNSAID.into());
    let field = format!("message.parts[{at}].mediaType");
    if !media::is_media_type(&media_type) {
        return Err(Fault::invalid(field, "it is none, such as image/png"));
    }
    if !takes(&media_type) {
        let why = format!("{field}: no agent that you may use reads {media_type}.");
        return Err(Fault { field: Some(field), ..Fault::new(Kind::ContentTypeNotSupported, why) });
    }
    let name = part.filename.clone().filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| format!("file-{}", at + 1));
    Ok(api::Part { name, media_type, data: STANDARD.encode(bytes) })
}

/// Under which id a message is known again: its client's, or a hash of one that would not do.
pub(super) fn client_id(message_id: &str) -> ClientId {
    let own = format!("{OWN_ID}{message_id}").parse();
    own.unwrap_or_else(|_| {
        format!("{OWN_ID}sha256-{}", hex(&Sha256::digest(message_id))).parse().expect("it is short and plain")
    })
}

/// The client's own id of a message that it has sent.
pub(super) fn message_id(client_id: &ClientId) -> &str {
    client_id.as_str().strip_prefix(OWN_ID).unwrap_or(client_id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(parts: serde_json::Value, takes: bool) -> Result<SendMessage, Fault> {
        let json = json!({"messageId": "m 1", "role": "ROLE_USER", "parts": parts});
        message(&serde_json::from_value(json).unwrap(), |_| takes)
    }

    #[test]
    fn words_data_and_links_are_said_and_files_go_beside_them() {
        let parts = json!([{"text": "See"}, {"data": {"a": 1}}, {"url": "https://a.example/x"},
            {"raw": "aGk=", "mediaType": "text/csv"}, {"raw": "", "filename": "b.bin"}]);
        let said = said(parts, true).unwrap();
        assert_eq!(said.text, "See\n{\"a\":1}\nhttps://a.example/x");
        let files: Vec<_> =
            said.parts.iter().map(|file| (&*file.name, &*file.media_type, &*file.data)).collect();
        assert_eq!(files, [("file-4", "text/csv", "aGk="), ("b.bin", UNSAID, "")]);
    }

    #[test]
    fn a_file_that_nobody_reads_is_refused() {
        let csv = || json!([{"raw": "aGk=", "mediaType": "text/csv"}]);
        assert_eq!(said(csv(), false).unwrap_err().kind, Kind::ContentTypeNotSupported);
        assert_eq!(said(json!([{"raw": "", "mediaType": "x"}]), true).unwrap_err().kind, Kind::InvalidParams);
    }

    #[test]
    fn an_id_is_the_clients_own_wherever_it_can_be_kept() {
        let kept = client_id("0b1c");
        assert_eq!((kept.as_str(), message_id(&kept)), ("a2a-0b1c", "0b1c"));
        for odd in ["a b", "ä", &"x".repeat(200)] {
            assert!(client_id(odd).as_str().starts_with("a2a-sha256-"), "{odd}");
        }
        assert_ne!(client_id("a b"), client_id("a c"));
    }
}
