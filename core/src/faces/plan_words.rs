//! What goes on before an answer, in words for people: clients show it folded, as a model's reasoning.

use switchboard_shared::events::{CallState, EventBody, Mode, Plan, Stage};

/// What an event adds; nothing, where it is none of the plan and the calls.
pub(super) fn words(body: &EventBody) -> Option<String> {
    let text = match body {
        EventBody::PlanDecided(plan) => of_plan(plan),
        EventBody::CallProgress { agent, text, .. } => format!("{agent}: {}", text.trim()),
        EventBody::CallFinished { agent, state, ms, reason, .. } => {
            let what = match state {
                CallState::Completed => "answered".to_owned(),
                CallState::InputRequired => "asks back".to_owned(),
                CallState::Working => "works on".to_owned(),
                other => other.name().replace('_', " "),
            };
            let why = reason.as_deref().map(|why| format!(": {}", why.trim())).unwrap_or_default();
            format!("{agent}: {what} after {}{why}", time(*ms))
        }
        _ => return None,
    };
    Some(text + "\n")
}

fn of_plan(plan: &Plan) -> String {
    let mut text = match plan.mode {
        Mode::Clarify => "Asking back.".to_owned(),
        Mode::None | Mode::Quiet => "Asking nobody.".to_owned(),
        Mode::Direct | Mode::Parallel => format!("Asking {}.", agents(plan, " and ")),
        Mode::Sequential => format!("Asking {}.", agents(plan, ", then ")),
    };
    let decided = match plan.stage {
        Stage::Rule => "by a rule",
        Stage::Lexical => "by the local model",
        Stage::Llm => "by the LLM",
    };
    text.push_str(&format!(" {} (Decided {decided}.)", plan.reason.trim()));
    if let Some(degraded) = &plan.degraded {
        text.push_str(&format!("\nDone without: {degraded}"));
    }
    text
}

fn agents(plan: &Plan, between: &str) -> String {
    let named = plan.steps.iter().map(|step| format!("{} ({:.0} %)", step.agent, step.confidence * 100.0));
    named.collect::<Vec<_>>().join(between)
}

fn time(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::{events::Step, ids::CallId};

    #[test]
    fn a_plan_and_its_calls_are_told_in_sentences() {
        let step = |agent: &str, confidence| Step {
            agent: agent.parse().unwrap(),
            question: "q".into(),
            confidence,
            depends_on: vec![],
        };
        let plan = Plan {
            mode: Mode::Parallel,
            steps: vec![step("data-processor", 0.934), step("security-agent", 0.9)],
            confidence: 0.9,
            reason: "Two questions.".into(),
            why: None,
            stage: Stage::Lexical,
            degraded: Some("no LLM".into()),
            says: None,
            choices: vec![],
        };
        assert_eq!(
            words(&EventBody::PlanDecided(plan)).unwrap(),
            "Asking data-processor (93 %) and security-agent (90 %). Two questions. (Decided by the local model.)\nDone without: no LLM\n"
        );
        let finished = EventBody::CallFinished {
            call: CallId::new(),
            agent: "a".parse().unwrap(),
            state: CallState::TimedOut,
            ms: 30_120,
            partial: false,
            reason: Some("late".into()),
        };
        assert_eq!(words(&finished).unwrap(), "a: timed out after 30.1 s: late\n");
        assert_eq!(words(&EventBody::AnswerStarted { attempt: 1 }), None);
    }
}
