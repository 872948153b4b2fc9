//! The client against agents on real sockets that behave in every bad way.

mod closed;
mod credentials;
mod given;
mod interfaces;
mod resumed;

use super::*;
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::{StreamExt, stream};
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// What an agent does with a request.
enum Act {
    Result(Value),
    Error(i64),
    /// Streams these and ends.
    Stream(Vec<Value>),
    /// Streams these and then nothing more.
    StreamAndHang(Vec<Value>),
    /// Streams this for ever, with a pause between.
    Endless(Value, Duration),
    Raw(&'static str),
    Status(u16),
    WrongId,
    Hang,
}

type Script = fn(method: &str, params: &Value, nth: usize) -> Act;
type Seen = Arc<Mutex<Vec<(String, Value, HeaderMap)>>>;

struct FakeAgent {
    agent: Agent,
    seen: Seen,
    _stop: DropGuard,
}

impl FakeAgent {
    async fn start(streaming: bool, script: Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let card = json!({
            "name": "Fake", "description": "d", "version": "1", "capabilities": {"streaming": streaming}, "skills": [],
            "defaultInputModes": ["text/plain"],
            "supportedInterfaces": [
                {"url": format!("{url}rpc"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0", "tenant": "t1"}],
        });
        let seen = Seen::default();
        let served = card.clone();
        let app = Router::new()
            .route("/rpc", post(answer))
            .with_state((script, Arc::clone(&seen)))
            .route(WELL_KNOWN, get(move || async { Json(served) }))
            .route(
                "/moved/.well-known/agent-card.json",
                get(|| async { axum::response::Redirect::to(WELL_KNOWN) }),
            )
            .route("/huge/.well-known/agent-card.json", get(|| async { "x".repeat(2_000_000) }));
        let stop = CancellationToken::new();
        let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
        TaskTracker::new().spawn(server.into_future());
        let agent = Agent::from_card(None, url, card, vec![]).unwrap();
        Self { agent, seen, _stop: stop.drop_guard() }
    }

    fn methods(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(method, ..)| method.clone()).collect()
    }

    async fn ask(&self) -> Reply {
        self.ask_with(ask()).await.0
    }

    async fn ask_with(&self, ask: Ask) -> (Reply, Vec<Progress>) {
        let agents = agents();
        let mut progress = Vec::new();
        let reply = agents.ask(&tenant(), &self.agent, ask, &mut |step| progress.push(step)).await;
        (reply, progress)
    }
}

async fn answer(
    State((script, seen)): State<(Script, Seen)>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let method = request["method"].as_str().unwrap().to_owned();
    let nth = {
        let mut seen = seen.lock().unwrap();
        let nth = seen.iter().filter(|(known, ..)| *known == method).count();
        seen.push((method.clone(), request["params"].clone(), headers));
        nth
    };
    let id = request["id"].clone();
    let envelope = move |result: Value| json!({"jsonrpc": "2.0", "id": id.clone(), "result": result});
    let event =
        |value: Value| Ok::<_, std::convert::Infallible>(format!(": comment\r\ndata: {value}\r\n\r\n"));
    let sse = |body: Body| ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response();
    match script(&method, &request["params"], nth) {
        Act::Result(result) => Json(envelope(result)).into_response(),
        Act::Error(code) => {
            Json(json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": "no"}}))
                .into_response()
        }
        Act::Stream(results) => sse(Body::from_stream(stream::iter(results).map(envelope).map(event))),
        Act::StreamAndHang(results) => {
            sse(Body::from_stream(stream::iter(results).map(envelope).map(event).chain(stream::pending())))
        }
        Act::Endless(result, pause) => {
            let value = envelope(result);
            sse(Body::from_stream(stream::repeat(value).then(move |value| async move {
                tokio::time::sleep(pause).await;
                event(value)
            })))
        }
        Act::Raw(text) => text.into_response(),
        Act::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Act::WrongId => Json(json!({"jsonrpc": "2.0", "id": "other", "result": {}})).into_response(),
        Act::Hang => std::future::pending().await,
    }
}

fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::new(&[]))
}

fn agents() -> Agents {
    Agents::new(&config(), sealer()).unwrap()
}

fn config() -> AgentsConfig {
    AgentsConfig {
        allow_private_addresses: true,
        ca_file: "".into(),
        connect: Duration::from_secs(1),
        outage: Duration::from_secs(1),
        call: Duration::from_secs(5),
        max_reply_bytes: 10_000,
        max_stream_bytes: 100_000,
        max_file_bytes: 2_000,
        max_files: 3,
        max_files_bytes: 5_000,
        files_in_hand_bytes: 1_000_000,
        max_card_bytes: 1_000_000,
        max_cards_bytes: 10_000_000,
        card: Duration::from_secs(2),
        max_agents: 10,
        max_examples: 10,
        max_hops: 3,
        breaker_failures: 2,
        breaker_open: Duration::from_millis(300),
    }
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn ask() -> Ask {
    Ask {
        message_id: "m1".into(),
        context_id: "c1".into(),
        task_id: None,
        answers: false,
        resume: false,
        may_go_on: false,
        question: "question".into(),
        context: None,
        parts: Arc::default(),
        deadline: Instant::now() + Duration::from_secs(2),
        hops: 0,
        cancel: CancellationToken::new(),
    }
}

fn status(state: &str, text: &str) -> Value {
    json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status":
        {"state": format!("TASK_STATE_{state}"), "message": {"role": "ROLE_AGENT", "parts": [{"text": text}]}}}})
}

