//! What a message of OpenAI's holds: text, or parts of which some are files. Files come with the message; an address is
//! not fetched here.

use crate::{
    error::{Error, Result},
    outside,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use switchboard_shared::{api::Part, problem::ProblemKind};

/// Of a message.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

/// One part.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart {
    #[serde(alias = "output_text")]
    Text {
        text: String,
    },
    /// What a model has declined to say.
    Refusal {
        refusal: String,
    },
    ImageUrl {
        image_url: Address,
    },
    InputAudio {
        input_audio: Audio,
    },
    File {
        file: File,
    },
    /// Of a kind that is not known here: it may stand in what was said before.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Address {
    url: String,
}

#[derive(Deserialize)]
pub(super) struct Audio {
    data: String,
    format: String,
}

#[derive(Deserialize)]
pub(super) struct File {
    file_data: Option<String>,
    filename: Option<String>,
}

impl Content {
    /// All of its text, a line between its parts.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => {
                let texts = parts.iter().filter_map(|part| match part {
                    ContentPart::Text { text } | ContentPart::Refusal { refusal: text } => {
                        Some(text.as_str())
                    }
                    ContentPart::ImageUrl { .. }
                    | ContentPart::InputAudio { .. }
                    | ContentPart::File { .. }
                    | ContentPart::Other => None,
                });
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Its files.
    pub(super) fn files(&self) -> Result<Vec<Part>> {
        let Self::Parts(parts) = self else { return Ok(Vec::new()) };
        parts.iter().enumerate().filter_map(|(at, part)| part.file(at + 1).transpose()).collect()
    }

    /// Tells it from every other content, as far as that can be.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.text().trim());
        if let Self::Parts(parts) = self {
            for data in parts.iter().map(ContentPart::data).filter(|data| !data.is_empty()) {
                hash.update([0]);
                hash.update(data);
            }
        }
        hash.finalize().into()
    }
}

impl ContentPart {
    fn data(&self) -> &str {
        match self {
            Self::Text { .. } | Self::Refusal { .. } | Self::Other => "",
            Self::ImageUrl { image_url } => &image_url.url,
            Self::InputAudio { input_audio } => &input_audio.data,
            Self::File { file } => file.file_data.as_deref().unwrap_or_default(),
        }
    }

    fn file(&self, number: usize) -> Result<Option<Part>> {
        Ok(match self {
            Self::Text { .. } | Self::Refusal { .. } => None,
            Self::Other => {
                return Err(bad("A part of a message is `text`, `image_url`, `input_audio` or `file`."));
            }
            Self::ImageUrl { image_url } => Some(from_data_url(&image_url.url, "image", number)?),
            Self::InputAudio { input_audio: Audio { data, format } } => Some(Part {
                name: format!("audio-{number}.{format}"),
                media_type: format!("audio/{format}"),
                data: data.clone(),
            }),
            Self::File { file: File { file_data, filename } } => {
                let data = file_data.as_deref().ok_or_else(|| bad("A file comes with its `file_data`."))?;
                let part = match without_scheme(data).is_some() {
                    true => from_data_url(data, "file", number)?,
                    false => Part {
                        name: format!("file-{number}"),
                        media_type: "application/octet-stream".to_owned(),
                        data: data.to_owned(),
                    },
                };
                Some(Part { name: filename.clone().unwrap_or_else(|| part.name.clone()), ..part })
            }
        })
    }
}

/// What follows the scheme of a `data:` URL (RFC 2397), which is written in small letters or capitals (RFC 3986 §3.1).
fn without_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.trim_start().split_once(':')?;
    scheme.eq_ignore_ascii_case("data").then_some(rest)
}

/// A file out of a `data:` URL, which is not percent-encoded here but base64.
fn from_data_url(url: &str, kind: &str, number: usize) -> Result<Part> {
    let rest = without_scheme(url).ok_or_else(|| {
        bad("A picture comes as a data: URL; addresses are not fetched here, so send its bytes.")
    })?;
    let (head, data) = rest.split_once(',').ok_or_else(|| bad("A data: URL has a comma before its data."))?;
    let (media_type, _) = head
        .rsplit_once(';')
        .filter(|(_, how)| how.trim().eq_ignore_ascii_case("base64"))
        .ok_or_else(|| bad("A data: URL must be in base64 (`data:image/png;base64,…`)."))?;
    // Written again, so that what is passed on is as it is checked to be.
    let bytes = outside::bytes(data).ok_or_else(|| bad("A data: URL's data must be base64."))?;
    let media_type = media_type.trim_end().to_ascii_lowercase();
    let ending = media_type.split(';').next().and_then(|essence| essence.split('/').nth(1)).unwrap_or("bin");
    let ending = ending.split('+').next().unwrap_or(ending);
    Ok(Part { name: format!("{kind}-{number}.{ending}"), media_type, data: STANDARD.encode(bytes) })
}

fn bad(detail: &str) -> Error {
    Error::public(ProblemKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn content(value: serde_json::Value) -> Content {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn pictures_come_as_files_and_addresses_are_refused() {
        let picture = json!({"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zy8+", "detail": "low"}});
        let parts =
            content(json!([{"type": "text", "text": "What is"}, {"type": "text", "text": "this?"}, picture]));
        let files = parts.files().unwrap();
        assert_eq!(parts.text(), "What is\nthis?");
        assert_eq!((files[0].name.as_str(), files[0].media_type.as_str()), ("image-3.svg", "image/svg+xml"));
        for (url, says) in [
            ("https://a.example/x.png", "not fetched"),
            ("data:image/png,x", "base64"),
            ("data:image/png;base64,%", "base64"),
            ("data:image/png", "comma"),
        ] {
            let parts = content(json!([{"type": "image_url", "image_url": {"url": url}}]));
            let refused = parts.files().unwrap_err().problem().detail;
            assert!(refused.contains(says), "{url}: {refused}");
        }
        for url in
            ["DATA:image/png;base64,QUI=", "data:IMAGE/PNG;BASE64,QUI", "data:image/png;base64,Q\r\nUI=\n"]
        {
            let parts = content(json!([{"type": "image_url", "image_url": {"url": url}}]));
            let file = parts.files().unwrap().remove(0);
            assert_eq!((file.media_type.as_str(), file.data.as_str()), ("image/png", "QUI="), "{url}");
        }
        let file = json!([{"type": "file", "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,MSwy"}}]);
        assert_eq!(content(file).files().unwrap()[0].name, "a.csv");
        let by_id = json!([{"type": "file", "file": {"file_id": "f"}}]);
        assert!(content(by_id).files().is_err());
        let said_before = json!([{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}, {"type": "video", "video": 1}]);
        let said_before = content(said_before);
        assert_eq!(said_before.text(), "a\nb");
        assert!(said_before.files().is_err());
    }

    #[test]
    fn contents_are_told_apart_by_their_words_and_files() {
        let of = |value| content(value).fingerprint();
        let plain = json!([{"type": "text", "text": "hello"}]);
        let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
        assert_eq!(of(json!("hello ")), of(plain.clone()), "how it is wrapped does not matter");
        assert_ne!(of(plain), of(json!([{"type": "text", "text": "hello"}, picture])));
    }
}
