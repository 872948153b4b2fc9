//! The check itself: what was acknowledged against what is kept, and the order in which a socket saw it. Pure, so that
//! each kind of fault can be planted in a test.

use std::collections::{HashMap, HashSet};

/// What a socket saw of one conversation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View {
    /// The last seq that was seen; absent before the conversation was joined.
    pub(crate) cursor: Option<u64>,
    pub(crate) gaps: u64,
    pub(crate) doubled: u64,
    pub(crate) reordered: u64,
    /// Events that were seen, and that the house said afterwards it never had.
    pub(crate) vanished: u64,
}

impl View {
    /// The next event came.
    pub(crate) fn see(&mut self, seq: u64) {
        match self.cursor {
            Some(last) if seq == last => self.doubled += 1,
            Some(last) if seq < last => {
                self.reordered += 1;
                return;
            }
            Some(last) => self.gaps += u64::from(seq > last + 1),
            None => {}
        }
        self.cursor = Some(seq);
    }

    /// The house gave up the cursor and starts anew after `seq`.
    pub(crate) fn start_over(&mut self, seq: u64) {
        match self.cursor {
            Some(last) if seq < last => self.vanished += 1,
            Some(last) => self.gaps += u64::from(seq > last),
            None => {}
        }
        self.cursor = Some(seq);
    }

    /// Nothing more will come; the log ends with `last`.
    pub(crate) fn end(&mut self, last: u64) {
        match self.cursor {
            Some(seen) if seen > last => self.vanished += 1,
            Some(seen) => self.gaps += u64::from(seen < last),
            None => {}
        }
    }
}

/// A message whose acknowledgement was heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Acknowledged {
    pub(crate) room: usize,
    pub(crate) client_id: String,
    pub(crate) seq: u64,
}

/// A message of a conversation, as it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) room: usize,
    pub(crate) client_id: String,
    pub(crate) seq: u64,
}

/// What is wrong with a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Acknowledged, and not there, or at another place than was acknowledged.
    pub(crate) lost: Vec<String>,
    /// There more than once.
    pub(crate) doubled: Vec<String>,
    /// Places of a conversation that a page went back over.
    pub(crate) reordered: u64,
}

/// Compares them. `kept` comes conversation by conversation, each in the order in which it was read.
pub(crate) fn check(acknowledged: &[Acknowledged], kept: &[Kept]) -> Findings {
    let mut findings = Findings::default();
    let mut places: HashMap<(usize, &str), u64> = HashMap::with_capacity(kept.len());
    let mut ids: HashSet<&str> = HashSet::with_capacity(kept.len());
    for (index, message) in kept.iter().enumerate() {
        if !ids.insert(&message.client_id) {
            findings.doubled.push(message.client_id.clone());
        }
        places.entry((message.room, &message.client_id)).or_insert(message.seq);
        let before = index.checked_sub(1).and_then(|index| kept.get(index));
        let back = before.is_some_and(|before| before.room == message.room && before.seq >= message.seq);
        findings.reordered += u64::from(back);
    }
    for message in acknowledged {
        if places.get(&(message.room, message.client_id.as_str())) != Some(&message.seq) {
            findings.lost.push(format!("{} (seq {})", message.client_id, message.seq));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledged() -> Vec<Acknowledged> {
        let one = |(room, n, seq)| Acknowledged { room, client_id: format!("run-{n}"), seq };
        [(0, 1, 1), (0, 2, 9), (1, 3, 1), (1, 4, 12)].map(one).to_vec()
    }

    fn kept() -> Vec<Kept> {
        let one = |it: Acknowledged| Kept { room: it.room, client_id: it.client_id, seq: it.seq };
        acknowledged().into_iter().map(one).collect()
    }

    #[test]
    fn a_whole_log_has_no_findings_and_may_hold_what_nobody_heard_of() {
        let mut kept = kept();
        assert_eq!(check(&acknowledged(), &kept), Findings::default());
        // Stored, and its acknowledgement was lost on the way.
        kept.push(Kept { room: 1, client_id: "run-5".into(), seq: 20 });
        assert_eq!(check(&acknowledged(), &kept), Findings::default());
    }

    #[test]
    fn a_missing_message_is_found_as_lost() {
        let mut kept = kept();
        kept.remove(1);
        assert_eq!(check(&acknowledged(), &kept).lost, ["run-2 (seq 9)"]);
    }

    #[test]
    fn a_message_in_another_place_or_conversation_than_was_acknowledged_is_lost() {
        for moved in
            [Kept { room: 0, client_id: "run-2".into(), seq: 8 }, Kept { room: 1, ..kept()[1].clone() }]
        {
            let mut kept = kept();
            kept[1] = moved;
            assert_eq!(check(&acknowledged(), &kept).lost, ["run-2 (seq 9)"]);
        }
    }

    #[test]
    fn a_message_that_is_there_twice_is_found_as_doubled() {
        let mut kept = kept();
        kept.insert(2, Kept { seq: 15, ..kept[1].clone() });
        let findings = check(&acknowledged(), &kept);
        assert_eq!((findings.doubled, findings.lost.len()), (vec!["run-2".to_owned()], 0));
    }

    #[test]
    fn a_log_that_goes_back_is_found_as_reordered() {
        let mut kept = kept();
        kept.swap(0, 1);
        assert_eq!(check(&acknowledged(), &kept).reordered, 1);
    }

    /// What a socket that saw these found by the end of a log of five events.
    fn seen(seqs: &[u64]) -> (u64, u64, u64, u64) {
        let mut view = View { cursor: Some(0), ..View::default() };
        seqs.iter().for_each(|seq| view.see(*seq));
        view.end(5);
        (view.gaps, view.doubled, view.reordered, view.vanished)
    }

    #[test]
    fn a_socket_finds_a_missing_a_doubled_a_reordered_and_a_vanished_event() {
        assert_eq!(seen(&[1, 2, 3, 4, 5]), (0, 0, 0, 0));
        assert_eq!(seen(&[1, 2, 4, 5]), (1, 0, 0, 0), "3 is missing");
        assert_eq!(seen(&[1, 2, 3, 4]), (1, 0, 0, 0), "5 never came");
        assert_eq!(seen(&[1, 2, 2, 3, 4, 5]), (0, 1, 0, 0), "2 came twice");
        assert_eq!(seen(&[1, 3, 2, 4, 5]), (1, 0, 1, 0), "3 before 2");
        assert_eq!(seen(&[1, 2, 3, 4, 5, 6]), (0, 0, 0, 1), "6 is in no log");
    }

    #[test]
    fn a_socket_that_is_told_to_start_over_has_missed_or_seen_what_is_no_more() {
        let mut view = View { cursor: Some(4), ..View::default() };
        view.start_over(9);
        assert_eq!((view.gaps, view.vanished), (1, 0));
        view.start_over(3);
        assert_eq!((view.gaps, view.vanished, view.cursor), (1, 1, Some(3)));
    }
}
