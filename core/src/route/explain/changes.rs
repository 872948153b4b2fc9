//! What would have changed the choice: the router is asked again about a message that is otherwise in one respect.

use super::{
    ACCEPT, ACCEPT_EACH, Guess, MARGIN, MIN_KNOWN, Question, RIGHT, Roster, Router, because::floor, left_out,
    left_out::LeftOut, mentions,
};
use crate::config::RouteConfig;
use std::time::Duration;
use switchboard_shared::api::{Change, ChangeKind, ClauseShare, OtherBound, Outcome};
use tokio::time::Instant;

/// Words that are named.
const MOST_WORDS: usize = 5;
/// No word is tried after this long; a large registry, or an embedder, may take milliseconds for each.
const WORDS_WITHIN: Duration = Duration::from_millis(500);

/// What was found.
pub(super) struct Tried {
    pub(super) changes: Vec<Change>,
    /// Words that were left out, one at a time.
    pub(super) words: usize,
    /// Those of them that change the choice as well, beyond those that are named.
    pub(super) more_words: usize,
}

impl Router {
    pub(super) async fn changes(
        &self,
        roster: &Roster,
        question: &Question<'_>,
        guess: &Guess<'_>,
        clauses: &[ClauseShare],
        now: &Outcome,
    ) -> Tried {
        if roster.agents.is_empty() {
            return Tried { changes: Vec::new(), words: 0, more_words: 0 };
        }
        let mut changes = Vec::new();
        for bounds in [self.looser(guess), self.looser_each(clauses)].into_iter().flatten() {
            let then = self.again(roster, &bounds.config, question).await;
            changes.push(Change { bounds: bounds.other, ..change(ChangeKind::Bounds, then) });
        }
        for (kind, other) in around(roster, question, &mentions::unaddressed(roster, question.text)) {
            changes.push(change(kind, self.again(roster, &self.config, &other).await));
        }
        changes.retain(|change| change.then != *now);
        let (words, tried) = self.words(roster, question, guess, now).await;
        let more_words = words.len().saturating_sub(MOST_WORDS);
        changes.extend(words.into_iter().take(MOST_WORDS));
        Tried { changes, words: tried, more_words }
    }

    /// Leaves out each word; those that change the choice, the strongest first, and how many were tried.
    async fn words(
        &self,
        roster: &Roster,
        question: &Question<'_>,
        guess: &Guess<'_>,
        now: &Outcome,
    ) -> (Vec<Change>, usize) {
        let until = question.deadline.min(Instant::now() + WORDS_WITHIN);
        let mut found: Vec<(f64, Change)> = Vec::new();
        let mut tried = 0;
        for LeftOut { word, times, text } in left_out::each(question.text) {
            if Instant::now() >= until {
                break;
            }
            let other = Question { text: &text, ..*question };
            let without = Guess::make(roster, &self.config, &other).await;
            let then = self.as_asked(self.decided_here(roster, &other, &without));
            tried += 1;
            if then != *now {
                let change = change(ChangeKind::WithoutWord, then);
                let times = u32::try_from(times).ok().filter(|times| *times > 1);
                found.push((moved(guess, &without), Change { word: Some(word), times, ..change }));
            }
            // It is a while of pure computing; others may go first.
            tokio::task::yield_now().await;
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        (found.into_iter().map(|(_, change)| change).collect(), tried)
    }

    async fn again(&self, roster: &Roster, config: &RouteConfig, question: &Question<'_>) -> Outcome {
        let guess = Guess::make(roster, config, question).await;
        self.as_asked(self.decided_here(roster, question, &guess))
    }

    /// The bounds that the whole message fails, where it would just meet them.
    fn looser(&self, guess: &Guess<'_>) -> Option<Bounds> {
        let standing = guess.whole()?;
        let failed = standing.bounds(self.config.accept, &self.config).into_iter().filter(|bound| !bound.met);
        let failed = failed.map(|bound| (bound.key, floor(bound.value)));
        self.with(failed.collect())
    }

    /// The bound that a part of the message fails, where all of them would just meet it.
    fn looser_each(&self, clauses: &[ClauseShare]) -> Option<Bounds> {
        let least = clauses.iter().map(|clause| clause.share).reduce(f64::min)?;
        let failed = (least < self.config.accept_each).then(|| (ACCEPT_EACH, floor(least)));
        self.with(failed.into_iter().collect())
    }

    /// Nothing to be changed, or nothing that a configuration could say, is no change.
    fn with(&self, failed: Vec<(&'static str, f64)>) -> Option<Bounds> {
        if failed.is_empty() || failed.iter().any(|(_, value)| *value < 0.0) {
            return None;
        }
        let mut config = self.config.clone();
        for &(key, value) in &failed {
            match key {
                ACCEPT => config.accept = value,
                ACCEPT_EACH => config.accept_each = value,
                MARGIN => config.margin = value,
                MIN_KNOWN => config.min_known = value,
                RIGHT => config.right = value,
                _ => return None,
            }
        }
        let other = failed.into_iter().map(|(key, value)| OtherBound { key: key.to_owned(), value });
        Some(Bounds { config, other: other.collect() })
    }
}

/// A configuration with other bounds, and which.
struct Bounds {
    config: RouteConfig,
    other: Vec<OtherBound>,
}

/// The same question without something that stands around it.
fn around<'a>(
    roster: &Roster,
    question: &Question<'a>,
    unaddressed: &'a Option<String>,
) -> Vec<(ChangeKind, Question<'a>)> {
    let mut others = Vec::new();
    if !question.chosen.is_empty() {
        others.push((ChangeKind::WithoutChosen, Question { chosen: &[], ..*question }));
    }
    if let Some(text) = unaddressed {
        others.push((ChangeKind::WithoutMention, Question { text, ..*question }));
    }
    if question.waiting.is_some_and(|id| roster.knows(id)) {
        others.push((ChangeKind::WithoutWaiting, Question { waiting: None, unclear: &[], ..*question }));
    }
    if question.previous.iter().any(|id| roster.knows(id)) {
        others.push((ChangeKind::WithoutPrevious, Question { previous: &[], ..*question }));
    }
    others
}

fn change(kind: ChangeKind, then: Outcome) -> Change {
    Change { kind, word: None, times: None, bounds: Vec::new(), then }
}

/// How far the share of the agent that is likeliest now moves.
fn moved(now: &Guess<'_>, then: &Guess<'_>) -> f64 {
    let best = now.standing(now.shares()).map_or(0, |standing| standing.best);
    let of = |guess: &Guess<'_>| guess.shares().agents.get(best).copied().unwrap_or_default();
    (of(now) - of(then)).abs()
}
