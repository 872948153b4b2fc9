//! The language of a text, by the same means for examples and messages.

/// Its code (ISO 639-3), where that can be told.
pub(super) fn of(text: &str) -> Option<&'static str> {
    whatlang::detect(text).filter(whatlang::Info::is_reliable).map(|info| info.lang().code())
}
