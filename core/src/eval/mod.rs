//! `switchboard-core eval`: measures the router on messages whose right agents are known.

mod answers;
mod bootstrap;
mod calibration;
mod fault;
mod figures;
mod gate;
mod headlines;
mod options;
mod plot;
mod registry;
mod report;
mod rows;
mod strangers;

use crate::{
    config::{DEFAULTS, LlmConfig, RouteConfig},
    llm::Llm,
    route::{Router, embed::Embedder},
};
use answers::{Answer, Rosters};
use calibration::Calibration;
use fault::Fault;
use figures::Known;
use gate::Gate;
pub(crate) use options::{Options, without_empty};
use registry::{Registry, json_file};
use report::Material;
use rows::{BadRows, Row};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use switchboard_shared::{
    cause::Cause,
    config::{self, Check, Faults},
};
use tokio::time::Instant;

/// What came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// For standard output.
    pub(crate) text: String,
    /// What whoever reads the figures should know of the rows.
    pub(crate) warnings: Vec<String>,
    /// Bounds that do not hold.
    pub(crate) broken: Vec<String>,
}

/// The parts of a `core.toml` that routing needs.
#[derive(Debug, Deserialize)]
struct Settings {
    route: RouteConfig,
    turn: TurnSettings,
    llm: Vec<LlmConfig>,
}

#[derive(Debug, Deserialize)]
struct TurnSettings {
    max_agents: usize,
}

impl Check for Settings {
    fn check(&self, faults: &mut Faults) {
        self.route.embedder.check(faults);
    }
}

/// The rows of all files.
struct Files {
    train: Vec<Row>,
    dev: Vec<Row>,
    test: Vec<Row>,
    nobody: Vec<String>,
}

/// Measures.
pub(crate) async fn run(options: &Options) -> Result<Outcome, Fault> {
    let settings: Settings =
        config::load(DEFAULTS, options.config.as_deref()).map_err(|e| Fault(e.to_string()))?;
    let gate = options.require.as_deref().map(gate).transpose()?;
    let files = Files::read(options)?;
    let registry = registry(options, &files)?;
    if registry.len() == 0 {
        return Err(Fault(
            "no agents: --train has no row that is for one, and --agents names none".to_owned(),
        ));
    }
    if files.test.is_empty() {
        return Err(Fault("--test has no rows".to_owned()));
    }
    strangers::refuse(files.answered(options), &registry)?;
    let warnings = strangers::warnings(files.answered(options), &registry);
    let router = router(options, &settings)?;
    let embedder = Embedder::open(&settings.route.embedder).map_err(|e| Fault(e.to_string()))?.map(Arc::new);
    let began = Instant::now();
    let rows = || files.dev.iter().chain(&files.test);
    let rows: Vec<_> = rows().cloned().collect();
    let rosters = Rosters::learn(&registry, &rows, &files.nobody, embedder.as_ref()).await.map_err(Fault)?;
    let train_ms = began.elapsed().as_secs_f64() * 1e3 / figures::count(rosters.len().max(1));
    let mut dev = answers::answer(&router, &registry, &rosters, &files.dev).await;
    let mut test = answers::answer(&router, &registry, &rosters, &files.test).await;
    calibrate(&files.dev, &mut dev, &mut test);
    if let Some(folder) = &options.predictions {
        std::fs::create_dir_all(folder).map_err(|e| Fault::file(folder, &Cause::of(&e)))?;
        write(&folder.join("dev.jsonl"), &predictions(&dev))?;
        write(&folder.join("test.jsonl"), &predictions(&test))?;
    }
    let known_test = known(&files.test, &test);
    let material = Material {
        dev: &known(&files.dev, &dev),
        test: &known_test,
        dev_answers: &dev,
        answers: &test,
        agents: registry.len(),
        train_ms,
    };
    let report = report::report(&material);
    if let Some(file) = &options.plot {
        let bins = figures::bins(&known_test.iter().collect::<Vec<_>>());
        write(file, &plot::reliability(&bins, figures::ece(&bins)))?;
    }
    let text = if options.json { report.to_string() } else { report::tables(&report, &known_test) };
    Ok(Outcome { text, warnings, broken: gate.map(|gate| gate.broken(&report)).unwrap_or_default() })
}

