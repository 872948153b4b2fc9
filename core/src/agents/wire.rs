//! What an agent sends, read with tolerance: unknown fields, missing optional ones and null lists are no error
//! (A2A 1.0, section 4; names of methods, states and error codes come from the `a2a` crate).

pub(super) use a2a::{TaskState, errors::error_code, methods};

use super::files::SentFile;
use crate::outside;
use serde_json::{Value, json};
use switchboard_shared::api;

/// A result of `SendMessage`, or one event of a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Task { id: String, state: TaskState, status: Words, artifacts: Vec<(String, Words)>, last: Words },
    Message(Words),
    Status { task: String, state: TaskState, words: Words },
    Artifact { task: String, id: String, append: bool, words: Words },
}

/// What a message or an artifact says, and the files in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) files: Vec<SentFile>,
}

/// The answer of an agent to one request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
}

impl RpcError {
    /// One in an agent's words, bounded.
    pub(super) fn new(code: i64, message: &str) -> Self {
        Self { code, message: outside::line(&outside::without_secrets(message), MAX_ERROR_CHARS) }
    }

    /// Whether it has a code, as every error of JSON-RPC has (JSON-RPC 2.0 §5.1).
    pub(super) fn is_of_protocol(&self) -> bool {
        self.code != 0
    }
}

const MAX_ERROR_CHARS: usize = 300;
/// Under this a question's metadata holds the whole message that it is a part of.
pub(super) const WHOLE_MESSAGE: &str = "switchboard.whole_message";
/// What frameworks note at a part that is the agent's thinking, and no part of what it says.
const THOUGHT: [&str; 4] = ["adk_thought", "thought", "is_thought", "reasoning"];
/// What they note at one that only says which of its tools an agent calls.
const WORKINGS: [&str; 2] = ["function_call", "function_response"];

/// Whether an event's data can be an answer: an object that is begun, and if it is whole, one with a field of an answer's.
pub(super) fn answers(data: &str) -> bool {
    let of_answers = ["jsonrpc", "id", "result", "error"];
    match outside::json(data.as_bytes()) {
        Ok(value) => of_answers.iter().any(|field| value.get(field).is_some()),
        Err(_) => data.trim_start().starts_with('{'),
    }
}

/// Takes the result out of a JSON-RPC envelope, or the error.
pub(super) fn result(envelope: &Value, id: &str) -> Result<Result<Value, RpcError>, String> {
    if let Some(error) = envelope.get("error").filter(|error| !error.is_null()) {
        let message = error.get("message").or(Some(error)).and_then(Value::as_str).unwrap_or("no message");
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        return Ok(Err(RpcError::new(code, message)));
    }
    if envelope.get("id").and_then(Value::as_str) != Some(id) {
        return Err("it answered another request than ours".into());
    }
    match envelope.get("result") {
        Some(result) => Ok(Ok(result.clone())),
        None => Err("its answer is not JSON-RPC".into()),
    }
}

/// Why what was said cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is of a kind that is not ours to know; a later version of the protocol may have more of them.
    Unknown,
    Broken,
}

/// Reads a `StreamResponse` or a `SendMessageResponse`.
pub(super) fn said(result: &Value) -> Result<Said, Unusable> {
    if let Some(message) = object(result, "message") {
        return Ok(Said::Message(parts(message)));
    }
    let known = if let Some(value) = object(result, "task") {
        task(value)
    } else if let Some(update) = object(result, "statusUpdate") {
        status_update(update)
    } else if let Some(update) = object(result, "artifactUpdate") {
        artifact_update(update)
    } else {
        return Err(Unusable::Unknown);
    };
    known.ok_or(Unusable::Broken)
}

fn status_update(update: &Value) -> Option<Said> {
    let status = update.get("status")?;
    Some(Said::Status { task: task_of(update)?, state: state(status)?, words: message_of(status) })
}

fn artifact_update(update: &Value) -> Option<Said> {
    let artifact = update.get("artifact")?;
    Some(Said::Artifact {
        task: task_of(update)?,
        id: string(artifact, "artifactId"),
        append: update.get("append").and_then(Value::as_bool).unwrap_or_default(),
        words: parts(artifact),
    })
}

