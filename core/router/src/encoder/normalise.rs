//! SentencePiece's normaliser: characters are replaced by a table (here NFKC with exceptions), whitespace becomes `▁`.
//! The table is a double-array trie (Aoe, 1989; the layout of darts-clone) and the replacements, each ended by a zero.

/// What stands for a space in pieces.
const SPACE: char = '\u{2581}';

#[derive(Debug)]
pub(super) struct Normaliser {
    units: Vec<u32>,
    replacements: Vec<u8>,
}

impl Normaliser {
    pub(super) fn read(table: &[u8]) -> Result<Self, &'static str> {
        let (size, rest) = table.split_first_chunk::<4>().ok_or("no table of characters")?;
        let size = usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX);
        let trie = rest.get(..size).ok_or("a table of characters cut off")?;
        let units = trie.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        Ok(Self { units: units.collect(), replacements: rest[size..].to_vec() })
    }

    /// The text as the pieces have it: with a mark for every run of spaces, one at its beginning and none at its end.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut normal = String::with_capacity(text.len() + text.len() / 4 + SPACE.len_utf8());
        let mut rest = text;
        let mut after_space = true;
        while !rest.is_empty() {
            let (piece, length) = self.first(rest);
            for c in piece.chars() {
                if c != ' ' {
                    if after_space {
                        normal.push(SPACE);
                    }
                    normal.push(c);
                }
                after_space = c == ' ';
            }
            rest = &rest[length..];
        }
        normal
    }

    /// What the beginning of a text becomes, and how long that beginning is.
    fn first<'a>(&'a self, text: &'a str) -> (&'a str, usize) {
        let replaced = self.longest(text.as_bytes()).filter(|(_, length)| text.is_char_boundary(*length));
        let replaced = replaced.and_then(|(at, length)| {
            let rest = self.replacements.get(at..)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            Some((std::str::from_utf8(&rest[..end]).ok()?, length))
        });
        replaced.unwrap_or_else(|| {
            let length = text.chars().next().map_or(0, char::len_utf8);
            (&text[..length], length)
        })
    }

    /// Where the replacement of the longest known beginning stands, and how long that beginning is.
    fn longest(&self, text: &[u8]) -> Option<(usize, usize)> {
        let mut found = None;
        let mut at = offset(*self.units.first()?);
        for (i, &byte) in text.iter().enumerate() {
            at ^= usize::from(byte);
            let unit = *self.units.get(at)?;
            if unit & 0x8000_00ff != u32::from(byte) {
                break;
            }
            at ^= offset(unit);
            if unit & 0x100 != 0 {
                let leaf = self.units.get(at)? & 0x7fff_ffff;
                found = Some((usize::try_from(leaf).ok()?, i + 1));
            }
        }
        found
    }
}

fn offset(unit: u32) -> usize {
    usize::try_from((unit >> 10) << ((unit & 0x200) >> 6)).unwrap_or_default()
}
