//! Which conversation a client goes on with that does not know ours. It names the chat by a word of its own, or it sends
//! what was said so far. That is never taken for what was said: it leads to the conversation, and the rows say what is
//! in it.
//!
//! A chat stands at a head: the hash of what its user has said. Of two that began alike, the one that has gone on stands
//! elsewhere, so the other one is found. A message that is changed or asked again is said again where it was said. One
//! that begins a chat begins a conversation, since nothing tells a first message that is asked again from another chat.

use super::{following::Followed, http::conversations};
use crate::{
    accept::Envelope,
    clock,
    core::Core,
    error::{Error, Result},
    store::{ThreadRow, View, hex, reading, retrying},
};
use sha2::{Digest, Sha256};
use switchboard_shared::{
    api::CreateConversation,
    identity::Identity,
    ids::{ClientId, ConversationId},
    problem::ProblemKind,
};
use tokio::time::Instant;

/// A request that its client sends again belongs to the one before for so long.
const SAME_REQUEST: chrono::Duration = chrono::Duration::minutes(5);
/// Characters of a head in a key.
const KEY_CHARS: usize = 40;

/// Where a chat stands.
pub(super) struct Place {
    named: Option<Name>,
    before: Option<Vec<u8>>,
    now: Vec<u8>,
}

struct Name {
    word: String,
    head: Vec<u8>,
}

/// Where it goes on.
pub(super) struct Found {
    pub(super) conversation: ConversationId,
    /// The turn of the same request, which the client sends again.
    pub(super) same: Option<Followed>,
}

impl Place {
    /// By a word of the client's; `now` is a hash of what was said so far.
    pub(super) fn named(word: &str, now: &[u8]) -> Self {
        let head = hash(&[b"name", word.as_bytes()]);
        let now = hash(&[b"said", &head, now]);
        Self { named: Some(Name { word: word.to_owned(), head }), before: None, now }
    }

    /// By what its user said before, and has said by now.
    pub(super) fn said(before: Option<Vec<u8>>, now: Vec<u8>) -> Self {
        Self { named: None, before, now }
    }
}

/// Finds the conversation, or makes one. `key` makes one conversation of a request that comes again; `resent` says that
/// the client says itself that it does.
pub(super) async fn find(
    core: &Core,
    me: &Identity,
    envelope: &Envelope,
    key: Option<ClientId>,
    place: &Place,
    resent: bool,
) -> Result<Found> {
    if let Some(found) = look_up(core, me, place, resent).await? {
        return Ok(found);
    }
    let new = CreateConversation::default();
    // Two requests at once that name one new chat are for one conversation.
    let named = place.named.as_ref().and_then(|name| key_of(&name.head));
    let made = conversations::make(core, me, envelope, named.or(key), &new).await;
    let made = match made {
        // The one that was made for this name has been deleted since.
        Err(Error::Public(problem)) if problem.code == ProblemKind::NotFound => {
            conversations::make(core, me, envelope, None, &new).await
        }
        made => made,
    }?;
    Ok(Found { conversation: made.id, same: None })
}

/// The conversation that a client's word leads to, if it leads to one.
pub(super) async fn known(core: &Core, me: &Identity, place: &Place) -> Result<Option<ConversationId>> {
    Ok(look_up(core, me, place, false).await?.map(|found| found.conversation))
}

async fn look_up(core: &Core, me: &Identity, place: &Place, resent: bool) -> Result<Option<Found>> {
    let own = place.named.as_ref().and_then(|name| name.word.parse::<ConversationId>().ok());
    let (tenant, user) = (&me.tenant, &me.user);
    let (same, row, own) = reading!(&core.store, tenant, View::Latest, tx, async {
        let same = tx.thread(tenant, user, &place.now).await?;
        let head = place.named.as_ref().map(|name| &name.head).or(place.before.as_ref());
        let row = match head {
            Some(head) => tx.thread(tenant, user, head).await?,
            None => None,
        };
        let own = match own {
            Some(id) => tx.conversation(tenant, id, user).await.ok().map(|_| id),
            None => None,
        };
        Ok((same, row, own))
    })?;
    let found = |conversation| Found { conversation, same: None };
    if let Some(same) = same.filter(|same| resent && clock::now() - same.at < SAME_REQUEST) {
        let conversation = same.conversation;
        let followed = Followed { conversation, turn: same.turn, seq: same.seq };
        return Ok(Some(Found { conversation, same: Some(followed) }));
    }
    // What was said last is asked again, where it is not the first.
    let again = same.filter(|_| place.before.is_some());
    Ok(own.or(again.or(row).map(|row| row.conversation)).map(found))
}

/// Notes where a chat stands, once its message is accepted. What cannot be noted costs its context and not its answer.
pub(super) async fn note(core: &Core, me: &Identity, place: &Place, followed: Followed, patience: Instant) {
    if let Err(error) = retrying!(patience, write(core, me, place, followed)) {
        tracing::warn!(%error, conversation = %followed.conversation, "where a chat stands could not be noted");
    }
}

async fn write(core: &Core, me: &Identity, place: &Place, followed: Followed) -> Result<()> {
    let Followed { conversation, turn, seq } = followed;
    let row = ThreadRow { conversation, turn, seq, at: clock::now() };
    let tx = core.store.write(&me.tenant).await?;
    if let Some(name) = &place.named {
        tx.upsert_thread(&me.tenant, &me.user, &name.head, &row).await?;
    }
    tx.upsert_thread(&me.tenant, &me.user, &place.now, &row).await?;
    tx.commit().await
}

fn key_of(head: &[u8]) -> Option<ClientId> {
    format!("thread-{}", hex(&head[..head.len().min(KEY_CHARS / 2)])).parse().ok()
}

fn hash(fields: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().to_vec()
}