/// The id of the task that an update is about; empty where it names none, nothing where it is none to be kept.
fn task_of(update: &Value) -> Option<String> {
    match update.get("taskId").and_then(Value::as_str) {
        None | Some("") => Some(String::new()),
        Some(task) => outside::id(task),
    }
}

/// Reads a `Task`, as `GetTask` answers it.
pub(super) fn task(value: &Value) -> Option<Said> {
    let status = value.get("status")?;
    let artifacts =
        list(value, "artifacts").map(|artifact| (string(artifact, "artifactId"), parts(artifact)));
    let last = list(value, "history").rfind(|message| string(message, "role") == "ROLE_AGENT");
    Some(Said::Task {
        id: outside::id(value.get("id")?.as_str()?)?,
        state: state(status)?,
        status: message_of(status),
        artifacts: artifacts.collect(),
        last: last.map(parts).unwrap_or_default(),
    })
}

/// Whether a task, as `GetTask` answers it, has heard a message.
pub(super) fn has_heard(task: &Value, message_id: &str) -> bool {
    list(task, "history").any(|message| string(message, "messageId") == message_id)
}

/// The parts of a question.
pub(super) fn question(text: &str, files: &[&api::Part]) -> Vec<Value> {
    let files = files.iter().map(|file| {
        let mut part = json!({"raw": file.data, "mediaType": file.media_type});
        if !file.name.is_empty() {
            part["filename"] = json!(file.name);
        }
        part
    });
    std::iter::once(json!({"text": text})).chain(files).collect()
}

/// Says whether a media type is among the modes of a card, where `*` may stand for either half.
pub(super) fn takes(modes: &[String], media_type: &str) -> bool {
    let bare = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let fits = |mode: &String| {
        let mode = mode.to_ascii_lowercase();
        mode == bare
            || mode == "*/*"
            || mode.strip_suffix('*').is_some_and(|prefix| prefix.ends_with('/') && bare.starts_with(prefix))
    };
    modes.is_empty() || modes.iter().any(fits)
}

fn state(status: &Value) -> Option<TaskState> {
    serde_json::from_value(status.get("state")?.clone()).ok()
}

fn message_of(status: &Value) -> Words {
    status.get("message").map(parts).unwrap_or_default()
}

/// The words of a message or an artifact: its texts, its data as JSON, its files by name, its links. What the agent thinks
/// and does on the way is none of them. Data that has a file's name is a file; what a link leads to is never fetched.
fn parts(of: &Value) -> Words {
    let mut words = Words::default();
    let text = &mut words.text;
    for part in list(of, "parts").filter(|part| !is_aside(part)) {
        let file = if let Some(said) = part.get("text").and_then(Value::as_str) {
            text.push_str(&outside::text(said));
            continue;
        } else if let Some(data) = part.get("data").filter(|data| !data.is_null()) {
            if string(part, "filename").is_empty() {
                on_a_new_line(text, &outside::text(&data.to_string()));
                continue;
            }
            file(part, "application/json", Some(data.to_string().into_bytes()))
        } else if let Some(url) = part.get("url").and_then(Value::as_str) {
            on_a_new_line(text, &outside::text(url));
            continue;
        } else if let Some(raw) = part.get("raw") {
            file(part, &string(part, "mediaType"), raw.as_str().and_then(outside::bytes))
        } else {
            continue;
        };
        on_a_new_line(text, &format!("[file {}]", file.name));
        words.files.push(file);
    }
    words
}

fn file(part: &Value, media_type: &str, bytes: Option<Vec<u8>>) -> SentFile {
    SentFile::new(&string(part, "filename"), media_type, bytes)
}

/// Whether a part is marked as something that is not said to anybody.
fn is_aside(part: &Value) -> bool {
    let Some(notes) = object(part, "metadata") else { return false };
    let thought = THOUGHT.iter().any(|name| notes.get(*name).is_some_and(|flag| *flag == true));
    thought || WORKINGS.contains(&string(notes, "adk_type").as_str())
}

fn on_a_new_line(text: &mut String, more: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(more);
}

fn object<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|found| found.is_object())
}

