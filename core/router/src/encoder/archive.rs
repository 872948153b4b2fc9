//! Reads arrays out of an `.npz` file: a zip archive of `.npy` files (NumPy's format description, versions 1 and 2).

use flate2::read::DeflateDecoder;
use std::{collections::HashMap, io::Read};

/// The arrays by name.
#[derive(Debug, Default)]
pub(super) struct Archive {
    bytes: HashMap<String, Vec<u8>>,
    floats: HashMap<String, Vec<f32>>,
}

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const MAGIC: &[u8] = b"\x93NUMPY";
const STORED: usize = 0;
const DEFLATED: usize = 8;
/// No array of the encoder is larger: what claims to be is not read.
const MOST_BYTES: u64 = 16 << 20;

impl Archive {
    pub(super) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let end = file.windows(END.len()).rposition(|bytes| bytes == END).ok_or("no archive")?;
        let (entries, mut at) = (number(file, end + 10, 2)?, number(file, end + 16, 4)?);
        let mut archive = Self::default();
        for _ in 0..entries {
            if file.get(at..at + ENTRY.len()) != Some(ENTRY) {
                return Err("a broken directory");
            }
            let name_length = number(file, at + 28, 2)?;
            let name = file.get(at + 46..at + 46 + name_length).ok_or("a broken directory")?;
            let name = String::from_utf8_lossy(name).trim_end_matches(".npy").to_owned();
            archive.add(name, &unpacked(file, at)?)?;
            at += 46 + name_length + number(file, at + 30, 2)? + number(file, at + 32, 2)?;
        }
        Ok(archive)
    }

    fn add(&mut self, name: String, array: &[u8]) -> Result<(), &'static str> {
        if !array.starts_with(MAGIC) {
            return Err("an array without a head");
        }
        let (wide, from) = if array.get(6) == Some(&1) { (2, 10) } else { (4, 12) };
        let start = from + number(array, 8, wide)?;
        let head = String::from_utf8_lossy(array.get(from..start).ok_or("an array cut off")?).into_owned();
        let body = &array[start..];
        if head.contains("'|u1'") {
            self.bytes.insert(name, body.to_vec());
        } else if head.contains("'<f4'") {
            let floats =
                body.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            self.floats.insert(name, floats.collect());
        }
        Ok(())
    }

    /// An array of so many numbers.
    pub(super) fn floats(&mut self, name: &str, length: usize) -> Result<Vec<f32>, &'static str> {
        self.floats
            .remove(name)
            .filter(|array| array.len() == length)
            .ok_or("an array is missing or of another size")
    }

    /// An array of so many bytes.
    pub(super) fn bytes(&mut self, name: &str, length: usize) -> Result<Vec<u8>, &'static str> {
        self.bytes
            .remove(name)
            .filter(|array| array.len() == length)
            .ok_or("an array is missing or of another size")
    }
}

/// What the entry at this place of the directory holds.
fn unpacked(file: &[u8], entry: usize) -> Result<Vec<u8>, &'static str> {
    let (how, packed, at) =
        (number(file, entry + 10, 2)?, number(file, entry + 20, 4)?, number(file, entry + 42, 4)?);
    let start = at + 30 + number(file, at + 26, 2)? + number(file, at + 28, 2)?;
    let packed = file.get(start..start + packed).ok_or("an entry cut off")?;
    match how {
        STORED => Ok(packed.to_vec()),
        DEFLATED => {
            let mut bytes = Vec::new();
            let mut decoder = DeflateDecoder::new(packed).take(MOST_BYTES);
            decoder.read_to_end(&mut bytes).map_err(|_| "an entry that cannot be unpacked")?;
            Ok(bytes)
        }
        _ => Err("an entry packed in an unknown way"),
    }
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, length: usize) -> Result<usize, &'static str> {
    let bytes = bytes.get(at..at + length).ok_or("cut off")?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_refused() {
        for bad in [&b""[..], b"PK\x05\x06", b"PK\x05\x06\0\0\0\0\x01\0\x01\0\0\0\0\0\xff\xff\0\0\0\0"] {
            assert!(Archive::read(bad).is_err());
        }
    }
}
