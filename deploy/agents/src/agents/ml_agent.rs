//! ml-agent: a linear regression or a k-means clustering of pasted rows.

mod kmeans;
mod regression;
mod rows;

use std::fmt::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_DATA, Request, Skill};
use crate::reading::colleagues;
use crate::reading::numbers::{self, show};
use crate::reading::words::has_any;
use crate::server::Reporter;
use rows::Rows;

const PROFILE: Profile = Profile {
    id: "ml-agent",
    name: "Machine Learning Agent",
    description: "Trains a small model on pasted rows of numbers: linear regression (the last column is predicted, with R²) or k-means clustering (with inertia), and predicts further rows. It has no neural networks, no GPU and keeps no models.",
    reads: READS_DATA,
    skills: &[
        Skill {
            id: "machine_learning",
            name: "Fit a linear regression",
            description: "Least squares over one or several columns, with coefficients and R².",
            tags: &["linear regression", "least squares", "r squared", "fit", "model"],
            examples: &[
                "Fit a linear regression to (1, 2), (2, 4.1), (3, 5.9), (4, 8.2)",
                "Train a model that predicts the price from the size: 50,150; 80,230; 100,290",
                "Rechne eine lineare Regression über diese Wertepaare",
                "Ajuste une régression linéaire sur ces points : (1,3), (2,5), (3,7)",
                "对这些数据做线性回归：(1,2), (2,4), (3,6)",
            ],
        },
        Skill {
            id: "training",
            name: "Cluster rows",
            description: "Groups rows by k-means, with centres, sizes and inertia.",
            tags: &["clustering", "k-means", "groups", "segments"],
            examples: &[
                "Cluster these points into 2 groups: (1,1), (1.2,0.9), (8,8), (8.1,7.9)",
                "Run k-means with k=3 on my customer rows",
                "Teile diese Datenpunkte in drei Gruppen ein",
                "Agrupa estos puntos en 2 clústeres: (1,2), (1,3), (9,9)",
                "この点を2つのクラスタに分けて：(1,1), (2,1), (9,8)",
            ],
        },
        Skill {
            id: "prediction",
            name: "Predict a value",
            description: "Predicts the target for given inputs with the regression just fitted.",
            tags: &["predict", "inference", "estimate"],
            examples: &[
                "Predict y for x=6 from (1,2), (2,4), (3,6)",
                "With these sizes and prices, what would you estimate for size 120?",
                "Welchen Wert sagst du für x = 10 voraus?",
                "توقع قيمة y عندما x=5 من النقاط (1,2) و (2,4) و (3,6)",
            ],
        },
    ],
};

static GROUPS: LazyLock<Regex> = LazyLock::new(|| {
    let word = "two|three|four|five|zwei|drei|vier|deux|trois|quatre|dos|tres|cuatro";
    Regex::new(&format!(r"(?i)\bk\s*=\s*(\d{{1,2}})|(\d{{1,2}}|{word})\s*(?:つの)?\s*(?:clusters?|groups?|gruppen|segments?|groupes?|grupos?|clústeres|类|组|组别|クラスタ|グループ|مجموعات)")).expect("a constant pattern")
});
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:x|size|for|für|pour|para)\s*=?\s*\(?(-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?)*)\)?",
    )
    .expect("a constant pattern")
});

/// The agent.
pub(super) struct MlAgent;

#[async_trait]
impl Agent for MlAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let plain = numbers::plain(&request.text);
        let Some(rows) = rows::rows(&plain) else {
            return match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack("Which rows? Please paste at least three, one a line or as (1, 2), (2, 4), (3, 6); the last column is what I predict.".to_owned()),
            };
        };
        reporter.progress(format!("Training on {} rows of {} columns.", rows.values.len(), rows.names.len()));
        let cluster = GROUPS.is_match(&plain)
            || has_any(
                &plain,
                &[
                    "cluster*",
                    "k-means",
                    "kmeans",
                    "group*",
                    "gruppe*",
                    "agrupa*",
                    "regroupe*",
                    "聚类",
                    "分组",
                    "クラスタ",
                    "グループ",
                    "تجميع",
                ],
            );
        let work = tokio::task::spawn_blocking(move || {
            if cluster { clusters(&rows, groups(&plain)) } else { regression(&rows, &plain) }
        });
        match work.await {
            Ok(Ok(text)) => Outcome::Answered(text),
            Ok(Err(why)) => Outcome::AskedBack(why),
            Err(_) => Outcome::Failed("Something went wrong while training.".to_owned()),
        }
    }
}

