//! What a change would do, or has done, to the router.

use crate::{
    error::{Error, Result},
    terminal::{self, clean_line},
};
use switchboard_shared::{
    api::{LocalAnswer, Trial},
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
    let verdict = if trial.not_worse { "not worse" } else { "worse, and learned all the same" };
    [format!("the router is {verdict}: {}", clean_line(&trial.reason))]
        .into_iter()
        .chain(lost(trial))
        .collect()
}

/// Messages are users' words, so they are cleaned.
fn lost(trial: &Trial) -> Vec<String> {
    let line = |row: &switchboard_shared::api::LostRow| {
        format!(
            "  lost: {} (for {}; was {}, would be {})",
            clean_line(&row.text),
            names(&row.agents),
            answer(&row.before),
            answer(&row.after)
        )
    };
    trial.lost.iter().map(line).collect()
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
