//! What an answer says about agents that are not, or only in part, in it.

use super::{
    beside::{plain, quoted},
    markers::unmarked,
    material::NamedReply,
    page::Page,
};
use crate::outside;
use switchboard_shared::{events::CallState, ids::AgentId};

/// Where the model is expected to have named them itself.
const END_CHARS: usize = 800;
const MAX_REASON_CHARS: usize = 200;
/// The most characters of what an agent asks back.
pub(crate) const MAX_QUESTION_CHARS: usize = 4_000;

/// Adds a sentence for each agent that is missing, unless a model wrote the text and named it at the end.
pub(super) fn add(page: &mut Page<'_>, replies: &[NamedReply], by_model: bool) {
    let chars = page.text().chars().count();
    let end: String = page.text().chars().skip(chars.saturating_sub(END_CHARS)).collect();
    let end = without_markers(&end, replies).to_lowercase();
    let names = |reply: &NamedReply| {
        by_model && (has_word(&end, &reply.name.to_lowercase()) || has_word(&end, &reply.agent.to_string()))
    };
    let known: Vec<_> = replies.iter().map(|reply| reply.agent.clone()).collect();
    let missing = replies.iter().filter_map(|reply| Some((reply, note(reply, &known)?)));
    // Of an agent that asks back, or is there in part, the name may well occur without that being said.
    let goes_on = |state| matches!(state, CallState::InputRequired | CallState::Working);
    let special = |reply: &NamedReply| goes_on(reply.state) || reply.is_usable();
    let unsaid = missing.filter(|(reply, _)| special(reply) || !names(reply));
    let notes: Vec<_> = unsaid.map(|(_, note)| note).collect();
    if !notes.is_empty() {
        let gap = if page.text().is_empty() { "" } else { "\n\n" };
        page.push_note(&format!("{gap}{}", notes.join("\n\n")));
    }
}

/// One sentence about an agent that did not complete, or whose reply is not whole.
fn note(reply: &NamedReply, known: &[AgentId]) -> Option<String> {
    let name = plain(&reply.name);
    let reason = plain(reply.reason.as_deref().unwrap_or_default());
    let reason = outside::line(reason.trim().trim_end_matches('.'), MAX_REASON_CHARS);
    let is_said = reason.is_empty() || reply.is_usable() && plain(&reply.text).contains(&reason);
    let because = if is_said { String::new() } else { format!(": {reason}") };
    let asks = if reply.reason.is_some() { "waits for a sign-in" } else { "asks" };
    Some(match reply.state {
        // It is whole, but for files that were left out.
        CallState::Completed if !reply.partial && because.is_empty() => return None,
        CallState::Completed if !reply.partial => format!("{name}{because}."),
        CallState::InputRequired => question(&name, asks, &unmarked(reply.text.trim(), known)),
        CallState::Working => format!("{name} is still working; what it says follows here."),
        _ if reply.is_usable() => format!("The reply of {name} is incomplete{because}."),
        CallState::TimedOut => format!("{name} did not answer in time."),
        CallState::Rejected => format!("{name} declined{because}."),
        CallState::Canceled => format!("{name} was stopped before it answered."),
        CallState::Skipped => format!("{name} was not asked{because}."),
        CallState::Completed | CallState::Failed | CallState::Running => {
            format!("{name} gave no answer{because}.")
        }
    })
}

/// What an agent asks back; more than a line is set apart, as replies are.
fn question(name: &str, asks: &str, text: &str) -> String {
    let (shown, all) = (outside::shorten(text, MAX_QUESTION_CHARS), text.chars().count());
    let rest = match all > MAX_QUESTION_CHARS {
        true => format!("\n(The first {MAX_QUESTION_CHARS} of {all} characters; the rest is left out.)\n"),
        false => String::new(),
    };
    match shown.contains(['\n', '\r']) {
        true => format!("{name} {asks}:\n\n> {}\n{rest}", quoted(&shown)),
        false => format!("{name} {asks}: {}{rest}", shown.replace('[', "(").replace(']', ")")),
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    })
}

/// A marker ties a claim to an agent; it does not say that the agent is missing.
fn without_markers(text: &str, replies: &[NamedReply]) -> String {
    replies.iter().fold(text.to_owned(), |text, reply| text.replace(&format!("[{}]", reply.agent), ""))
}
