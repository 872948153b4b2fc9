//! What a file says that it is, and what it is. Nobody's word is taken for a type that a browser would act on: pictures
//! are known by their first bytes, texts by being readable.

/// The type of a file of which nothing is known (RFC 2046 §4.5.1).
pub(crate) const UNKNOWN: &str = "application/octet-stream";
const MAX_BYTES: usize = 255;
/// What many call a picture of the type `image/jpeg`.
const JPG: &str = "image/jpg";
/// Texts that are handed out as what they are.
const TEXTS: [(&str, &str); 4] = [
    ("text/plain", "text/plain; charset=utf-8"),
    ("text/csv", "text/csv; charset=utf-8"),
    ("text/markdown", "text/markdown; charset=utf-8"),
    ("application/json", "application/json"),
];
/// Pictures that are, with the bytes that each begins with.
const PICTURES: [(&str, &[u8]); 4] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// Whether this is written as a media type is (RFC 6838 §4.2).
pub(crate) fn is_media_type(text: &str) -> bool {
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let written = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let named = bare(text).split_once('/').is_some_and(|(kind, rest)| word(kind) && word(rest));
    named && written && text.len() <= MAX_BYTES
}

/// What a file of somebody else's is said to be: what they say, unless its bytes are not that.
pub(crate) fn honest(said: &str, bytes: &[u8]) -> String {
    let kind = kind(said);
    let lies = match picture(bytes) {
        _ if !is_media_type(said) => true,
        Some(picture) => kind != picture && is_picture(&kind),
        None => is_picture(&kind) || is_text(&kind) && std::str::from_utf8(bytes).is_err(),
    };
    if lies { UNKNOWN.to_owned() } else { said.to_owned() }
}

/// What a file is handed out as: one of a short list, if its bytes are that, and otherwise bytes.
pub(crate) fn handed_out(said: &str, bytes: &[u8]) -> &'static str {
    let kind = kind(said);
    match picture(bytes) {
        Some(picture) if picture == kind => picture,
        None if std::str::from_utf8(bytes).is_ok() => {
            TEXTS.iter().find(|(name, _)| *name == kind).map_or(UNKNOWN, |(_, whole)| whole)
        }
        _ => UNKNOWN,
    }
}

/// The ending of a name that says what a file is; none where that is not known.
pub(crate) fn ending(media_type: &str) -> &'static str {
    match bare(media_type) {
        "image/png" => ".png",
        "image/jpeg" | JPG => ".jpg",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "text/plain" => ".txt",
        "text/csv" => ".csv",
        "text/markdown" => ".md",
        "application/json" => ".json",
        "application/pdf" => ".pdf",
        _ => "",
    }
}

/// The picture that bytes are.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    let (name, _) = PICTURES.iter().find(|(_, begins)| bytes.starts_with(begins))?;
    (*name != "image/webp" || bytes.get(8..12) == Some(b"WEBP")).then_some(name)
}

fn is_picture(kind: &str) -> bool {
    PICTURES.iter().any(|(name, _)| *name == kind)
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind == "application/json"
}

/// The type alone, by the name it is registered under.
fn kind(said: &str) -> String {
    match bare(said).to_ascii_lowercase() {
        name if name == JPG => "image/jpeg".to_owned(),
        name => name,
    }
}

/// Without its parameters.
fn bare(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim_end_matches(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn a_file_that_lies_about_its_type_is_only_bytes() {
        for (said, bytes, kept, out) in [
            ("image/png", PNG, "image/png", "image/png"),
            ("image/png", &b"<script>"[..], UNKNOWN, UNKNOWN),
            ("image/gif", PNG, UNKNOWN, UNKNOWN),
            ("image/jpg", &b"\xff\xd8\xff"[..], "image/jpg", "image/jpeg"),
            ("image/jpg", PNG, UNKNOWN, UNKNOWN),
            ("image/webp", &b"RIFF\0\0\0\0WAVE"[..], UNKNOWN, UNKNOWN),
            ("image/svg+xml", &b"<svg/>"[..], "image/svg+xml", UNKNOWN),
            ("text/html", &b"<script>"[..], "text/html", UNKNOWN),
            (
                "text/csv; charset=utf-8",
                "ä,1".as_bytes(),
                "text/csv; charset=utf-8",
                "text/csv; charset=utf-8",
            ),
            ("text/plain", &b"\xff\xfe"[..], UNKNOWN, UNKNOWN),
            ("application/zip", PNG, "application/zip", UNKNOWN),
            ("text", &b"a"[..], UNKNOWN, UNKNOWN),
            ("text/plain\r\nX: y", &b"a"[..], UNKNOWN, UNKNOWN),
        ] {
            assert_eq!((honest(said, bytes).as_str(), handed_out(said, bytes)), (kept, out), "{said}");
        }
    }
}
