//! A message is accepted: membership, idempotency, then message and turn in one transaction. It is acknowledged after
//! that has committed, and not before.

use crate::{
    access::Reach,
    analytics::{Timed, What},
    clock,
    config::QuotaConfig,
    core::Core,
    error::{Error, Result},
    media, metrics, outside,
    store::{MessageRow, NewEvent, NewTurn, SentBefore, Stored as StoredBytes, TurnRow, Tx, file, retrying},
    title::title,
    turn::{self, Arrival, Background, Full, Whose},
    visit::Visit,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::try_join;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{Accepted, Author, Part, SendMessage},
    events::{Event, EventBody, TurnState, Usage},
    identity::Identity,
    ids::{ClientId, ConversationId, MessageId, TenantId, TurnId},
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;

/// When a message that found no place may find one, at the latest.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What a message is in the eyes of a client that knows of tasks (A2A).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TaskOf {
    /// Its client knows of none: it may answer whoever waits in its conversation.
    #[default]
    Unsaid,
    /// It begins a task, and answers nobody.
    New,
    /// It answers what a turn of a task asked.
    Known { task: TurnId, waits: TurnId },
}

/// What came with a message besides itself.
#[derive(Clone)]
pub(crate) struct Envelope {
    /// Until when the client waits.
    pub(crate) deadline: Instant,
    /// Until when what the database cannot do just now is tried again.
    pub(crate) patience: Instant,
    /// How many switchboards it has passed through.
    pub(crate) hops: u32,
    /// The trace it belongs to (W3C Trace Context).
    pub(crate) traceparent: String,
    /// The request that brought it.
    pub(crate) visit: Visit,
    pub(crate) task: TaskOf,
}

/// Stores a message with its turn and sets the turn going.
pub(crate) async fn accept(
    core: &Arc<Core>,
    identity: &Identity,
    conversation: ConversationId,
    message: SendMessage,
    envelope: Envelope,
) -> Result<Accepted> {
    let (mut message, hash) = checked(core, message).await?;
    // Without a client's own id a retry of ours must still be the same message.
    let own = MessageId::new().to_string().parse::<ClientId>();
    let client_id = match message.client_id.take() {
        Some(id) => id,
        None => own.map_err(Error::writing("client id"))?,
    };
    // Before the database is asked: what is refused costs next to nothing.
    let place = core
        .turns
        .reserve(whose(identity))
        .map_err(|full| no_place(full, core.turns.next_in(&whose(identity))))?;
    let draft = Draft {
        id: MessageId::new(),
        turn: TurnId::new(),
        reach: Reach::from(identity),
        hash,
        client_id,
        message,
        conversation,
    };
    let storing = async { retrying!(envelope.patience, Box::pin(store(core, identity, &draft, &envelope))) };
    let (stored, took) = metrics::measured("accept", storing).await;
    // Whoever waits for the answer waits without the files.
    drop(draft);
    envelope.visit.is_stored();
    match stored? {
        Stored::Before(accepted) => Ok(accepted),
        Stored::Now { accepted, turn, arrival, events } => {
            for event in events {
                core.bell.ring(event);
            }
            metrics::ACCEPTED.inc();
            core.counts.add(&identity.tenant, What::Messages, "", 1);
            core.counts.time(&identity.tenant, Timed::Acknowledgement, took);
            turn::spawn(core, identity.tenant.clone(), *turn, arrival, place);
            Ok(accepted)
        }
    }
}

fn whose(identity: &Identity) -> Whose {
    Whose { tenant: identity.tenant.clone(), user: identity.user.clone() }
}

/// When the next message of theirs should come, if that is not now and can be told.
pub(crate) fn appoint(core: &Core, identity: &Identity) -> Option<Duration> {
    core.turns.appoint(&whose(identity)).map(|time| time.min(RETRY_AFTER))
}

