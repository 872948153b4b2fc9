//! What a terminal shows of each event. Pure: it takes what came and returns what to print. Everything that an agent,
//! a member or an LLM wrote is cleaned first.

use crate::{
    commands::route,
    terminal::{clean, clean_line},
};
use std::mem;
use switchboard_client::Received;
use switchboard_shared::{
    api::Author,
    events::{Answer, CallState, Delta, Event, EventBody, Plan, ServerFrame, TurnState},
    ids::ClientId,
};

/// Something to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Print {
    /// A piece of the answer.
    Piece(String),
    /// The answer's last line.
    Line(String),
    /// What goes on around it.
    Talk(String),
}

/// What is on the terminal so far.
#[derive(Debug, Default)]
pub(super) struct Show {
    attempt: u32,
    answer: String,
    /// Deltas are missing: the rest comes whole.
    gap: bool,
    /// An answer is being written; talk waits, so that it does not break it.
    open: bool,
    waiting: Vec<Print>,
    /// What was said on this terminal: it stands there already.
    ours: Vec<ClientId>,
    /// The last whole answer.
    said: String,
    /// What the last plan said that was done without.
    without: Option<String>,
}

impl Show {
    /// Notes that this is said here.
    pub(super) fn ours(&mut self, id: ClientId) {
        self.ours.push(id);
    }

    /// What to print.
    pub(super) fn received(&mut self, received: &Received) -> Vec<Print> {
        match received {
            Received::Event(_, event) => self.event(event),
            Received::At(edge) => self.talk(at(edge.as_str())),
            Received::Away(why) => self.talk(away(why)),
            Received::Frame(_, frame) => match &**frame {
                ServerFrame::Limit { policy, remaining: 0, reset_s, .. } => {
                    self.talk(format!("the limit {} is used up for {reset_s} s", clean_line(policy)))
                }
                ServerFrame::Error { message, .. } => self.talk(format!("error: {}", clean_line(message))),
                ServerFrame::Snapshot { reason, .. } => {
                    self.talk(format!("the conversation was read anew ({})", clean_line(reason)))
                }
                _ => Vec::new(),
            },
            Received::Unknown(_) => Vec::new(),
        }
    }

    fn event(&mut self, event: &Event) -> Vec<Print> {
        match &event.body {
            EventBody::MessageCreated(message) => match &message.author {
                Author::User(user)
                    if !message.client_id.as_ref().is_some_and(|id| self.ours.contains(id)) =>
                {
                    self.talk(format!("{user}: {}", clean(&message.text)))
                }
                Author::User(_) | Author::Switchboard => Vec::new(),
            },
            EventBody::TurnStarted { attempt, .. } if *attempt > 1 => {
                self.talk(format!("taken up again by another core (attempt {attempt})"))
            }
            // What the plan says to the user comes as the answer.
            EventBody::PlanDecided(plan) => {
                self.without.clone_from(&plan.degraded);
                self.talk(route::plan(&Plan { says: None, ..plan.clone() }))
            }
            EventBody::CallStarted { agent, .. } => self.talk(format!("  {agent}: asked")),
            EventBody::CallProgress { agent, text, .. } => {
                self.talk(format!("  {agent}: {}", clean_line(text)))
            }
            EventBody::CallFinished { agent, state, ms, partial, reason, .. } => {
                let what = match state {
                    CallState::Completed => "answered",
                    CallState::Working => "works on",
                    other => other.name(),
                };
                let partial = if *partial { ", partly used" } else { "" };
                let reason =
                    reason.as_deref().map(|why| format!(": {}", clean_line(why))).unwrap_or_default();
                self.talk(format!("  {agent}: {what} after {ms} ms{partial}{reason}"))
            }
            // It may begin with the plan, long before its first words: until then agents are talked of.
            EventBody::AnswerStarted { attempt } if *attempt > self.attempt.max(1) => self.begin(*attempt),
            EventBody::AnswerDelta(delta) => self.delta(delta),
            EventBody::AnswerFinished(answer) => self.finish(answer),
            // The question was shown when it came.
            EventBody::TurnFinished { state: TurnState::InputRequired, .. } => self.close(),
            EventBody::TurnFinished { state, usage, error } => {
                let why = error.as_deref().map(|why| format!(": {}", clean_line(why))).unwrap_or_default();
                let mut prints = self.close();
                prints.push(Print::Talk(match state {
                    TurnState::Completed => {
                        format!("done in {} ms, agents asked: {}{why}", usage.ms, usage.calls)
                    }
                    TurnState::Working => "work goes on; what it comes to is said here".to_owned(),
                    other => format!("the turn is {}{why}", other.name()),
                }));
                prints
            }
            EventBody::InputRequired { agent, question, .. } => {
                let mut prints = self.close();
                prints.push(Print::Talk(match !self.said.is_empty() {
                    true => format!("{agent} asks; what is said next goes to it"),
                    false => format!("{agent} asks: {}", clean(question)),
                }));
                prints
            }
            EventBody::ConversationDeleted {} => self.talk("this conversation was deleted".to_owned()),
            EventBody::Notice { code, text } => self.talk(format!("{}: {}", code.name(), clean_line(text))),
            _ => Vec::new(),
        }
    }

