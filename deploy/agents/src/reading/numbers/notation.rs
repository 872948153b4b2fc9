//! What a dot and a comma mean. One text uses one notation, so the clear numbers of a text decide the others:
//!
//! - Two marks: the last one is the decimal mark (`1.234,5`, `1,234.5`). A mark that stands twice marks groups.
//! - One comma: it is the decimal mark where every comma of the text stands alone in its number and one of them has not
//!   three digits behind it (`3,5`); else it marks thousands where three digits follow (`1,250`), and parts a list
//!   otherwise (`12,15,19`).
//! - One dot: it is the decimal mark, but for three zeros behind it (`30.000`: nobody writes thirty so), and there it is
//!   not where another number of the text needs it for decimals (`1.000 and 2.5`). One `30.000` makes thousands of every
//!   three digits behind a dot, and so does a decimal comma.
//! - Groups of two before the last three (`1,00,000`) are lakhs where a zero begins a group, or money is meant.

/// How a text writes its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    decimal_comma: bool,
    dotted_thousands: bool,
}

impl Style {
    /// Told by all of its numbers.
    pub(super) fn of<'a, T: Iterator<Item = &'a str>>(tokens: impl Fn() -> T) -> Self {
        let decimal_comma = comma_is_decimal(tokens());
        Self { decimal_comma, dotted_thousands: decimal_comma || dot_marks_thousands(tokens()) }
    }
}

fn comma_is_decimal<'a>(tokens: impl Iterator<Item = &'a str>) -> bool {
    let mut clear = false;
    for token in tokens.filter(|token| token.contains(',')) {
        let (whole, fraction) = token.rsplit_once(',').unwrap_or_default();
        if whole.contains(',') || fraction.contains('.') {
            return false;
        }
        clear |= fraction.len() != 3 || whole.trim_start_matches('-') == "0";
    }
    clear
}

fn dot_marks_thousands<'a>(tokens: impl Iterator<Item = &'a str>) -> bool {
    let mut marked = false;
    for token in tokens {
        let Some((whole, fraction)) = token.trim_start_matches('-').split_once('.') else { continue };
        let three = fraction.len() == 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !whole.contains(',') && !fraction.contains(['.', ',']) && !three {
            return false;
        }
        marked |= fraction == "000" && whole != "0" && whole.len() <= 3;
    }
    marked
}

/// Whether commas in the token part several numbers: `12,15,19`, but not `1,000,000`.
pub(super) fn is_list(token: &str, style: Style, money: bool) -> bool {
    let groups: Vec<&str> = token.split(',').collect();
    let commas = groups.len() - 1;
    if commas == 0 || style.decimal_comma {
        return false;
    }
    let whole = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit());
    let last = groups[commas].split('.').next().unwrap_or_default();
    let first = groups[0].trim_start_matches('-');
    let clear =
        money || groups[1..].iter().any(|group| group.starts_with('0')) || groups[commas].contains('.');
    let inner = &groups[1..commas];
    let grouped =
        |size: usize| last.len() == 3 && inner.iter().all(|group| group.len() == size && whole(group));
    if !first.contains('.') && first.len() <= 3 && grouped(3) {
        // "100,200,300" is a list; "1,200,000" and "1,250" are one number.
        return commas >= 2 && !clear;
    }
    if !first.contains('.') && first.len() <= 2 && commas >= 2 && grouped(2) {
        return !clear;
    }
    !(commas == 1 && token.contains('.') && token.rfind(',') > token.find('.'))
}

/// The value of what is one number.
pub(super) fn value(piece: &str, style: Style) -> Option<f64> {
    let mut piece = piece.replace('\'', "");
    let last_comma_after_dot =
        matches!((piece.rfind(','), piece.rfind('.')), (Some(comma), Some(dot)) if comma > dot);
    if (style.decimal_comma && piece.contains(',')) || last_comma_after_dot {
        piece = piece.replace('.', "").replace(',', ".");
    } else {
        piece = thousands_by_dot(&piece.replace(',', ""), style);
    }
    piece.parse().ok().filter(|value: &f64| value.is_finite())
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
