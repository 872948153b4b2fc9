//! Contexts: a conversation, under the name that its user's client has for it, or else under its own id (A2A 1.0, section
//! 3.4.1: a client may choose the name, and it is kept).

use super::super::http::conversations;
use crate::{
    accept::Envelope,
    core::Core,
    error::{Error, Result},
    store::{View, hex, reading, retrying},
};
use sha2::{Digest, Sha256};
use switchboard_shared::{
    api::CreateConversation,
    identity::Identity,
    ids::{ClientId, ConversationId},
    problem::ProblemKind,
};

/// The conversation that a context is, if it is one of the caller's.
pub(super) async fn find(core: &Core, me: &Identity, name: &str) -> Result<Option<ConversationId>> {
    let own = name.parse::<ConversationId>().ok().filter(|id| id.to_string() == name);
    reading!(&core.store, &me.tenant, View::Latest, tx, async {
        if let Some(own) = own
            && tx.conversation(&me.tenant, own, &me.user).await.is_ok()
        {
            return Ok(Some(own));
        }
        tx.context(&me.tenant, &me.user, name).await
    })
}

/// The conversation of a message; one is made for a context that is new, or for a message that names none. `key` makes
/// one conversation of a message that comes again.
pub(super) async fn find_or_make(
    core: &Core,
    me: &Identity,
    envelope: &Envelope,
    name: Option<&str>,
    key: ClientId,
) -> Result<(ConversationId, String)> {
    let Some(name) = name else {
        let made = make(core, me, envelope, key).await?;
        return Ok((made, made.to_string()));
    };
    if let Some(found) = find(core, me, name).await? {
        return Ok((found, name.to_owned()));
    }
    // Two messages at once that name one new context are for one conversation.
    let made = make(core, me, envelope, key_of(name)).await?;
    retrying!(envelope.patience, note(core, me, name, made))?;
    // It may have been another one's name meanwhile.
    let found = find(core, me, name).await?;
    Ok((found.unwrap_or(made), name.to_owned()))
}

async fn make(core: &Core, me: &Identity, envelope: &Envelope, key: ClientId) -> Result<ConversationId> {
    let new = CreateConversation::default();
    match conversations::make(core, me, envelope, Some(key), &new).await {
        // The one that was made before has been deleted since.
        Err(Error::Public(problem)) if problem.code == ProblemKind::NotFound => {
            conversations::make(core, me, envelope, None, &new).await.map(|made| made.id)
        }
        made => made.map(|made| made.id),
    }
}

async fn note(core: &Core, me: &Identity, name: &str, conversation: ConversationId) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    if tx.context_name(&me.tenant, &me.user, conversation).await?.is_none() {
        tx.name_context(&me.tenant, &me.user, name, conversation).await?;
    }
    tx.commit().await
}

fn key_of(name: &str) -> ClientId {
    let hash = Sha256::digest(name);
    format!("a2a-context-{}", hex(&hash)).parse().expect("it is short and plain")
}
