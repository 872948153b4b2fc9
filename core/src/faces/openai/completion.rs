//! A turn as a completion. It is told in pieces or whole, of the same events.

use super::{
    super::{
        following::{Followed, Told},
        plan_words,
        said::Said,
    },
    links::links,
};
use crate::error::{Error, Result};
use serde_json::{Value, json};
use switchboard_shared::{
    events::{Event, EventBody, TurnState},
    problem::ProblemKind,
};

/// What every piece of a completion begins with.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) model: String,
    /// Where a browser finds this house; empty where that is not known.
    pub(super) origin: String,
}

/// What the client wants besides the answer.
#[derive(Clone, Copy)]
pub(super) struct Wants {
    pub(super) reasoning: bool,
    pub(super) usage: bool,
}

/// A completion as far as it is told.
pub(super) struct Completion {
    pub(super) head: Head,
    pub(super) wants: Wants,
    followed: Option<Followed>,
    said: Said,
    told: Told,
    reasoning: String,
    /// What an agent asks of the user that the answer does not hold.
    asks: Option<String>,
}

/// What an event adds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    Reasoning(String),
    Content(String),
}

impl Completion {
    pub(super) fn new(head: Head, wants: Wants, followed: Option<Followed>) -> Self {
        let (said, told) = (Said::default(), Told::default());
        Self { head, wants, followed, said, told, reasoning: String::new(), asks: None }
    }

    /// Takes an event in; what it adds for who is told in pieces.
    pub(super) fn take(&mut self, event: &Event) -> Vec<Added> {
        self.told.hear(event);
        let mut added = Vec::new();
        if let Some(words) = plan_words::words(&event.body).filter(|_| self.wants.reasoning) {
            self.reasoning.push_str(&words);
            added.push(Added::Reasoning(words));
        }
        let content = match &event.body {
            EventBody::AnswerDelta(delta) => self.said.piece(delta),
            EventBody::AnswerFinished(answer) => {
                format!("{}{}", self.said.whole(&answer.text), self.links())
            }
            // An answer has it, set apart as all that agents say.
            EventBody::InputRequired { question, .. } if !self.said.holds_something() => {
                let asks = question.trim().to_owned();
                self.asks = Some(asks.clone());
                asks
            }
            _ => String::new(),
        };
        added.extend(Some(content).filter(|content| !content.is_empty()).map(Added::Content));
        added
    }

    /// How it ended; that a turn failed is an error.
    pub(super) fn outcome(&self) -> Result<()> {
        match self.told.state {
            Some(TurnState::Failed) => {
                let why = self.told.error.clone().unwrap_or_else(|| "The turn failed.".to_owned());
                Err(Error::public(ProblemKind::Internal, why))
            }
            _ => Ok(()),
        }
    }

    /// All of it at once.
    pub(super) fn whole(&self) -> Value {
        let answer = self.told.answer.as_ref().map(|answer| answer.text.as_str()).unwrap_or_default();
        let text = format!("{answer}{}{}", self.links(), self.asks.as_deref().unwrap_or_default());
        self.whole_of(&text)
    }

    /// The files of the answer.
    fn links(&self) -> String {
        match (&self.told.answer, self.followed) {
            (Some(answer), Some(followed)) => links(&self.head.origin, followed.conversation, &answer.files),
            _ => String::new(),
        }
    }

    /// The same with a text that is no turn's.
    pub(super) fn whole_of(&self, text: &str) -> Value {
        let mut message = json!({"role": "assistant", "content": text, "refusal": null});
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = self.reasoning.as_str().into();
        }
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
        let mut whole = self.head.written("chat.completion", &json!([choice]));
        whole["usage"] = self.usage();
        if let Some(ours) = self.ours() {
            whole["switchboard"] = ours;
        }
        whole
    }

    /// Notes what was used that no turn says.
    pub(super) fn used(&mut self, input: u64, output: u64) {
        (self.told.usage.llm_input_tokens, self.told.usage.llm_output_tokens) = (input, output);
    }

    /// What this house's LLM read and wrote for the turn, as its endpoint counts it; agents do not say what theirs did.
    pub(super) fn usage(&self) -> Value {
        let (input, output) = (self.told.usage.llm_input_tokens, self.told.usage.llm_output_tokens);
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
    }

    /// What OpenAI has no field for.
    pub(super) fn ours(&self) -> Option<Value> {
        let Followed { conversation, turn, .. } = self.followed?;
        let mut ours = json!({"conversation": conversation, "turn": turn, "usage": self.told.usage});
        let fields = ours.as_object_mut()?;
        if let Some(state) = self.told.state {
            fields.insert("state".to_owned(), state.name().into());
        }
        if let Some(plan) = &self.told.plan {
            fields.insert("plan".to_owned(), json!(plan));
        }
        if let Some(answer) = &self.told.answer {
            fields.insert("sources".to_owned(), json!(answer.sources));
            fields.insert("claims".to_owned(), json!(answer.claims));
            if !answer.files.is_empty() {
                fields.insert("files".to_owned(), json!(answer.files));
            }
            if let Some(degraded) = &answer.degraded {
                fields.insert("degraded".to_owned(), degraded.as_str().into());
            }
        }
        Some(ours)
    }
}

impl Head {
    pub(super) fn written(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }
}
