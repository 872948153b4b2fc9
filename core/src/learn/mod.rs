//! Learning from use: what people and agents did about a plan becomes suggestions, which somebody looks at before any
//! agent learns from them. Pure; the rows are the store's, the review is the face's.

mod drafts;
mod frozen;
pub(crate) mod gate;
mod language;
mod lesson;

pub(crate) use drafts::draft;
pub(crate) use frozen::{Frozen, MAX_ROWS, normal};
pub(crate) use language::{language, likely_language, with_language};
pub(crate) use lesson::{Changed, Lesson};

use crate::{route::Question, store::NewSuggestion};
use switchboard_shared::{
    api::{Example, FeedbackView, SuggestionSource, Thumb},
    events::{Plan, Stage},
    ids::AgentId,
    problem::ProblemKind,
};

/// The most characters of an example. A longer message makes no suggestion: it is mostly data, not a request.
pub(crate) const MAX_EXAMPLE_CHARS: usize = 1_000;
/// The most messages for nobody.
pub(crate) const MAX_NOBODY: usize = 300;
/// The most characters of an example's language (BCP 47 asks for at least 35, RFC 5646 §4.4.1).
const MAX_LANGUAGE_CHARS: usize = 35;

/// What members' feedback on a turn suggests: a correction speaks for each agent that it names, a thumb up for the
/// only agent of a plan that the LLM made, so that the local model can make it next time.
pub(crate) fn from_feedback(all: &[FeedbackView], plan: Option<&Plan>, message: &str) -> Vec<NewSuggestion> {
    let Some(text) = example_text(message) else { return Vec::new() };
    let language = language(&text);
    let mut found: Vec<NewSuggestion> = Vec::new();
    for given in all {
        let (agents, source) = match given.value {
            Thumb::Down => (given.agents.clone(), SuggestionSource::Correction),
            Thumb::Up => (by_llm_alone(plan).into_iter().collect(), SuggestionSource::Thumbs),
        };
        for agent in agents {
            if found.iter().all(|known| known.agent != agent) {
                let (text, language) = (text.clone(), language.clone());
                found.push(NewSuggestion { agent, text, language, source, positive: true });
            }
        }
    }
    found
}

fn by_llm_alone(plan: Option<&Plan>) -> Option<AgentId> {
    match plan.filter(|plan| plan.stage == Stage::Llm)?.steps.as_slice() {
        [only] => Some(only.agent.clone()),
        _ => None,
    }
}

/// What a message suggests that names agents right after Switchboard has asked back: they should have got the message
/// before.
pub(crate) fn from_chip(
    asked_back: Option<&str>,
    question: &Question<'_>,
    plan: &Plan,
) -> Vec<NewSuggestion> {
    let Some(text) = asked_back.and_then(example_text) else { return Vec::new() };
    let lower = question.text.to_lowercase();
    let named = |agent: &AgentId| question.chosen.contains(agent) || lower.contains(&format!("@{agent}"));
    let steps = plan.steps.iter().filter(|step| plan.stage == Stage::Rule && named(&step.agent));
    steps
        .map(|step| NewSuggestion {
            agent: step.agent.clone(),
            text: text.clone(),
            language: language(&text),
            source: SuggestionSource::Chip,
            positive: true,
        })
        .collect()
}

/// What calls suggest that their agents refused.
pub(crate) fn from_rejections<'a>(
    refused: impl Iterator<Item = (&'a AgentId, &'a str)>,
) -> Vec<NewSuggestion> {
    refused
        .filter_map(|(agent, question)| {
            let (agent, text) = (agent.clone(), example_text(question)?);
            let (language, source) = (language(&text), SuggestionSource::Rejection);
            Some(NewSuggestion { agent, text, language, source, positive: false })
        })
        .collect()
}

/// What is wrong with an example, if anything.
pub(crate) fn fault(example: &Example) -> Option<(ProblemKind, String)> {
    let language = &example.language;
    if example.text.trim().is_empty() {
        return Some((ProblemKind::BadRequest, "An example needs a text.".to_owned()));
    }
    if example.text.chars().count() > MAX_EXAMPLE_CHARS {
        let detail = format!("An example has at most {MAX_EXAMPLE_CHARS} characters.");
        return Some((ProblemKind::TooLarge, detail));
    }
    let detail = "An example's language is a tag such as de or pt-BR.".to_owned();
    (!language.is_empty() && !is_language(language)).then_some((ProblemKind::BadRequest, detail))
}

/// Whether a word can be a language tag (BCP 47); whether there is such a language is not asked.
pub(crate) fn is_language(tag: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    tag.len() <= MAX_LANGUAGE_CHARS && tag.split('-').all(part)
}

/// A message as an example: without the names it begins with. Nothing, when too little or too much is left.
fn example_text(message: &str) -> Option<String> {
    let mut text = message.trim();
    while let Some(rest) = text.strip_prefix('@') {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
        text = rest[end..].trim_start_matches(|c: char| c.is_whitespace() || ",:".contains(c));
    }
    let fits = !text.is_empty() && text.chars().count() <= MAX_EXAMPLE_CHARS;
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
