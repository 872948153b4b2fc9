//! scheduler-agent: when a schedule would run, and plain words turned into cron.

mod wording;

use std::fmt::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use croner::Cron;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "scheduler-agent",
    name: "Scheduler Agent",
    description: "Explains schedules: turns plain words such as \"every weekday at 9:00\" into a cron expression and calculates the next runs of a cron expression, in UTC. It starts no jobs and sets no reminders.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "cron",
            name: "Explain a cron expression",
            description: "Says in words what a cron expression means and when it runs next.",
            tags: &["cron", "crontab", "next run"],
            examples: &[
                "When does the cron expression 0 9 * * 1-5 run next?",
                "What does */15 * * * * mean?",
                "Wann läuft 30 2 1 * * das nächste Mal?",
                "¿Qué significa el cron 0 0 * * 0?",
                "cron 表达式 0 8 * * 1 下次什么时候执行？",
            ],
        },
        Skill {
            id: "scheduling",
            name: "Words to cron",
            description: "Turns a schedule in plain words into a cron expression with its next runs.",
            tags: &["schedule", "every day", "weekday", "recurring"],
            examples: &[
                "Give me a cron line for every weekday at 9:00",
                "How do I schedule something every 20 minutes?",
                "Cron expression for the first of every month at 6:30 am",
                "Jeden Montag um 8 Uhr als Cron-Ausdruck bitte",
                "Tous les jours à 7h30, ça donne quoi en cron ?",
                "Cada viernes a las 17:00",
                "毎日9時に実行するcron式は？",
                "أريد جدولة مهمة كل يوم الساعة 6:00",
            ],
        },
    ],
};

const RUNS: usize = 5;

static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| {
    let field = r"(?:\*(?:/\d+)?|\d[\d,\-/#L]*|(?:(?i:MON|TUE|WED|THU|FRI|SAT|SUN|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[,\-]?)+|L|\?)";
    Regex::new(&format!(r"(?:^|[^\w*/])((?:{field}\s+){{4,5}}{field})(?:[^\w*/]|$)|@(?:yearly|annually|monthly|weekly|daily|hourly)\b")).expect("a constant pattern")
});

/// The agent.
pub(super) struct SchedulerAgent;

#[async_trait]
impl Agent for SchedulerAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, _: &Reporter) -> Outcome {
        let plain = crate::reading::numbers::plain(&request.text);
        let pasted = expression(&plain);
        let Some(expression) = pasted.clone().or_else(|| wording::cron(&plain)) else {
            return match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack("Which schedule? Please give a cron expression such as 0 9 * * 1-5, or words such as \"every weekday at 9:00\".".to_owned()),
            };
        };
        match report(&expression, Utc::now()) {
            Ok(text) => Outcome::Answered(text),
            Err(why) => Outcome::AskedBack(format!(
                "I cannot read {expression} as a schedule: {why}. Which one do you mean?"
            )),
        }
    }
}

fn expression(text: &str) -> Option<String> {
    let found = EXPRESSION.captures(text)?;
    found
        .get(1)
        .or_else(|| found.get(0))
        .map(|found| found.as_str().split_whitespace().collect::<Vec<_>>().join(" "))
}

fn report(expression: &str, now: DateTime<Utc>) -> Result<String, String> {
    let cron: Cron = expression.parse().map_err(|error: croner::errors::CronError| error.to_string())?;
    let mut text =
        format!("`{expression}` means: {}.\n\nNext runs (UTC):\n", cron.describe().trim_end_matches('.'));
    let mut at = now;
    for _ in 0..RUNS {
        let Ok(next) = cron.find_next_occurrence(&at, false) else {
            text.push_str("- no further run\n");
            break;
        };
        writeln!(text, "- {}", next.format("%A, %Y-%m-%d %H:%M:%S")).ok();
        at = next;
    }
    text.push_str("\nI only calculate; nothing is started by me.\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{expression, report, wording};
    use chrono::{TimeZone, Utc};

    #[test]
    fn expressions_are_found_and_calculated() {
        assert_eq!(expression("When does 0 9 * * 1-5 run next?").as_deref(), Some("0 9 * * 1-5"));
        assert_eq!(expression("What does */15 * * * * mean?").as_deref(), Some("*/15 * * * *"));
        assert_eq!(expression("the numbers 1 2 3 4"), None);
        let text = report("0 9 * * 1-5", Utc.with_ymd_and_hms(2026, 1, 2, 12, 0, 0).unwrap()).unwrap();
        assert!(text.contains("Monday, 2026-01-05 09:00:00"), "{text}");
    }

    #[test]
    fn words_become_cron() {
        for (words, cron) in [
            ("every weekday at 9:00", "0 9 * * 1-5"),
            ("every 20 minutes", "*/20 * * * *"),
            ("the first of every month at 6:30 am", "30 6 1 * *"),
            ("Jeden Montag um 8 Uhr", "0 8 * * 1"),
            ("Tous les jours à 7h30", "30 7 * * *"),
            ("Cada viernes a las 17:00", "0 17 * * 5"),
            ("毎日9時に実行する", "0 9 * * *"),
            ("every Monday and Thursday at 5 pm", "0 17 * * 1,4"),
            ("hourly", "0 * * * *"),
            ("daily at midnight", "0 0 * * *"),
            ("كل يوم الساعة 6:00", "0 6 * * *"),
        ] {
            assert_eq!(wording::cron(words).as_deref(), Some(cron), "{words}");
        }
        assert_eq!(wording::cron("hello there"), None);
    }
}
