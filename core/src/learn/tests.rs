//! What becomes a suggestion, and what does not.

use super::*;
use chrono::DateTime;
use switchboard_shared::{
    events::{Mode, Step},
    ids::TurnId,
};
use tokio::time::Instant;

fn plan(stage: Stage, agents: &[&str]) -> Plan {
    let step = |agent: &&str| Step {
        agent: agent.parse().unwrap(),
        question: "q".into(),
        confidence: 0.9,
        depends_on: Vec::new(),
    };
    Plan {
        mode: Mode::Direct,
        steps: agents.iter().map(step).collect(),
        confidence: 0.9,
        reason: String::new(),
        why: None,
        stage,
        degraded: None,
        says: None,
        choices: Vec::new(),
    }
}

fn thinks(user: &str, value: Thumb, agents: &[&str]) -> FeedbackView {
    FeedbackView {
        turn: TurnId::new(),
        user: user.parse().unwrap(),
        value,
        agents: agents.iter().map(|agent| agent.parse().unwrap()).collect(),
        comment: None,
        at: DateTime::UNIX_EPOCH,
    }
}

fn of(found: &[NewSuggestion]) -> Vec<(&str, &str)> {
    found.iter().map(|one| (one.agent.as_str(), one.source.name())).collect()
}

#[test]
fn a_correction_speaks_for_each_agent_that_it_names_and_a_thumb_down_alone_for_none() {
    let decided = plan(Stage::Lexical, &["a"]);
    let corrected = [thinks("ann", Thumb::Down, &["b", "c"]), thinks("bob", Thumb::Down, &["c"])];
    let found = from_feedback(&corrected, Some(&decided), "@a what now?");
    assert_eq!(of(&found), [("b", "correction"), ("c", "correction")]);
    assert!(found.iter().all(|one| one.positive && one.text == "what now?"));
    assert!(from_feedback(&[thinks("ann", Thumb::Down, &[])], Some(&decided), "what now?").is_empty());
}

#[test]
fn a_thumb_up_speaks_for_the_only_agent_of_a_plan_that_the_llm_made() {
    let up = [thinks("ann", Thumb::Up, &[])];
    assert_eq!(of(&from_feedback(&up, Some(&plan(Stage::Llm, &["a"])), "hm?")), [("a", "thumbs")]);
    assert!(from_feedback(&up, Some(&plan(Stage::Llm, &["a", "b"])), "hm?").is_empty());
    assert!(from_feedback(&up, Some(&plan(Stage::Lexical, &["a"])), "hm?").is_empty());
    assert!(from_feedback(&up, None, "hm?").is_empty());
}

#[test]
fn an_agent_that_is_named_after_a_question_back_should_have_got_the_message_before() {
    let chosen = ["a".parse().unwrap()];
    let question = |text, chosen| Question {
        text,
        chosen,
        waiting: None,
        unclear: &[],
        context: &[],
        previous: &[],
        files: &[],
        deadline: Instant::now(),
    };
    let decided = plan(Stage::Rule, &["a"]);
    let chip = from_chip(Some("show me the numbers"), &question("yes", &chosen), &decided);
    assert_eq!(of(&chip), [("a", "chip")]);
    assert_eq!(chip[0].text, "show me the numbers");
    assert_eq!(from_chip(Some("numbers"), &question("@A please", &[]), &decided).len(), 1);
    assert!(from_chip(None, &question("@a please", &[]), &decided).is_empty(), "nobody asked back");
    assert!(from_chip(Some("numbers"), &question("please", &[]), &decided).is_empty(), "nobody was named");
}

#[test]
fn what_an_agent_refuses_speaks_against_it() {
    let agent: AgentId = "a".parse().unwrap();
    let found = from_rejections([(&agent, "sell my shares")].into_iter());
    assert_eq!(of(&found), [("a", "rejection")]);
    assert!(!found[0].positive);
}

#[test]
fn a_suggestion_has_its_language_where_its_words_leave_no_doubt() {
    let agent: AgentId = "a".parse().unwrap();
    let language = |text| from_rejections([(&agent, text)].into_iter())[0].language.clone();
    assert_eq!(language("Wie wird das Wetter morgen in Hamburg, und brauche ich einen Regenschirm?"), "de");
    assert_eq!(language("ok 17"), "");
    let (up, decided) = ([thinks("ann", Thumb::Up, &[])], plan(Stage::Llm, &["a"]));
    let thumbs = from_feedback(&up, Some(&decided), "明日の東京の天気を教えてください");
    assert_eq!(thumbs[0].language, "ja");
}

#[test]
fn names_at_the_beginning_are_no_part_of_an_example_and_very_long_messages_make_none() {
    assert_eq!(example_text("@a, @b-c: is it @home?").as_deref(), Some("is it @home?"));
    assert_eq!(example_text(" @a "), None);
    assert_eq!(example_text(&"x".repeat(MAX_EXAMPLE_CHARS + 1)), None);
}

#[test]
fn a_language_is_a_tag() {
    let fault = |text: &str, language: &str| fault(&Example { text: text.into(), language: language.into() });
    assert_eq!(fault("hi", ""), None);
    assert_eq!(fault("hi", "zh-Hant-TW"), None);
    assert!(fault("hi", "German language").is_some());
    assert!(fault("hi", "de-").is_some());
    assert!(fault("hi", "über").is_some());
    assert!(fault(" ", "de").is_some());
}
