//! From when to when, and in which steps; pure.

use crate::{
    error::{Error, Result},
    store::Span,
};
use chrono::{DateTime, Duration, Utc};
use switchboard_shared::{api::Step, problem::ProblemKind};

/// The most points of an answer: a day in minutes, two months in hours.
const MOST_POINTS: i64 = 1_500;

/// A stretch of time in whole minutes or hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) step: Step,
    /// When the first step begins.
    pub(crate) from: DateTime<Utc>,
    /// When the last one is over.
    pub(crate) to: DateTime<Utc>,
}

/// A step's length in seconds.
fn seconds(step: Step) -> i64 {
    match step {
        Step::Minute => 60,
        Step::Hour => 3_600,
    }
}

impl Window {
    /// The steps that were asked for: without more, an hour in minutes or two days in hours, until now.
    pub(crate) fn new(
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        step: Step,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let bad = |detail: String| Error::public(ProblemKind::BadRequest, detail);
        let length = seconds(step);
        let usual = match step {
            Step::Minute => Duration::hours(1),
            Step::Hour => Duration::days(2),
        };
        let to = to.unwrap_or(now);
        let from = match from {
            Some(from) => from,
            None => to.checked_sub_signed(usual).ok_or_else(|| bad("`to` is too early.".to_owned()))?,
        };
        if from >= to {
            return Err(bad("`from` must be earlier than `to`.".to_owned()));
        }
        let first = from.timestamp().div_euclid(length);
        let is_within = to.timestamp().rem_euclid(length) > 0 || to.timestamp_subsec_nanos() > 0;
        let last = to.timestamp().div_euclid(length) + i64::from(is_within);
        if last - first > MOST_POINTS {
            return Err(bad(format!(
                "From `from` to `to` there are {} steps, and {MOST_POINTS} is the most.",
                last - first
            )));
        }
        let at = |number: i64| DateTime::from_timestamp(number * length, 0);
        match (at(first), at(last)) {
            (Some(from), Some(to)) => Ok(Self { step, from, to }),
            _ => Err(bad("`from` and `to` must be times that a calendar has.".to_owned())),
        }
    }

    /// When each step begins.
    pub(crate) fn marks(self) -> impl Iterator<Item = DateTime<Utc>> {
        let length = seconds(self.step);
        let count = (self.to.timestamp() - self.from.timestamp()) / length;
        (0..count)
            .filter_map(move |number| DateTime::from_timestamp(self.from.timestamp() + number * length, 0))
    }

    /// How many seconds a step has.
    pub(super) fn step_s(self) -> i64 {
        seconds(self.step)
    }

    /// As the rows have it.
    pub(super) fn span(self) -> Span {
        Span { step: self.step, from: self.from, to: self.to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_whole_steps_around_what_was_asked_for() {
        let now = at("2026-05-04T09:30:10.5Z");
        let hour = Window::new(None, None, Step::Minute, now).unwrap();
        assert_eq!((hour.from, hour.to), (at("2026-05-04T08:30:00Z"), at("2026-05-04T09:31:00Z")));
        assert_eq!(hour.marks().count(), 61);
        let days = Window::new(None, None, Step::Hour, now).unwrap();
        assert_eq!((days.from, days.to), (at("2026-05-02T09:00:00Z"), at("2026-05-04T10:00:00Z")));
        let exact =
            Window::new(Some(at("2026-05-04T09:00:00Z")), Some(at("2026-05-04T10:00:00Z")), Step::Hour, now)
                .unwrap();
        assert_eq!(exact.marks().collect::<Vec<_>>(), [at("2026-05-04T09:00:00Z")]);
    }

    #[test]
    fn a_window_that_is_empty_or_too_long_is_refused() {
        let now = at("2026-05-04T09:30:00Z");
        let refused =
            |from: &str, to: &str, step| Window::new(Some(at(from)), Some(at(to)), step, now).is_err();
        assert!(refused("2026-05-04T09:00:00Z", "2026-05-04T09:00:00Z", Step::Minute));
        assert!(refused("2026-05-04T09:00:00Z", "2026-05-04T08:00:00Z", Step::Hour));
        assert!(refused("2026-05-01T09:00:00Z", "2026-05-04T08:00:00Z", Step::Minute));
        assert!(refused("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", Step::Hour));
        assert!(
            Window::new(
                Some(at("9999-12-31T23:59:30Z")),
                Some(at("9999-12-31T23:59:59Z")),
                Step::Minute,
                now
            )
            .is_ok()
        );
    }
}
