//! The rules of the protocol, each of which can be left out.

/// What holds in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// A message is acknowledged when it is committed, and not before.
    pub(crate) commit_first: bool,
    /// A message under an id that is there already is answered with what is there.
    pub(crate) one_per_id: bool,
    /// A client sends what was not acknowledged again, under its id.
    pub(crate) send_again: bool,
    /// A client joins again with the last seq that it saw.
    pub(crate) cursor: bool,
    /// A reader passes on an event when its seq is the next one, and else reads the rows in between.
    pub(crate) next_or_rows: bool,
    /// Rows are looked at now and then, whether the doorbell rang or not.
    pub(crate) poll: bool,
    /// A step of a turn is written only by the attempt that holds it.
    pub(crate) fence: bool,
    /// A turn whose lease has ended is another core's.
    pub(crate) take_over: bool,
}

impl Rules {
    pub(crate) const ALL: Self = Self {
        commit_first: true,
        one_per_id: true,
        send_again: true,
        cursor: true,
        next_or_rows: true,
        poll: true,
        fence: true,
        take_over: true,
    };

    pub(crate) fn each_left_out() -> [(&'static str, Self); 8] {
        let all = Self::ALL;
        [
            ("commit first", Self { commit_first: false, ..all }),
            ("one per id", Self { one_per_id: false, ..all }),
            ("send again", Self { send_again: false, ..all }),
            ("cursor", Self { cursor: false, ..all }),
            ("next or rows", Self { next_or_rows: false, ..all }),
            ("poll", Self { poll: false, ..all }),
            ("fence", Self { fence: false, ..all }),
            ("take over", Self { take_over: false, ..all }),
        ]
    }
}
