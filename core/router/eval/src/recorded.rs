//! Whether the encoder says what the package says that its files are from.

use anyhow::{Context, ensure};
use serde::Deserialize;
use std::{io::Write, path::Path};
use switchboard_router::Encoder;

/// How alike the vectors must be: products are added up in another order, and nothing else differs.
const LEAST_COSINE: f32 = 0.999;

/// A text with what the package makes of it.
#[derive(Debug, Deserialize)]
struct Recorded {
    text: String,
    tokens: Vec<u32>,
    /// In thousandths.
    vector: Vec<f32>,
}

/// Fails at the first text that is not as recorded.
pub(crate) fn check(encoder: &Encoder, file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let (mut texts, mut least) = (0, 1.0_f32);
    for line in text.lines() {
        let recorded: Recorded = serde_json::from_str(line)?;
        ensure!(encoder.tokens(&recorded.text) == recorded.tokens, "other tokens: {}", recorded.text);
        let vector = encoder.encode(&recorded.text).context("it has no vector")?;
        let cosine = cosine(&vector, &recorded.vector);
        ensure!(cosine >= LEAST_COSINE, "cosine {cosine}: {}", recorded.text);
        least = least.min(cosine);
        texts += 1;
    }
    writeln!(std::io::stdout(), "{texts} texts with the same tokens, cosine at least {least:.5}")?;
    Ok(())
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let product =
        |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>();
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}
