//! A completion in pieces.

use super::{
    super::telling::Tells,
    completion::{Added, Completion},
};
use serde_json::{Value, json};
use switchboard_shared::{events::Event, openai::OpenAiError, problem::Problem};

impl Tells for Completion {
    fn begin(&mut self) -> Vec<Value> {
        vec![self.first()]
    }

    fn hear(&mut self, event: &Event) -> Vec<Value> {
        self.pieces(event)
    }

    fn end(&mut self) -> Vec<Value> {
        self.last()
    }

    fn broken(&mut self, problem: &Problem) -> Vec<Value> {
        vec![broken(problem)]
    }
}

impl Completion {
    /// The first piece, which says whose they are.
    pub(super) fn first(&self) -> Value {
        self.piece(json!({"role": "assistant", "content": ""}), None)
    }

    /// What an event adds, in pieces.
    pub(super) fn pieces(&mut self, event: &Event) -> Vec<Value> {
        let added = self.take(event).into_iter().map(|added| match added {
            Added::Reasoning(text) => json!({"reasoning_content": text}),
            Added::Content(text) => json!({"content": text}),
        });
        added.map(|delta| self.piece(delta, None)).collect()
    }

    /// A text that is no turn's, in one piece.
    pub(super) fn text(&self, text: &str) -> Value {
        self.piece(json!({"content": text}), None)
    }

    /// The last pieces: how it ended, and what it used if that is wanted.
    pub(super) fn last(&self) -> Vec<Value> {
        if let Err(error) = self.outcome() {
            return vec![broken(&error.problem())];
        }
        let mut last = self.piece(json!({}), Some("stop"));
        if let Some(ours) = self.ours() {
            last["switchboard"] = ours;
        }
        let mut usage = self.head.written("chat.completion.chunk", &json!([]));
        usage["usage"] = self.usage();
        [Some(last), self.wants.usage.then_some(usage)].into_iter().flatten().collect()
    }

    fn piece(&self, delta: Value, finish: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        let mut piece = self.head.written("chat.completion.chunk", &json!([choice]));
        if self.wants.usage {
            piece["usage"] = Value::Null;
        }
        piece
    }
}

/// An error within a stream.
fn broken(problem: &Problem) -> Value {
    json!(OpenAiError::from(problem))
}

#[cfg(test)]
mod tests {
    use super::{
        super::completion::{Head, Wants},
        *,
    };
    use crate::faces::following::Followed;
    use switchboard_shared::{
        events::{Answer, CallState, Delta, EventBody, Source, TurnState, Usage},
        ids::{CallId, ConversationId, MessageId, TurnId},
    };

    fn completion(usage: bool) -> Completion {
        let head = Head { id: "chatcmpl-1".into(), created: 7, model: "auto".into(), origin: String::new() };
        let followed = Followed { conversation: ConversationId::new(), turn: TurnId::new(), seq: 1 };
        Completion::new(head, Wants { reasoning: true, usage }, Some(followed))
    }

    fn event(body: EventBody) -> Event {
        Event { conversation: ConversationId::new(), seq: None, turn: None, at: chrono::Utc::now(), body }
    }

    fn ended(state: TurnState, error: Option<&str>) -> Event {
        let usage = Usage { calls: 1, llm_input_tokens: 5, llm_output_tokens: 2, ms: 9 };
        event(EventBody::TurnFinished { state, usage, error: error.map(str::to_owned) })
    }

    fn answer(text: &str) -> Event {
        let source = Source { agent: "a".parse().unwrap(), state: CallState::Completed, reason: None };
        event(EventBody::AnswerFinished(Answer {
            message: MessageId::new(),
            attempt: 1,
            text: text.into(),
            sources: vec![source],
            claims: vec![],
            degraded: Some("no LLM".into()),
            files: vec![],
        }))
    }

    #[test]
    fn pieces_add_up_to_the_whole_and_the_last_says_how_it_ended() {
        let mut completion = completion(true);
        let delta = Delta { attempt: 1, offset: 0, text: "It is ".into() };
        let mut pieces = vec![completion.first()];
        for event in
            [event(EventBody::AnswerDelta(delta)), answer("It is 9. [a]"), ended(TurnState::Completed, None)]
        {
            pieces.extend(completion.pieces(&event));
        }
        pieces.extend(completion.last());
        let text: String =
            pieces.iter().filter_map(|piece| piece["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, "It is 9. [a]");
        let [.., last, usage] = pieces.as_slice() else { panic!("{pieces:?}") };
        assert_eq!((&last["choices"][0]["finish_reason"], &last["usage"]), (&json!("stop"), &Value::Null));
        assert_eq!(last["switchboard"]["degraded"], "no LLM");
        assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(7)));
        let whole = completion.whole();
        assert_eq!(whole["choices"][0]["message"]["content"], "It is 9. [a]");
        assert_eq!(whole["usage"]["prompt_tokens"], 5);
    }

    #[test]
    fn what_an_agent_asks_is_said_once() {
        let asks = |question: &str| {
            let (agent, call) = ("a".parse().unwrap(), CallId::new());
            event(EventBody::InputRequired { agent, call, question: question.into() })
        };
        for (said, asked, text) in
            [("Where?", "Where?", "Where?"), ("Well.", "Where?", "Well.\n\nWhere?"), ("", "Where?", "Where?")]
        {
            let mut completion = completion(false);
            if !said.is_empty() {
                completion.hear(&answer(said));
            }
            completion.hear(&asks(asked));
            completion.hear(&ended(TurnState::InputRequired, None));
            assert_eq!(completion.whole()["choices"][0]["message"]["content"], text);
        }
    }

    #[test]
    fn a_turn_that_failed_is_an_error_and_no_answer() {
        let mut completion = completion(true);
        completion.pieces(&ended(TurnState::Failed, Some("nobody is there")));
        let last = completion.last();
        assert_eq!((last.len(), &last[0]["error"]["message"]), (1, &json!("nobody is there")));
    }
}