impl Files {
    fn read(options: &Options) -> Result<Self, Fault> {
        let field = options.label_field.as_deref().unwrap_or("label");
        let mut faults = BadRows::default();
        let mut read = |path: &Option<PathBuf>, every| {
            path.as_deref().map_or_else(Vec::new, |path| rows::read(path, field, every, &mut faults))
        };
        let train = read(&options.train, true);
        let mut nobody: Vec<String> =
            read(&options.negatives, false).into_iter().map(|row| row.text).collect();
        nobody.extend(
            train
                .iter()
                .filter(|row| row.labels.as_ref().is_some_and(Vec::is_empty))
                .map(|row| row.text.clone()),
        );
        let (dev, test) = (read(&options.dev, false), read(&options.test, false));
        faults.check()?;
        Ok(Self { train, dev, test, nobody })
    }

    /// The rows that are answered, with their files.
    fn answered<'a>(&'a self, options: &'a Options) -> impl Iterator<Item = (&'a Path, &'a [Row])> {
        let files = [(&options.dev, &self.dev), (&options.test, &self.test)];
        files.into_iter().filter_map(|(path, rows)| Some((path.as_deref()?, rows.as_slice())))
    }
}

fn registry(options: &Options, files: &Files) -> Result<Registry, Fault> {
    let described = options.agents.as_deref().map(json_file).transpose()?;
    let named = |path: &Option<PathBuf>, why: String| match path {
        Some(path) => Fault::file(path, &why),
        None => Fault(why),
    };
    let mut registry =
        Registry::new(described, &files.train, options.shots).map_err(|why| named(&options.agents, why))?;
    if let Some(path) = &options.registries {
        registry.limit(json_file(path)?).map_err(|why| Fault::file(path, &why))?;
    }
    Ok(registry)
}

fn router(options: &Options, settings: &Settings) -> Result<Router, Fault> {
    let endpoints = if options.stages == Some(1) { &[] } else { settings.llm.as_slice() };
    let llm = Llm::new(endpoints).map_err(|e| Fault(e.to_string()))?;
    Ok(Router::new(&settings.route, settings.turn.max_agents, Arc::new(llm)))
}

fn gate(path: &Path) -> Result<Gate, Fault> {
    Gate::read(json_file(path)?).map_err(|why| Fault::file(path, &why))
}

fn calibrate(rows: &[Row], dev: &mut [Answer], test: &mut [Answer]) {
    let known = rows.iter().zip(dev.iter()).filter_map(|(row, answer)| {
        let labels = row.labels.as_ref().filter(|labels| !labels.is_empty())?;
        Some((answer, *labels == answer.labels))
    });
    let calibration = Calibration::fit(known);
    dev.iter_mut().chain(test).for_each(|answer| calibration.apply(answer));
}

fn known(rows: &[Row], answers: &[Answer]) -> Vec<Known> {
    let known = rows.iter().zip(answers).filter_map(|(row, answer)| {
        Some(Known {
            truth: row.labels.clone()?,
            said: answer.labels.clone(),
            confidence: answer.confidence,
            decided: answer.decided,
            lang: row.lang.clone(),
            previous: row.is_turn.then(|| row.previous.clone()),
        })
    });
    known.collect()
}

fn predictions(answers: &[Answer]) -> String {
    let mut text = String::new();
    for answer in answers {
        let label: Value = match answer.labels.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let us = (answer.us * 10.0).round() / 10.0;
        let mut line = json!({"label": label, "confidence": answer.confidence, "us": us});
        if let Some(kind) = answer.degraded {
            line["degraded"] = json!(kind);
        }
        writeln!(text, "{line}").expect("writing to a string does not fail");
    }
    text
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    std::fs::write(path, text).map_err(|e| Fault::file(path, &Cause::of(&e)))
}
