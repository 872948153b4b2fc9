//! A small A2A client: asks one colleague and reads its stream.

use std::time::Duration;

use a2a::{Message, Part, PartContent, Role, StreamResponse, Task, TaskState, TaskStatus};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::Client;
use serde_json::{Value, json};

/// Time one step may take.
const STEP_TIME: Duration = Duration::from_secs(25);
/// Bytes read of one step's answer.
const MOST: usize = 256 * 1024;

/// Knows where the colleagues are.
pub(super) struct Caller {
    client: Client,
    base: String,
}

/// What has come so far of an answer.
#[derive(Default)]
struct Heard {
    text: String,
    end: Option<TaskStatus>,
}

impl Caller {
    pub(super) fn new(base: &str) -> Result<Self, reqwest::Error> {
        let client = Client::builder().no_proxy().timeout(STEP_TIME).build()?;
        Ok(Self { client, base: base.to_owned() })
    }

    /// Asks and listens until the colleague's task rests; says what it reports on the way.
    pub(super) async fn ask(
        &self,
        agent: &str,
        text: &str,
        traceparent: Option<&str>,
        progress: impl Fn(&str),
    ) -> Result<String, String> {
        let message = Message::new(Role::User, vec![Part::text(text)]);
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": a2a::methods::SEND_STREAMING_MESSAGE, "params": {"message": message}});
        let mut request =
            self.client.post(format!("{}/{agent}", self.base)).header(a2a::SVC_PARAM_VERSION, a2a::VERSION);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let response = request
            .json(&call)
            .send()
            .await
            .map_err(|error| format!("{agent} could not be reached ({error})."))?;
        let streamed = response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if !streamed {
            let refusal: Value = response.json().await.unwrap_or_default();
            return Err(format!(
                "{agent} refused: {}.",
                refusal["error"]["message"].as_str().unwrap_or("no reason given")
            ));
        }
        let mut heard = Heard::default();
        let mut events = response.bytes_stream().eventsource();
        while let Some(event) = events.next().await {
            let event = event.map_err(|_| format!("the answer of {agent} broke off."))?;
            let envelope: Value = serde_json::from_str(&event.data).unwrap_or_default();
            if let Ok(update) = serde_json::from_value(envelope["result"].clone()) {
                heard.take(update, &progress);
            }
        }
        heard.result(agent)
    }
}

impl Heard {
    fn take(&mut self, update: StreamResponse, progress: impl Fn(&str)) {
        match update {
            StreamResponse::Task(Task { status, artifacts, .. }) => {
                artifacts.iter().flatten().for_each(|artifact| self.read(&artifact.parts));
                self.end = Some(status);
            }
            StreamResponse::Message(message) => self.read(&message.parts),
            StreamResponse::ArtifactUpdate(update) => self.read(&update.artifact.parts),
            StreamResponse::StatusUpdate(update) => {
                if let (TaskState::Working, Some(words)) =
                    (&update.status.state, update.status.message.as_ref().and_then(Message::text))
                {
                    progress(words);
                }
                self.end = Some(update.status);
            }
        }
    }

    fn read(&mut self, parts: &[Part]) {
        for part in parts {
            if let PartContent::Text(text) = &part.content
                && self.text.len() + text.len() <= MOST
            {
                self.text.push_str(text);
            }
        }
    }

    fn result(self, agent: &str) -> Result<String, String> {
        let words = self
            .end
            .as_ref()
            .and_then(|status| status.message.as_ref())
            .and_then(Message::text)
            .unwrap_or_default();
        match self.end.as_ref().map(|status| &status.state) {
            Some(TaskState::Completed) => Ok(self.text),
            Some(TaskState::InputRequired) => Err(format!("{agent} asks: {words}")),
            Some(TaskState::Rejected | TaskState::Failed) => Err(format!("{agent} says: {words}")),
            _ => Err(format!("{agent} gave no whole answer.")),
        }
    }
}
