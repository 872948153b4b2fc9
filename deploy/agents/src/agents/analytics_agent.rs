//! analytics-agent: trend and forecast of a series of numbers.

use std::fmt::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_DATA, Request, Skill};
use crate::reading::colleagues;
use crate::reading::numbers::{self, show};
use crate::reading::statistics::{Line, float, mean, trend};
use crate::reading::table::table;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "analytics-agent",
    name: "Analytics Agent",
    description: "Reads a series of numbers over time and reports its trend (least squares slope), growth rate, moving average and a straight-line forecast with a small text chart. It knows no seasons and no outside causes.",
    reads: READS_DATA,
    skills: &[
        Skill {
            id: "predictions",
            name: "Forecast a series",
            description: "Continues a series of numbers along its straight-line trend.",
            tags: &["forecast", "projection", "next months", "trend line"],
            examples: &[
                "Forecast the next three months from 120, 132, 141, 155, 160",
                "If sales keep growing like 40, 44, 47, 53, where will we be in two quarters?",
                "Prognose für die nächsten 4 Wochen: 210, 220, 215, 240, 251",
                "Quelle serait la prévision après 12, 14, 17, 19 ?",
                "根据 100、120、138、160 预测下个月的销量",
                "توقع القيمة التالية في السلسلة ١٠، ١٤، ١٩، ٢٣",
            ],
        },
        Skill {
            id: "analytics",
            name: "Trend and growth",
            description: "Slope, growth rate per period and moving average of a series.",
            tags: &["trend", "growth rate", "moving average", "kpi", "time series"],
            examples: &[
                "Is our monthly revenue trending up or down: 310, 298, 305, 322, 340?",
                "What is the average growth rate of sign-ups 200, 240, 260, 330?",
                "Show a moving average over these daily visitors",
                "¿Cuál es la tendencia de estas ventas: 90, 85, 88, 79?",
                "この売上の成長率と傾向を教えて：50、55、61、70",
                "这些价格的趋势是上升还是下降：12、15、19、18",
            ],
        },
        Skill {
            id: "visualization",
            name: "Small text chart",
            description: "Draws the series as one line of text bars.",
            tags: &["sparkline", "chart", "report"],
            examples: &[
                "Draw me a quick sparkline of 3, 7, 4, 9, 12",
                "Show these KPI values as a tiny chart in text",
                "Zeichne die Besucherzahlen als kleines Textdiagramm: 5, 8, 13, 9",
                "Fais un mini-graphique de ces valeurs : 2, 4, 3, 8",
            ],
        },
    ],
};

/// Periods forecast at most.
const MOST_AHEAD: usize = 24;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

static AHEAD: LazyLock<Regex> = LazyLock::new(|| {
    let next = "next|coming|following|nächsten?|kommenden?|prochaine?s?|próximos|próximas|siguientes";
    let period = r"steps?|periods?|days?|weeks?|months?|quarters?|years?|values?|points?|tagen?|wochen?|monaten?|quartalen?|jahren?|werte|jours|semaines|mois|ans|días|semanas|meses|años";
    Regex::new(&format!(r"(?i)(?:{next})\s+(\d{{1,2}}|two|three|four|five|six|twelve)\b(?:\s+(?:{period})\b)?|\b(\d{{1,2}}|two|three|four|five|six|twelve)\s+(?:more\s+)?(?:{period})\b"))
        .expect("a constant pattern")
});

/// The agent.
pub(super) struct AnalyticsAgent;

#[async_trait]
impl Agent for AnalyticsAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let plain = numbers::plain(&request.text);
        let ahead = periods_ahead(&plain);
        let series = series(&plain);
        let Some(line) = trend(&series) else {
            return match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack(
                    "Which series? Please paste at least two numbers in the order of time.".to_owned(),
                ),
            };
        };
        reporter.progress(format!("Fitting a line through {} values.", series.len()));
        Outcome::Answered(report(&series, line, ahead))
    }
}

fn periods_ahead(plain: &str) -> usize {
    let found = AHEAD.captures(plain).and_then(|found| found.get(1).or(found.get(2)));
    let count = found.map_or(3, |count| match count.as_str().to_lowercase().as_str() {
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "twelve" => 12,
        digits => digits.parse().unwrap_or(3),
    });
    count.clamp(1, MOST_AHEAD)
}

/// The last numeric column of a table, or the numbers without the one that says how far to look ahead.
fn series(plain: &str) -> Vec<f64> {
    if let Some(table) = table(plain) {
        let columns = (0..table.columns.len()).rev().filter_map(|column| table.numeric(column));
        if let Some(column) = columns.into_iter().next() {
            return column;
        }
    }
    numbers::subject_numbers(&AHEAD.replace_all(plain, " "))
}

fn report(series: &[f64], line: Line, ahead: usize) -> String {
    let direction = match line.slope {
        slope if slope.abs() < 1e-9 * mean(series).abs().max(1e-9) => "flat",
        slope if slope > 0.0 => "rising",
        _ => "falling",
    };
    let mut text =
        format!("The series of {} values is {direction}.\n\n{}\n\n", series.len(), sparkline(series));
    writeln!(text, "- trend: {} per period (R² {})", signed(line.slope), show(line.fit)).ok();
    let (first, last) = (series[0], series[series.len() - 1]);
    if first > 0.0 && last > 0.0 {
        let growth = ((last / first).powf(1.0 / (float(series.len()) - 1.0)) - 1.0) * 100.0;
        let total = (last / first - 1.0) * 100.0;
        writeln!(
            text,
            "- growth: {} % per period on average, {} % in all",
            signed(cents(growth)),
            signed(cents(total))
        )
        .ok();
    } else {
        writeln!(
            text,
            "- change: {} in all (no growth rate: a value at an end is not above zero)",
            signed(last - first)
        )
        .ok();
    }
    let window = series.len().min(3);
    let moving: Vec<String> = series.windows(window).rev().take(8).map(|part| show(mean(part))).collect();
    let moving: Vec<String> = moving.into_iter().rev().collect();
    writeln!(text, "- moving average over {window} (latest last): {}", moving.join(", ")).ok();
    let forecast: Vec<String> =
        (0..ahead).map(|step| show(line.intercept + line.slope * float(series.len() + step))).collect();
    writeln!(text, "- forecast for the next {ahead}: {}", forecast.join(", ")).ok();
    text.push_str("\nThe forecast only extends the straight line; it knows no seasons and no causes.\n");
    text
}

fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", show(value)) } else { show(value) }
}

/// One bar per value; of a long series the latest.
fn sparkline(series: &[f64]) -> String {
    let shown = &series[series.len().saturating_sub(60)..];
    let least = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bar = |value: &f64| {
        let height = if most > least { (value - least) / (most - least) * 7.0 } else { 3.0 };
        BARS.iter()
            .enumerate()
            .find(|(place, _)| float(*place) >= height.floor())
            .map_or('█', |(_, bar)| *bar)
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::{periods_ahead, series, sparkline};

    #[test]
    fn the_horizon_is_no_part_of_the_series() {
        assert_eq!(periods_ahead("Forecast the next 4 months from 1, 2, 3"), 4);
        assert_eq!(series("Forecast the next 4 months from 1, 2, 3"), [1.0, 2.0, 3.0]);
        assert_eq!(periods_ahead("where are we in two quarters: 1 2"), 2);
        assert_eq!(sparkline(&[1.0, 8.0]), "▁█");
    }
}