    /// Whether the answer's last line is not at its end.
    pub(super) fn is_within_a_line(&self) -> bool {
        self.open && !self.answer.is_empty() && !self.answer.ends_with('\n')
    }

    fn talk(&mut self, text: String) -> Vec<Print> {
        if self.open {
            self.waiting.push(Print::Talk(text));
            return Vec::new();
        }
        vec![Print::Talk(text)]
    }

    fn begin(&mut self, attempt: u32) -> Vec<Print> {
        if attempt <= self.attempt && self.open {
            return Vec::new();
        }
        let mut prints = self.close();
        if attempt > 1 {
            prints.push(Print::Talk(format!("the answer is written again (attempt {attempt})")));
        }
        (self.attempt, self.gap, self.open) = (attempt, false, true);
        prints
    }

    fn delta(&mut self, delta: &Delta) -> Vec<Print> {
        let mut prints = Vec::new();
        if !self.open || delta.attempt > self.attempt {
            prints = self.begin(delta.attempt);
        }
        let have = self.answer.chars().count();
        let Ok(offset) = usize::try_from(delta.offset) else { return prints };
        if delta.attempt < self.attempt || offset > have {
            self.gap |= offset > have;
            return prints;
        }
        let new: String = delta.text.chars().skip(have - offset).collect();
        if !self.gap && !new.is_empty() {
            prints.push(Print::Piece(clean(&new)));
            self.answer.push_str(&new);
        }
        prints
    }

    fn finish(&mut self, answer: &Answer) -> Vec<Print> {
        let mut prints = Vec::new();
        self.said.clone_from(&answer.text);
        match answer.text.strip_prefix(self.answer.as_str()) {
            Some(rest) if self.open || self.answer.is_empty() => prints.push(Print::Line(clean(rest))),
            _ => {
                prints.extend(self.close());
                prints.push(Print::Talk("the answer, whole:".to_owned()));
                prints.push(Print::Line(clean(&answer.text)));
            }
        }
        self.open = false;
        prints.extend(self.close());
        let without = answer.sources.iter().filter(|source| failed(source.state));
        prints.extend(without.map(|source| {
            let why =
                source.reason.as_deref().map(|why| format!(": {}", clean_line(why))).unwrap_or_default();
            Print::Talk(format!("without {} ({}){why}", source.agent, source.state.name()))
        }));
        prints.extend(answer.files.iter().map(|file| {
            let from = file.agent.as_ref().map(|agent| format!(" from {agent}")).unwrap_or_default();
            Print::Talk(format!("file {} ({} bytes){from}", clean_line(&file.name), file.bytes))
        }));
        // What the plan did without stands above.
        if let Some(degraded) = answer.degraded.as_ref().filter(|why| self.without.as_ref() != Some(*why)) {
            prints.push(Print::Talk(format!("degraded: {}", clean_line(degraded))));
        }
        prints
    }

    /// Ends a piece of an answer, if one is open, and lets the talk out that waited for it.
    fn close(&mut self) -> Vec<Print> {
        let mut prints = Vec::new();
        if mem::take(&mut self.open) && !self.answer.is_empty() {
            prints.push(Print::Line(String::new()));
        }
        self.answer.clear();
        prints.append(&mut self.waiting);
        prints
    }
}

/// What is said of a new edge.
pub(super) fn at(edge: &str) -> String {
    format!("connected again, at {}", clean_line(edge.trim_end_matches('/')))
}

/// What is said of an edge that was lost.
pub(super) fn away(why: &str) -> String {
    format!("{}; connecting again", clean_line(why))
}

