//! Takes a model's thoughts out of a text that comes in pieces, however they are marked and cut: by tags
//! (`<think>…</think>`), by a model's own marks (`[THINK]`, `<|channel|>analysis`), or by a closing tag alone, where
//! the prompt opened them.

/// Names of tags that hold thoughts, whatever namespace stands before them.
const NAMES: [&str; 9] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "thinking_process",
    "longcat_think",
    "scratchpad",
];
/// Other marks, and what ends what they begin.
const MARKS: [(&str, &[&str]); 10] = [
    ("[THINK]", &["[/THINK]"]),
    ("◁think▷", &["◁/think▷"]),
    ("<|begin_of_thought|>", &["<|end_of_thought|>"]),
    ("<|START_THINKING|>", &["<|END_THINKING|>"]),
    ("<|inner_prefix|>", &["<|inner_suffix|>"]),
    ("<|think|>", &["<|end|>", "<|begin|>assistant"]),
    ("<unused94>thought", &["<unused95>"]),
    ("<|channel>thought", &["<channel|>"]),
    ("<|channel|>analysis", &["<|end|>", "<|channel|>final"]),
    ("<|channel|>commentary", &["<|end|>", "<|channel|>final"]),
];
/// Words alone, where the serving program has dropped the marks or the model has none; only at the beginning.
const BARE: [(&str, &[&str]); 2] =
    [("analysis", &["assistantfinal"]), ("Here is my thought process:", &["Here is my response:"])];
/// Marks around an answer, which are no part of it.
const FRAMES: [&str; 24] = [
    "<|start|>assistant",
    "<|channel|>final",
    "<|message|>",
    "<|end|>",
    "<|return|>",
    "<|begin_of_solution|>",
    "<|end_of_solution|>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<|begin_of_box|>",
    "<|end_of_box|>",
    "<|im_start|>assistant",
    "<|begin|>assistant",
    "<|content|>",
    "<|start_header_id|>assistant<|end_header_id|>",
    "[BEGIN FINAL RESPONSE]",
    "[END FINAL RESPONSE]",
];
/// A tag around the answer, after thoughts.
const ANSWER: &str = "answer";
/// A tag is no longer than this, with its attributes.
const MAX_TAG_BYTES: usize = 80;

#[derive(Debug)]
pub(super) struct Thoughts {
    place: Place,
    /// What may become a mark.
    rest: String,
    /// The text so far, while it may still turn out to be thoughts.
    kept: Option<String>,
    code: Code,
    wrapped: bool,
    /// Whether there were any.
    pub(super) seen: bool,
    /// Whether some were closed that had not been opened.
    pub(super) unopened: bool,
}

/// Whether what was written last is in code, where a tag is none: in a fence, or between backticks in a line.
#[derive(Debug, Default)]
struct Code {
    fenced: bool,
    /// Backticks in this line, and those that it begins with.
    ticks: usize,
    leading: usize,
    in_line: bool,
}

impl Code {
    fn pass(&mut self, c: char) {
        match c {
            '\n' => *self = Self { fenced: self.fenced, ..Self::default() },
            '`' => {
                self.ticks += 1;
                self.leading += usize::from(!self.in_line);
                self.fenced ^= !self.in_line && self.leading == 3;
            }
            ' ' if self.ticks == 0 => {}
            _ => self.in_line = true,
        }
    }

    fn holds(&self) -> bool {
        self.fenced || self.ticks % 2 == 1
    }
}

#[derive(Debug)]
enum Place {
    /// Nothing of the answer has come.
    Before,
    Answer,
    /// In thoughts; `aside` is what they are where they do not end, and so are none.
    Inside {
        end: End,
        aside: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Tag,
    Marks(&'static [&'static str]),
}

/// What a text begins with.
enum Seen {
    Open(End),
    Close,
    Frame,
    Text,
    /// More must come before it is known.
    Unknown,
}

impl Thoughts {
    /// `opens`: whether these texts are known not to close what they did not open. Where that is not known, the text
    /// is handed out at its end only, or as soon as it is known.
    pub(super) fn new(opens: bool) -> Self {
        Self {
            place: Place::Before,
            rest: String::new(),
            kept: (!opens).then(String::new),
            code: Code::default(),
            wrapped: false,
            seen: false,
            unopened: false,
        }
    }

    /// Takes the next piece; returns what can be handed on.
    pub(super) fn feed(&mut self, piece: &str) -> String {
        let mut out = String::new();
        let text = std::mem::take(&mut self.rest) + piece;
        let mut at = 0;
        while at < text.len() {
            let left = &text[at..];
            let (seen, length) = self.look(left);
            if matches!(seen, Seen::Unknown) {
                left.clone_into(&mut self.rest);
                break;
            }
            self.take(seen, &left[..length], &mut out);
            at += length;
        }
        out
    }

    /// Its thoughts come apart from its texts, so that these hold none.
    pub(super) fn come_apart(&mut self) -> String {
        self.seen = true;
        self.kept.take().unwrap_or_default()
    }

