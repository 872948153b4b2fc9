//! The message protocol as a model, run with virtual time under faults drawn from a seed: who sends, what is
//! acknowledged, how a client resumes, how a message that is sent twice is one, how a turn is taken over.
//!
//! The model has the rules of ARCHITECTURE.md and nothing of the code, so it shows that the rules are enough; that the
//! code keeps them is for the tests in `e2e`. Each rule can be left out: then a run that breaks a promise must be found,
//! or the checks would be worth nothing.

mod check;
mod clock;
mod faults;
mod parts;
mod rules;
mod world;

use rules::Rules;
use world::World;

/// Runs of each kind. A failing one is named by its seed and is the same each time.
const SEEDS: u64 = 1_000;

#[test]
fn under_faults_of_every_kind_nothing_acknowledged_is_lost_doubled_or_reordered() {
    let mut all = check::Seen::default();
    for seed in 0..SEEDS {
        let world = World::run(seed, Rules::ALL);
        if let Err(broken) = check::promises(&world) {
            panic!("seed {seed}: {broken}");
        }
        all.add(&world);
    }
    // A model in which nothing happens keeps every promise.
    assert!(all.acknowledged > 20 * SEEDS, "{all:?}");
    assert!(all.faults > 8 * SEEDS && all.taken_over > SEEDS && all.sent_again > SEEDS, "{all:?}");
    assert!(all.fenced > SEEDS / 10 && all.read_for_a_gap > SEEDS, "{all:?}");
}

#[test]
fn each_rule_is_needed_without_it_a_run_that_breaks_a_promise_is_found() {
    for (rule, without) in Rules::each_left_out() {
        let found = (0..SEEDS).find(|seed| check::promises(&World::run(*seed, without)).is_err());
        assert!(found.is_some(), "nothing breaks without the rule {rule:?}");
    }
}
