//! Bytes in base64, as they are written by many hands.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Bytes in base64 of either alphabet, with or without its padding (`ProtoJSON`), in one line or in many (RFC 2045 §6.8).
pub(crate) fn bytes(base64: &str) -> Option<Vec<u8>> {
    let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&STANDARD, padding);
    let base64 = base64.trim_ascii();
    if !base64.contains(['\r', '\n', '-', '_']) {
        return engine.decode(base64).ok();
    }
    let plain = base64.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).map(|b| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    });
    engine.decode(plain.collect::<Vec<_>>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_however_their_base64_is_written() {
        for written in ["++/+YQ==", "--_-YQ==", "++/+YQ", "++/+\r\nYQ==\n", " --_-YQ "] {
            assert_eq!(bytes(written).as_deref(), Some(&b"\xfb\xef\xfea"[..]), "{written:?}");
        }
        assert_eq!(bytes(""), Some(Vec::new()));
        for broken in ["%", "YQ=a", "Y", "YW Jj"] {
            assert_eq!(bytes(broken), None, "{broken}");
        }
    }
}
