//! Which stage decided, and why, in one sentence.

use super::{ACCEPT, Bound, MARGIN, RIGHT, Roster, Stage, Standing, api, shown};
use switchboard_shared::{events::Plan, ids::AgentId};

/// `joint`: whether it is like what several agents are asked together; `veto`: what keeps the local model from deciding
/// where every bound is met.
pub(super) fn because(
    roster: &Roster,
    plan: &Plan,
    standing: Option<Standing>,
    bounds: &[Bound],
    joint: bool,
    veto: Option<&str>,
) -> String {
    let open = |best| match joint {
        true => {
            format!("it is like what several agents are asked together, and {}", open(best, bounds, veto))
        }
        false => open(best, bounds, veto),
    };
    let best = standing.map(|standing| (&roster.agents[standing.best].id, standing));
    match (plan.stage, &plan.degraded, best) {
        (Stage::Rule, _, _) => format!("A rule decided: {}", plan.reason),
        (Stage::Lexical, None, Some((best, standing))) => match plan.steps.as_slice() {
            [_] => format!(
                "The local model is sure of {best}: it has a share of {} and meets every bound.",
                api::written(standing.share, 2)
            ),
            _ if joint => format!("The local model is sure of all of them together. {}", plan.reason),
            _ => format!("The local model is sure of each part of the message. {}", plan.reason),
        },
        (Stage::Lexical, why, Some(best)) => format!(
            "The local model leaves it open, since {}; the LLM did not decide ({}), so this is the best that is left.",
            open(best),
            why.as_deref().unwrap_or("it was not asked"),
        ),
        (Stage::Llm, _, Some(best)) => {
            format!("The LLM decided: the local model leaves it open, since {}.", open(best))
        }
        (Stage::Lexical | Stage::Llm, _, None) => plan.reason.clone(),
    }
}

/// Which bounds are not met.
fn open((best, standing): (&AgentId, Standing), bounds: &[Bound], veto: Option<&str>) -> String {
    let failed = bounds.iter().filter(|bound| !bound.met).map(|bound| {
        let (value, limit) = shown(bound).digits();
        match bound.key {
            ACCEPT => {
                format!("{best}, the likeliest, has {value} of the {limit} that {ACCEPT} asks for")
            }
            MARGIN if bound.value < 0.0 => "that it is for nobody is likelier still".to_owned(),
            MARGIN => format!("the next one is {value} behind {best}, and {MARGIN} asks for {limit}"),
            RIGHT => format!(
                "of the examples on which the model was so sure without having learned them {value} were right, and {RIGHT} asks for {limit}"
            ),
            key => format!("{value} of it is known, and {key} asks for {limit}"),
        }
    });
    let failed: Vec<_> = failed.collect();
    match failed.as_slice() {
        [] => format!(
            "{best} has {} of the whole, but {}",
            api::written(standing.share, 2),
            veto.unwrap_or("a part of it looks like another agent's")
        ),
        failed => failed.join(", and "),
    }
}

/// Two places, never more than it is: a bound that is set to it is met.
pub(super) fn floor(value: f64) -> f64 {
    (value * 100.0).floor() / 100.0
}

#[cfg(test)]
mod tests {
    use super::floor;

    #[test]
    fn a_bound_that_would_have_done_is_never_above_what_it_is_held_against() {
        assert!((floor(0.6499) - 0.64).abs() < 1e-9 && floor(0.4321) <= 0.4321);
        assert!((floor(-0.001) + 0.01).abs() < 1e-9);
    }
}
