//! A roster that is being learned, and what there is until it comes.

use crate::{
    agents::Agent,
    error::{Error, Result},
    route::{Roster, lexical::Model},
};
use std::{sync::Arc, time::Duration};
use switchboard_shared::ids::AgentId;
use tokio::sync::{OnceCell, watch};

/// Said of a plan that was made while the agents' model was not there.
const UNLEARNED: &str = "the agents' examples are still being learned";
/// Said of one that was made with the model of before.
const OUTDATED: &str = "the newest examples are still being learned";

/// Shared by all who wait for the same.
pub(crate) struct Pending {
    learned: watch::Receiver<Option<Arc<Roster>>>,
    version: i64,
    agents: Vec<Arc<Agent>>,
    /// Those that are switched off.
    off: Vec<AgentId>,
    /// Of the same agents, as they were learned before.
    before: Option<Arc<Roster>>,
    unlearned: OnceCell<Arc<Roster>>,
}

impl Pending {
    pub(super) fn new(
        learned: watch::Receiver<Option<Arc<Roster>>>,
        (version, agents, off): (i64, Vec<Arc<Agent>>, Vec<AgentId>),
        before: Option<Arc<Roster>>,
    ) -> Self {
        // It must not show, ask or believe what has changed since: only examples may be others.
        let before = before.filter(|before| differ_in_examples_alone(&before.agents, &agents));
        Self { learned, version, agents, off, before, unlearned: OnceCell::new() }
    }

    /// Waits until it is learned; none when it is not any more: a newer one has taken its place.
    pub(crate) async fn learned(&self) -> Option<Arc<Roster>> {
        let mut learned = self.learned.clone();
        let roster = learned.wait_for(Option::is_some).await.ok()?;
        roster.clone()
    }

    /// The same, no longer than so long.
    pub(crate) async fn learned_within(&self, bound: Duration) -> Option<Arc<Roster>> {
        tokio::time::timeout(bound, self.learned()).await.ok().flatten()
    }

    /// The same agents with the model of before; where there is none, with one of their names and descriptions alone,
    /// which takes no time to learn.
    pub(crate) async fn meanwhile(&self) -> Result<Arc<Roster>> {
        if let Some(before) = &self.before {
            return Ok(Arc::clone(before));
        }
        let unlearned = || unlearned(self.version, self.agents.clone(), self.off.clone());
        self.unlearned.get_or_try_init(unlearned).await.map(Arc::clone)
    }

    /// What a plan does without that is made meanwhile.
    pub(crate) fn without(&self) -> &'static str {
        if self.before.is_some() { OUTDATED } else { UNLEARNED }
    }
}

async fn unlearned(version: i64, agents: Vec<Arc<Agent>>, off: Vec<AgentId>) -> Result<Arc<Roster>> {
    let learned = tokio::task::spawn_blocking(move || {
        let bare: Vec<_> = agents.iter().map(|agent| Arc::new(without_examples(agent))).collect();
        let model = Model::train_with(&bare, &[]);
        let mut roster = Roster::of(version, bare, model).without(off);
        roster.agents = agents;
        Arc::new(roster)
    });
    learned.await.map_err(Error::task("reading the agents' cards"))
}

fn without_examples(agent: &Agent) -> Agent {
    let mut bare = agent.clone();
    bare.examples.clear();
    bare.skills.iter_mut().for_each(|skill| skill.examples.clear());
    bare
}

fn differ_in_examples_alone(before: &[Arc<Agent>], now: &[Arc<Agent>]) -> bool {
    before.len() == now.len()
        && before.iter().zip(now).all(|(before, now)| {
            let (before, now) = (without_examples(before), without_examples(now));
            let who = |agent: &Agent| (agent.id.clone(), agent.name.clone(), agent.description.clone());
            who(&before) == who(&now)
                && before.endpoint == now.endpoint
                && before.groups == now.groups
                && before.credential == now.credential
                && before.streaming == now.streaming
                && before.input_modes == now.input_modes
                && before.skills == now.skills
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use switchboard_shared::api::Example;

    fn agent(url: &str, example: &str) -> Arc<Agent> {
        let card = json!({
            "name": "Weather", "description": "Forecasts rain and snow", "version": "1", "skills": [],
            "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let examples = vec![Example { text: example.into(), language: String::new() }];
        let id = Some("weather".parse().unwrap());
        Arc::new(Agent::from_card(id, "http://a.example".parse().unwrap(), card, examples).unwrap())
    }

    fn pending(before: &Arc<Agent>, now: &Arc<Agent>) -> (watch::Sender<Option<Arc<Roster>>>, Pending) {
        let (sender, learned) = watch::channel(None);
        let before = Arc::new(Roster::new(1, vec![Arc::clone(before)]));
        (sender, Pending::new(learned, (2, vec![Arc::clone(now)], Vec::new()), Some(before)))
    }

    #[tokio::test]
    async fn until_it_is_learned_the_model_of_before_serves_where_only_examples_differ() {
        let (before, now) = (agent("http://a.example/1", "rain?"), agent("http://a.example/1", "snow?"));
        let (_sender, pending) = pending(&before, &now);
        assert_eq!((pending.meanwhile().await.unwrap().version, pending.without()), (1, OUTDATED));
    }

    #[tokio::test]
    async fn an_agent_that_has_moved_is_asked_where_it_is_now() {
        let (before, now) = (agent("http://a.example/1", "rain?"), agent("http://a.example/2", "rain?"));
        let (_sender, pending) = pending(&before, &now);
        let roster = pending.meanwhile().await.unwrap();
        assert_eq!((roster.version, pending.without()), (2, UNLEARNED));
        assert_eq!(roster.agents[0].endpoint.url.path(), "/2");
        assert_eq!(roster.agents[0].examples.len(), 1, "only the model does without them");
    }

    #[tokio::test]
    async fn who_waits_is_told_when_it_has_come_when_it_does_not_come_and_no_later_than_wanted() {
        let one = agent("http://a.example/1", "rain?");
        let (sender, waits) = pending(&one, &one);
        assert!(waits.learned_within(Duration::ZERO).await.is_none());
        sender.send(Some(Arc::new(Roster::new(2, Vec::new())))).unwrap();
        assert!(waits.learned().await.is_some() && waits.learned().await.is_some(), "all who wait");
        let (sender, waits) = pending(&one, &one);
        drop(sender);
        assert!(waits.learned().await.is_none());
    }
}