    /// Returns what is left at the end.
    pub(super) fn end(&mut self) -> String {
        let mut out = String::new();
        let rest = std::mem::take(&mut self.rest);
        match std::mem::replace(&mut self.place, Place::Answer) {
            Place::Inside { aside: Some(aside), .. } => self.write(&(aside + &rest), &mut out),
            Place::Inside { aside: None, .. } => self.seen = true,
            place => {
                self.place = place;
                self.write(&rest, &mut out);
            }
        }
        self.kept.take().unwrap_or_default() + &out
    }

    fn take(&mut self, seen: Seen, text: &str, out: &mut String) {
        if let Place::Inside { aside, .. } = &mut self.place {
            if matches!(seen, Seen::Close) {
                self.place = if aside.is_some() { Place::Answer } else { Place::Before };
                self.seen = true;
            } else if let Some(aside) = aside {
                aside.push_str(text);
            }
            return;
        }
        match seen {
            Seen::Open(end) => {
                // Only what stands before the answer is sure to be thoughts, even if they never end.
                let sure = matches!(self.place, Place::Before)
                    && BARE.iter().all(|(_, ends)| end != End::Marks(ends));
                if sure {
                    self.kept = None;
                }
                self.place = Place::Inside { end, aside: (!sure).then(|| text.to_owned()) };
            }
            Seen::Close => self.close(),
            Seen::Frame => {}
            Seen::Text | Seen::Unknown => self.write(text, out),
        }
    }

    /// All before it were thoughts, if it has not been handed out.
    fn close(&mut self) {
        (self.seen, self.unopened) = (true, true);
        if self.kept.take().is_some() {
            (self.place, self.code) = (Place::Before, Code::default());
        }
    }

    fn write(&mut self, text: &str, out: &mut String) {
        let text = if matches!(self.place, Place::Before) { text.trim_start() } else { text };
        if text.is_empty() {
            return;
        }
        self.place = Place::Answer;
        text.chars().for_each(|c| self.code.pass(c));
        self.kept.as_mut().unwrap_or(out).push_str(text);
    }

    /// What the text begins with, and how long that is.
    fn look(&mut self, text: &str) -> (Seen, usize) {
        let first = text.chars().next().map_or(1, char::len_utf8);
        let plain = (Seen::Text, first);
        if let Place::Inside { end, .. } = &self.place {
            return match end {
                End::Tag => tag(text, |name, closes| (closes && holds_thoughts(name)).then_some(Seen::Close)),
                End::Marks(marks) => mark(text, marks.iter().map(|end| (*end, Seen::Close))),
            }
            .unwrap_or(plain);
        }
        let before = matches!(self.place, Place::Before);
        let in_code = self.code.holds();
        let (seen, wrapped) = (self.seen, self.wrapped);
        let found = tag(text, |name, closes| match closes {
            true if holds_thoughts(name) && !in_code => Some(Seen::Close),
            false if holds_thoughts(name) && !in_code => Some(Seen::Open(End::Tag)),
            false if name == ANSWER && before && seen => Some(Seen::Frame),
            true if name == ANSWER && wrapped => Some(Seen::Frame),
            _ => None,
        });
        let bare = BARE.iter().filter(|_| before).map(|(begin, ends)| (*begin, Seen::Open(End::Marks(ends))));
        let opens = MARKS.iter().map(|(begin, ends)| (*begin, Seen::Open(End::Marks(ends))));
        let frames = FRAMES.iter().map(|frame| (*frame, Seen::Frame));
        let closes = MARKS.iter().filter(|(_, ends)| ends.len() == 1).map(|(_, ends)| (ends[0], Seen::Close));
        let marks = || mark(text, opens.chain(frames).chain(closes).chain(bare));
        let found = match found {
            Some(found) => Some(found),
            None if in_code => None,
            None => marks(),
        };
        if let Some((Seen::Frame, length)) = &found {
            self.wrapped |= text[..*length].eq_ignore_ascii_case("<answer>");
        }
        found.unwrap_or(plain)
    }
}

