//! What a caller is told of the router's figures who may not read the examples it was learned from. Exact figures are
//! a way to them: whoever adds the word that raises a likeness, again and again, ends at the example (hill climbing). So
//! what measures a text against examples is left out, and what is left says no more than tenths.

use switchboard_shared::{
    api::{Analysis, ChangeKind, Explanation, Outcome},
    events::Stage,
};

/// The same, without what leads to examples.
pub(super) fn coarse(mut analysis: Analysis) -> Analysis {
    let plan = &mut analysis.plan;
    let steps = plan.steps.iter_mut().map(|step| &mut step.confidence);
    steps.chain([&mut plan.confidence]).for_each(round);
    analysis.scores.iter_mut().for_each(|score| round(&mut score.score));
    // Of agents in the same tenth the order would say the rest.
    let exact = |a: &f64, b: &f64| b.total_cmp(a);
    analysis.scores.sort_by(|a, b| exact(&a.score, &b.score).then_with(|| a.agent.cmp(&b.agent)));
    analysis.explanation = analysis.explanation.map(explanation);
    analysis
}

fn explanation(mut why: Explanation) -> Explanation {
    // What a rule says has no figures.
    if why.local.stage != Stage::Rule {
        why.because = because(&why.local).to_owned();
    }
    (why.known, why.novelty) = (None, None);
    why.nearest.clear();
    why.bounds.clear();
    why.together.clear();
    why.changes.retain(|change| change.kind != ChangeKind::Bounds);
    for clause in &mut why.clauses {
        round(&mut clause.share);
        clause.bounds.clear();
    }
    for share in &mut why.shares {
        [&mut share.share, &mut share.words].into_iter().chain(&mut share.with_meaning).for_each(round);
    }
    // Nobody comes last, as before.
    why.shares.sort_by(|a, b| {
        let nobody = a.agent.is_none().cmp(&b.agent.is_none());
        nobody.then(b.share.total_cmp(&a.share)).then_with(|| a.agent.cmp(&b.agent))
    });
    why
}

fn because(local: &Outcome) -> &'static str {
    match (local.stage, local.sure) {
        (Stage::Lexical, true) => "The local model is sure.",
        (Stage::Rule | Stage::Lexical | Stage::Llm, _) => "The local model leaves it open.",
    }
}