fn groups(text: &str) -> usize {
    let found = GROUPS.captures(text).and_then(|found| found.get(1).or(found.get(2)));
    found.map_or(2, |count| match count.as_str().to_lowercase().as_str() {
        "two" | "zwei" | "deux" | "dos" => 2,
        "three" | "drei" | "trois" | "tres" => 3,
        "four" | "vier" | "quatre" | "cuatro" => 4,
        "five" => 5,
        digits => digits.parse().unwrap_or(2),
    })
}

fn clusters(rows: &Rows, groups: usize) -> Result<String, String> {
    if groups < 1 || groups > rows.values.len() {
        return Err(format!("{} rows cannot make {groups} groups. How many shall it be?", rows.values.len()));
    }
    let found = kmeans::kmeans(&rows.values, groups);
    let mut text = format!(
        "k-means put {} rows into {groups} groups (inertia {}, {} rounds).\n\n",
        rows.values.len(),
        show(found.inertia),
        found.rounds
    );
    for (group, centre) in found.centres.iter().enumerate() {
        let members: Vec<String> = found
            .group_of
            .iter()
            .enumerate()
            .filter(|(_, of)| **of == group)
            .map(|(row, _)| (row + 1).to_string())
            .collect();
        let centre: Vec<String> = centre.iter().map(|value| show(*value)).collect();
        let shown = members.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
        let more = if members.len() > 20 { ", …" } else { "" };
        writeln!(
            text,
            "- group {}: centre ({}), {} rows: {shown}{more}",
            group + 1,
            centre.join(", "),
            members.len()
        )
        .ok();
    }
    text.push_str("\nColumns are taken as they are, not scaled to each other.\n");
    Ok(text)
}

fn regression(rows: &Rows, text: &str) -> Result<String, String> {
    let columns = rows.names.len();
    let (inputs, target) = (&rows.names[..columns - 1], &rows.names[columns - 1]);
    let Some(model) = regression::fit(&rows.values) else {
        return Err("These rows do not determine a line: there are too few, or one column follows from the others. Can you give more?".to_owned());
    };
    let mut formula = show(model.intercept);
    for (name, weight) in inputs.iter().zip(&model.weights) {
        let sign = if *weight < 0.0 { "−" } else { "+" };
        write!(formula, " {sign} {} · {name}", show(weight.abs())).ok();
    }
    let mut answer =
        format!("Linear regression over {} rows:\n\n- {target} = {formula}\n", rows.values.len());
    writeln!(answer, "- fit: R² {} (1 is perfect), typical error {}", show(model.fit), show(model.error))
        .ok();
    let asked = ASKED
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .map(|found| numbers::numbers(&found.as_str().replace(',', ", ")));
    if let Some(point) = asked.into_iter().find(|point| point.len() == inputs.len()) {
        let at: Vec<String> =
            inputs.iter().zip(&point).map(|(name, value)| format!("{name} = {}", show(*value))).collect();
        writeln!(answer, "- predicted {target} for {}: {}", at.join(", "), show(model.predict(&point))).ok();
    }
    if rows.values.len() < 10 {
        answer.push_str("\nSo few rows make a rough model; take it as a hint.\n");
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::{clusters, regression, rows::rows};

    #[test]
    fn a_line_is_fitted_and_used() {
        let text = "Predict y for x=6 from (1,2), (2,4), (3,6)";
        let answer = regression(&rows(text).unwrap(), text).unwrap();
        assert!(
            answer.contains("y = 0 + 2 · x") && answer.contains("R² 1 ") && answer.contains("for x = 6: 12"),
            "{answer}"
        );
    }

    #[test]
    fn points_are_grouped() {
        let answer = clusters(&rows("(1,1), (1.2,0.9), (8,8), (8.1,7.9)").unwrap(), 2).unwrap();
        assert!(answer.contains("2 rows: 1, 2") && answer.contains("2 rows: 3, 4"), "{answer}");
        let semicolons = rows("size to price: 50,150; 80,230; 100,290").unwrap();
        assert_eq!(semicolons.values[1], [80.0, 230.0]);
    }
}
