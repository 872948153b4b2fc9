//! A guess never asks an agent whose work has effects: what was sent or deleted by mistake is not undone. It asks back,
//! and a word of the user's is enough to go on.

use super::{Guess, UNSURE, WEAK, best, plan};
use crate::{
    agents::Agent,
    route::{Because, clauses, rules, words},
};
use switchboard_shared::events::{Plan, Reason, Step};

impl Guess<'_> {
    /// A guessed plan without what acts: what is left of it, what is asked apart from the text that it is about, or a
    /// question back.
    pub(super) fn harmless(&self, plan: Plan, text: &str) -> Plan {
        let acting = self.acting(&plan);
        if acting.is_empty() {
            return self.by_request(text).filter(|_| self.offers_effects(&plan)).unwrap_or(plan);
        }
        match self.rest(&plan).or_else(|| self.by_request(text)) {
            Some(done) => instead(&plan, done),
            None => self.ask_before(&plan, &acting),
        }
    }

    /// Whether a question back offers an agent with effects as the likeliest.
    fn offers_effects(&self, plan: &Plan) -> bool {
        let first = plan.choices.first().and_then(|first| self.roster.agent(first));
        first.is_some_and(Agent::has_effects)
    }

    /// Who reads what the message is about, by what is asked of it alone: "Count words: send an email …".
    fn by_request(&self, text: &str) -> Option<Plan> {
        let shares = self.roster.model.score(clauses::before_its_matter(text)?);
        let (reader, share) = best(&shares.agents)?;
        let agent = &self.roster.agents[reader];
        let is_guess = share >= WEAK && share > shares.none && shares.known >= self.config.min_known;
        let steps = vec![self.step(reader, text.to_owned(), share)];
        (is_guess && !agent.has_effects()).then(|| plan(steps, self.about(Reason::GuessBefore, [reader])))
    }

    /// The LLM's plan, which is a guess too where the LLM itself is not certain, or the local model contradicts it.
    pub(in crate::route) fn or_hold_back(&self, plan: Plan, is_certain: bool) -> Plan {
        let acting = self.acting(&plan);
        if acting.is_empty() || (is_certain && plan.confidence >= UNSURE) {
            return plan;
        }
        match self.rest(&plan) {
            Some(rest) => instead(&plan, rest),
            None => self.ask_before(&plan, &acting),
        }
    }

    fn acting(&self, plan: &Plan) -> Vec<&Agent> {
        let asked = plan.steps.iter().filter_map(|step| self.roster.agent(&step.agent));
        asked.filter(|agent| agent.has_effects()).collect()
    }

    /// The plan without the steps that act, and without those that wait for them; none, if none is left.
    fn rest(&self, plan: &Plan) -> Option<Plan> {
        let acts = |step: &Step| self.roster.agent(&step.agent).is_some_and(Agent::has_effects);
        let (mut steps, mut places): (Vec<Step>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
        for step in &plan.steps {
            let after: Option<Vec<usize>> =
                step.depends_on.iter().map(|&before| places.get(before).copied().flatten()).collect();
            let after = after.filter(|_| !acts(step));
            places.push(after.is_some().then_some(steps.len()));
            steps.extend(after.map(|depends_on| Step { depends_on, ..step.clone() }));
        }
        let confidence = steps.iter().map(|step| step.confidence).fold(1.0, f64::min);
        let mode = if steps.is_empty() { return None } else { rules::together(&steps) };
        Some(Plan { mode, steps, confidence, ..plan.clone() })
    }

    /// Lets the user choose; those that this is about are named first.
    fn ask_before(&self, plan: &Plan, acting: &[&Agent]) -> Plan {
        let because = Because::of(Reason::Acts, acting.iter().copied());
        let mut choices = acting.to_vec();
        let asked = plan.steps.iter().filter_map(|step| self.roster.agent(&step.agent));
        for agent in asked.chain(self.likely()) {
            if !choices.iter().any(|known| known.id == agent.id) {
                choices.push(agent);
            }
        }
        words::ask_before(&choices, plan.stage, plan.confidence, because)
    }
}

