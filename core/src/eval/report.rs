//! The report of an evaluation: one JSON object, and the same as tables.

use super::{
    answers::Answer,
    bootstrap::intervals,
    figures::{self, Known, count, share},
    headlines::{Taus, headlines},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write as _};

/// What a report is made of.
pub(super) struct Material<'a> {
    pub(super) dev: &'a [Known],
    pub(super) test: &'a [Known],
    /// Of all rows, also those whose right agents are not known.
    pub(super) dev_answers: &'a [Answer],
    pub(super) answers: &'a [Answer],
    pub(super) agents: usize,
    pub(super) train_ms: f64,
}

/// Makes the report.
pub(super) fn report(material: &Material<'_>) -> Value {
    let dev: Vec<&Known> = material.dev.iter().collect();
    let test: Vec<&Known> = material.test.iter().collect();
    let taus = Taus {
        plain: figures::threshold(&dev, 0.0),
        oos: Some(figures::oos_weight(&dev))
            .filter(|weight| *weight > 0.0)
            .and_then(|weight| figures::threshold(&dev, weight)),
    };
    let mut report = Map::new();
    report.insert("agents".into(), json!(material.agents));
    report.insert("dev_rows".into(), json!(dev.len()));
    report.insert("test_rows".into(), json!(material.answers.len()));
    report.insert("tau99".into(), json!(taus.plain));
    report.insert("tau99_oos".into(), json!(taus.oos));
    for (name, value) in headlines(&test, taus) {
        report.insert(name.into(), json!(value));
    }
    report.insert("intervals".into(), intervals(&test, taus));
    report.insert("macro_f1".into(), json!(figures::macro_f1(&test)));
    for (name, value) in of_several(&test).into_iter().chain(of_turns(&test)) {
        report.insert(name.into(), json!(value));
    }
    report.insert("per_language".into(), per_language(&test, taus));
    report.insert("p50_us".into(), times(material.answers, 0.50));
    report.insert("p99_us".into(), times(material.answers, 0.99));
    let by_llm = |answer: &Answer| answer.stage == switchboard_shared::events::Stage::Llm;
    report.insert("llm_share".into(), json!(share(material.answers.iter().map(by_llm))));
    report.insert("degraded".into(), degraded(material));
    report.insert("train_ms".into(), json!(material.train_ms));
    Value::Object(report)
}

