//! What of a turn is counted for analytics.

use super::work::Work;
use crate::{
    analytics::{Timed, What},
    learn::likely_language,
    llm::Tokens,
    metrics,
};
use std::{borrow::Cow, time::Duration};
use switchboard_shared::{
    events::{CallState, Plan, TurnState, Usage},
    ids::AgentId,
};

/// So many characters tell the language of a message.
const LANGUAGE_CHARS: usize = 400;
/// Confidence is counted in so many bars.
const BARS: f64 = 10.0;
const NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

impl Work {
    /// The router has decided.
    pub(super) fn count_plan(&self, plan: &Plan, said: &str) {
        self.count(What::Languages, likely_language(&spoken(said)), 1);
        self.count(What::Confidence, bar(plan.confidence), 1);
    }

    /// A call has ended, or was not made.
    pub(super) fn count_call(&self, agent: &AgentId, state: CallState, ms: u64) {
        if state == CallState::Skipped {
            return;
        }
        self.count(What::Calls, agent.to_string(), 1);
        if matches!(state, CallState::Failed | CallState::TimedOut | CallState::Rejected) {
            self.count(What::CallsFailed, agent.to_string(), 1);
        }
        self.core.counts.time(&self.tenant, Timed::Agent, Duration::from_millis(ms));
    }

    /// An LLM has chosen or written: it costs then, however the turn ends, and on whichever core.
    pub(super) fn count_tokens(&self, tokens: &Tokens) {
        self.core.counts.tokens(&self.tenant, &self.core.llm, tokens);
    }

    /// The turn has ended.
    pub(super) fn count_end(
        &self,
        (state, has_answer, is_degraded): (TurnState, bool, bool),
        usage: &Usage,
        whole: Duration,
    ) {
        // One whose agent works on is counted when that is done.
        if state != TurnState::Working {
            self.count(What::Turns, state.name(), 1);
        }
        if !has_answer || !matches!(state, TurnState::Completed | TurnState::InputRequired) {
            return;
        }
        let used_llm = usage.llm_input_tokens + usage.llm_output_tokens > 0;
        self.count(What::Answers, if used_llm { "with_llm" } else { "without_llm" }, 1);
        self.count(What::Degraded, "", is_degraded.into());
        self.core.counts.time(&self.tenant, Timed::Answer, whole);
        // What an attempt on another core took elsewhere is not known.
        if self.turn.attempt == 1 {
            let own = whole.saturating_sub(self.elsewhere.sum());
            metrics::OWN_SECONDS.observe(own.as_secs_f64());
            self.core.counts.time(&self.tenant, Timed::Own, own);
        }
    }

    fn count(&self, what: What, label: impl Into<Cow<'static, str>>, n: u64) {
        self.core.counts.add(&self.tenant, what, label, n);
    }
}

/// The beginning of what was said, without the names of agents: those are of no language.
fn spoken(said: &str) -> String {
    let words = said.split_whitespace().filter(|word| !word.starts_with('@'));
    words.collect::<Vec<_>>().join(" ").chars().take(LANGUAGE_CHARS).collect()
}

/// The bar of a confidence.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to 0 to 9")]
fn bar(confidence: f64) -> &'static str {
    // 0.7 is the least of its bar, also as a binary fraction.
    NAMES[(confidence * BARS + 1e-9).clamp(0.0, BARS - 1.0) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_in_the_bar_that_it_begins_or_lies_in() {
        let bars = [0.0, 0.05, 0.1, 0.29, 0.3, 0.7, 0.99, 1.0, f64::NAN].map(bar);
        assert_eq!(bars, ["0", "0", "1", "2", "3", "7", "9", "9", "0"]);
    }
}
