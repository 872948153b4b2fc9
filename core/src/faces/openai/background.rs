//! What chat programs ask of a model behind their user's back: a title, tags, follow-ups, search queries. Nobody said
//! it, so no agent is asked and no conversation knows of it. The LLM writes it where there is one, a rule where there is
//! none.

use crate::{
    core::Core,
    llm::{LlmError, Message, Role, Schema, Tokens},
    outside,
    title::title,
};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_shared::identity::Identity;
use tokio::time::Instant;

/// How Open WebUI's templates for such tasks begin. Its template for a message with documents does as well.
const MARK: &str = "### Task:";
/// What stands in that one alone.
const ANSWERS: [&str; 2] = ["user query using the provided context", "<context>"];
/// Where its templates quote the chat.
const CHAT: [&str; 2] = ["<chat_history>", "</chat_history>"];
/// How Open WebUI asks for a smile to a message, and (as the system) which of its tools to call; nobody here calls tools.
const SMILE: &str = "Your task is to reflect the speaker's likely facial expression";
const TOOLS: [&str; 2] = ["Available Tools:", "choose and return the correct tool"];
/// What LibreChat asks for a title with.
const PLAIN_TITLE: [&str; 2] = ["5-word-or-less title for the conversation", "only return the title itself"];
/// Of a task's text the LLM is shown.
const MAX_CHARS: usize = 12_000;
const MAX_TOKENS: u32 = 300;

/// What is wanted, by the field that it is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Title,
    Tags,
    FollowUps,
    Queries,
    /// What the user may be about to type.
    Completion,
    /// What a picture shall show.
    Picture,
    /// A title, and no field around it.
    PlainTitle,
    /// A sign for a face.
    Smile,
    /// Which tools to call.
    Tools,
}

/// A task.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Task<'a> {
    wanted: Wanted,
    text: &'a str,
}

impl<'a> Task<'a> {
    /// Reads one, of what is said by the user and before that by the system; none where it is a message.
    pub(super) fn of(text: &'a str, system: &str) -> Option<Self> {
        let text = text.trim();
        if system.trim_start().starts_with(TOOLS[0]) && system.contains(TOOLS[1]) {
            return Some(Self { wanted: Wanted::Tools, text });
        }
        if text.starts_with(SMILE) {
            return Some(Self { wanted: Wanted::Smile, text });
        }
        let lower = || text.to_lowercase();
        if text.starts_with(MARK) {
            let head = text.split(CHAT[0]).next().unwrap_or(text);
            if ANSWERS.iter().any(|answers| head.contains(answers)) {
                return None;
            }
            return Wanted::by_field(head).map(|wanted| Self { wanted, text });
        }
        let is_title = text.len() < MAX_CHARS && PLAIN_TITLE.iter().all(|words| lower().contains(words));
        is_title.then_some(Self { wanted: Wanted::PlainTitle, text })
    }

    /// What is answered, and what that took.
    pub(super) async fn answer(&self, core: &Core, me: &Identity, time: Duration) -> (String, Tokens) {
        // It is the LLM's time that it costs, so it is counted with what else does.
        let is_written = !matches!(self.wanted, Wanted::Smile | Wanted::Tools);
        if is_written && core.llm.is_configured() && core.budgets.spend(me).is_ok() {
            match self.by_llm(core, Instant::now() + time).await {
                Ok(answer) => return answer,
                Err(error) => tracing::debug!(%error, "a background task is answered by rule"),
            }
        }
        (self.by_rule(), Tokens::default())
    }

    async fn by_llm(&self, core: &Core, deadline: Instant) -> Result<(String, Tokens), LlmError> {
        let (field, schema) = self.wanted.schema();
        let messages = [Message { role: Role::User, text: outside::shorten(self.text, MAX_CHARS) }];
        let (value, tokens) = core.llm.json(&messages, field, &schema, MAX_TOKENS, deadline).await?;
        let answer = match (self.wanted, value[field].as_str()) {
            (Wanted::PlainTitle, title) => title.unwrap_or_default().to_owned(),
            _ if value.get(field).is_none() => self.by_rule(),
            _ => value.to_string(),
        };
        Ok((answer, tokens))
    }

    /// The best that can be said of it without reading it.
    fn by_rule(&self) -> String {
        let first = || title(self.first_said());
        match self.wanted {
            Wanted::PlainTitle => return first(),
            Wanted::Smile => return "🙂".to_owned(),
            Wanted::Tools => json!({"tool_calls": []}),
            Wanted::Title => json!({"title": first()}),
            // What its template wants where nothing else fits.
            Wanted::Tags => json!({"tags": ["General"]}),
            Wanted::FollowUps => json!({"follow_ups": []}),
            Wanted::Queries => json!({"queries": []}),
            Wanted::Completion => json!({"text": ""}),
            Wanted::Picture => json!({"prompt": first()}),
        }
        .to_string()
    }