fn of_several(test: &[&Known]) -> [(&'static str, Option<f64>); 2] {
    let several = test.iter().filter(|row| row.truth.len() > 1);
    [("exact_set", share(several.map(|row| row.right()))), ("jaccard", figures::jaccard(test))]
}

fn of_turns(test: &[&Known]) -> [(&'static str, Option<f64>); 3] {
    let turns: Vec<_> = test
        .iter()
        .filter(|row| row.in_scope())
        .filter_map(|row| row.previous.as_ref().map(|previous| (*row, previous)))
        .collect();
    let later = || turns.iter().filter(|(_, previous)| !previous.is_empty());
    let keeps = |(row, previous): &&(&Known, &Vec<String>)| row.truth == **previous;
    let fresh = |row: &Known, previous: &[String]| -> Vec<String> {
        row.truth.iter().filter(|label| !previous.contains(label)).cloned().collect()
    };
    let found = turns.iter().filter_map(|(row, previous)| {
        let fresh = fresh(row, previous);
        (!fresh.is_empty()).then(|| fresh.iter().all(|label| row.said.contains(label)))
    });
    [
        ("accuracy_keep", share(later().filter(|turn| keeps(turn)).map(|(row, _)| row.right()))),
        ("accuracy_switch", share(later().filter(|turn| !keeps(turn)).map(|(row, _)| row.right()))),
        ("found_new", share(found)),
    ]
}

fn per_language(test: &[&Known], taus: Taus) -> Value {
    let mut rows: BTreeMap<&str, Vec<&Known>> = BTreeMap::new();
    for row in test.iter().filter(|row| row.in_scope()) {
        rows.entry(&row.lang).or_default().push(row);
    }
    let of = |rows: &[&Known]| {
        let (cov99, sel99) = taus.plain.map_or((None, None), |tau| figures::selected(rows, tau, 0.0));
        json!({"rows": rows.len(), "accuracy": figures::accuracy(rows), "cov99": cov99, "sel99": sel99})
    };
    rows.into_iter().map(|(lang, rows)| (lang.to_owned(), of(&rows))).collect::<Map<_, _>>().into()
}

/// The decisions that had to do without the LLM, which was wanted for them.
fn degraded(material: &Material<'_>) -> Value {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in material.answers.iter().filter_map(|answer| answer.degraded) {
        *reasons.entry(kind).or_default() += 1;
    }
    json!({
        "share": share(material.answers.iter().map(|answer| answer.degraded.is_some())),
        "rows": reasons.values().sum::<usize>(),
        "dev_rows": material.dev_answers.iter().filter(|answer| answer.degraded.is_some()).count(),
        "reasons": reasons,
    })
}

fn times(answers: &[Answer], at: f64) -> Value {
    let mut by_stage: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for answer in answers {
        by_stage.entry(answer.answered_by()).or_default().push(answer.us);
        by_stage.entry("all").or_default().push(answer.us);
    }
    let of = |mut us: Vec<f64>| {
        us.sort_by(f64::total_cmp);
        json!(figures::quantile(&us, at))
    };
    by_stage.into_iter().map(|(stage, us)| (stage.to_owned(), of(us))).collect::<Map<_, _>>().into()
}

/// The report for a person.
pub(super) fn tables(report: &Value, test: &[Known]) -> String {
    let mut text = String::new();
    let number = |field: &str| report.get(field).and_then(Value::as_f64);
    line(
        &mut text,
        &format!(
            "{} agents learned in {:.0} ms; {} dev rows, {} test rows\n",
            report["agents"],
            number("train_ms").unwrap_or_default(),
            report["dev_rows"],
            report["test_rows"]
        ),
    );
    for (field, what) in MEANINGS {
        if let Some(value) = number(field) {
            let between = &report["intervals"][field];
            let between = match (between[0].as_f64(), between[1].as_f64()) {
                (Some(low), Some(high)) => format!("{:5.1} to {:5.1}", low * 100.0, high * 100.0),
                _ => String::new(),
            };
            line(&mut text, &format!("{field:<16} {:6.1} %  {between:<15} {what}", value * 100.0));
        }
    }
    degraded_line(&mut text, &report["degraded"]);
    times_table(&mut text, report);
    languages_table(&mut text, report);
    let known: Vec<&Known> = test.iter().collect();
    reliability_table(&mut text, &known);
    text
}

const MEANINGS: &[(&str, &str)] = &[
    ("accuracy", "of the rows that are for somebody, exactly right"),
    ("decided", "of those decided as in production, without an LLM and without a mere guess"),
    ("decided_right", "of all that were so decided right"),
    ("tau99", "confidence from which 99 % were right on dev"),
    ("cov99", "of the test rows at or above it"),
    ("sel99", "of those right"),
    ("tau99_oos", "the same with a fifth of the traffic for nobody"),
    ("cov99_oos", "of the test rows that are for somebody at or above that"),
    ("sel99_oos", "of all accepted right"),
    ("oos_auroc", "how well confidence tells what is for nobody"),
    ("ece", "calibration error"),
    ("macro_f1", "mean F1 of the agents"),
    ("exact_set", "of the rows for several agents, exactly right"),
    ("jaccard", "of those, overlap of the sets"),
    ("accuracy_keep", "of the turns that stay with their agents"),
    ("accuracy_switch", "of the turns that do not"),
    ("found_new", "of the turns that bring in an agent, all new ones named"),
    ("llm_share", "decided by the LLM"),
];

fn degraded_line(text: &mut String, degraded: &Value) {
    let Some(share) = degraded["share"].as_f64() else {
        return;
    };
    let reasons = degraded["reasons"].as_object().into_iter().flatten();
    let reasons: Vec<_> = reasons.map(|(kind, rows)| format!("{kind} {rows}")).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let what = format!(
        "without the LLM that was wanted: {} test rows{reasons}, {} dev rows",
        degraded["rows"], degraded["dev_rows"]
    );
    line(text, &format!("{:<16} {:6.1} %  {:<15} {what}", "degraded", share * 100.0, ""));
}

fn times_table(text: &mut String, report: &Value) {
    let stages = report["p50_us"].as_object().into_iter().flatten();
    let lines: Vec<_> = stages
        .map(|(stage, p50)| {
            let p99 = report["p99_us"][stage].as_f64().unwrap_or_default();
            format!("  {stage:<10} {:9.1} {p99:9.1}", p50.as_f64().unwrap_or_default())
        })
        .collect();
    if !lines.is_empty() {
        line(text, &format!("\nmicroseconds       p50       p99\n{}", lines.join("\n")));
    }
}

fn languages_table(text: &mut String, report: &Value) {
    let Some(languages) = report["per_language"].as_object().filter(|languages| languages.len() > 1) else {
        return;
    };
    line(text, "\nlanguage        rows  accuracy     cov99     sel99");
    let percent =
        |value: &Value| value.as_f64().map_or("-".to_owned(), |share| format!("{:.1}", share * 100.0));
    for (language, of) in languages {
        line(
            text,
            &format!(
                "  {language:<10} {:>7} {:>9} {:>9} {:>9}",
                of["rows"],
                percent(&of["accuracy"]),
                percent(&of["cov99"]),
                percent(&of["sel99"])
            ),
        );
    }
}

fn reliability_table(text: &mut String, known: &[&Known]) {
    let bins = figures::bins(known);
    if bins.iter().all(|bin| bin.rows == 0) {
        return;
    }
    line(text, "\nconfidence        rows    stated     right");
    for bin in bins.iter().filter(|bin| bin.rows > 0) {
        line(
            text,
            &format!(
                "  {:.2} to {:.2} {:>8} {:>9.1} {:>9.1}",
                bin.from,
                bin.to,
                bin.rows,
                bin.confidence * 100.0,
                bin.right * 100.0
            ),
        );
    }
    let errors = known.iter().filter(|row| row.in_scope() && !row.right()).count();
    line(
        text,
        &format!("  {errors} of {:.0} are wrong", count(known.iter().filter(|row| row.in_scope()).count())),
    );
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::events::Stage;

    fn known(truth: &[&str], said: &[&str], confidence: f64, previous: Option<&[&str]>) -> Known {
        let labels = |labels: &[&str]| labels.iter().map(|&label| label.to_owned()).collect::<Vec<_>>();
        Known {
            truth: labels(truth),
            said: labels(said),
            confidence,
            decided: true,
            lang: "en".into(),
            previous: previous.map(labels),
        }
    }

    fn answer(us: f64, degraded: Option<&'static str>) -> Answer {
        Answer {
            labels: vec!["a".into()],
            confidence: 0.9,
            us,
            stage: Stage::Lexical,
            degraded,
            decided: degraded.is_none(),
        }
    }

    fn material<'a>(known: &'a [Known], answers: &'a [Answer]) -> Material<'a> {
        Material { dev: known, test: known, dev_answers: answers, answers, agents: 2, train_ms: 1.5 }
    }

    #[test]
    fn the_report_has_every_field_and_the_tables_show_them() {
        let test = [
            known(&["a"], &["a"], 0.9, Some(&[])),
            known(&["a"], &["a"], 0.8, Some(&["a"])),
            known(&["b"], &["a"], 0.4, Some(&["a"])),
            known(&["a", "b"], &["a", "b"], 0.7, Some(&["a"])),
            known(&[], &["a"], 0.1, None),
        ];
        let report = report(&material(&test, &vec![answer(4.0, None); 5]));
        assert_eq!(
            (report["accuracy"].as_f64(), report["found_new"].as_f64()),
            (Some(0.75), Some(2.0 / 3.0))
        );
        assert_eq!(
            (report["accuracy_keep"].as_f64(), report["accuracy_switch"].as_f64()),
            (Some(1.0), Some(0.5))
        );
        assert_eq!((report["tau99"].as_f64(), report["cov99"].as_f64()), (Some(0.7), Some(0.75)));
        assert_eq!(
            (report["oos_auroc"].as_f64(), report["p99_us"]["lexical"].as_f64()),
            (Some(1.0), Some(4.0))
        );
        for field in [
            "tau99_oos",
            "sel99",
            "cov99_oos",
            "sel99_oos",
            "ece",
            "macro_f1",
            "exact_set",
            "jaccard",
            "llm_share",
            "train_ms",
        ] {
            assert!(report[field].is_number(), "{field}: {report}");
        }
        let interval = &report["intervals"]["accuracy"];
        assert!(interval[0].as_f64().unwrap() <= 0.75 && interval[1].as_f64().unwrap() >= 0.75);
        let tables = tables(&report, &test);
        assert!(tables.contains("accuracy           75.0 %") && tables.contains("lexical"), "{tables}");
    }

    #[test]
    fn without_labels_there_is_no_accuracy() {
        let report = report(&material(&[], &[]));
        assert!(report["accuracy"].is_null() && report["tau99"].is_null());
        assert!(!tables(&report, &[]).contains("accuracy"));
    }

    #[test]
    fn a_decision_that_fell_back_is_counted_with_its_reason_and_not_timed_as_the_local_models() {
        let late = answer(4e6, Some("timed_out"));
        let answers = [answer(4.0, None), answer(5.0, None), late.clone(), late];
        let report = report(&material(&[], &answers));
        assert_eq!(
            report["degraded"],
            json!({"share": 0.5, "rows": 2, "dev_rows": 2, "reasons": {"timed_out": 2}})
        );
        assert_eq!(report["p99_us"], json!({"all": 4e6, "fallback": 4e6, "lexical": 5.0}));
        let tables = tables(&report, &[]);
        let said =
            "50.0 %                  without the LLM that was wanted: 2 test rows (timed_out 2), 2 dev";
        assert!(tables.contains(said), "{tables}");
    }
}
