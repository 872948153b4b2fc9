//! Switchboard called by its name without a sign: "Switchboard, what is …".

use super::OWN_NAME;

/// Where the name ends that a message begins with and calls: a comma, a colon or a dash stands behind it.
pub(super) fn called_until(text: &str) -> Option<usize> {
    let start = text.len() - text.trim_start().len();
    let end = start + OWN_NAME.len();
    let is_named = text.get(start..end).is_some_and(|name| name.eq_ignore_ascii_case(OWN_NAME));
    let rest = text.get(end..).filter(|_| is_named)?;
    let (near, far) = (rest.chars().next()?, rest.trim_start());
    // A hyphen without spaces joins words: "switchboard-like".
    let is_dash = far.len() < rest.len() && far.starts_with("- ");
    (",:，：、".contains(near) || far.starts_with(['–', '—']) || is_dash).then_some(end)
}
