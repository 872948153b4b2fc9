//! The figures of answered rows.

use crate::rows::Row;
use std::{collections::BTreeMap, fmt};

/// How many of what is accepted must be right.
const WANTED: f64 = 0.99;
/// The share of messages that are for nobody, where that is mixed in.
const FOR_NOBODY: f64 = 0.2;

/// What was said of a row.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) said: Vec<String>,
    pub(crate) right: bool,
    pub(crate) nobody: bool,
    /// For one agent, or for nobody.
    pub(crate) single: bool,
    pub(crate) overlap: f64,
    pub(crate) found_new: Option<bool>,
    pub(crate) chance: f64,
    pub(crate) decided: bool,
    pub(crate) micros: f64,
}

/// The figures; shares in percent, none where there is nothing to count.
#[derive(Debug)]
pub(crate) struct Figures {
    rows: usize,
    accuracy: Option<f64>,
    decided: Option<f64>,
    decided_right: Option<f64>,
    surest: f64,
    surest_with_nobody: Option<f64>,
    nobody_decided: Option<f64>,
    exact_sets: Option<f64>,
    overlap: Option<f64>,
    found_new: Option<f64>,
    typical: f64,
    slowest: f64,
}

impl Figures {
    pub(crate) fn of<'a>(answers: impl Iterator<Item = &'a Answer>) -> Self {
        let all: Vec<&Answer> = answers.collect();
        let of = |keep: fn(&Answer) -> bool| all.iter().copied().filter(move |answer| keep(answer));
        let somebodys = || of(|answer| !answer.nobody);
        let mut times: Vec<f64> = all.iter().map(|answer| answer.micros).collect();
        times.sort_by(f64::total_cmp);
        let nobodys = of(|answer| answer.nobody).count();
        let weight = real(somebodys().count()) * FOR_NOBODY / (1.0 - FOR_NOBODY) / real(nobodys.max(1));
        Self {
            rows: all.len(),
            accuracy: share(somebodys().map(|answer| answer.right)),
            decided: share(somebodys().map(|answer| answer.decided)),
            decided_right: share(of(|answer| answer.decided).map(|answer| answer.right)),
            surest: surest(&all, 0.0),
            surest_with_nobody: (nobodys > 0).then(|| surest(&all, weight)),
            nobody_decided: share(of(|answer| answer.nobody).map(|answer| answer.decided)),
            exact_sets: share(of(|answer| !answer.single).map(|answer| answer.right)),
            overlap: mean(of(|answer| !answer.single).map(|answer| answer.overlap))
                .map(|overlap| 100.0 * overlap),
            found_new: share(all.iter().filter_map(|answer| answer.found_new)),
            typical: times.get(times.len() / 2).copied().unwrap_or_default(),
            slowest: times.get(times.len() * 99 / 100).copied().unwrap_or_default(),
        }
    }

    /// The ones that matter in a table of many.
    pub(crate) fn short(&self) -> String {
        let percent = |of: Option<f64>| of.map_or("-".to_owned(), |of| format!("{of:.1}"));
        let (accuracy, decided, right) =
            (percent(self.accuracy), percent(self.decided), percent(self.decided_right));
        format!(
            "{:5} rows, accuracy {accuracy:>5}, decided {decided:>5}, of those right {right:>5}",
            self.rows
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            ("accuracy", self.accuracy, "of what is for somebody, exactly right"),
            ("decided", self.decided, "of that, decided"),
            ("decided_right", self.decided_right, "of all that is decided, right"),
            ("cov99", Some(self.surest), "the surest of which 99 % are right"),
            ("cov99_oos", self.surest_with_nobody, "the same where a fifth is for nobody"),
            ("oos_decided", self.nobody_decided, "of what is for nobody, decided"),
            ("exact_set", self.exact_sets, "of what is for several, exactly right"),
            ("jaccard", self.overlap, "of that, overlap"),
            ("found_new", self.found_new, "of turns with a new agent, it is found"),
        ];
        writeln!(
            f,
            "{} rows, {:.0} us typically, {:.0} us in 99 of 100",
            self.rows, self.typical, self.slowest
        )?;
        for (name, value, what) in lines {
            if let Some(value) = value {
                writeln!(f, "{name:14} {value:6.2} %  {what}")?;
            }
        }
        Ok(())
    }
}

/// How much two sets have in common.
pub(crate) fn overlap(one: &[String], other: &[String]) -> f64 {
    let both = one.iter().filter(|name| other.contains(name)).count();
    real(both) / real((one.len() + other.len() - both).max(1))
}

/// The rows by kind and by language.
pub(crate) fn groups<'a>(rows: &'a [Row], answers: &'a [Answer]) -> BTreeMap<&'a str, Vec<&'a Answer>> {
    let mut groups: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
    for (row, answer) in rows.iter().zip(answers) {
        for name in [&row.kind, &row.language].into_iter().flatten() {
            groups.entry(name).or_default().push(answer);
        }
    }
    groups
}

/// What was wrong, the surest first.
pub(crate) fn mistakes<'a>(rows: &'a [Row], answers: &'a [Answer]) -> Vec<(&'a Row, &'a Answer)> {
    let mut wrong: Vec<_> = rows.iter().zip(answers).filter(|(_, answer)| !answer.right).collect();
    wrong.sort_by(|(_, one), (_, other)| other.chance.total_cmp(&one.chance));
    wrong
}

/// How much of what is for somebody is at least so sure that 99 % are right; what is for nobody counts with a weight.
fn surest(answers: &[&Answer], weight: f64) -> f64 {
    let mut sure: Vec<_> =
        answers.iter().filter(|answer| !answer.said.is_empty() && (!answer.nobody || weight > 0.0)).collect();
    sure.sort_by(|one, other| other.chance.total_cmp(&one.chance));
    let (mut all, mut right, mut somebodys, mut most) = (0.0, 0.0, 0.0, 0.0);
    for (i, answer) in sure.iter().enumerate() {
        all += if answer.nobody { weight } else { 1.0 };
        somebodys += f64::from(u8::from(!answer.nobody));
        right += f64::from(u8::from(answer.right && !answer.nobody));
        let last = sure.get(i + 1).is_none_or(|next| next.chance < answer.chance);
        if last && right >= WANTED * all {
            most = somebodys;
        }
    }
    100.0 * most / real(answers.iter().filter(|answer| !answer.nobody).count().max(1))
}

fn share(of: impl Iterator<Item = bool>) -> Option<f64> {
    mean(of.map(|holds| if holds { 100.0 } else { 0.0 }))
}

fn mean(of: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = of.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[expect(clippy::cast_precision_loss, reason = "there are some thousand rows")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(chance: f64, right: bool) -> Answer {
        Answer {
            said: vec!["a".into()],
            right,
            nobody: false,
            single: true,
            overlap: 1.0,
            found_new: None,
            chance,
            decided: chance > 0.5,
            micros: 1.0,
        }
    }

    #[test]
    fn what_is_sure_and_right_is_counted() {
        let answers: Vec<Answer> = (0..200).map(|i| answer(f64::from(i) / 200.0, i >= 100)).collect();
        let figures = Figures::of(answers.iter());
        assert_eq!((figures.accuracy, figures.decided), (Some(50.0), Some(49.5)));
        assert!((figures.surest - 50.5).abs() < 0.01 && figures.decided_right == Some(100.0));
    }
}
