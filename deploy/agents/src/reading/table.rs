//! Rows and columns out of pasted text.

use super::numbers;

/// Rows read at most; the rest is left out, and said so.
pub(crate) const MOST_ROWS: usize = 20_000;
/// Columns read at most.
pub(crate) const MOST_COLUMNS: usize = 50;

/// A pasted table.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) cut: bool,
}

/// Finds a table: at least two neighbouring lines with the same mark and the same number of cells.
pub(crate) fn table(text: &str) -> Option<Table> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    ['\t', ';', '|', ','].into_iter().find_map(|mark| table_by(&lines, mark))
}

fn table_by(lines: &[&str], mark: char) -> Option<Table> {
    let width = |line: &&str| cells(line, mark).len();
    let start = lines.windows(2).position(|pair| {
        let wide = width(&pair[0]);
        (2..=MOST_COLUMNS).contains(&wide) && wide == width(&pair[1]) && tabular(pair[1], mark)
    })?;
    let wide = width(&lines[start]);
    let mut rows: Vec<Vec<String>> = lines[start..]
        .iter()
        .take_while(|line| width(line) == wide)
        .map(|line| cells(line, mark))
        .filter(|cells| {
            !cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| matches!(c, '-' | ':')))
        })
        .take(MOST_ROWS + 2)
        .collect();
    let titled = rows.first().is_some_and(|first| first.iter().all(|cell| number(cell).is_none()));
    let columns =
        if titled { rows.remove(0) } else { (1..=wide).map(|place| format!("column {place}")).collect() };
    let cut = rows.len() > MOST_ROWS;
    rows.truncate(MOST_ROWS);
    (!rows.is_empty()).then_some(Table { columns, rows, cut })
}

/// Two sentences with a comma each are no table: a row has a number, or is short.
fn tabular(line: &str, mark: char) -> bool {
    mark != ',' || cells(line, mark).iter().any(|cell| number(cell).is_some())
}

fn cells(line: &str, mark: char) -> Vec<String> {
    let line = if mark == '|' { line.trim_matches('|') } else { line };
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            letter if letter == mark && !quoted => cells.push(String::new()),
            letter => cells.last_mut().into_iter().for_each(|cell| cell.push(letter)),
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The number a cell holds, if it holds nothing else but a unit's mark.
pub(crate) fn number(cell: &str) -> Option<f64> {
    let plain = numbers::plain(cell);
    let bare = plain.trim().trim_matches(['$', '€', '£', '¥', '₹', '₽', '₩', '%', '٪']).trim();
    let found = numbers::find(bare);
    match found.as_slice() {
        [one] if one.start == 0 && one.end == bare.len() => Some(one.value),
        _ => None,
    }
}

/// Whether a cell stands for a value that is not there.
pub(crate) fn missing(cell: &str) -> bool {
    matches!(cell.to_ascii_lowercase().as_str(), "" | "na" | "n/a" | "nan" | "null" | "none" | "?" | "-")
}

impl Table {
    /// The numbers of a column, if most of what is there are numbers.
    pub(crate) fn numeric(&self, column: usize) -> Option<Vec<f64>> {
        let cells = || self.rows.iter().map(|row| row[column].as_str());
        let numbers: Vec<f64> = cells().filter_map(number).collect();
        let there = cells().filter(|cell| !missing(cell)).count();
        (!numbers.is_empty() && numbers.len() * 2 > there).then_some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn a_pasted_csv_is_a_table_and_two_sentences_are_not() {
        let found = table("Please analyse this:\nname,price\napple,\"1,5\"\npear,2\n").unwrap();
        assert_eq!(found.columns, ["name", "price"]);
        assert_eq!(found.rows.len(), 2);
        assert_eq!(table("Hello, friend\nHow are you, today"), None);
        assert_eq!(table("| a | b |\n|---|---|\n| 1 | 2 |").unwrap().rows, [["1", "2"]]);
    }
}