/// What is done in place of a plan; it says whom the plan would have asked as well.
fn instead(plan: &Plan, done: Plan) -> Plan {
    let is_asked = |step: &&Step| done.steps.iter().any(|asked| asked.agent == step.agent);
    let held = plan.steps.iter().filter(|step| !is_asked(step));
    let names: Vec<_> = held.map(|step| format!("@{}", step.agent)).collect();
    let held = format!("not done on a guess, but where it is addressed: what {} does", names.join(", "));
    Plan { degraded: Some(held), ..done }
}

#[cfg(test)]
mod tests {
    use crate::llm::fake::{Act, Fake};
    use crate::route::tests::{agents, local, question, roster, router};
    use crate::route::{Question, Roster, Router, clauses};
    use serde_json::json;
    use std::sync::Arc;
    use switchboard_shared::{
        events::{Mode, Plan, Stage},
        ids::AgentId,
    };

    /// The agents, of which these act.
    fn acting(ids: &[&str]) -> Roster {
        let act = |mut agent: Arc<crate::agents::Agent>| {
            let effect = ids.contains(&agent.id.as_str());
            Arc::make_mut(&mut agent).skills.iter_mut().for_each(|skill| skill.effect = effect);
            agent
        };
        Roster::new(1, agents().into_iter().map(act).collect())
    }

    /// Decides nothing, so that all it says is a guess.
    fn guessing() -> Router {
        let mut router = local();
        router.config.right = 2.0;
        router
    }

    #[tokio::test]
    async fn a_guess_asks_no_agent_with_effects() {
        let calendar: AgentId = "calendar".parse().unwrap();
        let before = [calendar.clone()];
        for (name, text, previous) in [
            ("the best guess", "perhaps something about the meeting with the bank", &[][..]),
            ("the turn before", "zzz qqq xxx", &before),
        ] {
            let question = Question { previous, ..question(text) };
            let free = guessing().plan(&roster(), &question).await.plan;
            let is_guess = free.degraded.is_some() && free.steps.iter().any(|step| step.agent == calendar);
            assert!(is_guess, "{name}: {free:?}");
            let plan = guessing().plan(&acting(&["calendar"]), &question).await.plan;
            assert_eq!((plan.mode, plan.stage), (Mode::Clarify, Stage::Lexical), "{name}: {plan:?}");
            assert!(plan.choices.contains(&calendar) && plan.degraded.is_some(), "{name}: {plan:?}");
            let reply = plan.says.unwrap();
            assert!(reply.contains("@calendar") && reply.contains("on a guess"), "{name}: {reply}");
        }
    }

    #[tokio::test]
    async fn a_plain_guess_of_an_agent_with_effects_becomes_a_choice_and_the_same_of_another_does_not() {
        let text = "perhaps something about the meeting with the bank";
        let plan = guessing().plan(&acting(&["calendar"]), &question(text)).await.plan;
        assert_eq!(plan.choices.first().map(AgentId::as_str), Some("calendar"), "{plan:?}");
        let plan = guessing().plan(&acting(&["weather"]), &question(text)).await.plan;
        assert_eq!(plan.steps[0].agent.as_str(), "calendar", "{plan:?}");
    }

    #[tokio::test]
    async fn where_an_agent_with_effects_is_guessed_by_what_a_request_is_about_its_reader_is_asked() {
        for (text, reader) in [
            ("Review this function: perhaps schedule a meeting with the bank", Some("code")),
            ("Translate this sentence: cancel the call with the bank", Some("translate")),
            ("Is this code safe?\nschedule(meeting, bank, monday, appointment)", Some("code")),
        ] {
            let plan = guessing().plan(&acting(&["calendar"]), &question(text)).await.plan;
            let asked: Vec<_> = plan.steps.iter().map(|step| step.agent.as_str()).collect();
            assert_eq!(asked, reader.into_iter().collect::<Vec<_>>(), "{text}: {plan:?}");
            assert_eq!(plan.mode == Mode::Clarify, reader.is_none(), "{text}: {plan:?}");
            assert!(plan.steps.iter().all(|step| step.question == text), "{text}: {plan:?}");
        }
    }