fn artifact(text: &str, append: bool) -> Value {
    json!({"artifactUpdate": {"taskId": "t", "append": append,
        "artifact": {"artifactId": "a", "parts": [{"text": text}]}}})
}

fn task(state: &str, text: &str) -> Value {
    json!({"id": "t", "contextId": "c", "status": {"state": format!("TASK_STATE_{state}")},
        "artifacts": [{"artifactId": "a", "parts": [{"text": text}]}]})
}

#[tokio::test]
async fn a_stream_is_listened_to_until_the_task_is_over() {
    let fake = FakeAgent::start(true, |_, _, _| {
        Act::StreamAndHang(vec![
            status("WORKING", "looking"),
            artifact("one ", false),
            artifact("two", true),
            status("COMPLETED", ""),
        ])
    })
    .await;
    let (reply, progress) = fake.ask_with(Ask { hops: 1, ..ask() }).await;
    assert_eq!((reply.state, reply.text.as_str(), reply.reason), (CallState::Completed, "one two", None));
    let piece = |text: &str| Progress::Piece(text.into());
    let (task, word) = (Progress::Task("t".into()), Progress::Text("looking".into()));
    assert_eq!(progress, [task, word, piece("one"), piece(" two")]);
    let (method, params, headers) = fake.seen.lock().unwrap()[0].clone();
    assert_eq!(method, "SendStreamingMessage");
    assert_eq!((&params["tenant"], &params["message"]["contextId"]), (&json!("t1"), &json!("c1")));
    assert_eq!(
        (headers["a2a-version"].as_bytes(), headers["x-switchboard-hops"].as_bytes()),
        (&b"1.0"[..], &b"2"[..])
    );
}

#[tokio::test]
async fn a_reply_that_is_taken_back_is_not_handed_out_any_further() {
    let fake = FakeAgent::start(true, |_, _, _| {
        let (first, other) = (artifact("one", false), artifact("other", false));
        Act::StreamAndHang(vec![first, other, artifact(" words", true), status("COMPLETED", "")])
    })
    .await;
    let (reply, progress) = fake.ask_with(ask()).await;
    assert_eq!(reply.text, "other words");
    let pieces: Vec<_> = progress.iter().filter(|p| matches!(p, Progress::Piece(_))).collect();
    assert_eq!(pieces, [&Progress::Piece("one".into())]);
}

#[tokio::test]
async fn an_agent_that_does_not_stream_is_asked_once_and_may_answer_with_a_message() {
    let fake = FakeAgent::start(false, |_, _, _| {
        Act::Result(json!({"message": {"messageId": "x", "role": "ROLE_AGENT", "parts": [{"text": "hi"}]}}))
    })
    .await;
    assert_eq!(fake.ask().await.text, "hi");
    assert_eq!(fake.methods(), ["SendMessage"]);
}

