//! What is asked on the command line.

/// A text may begin with a dash. One word that does and goes on with a letter is an option, mistyped.
pub(super) fn question(text: &str) -> Result<String, String> {
    let option = text.trim_start_matches('-');
    let dashed = option.len() < text.len() && option.starts_with(|c: char| c.is_ascii_alphabetic());
    if dashed && !text.contains(char::is_whitespace) {
        return Err("there is no such option; see --help".to_owned());
    }
    Ok(text.to_owned())
}
