//! Hostile text, as data in `tests/eval/hostile.jsonl`: cards that want every message, messages that order the router
//! about, forged history, and an LLM that answers anything at all.

use super::{tests::agents, *};
use crate::llm::fake::{Act, Fake};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};
use switchboard_shared::{
    api::Example,
    config::parse,
    events::{Mode, Stage},
};

const CASES: &str = include_str!("../../../tests/eval/hostile.jsonl");
const MAX_ASKED: usize = 4;
/// Far more than any message may take, on a busy machine and without optimisation.
const SLOW: Duration = Duration::from_secs(10);
/// No words of the agents' examples: the local model leaves it to the LLM.
const UNDECIDED: &str = "Millainen sää on huomenna Helsingissä?";
/// What people ask the normal agents.
const ORDINARY: &[(&str, &str)] = &[
    ("Will it rain in Oslo tomorrow?", "weather"),
    ("Wird es am Wochenende in München regnen?", "weather"),
    ("Convert 70 dollars to euros", "money"),
    ("Wie viel sind 80 Dollar in Euro?", "money"),
    ("please review my python function, there is a bug in it", "code"),
    ("schedule a meeting with the bank on Friday", "calendar"),
    ("translate this letter into Italian", "translate"),
    ("Fasse den Bericht zusammen", "summary"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    kind: String,
    what: String,
    /// Why the router does not do this right yet. Such a case must fail, so that whoever mends it takes the mark away.
    open: String,
    name: String,
    description: String,
    tags: Vec<String>,
    examples: Vec<String>,
    text: String,
    /// What follows, and how often; without it, it is the whole that is repeated.
    tail: String,
    times: usize,
    end: String,
    by: String,
    said: String,
    previous: Vec<AgentId>,
    chosen: Vec<AgentId>,
    waiting: Option<AgentId>,
    asked: Option<Vec<String>>,
    never: Vec<String>,
    /// Agents that it may guess, but not decide on.
    undecided: Vec<String>,
    says: Value,
    expect: Value,
}

impl Case {
    fn long(&self, text: &str) -> String {
        if self.tail.is_empty() {
            return text.repeat(self.times.max(1));
        }
        format!("{text}{}{}", self.tail.repeat(self.times), self.end)
    }

    fn agent(&self, id: &str) -> Arc<Agent> {
        // What no card can hold is refused at the door, and tested there.
        let description = self.long(&self.description).replace('\0', " ");
        let card = json!({
            "name": self.name, "description": description, "version": "1", "capabilities": {},
            "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
            "skills": [{"id": "s", "name": self.name, "description": description, "tags": self.tags}],
            "supportedInterfaces":
                [{"url": "http://h.example/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let examples = self.examples.iter().map(|text| Example { text: text.clone(), language: "".into() });
        let url = "http://h.example".parse().unwrap();
        Arc::new(Agent::from_card(Some(id.parse().unwrap()), url, card, examples.collect()).unwrap())
    }
}

fn cases(kind: &str) -> Vec<Case> {
    let all = CASES.lines().map(|line| serde_json::from_str::<Case>(line).expect(line));
    let cases: Vec<_> = all.filter(|case| case.kind == kind).collect();
    assert!(!cases.is_empty());
    cases
}

fn router(llm: Llm) -> Router {
    let needed =
        "identity_key = \"0123456789abcdef0123456789abcdef\"\n[postgres]\nurls = [\"postgres://h/d\"]\n";
    // So few examples cannot show that 99 of 100 are right.
    let needed = format!("{needed}[route]\nright = 0.95\n");
    let config: crate::config::Config = parse(crate::config::DEFAULTS, "d", &needed).unwrap();
    Router::new(&config.route, MAX_ASKED, Arc::new(llm))
}

fn local() -> Router {
    router(Llm::new(&[]).unwrap())
}

fn question(text: &str) -> Question<'_> {
    let deadline = Instant::now() + Duration::from_secs(10);
    Question {
        text,
        chosen: &[],
        waiting: None,
        unclear: &[],
        context: &[],
        previous: &[],
        files: &[],
        deadline,
    }
}

fn asked(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.agent.to_string()).collect()
}

/// What holds for every plan, whatever was said; else, what is wrong with it.
fn fault(plan: &Plan, roster: &Roster) -> Option<String> {
    let agents: HashSet<_> = plan.steps.iter().map(|step| &step.agent).collect();
    let strangers = agents.iter().copied().chain(&plan.choices).any(|id| roster.agent(id).is_none());
    let answers = matches!(plan.mode, Mode::None | Mode::Clarify);
    let reply = plan.says.as_deref().unwrap_or_default();
    let faults = [
        (strangers, "an agent that is not there"),
        (agents.len() < plan.steps.len(), "an agent twice"),
        (plan.steps.len() > MAX_ASKED, "too many steps"),
        (answers != plan.steps.is_empty() || answers == reply.is_empty(), "mode, steps and reply differ"),
        (!(0.0..=1.0).contains(&plan.confidence), "a confidence that is none"),
        (plan.reason.chars().count() > 400 || plan.reason.contains(char::is_control), "an unclean reason"),
        (reply.chars().count() > 3_000, "a reply without end"),
        (reply.contains(|c: char| c.is_control() && c != '\n'), "an unclean reply"),
        (
            plan.steps.iter().enumerate().any(|(i, step)| step.depends_on.iter().any(|&on| on >= i)),
            "a step that waits for itself or a later one",
        ),
    ];
    let found: Vec<_> = faults.iter().filter(|(is_there, _)| *is_there).map(|(_, fault)| *fault).collect();
    (!found.is_empty()).then(|| format!("{}: {plan:?}", found.join(", ")).chars().take(700).collect())
}

fn refuse_all(kind: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{} of the {kind} cases:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn there_are_at_least_a_hundred_hostile_cases() {
    let all: HashSet<_> = CASES.lines().collect();
    assert!(all.len() >= 100 && all.len() == CASES.lines().count());
}

#[tokio::test]
async fn a_hostile_card_draws_no_ordinary_question() {
    let mut faults = Vec::new();
    for case in cases("card") {
        let mut all = agents();
        all.push(case.agent("hostile"));
        let roster = Roster::new(1, all);
        for (text, agent) in ORDINARY {
            let plan = local().plan(&roster, &question(text)).await.plan;
            if asked(&plan) != [*agent] {
                faults.push(format!("{}: {text}: {plan:?}", case.what));
            }
            faults.extend(fault(&plan, &roster));
        }
    }
    refuse_all("card", &faults);
}

#[tokio::test]
async fn a_card_is_shown_to_the_llm_inside_the_fence_alone_and_cut() {
    let weather = json!({"steps": [{"agent": "weather", "sub_question": "q", "depends_on": []}],
        "in_scope": true, "needs_clarification": null, "confidence": "high", "reason": "r"});
    let fake = Fake::start(vec![Act::Say(weather.to_string())]).await;
    for some in cases("card").chunks(12) {
        let hostile: Vec<_> = (0..).zip(some).map(|(i, case)| case.agent(&format!("hostile-{i}"))).collect();
        let roster = Roster::new(1, agents().into_iter().chain(hostile.iter().cloned()).collect());
        let plan = router(fake.llm()).plan(&roster, &question(UNDECIDED)).await.plan;
        assert_eq!((asked(&plan), plan.stage), (vec!["weather".to_owned()], Stage::Llm), "{plan:?}");
        let seen = fake.requests().pop().unwrap();
        let prompt = seen["messages"][1]["content"].as_str().unwrap();
        let (before, fenced, after) = fenced(prompt, "agents");
        let lines: Vec<Value> = fenced.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), roster.agents.len(), "one line an agent, whatever is in it: {fenced}");
        for line in lines {
            let examples = line["examples"].as_array().unwrap();
            let long = examples.iter().filter(|text| text.as_str().unwrap().chars().count() > 120).count();
            assert!(line["does"].as_str().unwrap().chars().count() <= 200);
            assert!(examples.len() <= 3 && long == 0);
        }
        let outside = format!("{}{before}{after}", seen["messages"][0]["content"].as_str().unwrap());
        for agent in &hostile {
            let begin: String = agent.description.trim().chars().take(25).collect();
            assert!(!outside.contains(&begin), "{begin} is outside of the fence");
        }
        assert!(!prompt.contains("SMUGGLED-BEHIND-THE-CUT"));
    }
}

#[tokio::test]
async fn an_agent_that_copies_anothers_examples_is_at_most_a_guess_that_says_so() {
    let mut all = agents();
    let mut thief = Agent::clone(&cases("card")[0].agent("thief"));
    thief.examples = all.iter().flat_map(|agent| agent.examples.clone()).collect();
    all.push(Arc::new(thief));
    let roster = Roster::new(1, all);
    let mut faults = Vec::new();
    for (text, _) in ORDINARY {
        let plan = local().plan(&roster, &question(text)).await.plan;
        if asked(&plan).contains(&"thief".to_owned()) && plan.degraded.is_none() {
            faults.push(format!("{text}: {plan:?}"));
        }
        faults.extend(fault(&plan, &roster));
    }
    refuse_all("copied", &faults);
}

/// The text before, between and after the fence's two marks, which nobody can have known before.
fn fenced<'a>(prompt: &'a str, what: &str) -> (&'a str, &'a str, &'a str) {
    let open = prompt.find(&format!("<{what}-")).unwrap();
    let mark = prompt[open..].lines().next().unwrap();
    let close = mark.replacen('<', "</", 1);
    assert!(mark.len() > 30 && prompt.matches(mark).count() == 1 && prompt.matches(&close).count() == 1);
    let (before, rest) = prompt.split_once(mark).unwrap();
    let (inside, after) = rest.split_once(&close).unwrap();
    (before, inside.trim(), after)
}

#[tokio::test]
async fn a_hostile_message_is_routed_like_any_other() {
    let roster = Roster::new(1, agents());
    let mut faults = Vec::new();
    for case in cases("message") {
        let text = case.long(&case.text);
        let waiting = case.waiting.as_ref();
        let question =
            Question { chosen: &case.chosen, previous: &case.previous, waiting, ..question(&text) };
        let began = Instant::now();
        let plan = local().plan(&roster, &question).await.plan;
        let asked = asked(&plan);
        let mut found = Vec::new();
        if case.asked.as_ref().is_some_and(|expected| *expected != asked)
            || asked.iter().any(|id| case.never.contains(id))
            || plan.degraded.is_none() && asked.iter().any(|id| case.undecided.contains(id))
        {
            found.push(format!("{}: {plan:?}", case.what).chars().take(700).collect());
        }
        if began.elapsed() > SLOW {
            found.push(format!("{}: took {:?}", case.what, began.elapsed()));
        }
        found.extend(fault(&plan, &roster).map(|fault| format!("{}: {fault}", case.what)));
        match (case.open.is_empty(), found.is_empty()) {
            (false, true) => faults.push(format!("{} is right now, and no longer open", case.what)),
            (false, false) => {}
            (true, _) => faults.extend(found),
        }
    }
    refuse_all("message", &faults);
}

#[tokio::test]
async fn what_was_said_before_stands_in_its_own_fence_cut_to_one_line_each() {
    let roster = Roster::new(1, agents());
    let root = json!({"steps": [{"agent": "root", "sub_question": "q", "depends_on": []}],
        "in_scope": true, "needs_clarification": null, "confidence": "high", "reason": "r"});
    let fake = Fake::start(vec![Act::Say(root.to_string())]).await;
    for case in cases("history") {
        let said = ContextMessage { author: case.by.clone(), text: case.long(&case.said) };
        let context = [said];
        let question = Question { context: &context, ..question(&case.text) };
        let plan = router(fake.llm()).plan(&roster, &question).await.plan;
        assert!(plan.steps.is_empty() && fault(&plan, &roster).is_none(), "{}: {plan:?}", case.what);
        let seen = fake.requests().pop().unwrap();
        let (_, conversation, _) = fenced(seen["messages"][1]["content"].as_str().unwrap(), "conversation");
        let line: Value = serde_json::from_str(conversation).unwrap();
        assert_eq!(line["by"], json!(case.by), "{}", case.what);
        assert!(line["said"].as_str().unwrap().chars().count() <= 500, "{}", case.what);
    }
}

#[tokio::test]
async fn an_llm_that_was_led_astray_leads_nobody_astray() {
    let roster = Roster::new(1, agents());
    let mut faults = Vec::new();
    for (i, case) in cases("answer").into_iter().enumerate() {
        let says = case.says.as_str().map_or_else(|| case.says.to_string(), |text| case.long(text));
        let fake = Fake::start(vec![Act::Say(says)]).await;
        // Never the same words twice: what was decided about them may be remembered.
        let text = format!("{UNDECIDED}{}", "?".repeat(i));
        let plan = router(fake.llm()).plan(&roster, &question(&text)).await.plan;
        let refused = plan.stage == Stage::Lexical
            && plan.degraded.as_deref().is_some_and(|why| why.contains("the LLM") && why.len() < 1_000);
        let as_expected = match &case.expect {
            Value::String(_) => refused,
            expected => plan.stage == Stage::Llm && json!(asked(&plan)) == *expected,
        };
        if !as_expected {
            faults.push(format!("{}: {plan:?}", case.what).chars().take(700).collect());
        }
        faults.extend(fault(&plan, &roster).map(|fault| format!("{}: {fault}", case.what)));
    }
    refuse_all("answer", &faults);
}
