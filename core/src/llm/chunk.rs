//! One piece of an answer, whole or out of a stream, wherever its dialect puts what is said.

use super::Tokens;
use crate::outside;
use serde_json::Value;

const MAX_FINISH_CHARS: usize = 40;
/// No request has more.
const MOST_TOKENS: u64 = 100_000_000;
/// Fields beside the text in which thoughts come.
const THOUGHTS: [&str; 6] =
    ["reasoning_content", "reasoning", "reasoning_details", "thinking", "thought", "thoughts"];

#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) thought: String,
    /// Whether there is something that it thought, even if it is not shown.
    pub(super) thinks: bool,
    /// What it would call a tool with.
    pub(super) call: String,
    pub(super) refusal: Option<String>,
    pub(super) finish: Option<String>,
    pub(super) tokens: Option<Tokens>,
    /// Whether the text is all that there is so far, and no addition.
    pub(super) is_whole: bool,
}

impl Piece {
    pub(super) fn read(chunk: &Value) -> Self {
        let usage = chunk.get("usage").filter(|usage| usage.is_object());
        let mut piece = Self { tokens: usage.map(tokens), ..Self::default() };
        // Of several only the first is the answer, wherever it stands.
        let is_first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
        let choices = chunk.get("choices").and_then(Value::as_array);
        let Some(choice) = choices.and_then(|choices| choices.iter().find(is_first)) else { return piece };
        let finish = choice.get("finish_reason").and_then(Value::as_str).filter(|finish| !finish.is_empty());
        piece.finish = finish.map(|finish| outside::line(finish, MAX_FINISH_CHARS));
        let object = |name: &str| choice.get(name).filter(|said| said.is_object());
        let Some(said) = object("delta").or_else(|| object("message")) else {
            piece.text = choice.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
            return piece;
        };
        piece.is_whole = object("delta").is_none();
        piece.take_fields(said);
        piece
    }

    fn take_fields(&mut self, said: &Value) {
        for field in THOUGHTS.iter().filter_map(|name| said.get(*name)) {
            let before = self.thought.len();
            if before == 0 {
                self.take_thought(field);
            }
        }
        let is_thought = said.pointer("/extra_content/google/thought").is_some_and(|flag| *flag == true);
        if let Some(content) = said.get("content") {
            self.take_content(content, is_thought);
        }
        let of_call = |call: &Value| call.pointer("/function/arguments").map(as_text).unwrap_or_default();
        self.call = said.pointer("/tool_calls/0").map(of_call).unwrap_or_default();
        if self.call.is_empty() {
            self.call = said.pointer("/function_call/arguments").map(as_text).unwrap_or_default();
        }
        let refusal = said.get("refusal").and_then(Value::as_str).filter(|why| !why.trim().is_empty());
        self.refusal = refusal.map(str::to_owned);
    }

    /// A text, or a list of parts, some of which may be thoughts.
    fn take_content(&mut self, content: &Value, is_thought: bool) {
        match content {
            Value::String(text) if is_thought => {
                self.thinks |= !text.is_empty();
                self.thought.push_str(text);
            }
            Value::String(text) => self.text.push_str(text),
            Value::Array(parts) => parts.iter().for_each(|part| self.take_content(part, is_thought)),
            Value::Object(part) => {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
                let of_thought =
                    kind.contains("think") || kind.contains("reason") || kind.contains("thought");
                let flagged = part.get("thought").is_some_and(|flag| *flag == true);
                if of_thought && !flagged {
                    self.take_thought(content);
                } else if let Some(text) = part.get("text").or_else(|| part.get("value")) {
                    self.take_content(text, is_thought || flagged);
                } else if kind.is_empty() {
                    // The object that was asked for, instead of a text that holds it.
                    self.text.push_str(&content.to_string());
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Thoughts come as a text, as parts, or as something that only the endpoint can read.
    fn take_thought(&mut self, thought: &Value) {
        match thought {
            Value::String(text) => {
                self.thinks |= !text.is_empty();
                self.thought.push_str(text);
            }
            Value::Array(parts) => parts.iter().for_each(|part| self.take_thought(part)),
            Value::Object(part) => {
                self.thinks |= !part.is_empty();
                for name in ["text", "thinking", "summary", "content"] {
                    part.get(name).into_iter().for_each(|inside| self.take_thought(inside));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As the endpoint counts, within reason: what it says is added up and kept.
fn tokens(usage: &Value) -> Tokens {
    let count = |name| usage.get(name).and_then(Value::as_u64).unwrap_or_default().min(MOST_TOKENS);
    Tokens { input: count("prompt_tokens"), output: count("completion_tokens"), ..Tokens::default() }
}
