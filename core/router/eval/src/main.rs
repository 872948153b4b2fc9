//! Measures the router on labelled messages: how many it gets right, how many it decides, and how many of those are
//! right.

mod figures;
mod recorded;
mod rows;

use clap::Parser;
use figures::{Answer, Figures};
use rows::{House, Row};
use std::{collections::HashMap, io::Write, path::PathBuf, time::SystemTime};
use switchboard_router::{Encoder, Message, Model, Vectors};

/// What is measured.
#[derive(Debug, Parser)]
struct Options {
    /// Rows that become examples: {"text", "label", "lang"}
    #[arg(long)]
    train: Option<PathBuf>,
    /// {"name": "description"} or [{"name", "description", "skills"}]
    #[arg(long)]
    agents: Option<PathBuf>,
    /// {"id": ["name"]}: a row with "registry": id may only go to these
    #[arg(long)]
    registries: Option<PathBuf>,
    /// Rows that are for nobody
    #[arg(long)]
    negatives: Option<PathBuf>,
    /// Rows to be answered; the label "oos" is nobody's, a list is for all of them
    #[arg(long, required_unless_present = "recorded")]
    test: Option<PathBuf>,
    /// Texts with the tokens and vectors that the encoder's own package gives them: whether ours are the same
    #[arg(long, requires = "encoder", conflicts_with = "test")]
    recorded: Option<PathBuf>,
    /// The folder with the encoder's two files
    #[arg(long)]
    encoder: Option<PathBuf>,
    /// Examples of each label at most
    #[arg(long)]
    shots: Option<usize>,
    /// The chance of being right from which it decides
    #[arg(long, default_value_t = 0.99)]
    right: f64,
    /// The figures of each language and each kind of row as well
    #[arg(long)]
    by: bool,
    /// The surest mistakes, so many
    #[arg(long, default_value_t = 0)]
    mistakes: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let encoder = options.encoder.as_deref().map(Encoder::open).transpose()?;
    let vectors = encoder.as_ref().map(|encoder| encoder as &dyn Vectors);
    if let Some((encoder, file)) = encoder.as_ref().zip(options.recorded.as_deref()) {
        return recorded::check(encoder, file);
    }
    let house = House::read(&options)?;
    let rows = options.test.as_deref().map(rows::read).transpose()?.unwrap_or_default();
    let mut answers = Vec::with_capacity(rows.len());
    let mut models = HashMap::new();
    let mut learned = 0.0;
    for row in &rows {
        let (names, model) = models.entry(row.registry.clone()).or_insert_with(|| {
            let (names, agents) = house.registry(row.registry.as_deref());
            let began = SystemTime::now();
            let model = Model::learn(&agents, &house.nobody, vectors);
            learned += micros(began) / 1e6;
            (names, model)
        });
        answers.push(answer(row, names, model, vectors, options.right));
    }
    let mut out = std::io::stdout().lock();
    let bytes: usize = models.values().map(|(_, model)| model.bytes()).sum();
    writeln!(
        out,
        "{} registries learned in {learned:.2} s, {:.1} MB",
        models.len(),
        figures::real(bytes) / 1e6
    )?;
    writeln!(out, "{}", Figures::of(answers.iter()))?;
    if options.by {
        for (name, of) in figures::groups(&rows, &answers) {
            writeln!(out, "{name:16} {}", Figures::of(of.into_iter()).short())?;
        }
    }
    for (row, answer) in figures::mistakes(&rows, &answers).into_iter().take(options.mistakes) {
        writeln!(
            out,
            "{:.3} {:?} for {:?}: {}",
            answer.chance,
            answer.said,
            row.labels,
            row.text.replace('\n', " / ")
        )?;
    }
    Ok(())
}

fn answer(row: &Row, names: &[String], model: &Model, vectors: Option<&dyn Vectors>, right: f64) -> Answer {
    let place = |name: &String| names.iter().position(|known| known == name);
    let previous: Vec<usize> = row.previous.iter().filter_map(place).collect();
    let began = SystemTime::now();
    let verdict = model.judge(Message { text: &row.text, previous: &previous }, vectors, right);
    let micros = micros(began);
    let mut said: Vec<String> = verdict.agents().iter().map(|agent| names[*agent].clone()).collect();
    said.sort();
    Answer {
        right: said == row.labels,
        single: row.labels.len() < 2,
        nobody: row.labels.is_empty(),
        overlap: figures::overlap(&said, &row.labels),
        found_new: row.finds_new(&said),
        said,
        chance: verdict.chance(),
        decided: verdict.is_decided(),
        micros,
    }
}

fn micros(since: SystemTime) -> f64 {
    since.elapsed().map_or(0.0, |elapsed| elapsed.as_secs_f64() * 1e6)
}
