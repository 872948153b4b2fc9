use super::*;
use crate::route::tests::{agents, with_trips};
use switchboard_shared::api::Example;

fn without_examples() -> Vec<Arc<Agent>> {
    let strip = |agent: Arc<Agent>| {
        let mut agent = Agent::clone(&agent);
        agent.examples.clear();
        agent.skills.iter_mut().for_each(|skill| skill.examples.clear());
        Arc::new(agent)
    };
    agents().into_iter().map(strip).collect()
}

fn best(shares: &[f64]) -> usize {
    (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b])).unwrap()
}

#[test]
fn names_and_descriptions_alone_tell_agents_apart() {
    let agents = without_examples();
    let model = Model::train(&agents);
    for (text, agent) in [
        ("what is the exchange rate today", "money"),
        ("translate this please", "translate"),
        ("is rain forecast", "weather"),
        ("put an appointment in my calendar", "calendar"),
    ] {
        let shares = model.score(text);
        assert_eq!(agents[best(&shares.agents)].id.as_str(), agent, "{text}: {shares:?}");
    }
    let thanks = model.score("thanks, that is all for now");
    assert!(thanks.agents.iter().all(|share| *share < 0.4), "{thanks:?}");
}

#[test]
fn a_message_shows_the_examples_that_it_is_like() {
    let agents = agents();
    let model = Model::train(&agents);
    let near = model.nearest("Will it rain tomorrow in Rome?", 2);
    assert_eq!((near.len(), near[0].text), (2, "Will it rain tomorrow in London?"));
    assert_eq!(agents[near[0].agent.unwrap()].id.as_str(), "weather");
    assert!(near[0].likeness > near[1].likeness && near[0].likeness < 1.0);
    assert!(model.novelty("Will it rain tomorrow in London?") < 0.01);
    assert!(model.novelty("zyx wvu tsr") > 0.9);
}

#[test]
fn every_example_is_scored_as_if_it_had_not_been_learned() {
    let agents = agents();
    let model = Model::train(&agents);
    let held_out = model.held_out();
    let examples: usize = agents.iter().map(|agent| agent.all_examples().count()).sum();
    assert_eq!(held_out.iter().filter(|held| held.class < agents.len()).count(), examples);
    for (held, text) in held_out.iter().zip(agents.iter().flat_map(|agent| agent.all_examples())) {
        assert_eq!(held.text, text);
        assert!((held.shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        let learned = model.score(text).agents[held.class];
        assert!(held.shares[held.class] < learned + 0.05, "{text}");
    }
}

#[test]
fn learning_twice_gives_the_same() {
    let (first, second) = (Model::train(&agents()), Model::train(&agents()));
    let text = "how warm will it be on Monday";
    assert_eq!(first.score(text), second.score(text));
}

#[test]
fn an_example_that_is_there_twice_teaches_no_more_than_once() {
    let agents = agents();
    let twice = |agent: &Arc<Agent>| {
        let mut twice = Agent::clone(agent);
        twice.examples.extend(agent.examples.clone());
        Arc::new(twice)
    };
    let doubled: Vec<_> = agents.iter().map(twice).collect();
    let text = "Will it rain in Bergen on Friday?";
    assert_eq!(Model::train(&agents).score(text), Model::train(&doubled).score(text));
}

#[test]
fn what_several_agents_have_as_examples_is_for_all_of_them() {
    let with_trips = with_trips();
    let model = Model::train(&with_trips);
    let together = model.together("Please plan my trip to Madrid").unwrap();
    let named: Vec<_> = together.agents.iter().map(|(agent, _)| with_trips[*agent].id.as_str()).collect();
    assert_eq!(named, ["weather", "money"]);
    assert!(together.share > 0.5 && together.right > 0.5, "{together:?}");
    for text in ["Will it rain tomorrow in Madrid?", "Convert 30 dollars to euros", "Is this Rust code safe?"]
    {
        assert_eq!(model.together(text), None, "{text}");
    }
    assert_eq!(Model::train(&agents()).together("Plan my trip to Madrid"), None);
}

#[test]
fn an_agent_that_says_the_same_twice_shares_nothing() {
    let mut agents = agents();
    let mut twice = Agent::clone(&agents[0]);
    let again = |example: &Example| Example { text: format!("{} !", example.text), language: String::new() };
    twice.examples.extend(twice.examples.iter().map(again).collect::<Vec<_>>());
    agents[0] = Arc::new(twice);
    assert!(Model::train(&agents).joint.is_none());
}
