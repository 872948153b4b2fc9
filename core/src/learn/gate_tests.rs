//! When a router is worse.

use super::*;
use crate::{agents::Agent, route::lexical::Model};
use std::sync::Arc;
use switchboard_shared::api::Example;

fn ids(agents: &[&str]) -> Vec<AgentId> {
    agents.iter().map(|id| id.parse().unwrap()).collect()
}

fn answer(agents: &[&str], decided: bool) -> LocalAnswer {
    LocalAnswer { agents: ids(agents), decided }
}

/// A message for a that is answered so without the change, and so with it.
fn row(before: (&str, bool), after: (&str, bool)) -> Known {
    let answer = |(agent, decided): (&str, bool)| match agent {
        "" => answer(&[], decided),
        agent => answer(&[agent], decided),
    };
    Known { text: "?".into(), agents: ids(&["a"]), before: answer(before), after: answer(after) }
}

fn is_worse(frozen: &[Known]) -> bool {
    !weigh(frozen, &[]).not_worse
}

#[test]
fn a_tie_is_not_worse_and_neither_is_a_gain() {
    assert!(!is_worse(&[]));
    assert!(!is_worse(&[row(("a", true), ("a", true)), row(("b", true), ("b", true))]));
    assert!(!is_worse(&[row(("b", false), ("a", true)), row(("a", true), ("a", true))]));
    // What one row loses another one may win.
    assert!(!is_worse(&[row(("a", true), ("a", false)), row(("a", false), ("a", true))]));
}

#[test]
fn fewer_right_decisions_are_worse_even_where_the_guess_stays_right() {
    let trial = weigh(&[row(("a", true), ("a", false)), row(("a", true), ("a", true))], &[]);
    assert!(!trial.not_worse && trial.reason.contains("decided rightly"), "{trial:?}");
    let figures = trial.frozen.unwrap();
    assert_eq!(figures.before, Figures { decided: 2, decided_right: 2, right: 2 });
    assert_eq!(figures.after, Figures { decided: 1, decided_right: 1, right: 2 });
    assert_eq!(trial.lost.len(), 1);
}

#[test]
fn more_right_decisions_do_not_pay_for_wrong_ones_beyond_chance() {
    let (wins, errs, cured) = (
        || row(("a", false), ("a", true)),
        || row(("b", false), ("b", true)),
        || row(("b", true), ("b", false)),
    );
    let rows = |errors: usize, cures: usize| -> Vec<Known> {
        let wins = (0..9).map(|_| wins());
        wins.chain((0..errors).map(|_| errs())).chain((0..cures).map(|_| cured())).collect()
    };
    assert_eq!([is_worse(&rows(1, 0)), is_worse(&rows(4, 0)), is_worse(&rows(5, 0))], [false, false, true]);
    assert_eq!([is_worse(&rows(10, 4)), is_worse(&rows(4, 10))], [false, false]);
    let trial = weigh(&rows(5, 0), &[]);
    assert!(trial.reason.contains("5 would be wrong, where 0 are"), "{}", trial.reason);
}

#[test]
fn a_worse_best_guess_is_worse_though_nothing_is_decided() {
    let trial = weigh(&[row(("a", false), ("b", false)), row(("b", false), ("b", false))], &[]);
    assert!(!trial.not_worse && trial.reason.contains("best guess"), "{trial:?}");
    assert!(is_worse(&[row(("a", false), ("", false))]));
}

#[test]
fn without_a_frozen_set_the_examples_decide_and_chance_is_allowed_for() {
    let (lost, won) = (|| row(("a", false), ("b", false)), || row(("b", false), ("a", false)));
    let worse = |lost_rows: usize, won_rows: usize| {
        let rows: Vec<Known> = (0..lost_rows).map(|_| lost()).chain((0..won_rows).map(|_| won())).collect();
        !weigh(&[], &rows).not_worse
    };
    assert_eq!([worse(1, 0), worse(4, 0), worse(5, 0)], [false, false, true]);
    assert_eq!([worse(10, 4), worse(16, 4), worse(4, 16)], [false, true, false]);
    let trial = weigh(&[], &[lost(), won()]);
    assert_eq!((trial.examples.before, trial.examples.after, trial.examples.lost), (1, 1, 1));
    assert_eq!((trial.frozen, trial.lost.len()), (None, 1));
    // Examples count beside a frozen set too, which may be small.
    let many: Vec<Known> = (0..9).map(|_| lost()).collect();
    assert!(!weigh(&[row(("a", true), ("a", true))], &many).not_worse);
}