#[tokio::test]
async fn an_agent_that_is_down_fails_at_once() {
    let fake = FakeAgent::start(true, |_, _, _| Act::Hang).await;
    let mut agent = fake.agent.clone();
    agent.endpoint.url.set_port(Some(1)).unwrap();
    let reply = agents().ask(&tenant(), &agent, ask(), &mut |_| {}).await;
    assert_eq!(reply.state, CallState::Failed);
    assert!(reply.reason.unwrap().starts_with("it cannot be reached"));
}

#[tokio::test]
async fn a_slow_agent_is_given_up_on_in_time() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "CancelTask" => Act::Hang,
        _ => Act::StreamAndHang(vec![status("WORKING", ""), artifact("half", false)]),
    })
    .await;
    let began = Instant::now();
    let reply = fake.ask_with(Ask { deadline: began + Duration::from_millis(500), ..ask() }).await.0;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!((reply.state, reply.text.as_str(), reply.partial), (CallState::TimedOut, "half", true));
    assert_eq!(fake.methods(), ["SendStreamingMessage", "CancelTask"]);
}

#[tokio::test]
async fn a_canceled_question_is_canceled_at_the_agent() {
    let fake = FakeAgent::start(true, |_, _, _| Act::StreamAndHang(vec![status("WORKING", "")])).await;
    let ask = ask();
    let cancel = ask.cancel.clone();
    let agents = agents();
    let reply = agents.ask(&tenant(), &fake.agent, ask, &mut |_| cancel.cancel()).await;
    assert_eq!(reply.state, CallState::Canceled);
    assert_eq!(fake.methods().last().unwrap(), "CancelTask");
    assert_eq!(agents.breaker_state(&tenant(), &fake.agent), "closed");
}

#[tokio::test]
async fn nonsense_of_every_kind_fails_with_a_reason() {
    let scripts: [(Script, &str); 7] = [
        (|_, _, _| Act::Raw("<html>"), "not JSON"),
        (|_, _, _| Act::Status(503), "HTTP status 503"),
        (|_, _, _| Act::WrongId, "another request"),
        (|_, _, _| Act::Result(json!({"what": 1})), "neither a message nor a task"),
        (|_, _, _| Act::Error(-32603), "code -32603"),
        (|_, _, _| Act::Stream(vec![]), "before saying anything"),
        (|_, _, _| Act::Stream(vec![status("COMPLETED", "")]), "without saying anything"),
    ];
    for (script, expected) in scripts {
        let reply = FakeAgent::start(true, script).await.ask().await;
        assert_eq!(reply.state, CallState::Failed, "{expected}");
        assert!(reply.reason.as_deref().unwrap().contains(expected), "{expected}: {reply:?}");
    }
}

#[tokio::test]
async fn an_id_that_no_row_can_hold_is_that_calls_failure() {
    let fake = FakeAgent::start(true, |_, _, _| {
        Act::Stream(vec![json!({"task": {"id": "T\u{0}1", "status": {"state": "TASK_STATE_WORKING"}}})])
    })
    .await;
    let (reply, progress) = fake.ask_with(ask()).await;
    assert_eq!((reply.state, reply.task_id, progress), (CallState::Failed, None, vec![]));
    assert!(reply.reason.unwrap().contains("an id that cannot be kept"));
}

#[tokio::test]
async fn what_is_of_an_unknown_kind_is_passed_over() {
    let fake = FakeAgent::start(true, |_, _, _| {
        Act::Stream(vec![json!({"heartbeat": {}}), artifact("fine", false), status("COMPLETED", "")])
    })
    .await;
    assert_eq!(fake.ask().await.text, "fine");
}

