//! Numbers as people write them, in any language: `1,234.5`, `1.234,5`, `45k`, `٣٫٥`, `１２`.

use std::sync::LazyLock;

use regex::Regex;

/// Numbers read from one text at most; the rest is left out.
pub(crate) const MOST: usize = 100_000;

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[-−]?\d[\d.,'’]*\d(?:[eE][-+]?\d+)?|[-−]?\d(?:[eE][-+]?\d+)?|[-−]?\.\d+")
        .expect("a constant pattern")
});

/// A number and where it stands in the text it was read from (after [`plain`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) value: f64,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// How this text writes its numbers.
#[derive(Clone, Copy)]
struct Style {
    decimal_comma: bool,
    dotted_thousands: bool,
}

/// Every number in the text.
pub(crate) fn numbers(text: &str) -> Vec<f64> {
    find(&plain(text)).into_iter().map(|found| found.value).collect()
}

/// The numbers it is about: those after a lead-in such as "The mean of these 3 months:", else all.
pub(crate) fn subject_numbers(text: &str) -> Vec<f64> {
    let after = super::subject::split(text).map(|(_, subject)| numbers(subject)).unwrap_or_default();
    if after.len() >= 2 { after } else { numbers(text) }
}

/// The text with the digits and marks of other scripts replaced by ours.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '٠'..='٩' => digit(letter, '٠'),
            '۰'..='۹' => digit(letter, '۰'),
            '०'..='९' => digit(letter, '०'),
            '０'..='９' => digit(letter, '０'),
            '٫' => '.',
            '٬' | '،' | '，' | '、' => ',',
            '：' => ':',
            '\u{a0}' | '\u{202f}' | '\u{3000}' => ' ',
            other => other,
        })
        .collect()
}

fn digit(letter: char, zero: char) -> char {
    let value = u32::from(letter) - u32::from(zero);
    char::from_digit(value, 10).unwrap_or(letter)
}

/// The numbers of a text that is already [`plain`].
pub(crate) fn find(text: &str) -> Vec<Found> {
    let style = Style { decimal_comma: comma_is_decimal(text), dotted_thousands: dot_marks_thousands(text) };
    let mut found = Vec::new();
    for token in TOKEN.find_iter(text) {
        if found.len() >= MOST {
            break;
        }
        read_token(text, token.start(), token.as_str(), style, &mut found);
    }
    found
}

fn read_token(text: &str, start: usize, token: &str, style: Style, found: &mut Vec<Found>) {
    // "A4", "sha256", "v1.2": a digit within a word is not a number somebody counts with.
    let (before, glued) = text[..start]
        .chars()
        .next_back()
        .map_or((' ', false), |letter| (letter, letter.is_ascii_alphabetic() || letter == '_'));
    if glued {
        return;
    }
    // "10-20": the dash is a range, not a sign.
    let ranged = before.is_ascii_digit() && token.starts_with(['-', '−']);
    let skipped = if ranged { token.chars().next().map_or(0, char::len_utf8) } else { 0 };
    let (token, start) = (&token[skipped..], start + skipped);
    let pieces: Vec<&str> = if is_list(token, style) { token.split(',').collect() } else { vec![token] };
    let mut at = start;
    for piece in pieces {
        let end = at + piece.len();
        if let Some(value) = value(piece, style) {
            let (factor, taken) = factor(&text[end..]);
            found.push(Found { value: value * factor, start: at, end: end + taken });
        }
        at = end + 1;
    }
}

/// Whether commas in the token part several numbers: `12,15,19`, but not `1,000,000`.
fn is_list(token: &str, style: Style) -> bool {
    let commas = token.matches(',').count();
    if commas == 0 || style.decimal_comma {
        return false;
    }
    let groups: Vec<&str> = token.split(',').collect();
    let thousands = groups[1..].iter().all(|group| {
        let digits = group.split('.').next().unwrap_or(group);
        digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
    }) && groups[0].trim_start_matches(['-', '−']).len() <= 3
        && !groups[0].contains('.');
    if !thousands {
        return !(commas == 1 && token.contains('.') && token.rfind(',') > token.find('.'));
    }
    // "100,200,300" is a list; "1,200,000" and "1,250" are one number.
    commas >= 2 && !groups[1..].iter().any(|group| group.starts_with('0')) && !groups[commas].contains('.')
}

