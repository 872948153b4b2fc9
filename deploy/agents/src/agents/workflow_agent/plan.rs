//! From "first … then …" to steps.

use std::sync::LazyLock;

use regex::Regex;

use crate::reading::colleagues;
use crate::reading::subject::split;

const MOST_STEPS: usize = 4;

/// One step: what is asked of whom.
#[derive(Debug, PartialEq)]
pub(super) struct Step<'a> {
    pub(super) agent: &'static str,
    pub(super) words: &'a str,
}

static THEN: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"and\s+then|then|after\s+that|afterwards|finally|und\s+dann|danach|dann|anschließend|et\s+ensuite|ensuite|et\s+puis|puis|y\s+luego|luego|después|y\s+después";
    let signs = "→|->|然后|接着|之后|それから|その後|次に|ثم|بعد ذلك";
    Regex::new(&format!(r"(?i)[,;.،、，]?\s*(?:\b(?:{words})\b|{signs})\s*[,،、，]?\s*"))
        .expect("a constant pattern")
});

/// The steps and the material they all work on, if the request brings some; else a question to ask back.
pub(super) fn plan<'a>(text: &'a str) -> Result<(Vec<Step<'a>>, Option<&'a str>), String> {
    // "First …, then …: 12, 15, 19" — but not a colon that belongs to one of the steps.
    let (plan, material) = match split(text) {
        Some((lead, material)) if THEN.is_match(lead) && !THEN.is_match(material) => (lead, Some(material)),
        _ => (text, None),
    };
    let (plan, material) = if material.is_none() { trailing_numbers(plan) } else { (plan, material) };
    let parts: Vec<&str> =
        THEN.split(plan).map(str::trim).filter(|part| part.chars().any(char::is_alphabetic)).collect();
    if parts.len() < 2 {
        return Err("Which steps? Please write them as: first … then …, for example: first compute the statistics, then forecast the next 3 values: 12, 15, 19.".to_owned());
    }
    if parts.len() > MOST_STEPS {
        return Err(format!(
            "That is {} steps; I run up to {MOST_STEPS}. Which ones shall I run?",
            parts.len()
        ));
    }
    let step = |words: &'a str| match colleagues::meant(words) {
        Some("workflow-agent") | None => {
            Err(format!("Which agent shall do \"{words}\"? Please name it, for example data-processor."))
        }
        Some(agent) => Ok(Step { agent, words }),
    };
    parts.into_iter().map(step).collect::<Result<Vec<Step<'_>>, String>>().map(|steps| (steps, material))
}

static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\s+(?:on|over|for|with|of|auf|über|mit|sur|avec|con|sobre)\s+(-?\d[\d\s.,;-]*\d)\s*[.!?]?$",
    )
    .expect("a constant pattern")
});

/// "… then analytics-agent on 5, 8, 13": the numbers are for every step.
fn trailing_numbers(text: &str) -> (&str, Option<&str>) {
    match NUMBERS.captures(text).and_then(|found| Some((found.get(0)?, found.get(1)?))) {
        Some((whole, numbers)) => (&text[..whole.start()], Some(numbers.as_str())),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::plan;

    fn agents(text: &str) -> Vec<&'static str> {
        plan(text).unwrap().0.into_iter().map(|step| step.agent).collect()
    }

    #[test]
    fn steps_find_their_agents() {
        let pair = ["data-processor", "analytics-agent"];
        assert_eq!(agents("First compute the statistics, then forecast the next 3 values: 12, 15, 19"), pair);
        assert_eq!(agents("Erst die Statistik, danach die Prognose: 210, 220"), pair);
        assert_eq!(agents("先统计，然后预测：10、12、15"), pair);
        assert_eq!(agents("Run data-processor then analytics-agent on 5, 8, 13"), pair);
        assert_eq!(
            agents("Save a file todo.txt with the text \"buy milk\" and then make a backup"),
            ["file-manager", "backup-agent"]
        );
        assert_eq!(plan("Run data-processor then analytics-agent on 5, 8, 13").unwrap().1, Some("5, 8, 13"));
        assert!(plan("do something").is_err());
    }
}
