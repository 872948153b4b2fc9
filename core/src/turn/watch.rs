//! Looking at this core's own turns, as the rows have them: which ones are to be stopped, which ones others have taken,
//! and which ones nobody works on. One statement for all; cancels and what is due are rung as well, so that this is what
//! finds those whose ring was missed.

use super::queue::Known;
use crate::{core::Core, error::Result, events::Control, store::OwnTurn};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use switchboard_shared::ids::TurnId;
use tokio::time::{Instant, sleep};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at this core's turns until it halts.
pub(crate) async fn watch(core: Arc<Core>) {
    let mut watch = Watch::default();
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = core.halt.cancelled() => return,
        }
        if let Err(error) = watch.look(&core).await {
            tracing::warn!(%error, "could not look at this core's turns; trying again");
        }
    }
}

/// What was seen at the looks before.
#[derive(Default)]
struct Watch {
    gone: HashSet<Known>,
    strays: HashMap<Known, Instant>,
}

/// What one look shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    cancel: Vec<TurnId>,
    /// Worked on here, and not in the rows.
    gone: HashSet<Known>,
    /// In the rows, and not worked on here.
    strays: Vec<OwnTurn>,
}

impl Watch {
    async fn look(&mut self, core: &Core) -> Result<()> {
        let seen = seen(&core.turns.known(), core.store.own_turns(core.id).await?);
        for turn in &seen.cancel {
            core.turns.cancel(*turn);
        }
        // One that has just been brought to its end is gone from the rows a moment before it is from here.
        for lost in seen.gone.intersection(&self.gone) {
            core.turns.lose(*lost);
        }
        self.gone = seen.gone;
        self.release(core, seen.strays).await
    }

    /// A turn that failed for a reason that passes, or that was accepted by a commit whose answer was lost for good: its
    /// sender may still be trying, so it is waited for as long as for a core.
    async fn release(&mut self, core: &Core, strays: Vec<OwnTurn>) -> Result<()> {
        let now = Instant::now();
        let before = std::mem::take(&mut self.strays);
        for stray in strays {
            let known = (stray.id, stray.attempt);
            let since = before.get(&known).copied().unwrap_or(now);
            if now.duration_since(since) < core.config.turn.lease {
                self.strays.insert(known, since);
                continue;
            }
            tracing::warn!(turn = %stray.id, "nobody works on this turn of ours; giving it back");
            let tx = core.store.write(&stray.tenant).await?;
            tx.release_lease(&stray.tenant, stray.id, core.id, stray.attempt).await?;
            tx.commit().await?;
            core.bell.tell(Control::Due);
        }
        Ok(())
    }
}

/// Ends the work on turns that others have taken while this core could not renew its lease.
pub(super) async fn leave_lost(core: &Core) -> Result<()> {
    let known = core.turns.known();
    if known.is_empty() {
        return Ok(());
    }
    for lost in seen(&known, core.store.own_turns(core.id).await?).gone {
        core.turns.lose(lost);
    }
    Ok(())
}

/// `known` was taken before the rows were read.
fn seen(known: &HashSet<Known>, rows: Vec<OwnTurn>) -> Seen {
    let mut seen = Seen { gone: known.clone(), ..Seen::default() };
    for row in rows {
        match seen.gone.remove(&(row.id, row.attempt)) {
            true if row.cancel => seen.cancel.push(row.id),
            true => {}
            false => seen.strays.push(row),
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_tells_what_is_canceled_what_is_gone_and_what_nobody_works_on() {
        let row = |id, attempt, cancel| OwnTurn { tenant: "acme".parse().unwrap(), id, attempt, cancel };
        let [runs, canceled, taken, again, stray] = std::array::from_fn(|_| TurnId::new());
        let known = HashSet::from([(runs, 1), (canceled, 2), (taken, 1), (again, 1)]);
        let rows =
            vec![row(runs, 1, false), row(canceled, 2, true), row(again, 2, false), row(stray, 1, true)];
        let seen = seen(&known, rows.clone());
        assert_eq!(seen.cancel, [canceled]);
        assert_eq!(seen.gone, HashSet::from([(taken, 1), (again, 1)]), "another attempt is another one's");
        assert_eq!(seen.strays, rows[2..]);
    }
}
