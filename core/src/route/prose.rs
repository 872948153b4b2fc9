//! What of a message is written to somebody, and what is only shown: quotes, code, diffs (CommonMark 0.31).

use std::ops::Range;

/// What is only shown, in order and apart: fenced, indented and marked code, quoted lines and words, diffs.
pub(crate) fn shown(text: &str) -> Vec<Range<usize>> {
    let mut shown = blocks(text);
    shown.extend(elements(text));
    shown.extend(quotes(text));
    merged(shown)
}

/// The same, and comments and rows of tables: what is pasted without a fence.
pub(crate) fn pasted(text: &str) -> Vec<Range<usize>> {
    let mut pasted = shown(text);
    pasted.extend(enclosed(text));
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        pasted.extend(line_comment(line).map(|start| at + start..at + line.len()));
        at += line.len();
    }
    merged(pasted)
}

/// Whether this place is only shown.
pub(crate) fn is_shown(shown: &[Range<usize>], at: usize) -> bool {
    let after = shown.partition_point(|range| range.start <= at);
    after > 0 && at < shown[after - 1].end
}

/// The end of the line below which code begins that is pasted without a fence; the first line is none.
pub(super) fn code_below(text: &str) -> Option<usize> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line.trim())
    });
    let mut lines = lines.skip_while(|(_, line)| line.is_empty());
    let (_, first) = lines.next()?;
    (!is_code(first)).then(|| lines.find(|(_, line)| is_code(line)))?.map(|(start, _)| start - 1)
}

/// Whether a line is code whatever its language: a block or a call ends with it, or it is a decorator with arguments.
fn is_code(line: &str) -> bool {
    let called = line.strip_prefix('@').and_then(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "._".contains(c)).strip_prefix('(')
    });
    called.is_some() || ["{", "}", ");", "):", "];"].iter().any(|end| line.ends_with(end))
}

/// Lines that are shown as a whole.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let (mut blocks, mut at) = (Vec::new(), 0);
    let (mut fence, mut in_diff, mut before) = (None::<(char, usize)>, false, Before::Nothing);
    let begins_with_code = begins_with_code(text);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t']);
        let is_indented = line.starts_with('\t') || line.len() - bare.len() >= 4;
        let mark = fence_of(bare).filter(|_| !is_indented);
        in_diff |= ["@@ -", "diff --git ", "--- a/"].iter().any(|start| line.starts_with(start));
        let is_shown = match (fence, mark) {
            (Some((open, least)), Some((mark, count))) if open == mark && count >= least => {
                fence = None;
                true
            }
            (Some(_), _) => true,
            (None, Some(mark)) => {
                fence = Some(mark);
                true
            }
            (None, None) => {
                let is_code = is_indented && before != Before::Prose;
                let is_diff = in_diff && line.starts_with(['+', '-', ' ', '@', '\\']);
                is_code || is_diff || bare.starts_with(['>', '\u{FF1E}'])
            }
        };
        // Before anything is said, what is indented is only written so.
        before = match before {
            Before::Nothing if bare.trim().is_empty() => Before::Nothing,
            _ if bare.trim().is_empty() || is_shown => Before::Gap,
            _ => Before::Prose,
        };
        let only_written_so = is_indented && !begins_with_code && text[..at].trim().is_empty();
        if is_shown && !(only_written_so && blocks.is_empty()) {
            blocks.push(at..at + line.len());
        }
        at += line.len();
    }
    blocks
}

/// The character of a fence and how many there are; it is closed by as many at least (CommonMark 4.5).
fn fence_of(line: &str) -> Option<(char, usize)> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let count = line.chars().take_while(|c| *c == mark).count();
    (count >= 3).then_some((mark, count))
}

/// Whether a text begins with indented lines, and what is said comes behind a gap.
fn begins_with_code(text: &str) -> bool {
    let mut gap = false;
    for line in text.lines() {
        match line.starts_with('\t') || line.starts_with("    ") {
            _ if line.trim().is_empty() => gap = true,
            true => gap = false,
            false => return gap,
        }
    }
    false
}

/// What stands before a line: an indented line goes on with prose, and is code behind a gap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Prose,
    Gap,
}

/// `<pre>` and `<code>`; without its end, all that follows.
fn elements(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut elements = Vec::new();
    for (open, close) in [("<pre", "</pre>"), ("<code", "</code>")] {
        let mut from = 0;
        while let Some(at) = lower[from..].find(open).map(|at| from + at) {
            from = at + open.len();
            if lower[from..].starts_with([' ', '>']) {
                let end = lower[from..].find(close).map_or(text.len(), |end| from + end + close.len());
                elements.push(at..end);
                from = end;
            }
        }
    }
    elements
}

