//! The whole message beside a question, where the question is a part of it and lacks data that stands in it.

use switchboard_shared::events::Step;

/// A message that is so many times as long as all that is asked of it holds a text that the questions are about.
const LONGER: usize = 3;
/// Where what is asked is short, the message may be so much longer.
const MORE_CHARS: usize = 120;
/// Beginnings and ends of what is quoted.
const QUOTES: [(char, char); 7] =
    [('"', '"'), ('`', '`'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」'), ('『', '』')];

/// The whole message, if the question of this step needs it.
pub(super) fn whole_message<'a>(message: &'a str, steps: &[Step], step: &Step) -> Option<&'a str> {
    let is_part = steps.len() > 1 && step.question.trim() != message.trim();
    let others = || steps.iter().map(|step| step.question.as_str());
    (is_part && lacks(message, &step.question, others())).then(|| message.trim())
}

/// Whether a question lacks data: it has none while the message has some, or some stands in no question at all.
fn lacks<'a>(message: &str, question: &str, all: impl Iterator<Item = &'a str>) -> bool {
    let asked = all.collect::<Vec<_>>().join("\n");
    let data = data(message);
    let has = |text: &str, datum: &String| text.contains(datum.as_str());
    let lost = data.iter().any(|datum| !has(&asked, datum));
    let bare = !data.is_empty() && !data.iter().any(|datum| has(question, datum));
    let (length, asked) = (message.chars().count(), asked.chars().count());
    lost || bare || length > asked * LONGER + MORE_CHARS
}

/// Numbers, addresses, names with signs in them, and what is quoted.
fn data(text: &str) -> Vec<String> {
    let is_part =
        |c: char| c.is_alphanumeric() && (c.is_ascii() || c.is_numeric()) || "_-@:/.,+%#?&=".contains(c);
    let runs = text.split(|c: char| !is_part(c)).map(|run| run.trim_matches(|c: char| !c.is_alphanumeric()));
    let holds =
        |run: &&str| run.chars().any(char::is_numeric) || run.contains(['@', '_', '/', ':', '.', '=']);
    runs.filter(holds).map(str::to_owned).chain(quoted(text)).collect()
}

fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (begin, end) in QUOTES {
        let mut left = text;
        while let Some((_, after)) = left.split_once(begin) {
            let Some((inside, after)) = after.split_once(end) else { break };
            found.push(inside.trim().to_owned());
            left = after;
        }
    }
    found.retain(|inside| !inside.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_message_goes_with_what_lacks_data_alone() {
        let readme = "What is the mean of 4, 8 and 15, and how strong is the password hunter2?";
        let long =
            format!("Summarise this and translate the summary: {}", "some words of a tale ".repeat(40));
        for (message, questions, needs) in [
            (readme, ["mean of 4, 8 and 15", "how strong is the password hunter2?"], [false, false]),
            (readme, ["Mean of these numbers", "How strong is the password hunter2?"], [true, true]),
            (
                "Read http://a/b?c=1, and what language is it in?",
                ["Read http://a/b?c=1", "What language is it in?"],
                [false, true],
            ),
            (
                "How long is “good day”, and is it polite?",
                ["How long is “good day”?", "Is it polite?"],
                [false, true],
            ),
            (
                "Ist es warm in Rom, und was kostet ein Flug?",
                ["Ist es warm in Rom?", "Was kostet ein Flug nach Rom?"],
                [false, false],
            ),
            (&long, ["Summarise it", "Translate the summary"], [true, true]),
            ("weather in Rome", ["weather in Rome", "weather in Rome"], [false, false]),
        ] {
            let steps = questions.map(|question| Step {
                agent: "a".parse().unwrap(),
                question: question.into(),
                confidence: 1.0,
                depends_on: Vec::new(),
            });
            let got = [0, 1].map(|at| whole_message(message, &steps, &steps[at]).is_some());
            assert_eq!(got, needs, "{message}: {questions:?}");
            assert!(whole_message(message, &steps[..1], &steps[0]).is_none(), "an only agent has it already");
        }
    }
}
