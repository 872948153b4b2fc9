//! Replies side by side, each set apart from what we say: every line of a reply is quoted, so a heading and a marker
//! that stand outside of a quote can only be ours, and within one no marker names an agent of this answer. Agents of one
//! name are told apart by the id in the marker.

use super::{NamedReply, markers::unmarked, page::Page, shares};
use switchboard_shared::events::Claim;

/// What a heading and a sentence about what is left out may take, of each reply's room.
const OVERHEAD_CHARS: usize = 300;

/// Writes each reply under its agent's name and marker; each has a fair share of the room.
pub(super) fn write(page: &mut Page<'_>, replies: &[&NamedReply]) -> Vec<Claim> {
    let known: Vec<_> = replies.iter().map(|reply| reply.agent.clone()).collect();
    let quotes: Vec<_> = replies.iter().map(|reply| quoted(&unmarked(reply.text.trim(), &known))).collect();
    let lengths: Vec<_> = quotes.iter().map(|quote| quote.chars().count()).collect();
    let room = page.room().saturating_sub(OVERHEAD_CHARS * replies.len());
    let shares = shares::fair(room, &lengths);
    let mut claims = Vec::new();
    for (at, (reply, quote)) in replies.iter().zip(&quotes).enumerate() {
        let gap = if at == 0 { "" } else { "\n\n" };
        page.push_note(&format!("{gap}**{}** [{}]\n\n> ", plain(&reply.name), reply.agent));
        let start = page.chars();
        page.push(&quote.chars().take(shares[at]).collect::<String>());
        claims.push(Claim { start, end: page.chars(), agents: vec![reply.agent.clone()] });
        if shares[at] < lengths[at] {
            let (shown, all) = (shares[at], lengths[at]);
            page.push_note(&format!("\n\n(The first {shown} of {all} characters; the rest is left out.)"));
        }
    }
    claims.retain(|claim| claim.start < claim.end);
    claims
}

/// A text as a quote, but for the mark before its first line.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    text.split('\n').collect::<Vec<_>>().join("\n> ").replace("\n> \n", "\n>\n")
}

/// A name or a reason within a sentence of ours: no heading, no marker and no link.
pub(super) fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        '[' => Some('('),
        ']' => Some(')'),
        '*' | '_' | '`' | '#' | '<' | '>' | '|' | '~' | '\\' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    text.chars().filter_map(letter).collect()
}
