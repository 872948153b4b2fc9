//! From text to the numbers that a model reads: what `tokenizer.json` says, or BERT's WordPiece for a `vocab.txt`.

use super::EmbedError;
use crate::config::EmbedderConfig;
use sha2::{Digest, Sha256};
use tokenizers::{
    Tokenizer, TruncationParams, models::wordpiece::WordPiece, normalizers::BertNormalizer,
    pre_tokenizers::bert::BertPreTokenizer, processors::bert::BertProcessing,
};

const WHAT: &str = "tokenizer";

/// A tokenizer that adds the model's special tokens and cuts what is too long.
#[derive(Debug)]
pub(super) struct Tokens(Tokenizer);

impl Tokens {
    pub(super) fn open(config: &EmbedderConfig, digest: &mut Sha256) -> Result<Self, EmbedError> {
        let path = &config.tokenizer;
        let unusable = |reason: String| EmbedError::Unusable { what: WHAT, path: path.clone(), reason };
        let bytes = std::fs::read(path).map_err(|source| EmbedError::Read {
            what: WHAT,
            path: path.clone(),
            source,
        })?;
        digest.update(&bytes);
        let is_vocabulary = path.to_ascii_lowercase().ends_with(".txt");
        let parsed = if is_vocabulary { word_piece(&bytes) } else { Tokenizer::from_bytes(&bytes) };
        let mut tokenizer = parsed.map_err(|error| unusable(error.to_string()))?;
        let cut = TruncationParams { max_length: config.max_tokens, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(cut)).map_err(|error| unusable(error.to_string()))?;
        // Texts run one at a time, so there is nothing to fill up.
        tokenizer.with_padding(None);
        Ok(Self(tokenizer))
    }

    pub(super) fn of(&self, text: &str) -> Result<Vec<i32>, EmbedError> {
        let encoding = self.0.encode_fast(text, true);
        let encoding = encoding.map_err(|error| EmbedError::Failed(error.to_string()))?;
        // No vocabulary has two thousand million words.
        Ok(encoding.get_ids().iter().map(|&id| i32::try_from(id).unwrap_or_default()).collect())
    }
}

/// BERT's own settings; a vocabulary whose first words are in lower case alone belongs to an uncased model.
fn word_piece(vocabulary: &[u8]) -> tokenizers::Result<Tokenizer> {
    let words = WordPiece::builder().vocab(WordPiece::read_bytes(vocabulary)?).build()?;
    let mut tokenizer = Tokenizer::new(words);
    let special = |name: &str| match tokenizer.token_to_id(name) {
        Some(id) => Ok((name.to_owned(), id)),
        None => Err(format!("it has no {name}")),
    };
    special("[UNK]")?;
    let (end, begin) = (special("[SEP]")?, special("[CLS]")?);
    let text = String::from_utf8_lossy(vocabulary);
    let is_cased = text.lines().any(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
    tokenizer
        .with_normalizer(Some(BertNormalizer::new(true, true, None, !is_cased)))?
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_post_processor(Some(BertProcessing::new(end, begin)));
    Ok(tokenizer)
}