/// Whether `3,5` means three and a half here: every comma stands between digits, followed by one or two of them,
/// once per number.
fn comma_is_decimal(text: &str) -> bool {
    let mut any = false;
    for token in TOKEN.find_iter(text).filter(|token| token.as_str().contains(',')) {
        let token = token.as_str();
        let fraction = token.rsplit(',').next().unwrap_or_default();
        if token.matches(',').count() != 1 || fraction.is_empty() || fraction.len() > 2 {
            return false;
        }
        any = true;
    }
    any
}

fn value(piece: &str, style: Style) -> Option<f64> {
    let mut piece = piece.replace('−', "-").replace(['\'', '’'], "");
    let last_comma_after_dot =
        matches!((piece.rfind(','), piece.rfind('.')), (Some(comma), Some(dot)) if comma > dot);
    if style.decimal_comma || last_comma_after_dot {
        piece = if piece.contains(',') {
            piece.replace('.', "").replace(',', ".")
        } else {
            thousands_by_dot(&piece, style)
        };
    } else {
        piece = thousands_by_dot(&piece.replace(',', ""), style);
    }
    piece.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Whether a dot marks thousands here: nobody writes thirty as `30.000`.
fn dot_marks_thousands(text: &str) -> bool {
    TOKEN.find_iter(text).any(|token| {
        let token = token.as_str().trim_start_matches(['-', '−']);
        token
            .split_once('.')
            .is_some_and(|(whole, fraction)| fraction == "000" && whole != "0" && whole.len() <= 3)
    })
}

/// `1.234.567` is one number with marked thousands, and so is `2.100` where the dot marks them.
fn thousands_by_dot(piece: &str, style: Style) -> String {
    let groups: Vec<&str> = piece.split('.').collect();
    let marked = groups.len() > 1 && groups[1..].iter().all(|group| group.len() == 3);
    if marked && (groups.len() > 2 || style.dotted_thousands) && groups[0].trim_start_matches('-') != "0" {
        groups.concat()
    } else {
        piece.to_owned()
    }
}

/// `45k` is forty-five thousand, `3万` thirty thousand.
fn factor(after: &str) -> (f64, usize) {
    let mut letters = after.chars();
    let first = letters.next().unwrap_or(' ');
    let alone = !letters.next().is_some_and(|next| next.is_ascii_alphanumeric());
    match first {
        'k' | 'K' if alone => (1e3, 1),
        '万' | '萬' => (1e4, first.len_utf8()),
        _ => (1.0, 0),
    }
}

/// A percentage as people like to read it.
pub(crate) fn percent(value: f64) -> String {
    show((value * 100.0).round() / 100.0)
}

/// A number as people like to read it.
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

#[cfg(test)]
mod tests {
    use super::{numbers, show, subject_numbers};

    #[test]
    fn numbers_are_read_as_they_are_meant() {
        assert_eq!(numbers("12, 15, 19"), [12.0, 15.0, 19.0]);
        assert_eq!(numbers("12,15,19"), [12.0, 15.0, 19.0]);
        assert_eq!(numbers("1,234.5 and 1.234,5"), [1234.5, 1234.5]);
        assert_eq!(numbers("1,200,000"), [1_200_000.0]);
        assert_eq!(numbers("30,000 or 45k"), [30_000.0, 45_000.0]);
        assert_eq!(numbers("bei 30.000 gekauft, aktuell 2.100"), [30_000.0, 2100.0]);
        assert_eq!(numbers("2.100 and 3.5"), [2.1, 3.5]);
        assert_eq!(numbers("12,5 14,0 9,3"), [12.5, 14.0, 9.3]);
        assert_eq!(numbers("١٢ و ١٥٫٥"), [12.0, 15.5]);
        assert_eq!(numbers("３、４、５"), [3.0, 4.0, 5.0]);
        assert_eq!(numbers("-3 to -1.5e2, A4"), [-3.0, -150.0]);
        assert_eq!(numbers("100,200,300"), [100.0, 200.0, 300.0]);
    }

    #[test]
    fn the_lead_in_is_not_counted() {
        assert_eq!(subject_numbers("Mean of these 3 values: 1 2 3"), [1.0, 2.0, 3.0]);
        assert_eq!(show(1234.5), "1234.5");
        assert_eq!(show(-0.0), "0");
    }
}
