//! Whether an agent is known, and which one may have been meant.

use crate::{
    client::Client,
    error::{Error, Result},
};
use switchboard_shared::{api::AgentView, ids::AgentId};

/// How alike a name has to be to be proposed (Jaro-Winkler): as for the command's own options.
const ALIKE: f64 = 0.7;

/// Refuses the first of these that is not among the agents of the house.
///
/// # Errors
/// Names the one that is alike, or says how to see all.
pub async fn require(client: &Client, ids: &[AgentId]) -> Result<()> {
    let all = super::all(client).await?;
    match ids.iter().find(|id| all.iter().all(|agent| agent.id != **id)) {
        Some(id) => Err(Error::Failed(format!("no agent is called {id}{}", hint(id, &all)))),
        None => Ok(()),
    }
}

fn hint(id: &AgentId, all: &[AgentView]) -> String {
    let names = all.iter().map(|agent| agent.id.as_str());
    match nearest(id.as_str(), names) {
        Some(name) => format!("; did you mean {name}?"),
        None => "; `switchboard agents list` shows them all".to_owned(),
    }
}

fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.map(|name| (strsim::jaro_winkler(wanted, name), name));
    scored.filter(|(score, _)| *score > ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_one_that_was_meant() {
        let names = ["math", "statistics", "code-review", "weather"];
        for (wanted, meant) in [
            ("statistic", Some("statistics")),
            ("statsitics", Some("statistics")),
            ("code", Some("code-review")),
            ("wheather", Some("weather")),
            ("maths", Some("math")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(wanted, names.into_iter()), meant, "{wanted}");
        }
    }
}
