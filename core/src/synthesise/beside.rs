//! Replies side by side, each set apart from what we say: every line of a reply is quoted, so a heading and a marker
//! that stand outside of a quote can only be ours, and within one no marker names an agent of this answer. Agents of one
//! name are told apart by the id in the marker.

use super::{markers::unmarked, material::NamedReply, page::Page, shares};
use crate::outside;
use switchboard_shared::{events::Claim, ids::AgentId};

/// What a heading and a sentence about what is left out may take, of each reply's room.
const OVERHEAD_CHARS: usize = 300;

/// Writes each reply under its agent's name and marker; each has a fair share of the room. `agents` are all of this
/// answer.
pub(super) fn write(page: &mut Page<'_>, replies: &[&NamedReply], agents: &[AgentId]) -> Vec<Claim> {
    let quotes: Vec<_> = replies.iter().map(|reply| quote(reply, agents)).collect();
    let lengths: Vec<_> = quotes.iter().map(|quote| quote.chars().count()).collect();
    let shares = shares::fair(room(page.room(), replies.len()), &lengths);
    let mut claims = Vec::new();
    for (at, (reply, quote)) in replies.iter().zip(&quotes).enumerate() {
        page.push_note(&heading(reply, at == 0));
        let start = page.chars();
        page.push(&outside::first_chars(quote, shares[at]));
        claims.push(Claim { start, end: page.chars(), agents: vec![reply.agent.clone()] });
        if shares[at] < lengths[at] {
            let (shown, all) = (shares[at], lengths[at]);
            page.push_note(&format!("\n\n(The first {shown} of {all} characters; the rest is left out.)"));
        }
    }
    claims.retain(|claim| claim.start < claim.end);
    claims
}

/// What [`write`] will begin with, as far as that is sure before all replies are there.
pub(crate) struct Beside {
    agents: Vec<AgentId>,
    /// What each reply has whatever the others are; in Unicode scalar values.
    sure: usize,
    is_first: bool,
}

impl Beside {
    /// An answer of these agents, of which nothing is written.
    pub(crate) fn new(max_answer_chars: usize, agents: Vec<AgentId>) -> Self {
        let sure = room(max_answer_chars, agents.len()) / agents.len().max(1);
        Self { agents, sure, is_first: true }
    }

    /// The next reply, and whether it is whole: behind one that is not, nothing is sure.
    pub(crate) fn begin(&mut self, reply: &NamedReply) -> (String, bool) {
        let quote = quote(reply, &self.agents);
        let heading = heading(reply, std::mem::take(&mut self.is_first));
        let shown = outside::first_chars(&quote, self.sure);
        (format!("{heading}{shown}"), shown.len() == quote.len())
    }
}

/// What the replies have of an answer's room, without what is ours.
fn room(chars: usize, replies: usize) -> usize {
    chars.saturating_sub(OVERHEAD_CHARS * replies)
}

fn heading(reply: &NamedReply, is_first: bool) -> String {
    let gap = if is_first { "" } else { "\n\n" };
    format!("{gap}**{}** [{}]\n\n> ", plain(&reply.name), reply.agent)
}

fn quote(reply: &NamedReply, agents: &[AgentId]) -> String {
    quoted(&unmarked(reply.text.trim(), agents))
}

/// A text as a quote, but for the mark before its first line.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    text.split('\n').collect::<Vec<_>>().join("\n> ").replace("\n> \n", "\n>\n")
}

/// A name or a reason within a sentence of ours: no heading, no marker and no link. An address loses nothing: what
/// would be a mark is written there as its percent code (RFC 3986 §2.1).
pub(super) fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split(' ').map(plain_word).collect::<Vec<_>>().join(" ")
}

fn plain_word(word: &str) -> String {
    let is_address = word.contains("://");
    let (mut plain, mut before) = (String::new(), ' ');
    for c in word.chars() {
        // Behind a letter or a digit it begins no emphasis (CommonMark 6.2).
        let within = c == '_' && before.is_alphanumeric();
        match c {
            '#' if is_address => plain.push(c),
            '_' if within => plain.push(c),
            '[' | ']' | '*' | '_' | '`' | '<' | '>' | '|' | '~' | '\\' if is_address => {
                plain.push_str(&format!("%{:02X}", u32::from(c)));
            }
            '[' => plain.push('('),
            ']' => plain.push(')'),
            '*' | '_' | '`' | '#' | '<' | '>' | '|' | '~' | '\\' => {}
            c => plain.push(c),
        }
        // A run of them is one mark.
        before = if within { before } else { c };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_holds_no_marks_and_its_addresses_lose_no_characters() {
        for (text, shown) in [
            (
                "no page at https://en.wikipedia.org/wiki/Rust_(programming_language)",
                "no page at https://en.wikipedia.org/wiki/Rust_(programming_language)",
            ),
            ("https://h/~ann/_a_*b*#c", "https://h/%7Eann/%5Fa_%2Ab%2A#c"),
            ("https://h/[a-ok]", "https://h/%5Ba-ok%5D"),
            ("max_tokens and a__b of _all_", "max_tokens and a__b of all_"),
            ("# *loud* [a-ok](x) `c` <b>", " loud (a-ok)(x) c b"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(plain(text), shown, "{text}");
        }
    }
}
