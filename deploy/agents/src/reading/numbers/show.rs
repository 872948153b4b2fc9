//! Numbers as people like to read them.

/// A percentage.
pub(crate) fn percent(value: f64) -> String {
    show((value * 100.0).round() / 100.0)
}

/// A number.
pub(crate) fn show(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e12).contains(&size) {
        return format!("{value:.4e}");
    }
    let digits = if size >= 1000.0 { 2 } else { 4 };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
