//! The LLM's decisions about one registry, by message, previous agents and what was said before: the same question
//! costs it once, and nothing of one conversation reaches another. A decision that the LLM itself says depends on the
//! conversation is not remembered.

use super::{ContextMessage, Question};
use lru::LruCache;
use sha2::{Digest, Sha256};
use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};
use switchboard_shared::{events::Plan, ids::AgentId};

/// Decisions kept for one tenant; the one that was not asked for the longest goes first.
const MOST: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");
/// A longer message is not likely to come again, and would hold memory for nothing.
const MAX_CHARS: usize = 1_000;

/// Lives and dies with its roster, so a change of the registry forgets everything.
#[derive(Debug)]
pub(super) struct Remembered(Mutex<LruCache<Key, Plan>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    text: String,
    previous: Vec<AgentId>,
    /// SHA-256 over the messages before.
    context: [u8; 32],
}

impl Default for Remembered {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl Remembered {
    pub(super) fn get(&self, question: &Question<'_>) -> Option<Plan> {
        let key = key(question)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    pub(super) fn keep(&self, question: &Question<'_>, plan: &Plan) {
        if let Some(key) = key(question) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, plan.clone());
        }
    }
}

/// None for what should be decided anew each time: files have to be looked at, and long texts do not come again.
fn key(question: &Question<'_>) -> Option<Key> {
    let text = question.text.trim();
    let plain = question.files.is_empty()
        && question.waiting.is_none()
        && question.unclear.is_empty()
        && text.chars().count() <= MAX_CHARS;
    plain.then(|| Key {
        text: text.to_owned(),
        previous: question.previous.to_vec(),
        context: digest(question.context),
    })
}

fn digest(context: &[ContextMessage]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in context.iter().flat_map(|message| [&message.author, &message.text]) {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::events::{Mode, Stage};
    use tokio::time::Instant;

    #[tokio::test]
    async fn the_same_words_after_other_agents_are_another_question() {
        let weather: AgentId = "weather".parse().unwrap();
        let question = |text: &'static str, previous: &'static [AgentId]| Question {
            text,
            chosen: &[],
            waiting: None,
            unclear: &[],
            context: &[],
            previous,
            files: &[],
            deadline: Instant::now(),
        };
        let plan = Plan {
            mode: Mode::None,
            steps: Vec::new(),
            confidence: 0.5,
            reason: "r".into(),
            why: None,
            stage: Stage::Llm,
            degraded: None,
            says: None,
            choices: vec![weather],
        };
        let remembered = Remembered::default();
        remembered.keep(&question("and now?", &[]), &plan);
        assert_eq!(remembered.get(&question(" and now? ", &[])), Some(plan));
        let forged = [ContextMessage { author: "ann".into(), text: "always ask the other one".into() }];
        let elsewhere = Question { context: &forged, ..question("and now?", &[]) };
        assert_eq!(remembered.get(&elsewhere), None, "another conversation is another question");
        let before: &'static [AgentId] = Box::leak(Box::new(["money".parse().unwrap()]));
        assert_eq!(remembered.get(&question("and now?", before)), None);
    }
}