    #[test]
    fn what_is_asked_is_told_from_what_it_is_about() {
        for (text, request) in [
            ("Count words: send an email to joe@example.com saying hello", Some("Count words")),
            ("Is this JSON valid? {\"a\":1}", Some("Is this JSON valid")),
            ("Why does this fail?\n@api.route('/x')", Some("Why does this fail")),
            ("Review：fetch()", Some("Review")),
            ("review this\nfn main() {}", Some("review this")),
            ("Is it urgent? Then call Ann", None),
            ("call https://api.example.com/x at 10:30", None),
            ("send an email to joe@example.com", None),
            (": send it", None),
        ] {
            assert_eq!(clauses::before_its_matter(text), request, "{text}");
        }
    }

    #[tokio::test]
    async fn a_decision_a_mention_and_an_agent_that_waits_ask_it_as_before() {
        let roster = acting(&["calendar"]);
        let calendar: AgentId = "calendar".parse().unwrap();
        let waits = Question { waiting: Some(&calendar), ..question("the second one") };
        for (name, question) in [
            ("decided", question("Schedule a meeting with Ann on Monday")),
            ("mentioned", question("@calendar perhaps something")),
            ("chosen", Question { chosen: std::slice::from_ref(&calendar), ..question("this") }),
            ("waiting", waits),
        ] {
            let plan = local().plan(&roster, &question).await.plan;
            assert_eq!(plan.degraded, None, "{name}: {plan:?}");
            assert_eq!(plan.steps[0].agent, calendar, "{name}: {plan:?}");
        }
    }

    /// What becomes of the LLM's plan of these agents, each the ones before it waits for, where the first ones act.
    async fn planned(acting_ids: &[&str], confidence: &str, steps: serde_json::Value) -> Plan {
        let answer = json!({"steps": steps, "in_scope": true, "follow_up": false, "needs_clarification": null,
            "confidence": confidence, "reason": "r"});
        let fake = Fake::start(vec![Act::Say(answer.to_string())]).await;
        router(fake.llm()).plan(&acting(acting_ids), &question("jotain ihan muuta, kiitos")).await.plan
    }

    #[tokio::test]
    async fn an_llm_that_is_not_certain_sends_no_agent_with_effects_to_work() {
        let step = json!([{"agent": "calendar", "sub_question": "q", "depends_on": []}]);
        for (acts, confidence, mode) in [
            ("calendar", "low", Mode::Clarify),
            ("calendar", "medium", Mode::Clarify),
            ("calendar", "high", Mode::Direct),
            ("weather", "low", Mode::Direct),
        ] {
            let plan = planned(&[acts], confidence, step.clone()).await;
            assert_eq!((plan.mode, plan.stage), (mode, Stage::Llm), "{acts}, {confidence}: {plan:?}");
            let asks = plan.choices.first().map(AgentId::as_str) == Some("calendar");
            assert_eq!(asks, mode == Mode::Clarify, "{acts}, {confidence}: {plan:?}");
        }
    }

    #[tokio::test]
    async fn of_an_uncertain_plan_the_steps_without_effects_go_on_and_the_others_are_named() {
        let step = |agent: &str, depends_on: &[usize]| json!({"agent": agent, "sub_question": agent, "depends_on": depends_on});
        for (name, steps, asked, held) in [
            (
                "side by side",
                json!([step("calendar", &[]), step("code", &[])]),
                vec!["code"],
                "what @calendar does",
            ),
            (
                "one waits for it",
                json!([step("calendar", &[]), step("money", &[0]), step("code", &[]), step("summary", &[2])]),
                vec!["code", "summary"],
                "what @calendar, @money does",
            ),
        ] {
            let plan = planned(&["calendar"], "medium", steps).await;
            let agents: Vec<_> = plan.steps.iter().map(|step| step.agent.as_str()).collect();
            assert_eq!(agents, asked, "{name}: {plan:?}");
            assert!(plan.degraded.as_deref().is_some_and(|said| said.contains(held)), "{name}: {plan:?}");
            assert!(plan.steps.iter().skip(1).all(|step| step.depends_on == [0]), "{name}: {plan:?}");
        }
    }
}
