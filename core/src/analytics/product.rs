//! How a tenant uses the house, and how good the answers are.

use super::{counts::What, definitions, histogram::float, sums::Sums, window::Window};
use crate::{
    clock,
    config::PriceConfig,
    core::Core,
    error::Result,
    store::{ThoughtRow, Tx, View, reading},
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use switchboard_shared::{
    api::{
        AgentCount, ConfidenceCount, CorrectedRoute, Cost, LanguageCount, ModelCost, ProductAnalytics,
        ProductPoint, ProductTotals,
    },
    ids::TenantId,
};

/// What is counted for this page.
const WHATS: [What; 11] = [
    What::Messages,
    What::Languages,
    What::Confidence,
    What::Turns,
    What::Answers,
    What::Degraded,
    What::Calls,
    What::CallsFailed,
    What::Tokens,
    What::TokensRead,
    What::TokensWritten,
];
const TENTHS: i64 = 10;
/// The language of what has none that could be told (BCP 47).
const UNDETERMINED: &str = "und";
const TOKENS_OF_A_PRICE: f64 = 1e6;
/// Corrected routes that are named: the newest ones.
const MOST_CORRECTED: i64 = 20;

/// What the rows say of a window.
#[derive(Debug, Default)]
struct Rows {
    sums: Sums,
    users: BTreeMap<DateTime<Utc>, i64>,
    users_of_all: i64,
    thoughts: Vec<ThoughtRow>,
    corrected: Vec<CorrectedRoute>,
}

/// Reads and adds up.
pub(crate) async fn product(core: &Core, tenant: &TenantId, window: Window) -> Result<ProductAnalytics> {
    let rows = reading!(&core.store, tenant, View::Any, tx, read(tx, tenant, window))?;
    Ok(told(rows, window, &core.config.analytics.price, clock::now()))
}

async fn read(tx: &Tx, tenant: &TenantId, window: Window) -> Result<Rows> {
    let span = window.span();
    let counted = tx.counts(tenant, &span, &WHATS.map(What::name)).await?;
    let users = tx.users_in(tenant, &span).await?;
    Ok(Rows {
        sums: Sums::of(counted),
        users_of_all: users.iter().find(|(at, _)| at.is_none()).map_or(0, |(_, users)| *users),
        users: users.into_iter().filter_map(|(at, users)| Some((at?, users))).collect(),
        thoughts: tx.thoughts(tenant, &span).await?,
        corrected: tx.corrected(tenant, &span, MOST_CORRECTED).await?,
    })
}

fn told(rows: Rows, window: Window, price: &PriceConfig, now: DateTime<Utc>) -> ProductAnalytics {
    let sums = &rows.sums;
    let models = models(sums, price);
    ProductAnalytics {
        from: window.from,
        to: window.to,
        step: window.step,
        at: now,
        totals: totals(&rows, cost(&models, sums.all(What::Answers), price)),
        points: window.marks().map(|at| point(&rows, at)).collect(),
        languages: languages(sums),
        agents: agents(sums),
        models,
        confidence: confidence(sums),
        definitions: definitions::product(),
        corrected: rows.corrected,
    }
}

fn totals(rows: &Rows, cost: Option<Cost>) -> ProductTotals {
    let sums = &rows.sums;
    let (answers, calls) = (sums.all(What::Answers), sums.all(What::Calls));
    let (input, output) = (sums.of_kind(What::Tokens, "input"), sums.of_kind(What::Tokens, "output"));
    let per_answer = |n: f64| (answers > 0).then(|| n / float(answers));
    ProductTotals {
        messages: sums.all(What::Messages),
        users: rows.users_of_all,
        answers,
        without_llm: sums.of_kind(What::Answers, "without_llm"),
        degraded: sums.all(What::Degraded),
        failed: sums.of_kind(What::Turns, "failed"),
        calls,
        thumbs_up: rows.thoughts.iter().map(|one| one.up).sum(),
        thumbs_down: rows.thoughts.iter().map(|one| one.down).sum(),
        corrections: rows.thoughts.iter().map(|one| one.corrections).sum(),
        input_tokens: input,
        output_tokens: output,
        calls_per_answer: per_answer(float(calls)),
        tokens_per_answer: per_answer(float(input + output)),
        cost,
    }
}

/// What each model has taken; the last of them is what was counted before models were.
fn models(sums: &Sums, price: &PriceConfig) -> Vec<ModelCost> {
    let named = [What::TokensRead, What::TokensWritten].map(|what| sums.ranked(what));
    let names: BTreeSet<String> = named.into_iter().flatten().map(|(model, _)| model).collect();
    let of = |model: String, input_tokens: i64, output_tokens: i64| ModelCost {
        cost: price.of(&model).map(|(read, written)| {
            (float(input_tokens) * read + float(output_tokens) * written) / TOKENS_OF_A_PRICE
        }),
        model,
        input_tokens,
        output_tokens,
    };
    let known = |model: String| {
        let (input, output) =
            (sums.of_kind(What::TokensRead, &model), sums.of_kind(What::TokensWritten, &model));
        of(model, input, output)
    };
    let mut models: Vec<_> = names.into_iter().map(known).collect();
    models.sort_by_key(|one| std::cmp::Reverse(one.input_tokens + one.output_tokens));
    let left = |kind: &str, what| (sums.of_kind(What::Tokens, kind) - sums.all(what)).max(0);
    let (input, output) = (left("input", What::TokensRead), left("output", What::TokensWritten));
    models.extend((input + output > 0).then(|| of(String::new(), input, output)));
    models
}

fn cost(models: &[ModelCost], answers: i64, price: &PriceConfig) -> Option<Cost> {
    let cost_of_all = models.iter().filter_map(|one| one.cost).sum();
    let unpriced = models.iter().filter(|one| one.cost.is_none());
    price.is_given().then(|| Cost {
        currency: price.currency.clone(),
        cost_of_all,
        cost_per_answer: (answers > 0).then(|| cost_of_all / float(answers)),
        unpriced_tokens: unpriced.map(|one| one.input_tokens + one.output_tokens).sum(),
    })
}

fn point(rows: &Rows, at: DateTime<Utc>) -> ProductPoint {
    let sums = &rows.sums;
    let thoughts = rows.thoughts.iter().find(|one| one.at == at);
    ProductPoint {
        at,
        messages: sums.all_at(What::Messages, at),
        users: rows.users.get(&at).copied().unwrap_or(0),
        answers: sums.all_at(What::Answers, at),
        without_llm: sums.of_kind_at(What::Answers, "without_llm", at),
        thumbs_up: thoughts.map_or(0, |one| one.up),
        thumbs_down: thoughts.map_or(0, |one| one.down),
        input_tokens: sums.of_kind_at(What::Tokens, "input", at),
        output_tokens: sums.of_kind_at(What::Tokens, "output", at),
    }
}

fn languages(sums: &Sums) -> Vec<LanguageCount> {
    let named = |language: String| if language.is_empty() { UNDETERMINED.to_owned() } else { language };
    let ranked = sums.ranked(What::Languages).into_iter();
    ranked.map(|(language, messages)| LanguageCount { language: named(language), messages }).collect()
}

fn agents(sums: &Sums) -> Vec<AgentCount> {
    let all = sums.all(What::Calls);
    let ranked = sums.ranked(What::Calls).into_iter();
    ranked
        .map(|(agent, calls)| AgentCount {
            calls_failed: sums.of_kind(What::CallsFailed, &agent),
            share: float(calls) / float(all.max(1)),
            agent,
            calls,
        })
        .collect()
}

fn confidence(sums: &Sums) -> Vec<ConfidenceCount> {
    let bar = |tenth: i64| ConfidenceCount {
        confidence_from: float(tenth) / float(TENTHS),
        confidence_to: float(tenth + 1) / float(TENTHS),
        plans: sums.of_kind(What::Confidence, &tenth.to_string()),
    };
    (0..TENTHS).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analytics::definitions::numbers, config::ModelPrice, store::CountedRow};
    use switchboard_shared::api::Step;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn rows() -> Rows {
        let row = |at_: &str, what: &str, label: &str, n| CountedRow {
            at: at(at_),
            what: what.to_owned(),
            label: label.to_owned(),
            n,
        };
        let (one, two) = ("2026-05-04T09:00:00Z", "2026-05-04T09:01:00Z");
        let counted = vec![
            row(one, "messages", "", 3),
            row(two, "messages", "", 1),
            row(one, "languages", "de", 3),
            row(two, "languages", "", 1),
            row(one, "answers", "with_llm", 1),
            row(two, "answers", "without_llm", 1),
            row(one, "calls", "weather", 3),
            row(one, "calls", "sums", 1),
            row(one, "calls_failed", "sums", 1),
            row(one, "tokens", "input", 1_500_000),
            row(one, "tokens", "output", 500_000),
            row(one, "confidence", "9", 4),
        ];
        let corrected = CorrectedRoute {
            turn: Default::default(),
            at: at(one),
            asked: vec!["sums".parse().unwrap()],
            right: vec!["weather".parse().unwrap()],
            confidence: Some(0.7),
        };
        Rows {
            sums: Sums::of(counted),
            users: [(at(one), 2)].into(),
            users_of_all: 2,
            thoughts: vec![ThoughtRow { at: at(two), up: 0, down: 2, corrections: 1 }],
            corrected: vec![corrected],
        }
    }

    fn found(price: &PriceConfig) -> ProductAnalytics {
        let (from, to) = (at("2026-05-04T09:00:00Z"), at("2026-05-04T09:02:00Z"));
        let window = Window::new(Some(from), Some(to), Step::Minute, to).unwrap();
        told(rows(), window, price, to)
    }

    #[test]
    fn the_figures_are_sums_of_the_rows_and_each_step_has_its_own() {
        let found = found(&PriceConfig::default());
        assert_eq!((found.totals.messages, found.totals.users, found.totals.answers), (4, 2, 2));
        assert_eq!((found.totals.without_llm, found.totals.thumbs_down, found.totals.corrections), (1, 2, 1));
        assert_eq!((found.totals.calls_per_answer, found.totals.tokens_per_answer), (Some(2.0), Some(1e6)));
        assert_eq!(found.totals.cost, None, "without a price there is no money");
        let by_step: Vec<_> =
            found.points.iter().map(|point| (point.messages, point.users, point.thumbs_down)).collect();
        assert_eq!(by_step, [(3, 2, 0), (1, 0, 2)]);
        assert_eq!(
            (found.languages[0].language.as_str(), found.languages[1].language.as_str()),
            ("de", "und")
        );
        let agents: Vec<_> =
            found.agents.iter().map(|one| (one.agent.as_str(), one.share, one.calls_failed)).collect();
        assert_eq!(agents, [("weather", 0.75, 0), ("sums", 0.25, 1)]);
        assert_eq!(
            found.confidence.iter().map(|bar| bar.plans).collect::<Vec<_>>(),
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 4]
        );
    }

    #[test]
    fn each_model_costs_its_own_price_and_what_has_none_is_said() {
        let row = |what: &str, label: &str, n| CountedRow {
            at: at("2026-05-04T09:00:00Z"),
            what: what.to_owned(),
            label: label.to_owned(),
            n,
        };
        let sums = || {
            Sums::of(vec![
                row("tokens", "input", 3_000_000),
                row("tokens", "output", 1_000_000),
                row("tokens_read", "large", 1_000_000),
                row("tokens_written", "large", 1_000_000),
                row("tokens_read", "small", 1_500_000),
            ])
        };
        let large = ModelPrice { model: "large".into(), input_per_million: 2.0, output_per_million: 10.0 };
        let own = PriceConfig { currency: "EUR".into(), models: vec![large], ..PriceConfig::default() };
        let costs = |price: &PriceConfig| {
            let models = models(&sums(), price);
            let each: Vec<_> = models.iter().map(|one| (one.model.clone(), one.cost)).collect();
            (each, cost(&models, 4, price))
        };
        let (each, all) = costs(&own);
        assert_eq!(each, [("large".into(), Some(12.0)), ("small".into(), None), (String::new(), None)]);
        let all = all.unwrap();
        assert_eq!((all.cost_of_all, all.cost_per_answer), (12.0, Some(3.0)));
        assert_eq!(
            all.unpriced_tokens, 2_000_000,
            "of the small one, and of what was counted without a name"
        );
        let (each, all) = costs(&PriceConfig { input_per_million: 1.0, ..own });
        assert_eq!(each[1..], [("small".into(), Some(1.5)), (String::new(), Some(0.5))]);
        assert_eq!(all.unwrap().unpriced_tokens, 0);
        assert_eq!(costs(&PriceConfig::default()).1, None);
    }

    #[test]
    fn every_number_has_its_definition_and_money_its_price() {
        let price = PriceConfig {
            currency: "EUR".into(),
            input_per_million: 2.0,
            output_per_million: 10.0,
            models: Vec::new(),
        };
        let found = found(&price);
        assert_eq!(found.totals.cost.as_ref().map(|cost| cost.cost_of_all), Some(8.0));
        let json = serde_json::to_value(&found).unwrap();
        for name in numbers(&json) {
            assert!(found.definitions.contains_key(&name), "{name}");
        }
    }
}
