//! What stands in quotes, in code spans and in fences: the marks say where it begins and ends, and are no part of it.

/// Marks that open, and those that close what they opened.
const MARKS: &[(char, &[char])] = &[
    ('"', &['"']),
    ('＂', &['＂']),
    ('“', &['”', '“']),
    ('”', &['”']),
    ('„', &['“', '”', '"']),
    ('‟', &['”']),
    ('«', &['»']),
    ('»', &['«', '»']),
    ('‹', &['›']),
    ('›', &['‹']),
    ('「', &['」']),
    ('『', &['』']),
    ('｢', &['｣']),
    ('〝', &['〞', '〟']),
];
/// The same, which are apostrophes as well: they open before a word and close behind one.
const APOSTROPHES: &[(char, &[char])] = &[('\'', &['\'']), ('‘', &['’']), ('‚', &['‘', '’'])];
/// So many backticks or tildes make a fence (CommonMark, "Fenced code blocks").
const FENCE: usize = 3;

/// What stands in the first quotes or the first code span.
pub(crate) fn quoted(text: &str) -> Option<&str> {
    all(text, true).next()
}

/// What stands in quotes and code spans, one after the other.
pub(crate) fn every_quoted(text: &str) -> impl Iterator<Item = &str> {
    all(text, true)
}

/// What stands in the first quotes; a word in a code span is mostly a name within a text.
pub(super) fn spoken(text: &str) -> Option<&str> {
    all(text, false).next()
}

/// A text without the quotes or the code span around all of it.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim();
    match found_at(text, 0, true) {
        Some((inner, end)) if end == text.len() => inner,
        _ => text,
    }
}

fn all(text: &str, with_code: bool) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            if let Some((inner, end)) = found_at(text, at, with_code) {
                at = end;
                if !inner.is_empty() {
                    return Some(inner);
                }
            } else {
                at += run_or_char(&text[at..]);
            }
        }
        None
    })
}

/// A run of backticks that closes nothing is passed over as one.
fn run_or_char(rest: &str) -> usize {
    rest.chars().next().map_or(1, |first| if first == '`' { run(rest, '`') } else { first.len_utf8() })
}

fn run(text: &str, mark: char) -> usize {
    text.len() - text.trim_start_matches(mark).len()
}

/// What the mark at this place quotes, and where that ends.
fn found_at(text: &str, at: usize, with_code: bool) -> Option<(&str, usize)> {
    let rest = &text[at..];
    let open = rest.chars().next()?;
    let inside = &rest[open.len_utf8()..];
    if open == '`' {
        let (inner, end) = code_span(rest)?;
        return with_code.then_some((inner, at + end));
    }
    if let Some((_, close)) = MARKS.iter().find(|(mark, _)| *mark == open) {
        let end = inside.find(*close)?;
        let length = inside[end..].chars().next().map_or(0, char::len_utf8);
        return Some((inside[..end].trim(), at + open.len_utf8() + end + length));
    }
    let (_, close) = APOSTROPHES.iter().find(|(mark, _)| *mark == open)?;
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if is_letter(text[..at].chars().next_back()) || inside.starts_with(char::is_whitespace) {
        return None;
    }
    let closes = |(end, mark): &(usize, &str)| !is_letter(inside[end + mark.len()..].chars().next());
    let (end, mark) = inside.match_indices(*close).find(closes)?;
    Some((inside[..end].trim(), at + open.len_utf8() + end + mark.len()))
}

/// As many backticks close it as opened it; a span that holds nothing but another one is that one.
fn code_span(text: &str) -> Option<(&str, usize)> {
    let ticks = run(text, '`');
    let mut from = ticks;
    while let Some(next) = text[from..].find('`') {
        let closing = run(&text[from + next..], '`');
        if closing == ticks {
            let inner = text[ticks..from + next].trim();
            let inner = match code_span(inner) {
                Some((innermost, end)) if end == inner.len() && inner.starts_with('`') => innermost,
                _ => inner,
            };
            return Some((inner, from + next + closing));
        }
        from += next + closing;
    }
    None
}

/// What stands in the first fence of backticks or tildes; one that is not closed goes to the end.
pub(crate) fn fenced(text: &str) -> Option<&str> {
    let ticks = text.find("```").map(|at| (at, '`'));
    let tildes = text.match_indices("~~~").find(|(at, _)| begins_a_line(text, *at)).map(|(at, _)| (at, '~'));
    let (at, mark) = ticks.into_iter().chain(tildes).min()?;
    let length = run(&text[at..], mark);
    let rest = &text[at + length..];
    let first_line = rest.lines().next().unwrap_or_default();
    // "```SELECT 1```" on one line is a span.
    if let Some(end) = first_line.find('`').filter(|_| mark == '`') {
        let inner = first_line[..end].trim();
        return (!inner.is_empty()).then_some(inner);
    }
    let body = &rest[rest.find('\n')? + 1..];
    Some(body[..end_of_fence(body, mark, length)].trim_matches(['\n', '\r']))
}