    /// What the user said first, as the task quotes it.
    fn first_said(&self) -> &'a str {
        let quoted = self.text.split(CHAT[0]).nth(1).and_then(|rest| rest.split(CHAT[1]).next());
        let chat = quoted.or_else(|| self.text.split("Conversation:").nth(1)).unwrap_or_default().trim();
        let said = ["USER:", "User:", "user:"]
            .iter()
            .find_map(|who| chat.split_once(who))
            .map_or(chat, |(_, said)| said);
        said.split("\nASSISTANT:").next().unwrap_or(said).split("\nAI:").next().unwrap_or(said).trim()
    }
}

impl Wanted {
    const FIELDS: [(Self, &'static str); 6] = [
        (Self::Title, "title"),
        (Self::Tags, "tags"),
        (Self::FollowUps, "follow_ups"),
        (Self::Queries, "queries"),
        (Self::Completion, "text"),
        (Self::Picture, "prompt"),
    ];

    /// By the field of the JSON that a template shows.
    fn by_field(head: &str) -> Option<Self> {
        let shows = |field: &str| {
            let quoted = format!("\"{field}\"");
            head.match_indices(quoted.as_str())
                .any(|(at, _)| head[at + quoted.len()..].trim_start().starts_with(':'))
        };
        Self::FIELDS.into_iter().find_map(|(wanted, field)| shows(field).then_some(wanted))
    }

    fn schema(self) -> (&'static str, Schema) {
        let field =
            Self::FIELDS.into_iter().find(|(wanted, _)| *wanted == self).map_or("title", |(_, field)| field);
        let text = || Schema::from(json!({"type": "string"}) as Value);
        let value = match self {
            Self::Tags | Self::FollowUps | Self::Queries => Schema::list(text()),
            Self::Title | Self::Completion | Self::Picture | Self::PlainTitle | Self::Smile | Self::Tools => {
                text()
            }
        };
        (field, Schema::object(vec![(field, value)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: &str = "### Chat History:\n<chat_history>\nUSER: What is the mean of 4, 8 and 15?\nASSISTANT: It is 9.\n</chat_history>";

    fn template(task: &str, output: &str) -> String {
        format!(
            "### Task:\n{task}\n### Guidelines:\n- Be brief.\n### Output:\nJSON format: {output}\n{HISTORY}"
        )
    }

    #[test]
    fn the_tasks_of_chat_programs_are_known_and_answered_by_rule() {
        for (text, answer) in [
            (template("Generate a concise, 3-5 word title with an emoji summarizing the chat history.", r#"{ "title": "your concise title here" }"#),
             r#"{"title":"What is the mean of 4, 8 and 15?"}"#),
            (template("Generate 1-3 broad tags categorizing the main themes", r#"{ "tags": ["tag1", "tag2"] }"#), r#"{"tags":["General"]}"#),
            (template("Suggest 3-5 relevant follow-up questions", r#"{ "follow_ups": ["Question 1?"] }"#), r#"{"follow_ups":[]}"#),
            (template("Analyze the chat history to determine the necessity of generating search queries", r#"{ "queries": ["query1"] }"#), r#"{"queries":[]}"#),
            (template("You are an autocompletion system.", r#"{ "text": "<text>" }"#), r#"{"text":""}"#),
            ("Provide a concise, 5-word-or-less title for the conversation, using title case conventions. Only return the title itself.\n\nConversation:\nUser: Is it sunny?\nAI: Yes.".to_owned(), "Is it sunny?"),
        ] {
            assert_eq!(Task::of(&text, "").map(|task| task.by_rule()).as_deref(), Some(answer), "{text}");
        }
        let smile = "Your task is to reflect the speaker's likely facial expression through a fitting emoji.\n\nMessage: ```hi```";
        assert_eq!(Task::of(smile, "").map(|task| task.by_rule()).as_deref(), Some("🙂"));
        let tools = "Available Tools: [{}]\n\nYour task is to choose and return the correct tool(s) from the list of available tools based on the query.";
        let asked = Task::of("Query: History:\nUSER: \"\"\"hi\"\"\"\nQuery: hi", tools);
        assert_eq!(asked.map(|task| task.by_rule()).as_deref(), Some(r#"{"tool_calls":[]}"#));
    }

    #[test]
    fn a_message_is_no_task() {
        for text in [
            "### Task:\nRespond to the user query using the provided context, with citations.\n<context>{\"title\": \"a\"}</context>\nWhat is the mean?",
            "### Task:\nCompute the mean of 4, 8 and 15.",
            "What title would you give this text?",
            "Generate 3 tags for my picture as {\"tags\": []}",
        ] {
            assert_eq!(Task::of(text, "You are a helpful assistant. Available Tools: none."), None, "{text}");
        }
    }
}
