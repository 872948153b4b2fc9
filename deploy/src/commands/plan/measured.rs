//! What one turn and one socket cost, out of what was measured.

use super::model::Line;
use crate::{
    commands::bench::ceilings::{Ceilings, Delivery, Memory, Point},
    error::{Error, Result},
};
use std::collections::BTreeMap;

/// Costs, by the process that has them.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    lines: BTreeMap<String, Line>,
    pub(super) own_mean_ms: f64,
    /// Squared coefficient of variation of the house's own time.
    pub(super) scv: f64,
    pub(super) stored_bytes: Option<f64>,
    pub(super) sockets: Option<Memory>,
    pub(super) events: Option<Delivery>,
    /// What is taken as it is and was not measured, in words.
    pub(super) assumed: Vec<String>,
}

impl Measured {
    /// For turns that ask so many agents.
    pub(super) fn of(ceilings: &Ceilings, agents: f64) -> Result<Self> {
        let one = points(&ceilings.turns, 1);
        // The waits of the model are added to what a turn takes where nobody waits: at the lowest rate.
        let Some(lowest) = one.iter().min_by(|one, other| one.per_second.total_cmp(&other.per_second)) else {
            let hint = match ceilings.turns.iter().any(|point| point.agents == 1) {
                false => "nothing was measured here: run `switchboard bench turns --rate 50 150 300` first",
                true => {
                    "at no rate that was measured here was all answered within a second: run `switchboard bench turns` \
                     with lower ones, or where nothing else runs"
                }
            };
            return Err(Error::Invalid(hint.to_owned()));
        };
        let mut assumed = Vec::new();
        let mut lines = lines(&one);
        let two = self::lines(&points(&ceilings.turns, 2));
        if agents > 1.0 && two.is_empty() {
            assumed.push("a further agent costs as much as a whole turn (bench turns --agents 2)".to_owned());
        }
        for (part, line) in &mut lines {
            let further = two.get(part).map_or(line.each, |two| (two.each - line.each).max(0.0));
            line.each += further * (agents - 1.0);
        }
        if !lines.contains_key("redis") {
            assumed.push("Redis was not measured (bench turns --redis)".to_owned());
        }
        for (is_there, hint) in [
            (ceilings.sockets.is_some(), "memory of sockets was not measured (bench sockets)"),
            (ceilings.events.is_some(), "delivery to more than one socket was not measured (bench events)"),
        ] {
            if !is_there {
                assumed.push(hint.to_owned());
            }
        }
        let noisy = one.iter().map(|point| point.others_percent).fold(0.0, f64::max);
        if noisy > 5.0 {
            assumed.push(format!("all else took up to {noisy:.0} % of a processor while this was measured"));
        }
        Ok(Self {
            lines,
            own_mean_ms: lowest.own_mean_ms,
            scv: lowest.own_scv,
            stored_bytes: ceilings.stored_bytes,
            sockets: ceilings.sockets.clone(),
            events: ceilings.events.clone(),
            assumed,
        })
    }

    /// CPU of a part by turns a second; nothing where it was not measured.
    pub(super) fn line(&self, part: &str) -> Line {
        self.lines.get(part).copied().unwrap_or_default()
    }

    /// That of everything together, with agents and whoever asks.
    pub(super) fn everything(&self) -> Line {
        let add = |sum: Line, line: &Line| Line { base: sum.base + line.base, each: sum.each + line.each };
        self.lines.values().fold(Line::default(), add)
    }
}

/// Those in which nothing piled up.
fn points(all: &[Point], agents: u8) -> Vec<&Point> {
    all.iter().filter(|point| point.agents == agents && point.kept_up && point.per_second > 0.0).collect()
}

fn lines(points: &[&Point]) -> BTreeMap<String, Line> {
    let mut parts: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        for (part, ms) in &point.cpu_ms {
            parts.entry(part.clone()).or_default().push((point.per_second, ms * point.per_second));
        }
    }
    parts.into_iter().map(|(part, points)| (part, Line::through(&points))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(agents: u8, per_second: f64, core: f64, kept_up: bool) -> Point {
        let cpu_ms = [("core".to_owned(), core)].into();
        let (own_mean_ms, own_scv, others_percent) = (4.0, 0.5, 0.0);
        Point { agents, per_second, cpu_ms, own_mean_ms, own_scv, others_percent, kept_up }
    }

    #[test]
    fn a_turn_costs_what_it_did_where_nothing_piled_up_and_more_with_more_agents() {
        let turns = vec![point(1, 10.0, 3.0, true), point(1, 20.0, 2.5, true), point(1, 90.0, 9.0, false)];
        let mut ceilings = Ceilings { turns, ..Ceilings::default() };
        let of = |ceilings: &Ceilings, agents| Measured::of(ceilings, agents).unwrap().line("core");
        assert_eq!(of(&ceilings, 1.0), Line { base: 10.0, each: 2.0 });
        assert_eq!(of(&ceilings, 2.0).each, 4.0, "taken to be a whole turn more");
        ceilings.turns.extend([point(2, 10.0, 4.0, true), point(2, 20.0, 3.5, true)]);
        assert_eq!(of(&ceilings, 3.0).each, 4.0, "a half more for each");
        assert!(Measured::of(&Ceilings::default(), 1.0).is_err());
    }
}