/// Whether the answer is without this call's reply.
pub(super) fn failed(state: CallState) -> bool {
    !matches!(state, CallState::Completed | CallState::InputRequired | CallState::Working)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use switchboard_shared::{
        api::MessageView,
        events::{Mode, Source, Stage},
        ids::{CallId, ConversationId, MessageId},
    };

    fn event(body: EventBody) -> Received {
        let event =
            Event { conversation: ConversationId::new(), seq: None, turn: None, at: Utc::now(), body };
        Received::Event(String::new(), Box::new(event))
    }

    fn delta(attempt: u32, offset: u64, text: &str) -> Received {
        event(EventBody::AnswerDelta(Delta { attempt, offset, text: text.into() }))
    }

    fn answer(attempt: u32, text: &str) -> Received {
        let source =
            |agent: &str, state| Source { agent: agent.parse().unwrap(), state, reason: Some("gone".into()) };
        event(EventBody::AnswerFinished(Answer {
            message: MessageId::new(),
            attempt,
            text: text.into(),
            sources: vec![source("a", CallState::Completed), source("b", CallState::TimedOut)],
            claims: vec![],
            degraded: Some("no LLM".into()),
            files: vec![],
        }))
    }

    fn stdout(prints: &[Print]) -> String {
        prints.iter().fold(String::new(), |text, print| match print {
            Print::Piece(piece) => text + piece,
            Print::Line(line) => text + line + "\n",
            Print::Talk(_) => text,
        })
    }

    fn talk(prints: &[Print]) -> Vec<&str> {
        let talk = prints.iter().map(|print| if let Print::Talk(text) = print { text.as_str() } else { "" });
        talk.filter(|text| !text.is_empty()).collect()
    }

    #[test]
    fn an_answer_is_streamed_once_whatever_comes_twice() {
        let mut show = Show::default();
        let mut prints = Vec::new();
        for received in [
            event(EventBody::AnswerStarted { attempt: 1 }),
            delta(1, 0, "Grü"),
            delta(1, 0, "Grüße"),
            delta(1, 5, " \x1b[31man"),
            answer(1, "Grüße \x1b[31man alle"),
        ] {
            prints.extend(show.received(&received));
        }
        assert_eq!(stdout(&prints), "Grüße [31man alle\n");
        assert_eq!(talk(&prints), ["without b (timed_out): gone", "degraded: no LLM"]);
    }

    #[test]
    fn a_lost_delta_does_not_lose_words() {
        let mut show = Show::default();
        let mut prints = show.received(&delta(1, 0, "one "));
        prints.extend(show.received(&delta(1, 8, "three")));
        prints.extend(show.received(&answer(1, "one two three")));
        assert_eq!(stdout(&prints), "one two three\n");
    }

    #[test]
    fn another_attempt_begins_on_a_new_line_and_is_said() {
        let mut show = Show::default();
        let mut prints = show.received(&delta(1, 0, "half"));
        prints.extend(show.received(&event(EventBody::AnswerStarted { attempt: 2 })));
        prints.extend(show.received(&delta(2, 0, "who")));
        prints.extend(show.received(&answer(2, "whole")));
        assert_eq!(stdout(&prints), "half\nwhole\n");
        assert_eq!(talk(&prints)[0], "the answer is written again (attempt 2)");
    }

    #[test]
    fn two_answers_in_one_conversation_do_not_mix() {
        let mut show = Show::default();
        let mut prints = show.received(&delta(1, 0, "first"));
        prints.extend(show.received(&answer(1, "first")));
        prints.extend(show.received(&event(EventBody::AnswerStarted { attempt: 1 })));
        prints.extend(show.received(&delta(1, 0, "sec")));
        prints.extend(show.received(&answer(1, "second")));
        assert_eq!(stdout(&prints), "first\nsecond\n");
    }

    #[test]
    fn a_question_is_shown_with_its_author_unless_it_was_asked_here() {
        let said = |id: Option<&str>| {
            event(EventBody::MessageCreated(MessageView {
                id: MessageId::new(),
                seq: 1,
                author: Author::User("ann".parse().unwrap()),
                text: "what?".into(),
                files: vec![],
                turn: None,
                agent: None,
                client_id: id.map(|id| id.parse().unwrap()),
                at: Utc::now(),
            }))
        };
        let mut show = Show::default();
        show.ours("mine".parse().unwrap());
        assert_eq!(show.received(&said(Some("mine"))), []);
        for id in [Some("other"), None] {
            assert_eq!(talk(&show.received(&said(id))), ["ann: what?"]);
        }
    }

    #[test]
    fn what_the_plan_or_an_agent_asks_the_user_is_printed_once() {
        let mut show = Show::default();
        let mut prints = show.received(&event(EventBody::PlanDecided(Plan {
            mode: Mode::None,
            steps: vec![],
            confidence: 0.5,
            reason: "r".into(),
            why: None,
            stage: Stage::Lexical,
            degraded: None,
            says: Some("Which\none?".into()),
            choices: vec![],
        })));
        prints.extend(show.received(&answer(1, "Which\none?")));
        let asks = EventBody::InputRequired {
            agent: "a".parse().unwrap(),
            call: CallId::new(),
            question: "one?".into(),
        };
        prints.extend(show.received(&event(asks)));
        assert_eq!(stdout(&prints), "Which\none?\n");
        assert!(!talk(&prints).iter().any(|line| line.contains("one?")), "{prints:?}");
    }
}
