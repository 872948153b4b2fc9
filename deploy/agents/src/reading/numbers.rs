//! Numbers as people write them, in any language: `1,234.5`, `1.234,5`, `1 234`, `1'234`, `45k`, `٣٫٥`, `１２`, `6×10^3`.
//!
//! A mark that could mean two things is decided by the whole text, since one text uses one notation (see `notation`).

mod notation;
mod plain;
mod show;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use notation::Style;
pub(crate) use plain::plain;
use regex::Regex;
pub(crate) use show::{percent, show};

/// Numbers read from one text at most; the rest is left out.
pub(crate) const MOST: usize = 100_000;

/// Marks stand alone between digits: "1,,2" are two numbers.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-?[0-9]+(?:[.,'][0-9]+)*(?:[eE][-+]?[0-9]+)?|-?\.[0-9]+(?:[eE][-+]?[0-9]+)?")
        .expect("a constant pattern")
});
/// Codes of currencies, which are often written without a blank before the number; "A4" is a word.
const CURRENCIES: &[&str] = &[
    "USD", "US", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "BRL", "R", "RUB", "TRY", "PLN", "CZK",
    "SEK", "NOK", "DKK", "CAD", "AUD", "NZD", "MXN", "KRW", "ZAR", "Rs", "Fr", "kr", "BTC", "ETH",
];

/// A number and where it stands in the text it was read from (after [`plain`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) value: f64,
    pub(crate) start: usize,
    pub(crate) end: usize,
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

/// The numbers of a text that is already [`plain`].
pub(crate) fn find(text: &str) -> Vec<Found> {
    let style = Style::of(|| TOKEN.find_iter(text).map(|token| token.as_str()));
    let mut found: Vec<Found> = Vec::new();
    for token in TOKEN.find_iter(text) {
        // The ten of "6×10^3" was read with the six.
        let read = found.last().map_or(0, |last| last.end);
        if found.len() >= MOST {
            break;
        }
        if token.start() >= read {
            read_token(text, token.start(), token.as_str(), style, &mut found);
        }
    }
    found
}

fn read_token(text: &str, start: usize, token: &str, style: Style, found: &mut Vec<Found>) {
    let before = &text[..start];
    if glued(before) {
        return;
    }
    // "10-20": the dash is a range, not a sign.
    let ranged = before.ends_with(|c: char| c.is_ascii_digit()) && token.starts_with('-');
    let skipped = usize::from(ranged);
    let (token, start) = (&token[skipped..], start + skipped);
    let money = before.trim_end().ends_with(['$', '€', '£', '¥', '₹']);
    let pieces: Vec<&str> =
        if notation::is_list(token, style, money) { token.split(',').collect() } else { vec![token] };
    let mut at = start;
    for piece in pieces {
        let end = at + piece.len();
        if let Some(value) = notation::value(piece, style) {
            let (factor, taken) = factor(&text[end..]);
            found.push(Found { value: value * factor, start: at, end: end + taken });
        }
        at = end + 1;
    }
}

/// "A4", "sha256", "v1.2": a digit within a word is not a number somebody counts with.
fn glued(before: &str) -> bool {
    let word = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    let word = &before[before.len() - word..];
    word.ends_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !CURRENCIES.contains(&word)
}

/// `6×10^3`, `6 x 10^-3`, `6·10³`: powers of ten as they are written by hand.
static POWER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s?[×x*·⋅]\s?10(?:\^\(?([-+]?\d{1,3})\)?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}))")
        .expect("a constant pattern")
});
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/// `45k` is forty-five thousand, `3万` thirty thousand.
fn factor(after: &str) -> (f64, usize) {
    if let Some(power) = POWER.captures(after) {
        let digit = |c: char| match RAISED.chars().position(|raised| raised == c) {
            Some(value) => value.to_string(),
            None => c.to_string().replace('⁻', "-").replace('⁺', "+"),
        };
        let written = power.get(1).or(power.get(2)).map_or("", |found| found.as_str());
        let exponent: i32 = written.chars().map(digit).collect::<String>().parse().unwrap_or(0);
        return (10_f64.powi(exponent), power[0].len());
    }
    let mut letters = after.chars();
    let first = letters.next().unwrap_or(' ');
    let alone = !letters.next().is_some_and(|next| next.is_ascii_alphanumeric());
    match first {
        'k' | 'K' if alone => (1e3, 1),
        '万' | '萬' => (1e4, first.len_utf8()),
        '亿' | '億' => (1e8, first.len_utf8()),
        _ => (1.0, 0),
    }
}
