//! The words of a text, in any script. Nothing here knows a language.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Of a longer text the beginning and the end are read; requests stand there, pasted data in between.
const HEAD_CHARS: usize = 700;
const TAIL_CHARS: usize = 300;

/// Splits into words of letters; runs of digits become one sign, since what matters is that a number is there. Scripts
/// that are written without spaces give a word per character.
pub(in crate::route) fn words(text: &str) -> Vec<Vec<char>> {
    Words::of(text).iter().map(<[char]>::to_vec).collect()
}

/// The same, one after the other: no text is read more often than this way.
#[derive(Debug)]
pub(super) struct Words {
    /// A space stands before and after every word.
    chars: Vec<char>,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut words = Self { chars: Vec::with_capacity(text.len().min(2 * (HEAD_CHARS + TAIL_CHARS)) + 2) };
        words.chars.push(' ');
        // What is composed already need not be composed again.
        if text.is_ascii() || is_nfkc_quick(bounded(text)) == IsNormalized::Yes {
            bounded(text).for_each(|c| words.add(c));
        } else {
            bounded(text).nfkc().for_each(|c| words.add(c));
        }
        words.end();
        words
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[char]> {
        self.padded().map(|padded| &padded[1..padded.len() - 1])
    }

    /// Every word with the spaces around it.
    pub(super) fn padded(&self) -> impl Iterator<Item = &[char]> {
        let mut from = 0;
        let ends = self.chars.iter().enumerate().skip(1).filter(|(_, c)| **c == ' ');
        ends.map(move |(end, _)| &self.chars[std::mem::replace(&mut from, end)..=end])
    }

    /// With the spaces.
    pub(super) fn chars(&self) -> usize {
        self.chars.len()
    }

    fn add(&mut self, c: char) {
        if c.is_ascii() {
            self.add_lower(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().for_each(|c| self.add_lower(c));
        }
    }

    fn add_lower(&mut self, c: char) {
        if is_letter(c) {
            self.chars.push(c);
            return;
        }
        let c = if c.is_numeric() { '0' } else { c };
        if c == '0' && self.chars.last() == Some(&'0') {
            return;
        }
        if is_unspaced(c) || is_sign(c) {
            self.end();
            self.chars.extend([c, ' ']);
        } else if is_mark(c) || c.is_alphanumeric() {
            self.chars.push(c);
        } else {
            self.end();
        }
    }

    fn end(&mut self) {
        if self.chars.last() != Some(&' ') {
            self.chars.push(' ');
        }
    }
}

fn bounded(text: &str) -> impl Iterator<Item = char> {
    let head = text.char_indices().nth(HEAD_CHARS).map_or(text.len(), |(at, _)| at);
    let tail = text.char_indices().nth_back(TAIL_CHARS - 1).map_or(0, |(at, _)| at);
    text[..head].chars().chain(text[tail.max(head)..].chars())
}

/// Signs that say something about a request: sums, money, code.
fn is_sign(c: char) -> bool {
    matches!(c, '+' | '*' | '/' | '=' | '%' | '^' | '$' | '€' | '£' | '{' | '}' | '<' | '>')
}

/// Letters that most texts are made of: what is none of them is looked up.
fn is_letter(c: char) -> bool {
    matches!(c, 'a'..='z' | 'ß'..='ö' | 'ø'..='ɏ' | 'ά'..='ώ' | 'а'..='ҁ' | 'א'..='ת' | 'ؠ'..='ي' | '가'..='힣')
}

pub(in crate::route) fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}')
}

pub(in crate::route) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.into_iter().collect()).collect()
    }

    #[test]
    fn words_are_found_in_every_script() {
        assert_eq!(split("What's 12,5 % of ＡＢＣ?"), ["what", "s", "0", "0", "%", "of", "abc"]);
        assert_eq!(split("Größe: 42kg"), ["größe", "0kg"]);
        assert_eq!(split("東京の天気"), ["東", "京", "の", "天", "気"]);
        assert_eq!(split("Какая погода"), ["какая", "погода"]);
        assert_eq!(split("Cafe\u{301} a=b"), ["café", "a", "=", "b"]);
    }

    #[test]
    fn letters_are_what_a_look_up_says_they_are() {
        for c in ('\u{0}'..=char::MAX).filter(|c| is_letter(*c)) {
            assert!(c.is_alphanumeric() && !c.is_numeric() && !is_unspaced(c) && !is_sign(c), "{c}");
        }
    }

    #[test]
    fn a_long_text_is_read_at_both_ends() {
        let text = format!("begin {} end", "x ".repeat(10_000));
        let words = split(&text);
        assert!(words.len() < HEAD_CHARS + TAIL_CHARS);
        assert_eq!((words[0].as_str(), words.last().unwrap().as_str()), ("begin", "end"));
    }
}
