//! The encoder whose two files an installation brings. It runs in this process, and knows sixteen languages.

use super::{EmbedError, lanes::Lanes};
use crate::route::language;
use sha2::{Digest, Sha256};
use std::{path::Path, sync::Arc};
use switchboard_router::EncoderError;

const WHAT: &str = "encoder";
/// What its authors trained it for (Yang et al., 2019), by ISO 639-3; Chinese in both scripts.
const LANGUAGES: [&str; 15] =
    ["ara", "cmn", "deu", "eng", "fra", "ita", "jpn", "kor", "nld", "pol", "por", "rus", "spa", "tha", "tur"];
/// Its vector tells one encoder apart from another.
const PROBE: &str = "dimensions";

/// Whether it was trained for a language.
pub(super) fn knows(language: &str) -> bool {
    LANGUAGES.contains(&language)
}

#[derive(Debug)]
pub(super) struct Encoder {
    network: switchboard_router::Encoder,
    dimensions: usize,
    lanes: Lanes,
}

impl Encoder {
    pub(super) fn open(folder: &str, digest: &mut Sha256) -> Result<Self, EmbedError> {
        let network = switchboard_router::Encoder::open(Path::new(folder)).map_err(|error| match error {
            EncoderError::Unreadable { file, source } => {
                EmbedError::Read { what: WHAT, path: format!("{folder}/{file}"), source }
            }
            malformed @ EncoderError::Malformed { .. } => {
                EmbedError::Unusable { what: WHAT, path: folder.to_owned(), reason: malformed.to_string() }
            }
        })?;
        let probe = network.encode(PROBE).unwrap_or_default();
        probe.iter().for_each(|number| digest.update(number.to_le_bytes()));
        Ok(Self { network, dimensions: probe.len(), lanes: Lanes::new() })
    }

    /// How many numbers a vector has.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Embeds a text off the runtime's threads; the vector is empty where it does not know the language.
    pub(super) async fn embed_in_lane(self: Arc<Self>, text: String) -> Result<Vec<f32>, EmbedError> {
        if language::of(&text).is_some_and(|language| !knows(language)) {
            return Ok(Vec::new());
        }
        let encoder = Arc::clone(&self);
        self.lanes.run(move || Ok(encoder.network.encode(&text).unwrap_or_default())).await
    }
}