fn round(figure: &mut f64) {
    *figure = (*figure * 10.0).round() / 10.0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::Agent,
        llm::Llm,
        route::{Question, Roster, Router},
    };
    use serde_json::json;
    use std::{collections::BTreeSet, sync::Arc, time::Duration};
    use switchboard_shared::{api::Example, config::parse};
    use tokio::time::Instant;

    const HIDDEN: &str = "transfer severance budget of project nightingale to lawyers";
    const EXAMPLES: [&str; 4] =
        ["what is the budget of the year", HIDDEN, "pay the invoice of the printer", "book the travel costs"];
    const OTHERS: [&str; 4] = [
        "will it rain tomorrow in Oslo",
        "how warm is it in Rome",
        "is there snow in the mountains",
        "what is the weather today",
    ];
    /// What somebody tries who knows the language and guesses at the subject.
    const WORDS: &str = "budget project transfer lawyers severance nightingale of to the rain invoice merger contract \
                         salary sparrow warm office travel secret board layoff";

    fn agent(id: &str, examples: &[&str]) -> Arc<Agent> {
        let card = json!({
            "name": id, "description": id, "version": "1", "skills": [],
            "supportedInterfaces":
                [{"url": "http://a.example/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let examples = examples.iter().map(|&text| Example { text: text.into(), language: String::new() });
        let url = "http://a.example".parse().unwrap();
        Arc::new(Agent::from_card(Some(id.parse().unwrap()), url, card, examples.collect()).unwrap())
    }

    struct Climb {
        router: Router,
        roster: Roster,
        shown: fn(Analysis) -> Analysis,
    }

    impl Climb {
        fn new(shown: fn(Analysis) -> Analysis) -> Self {
            let needed = "identity_key = \"0123456789abcdef0123456789abcdef\"\n[postgres]\nurls = [\"postgres://h/d\"]\n";
            let config: crate::config::Config = parse(crate::config::DEFAULTS, "d", needed).unwrap();
            let router = Router::new(&config.route, 4, Arc::new(Llm::new(&[]).unwrap()));
            let roster = Roster::new(1, vec![agent("money", &EXAMPLES), agent("weather", &OTHERS)]);
            Self { router, roster, shown }
        }

        async fn see(&self, text: &str) -> Analysis {
            let deadline = Instant::now() + Duration::from_secs(60);
            let question = Question {
                text,
                chosen: &[],
                waiting: None,
                unclear: &[],
                context: &[],
                previous: &[],
                files: &[],
                deadline,
            };
            let decision = self.router.plan(&self.roster, &question).await;
            let why = self.router.explain(&self.roster, &question, &decision.plan).await;
            let (plan, scores) = (decision.plan, decision.scores);
            (self.shown)(Analysis { plan, scores, us: 0, explanation: Some(why) })
        }

        /// Whatever is seen that can be climbed by, as one number each.
        async fn heights(&self, text: &str) -> Vec<f64> {
            let seen = self.see(text).await;
            let why = seen.explanation.unwrap();
            let money = |agent: Option<&str>| agent == Some("money");
            let mut heights =
                vec![seen.plan.confidence, why.known.unwrap_or(0.0), -why.novelty.unwrap_or(0.0)];
            heights.extend(seen.scores.iter().filter(|s| s.agent.as_str() == "money").map(|s| s.score));
            let near = why.nearest.iter().filter(|near| money(near.agent.as_ref().map(|id| id.as_str())));
            heights.push(near.map(|near| near.likeness).fold(0.0, f64::max));
            for share in why.shares.iter().filter(|s| money(s.agent.as_ref().map(|id| id.as_str()))) {
                heights.extend([share.share, share.words]);
            }
            heights.resize(7, 0.0);
            heights
        }

        /// Adds the word that raises one of the figures most, until none does.
        async fn climb(&self, by: usize) -> BTreeSet<String> {
            let words: Vec<&str> = WORDS.split_whitespace().collect();
            let (mut text, mut height) = (String::from("severance"), f64::MIN);
            loop {
                let (mut best, mut best_height) = (None, height + 1e-9);
                for word in words.iter().filter(|word| !text.split(' ').any(|known| known == **word)) {
                    let longer = format!("{text} {word}");
                    let reached = self.heights(&longer).await[by];
                    if reached > best_height {
                        (best, best_height) = (Some(longer), reached);
                    }
                }
                match best {
                    Some(longer) => (text, height) = (longer, best_height),
                    None => return text.split(' ').map(str::to_owned).collect(),
                }
            }
        }

        /// The most words of the hidden example that a climb by any figure ends with and no others.
        async fn recovers(&self) -> bool {
            let hidden: BTreeSet<String> = HIDDEN.split(' ').map(str::to_owned).collect();
            for by in 0..7 {
                let found = self.climb(by).await;
                let right = found.intersection(&hidden).count();
                if right + 1 >= hidden.len() && found.len() <= hidden.len() + 1 {
                    return true;
                }
            }
            false
        }
    }

    #[tokio::test]
    async fn exact_figures_lead_to_a_hidden_example_and_coarse_ones_do_not() {
        assert!(Climb::new(|analysis| analysis).recovers().await, "the climb is able to climb");
        assert!(!Climb::new(coarse).recovers().await);
    }

    #[tokio::test]
    async fn what_is_left_is_in_tenths_and_holds_no_measure_against_examples() {
        let seen = Climb::new(coarse).see("what is the budget and will it rain in Rome").await;
        let tenth = |figure: f64| (figure * 10.0 - (figure * 10.0).round()).abs() < 1e-9;
        assert!(tenth(seen.plan.confidence) && seen.scores.iter().all(|score| tenth(score.score)));
        let why = seen.explanation.unwrap();
        assert_eq!((why.known, why.novelty, why.nearest.len(), why.bounds.len()), (None, None, 0, 0));
        assert!(why.shares.iter().all(|share| tenth(share.share) && tenth(share.words)), "{why:?}");
        assert!(why.shares.last().is_some_and(|share| share.agent.is_none()));
        assert!(!why.because.contains(|c: char| c.is_ascii_digit()), "{}", why.because);
    }
}