/// Refused before it is accepted, so that nothing acknowledged is lost.
fn no_place(full: Full, next_in: Option<Duration>) -> Error {
    let (why, kind, detail) = match full {
        Full::All => ("all", ProblemKind::Unavailable, "Too many messages are waiting for answers."),
        Full::Tenant => {
            let detail = "Too many messages of your tenant are waiting for answers.";
            ("tenant", ProblemKind::RateLimited, detail)
        }
        Full::User => {
            ("user", ProblemKind::RateLimited, "Too many messages of yours are waiting for answers.")
        }
    };
    metrics::REFUSED.with_label_values(&[why]).inc();
    let after = next_in.map_or(RETRY_AFTER, |time| time.min(RETRY_AFTER)).as_secs_f64().ceil().max(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and 5")]
    Error::Public(Problem::new(kind, detail).retry_after(after as u64))
}

struct Draft {
    id: MessageId,
    turn: TurnId,
    reach: Reach,
    client_id: ClientId,
    hash: Vec<u8>,
    message: SendMessage,
    conversation: ConversationId,
}

enum Stored {
    Before(Accepted),
    Now { accepted: Accepted, turn: Box<TurnRow>, arrival: Option<Box<Arrival>>, events: Vec<Event> },
}

async fn store(core: &Core, identity: &Identity, draft: &Draft, envelope: &Envelope) -> Result<Stored> {
    let (tenant, user, conversation) = (&identity.tenant, &identity.user, draft.conversation);
    let tx = core.store.write(tenant).await?;
    let (access, before, background) = try_join!(
        tx.lock_conversation(tenant, conversation, user),
        tx.message_by_client_id(tenant, conversation, user, &draft.client_id),
        // What comes of it goes to nobody but the members' own turn.
        Background::read(&tx, &core.config, tenant, conversation, 0..u64::MAX),
    )?;
    if let Some(before) = before {
        tx.rollback().await?;
        return stored_before(core, identity, draft, envelope, before);
    }
    let at = clock::now();
    let titled = access.conversation.title.is_empty().then(|| title(&draft.message.text));
    let count = if titled.is_some() { 3 } else { 2 };
    // Nobody else takes a number while this transaction has the conversation's row.
    let seq = access.conversation.last_seq + 1;
    let message = MessageRow {
        id: draft.id,
        seq,
        author: Author::User(user.clone()),
        text: draft.message.text.clone(),
        files: draft.message.parts.iter().map(file).collect(),
        turn: draft.turn,
        agent: None,
        client_id: Some(draft.client_id.clone()),
        at,
    };
    let turn = new_turn(core, identity, draft, envelope, seq, at);
    let mut bodies = vec![
        EventBody::MessageCreated(message.view()),
        EventBody::TurnStarted { message: draft.id, attempt: 1 },
    ];
    bodies.extend(titled.clone().map(|title| EventBody::ConversationRenamed { title }));
    let place = NewEvent { conversation, turn: Some(draft.turn), at };
    let sent = (draft.message.parts.as_slice(), Some(draft.hash.as_slice()));
    let (_, stored, (), events, ()) = try_join!(
        tx.advance_seq(tenant, conversation, count),
        tx.insert_message(tenant, conversation, &message, sent, (user, core.config.quota.tenant_bytes > 0)),
        tx.insert_turn(tenant, &turn),
        tx.insert_events(tenant, place, seq, bodies),
        rename(&tx, tenant, conversation, titled.as_deref()),
    )?;
    within_quota(&core.config.quota, &stored)?;
    if let Some(waits) = turn.continues
        && !tx.continue_turn(tenant, waits, turn.id).await?
    {
        return Err(Error::public(ProblemKind::Conflict, "This task waits for nothing any more."));
    }
    tx.commit().await?;
    let accepted = Accepted { conversation, message: draft.id, turn: draft.turn, seq, duplicate: false };
    let arrival = Arrival::of(&message, background).map(Box::new);
    Ok(Stored::Now { accepted, turn: Box::new(turn_row(&turn)), arrival, events })
}

async fn rename(tx: &Tx, tenant: &TenantId, id: ConversationId, title: Option<&str>) -> Result<()> {
    match title {
        Some(title) => tx.rename_conversation(tenant, id, title).await,
        None => Ok(()),
    }
}

/// What is beyond a quota is refused before it is acknowledged; the transaction ends with that.
pub(crate) fn within_quota(quota: &QuotaConfig, stored: &StoredBytes) -> Result<()> {
    let refused = |whose: &str, bytes: u64, most: u64| {
        let detail = format!(
            "{whose} would hold {bytes} bytes of messages and files, and {most} are allowed: delete conversations."
        );
        Err(Error::public(ProblemKind::QuotaExceeded, detail))
    };
    if quota.user_bytes > 0 && stored.by_user > quota.user_bytes {
        return refused("You", stored.by_user, quota.user_bytes);
    }
    if quota.tenant_bytes > 0 && stored.by_tenant > quota.tenant_bytes {
        return refused("Your tenant", stored.by_tenant, quota.tenant_bytes);
    }
    Ok(())
}

fn stored_before(
    core: &Core,
    identity: &Identity,
    draft: &Draft,
    envelope: &Envelope,
    before: SentBefore,
) -> Result<Stored> {
    let (conversation, seq) = (draft.conversation, before.seq);
    let accepted = Accepted {
        conversation,
        message: before.id,
        turn: before.turn,
        seq,
        duplicate: before.id != draft.id,
    };
    if !accepted.duplicate {
        // Our own commit, whose answer was lost: the turn is still to be set going. Readers find the rows.
        let turn = turn_row(&new_turn(core, identity, draft, envelope, seq, clock::now()));
        return Ok(Stored::Now { accepted, turn: Box::new(turn), arrival: None, events: Vec::new() });
    }
    if before.request_hash != draft.hash {
        return Err(Error::public(ProblemKind::Conflict, "This client id was used for another message."));
    }
    Ok(Stored::Before(accepted))
}

fn new_turn<'a>(
    core: &Core,
    identity: &'a Identity,
    draft: &'a Draft,
    envelope: &'a Envelope,
    seq: u64,
    at: chrono::DateTime<chrono::Utc>,
) -> NewTurn<'a> {
    NewTurn {
        id: draft.turn,
        conversation: draft.conversation,
        message: draft.id,
        message_seq: seq,
        user: &identity.user,
        reach: &draft.reach,
        chosen: &draft.message.agents,
        owner: core.id,
        hops: envelope.hops,
        traceparent: &envelope.traceparent,
        at,
        task: match envelope.task {
            TaskOf::Unsaid => None,
            TaskOf::New => Some(draft.turn),
            TaskOf::Known { task, .. } => Some(task),
        },
        continues: match envelope.task {
            TaskOf::Unsaid | TaskOf::New => None,
            TaskOf::Known { waits, .. } => Some(waits),
        },
    }
}