fn holds_thoughts(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Reads a tag that is one of those wanted: its name without its namespace, and whether it closes.
fn tag(text: &str, wanted: impl FnOnce(&str, bool) -> Option<Seen>) -> Option<(Seen, usize)> {
    let inside = text[..text.floor_char_boundary(MAX_TAG_BYTES)].strip_prefix('<')?;
    let (closes, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
    let name_ends = inside.find(|c: char| !(c.is_ascii_alphabetic() || c == '_' || c == ':'));
    let name = inside[..name_ends.unwrap_or(inside.len())].to_ascii_lowercase();
    let bare = name.rsplit(':').next().unwrap_or_default();
    let known = || NAMES.iter().chain([&ANSWER]);
    let Some(end) = inside.find('>') else {
        let short = text.len() < MAX_TAG_BYTES && !inside.contains(['\n', '<']);
        let may_be = match name_ends {
            // A namespace may still come before the name.
            None => true,
            Some(_) => known().any(|known| *known == bare),
        };
        return (short && may_be).then_some((Seen::Unknown, text.len()));
    };
    let attributes = &inside[name_ends.unwrap_or(end)..end];
    let fits = attributes.is_empty() || attributes.starts_with(' ');
    let length = 1 + usize::from(closes) + end + 1;
    wanted(bare, closes).filter(|_| fits).map(|seen| (seen, length))
}

/// Reads a mark that is one of those wanted; the longest, where one begins with another.
fn mark(text: &str, wanted: impl Iterator<Item = (&'static str, Seen)>) -> Option<(Seen, usize)> {
    let mut unknown = false;
    let mut found: Option<(Seen, usize)> = None;
    for (mark, seen) in wanted {
        if text.starts_with(mark) {
            if found.as_ref().is_none_or(|(_, length)| *length < mark.len()) {
                found = Some((seen, mark.len()));
            }
        } else {
            unknown |= mark.starts_with(text);
        }
    }
    found.or_else(|| unknown.then_some((Seen::Unknown, text.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(text: &str, piece_chars: usize, opens: bool) -> String {
        let mut thoughts = Thoughts::new(opens);
        let chars: Vec<char> = text.chars().collect();
        let pieces = chars.chunks(piece_chars).map(|piece| piece.iter().collect::<String>());
        let mut out: String = pieces.map(|piece| thoughts.feed(&piece)).collect();
        out.push_str(&thoughts.end());
        out
    }

    #[test]
    fn thoughts_are_taken_out_however_they_are_marked_and_cut() {
        for (text, expected) in [
            ("Plain, 1 < 2 and a <b>bold</b> word.", "Plain, 1 < 2 and a <b>bold</b> word."),
            ("<think>hm</think>\n\nYes.", "Yes."),
            ("\n<think>\n\n</think>\n\nYes.", "Yes."),
            ("<THINKING>hm</THINKING>Yes.", "Yes."),
            ("<seed:think>hm</seed:think>Yes.", "Yes."),
            ("<thought time=\"3\">hm <b></thought>Yes.", "Yes."),
            ("<think>one</think><think>two</think>Yes.", "Yes."),
            ("Yes. <think>hm</think>And no.", "Yes. And no."),
            ("<think>never ended", ""),
            ("An opening <think> alone, at the end", "An opening <think> alone, at the end"),
            ("Write `<think>` and `</think>` so.", "Write `<think>` and `</think>` so."),
            ("```\n<think>\n</think>\n```\nis code", "```\n<think>\n</think>\n```\nis code"),
            ("[THINK]hm[/THINK]Yes [THINK].", "Yes [THINK]."),
            ("Says [thinking] and [reasoning].", "Says [thinking] and [reasoning]."),
            ("◁think▷hm◁/think▷Yes.", "Yes."),
            ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Yes."),
            (
                "<|begin_of_thought|>hm<|end_of_thought|>\n<|begin_of_solution|>Yes.<|end_of_solution|>",
                "Yes.",
            ),
            ("<|channel>thought\nhm<channel|>Yes.", "Yes."),
            (
                "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
                "Yes.",
            ),
            ("<|channel|>analysis<|message|>hm<|channel|>final<|message|>Yes.", "Yes."),
            ("<|channel|>final<|message|>Yes.", "Yes."),
            ("analysisWe think.assistantfinalYes.", "Yes."),
            ("analysis of it: fine", "analysis of it: fine"),
            ("<think>hm</think><answer>Yes.</answer>", "Yes."),
            ("<answer>Yes.</answer>", "<answer>Yes.</answer>"),
            ("ends with <thi", "ends with <thi"),
            ("Yes.<|im_end|>", "Yes."),
            ("Here is my thought process: hm Here is my response:Yes.", "Yes."),
            ("<|think|>hm<|end|><|begin|>assistant<|content|>Yes.", "Yes."),
            ("<longcat_think>hm</longcat_think>Yes.", "Yes."),
        ] {
            for piece in [1, 2, 3, 7, 1_000] {
                for opens in [true, false] {
                    assert_eq!(through(text, piece, opens), expected, "{text:?} in {piece}");
                }
            }
        }
    }

    #[test]
    fn what_the_prompt_opened_ends_at_the_closing_tag() {
        for piece in [1, 2, 5, 1_000] {
            assert_eq!(through("hm, it's `4\n</think>\n\nFour.", piece, false), "Four.");
            assert_eq!(through("hm, 4</think>Four.", piece, false), "Four.");
            assert_eq!(through("hm, 4[/THINK]Four.", piece, false), "Four.");
        }
        let mut thoughts = Thoughts::new(true);
        assert_eq!(thoughts.feed("hm</think>Four") + &thoughts.end(), "hmFour", "it was handed out");
        assert!(thoughts.unopened);
    }

    #[test]
    fn many_marks_are_read_once() {
        assert_eq!(through(&"<think></think>".repeat(200_000), 3_000_000, true), "");
        for piece in [4, 1_000_000] {
            assert_eq!(through(&"<".repeat(1_000_000), piece, true).len(), 1_000_000);
        }
    }
}