/// Comments with a beginning and an end. One that nothing closes may be a path (`/tmp/*`), and ends with its line.
fn enclosed(text: &str) -> Vec<Range<usize>> {
    let mut comments = Vec::new();
    for (open, close) in [("/*", "*/"), ("<!--", "-->")] {
        let mut from = 0;
        while let Some(at) = text[from..].find(open).map(|at| from + at) {
            let body = at + open.len();
            let is_path = text[..at].ends_with(|c: char| c.is_alphanumeric() || "._-*~".contains(c));
            let line = text[body..].find('\n').map_or(text.len(), |end| body + end);
            let end = text[body..].find(close).map_or(line, |end| body + end + close.len());
            from = if is_path { body } else { end };
            comments.extend((!is_path).then_some(at..end));
        }
    }
    comments
}

/// Where the comment of a line begins; a row of a table is one as a whole.
fn line_comment(line: &str) -> Option<usize> {
    let bare = line.trim_start();
    let behind_its_mark = match bare.chars().next()? {
        '#' => bare.trim_start_matches('#'),
        '/' => bare.strip_prefix("//")?.trim_start_matches(['/', '!']),
        '-' => bare.strip_prefix("--")?,
        ';' | '%' => &bare[1..],
        '|' => return Some(line.len() - bare.len()),
        _ => "-",
    };
    let is_comment = behind_its_mark.starts_with([' ', '\t', '@']);
    let behind_code =
        || [" // ", "\t// ", ";// ", " # ", "\t# "].iter().filter_map(|mark| line.find(mark)).min();
    is_comment.then_some(line.len() - bare.len()).or_else(behind_code)
}

/// Code between backticks, and speech between quotation marks. A mark that nothing closes quotes nothing.
fn quotes(text: &str) -> Vec<Range<usize>> {
    const MARKS: [(&str, &str); 8] = [
        ("```", "```"),
        ("``", "``"),
        ("`", "`"),
        ("\"", "\""),
        ("“", "”"),
        ("„", "“"),
        ("«", "»"),
        ("「", "」"),
    ];
    let mut quotes = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    let mut from = 0;
    for (at, _) in text.char_indices() {
        let rest = &text[at..];
        if at < from {
            continue;
        } else if let Some((start, close)) = open {
            if rest.starts_with(close) {
                from = at + close.len();
                quotes.push(start..from);
                open = None;
            }
        } else if let Some((mark, close)) = MARKS.iter().find(|(mark, _)| rest.starts_with(mark)) {
            open = Some((at, close));
            from = at + mark.len();
        }
    }
    quotes
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_told_from_what_is_said() {
        for (what, text, said) in [
            ("all is said", "one X two", true),
            ("a quoted line", "> X\nme", false),
            ("below a quoted line", "> one\nX", true),
            ("fenced", "see\n```\nX\n```", false),
            ("fenced with tildes", "see\n~~~ py\nX\n~~~\nend", false),
            ("a fence that nothing closes", "see\n```\nX", false),
            ("below a fence", "```\na\n```\nX", true),
            ("a fence within another one", "~~~\n```\n~~~\nX", true),
            ("indented below a gap", "see:\n\n    X", false),
            ("indented by a tab", "see:\n\n\tX", false),
            ("a line that goes on, indented", "first\n    X", true),
            ("all of it indented", "    X", true),
            ("indented above a gap and words", "    X\n\nwhat is this?", false),
            ("the first line of a paragraph, indented", "    X\ngoes on", true),
            ("in a longer fence around another one", "````\n```\na\n```\nX\n````", false),
            ("quoted with a sign of full width", "\u{FF1E} X\nme", false),
            ("in pre", "see <pre>X</pre>", false),
            ("in code with a class", "see <code class=a>X</code>", false),
            ("after pre", "<PRE>a</PRE> X", true),
            ("a precise word", "<precise> X", true),
            ("a diff", "review\n@@ -1,2 +1,2 @@\n+X", false),
            ("below the head of a diff", "--- a/x\n+++ b/x\n X", false),
            ("in backticks", "see `X`", false),
            ("between quotation marks", "say \"X\"", false),
            ("between corner brackets", "「X」と訳す", false),
            ("behind an inch", "a 3\" X", true),
        ] {
            let at = text.find('X').unwrap();
            assert_eq!(!is_shown(&shown(text), at), said, "{what}");
        }
    }
}