#[tokio::test]
async fn a_panic_in_one_call_is_that_calls_failure() {
    let fake = FakeAgent::start(true, |_, _, _| Act::Stream(vec![artifact("words", false)])).await;
    let agents = agents();
    let mut hears = |_| panic!("whoever listens breaks");
    let reply = agents.ask(&tenant(), &fake.agent, ask(), &mut hears).await;
    assert_eq!(reply.state, CallState::Failed);
    assert!(reply.reason.unwrap().contains("on our side"));
}

#[tokio::test]
async fn endless_huge_and_dripping_replies_end() {
    let endless = FakeAgent::start(true, |_, _, _| {
        Act::Endless(artifact(&"long-words".repeat(10), true), Duration::ZERO)
    })
    .await;
    let reply = endless.ask().await;
    assert_eq!((reply.state, reply.partial, reply.text.len()), (CallState::Completed, true, 10_000));
    assert!(reply.reason.unwrap().contains("cut"));
    let chatty = FakeAgent::start(true, |_, _, _| Act::Endless(status("WORKING", "…"), Duration::ZERO)).await;
    assert_eq!(chatty.ask().await.reason.unwrap(), "it sent more than it may");
    let huge = FakeAgent::start(false, |_, _, _| {
        Act::Result(json!({"message": {"parts": [{"text": "x".repeat(200_000)}]}}))
    });
    assert_eq!(huge.await.ask().await.reason.unwrap(), "it sent more than it may");
    let drip =
        FakeAgent::start(true, |_, _, _| Act::Endless(artifact("a", true), Duration::from_millis(50))).await;
    let deadline = Instant::now() + Duration::from_millis(400);
    assert_eq!(drip.ask_with(Ask { deadline, ..ask() }).await.0.state, CallState::TimedOut);
}

#[tokio::test]
async fn a_cut_stream_is_subscribed_to_again_and_nothing_is_sent_twice() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "SendStreamingMessage" => Act::Stream(vec![status("WORKING", ""), artifact("half", false)]),
        "SubscribeToTask" => Act::Stream(vec![
            json!({"task": task("WORKING", "half")}),
            artifact(" and half", true),
            status("COMPLETED", ""),
        ]),
        _ => Act::Error(-32601),
    })
    .await;
    assert_eq!(fake.ask().await.text, "half and half");
    assert_eq!(fake.methods(), ["SendStreamingMessage", "SubscribeToTask"]);
}

#[tokio::test]
async fn a_question_back_is_passed_on_and_the_answer_continues_the_task() {
    let fake = FakeAgent::start(true, |_, params, _| match params["message"]["taskId"].as_str() {
        None => Act::Stream(vec![status("INPUT_REQUIRED", "Which city?")]),
        Some(_) => Act::Stream(vec![
            json!({"task": {"id": "t", "status": {"state": "TASK_STATE_INPUT_REQUIRED"}}}),
            status("WORKING", ""),
            artifact("Sunny", false),
            status("COMPLETED", ""),
        ]),
    })
    .await;
    let reply = fake.ask().await;
    assert_eq!((reply.state, reply.text.as_str()), (CallState::InputRequired, "Which city?"));
    let (reply, _) = fake.ask_with(Ask { task_id: reply.task_id, question: "Rome".into(), ..ask() }).await;
    assert_eq!((reply.state, reply.text.as_str()), (CallState::Completed, "Sunny"));
    assert!(fake.seen.lock().unwrap()[1].1["message"].get("contextId").is_none());
}

#[tokio::test]
async fn refusals_are_told_from_failures() {
    let rejected = FakeAgent::start(true, |_, _, _| Act::Stream(vec![status("REJECTED", "not mine")])).await;
    let reply = rejected.ask().await;
    assert_eq!((reply.state, reply.reason.as_deref()), (CallState::Rejected, Some("not mine")));
    let failed = FakeAgent::start(true, |_, _, _| Act::Stream(vec![status("FAILED", "disk full")])).await;
    assert_eq!(failed.ask().await.reason.as_deref(), Some("disk full"));
    let auth = FakeAgent::start(true, |_, _, _| Act::Stream(vec![status("AUTH_REQUIRED", "Sign in")])).await;
    assert_eq!(auth.ask().await.state, CallState::InputRequired);
}

