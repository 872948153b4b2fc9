//! The local stage alone: what it makes of a message that comes by itself, without rules, LLM and history.

use super::{Question, Roster, Router, guess::Guess};
use switchboard_shared::{api::LocalAnswer, ids::AgentId};
use tokio::time::Instant;

impl Router {
    /// The agents that it decides on, else its best guess; no agents where nobody is likelier than each of them.
    pub(crate) async fn local(&self, roster: &Roster, text: &str) -> LocalAnswer {
        let question = Question {
            text,
            chosen: &[],
            waiting: None,
            unclear: &[],
            context: &[],
            previous: &[],
            files: &[],
            deadline: Instant::now(),
        };
        let guess = Guess::make(roster, &self.config, &question).await;
        if let Some(plan) = guess.plan(text, self.max_agents) {
            let mut agents: Vec<AgentId> = plan.steps.into_iter().map(|step| step.agent).collect();
            agents.sort();
            agents.dedup();
            return LocalAnswer { agents, decided: true };
        }
        let scores = guess.scores();
        // What the agents' shares leave is nobody's.
        let nobody = 1.0 - scores.iter().map(|score| score.score).sum::<f64>();
        let best = scores.into_iter().next().filter(|best| best.score > nobody);
        LocalAnswer { agents: best.into_iter().map(|best| best.agent).collect(), decided: false }
    }
}
