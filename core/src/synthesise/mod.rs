//! One answer out of the agents' replies: written by the LLM where there are several, passed through where there is
//! one, and put side by side where there is no LLM. Every agent that is missing from it is named in it.

mod beside;
mod claims;
mod markers;
mod material;
mod notes;
mod page;
mod prompt;
mod shares;
#[cfg(test)]
mod tests;

use crate::{
    config::SynthesisConfig,
    llm::{Llm, LlmError, Tokens},
};
pub(crate) use beside::Beside;
use markers::Markers;
pub(crate) use material::{Material, NamedReply};
pub(crate) use notes::MAX_QUESTION_CHARS;
use page::Page;
use switchboard_shared::{
    events::{CallState, Claim},
    ids::AgentId,
};
use tokio::time::Instant;

/// An answer; the pieces that were handed out, put together, are exactly its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) claims: Vec<Claim>,
    pub(crate) degraded: Option<String>,
    pub(crate) tokens: Tokens,
}

/// Writes the answer, handing out each piece as it is written.
pub(crate) async fn write(
    llm: &Llm,
    config: &SynthesisConfig,
    material: &Material<'_>,
    deadline: Instant,
    on_text: &mut (dyn FnMut(&str) + Send),
) -> Written {
    let mut page = Page::new(config.max_answer_chars, on_text);
    let agents: Vec<_> = material.replies.iter().map(|reply| reply.agent.clone()).collect();
    let usable: Vec<_> = material.replies.iter().filter(|reply| reply.is_usable()).collect();
    let draft = match usable.as_slice() {
        [] => Draft { degraded: nothing(material), ..Draft::default() },
        [reply] if material.replies.len() == 1 => {
            let is_cut = reply.partial && reply.state != CallState::Working;
            let degraded = is_cut.then(|| "the only reply is incomplete".to_owned());
            Draft { claims: vec![passed_through(&mut page, reply)], degraded, ..Draft::default() }
        }
        // Beside others, even if these said nothing, it must be seen whose word it is.
        [_] => Draft { claims: beside::write(&mut page, &usable, &agents), ..Draft::default() },
        several => Box::pin(together(llm, config, material, several, &agents, deadline, &mut page)).await,
    };
    if page.is_cut() {
        let gap = if page.text().is_empty() { "" } else { "\n\n" };
        let bound = config.max_answer_chars;
        page.push_note(&format!("{gap}(The answer was cut here: it has at most {bound} characters.)"));
    }
    notes::add(&mut page, material.replies, draft.by_model);
    let too_long = page.is_cut().then(|| "the answer was longer than allowed and is cut".to_owned());
    let degraded = draft.degraded.or(too_long);
    Written { text: page.into_text(), claims: draft.claims, degraded, tokens: draft.tokens }
}

/// An answer before what is missing from it is named.
#[derive(Default)]
struct Draft {
    claims: Vec<Claim>,
    degraded: Option<String>,
    tokens: Tokens,
    by_model: bool,
}

fn nothing(material: &Material<'_>) -> Option<String> {
    let goes_on = |reply: &NamedReply| matches!(reply.state, CallState::InputRequired | CallState::Working);
    (!material.replies.iter().any(goes_on)).then(|| "no agent answered".to_owned())
}

/// The reply as it is; all of it is the agent's.
fn passed_through(page: &mut Page<'_>, reply: &NamedReply) -> Claim {
    let start = page.chars();
    page.push(reply.text.trim());
    Claim { start, end: page.chars(), agents: vec![reply.agent.clone()] }
}

/// Has the LLM write; where it does not begin to, or is cut, the replies stand side by side.
async fn together(
    llm: &Llm,
    config: &SynthesisConfig,
    material: &Material<'_>,
    replies: &[&NamedReply],
    agents: &[AgentId],
    deadline: Instant,
    page: &mut Page<'_>,
) -> Draft {
    let shares = prompt::shares(replies, config);
    let messages = prompt::messages(material, replies, &shares);
    let deadline = deadline.min(Instant::now() + config.total);
    let known: Vec<_> = replies.iter().map(|reply| reply.agent.clone()).collect();
    let mut markers = Markers::new(&known);
    let max_tokens = prompt::max_tokens(config.max_answer_chars);
    let written = llm
        .stream(&messages, max_tokens, config.first_token, deadline, &mut |piece| {
            page.push(&markers.feed(piece));
        })
        .await;
    let (tokens, fault) = match written {
        Ok(tokens) => (tokens, None),
        Err(LlmError::Cut(fault)) => (Tokens::default(), Some(fault.to_string())),
        Err(error) => {
            let degraded = match error {
                LlmError::NotConfigured => None,
                LlmError::Failed(fault) => Some(format!("the LLM failed: {fault}")),
                error => Some(error.to_string()),
            };
            let claims = beside::write(page, replies, agents);
            return Draft { claims, degraded, ..Draft::default() };
        }
    };
    page.push(&markers.end());
    let found = claims::marked(page.text(), &known);
    let unmarked = found.is_empty();
    let mut claims = if unmarked { claims::by_overlap(page.text(), replies) } else { found };
    let degraded = match fault {
        Some(fault) => {
            page.push_note("\n\n(The answer was cut here. What the agents said:)\n\n");
            claims.extend(beside::write(page, replies, agents));
            Some(format!("the LLM's answer was cut: {fault}"))
        }
        None => unmarked
            .then(|| "the LLM did not say which agent said what; this was matched by words".to_owned()),
    };
    name_unread(page, replies, &shares);
    Draft { claims, degraded, tokens, by_model: true }
}

/// Says of which replies the LLM had a part only.
fn name_unread(page: &mut Page<'_>, replies: &[&NamedReply], shares: &[usize]) {
    for (reply, share) in replies.iter().zip(shares) {
        let all = reply.text.chars().count();
        if *share < all {
            let name = beside::plain(&reply.name);
            let agent = &reply.agent;
            page.push_note(&format!(
                "\n\n(Of {name}, {agent}, the first {share} of {all} characters were read.)"
            ));
        }
    }
}
