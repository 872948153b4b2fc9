//! A message is accepted: membership, idempotency, then message and turn in one transaction. It is acknowledged after
//! that has committed, and not before.

use crate::{
    access::Reach,
    clock,
    config::QuotaConfig,
    core::Core,
    error::{Error, Result},
    metrics, outside,
    route::prose,
    store::{MessageRow, NewEvent, NewTurn, SentBefore, Stored as StoredBytes, TurnRow, file, retrying},
    turn::{self, Full, Whose},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use switchboard_shared::{
    api::{Accepted, Author, MAX_TITLE_CHARS, Part, SendMessage},
    events::{Event, EventBody, TurnState, Usage},
    identity::Identity,
    ids::{ClientId, ConversationId, MessageId, TurnId},
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;
use unicode_segmentation::UnicodeSegmentation;

/// What a list shows of a title that is made of a message.
const TITLE_GRAPHEMES: usize = 79;
/// When a message that found no place may find one.
const RETRY_AFTER_S: u64 = 5;

/// What came with a message besides itself.
pub(crate) struct Envelope {
    /// Until when the client waits.
    pub(crate) deadline: Instant,
    /// Until when what the database cannot do just now is tried again.
    pub(crate) patience: Instant,
    /// How many switchboards it has passed through.
    pub(crate) hops: u32,
    /// The trace it belongs to (W3C Trace Context).
    pub(crate) traceparent: String,
}

/// Stores a message with its turn and sets the turn going.
pub(crate) async fn accept(
    core: &Arc<Core>,
    identity: &Identity,
    conversation: ConversationId,
    mut message: SendMessage,
    envelope: Envelope,
) -> Result<Accepted> {
    check(core, &message)?;
    // Without a client's own id a retry of ours must still be the same message.
    let own = MessageId::new().to_string().parse::<ClientId>();
    let client_id = match message.client_id.take() {
        Some(id) => id,
        None => own.map_err(Error::writing("client id"))?,
    };
    let whose = Whose { tenant: identity.tenant.clone(), user: identity.user.clone() };
    // Before the database is asked: what is refused costs next to nothing.
    let place = core.turns.reserve(whose).map_err(no_place)?;
    let draft = Draft {
        id: MessageId::new(),
        turn: TurnId::new(),
        reach: Reach::from(identity),
        hash: request_hash(&message),
        client_id,
        message,
        conversation,
    };
    let storing = async { retrying!(envelope.patience, store(core, identity, &draft, &envelope)) };
    let stored = metrics::timed("accept", storing).await?;
    match stored {
        Stored::Before(accepted) => Ok(accepted),
        Stored::Now { accepted, turn, events } => {
            for event in events {
                core.bell.ring(event);
            }
            metrics::ACCEPTED.inc();
            turn::spawn(core, identity.tenant.clone(), *turn, place);
            Ok(accepted)
        }
    }
}

/// Refused before it is accepted, so that nothing acknowledged is lost.
fn no_place(full: Full) -> Error {
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
    Error::Public(Problem::new(kind, detail).retry_after(RETRY_AFTER_S))
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
    Now { accepted: Accepted, turn: Box<TurnRow>, events: Vec<Event> },
}

async fn store(core: &Core, identity: &Identity, draft: &Draft, envelope: &Envelope) -> Result<Stored> {
    let (tenant, user, conversation) = (&identity.tenant, &identity.user, draft.conversation);
    let tx = core.store.write(tenant).await?;
    let access = tx.lock_conversation(tenant, conversation, user).await?;
    if let Some(before) = tx.message_by_client_id(tenant, conversation, user, &draft.client_id).await? {
        tx.rollback().await?;
        return stored_before(core, identity, draft, envelope, before);
    }
    let at = clock::now();
    let titled = access.conversation.title.is_empty().then(|| title(&draft.message.text));
    let count = if titled.is_some() { 3 } else { 2 };
    let seq = tx.advance_seq(tenant, conversation, count).await?.ok_or_else(Error::not_found)?;
    let message = MessageRow {
        id: draft.id,
        seq,
        author: Author::User(user.clone()),
        text: draft.message.text.clone(),
        files: draft.message.parts.iter().map(file).collect(),
        turn: draft.turn,
        client_id: Some(draft.client_id.clone()),
        at,
    };
    let (parts, hash) = (&draft.message.parts, Some(draft.hash.as_slice()));
    let bytes = tx.insert_message(tenant, conversation, &message, parts, hash).await?;
    within_quota(&core.config.quota, &tx.keep_bytes(tenant, user, bytes).await?)?;
    let turn = new_turn(core, identity, draft, envelope, seq, at);
    tx.insert_turn(tenant, &turn).await?;
    let mut bodies = vec![
        EventBody::MessageCreated(message.view()),
        EventBody::TurnStarted { message: draft.id, attempt: 1 },
    ];
    if let Some(title) = titled {
        tx.rename_conversation(tenant, conversation, &title).await?;
        bodies.push(EventBody::ConversationRenamed { title });
    }
    let place = NewEvent { conversation, turn: Some(draft.turn), at };
    let events = tx.insert_events(tenant, place, seq, bodies).await?;
    tx.commit().await?;
    let accepted = Accepted { conversation, message: draft.id, turn: draft.turn, seq, duplicate: false };
    Ok(Stored::Now { accepted, turn: Box::new(turn_row(&turn)), events })
}

/// What is beyond a quota is refused before it is acknowledged; the transaction ends with that.
fn within_quota(quota: &QuotaConfig, stored: &StoredBytes) -> Result<()> {
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
        return Ok(Stored::Now { accepted, turn: Box::new(turn), events: Vec::new() });
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
    }
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
        let detail =
            format!("A message has at most {most} characters; longer text can be a file of it, in `parts`.");
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

/// A file is passed on to agents as it came, so it must be what it says; a media type is one of RFC 6838 §4.2.
fn check_part(part: &Part) -> Result<()> {
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let essence = part.media_type.split(';').next().unwrap_or_default().trim_end_matches(' ');
    let written = part.media_type.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let named = essence.split_once('/').is_some_and(|(kind, rest)| word(kind) && word(rest));
    if !named || !written || part.media_type.len() > 255 {
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

/// The first line that is said in the first message, else the first one that is shown; cut between words.
pub(crate) fn title(text: &str) -> String {
    let ranges = prose::shown(text);
    let place = |line: &str| line.as_ptr() as usize - text.as_ptr() as usize;
    let said = text.lines().filter(|line| !prose::is_shown(&ranges, place(line)));
    let is_fence = |line: &&str| ["```", "~~~"].iter().any(|mark| line.trim_start().starts_with(mark));
    let shown = text.lines().filter(|line| !is_fence(line));
    let mut lines = said.chain(shown).map(|line| {
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "#>*-`~".contains(c));
        outside::line(bare, MAX_TITLE_CHARS)
    });
    let line = lines.find(|line| line.chars().any(char::is_alphanumeric));
    let Some(line) =
        line.or_else(|| Some(outside::line(text, MAX_TITLE_CHARS)).filter(|line| !line.is_empty()))
    else {
        return "(file)".to_owned();
    };
    // Characters as people see them (UAX #29): a flag or an accented letter is one.
    let Some((end, _)) = line.grapheme_indices(true).nth(TITLE_GRAPHEMES) else { return line };
    let words = line.split_word_bound_indices().map(|(at, _)| at);
    let cut = words.take_while(|at| *at <= end).last().filter(|at| *at > 0).unwrap_or(end);
    format!("{}…", line[..cut].trim_end())
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
    fn a_title_is_the_first_line_cut_at_a_word() {
        assert_eq!(title("\n  Hello there \nmore"), "Hello there");
        assert_eq!(title(""), "(file)");
        let long = title(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= 80, "{long}");
        let graphemes = |text: &str| text.graphemes(true).count();
        for (what, text, begins) in [
            (
                "Chinese without spaces",
                "GPT 模型的上下文窗口太短了怎么办".repeat(9),
                "GPT 模型的上下文窗口太短了怎么办GPT",
            ),
            ("one long word", "x".repeat(300), "xxxx"),
            ("flags", "🇳🇴".repeat(100), "🇳🇴🇳🇴"),
            ("a heading", "# My plan\nmore".to_owned(), "My plan"),
            ("code first", "```python\nprint(1)\n```\nWhy does this fail?".to_owned(), "Why does this fail?"),
            ("code alone", "```python\nprint(1)\n```".to_owned(), "print(1)"),
            ("a quote first", "> he said\nIs that so?".to_owned(), "Is that so?"),
            ("a list", "- one\n- two".to_owned(), "one"),
        ] {
            let title = title(&text);
            assert!(graphemes(&title) <= 80, "{what}: {title}");
            assert!(title.starts_with(begins), "{what}: {title}");
        }
        let flags = title(&"🇳🇴".repeat(100));
        assert_eq!(flags.trim_end_matches('…').chars().count() % 2, 0, "no flag is cut in two: {flags}");
    }

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
