//! The stable words of notices.

use serde::{Deserialize, Serialize};

/// What a notice says, in a word that clients may build on. Faces pass events on as they came, so a word of a newer core
/// reaches its client whole; a reader that does not know it has [`NoticeCode::Unknown`] and the notice's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeCode {
    /// The core cannot announce pieces of answers; whole answers still come.
    Degraded,
    /// The core can again.
    Restored,
    /// The edge has lost the conversation's stream and looks for another core.
    Reconnecting,
    /// The edge has found one.
    Reconnected,
    /// A word that is not known here; it is only ever read.
    #[serde(other)]
    Unknown,
}

impl NoticeCode {
    /// The word, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Restored => "restored",
            Self::Reconnecting => "reconnecting",
            Self::Reconnected => "reconnected",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_is_written_and_a_newer_one_is_read_too() {
        use NoticeCode::{Degraded, Reconnected, Reconnecting, Restored, Unknown};
        for code in [Degraded, Restored, Reconnecting, Reconnected] {
            let word = serde_json::to_string(&code).unwrap();
            assert_eq!(word, format!("\"{}\"", code.name()));
            assert_eq!(serde_json::from_str::<NoticeCode>(&word).unwrap(), code);
        }
        assert_eq!(serde_json::from_str::<NoticeCode>("\"moved\"").unwrap(), Unknown);
    }
}
