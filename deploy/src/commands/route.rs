//! `switchboard route "text"`: what the router would do, and why.

mod explanation;

use super::{
    access::Access,
    question::{question, whole},
};
use crate::{
    error::Result,
    terminal::{self, clean_line},
};
use clap::Args;
use serde_json::{Value, to_value};
use std::fmt::Write;
use switchboard_shared::{
    api::{Analysis, Analyze, written},
    events::Plan,
    ids::ConversationId,
};

/// How many scores are shown.
const SCORES: usize = 8;

/// Arguments of `route`.
#[derive(Debug, Args)]
pub struct Route {
    /// The message; - takes all of standard input
    #[arg(allow_hyphen_values = true, value_parser = question)]
    pub text: String,
    /// Say why as well: shares, bounds, the nearest examples, and what would have changed the choice
    #[arg(long)]
    pub explain: bool,
    /// The conversation that it would be said in
    #[arg(long, value_name = "ID")]
    pub conversation: Option<ConversationId>,
    /// Print the whole analysis as JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Route {
    /// Asks the router.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        // Texts of examples are shown to whoever may read them.
        let roles: &[&str] = if self.explain { &["user", "agent-admin"] } else { &["user"] };
        let client = self.access.client(roles)?;
        let request =
            Analyze { text: whole(&self.text)?, conversation: self.conversation, explain: self.explain };
        let analysis: Analysis = client.post("/v1/analyze", &request).await?;
        if self.json {
            terminal::json(&analysis);
        } else {
            terminal::table(&show(&analysis));
        }
        Ok(())
    }
}

fn show(analysis: &Analysis) -> String {
    let mut text = plan(&analysis.plan);
    if let Some(why) = &analysis.explanation {
        write!(text, "\n\n{}", explanation::show(why)).ok();
        write!(text, "\ndecided in {:.1} ms, explained in {:.1} ms", millis(analysis.us), millis(why.us))
            .ok();
        return text;
    }
    write!(text, "\n\ndecided in {:.1} ms; scores of the local model:", millis(analysis.us)).ok();
    for score in analysis.scores.iter().take(SCORES) {
        write!(text, "\n  {:>5}  {}", written(score.score, 2), score.agent).ok();
    }
    text
}

/// A plan in words: mode, reason and stage, then each agent with its confidence.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let word =
        |value: Result<Value, serde_json::Error>| value.ok().and_then(|v| v.as_str().map(str::to_owned));
    let mode = word(to_value(plan.mode)).unwrap_or_default();
    let (share, stage, reason) = (percent(plan.confidence), plan.stage.name(), clean_line(&plan.reason));
    // Whatever its share, what is left when something was missing is a guess.
    let how = match &plan.degraded {
        Some(_) => format!("a guess of the {stage} stage ({share})"),
        None => format!("{share} sure, decided by the {stage} stage"),
    };
    let mut text = format!("plan: {mode}, {how}: {reason}");
    for (index, step) in plan.steps.iter().enumerate() {
        let after: Vec<_> = step.depends_on.iter().map(|index| (index + 1).to_string()).collect();
        let after = if after.is_empty() { String::new() } else { format!(", after {}", after.join(" and ")) };
        write!(text, "\n  {}. {} ({}{after})", index + 1, step.agent, percent(step.confidence)).ok();
    }
    if let Some(degraded) = &plan.degraded {
        write!(text, "\n  done without: {}", clean_line(degraded)).ok();
    }
    if let Some(says) = &plan.says {
        write!(text, "\n  to the user: {}", clean_line(says)).ok();
    }
    text
}

/// A share; nothing but all of it is 100 %.
fn percent(share: f64) -> String {
    let most = if share < 1.0 { 99.0 } else { 100.0 };
    format!("{:.0} %", (share * 100.0).min(most))
}

fn millis(us: u64) -> f64 {
    std::time::Duration::from_micros(us).as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::events::{Mode, Stage, Step};

    #[test]
    fn a_plan_is_shown_with_everything_that_decided_it() {
        let step = |agent: &str, depends_on| Step {
            agent: agent.parse().unwrap(),
            question: "q".into(),
            confidence: 0.9,
            depends_on,
        };
        let decided = Plan {
            mode: Mode::Sequential,
            steps: vec![step("a", vec![]), step("b", vec![0])],
            confidence: 0.8,
            reason: "first \x1b[31mone".into(),
            why: None,
            stage: Stage::Lexical,
            degraded: None,
            says: None,
            choices: Vec::new(),
        };
        let steps = "first [31mone\n  1. a (90 %)\n  2. b (90 %, after 1)";
        assert_eq!(
            plan(&decided),
            format!("plan: sequential, 80 % sure, decided by the lexical stage: {steps}")
        );
        let guessed = Plan { degraded: Some("no LLM".into()), confidence: 0.999, ..decided };
        assert_eq!(
            plan(&guessed),
            format!("plan: sequential, a guess of the lexical stage (99 %): {steps}\n  done without: no LLM")
        );
    }
}
