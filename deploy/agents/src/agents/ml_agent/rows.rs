//! Rows of numbers, however they are pasted.

use std::sync::LazyLock;

use regex::Regex;

use crate::reading::numbers;
use crate::reading::subject::split;
use crate::reading::table::table;

const MOST_ROWS: usize = 5_000;
const MOST_COLUMNS: usize = 12;

/// A full table of numbers.
pub(super) struct Rows {
    pub(super) names: Vec<String>,
    pub(super) values: Vec<Vec<f64>>,
}

static BRACKETED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[(\[]([^()\[\]]+)[)\]]").expect("a constant pattern"));

/// Bracketed rows, a table, rows parted by semicolons, or lines of numbers; at least three rows of the same width.
pub(super) fn rows(text: &str) -> Option<Rows> {
    let bracketed = || {
        even(
            BRACKETED
                .captures_iter(text)
                .filter_map(|found| found.get(1))
                .map(|found| row(found.as_str()))
                .collect(),
        )
    };
    let titled = || {
        let table = table(text)?;
        let columns: Vec<usize> =
            (0..table.columns.len()).filter(|column| table.numeric(*column).is_some()).collect();
        let cells = |row: &Vec<String>| {
            columns
                .iter()
                .map(|column| crate::reading::table::number(&row[*column]))
                .collect::<Option<Vec<f64>>>()
        };
        let named = table.columns.first().is_some_and(|name| !name.starts_with("column "));
        let mut rows = even(table.rows.iter().filter_map(cells).collect())?;
        if named {
            rows.names = columns.iter().map(|column| table.columns[*column].clone()).collect();
        }
        Some(rows)
    };
    let material = split(text).map_or(text, |(_, material)| material);
    let parted = |mark: char| even(material.split(mark).map(row).filter(|row| !row.is_empty()).collect());
    bracketed().or_else(titled).or_else(|| parted(';')).or_else(|| parted('\n'))
}

fn row(text: &str) -> Vec<f64> {
    numbers::numbers(&text.replace(',', ", "))
}

fn even(values: Vec<Vec<f64>>) -> Option<Rows> {
    let columns = values.first()?.len();
    let values: Vec<Vec<f64>> =
        values.into_iter().filter(|row| row.len() == columns).take(MOST_ROWS).collect();
    let names = match columns {
        2 => vec!["x".to_owned(), "y".to_owned()],
        _ => (1..columns).map(|place| format!("x{place}")).chain(["y".to_owned()]).collect(),
    };
    (values.len() >= 3 && (2..=MOST_COLUMNS).contains(&columns)).then_some(Rows { names, values })
}