#[tokio::test]
async fn an_agent_whose_card_promised_too_much_is_asked_without_a_stream() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "SendStreamingMessage" => Act::Error(-32004),
        _ => Act::Result(json!({"task": task("COMPLETED", "fine")})),
    })
    .await;
    assert_eq!(fake.ask().await.text, "fine");
}

#[tokio::test]
async fn an_agent_that_fails_in_a_row_is_left_alone_for_a_while() {
    let fake = FakeAgent::start(false, |_, _, nth| match nth {
        0 | 1 => Act::Status(500),
        _ => Act::Result(json!({"message": {"parts": [{"text": "back"}]}})),
    })
    .await;
    let agents = agents();
    let mut states = Vec::new();
    for _ in 0..3 {
        states.push(agents.ask(&tenant(), &fake.agent, ask(), &mut |_| {}).await.state);
    }
    assert_eq!(states, [CallState::Failed, CallState::Failed, CallState::Skipped]);
    assert_eq!((agents.breaker_state(&tenant(), &fake.agent), fake.methods().len()), ("open", 2));
    tokio::time::sleep(config().breaker_open).await;
    assert_eq!(agents.ask(&tenant(), &fake.agent, ask(), &mut |_| {}).await.text, "back");
    assert_eq!(agents.breaker_state(&tenant(), &fake.agent), "closed");
}

#[tokio::test]
async fn an_agent_that_says_it_failed_or_answers_with_an_error_is_not_left_alone() {
    let fake = FakeAgent::start(false, |_, _, nth| match nth {
        0..5 => Act::Result(json!({"task": {"id": "t", "status": {"state": "TASK_STATE_FAILED"}}})),
        5..10 => Act::Error(-32603),
        _ => Act::Result(json!({"message": {"parts": [{"text": "a good question"}]}})),
    })
    .await;
    let agents = agents();
    for _ in 0..10 {
        let state = agents.ask(&tenant(), &fake.agent, ask(), &mut |_| {}).await.state;
        assert_eq!(state, CallState::Failed);
        assert_eq!(agents.breaker_state(&tenant(), &fake.agent), "closed");
    }
    let reply = agents.ask(&tenant(), &fake.agent, ask(), &mut |_| {}).await;
    assert_eq!((reply.state, reply.text.as_str()), (CallState::Completed, "a good question"));
}

#[tokio::test]
async fn a_question_that_went_in_circles_is_not_passed_on() {
    let fake = FakeAgent::start(true, |_, _, _| Act::Hang).await;
    let (reply, _) = fake.ask_with(Ask { hops: 3, ..ask() }).await;
    assert_eq!((reply.state, fake.methods().len()), (CallState::Skipped, 0));
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let fake = FakeAgent::start(true, |_, _, _| Act::Hang).await;
    let strict = Agents::new(&AgentsConfig { allow_private_addresses: false, ..config() }, sealer()).unwrap();
    let reply = strict.ask(&tenant(), &fake.agent, ask(), &mut |_| {}).await;
    assert!(reply.reason.unwrap().contains("allow_private_addresses"));
    let port = fake.agent.card_url.port().unwrap();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/").parse().unwrap();
        let error = strict.fetch_card(&url, None).await.unwrap_err().to_string();
        assert!(error.contains("private or reserved"), "{host}: {error}");
    }
    assert_eq!(fake.methods().len(), 0);
}

#[tokio::test]
async fn cards_are_fetched_within_bounds_and_without_redirects() {
    let fake = FakeAgent::start(true, |_, _, _| Act::Hang).await;
    let agents = agents();
    let base = &fake.agent.card_url;
    let (url, card) = agents.fetch_card(base, None).await.unwrap();
    assert_eq!((url.path(), &card["name"]), (WELL_KNOWN, &json!("Fake")));
    assert_eq!(agents.fetch_card(&url, None).await.unwrap().0, url);
    for (path, expected) in
        [("/moved", "status 303, which leads to /"), ("/huge/", "more than it may"), ("/none", "status 404")]
    {
        let error = agents.fetch_card(&base.join(path).unwrap(), None).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{path}: {error}");
    }
}
