//! A text with the digits, signs and marks of all scripts written in ours, and each blank or apostrophe that marks the
//! thousands of a number as `'`.
//!
//! A no-break, narrow or thin blank is put between digits on purpose: it marks groups wherever three digits follow. A
//! plain blank may also part a list. It marks groups where three digits follow that begin with zero (`1 000`, `12 045`),
//! and in a line whose numbers are parted by commas or words (`1 200, 2 300 and 6 400`): then it does not part them. In
//! a line such as `100 200 300` it parts a list, and between lines, semicolons and brackets (`1 100; 2 200`) rows.

/// The zeros of scripts with digits of their own; the other nine follow each.
const ZEROS: &[char] =
    &['٠', '۰', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '෦', '๐', '໐', '༠', '၀', '០', '᠐', '０'];
const GROUP: usize = 3;

/// The text in our digits and marks.
pub(crate) fn plain(text: &str) -> String {
    let letters: Vec<char> = text.chars().map(ours).collect();
    let mut plain: Vec<char> = letters.clone();
    for (at, letter) in letters.iter().enumerate() {
        let grouped =
            (1..=GROUP).contains(&digits_before(&letters, at)) && digits_after(&letters, at) == GROUP;
        plain[at] =
            match letter {
                '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' => {
                    if grouped {
                        '\''
                    } else {
                        ' '
                    }
                }
                '\'' | '_' if digits_before(&letters, at) > 0 && digits_after(&letters, at) > 0 => {
                    if grouped { '\'' } else { ' ' }
                }
                '，' if grouped => ',',
                '，' | '،' => '、',
                letter => *letter,
            };
    }
    mark_blanks(&mut plain);
    // It parts a list, and is never a decimal mark.
    plain.into_iter().collect::<String>().replace('、', ", ")
}

fn ours(letter: char) -> char {
    let digit = |zero: &char| u32::from(letter).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    if let Some(value) = ZEROS.iter().find_map(digit) {
        return char::from_digit(value, 10).unwrap_or(letter);
    }
    match letter {
        '٫' => '.',
        '٬' => ',',
        '．' => '.',
        '：' => ':',
        '’' | 'ʼ' | '＇' => '\'',
        '−' | '－' | '﹣' | '‑' | '–' => '-',
        '\u{3000}' => ' ',
        other => other,
    }
}

fn digits_before(letters: &[char], at: usize) -> usize {
    letters[..at].iter().rev().take_while(|letter| letter.is_ascii_digit()).take(GROUP + 1).count()
}

fn digits_after(letters: &[char], at: usize) -> usize {
    letters[at + 1..].iter().take_while(|letter| letter.is_ascii_digit()).take(GROUP + 1).count()
}

/// Groups of digits with single blanks between them; each its place and length.
type Run = Vec<(usize, usize)>;

fn mark_blanks(letters: &mut [char]) {
    let all = runs(letters);
    let well_formed = |run: &Run| run[0].1 <= GROUP && run[1..].iter().all(|(_, length)| *length == GROUP);
    let several: Vec<usize> = (0..all.len()).filter(|i| all[*i].len() > 1).collect();
    let parted = |i: usize| {
        let side = |a: usize, b: usize| {
            let (last, length) = all[a][all[a].len() - 1];
            is_list_mark(&letters[last + length..all[b][0].0])
        };
        (i > 0 && side(i - 1, i)) || (i + 1 < all.len() && side(i, i + 1))
    };
    let is_clear = |i: usize| parted(i) && (several.len() > 1 || all[i][0].1 < GROUP);
    let same = several.iter().all(|i| well_formed(&all[*i]));
    let mut marks = Vec::new();
    for &i in &several {
        let whole = same && is_clear(i);
        let numbered = letters[all[i][0].0] != '0';
        for &(start, length) in &all[i][1..] {
            let padded = numbered && length == GROUP && letters[start] == '0';
            if whole || padded {
                marks.push(start - 1);
            }
        }
    }
    marks.into_iter().for_each(|at| letters[at] = '\'');
}

fn runs(letters: &[char]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        if !letters[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = letters[at..].iter().take_while(|letter| letter.is_ascii_digit()).count();
        // A digit behind a mark is a fraction or within a word: no group of its own.
        let bare = at == 0 || !(letters[at - 1].is_alphanumeric() || ".,'_".contains(letters[at - 1]));
        let goes_on = at > 1 && letters[at - 1] == ' ';
        match runs.last_mut().filter(|run| goes_on && run[run.len() - 1].0 + run[run.len() - 1].1 == at - 1) {
            Some(run) => run.push((at, length)),
            None if bare => runs.push(vec![(at, length)]),
            None => {}
        }
        at += length;
    }
    runs
}

/// A comma with a blank, or one word, on one line.
fn is_list_mark(between: &[char]) -> bool {
    let comma = between.windows(2).any(|pair| pair == [',', ' ']) || between.contains(&'、');
    let between: String = between.iter().collect();
    let mut words = between.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let one_word = words.next().is_some() && words.next().is_none();
    (comma || one_word) && !between.contains(['\n', '\t', ';', '(', ')', '[', ']', '{', '}', '|'])
}