#[test]
fn a_report_is_bounded_and_names_what_is_lost() {
    let many: Vec<Known> = (0..50).map(|_| row(("a", true), ("b", true))).collect();
    let trial = weigh(&many, &[]);
    assert_eq!(trial.lost.len(), MAX_LOST);
    assert_eq!((&trial.lost[0].before, &trial.lost[0].after), (&answer(&["a"], true), &answer(&["b"], true)));
    assert!(weigh(&[row(("b", true), ("a", true))], &[]).lost.is_empty());
}

#[test]
fn what_was_wrong_before_is_not_lost_unless_it_is_what_speaks_against_the_change() {
    let (lost, worse) = (row(("a", false), ("b", false)), || row(("b", false), ("b", true)));
    let trial = weigh(&[], &[lost, worse(), worse()]);
    assert_eq!((trial.not_worse, trial.lost.len(), trial.examples.lost), (true, 1, 1), "{trial:?}");
    let trial = weigh(&[worse(), worse()], &[]);
    assert!(trial.not_worse && trial.lost.is_empty(), "{trial:?}");
    let many: Vec<Known> = (0..5).map(|_| worse()).collect();
    let trial = weigh(&many, &[]);
    assert_eq!((trial.not_worse, trial.lost.len()), (false, 5), "it is refused for these: {trial:?}");
}

#[test]
fn what_is_a_little_worse_is_said_to_be_within_the_tolerance() {
    let (lost, won) = (|| row(("a", false), ("b", false)), || row(("b", false), ("a", false)));
    let reason = |frozen: &[Known], examples: &[Known]| weigh(frozen, examples).reason;
    let said = reason(&[], &[lost(), lost(), lost(), won()]);
    assert!(said.ends_with("1 are right (3 before), within the tolerance of 4 fewer."), "{said}");
    assert!(!reason(&[], &[lost(), won()]).contains("tolerance"), "a tie needs none");
    let said = reason(&[row(("a", true), ("a", true))], &[lost()]);
    assert!(
        said.contains("best guess for 1 (1 before); of 1 examples") && said.contains("2 fewer"),
        "{said}"
    );
    let said = reason(&[row(("b", false), ("b", true))], &[]);
    assert!(said.contains("(0 of 0 before), within the tolerance of 2 wrong ones more, and"), "{said}");
}

#[test]
fn examples_are_compared_that_both_routers_have_whatever_the_order_of_the_agents() {
    let agent = |id: &str, examples: &[&str]| {
        let card = serde_json::json!({
            "name": id, "description": format!("does {id}"), "version": "1", "skills": [],
            "supportedInterfaces":
                [{"url": "http://a.example/", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let examples =
            examples.iter().map(|text| Example { text: (*text).into(), language: String::new() }).collect();
        let url = "http://a.example/".parse().unwrap();
        Arc::new(Agent::from_card(Some(id.parse().unwrap()), url, card, examples).unwrap())
    };
    let roster = |agents: Vec<Arc<Agent>>| {
        let model = Model::train_with(&agents, &["is anybody there".to_owned()]);
        Roster::of(1, agents, model)
    };
    let rain = agent("rain", &["will it rain today", "is it going to rain", "rain in oslo"]);
    let cash = ["exchange euros for dollars", "dollars to euros please", "euros in yen"];
    let before = roster(vec![agent("cash", &cash), Arc::clone(&rain)]);
    let after = roster(vec![agent("alms", &["give to the poor"]), agent("cash", &cash[1..]), rain]);
    let both = examples(&before, &after, 0.5);
    let of = |agent: &str| both.iter().filter(|known| known.agents == ids(&[agent])).count();
    assert_eq!((of("rain"), of("cash"), of("alms")), (3, 2, 0));
    let nobody = both.iter().find(|known| known.text == "is anybody there").unwrap();
    assert!(nobody.agents.is_empty());
    let right = both.iter().filter(|known| known.before.agents == known.agents).count();
    assert!(right * 10 > both.len() * 7, "{right} of {}", both.len());
}
