//! What is counted, in memory until it is added to the rows: a turn costs no write of its own for it.

use super::histogram;
use crate::{
    clock,
    llm::{Llm, Tokens},
    metrics::COUNTS_LOST,
};
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::ids::TenantId;

/// Counts that wait for their rows: while nothing can be written, a count for each minute and kind. Beyond, new kinds and
/// minutes are lost, which is counted as well.
const MOST_WAITING: usize = 50_000;
const MINUTE_S: i64 = 60;

/// What is counted. The names are those of the rows, so that what was written once is read for as long as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum What {
    /// Messages that were accepted.
    Messages,
    /// The same by language (BCP 47), empty where it cannot be told.
    Languages,
    /// Plans by confidence, in tenths.
    Confidence,
    /// Turns that ended, by their state.
    Turns,
    /// Answers, by whether an LLM wrote or read for them.
    Answers,
    /// Answers that did without something.
    Degraded,
    /// Agents that were asked, by agent.
    Calls,
    /// Of these, those that did not answer.
    CallsFailed,
    /// Tokens of LLMs, read and written.
    Tokens,
    /// Those that were read, by model ...
    TokensRead,
    /// ... and those that were written.
    TokensWritten,
    /// Requests by the first digit of their status.
    Requests,
    /// What edges refused by themselves, in the same way: the house's alone.
    EdgeRefusals,
    /// How long things took, by bucket.
    Time(Timed),
    /// Breakers that are not closed, by agent: 2 is open, 1 half open. Of this and the next ones the most is kept.
    Breaker,
    /// Sockets that were open at once.
    MostSockets,
    /// Turns that ran at once.
    MostRunning,
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Timed {
    /// From a message's coming to its acknowledgement.
    Acknowledgement,
    /// What a turn took without its agents and LLMs.
    Own,
    /// One agent's call.
    Agent,
    /// From acceptance to the whole answer.
    Answer,
}

impl What {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Languages => "languages",
            Self::Confidence => "confidence",
            Self::Turns => "turns",
            Self::Answers => "answers",
            Self::Degraded => "degraded",
            Self::Calls => "calls",
            Self::CallsFailed => "calls_failed",
            Self::Tokens => "tokens",
            Self::TokensRead => "tokens_read",
            Self::TokensWritten => "tokens_written",
            Self::Requests => "requests",
            Self::EdgeRefusals => "edge_refusals",
            Self::Time(Timed::Acknowledgement) => "ms_acknowledgement",
            Self::Time(Timed::Own) => "ms_own",
            Self::Time(Timed::Agent) => "ms_agent",
            Self::Time(Timed::Answer) => "ms_answer",
            Self::Breaker => "most_breaker",
            Self::MostSockets => "most_sockets",
            Self::MostRunning => "most_running",
        }
    }

    /// Whether the house counts it as a whole, too: only what no tenant's word is a label of.
    fn is_of_house(self) -> bool {
        match self {
            Self::Messages | Self::Turns | Self::Tokens | Self::Requests | Self::Time(_) => true,
            Self::Languages
            | Self::Confidence
            | Self::Answers
            | Self::Degraded
            | Self::Calls
            | Self::CallsFailed
            | Self::TokensRead
            | Self::TokensWritten
            | Self::EdgeRefusals
            | Self::Breaker
            | Self::MostSockets
            | Self::MostRunning => false,
        }
    }
}

impl What {
    /// Whether the most of it is kept, and not the sum: as its name says, to the statement that adds as well.
    fn is_most(self) -> bool {
        self.name().starts_with("most_")
    }
}

/// One count that is to be added to its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountRow {
    /// When its minute begins, in seconds since 1970.
    pub(crate) minute_s: i64,
    pub(crate) what: What,
    pub(crate) label: Cow<'static, str>,
    pub(crate) n: i64,
}

/// The counts of one tenant, or of the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) whose: Option<TenantId>,
    pub(crate) rows: Vec<CountRow>,
}

type Key = (i64, What, Cow<'static, str>);

/// What this core has counted and not written yet.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    by_whom: HashMap<Option<TenantId>, HashMap<Key, i64>>,
    count: usize,
}

impl Counts {
    /// Counts something of a tenant's.
    pub(crate) fn add(&self, tenant: &TenantId, what: What, label: impl Into<Cow<'static, str>>, n: u64) {
        if n == 0 {
            return;
        }
        let key = (this_minute(), what, label.into());
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let mut waiting = self.waiting();
        if what.is_of_house() {
            waiting.add(None, key.clone(), n);
        }
        waiting.add(Some(tenant), key, n);
    }

