//! What happens in the house, in figures; what each figure is stands in `definitions` of the answer.

use crate::ids::{AgentId, TurnId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What each figure of an answer is, by its name.
pub type Definitions = BTreeMap<String, String>;

/// How fine a series is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// By minute.
    #[default]
    Minute,
    /// By hour.
    Hour,
}

impl Step {
    /// Its name, as on the wire and in rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }
}

/// A page of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnalyticsPage {
    /// What goes wrong, how fast it is, and how each part is.
    Running,
    /// How much there is to do, and how much more would fit.
    Capacity,
    /// How the tenant uses the house.
    Product,
}

impl AnalyticsPage {
    /// All pages.
    pub const ALL: [Self; 3] = [Self::Running, Self::Capacity, Self::Product];

    /// Its name, as in paths and as an event.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Capacity => "capacity",
            Self::Product => "product",
        }
    }
}

/// `GET /v1/analytics/product`: how a tenant uses the house, and how good the answers are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct ProductAnalytics {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub step: Step,
    pub at: DateTime<Utc>,
    pub totals: ProductTotals,
    pub points: Vec<ProductPoint>,
    pub languages: Vec<LanguageCount>,
    pub agents: Vec<AgentCount>,
    pub models: Vec<ModelCost>,
    pub confidence: Vec<ConfidenceCount>,
    pub corrected: Vec<CorrectedRoute>,
    pub definitions: Definitions,
}

/// The whole window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct ProductTotals {
    pub messages: i64,
    pub users: i64,
    pub answers: i64,
    pub without_llm: i64,
    pub degraded: i64,
    pub failed: i64,
    pub calls: i64,
    pub thumbs_up: i64,
    pub thumbs_down: i64,
    pub corrections: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_answer: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_answer: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// What the tokens cost, by the price that the configuration gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct Cost {
    pub currency: String,
    pub cost_of_all: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_answer: Option<f64>,
    pub unpriced_tokens: i64,
}

/// What a model has read and written, and what that cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct ModelCost {
    /// As the configuration names it; empty where it was not noted.
    pub model: String,
    pub input_tokens: i64,
    pub output_tokens: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct ProductPoint {
    pub at: DateTime<Utc>,
    pub messages: i64,
    pub users: i64,
    pub answers: i64,
    pub without_llm: i64,
    pub thumbs_up: i64,
    pub thumbs_down: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
}

/// Messages in a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct LanguageCount {
    /// BCP 47; `und` where it cannot be told.
    pub language: String,
    pub messages: i64,
}

/// How much an agent is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct AgentCount {
    pub agent: String,
    pub calls: i64,
    pub calls_failed: i64,
    pub share: f64,
}

/// Plans of a confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct ConfidenceCount {
    pub confidence_from: f64,
    pub confidence_to: f64,
    pub plans: i64,
}

/// A turn of which somebody said that other agents would have been right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "`definitions` says what each is")]
pub struct CorrectedRoute {
    pub turn: TurnId,
    pub at: DateTime<Utc>,
    pub asked: Vec<AgentId>,
    pub right: Vec<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}
