//! What a change would do, or has done, to the router.

use crate::{
    error::{Error, Result},
    terminal::{self, clean_line},
};
use switchboard_shared::{
    api::{Figures, LocalAnswer, Trial},
    ids::AgentId,
};

/// Says what a trial found, if there was one.
pub fn say(trial: Option<&Trial>) {
    if let Some(trial) = trial {
        lines(trial).iter().for_each(|line| terminal::say(line));
    }
}

/// Of a refusal because the router would get worse, shows which messages it would lose.
pub fn explained<T>(result: Result<T>, json: bool) -> Result<T> {
    if let Err(Error::Problem(problem)) = &result
        && let Some(trial) = &problem.report
    {
        if json {
            terminal::json(trial);
        } else {
            lost(trial).iter().for_each(|line| terminal::say(line));
        }
    }
    result
}

fn lines(trial: &Trial) -> Vec<String> {
    [format!("the router is {}: {}", verdict(trial), clean_line(&trial.reason))]
        .into_iter()
        .chain(lost(trial))
        .collect()
}

fn verdict(trial: &Trial) -> &'static str {
    let wrong = |figures: Figures| figures.decided.saturating_sub(figures.decided_right);
    let more_wrong = trial.frozen.is_some_and(|frozen| wrong(frozen.after) > wrong(frozen.before));
    match trial.not_worse {
        false => "worse, and learned all the same",
        true if more_wrong || trial.examples.after < trial.examples.before => {
            "a little worse, within the tolerance"
        }
        true => "not worse",
    }
}

/// Messages are users' words, so they are cleaned.
fn lost(trial: &Trial) -> Vec<String> {
    let line = |row: &switchboard_shared::api::LostRow| {
        format!(
            "  {}: {} (for {}; was {}, would be {})",
            if row.before.agents == row.agents { "lost" } else { "wrong" },
            clean_line(&row.text),
            names(&row.agents),
            answer(&row.before),
            answer(&row.after)
        )
    };
    trial.lost.iter().map(line).collect()
}

/// Says how many of the messages that were given are left out, since they were given already.
pub fn once(given: usize, kept: usize) {
    if let Some(line) = doubles(given, kept) {
        terminal::say(&line);
    }
}

fn doubles(given: usize, kept: usize) -> Option<String> {
    match given.saturating_sub(kept) {
        0 => None,
        1 => Some("1 message was given twice and is kept once".to_owned()),
        more => Some(format!("{more} messages were given before in the file and are kept once")),
    }
}

fn answer(answer: &LocalAnswer) -> String {
    format!("{}, {}", names(&answer.agents), if answer.decided { "decided" } else { "unsure" })
}

fn names(agents: &[AgentId]) -> String {
    match agents {
        [] => "nobody".to_owned(),
        agents => agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trial(not_worse: bool, after: u32, lost: serde_json::Value) -> Trial {
        let examples = json!({"rows": 240, "before": 230, "after": after, "lost": 4, "tolerated": 8});
        let trial = json!({"not_worse": not_worse, "reason": "Why.", "examples": examples, "lost": lost});
        serde_json::from_value(trial).unwrap()
    }

    #[test]
    fn what_is_fewer_and_still_allowed_is_not_called_not_worse() {
        let said = |trial: &Trial| lines(trial).remove(0);
        assert_eq!(said(&trial(true, 230, json!([]))), "the router is not worse: Why.");
        assert_eq!(
            said(&trial(true, 228, json!([]))),
            "the router is a little worse, within the tolerance: Why."
        );
        assert_eq!(
            said(&trial(false, 200, json!([]))),
            "the router is worse, and learned all the same: Why."
        );
    }

    #[test]
    fn a_message_is_lost_only_if_it_was_right() {
        let answer = |agent: &str, decided: bool| json!({"agents": [agent], "decided": decided});
        let row = |before: &str| json!({"text": "t", "agents": ["a"], "before": answer(before, false), "after": answer("b", true)});
        assert_eq!(
            lost(&trial(true, 228, json!([row("a"), row("b")]))),
            [
                "  lost: t (for a; was a, unsure, would be b, decided)",
                "  wrong: t (for a; was b, unsure, would be b, decided)"
            ]
        );
    }

    #[test]
    fn doubles_are_counted() {
        assert_eq!(doubles(3, 3), None);
        assert_eq!(doubles(3, 1).unwrap(), "2 messages were given before in the file and are kept once");
    }
}