fn turn_row(new: &NewTurn<'_>) -> TurnRow {
    TurnRow {
        id: new.id,
        conversation: new.conversation,
        message: new.message,
        message_seq: new.message_seq,
        user: new.user.clone(),
        reach: new.reach.clone(),
        chosen: new.chosen.to_vec(),
        state: TurnState::Running,
        attempt: 1,
        plan: None,
        hops: new.hops,
        traceparent: new.traceparent.to_owned(),
        answer: None,
        degraded: None,
        error: None,
        usage: Usage::default(),
        created_at: new.at,
        task: new.task,
        continues: new.continues,
    }
}

/// Looks through a message, and knows it again by its hash; away from the threads that serve the others, where it has
/// files.
async fn checked(core: &Arc<Core>, message: SendMessage) -> Result<(SendMessage, Vec<u8>)> {
    let look = |core: &Core, message: SendMessage| {
        check(core, &message)?;
        let hash = request_hash(&message);
        Ok((message, hash))
    };
    if message.parts.is_empty() {
        return look(core, message);
    }
    let core = Arc::clone(core);
    let looked = tokio::task::spawn_blocking(move || look(&core, message));
    looked.await.map_err(Error::task("checking a message"))?
}

fn check(core: &Core, message: &SendMessage) -> Result<()> {
    let config = &core.config;
    if message.text.trim().is_empty() && message.parts.is_empty() {
        return Err(Error::public(ProblemKind::BadRequest, "The message is empty."));
    }
    if message.text.contains('\0') {
        return Err(Error::public(ProblemKind::BadRequest, "The text must not hold the character U+0000."));
    }
    if message.text.chars().count() > config.max_text_chars {
        let most = config.max_text_chars;
        let detail = format!(
            "A message has at most {most} characters; longer text can go with it as a file (in `parts`)."
        );
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    if message.parts.len() > config.max_parts {
        let detail = format!("A message has at most {} files.", config.max_parts);
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    for part in &message.parts {
        check_part(part)?;
    }
    if message.agents.len() > config.turn.max_agents {
        let detail = format!("A message asks at most {} agents.", config.turn.max_agents);
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    Ok(())
}

/// A file is passed on to agents as it came, so it must be written as it should be.
fn check_part(part: &Part) -> Result<()> {
    if !media::is_media_type(&part.media_type) {
        let detail = "A file needs a media type such as image/png.";
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    if !outside::is_file_name(&part.name) {
        let detail = "A file's name is a name and no path, has at most 255 characters, and holds no control \
            characters, nor such that change the direction of text.";
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    match STANDARD.decode(&part.data) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::public(ProblemKind::BadRequest, "A file's data must be base64 (RFC 4648 §4).")),
    }
}

fn request_hash(message: &SendMessage) -> Vec<u8> {
    let mut hash = Sha256::new();
    let parts = message.parts.iter().flat_map(|part| [&part.name, &part.media_type, &part.data]);
    let agents = message.agents.iter().map(|agent| agent.as_str());
    for field in [message.text.as_str()].into_iter().chain(agents).chain(parts.map(String::as_str)) {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_under_one_id_is_told_apart_by_its_hash() {
        let say = |text: &str, agents: &[&str]| {
            let agents = agents.iter().map(|a| a.parse().unwrap()).collect();
            request_hash(&SendMessage { client_id: None, text: text.into(), agents, parts: vec![] })
        };
        assert_eq!(say("a", &["b"]), say("a", &["b"]));
        assert_ne!(say("a", &["b"]), say("ab", &[]));
    }
}
