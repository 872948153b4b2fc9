//! A task that goes on, told as it happens.

use super::{
    super::following::Following,
    files,
    told::{Heard, Told},
};
use crate::{core::Core, events::StreamPlace};
use futures::{StreamExt, stream};
use std::{collections::VecDeque, sync::Arc};
use switchboard_a2a::{Fault, Running, Updates};
use switchboard_shared::identity::Identity;

/// What tells.
struct Telling {
    core: Arc<Core>,
    me: Identity,
    following: Following,
    told: Told,
    heard: VecDeque<Heard>,
    over: bool,
    _place: Option<StreamPlace>,
}

/// A task as it is once what has happened already is taken up, and what follows.
pub(super) async fn running(
    core: &Arc<Core>,
    me: &Identity,
    mut following: Following,
    mut told: Told,
    place: Option<StreamPlace>,
) -> Running {
    while let Some(event) = following.at_hand() {
        for heard in told.hear(&event) {
            if let Heard::File(file) = heard {
                let part = files::part(core, me, &told.place, &file).await;
                told.file(told.place.file(&file, part));
            }
        }
    }
    let task = told.task.clone();
    let telling = Telling {
        core: Arc::clone(core),
        me: me.clone(),
        following,
        told,
        heard: VecDeque::new(),
        over: false,
        _place: place,
    };
    Running { task, updates: updates(telling) }
}

fn updates(telling: Telling) -> Updates {
    stream::unfold(telling, async |mut telling| {
        let update = telling.next().await?;
        Some((update, telling))
    })
    .boxed()
}

impl Telling {
    /// The next update. A core that ends says nothing more: the task goes on elsewhere, and is subscribed to there.
    async fn next(&mut self) -> Option<Result<switchboard_a2a::wire::StreamResponse, Fault>> {
        loop {
            match self.heard.pop_front() {
                Some(Heard::Update(update)) => return Some(Ok(*update)),
                Some(Heard::File(file)) => {
                    let part = files::part(&self.core, &self.me, &self.told.place, &file).await;
                    let artifact = self.told.place.file(&file, part);
                    return Some(Ok(self.told.file(artifact)));
                }
                None if self.over => return None,
                None => {}
            }
            let halt = self.core.halt.clone();
            tokio::select! {
                next = self.following.next() => match next {
                    Ok(Some(event)) => self.heard.extend(self.told.hear(&event)),
                    Ok(None) => return None,
                    Err(error) => {
                        self.over = true;
                        return Some(Err(error.into()));
                    }
                },
                () = halt.cancelled() => return None,
            }
        }
    }
}
