//! Cuts texts into the pieces of a SentencePiece unigram model (Kudo, 2018): those that are likeliest together.

use super::normalise::Normaliser;
use std::collections::HashMap;

pub(super) const UNKNOWN: u32 = 0;
const BEGINNING: u32 = 1;
const END: u32 = 2;
/// How much less likely than the least likely piece a character is that no piece has; SentencePiece's own.
const UNKNOWN_PENALTY: f32 = 10.0;

#[derive(Debug)]
pub(super) struct Pieces {
    numbers: HashMap<Box<str>, u32>,
    scores: Vec<f32>,
    longest: usize,
    unknown: f32,
    normaliser: Normaliser,
}

impl Pieces {
    /// Reads a `ModelProto`: pieces in field 1, the normaliser in field 3, with its table in field 2.
    pub(super) fn read(model: &[u8]) -> Result<Self, &'static str> {
        let (mut numbers, mut scores, mut longest) = (HashMap::new(), Vec::new(), 0);
        let mut normaliser = None;
        for (field, value) in fields(model)? {
            match field {
                1 => {
                    let (text, score) = piece(value)?;
                    longest = longest.max(text.chars().count());
                    numbers.insert(text, u32::try_from(scores.len()).map_err(|_| "too many pieces")?);
                    scores.push(score);
                }
                3 => {
                    let table = fields(value)?.into_iter().find(|(field, _)| *field == 2);
                    normaliser = table.map(|(_, table)| Normaliser::read(table)).transpose()?;
                }
                _ => {}
            }
        }
        let unknown = scores.iter().copied().fold(f32::INFINITY, f32::min) - UNKNOWN_PENALTY;
        let normaliser = normaliser.ok_or("no table of characters")?;
        Ok(Self { numbers, scores, longest, unknown, normaliser })
    }

    /// The numbers of a text's pieces, at most so many, between its beginning and its end.
    pub(super) fn of(&self, text: &str, most: usize) -> Vec<u32> {
        let normal = self.normaliser.apply(text);
        let mut pieces = vec![BEGINNING];
        let cut = self.cut(&normal);
        pieces.extend(cut.into_iter().take(most));
        if pieces.len() == 1 {
            pieces.push(UNKNOWN);
        }
        pieces.push(END);
        pieces
    }

    /// Viterbi's search, from left to right: of the ways to a place the likeliest, the longest last piece among equals.
    fn cut(&self, text: &str) -> Vec<u32> {
        let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut best = vec![(f32::NEG_INFINITY, 0, UNKNOWN); bounds.len()];
        best[0].0 = 0.0;
        for from in 0..bounds.len() - 1 {
            let so_far = best[from].0;
            let mut reach = |to: usize, score: f32, piece: u32| {
                if so_far + score > best[to].0 {
                    best[to] = (so_far + score, from, piece);
                }
            };
            let mut single = false;
            for to in from + 1..bounds.len().min(from + 1 + self.longest) {
                if let Some(&piece) = self.numbers.get(&text[bounds[from]..bounds[to]]) {
                    single |= to == from + 1;
                    reach(to, self.scores[usize::try_from(piece).unwrap_or_default()], piece);
                }
            }
            if !single {
                reach(from + 1, self.unknown, UNKNOWN);
            }
        }
        let (mut pieces, mut at) = (Vec::new(), bounds.len() - 1);
        while at > 0 {
            pieces.push(best[at].2);
            at = best[at].1;
        }
        pieces.reverse();
        pieces
    }
}

fn piece(value: &[u8]) -> Result<(Box<str>, f32), &'static str> {
    let (mut text, mut score) = (None, 0.0);
    for (field, value) in fields(value)? {
        match field {
            1 => text = std::str::from_utf8(value).ok(),
            2 => score = value.try_into().map(f32::from_le_bytes).map_err(|_| "a score of another size")?,
            _ => {}
        }
    }
    Ok((text.ok_or("a piece without a text")?.into(), score))
}

/// The fields of a protocol buffer, with their bytes.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, &[u8])>, &'static str> {
    const CUT: &str = "a message cut off";
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or(CUT)?;
        let length = match key & 7 {
            0 => {
                varint(&mut bytes).ok_or(CUT)?;
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes).ok_or(CUT)?).map_err(|_| CUT)?,
            5 => 4,
            _ => return Err("no protocol buffer"),
        };
        let (value, rest) = bytes.split_at_checked(length).ok_or(CUT)?;
        found.push((key >> 3, value));
        bytes = rest;
    }
    Ok(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for i in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_is_refused() {
        for bad in [&b"\xff\xff\xff"[..], b"\x0a\x7fabc", b"\x0a\x02\x0a\x09", b""] {
            assert!(Pieces::read(bad).is_err());
        }
    }
}
