//! Floods of work, and how long a member of another tenant waits beside them.

use super::{
    report::Report,
    stand::{NOISY, Stand, neighbour, processor_time, room, say},
};
use crate::error::{Error, Result};
use futures::future::{join_all, try_join_all};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Questions of the neighbour beside each flood.
const QUESTIONS: u32 = 5;
/// The longest that the neighbour may wait for a whole answer.
const BOUND: Duration = Duration::from_secs(1);
/// How long a caller stays that leaves early.
const STAYS: Duration = Duration::from_millis(150);
/// The processor is quiet when less than this share of it is used.
const QUIET: Duration = Duration::from_millis(50);

pub(super) async fn run(stand: &Stand, quick: bool, report: &mut Report) -> Result<()> {
    let scale = if quick { 10 } else { 1 };
    beside(stand, "nothing else goes on", "", report).await?;
    turns(stand, 290 / scale, report).await?;
    let examples = 2_000 / scale;
    learning(stand, examples, report).await?;
    leaving(stand, report).await
}

async fn beside(stand: &Stand, what: &str, note: &str, report: &mut Report) -> Result<()> {
    let waits = neighbour(stand, QUESTIONS).await?;
    report.row(what, &format!("{waits}{note}"), "at most 1000 ms", waits.within(BOUND));
    Ok(())
}

/// Messages of ten users to an agent that never answers.
async fn turns(stand: &Stand, messages: usize, report: &mut Report) -> Result<()> {
    let _silent = stand.register_silent(NOISY, "silent").await?;
    let user = |number: usize| async move {
        let client = stand.client(NOISY, &format!("user-{number}"), "user", &[])?;
        let room = room(&client).await?;
        let mut accepted = 0;
        for _ in 0..messages / 10 {
            accepted += usize::from(say(&client, room, "silent", "say nothing at all", json!([])).await);
        }
        Ok::<_, Error>(accepted)
    };
    let accepted: usize = try_join_all((0..10).map(user)).await?.into_iter().sum();
    let what = format!("{messages} messages of ten users to a silent agent");
    beside(stand, &what, &format!(", {accepted} accepted"), report).await
}

/// Agents of six groups with many examples; twelve users of as many sets of groups ask, and each set is learned.
async fn learning(stand: &Stand, examples: usize, report: &mut Report) -> Result<()> {
    for number in 0..6 {
        let texts: Vec<_> = (0..examples).map(|i| example(number, i)).collect();
        let url = super::silent::Silent::start(&format!("subject-{number}"), "A subject.", &[]).await?;
        let (id, group) = (format!("subject-{number}"), format!("group-{number}"));
        stand.register(NOISY, &id, url.url.clone(), &texts, Some(&group)).await?;
    }
    let ask = |number: usize| async move {
        let groups: Vec<_> =
            (0..6).filter(|group| (number + 1) >> group & 1 == 1).map(|g| format!("group-{g}")).collect();
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        let client = stand.client(NOISY, &format!("learner-{number}"), "user", &groups)?;
        // Whether it is answered in time is its own tenant's business.
        drop(
            timeout(
                Duration::from_secs(60),
                client.post::<Value>("/v1/analyze", &json!({"text": example(number % 6, 7)})),
            )
            .await,
        );
        Ok::<_, Error>(())
    };
    let asking = try_join_all((0..12).map(ask));
    let watching = async {
        sleep(Duration::from_millis(200)).await;
        beside(stand, "twelve sets of groups of one tenant are to be learned", "", report).await
    };
    let (asked, watched) = tokio::join!(asking, watching);
    asked?;
    watched
}

/// Callers that leave before their answer: what they asked for is learned once, however many they are.
async fn leaving(stand: &Stand, report: &mut Report) -> Result<()> {
    quiet(stand).await;
    let once = learned_by(stand, "patient", 1, Duration::from_secs(60)).await?;
    let often = learned_by(stand, "hasty", 8, STAYS).await?;
    let seen =
        format!("{:.1} s of processor, {:.1} for one that waits", often.as_secs_f64(), once.as_secs_f64());
    let held = often <= once * 2 + Duration::from_secs(1);
    report.row("eight callers leave after 150 ms while it is learned", &seen, "at most twice and 1 s", held);
    Ok(())
}

/// The processor time of the core until nothing more is learned after the registry has changed and callers ask.
async fn learned_by(stand: &Stand, who: &str, callers: usize, stay: Duration) -> Result<Duration> {
    let admin = stand.client(NOISY, "olga", "admin", &[])?;
    let began = processor_time(stand.core());
    let examples =
        json!({"examples": [{"text": format!("an example for {who}"), "language": "en"}], "force": true});
    admin.put::<Value>("/v1/agents/data-processor/examples", &examples).await?;
    let all: Vec<_> = (0..6).map(|group| format!("group-{group}")).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let client = stand.client(NOISY, who, "user", &all)?;
    let asked = json!({"text": example(1, 3)});
    let ask = || timeout(stay, client.post::<Value>("/v1/analyze", &asked));
    drop(join_all((0..callers).map(|_| ask())).await);
    quiet(stand).await;
    Ok(processor_time(stand.core()).saturating_sub(began))
}

/// Waits until the core has nothing to do, a minute at most.
async fn quiet(stand: &Stand) {
    for _ in 0..120 {
        let before = processor_time(stand.core());
        sleep(Duration::from_millis(500)).await;
        if processor_time(stand.core()).saturating_sub(before) < QUIET {
            return;
        }
    }
}

/// Messages that differ, of a subject of their own.
fn example(subject: usize, number: usize) -> String {
    const SUBJECTS: [&str; 6] = ["invoices", "holidays", "servers", "contracts", "menus", "trains"];
    const VERBS: [&str; 7] = ["show", "list", "count", "compare", "find", "sort", "explain"];
    let (verb, what) = (VERBS[number % VERBS.len()], SUBJECTS[subject % SUBJECTS.len()]);
    format!("{verb} the {what} of case{} in town{} for team{}", number, number % 97, number % 31)
}
