//! More than the house can do: first what it can, by asking for more until no more comes; then twice that, five times
//! that, and half of it after each. Nobody tries again here: what is refused is refused.

use super::{
    catalogue::Name,
    figures::{Figures, p99},
    load::{Load, Size, record::Sent},
    settings::Settings,
    target::Target,
    verdict::Report,
};
use crate::{error::Result, terminal};
use std::time::Duration;
use tokio::time::sleep;

/// An overload is many people with a message each, not a few who do not wait for theirs: what one socket says is
/// answered in its order.
const PEOPLE: usize = 600;
const ROOMS: usize = 200;
/// How long each step of the search takes, and how much more each next one asks for.
const STEP: Duration = Duration::from_secs(5);
const MORE: f64 = 1.5;
/// The most steps; the load generator is at its end by then.
const STEPS: usize = 12;
/// How long an overload takes, and the calm after it.
const HELD: Duration = Duration::from_secs(15);
/// A step that answers less than this share of what was asked for is more than the house can do.
const KEEPS_UP: f64 = 0.9;
/// What must still be answered of the most that was answered.
const GOODPUT: f64 = 0.9;
/// How long a refusal may take (p99), in milliseconds.
const REFUSED_WITHIN: u32 = 50;
/// How long until a new message is answered as before, in milliseconds.
const RECOVERED_WITHIN: u32 = 10_000;
/// What counts as answered as before, in milliseconds.
const AS_BEFORE: u32 = 1_000;
/// As for other drills.
const PATIENCE: Duration = Duration::from_secs(120);

/// A time at one rate, in milliseconds since the load began.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: u32,
    to: u32,
}

/// Runs it.
pub(super) async fn overload(settings: &Settings, target: &Target) -> Result<Report> {
    let size = Size::of(settings);
    let (people, rooms) = (size.people.max(PEOPLE), size.rooms.max(ROOMS));
    let size = Size { people, rooms, retries: false, slow: false, ..size };
    let load = Load::start(target, size).await?;
    let too_much = find_too_much(&load, size.rate).await;
    // A few seconds can do more than can be kept up: so it is measured for as long as what is above it.
    let peak = answered(&load, too_much, HELD).await.max(1.0);
    held(&load, peak / 2.0).await;
    terminal::say(&format!("  the most that was answered: {peak:.0} a second"));
    let mut windows = Vec::new();
    for times in [2.0, 5.0] {
        terminal::say(&format!("  {times} times of that"));
        windows.push((times, held(&load, peak * times).await));
        held(&load, peak / 2.0).await;
    }
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    let sent = &outcome.heard.sent;
    let (mut wrong, mut also) = (Vec::new(), Vec::from([("peak_per_s".to_owned(), peak)]));
    if peak < size.rate * KEEPS_UP {
        wrong.push(format!("not even the first {} a second were answered: ask for less (--rate)", size.rate));
    }
    for (times, window) in windows {
        let bounds = settings.times;
        let seen = Seen::of(sent, window);
        for (what, value, good) in [
            ("goodput_per_s", seen.goodput, seen.goodput >= peak * GOODPUT),
            ("refused_p99_ms", f64::from(seen.refused_p99), seen.refused_p99 <= REFUSED_WITHIN * bounds),
            ("acknowledged_p99_ms", f64::from(seen.acknowledged_p99), true),
            ("accepted_answer_p99_ms", f64::from(seen.answer_p99), true),
            ("recovery_ms", f64::from(seen.recovery), seen.recovery <= RECOVERED_WITHIN * bounds),
        ] {
            if !good {
                wrong.push(format!("{times} times: {what} is {value:.0}"));
            }
            also.push((format!("x{times}_{what}"), value));
        }
    }
    let mut figures = Figures::of(&outcome, Vec::new(), end_ms);
    figures.also.extend(also);
    Ok(Report::of(Name::Overload.word(), figures, &Name::Overload.budget(), settings.times, wrong))
}

/// The first rate that it does not keep up with.
async fn find_too_much(load: &Load, begin: f64) -> f64 {
    let (mut rate, mut was_short) = (begin, false);
    for _ in 0..STEPS {
        // Once may be a hiccup of the machine.
        match answered(load, rate, STEP).await < rate * KEEPS_UP {
            true if was_short => break,
            true => was_short = true,
            false => (rate, was_short) = (rate * MORE, false),
        }
    }
    rate
}

/// What is answered a second of so many asked.
async fn answered(load: &Load, rate: f64, time: Duration) -> f64 {
    load.pace(rate);
    let before = load.record.answered();
    sleep(time).await;
    (load.record.answered() - before) as f64 / time.as_secs_f64()
}

async fn held(load: &Load, rate: f64) -> Window {
    load.pace(rate);
    let from = load.record.now();
    sleep(HELD).await;
    Window { from, to: load.record.now() }
}

/// What users saw of one overload.
#[derive(Debug)]
struct Seen {
    goodput: f64,
    refused_p99: u32,
    acknowledged_p99: u32,
    answer_p99: u32,
    /// From its end until every new message was answered soon.
    recovery: u32,
}

impl Seen {
    fn of(sent: &[Sent], window: Window) -> Self {
        let within = |at: u32| (window.from..window.to).contains(&at);
        let in_it = || sent.iter().filter(|sent| within(sent.at));
        let answered = sent.iter().filter(|sent| sent.over.is_some_and(within)).count();
        let calm = window.to..window.to.saturating_add(u32::try_from(HELD.as_millis()).unwrap_or(u32::MAX));
        let late = |sent: &&Sent| sent.over.is_none_or(|over| over.saturating_sub(sent.at) > AS_BEFORE);
        let last = sent.iter().filter(|sent| calm.contains(&sent.at)).filter(late).map(|sent| sent.at).max();
        Self {
            goodput: answered as f64 * 1e3 / f64::from(window.to.saturating_sub(window.from).max(1)),
            refused_p99: p99(in_it().filter_map(|sent| Some(sent.refused? - sent.at)).collect()),
            acknowledged_p99: p99(in_it().filter_map(|sent| Some(sent.acknowledged? - sent.at)).collect()),
            answer_p99: p99(in_it().filter_map(|sent| Some(sent.over? - sent.at)).collect()),
            recovery: last.map_or(0, |at| at - window.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goodput_counts_what_was_answered_and_recovery_ends_with_the_last_late_one() {
        let one = |at, over: Option<u32>, refused| Sent { at, over, refused, ..Sent::default() };
        let sent = [
            one(100, Some(900), None),
            one(200, None, Some(230)),
            one(1_500, Some(4_000), None),
            one(3_000, Some(3_010), None),
        ];
        let seen = Seen::of(&sent, Window { from: 0, to: 1_000 });
        assert!((seen.goodput - 1.0).abs() < 1e-9, "{seen:?}");
        assert_eq!((seen.refused_p99, seen.answer_p99, seen.recovery), (30, 800, 500));
    }
}