fn begins_a_line(text: &str, at: usize) -> bool {
    text[..at].rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
}

/// At a line of at least as many marks, else (they are often put behind the last line) wherever as many stand.
fn end_of_fence(body: &str, mark: char, length: usize) -> usize {
    let long = |at: &usize| run(&body[*at..], mark) >= length.max(FENCE);
    let marks: String = std::iter::repeat_n(mark, length).collect();
    let starts = || body.match_indices(&marks).map(|(at, _)| at).filter(long);
    starts().find(|at| begins_a_line(body, *at)).or_else(|| starts().next()).unwrap_or(body.len())
}

#[cfg(test)]
mod tests {
    use super::{every_quoted, fenced, quoted};

    #[test]
    fn marks_are_no_part_of_what_they_quote() {
        for (name, text, inner) in [
            ("straight", "is \"hunter2\" good?", "hunter2"),
            ("curly", "is “hunter2” good?", "hunter2"),
            ("German", "ist „hunter2“ gut?", "hunter2"),
            ("Polish", "czy „hunter2” jest dobre?", "hunter2"),
            ("Swedish", "är ”hunter2” bra?", "hunter2"),
            ("French, with blanks", "est-ce que « hunter2 » va ?", "hunter2"),
            ("French, with no-break spaces", "«\u{a0}hunter2\u{a0}»", "hunter2"),
            ("Danish", "er »hunter2« god?", "hunter2"),
            ("Swiss, single", "ist ‹hunter2› gut?", "hunter2"),
            ("Japanese", "「hunter2」は安全？", "hunter2"),
            ("Japanese, double", "『hunter2』は安全？", "hunter2"),
            ("single", "is 'hunter2' good?", "hunter2"),
            ("single, curly", "is ‘hunter2’ good?", "hunter2"),
            ("single, with an apostrophe within", "is 'Ann's cat' good?", "Ann's cat"),
            ("a code span", "password `hunter2`", "hunter2"),
            ("a code span of two", "password ``hun`ter2``", "hun`ter2"),
            ("a code span in another", "password `` `hunter2` ``", "hunter2"),
            ("a code span of three", "password ```hunter2```", "hunter2"),
            ("quotes in a code span", "run `echo \"hi\"` now", "echo \"hi\""),
            ("the first of two", "from “a” to `b`", "a"),
            ("empty ones are none", "\"\" and ``x``", "x"),
            ("one that is not closed", "` and “x”", "x"),
        ] {
            assert_eq!(quoted(text), Some(inner), "{name}");
        }
        for text in
            ["it's Ann's turn", "the dogs' and cats' food", "a 5' 7 wall", "rock 'n roll", "`", "“open", ""]
        {
            assert_eq!(quoted(text), None, "{text}");
        }
        assert_eq!(every_quoted("`a.txt`, “b” and 'c'").collect::<Vec<_>>(), ["a.txt", "b", "c"]);
    }

    #[test]
    fn a_fence_holds_what_stands_between_its_lines() {
        for (name, text, inner) in [
            ("backticks", "review\n```rust\nlet a = 1;\n```", "let a = 1;"),
            ("tildes", "review\n~~~\nlet a = 1;\n~~~", "let a = 1;"),
            ("with a title", "```js title=\"a b.js\" {1,3}\nlet a;\n```", "let a;"),
            ("a longer one around a shorter", "````md\n```\nx\n```\n````", "```\nx\n```"),
            ("tildes around backticks", "~~~\n```\nx\n```\n~~~", "```\nx\n```"),
            ("behind words", "review ```\nx\n```", "x"),
            ("closed behind the last line", "```\nx```", "x"),
            ("not closed", "```py\nx\ny", "x\ny"),
            ("on one line", "run ```SELECT 1``` please", "SELECT 1"),
            ("line ends of Windows", "```\r\nx\r\n```\r\n", "x"),
            ("indented", "  ```\n  x\n  ```", "  x\n  "),
        ] {
            assert_eq!(fenced(text), Some(inner), "{name}");
        }
        for text in ["no fence", "``x``", "a ~~~ b", "```"] {
            assert_eq!(fenced(text), None, "{text}");
        }
    }
}
