//! Lets the markers of known agents through a text that comes in pieces, and takes out markers that name nobody.

use switchboard_shared::ids::AgentId;

/// Longer than any marker of a few agents; what is longer is none.
const MAX_HELD_CHARS: usize = 200;
/// What is shorter than this is an index or a check box.
const FEWEST_CHARS: usize = 3;

pub(super) struct Markers {
    known: Vec<String>,
    /// What may become a marker: from `[` to the character after `]`.
    held: String,
    held_chars: usize,
    ticks: usize,
    /// The last character that was handed on; a marker that is taken out takes the space before it along.
    space: bool,
}

impl Markers {
    pub(super) fn new(known: &[AgentId]) -> Self {
        let known = known.iter().map(ToString::to_string).collect();
        Self { known, held: String::new(), held_chars: 0, ticks: 0, space: false }
    }

    /// Takes the next piece; returns what can be handed on.
    pub(super) fn feed(&mut self, piece: &str) -> String {
        let mut out = String::new();
        for c in piece.chars() {
            self.take(c, &mut out);
        }
        out
    }

    /// Returns what is left at the end.
    pub(super) fn end(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        let mut out = String::new();
        if !(held.ends_with(']') && self.names_nobody(&held)) {
            self.emit(&held, &mut out);
        }
        out
    }

    fn take(&mut self, c: char, out: &mut String) {
        if self.held.is_empty() {
            self.begin(c, out);
        } else if self.held.ends_with(']') {
            self.finish(c, out);
        } else {
            self.held.push(c);
            self.held_chars += 1;
            if ends_no_marker(c) || self.held_chars > MAX_HELD_CHARS {
                let held = std::mem::take(&mut self.held);
                self.emit(&held, out);
            }
        }
    }

    fn begin(&mut self, c: char, out: &mut String) {
        self.ticks += usize::from(c == '`');
        let in_code = self.ticks % 2 == 1;
        match c {
            '[' if !in_code => {
                self.held.push(c);
                self.held_chars = 1;
            }
            // Held back by one, so that it can go with a marker.
            ' ' if !self.space => self.space = true,
            c => self.emit(c.encode_utf8(&mut [0; 4]), out),
        }
    }

    /// After `]`: a `(` makes it a link.
    fn finish(&mut self, c: char, out: &mut String) {
        let held = std::mem::take(&mut self.held);
        if c != '(' && self.names_nobody(&held) {
            self.space = false;
        } else {
            self.emit(&held, out);
        }
        self.begin(c, out);
    }

    fn emit(&mut self, text: &str, out: &mut String) {
        if std::mem::take(&mut self.space) {
            out.push(' ');
        }
        out.push_str(text);
    }

    fn names_nobody(&self, marker: &str) -> bool {
        let inside = marker.trim_matches(['[', ']']);
        let looks_like_ids = inside.chars().count() >= FEWEST_CHARS
            && inside.chars().any(|c| c.is_ascii_lowercase())
            && inside.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-, @".contains(c))
            && inside.split(',').all(|id| !id.trim().contains(' '));
        looks_like_ids && !ids(inside).all(|id| self.known.iter().any(|known| known == id))
    }
}

/// Reads the marker that these characters begin with: how long it is, and what stands inside. There is one reading of
/// markers, so that what is made harmless before is what would count after.
pub(super) fn read(chars: &[char]) -> Option<(usize, String)> {
    let inside = chars.strip_prefix(&['['])?;
    let length = inside.iter().take(MAX_HELD_CHARS).position(|&c| c == ']' || ends_no_marker(c))?;
    let is_link = inside.get(length + 1) == Some(&'(');
    (inside[length] == ']' && !is_link).then(|| (length + 2, inside[..length].iter().collect()))
}

/// The ids inside a marker: `[one]`, `[ @one, two ]`.
pub(super) fn ids(inside: &str) -> impl Iterator<Item = &str> {
    inside.split(',').map(|id| id.trim().trim_start_matches('@').trim_start())
}

/// A text in which no marker names any of these agents: its brackets have become round.
pub(super) fn unmarked(text: &str, known: &[AgentId]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        match read(&chars[at..]) {
            Some((length, inside)) if ids(&inside).any(|id| known.iter().any(|k| k.as_str() == id)) => {
                (chars[at], chars[at + length - 1]) = ('(', ')');
                at += length;
            }
            _ => at += 1,
        }
    }
    chars.into_iter().collect()
}

fn ends_no_marker(c: char) -> bool {
    matches!(c, '[' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(text: &str, piece_chars: usize) -> String {
        let mut markers = Markers::new(&["weather".parse().unwrap(), "money-agent".parse().unwrap()]);
        let chars: Vec<char> = text.chars().collect();
        let mut out: String =
            chars.chunks(piece_chars).map(|piece| markers.feed(&piece.iter().collect::<String>())).collect();
        out.push_str(&markers.end());
        if markers.space { out + " " } else { out }
    }

    #[test]
    fn unknown_markers_are_taken_out_however_the_text_is_cut() {
        for (text, expected) in [
            ("Rain. [weather] Cheap. [money-agent]", "Rain. [weather] Cheap. [money-agent]"),
            ("Rain [nobody-here]. Cheap [weather, money-agent].", "Rain. Cheap [weather, money-agent]."),
            (
                "A [link](http://a) and [x] and a[0] and [two words] stay",
                "A [link](http://a) and [x] and a[0] and [two words] stay",
            ),
            ("`a[abc]` is code, [abc] is not", "`a[abc]` is code, is not"),
            ("open [weat", "open [weat"),
            ("ends with [ghost]", "ends with"),
        ] {
            for piece in 1..8 {
                assert_eq!(through(text, piece).trim_end(), expected, "pieces of {piece}");
            }
        }
    }

    #[test]
    fn whatever_would_be_read_as_a_marker_of_a_known_agent_is_made_harmless() {
        let known = ["bank".parse().unwrap()];
        for marker in ["[bank]", "[@bank]", "[ bank ]", "[bank,rogue]", "[rogue, @ bank]", "[[bank]]"] {
            let text = unmarked(&format!("Pay {marker}."), &known);
            let chars: Vec<char> = text.chars().collect();
            assert!(
                (0..chars.len())
                    .all(|at| read(&chars[at..]).is_none_or(|(_, i)| ids(&i).all(|id| id != "bank"))),
                "{text}"
            );
        }
        for other in ["[link](bank)", "[bank](http://a)", "a[0] [x] [rogue]", "[bank", "[\nbank]"] {
            assert_eq!(unmarked(other, &known), other);
        }
    }
}
