//! data-processor: statistics over pasted numbers and tables.

use std::collections::HashSet;
use std::fmt::Write as _;

use async_trait::async_trait;

use crate::agent::{Agent, Outcome, Profile, READS_DATA, Request, Skill};
use crate::reading::colleagues;
use crate::reading::numbers::{self, show};
use crate::reading::statistics::{Summary, summary};
use crate::reading::table::{MOST_ROWS, Table, missing, table};
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "data-processor",
    name: "Data Processor",
    description: "Crunches pasted numbers and tables: count, sum, mean, median, standard deviation, minimum, maximum and quartiles per column, and finds missing values and duplicate rows. Reads what you paste; it has no data of its own and draws no charts.",
    reads: READS_DATA,
    skills: &[
        Skill {
            id: "data_analysis",
            name: "Describe numbers",
            description: "Descriptive statistics of a list of numbers or of each column of a CSV table.",
            tags: &["statistics", "mean", "median", "standard deviation", "quartiles", "csv"],
            examples: &[
                "What are the mean and the median of 12, 15, 19, 22 and 31?",
                "Give me the standard deviation of these measurements: 4.1 4.3 3.9 4.0 4.6",
                "Describe this CSV for me, column by column",
                "Average of 5 6 10",
                "Mean of the following values: 7 9 14",
                "Berechne Mittelwert und Standardabweichung von 3,5 4,2 5,1 2,8",
                "Wie groß ist der Mittelwert von 8, 12 und 20?",
                "Quelle est la moyenne de 14, 18, 11 et 9 ?",
                "请计算这些数字的平均值和中位数：23、45、67、12",
                "احسب المتوسط والوسيط للأرقام ١٢ و ١٨ و ٢٥",
            ],
        },
        Skill {
            id: "aggregation",
            name: "Add up columns",
            description: "Counts and totals per column of a pasted table.",
            tags: &["sum", "count", "totals", "table", "columns"],
            examples: &[
                "Add up the amount column in the table below",
                "How many rows does this spreadsheet extract have and what do the columns total?",
                "Summe und Anzahl je Spalte dieser Tabelle bitte",
                "Suma los valores de esta tabla por columna",
                "この表の列ごとの合計を出してください",
            ],
        },
        Skill {
            id: "cleaning",
            name: "Find gaps and duplicates",
            description: "Reports missing values and duplicate rows of a pasted table.",
            tags: &["missing values", "duplicates", "data quality"],
            examples: &[
                "Are there any missing values or duplicate rows in this data?",
                "Check my CSV for gaps before I load it",
                "Gibt es doppelte Zeilen in dieser Liste?",
                "¿Hay filas repetidas o valores vacíos en estos datos?",
            ],
        },
    ],
};

/// The agent.
pub(super) struct DataProcessor;

#[async_trait]
impl Agent for DataProcessor {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        if let Some(table) = table(&request.text) {
            reporter.progress(format!(
                "Reading {} rows and {} columns.",
                table.rows.len(),
                table.columns.len()
            ));
            reporter.write(&describe_table(&table));
            if let Some(csv) = figures(&table) {
                reporter.give("columns.csv", "text/csv; charset=utf-8", csv.into_bytes());
            }
            return Outcome::Answered(String::new());
        }
        let values = numbers::subject_numbers(&request.text);
        match summary(&values) {
            Some(summary) => {
                reporter.progress(format!("Calculating over {} numbers.", summary.count));
                Outcome::Answered(describe_numbers(&values, &summary))
            }
            None => match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack(
                    "Which numbers? Please paste them here, as a list or as CSV.".to_owned(),
                ),
            },
        }
    }
}

fn describe_numbers(values: &[f64], summary: &Summary) -> String {
    let mut text = format!("Statistics of {} numbers:\n\n", summary.count);
    for (name, value) in lines(summary) {
        writeln!(text, "- {name}: {value}").ok();
    }
    let distinct: HashSet<u64> = values.iter().map(|value| value.to_bits()).collect();
    writeln!(text, "- repeated values: {}", values.len() - distinct.len()).ok();
    text
}

fn lines(summary: &Summary) -> Vec<(&'static str, String)> {
    vec![
        ("count", summary.count.to_string()),
        ("sum", show(summary.sum)),
        ("mean", show(summary.mean)),
        ("median", show(summary.median)),
        ("standard deviation", summary.deviation.map_or_else(|| "needs two numbers".to_owned(), show)),
        ("minimum", show(summary.least)),
        ("maximum", show(summary.most)),
        ("quartiles", format!("{} and {}", show(summary.quartiles.0), show(summary.quartiles.1))),
    ]
}

/// The figures of the columns of numbers, to be calculated with elsewhere (RFC 4180).
fn figures(table: &Table) -> Option<String> {
    let mut csv = String::from("column,count,sum,mean,median,deviation,minimum,maximum,q1,q3\r\n");
    let head = csv.len();
    for (place, name) in table.columns.iter().enumerate() {
        let Some(s) = table.numeric(place).as_deref().and_then(summary) else { continue };
        let deviation = s.deviation.map(|deviation| deviation.to_string()).unwrap_or_default();
        let (q1, q3) = s.quartiles;
        let figures = [s.sum, s.mean, s.median].map(|figure| figure.to_string()).join(",");
        let name = name.replace('"', "\"\"");
        write!(csv, "\"{name}\",{},{figures},{deviation},{},{},{q1},{q3}\r\n", s.count, s.least, s.most).ok();
    }
    (csv.len() > head).then_some(csv)
}

fn describe_table(table: &Table) -> String {
    let mut text =
        format!("The table has {} rows and {} columns.\n\n", table.rows.len(), table.columns.len());
    text.push_str("| column | count | missing | sum | mean | median | st. dev. | min | max | Q1 | Q3 |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|\n");
    let mut words = String::new();
    for (place, name) in table.columns.iter().enumerate() {
        let cells = table.rows.iter().map(|row| row[place].as_str());
        let gaps = cells.clone().filter(|cell| missing(cell)).count();
        match table.numeric(place).as_deref().and_then(summary) {
            Some(s) => {
                let deviation = s.deviation.map_or_else(|| "–".to_owned(), show);
                let (q1, q3) = (show(s.quartiles.0), show(s.quartiles.1));
                let (sum, mean, median) = (show(s.sum), show(s.mean), show(s.median));
                let (least, most) = (show(s.least), show(s.most));
                writeln!(text, "| {name} | {} | {gaps} | {sum} | {mean} | {median} | {deviation} | {least} | {most} | {q1} | {q3} |", s.count).ok();
            }
            None => {
                let distinct: HashSet<&str> = cells.filter(|cell| !missing(cell)).collect();
                writeln!(words, "- {name}: text, {} different values, {gaps} missing", distinct.len()).ok();
            }
        }
    }
    if !words.is_empty() {
        write!(text, "\nColumns of words:\n{words}").ok();
    }
    let distinct: HashSet<&Vec<String>> = table.rows.iter().collect();
    write!(text, "\nDuplicate rows: {}.\n", table.rows.len() - distinct.len()).ok();
    if table.cut {
        writeln!(text, "Only the first {MOST_ROWS} rows were read.").ok();
    }
    text
}