    /// Counts something of a tenant's alone, or of the house's alone.
    pub(crate) fn note(
        &self,
        whose: Option<&TenantId>,
        what: What,
        label: impl Into<Cow<'static, str>>,
        n: u64,
    ) {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        self.waiting().add(whose, (this_minute(), what, label.into()), n);
    }

    /// Counts a request of somebody who is known.
    pub(crate) fn request(&self, tenant: &TenantId, status: u16) {
        let class = match status / 100 {
            5 => "5",
            4 => "4",
            3 => "3",
            _ => "2",
        };
        self.add(tenant, What::Requests, class, 1);
    }

    /// Counts what an LLM has read and written.
    pub(crate) fn tokens(&self, tenant: &TenantId, llm: &Llm, tokens: &Tokens) {
        let model = || llm.model_of(tokens).to_owned();
        self.add(tenant, What::Tokens, "input", tokens.input);
        self.add(tenant, What::Tokens, "output", tokens.output);
        self.add(tenant, What::TokensRead, model(), tokens.input);
        self.add(tenant, What::TokensWritten, model(), tokens.output);
    }

    /// Counts how long something took.
    pub(crate) fn time(&self, tenant: &TenantId, what: Timed, time: Duration) {
        self.add(tenant, What::Time(what), histogram::bucket(time), 1);
    }

    /// Takes out all that waits.
    pub(super) fn take(&self) -> Vec<Batch> {
        let waiting = std::mem::take(&mut *self.waiting());
        let rows = |counts: HashMap<Key, i64>| {
            let row = |((minute_s, what, label), n)| CountRow { minute_s, what, label, n };
            counts.into_iter().map(row).collect()
        };
        waiting.by_whom.into_iter().map(|(whose, counts)| Batch { whose, rows: rows(counts) }).collect()
    }

    /// Puts back what could not be written.
    pub(super) fn give_back(&self, batch: Batch) {
        let mut waiting = self.waiting();
        for CountRow { minute_s, what, label, n } in batch.rows {
            waiting.add(batch.whose.as_ref(), (minute_s, what, label), n);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn add(&mut self, whose: Option<&TenantId>, key: Key, n: i64) {
        let whose = whose.cloned();
        if let Some(known) = self.by_whom.get_mut(&whose).and_then(|counts| counts.get_mut(&key)) {
            *known = if key.1.is_most() { n.max(*known) } else { *known + n };
            return;
        }
        if self.count >= MOST_WAITING {
            COUNTS_LOST.inc();
            return;
        }
        self.count += 1;
        self.by_whom.entry(whose).or_default().insert(key, n);
    }
}

fn this_minute() -> i64 {
    let now = clock::now().timestamp();
    now - now.rem_euclid(MINUTE_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[test]
    fn what_is_counted_is_added_up_and_the_house_counts_nobodys_words() {
        let counts = Counts::default();
        for _ in 0..3 {
            counts.add(&tenant("acme"), What::Calls, "weather", 1);
            counts.add(&tenant("acme"), What::Messages, "", 1);
        }
        counts.add(&tenant("other"), What::Messages, "", 2);
        counts.add(&tenant("other"), What::Tokens, "input", 0);
        let batches = counts.take();
        let sum = |whose: Option<&str>, what: What| -> i64 {
            let own = batches.iter().filter(|batch| batch.whose == whose.map(tenant));
            own.flat_map(|batch| &batch.rows).filter(|row| row.what == what).map(|row| row.n).sum()
        };
        assert_eq!((sum(Some("acme"), What::Calls), sum(None, What::Calls)), (3, 0));
        assert_eq!((sum(Some("acme"), What::Messages), sum(None, What::Messages)), (3, 5));
        assert_eq!(sum(Some("other"), What::Tokens), 0);
        assert!(counts.take().is_empty(), "it was taken out");
    }

    #[test]
    fn what_could_not_be_written_waits_with_what_comes_and_within_its_bound() {
        let counts = Counts::default();
        counts.add(&tenant("acme"), What::Languages, "en", 2);
        let batch = counts.take().remove(0);
        counts.add(&tenant("acme"), What::Languages, "en", 1);
        counts.give_back(batch);
        let n: i64 = counts.take().iter().flat_map(|batch| &batch.rows).map(|row| row.n).sum();
        assert_eq!(n, 3);
        for agent in 0..MOST_WAITING + 10 {
            counts.add(&tenant("acme"), What::Calls, agent.to_string(), 1);
        }
        counts.add(&tenant("acme"), What::Calls, "0", 1);
        let rows = counts.take().remove(0).rows;
        assert_eq!(rows.len(), MOST_WAITING);
        assert_eq!(
            rows.iter().find(|row| row.label == "0").map(|row| row.n),
            Some(2),
            "what is known goes on"
        );
    }
}