fn list<'a>(value: &'a Value, key: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn string(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_null_or_unknown_is_no_error() {
        let task = json!({"task": {"id": "t", "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": null,
            "createdAt": "x", "history": [{"role": "ROLE_AGENT", "parts": [{"text": "hello"}]}]}});
        let Ok(Said::Task { id, state, last, .. }) = said(&task) else { panic!("not a task") };
        assert_eq!((id.as_str(), state, last.text.as_str()), ("t", TaskState::Completed, "hello"));
        assert_eq!(said(&json!({"message": {"parts": null}})), Ok(Said::Message(Words::default())));
        for unknown in [json!(null), json!([]), json!({"heartbeat": {}})] {
            assert_eq!(said(&unknown), Err(Unusable::Unknown), "{unknown}");
        }
        let working = json!({"state": "TASK_STATE_WORKING"});
        for broken in [
            json!({"task": {}}),
            json!({"statusUpdate": {"status": {"state": "?"}}}),
            json!({"task": {"id": "T\u{0}1", "status": working}}),
            json!({"statusUpdate": {"taskId": "a\nb", "status": working}}),
            json!({"artifactUpdate": {"taskId": "x".repeat(1_000), "artifact": {}}}),
        ] {
            assert_eq!(said(&broken), Err(Unusable::Broken), "{broken}");
        }
    }

    fn says(text: &str) -> Result<Said, Unusable> {
        Ok(Said::Message(Words { text: text.into(), files: vec![] }))
    }

    #[test]
    fn data_files_and_links_become_text_and_files_are_there_as_well() {
        let parts = json!([
            {"text": "so: "}, {"data": {"a": [1]}}, {"raw": "aGk_", "filename": "f.txt", "mediaType": "text/plain"},
            {"data": [1], "filename": "d.json"}, {"raw": 7, "mediaType": "image/png"}, {"url": "https://a.example/x"},
        ]);
        let Ok(Said::Message(words)) = said(&json!({"message": {"parts": parts}})) else {
            panic!("no message")
        };
        let text = "so: \n{\"a\":[1]}\n[file f.txt]\n[file d.json]\n[file file]\nhttps://a.example/x";
        assert_eq!(words.text, text);
        let files: Vec<_> =
            words.files.iter().map(|file| (file.name.as_str(), file.bytes.as_deref())).collect();
        let expected = [("f.txt", Some(b"hi?".as_slice())), ("d.json", Some(b"[1]")), ("file", None)];
        assert_eq!(files, expected);
    }

    #[test]
    fn what_an_agent_thinks_is_not_what_it_says() {
        let marked = |metadata: Value| json!({"text": "hm", "metadata": metadata});
        for aside in [
            marked(json!({"adk_thought": true})),
            marked(json!({"thought": true, "x": 1})),
            json!({"data": {"name": "f"}, "metadata": {"adk_type": "function_call"}}),
        ] {
            let parts = json!([aside, {"text": "Yes."}]);
            assert_eq!(said(&json!({"message": {"parts": parts}})), says("Yes."));
            let artifact =
                json!({"artifactUpdate": {"taskId": "t", "artifact": {"artifactId": "a", "parts": parts}}});
            assert!(
                matches!(said(&artifact), Ok(Said::Artifact { words, .. }) if words.text == "Yes."),
                "{parts}"
            );
        }
        for said_aloud in
            [json!({"adk_thought": false}), json!({}), json!({"adk_thought": null}), json!(null)]
        {
            let message = json!({"message": {"parts": [marked(said_aloud)]}});
            assert_eq!(said(&message), says("hm"), "{message}");
        }
    }

    #[test]
    fn an_answer_to_another_request_is_not_taken_for_ours() {
        assert!(result(&json!({"id": "2", "result": {}}), "1").is_err());
        assert!(result(&json!({"id": "1"}), "1").is_err());
        assert_eq!(result(&json!({"id": "1", "result": 5}), "1"), Ok(Ok(json!(5))));
        let error = result(&json!({"id": null, "error": {"code": -32001, "message": "gone"}}), "1");
        assert_eq!(error.unwrap().unwrap_err().code, -32001);
    }

    #[test]
    fn modes_may_hold_stars() {
        let modes = ["text/*".to_owned(), "application/json".to_owned()];
        assert!(takes(&modes, "text/csv; charset=utf-8") && takes(&modes, "application/json"));
        assert!(!takes(&modes, "image/png") && takes(&[], "image/png"));
    }
}
