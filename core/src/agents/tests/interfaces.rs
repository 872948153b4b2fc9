//! An agent with several interfaces, and agents over HTTP+JSON and of 0.3.

use super::*;
use axum::http::{Method, Uri};

/// What came in, as a line, and its body.
type Came = Arc<Mutex<Vec<(String, Value)>>>;

struct Place {
    url: Url,
    came: Came,
    _stop: DropGuard,
}

impl Place {
    /// A place where each request is answered by its line: `POST /message:send`, or a method of JSON-RPC.
    async fn start(answer: fn(&str, &Value) -> Response) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap()).parse().unwrap();
        let came = Came::default();
        let noted = Arc::clone(&came);
        let routes = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: String| async move {
                let body: Value = serde_json::from_str(&body).unwrap_or_default();
                let version = headers["a2a-version"].to_str().unwrap();
                let line = match body["method"].as_str() {
                    Some(name) => format!("{version} {name}"),
                    None => format!("{version} {method} {uri}"),
                };
                noted.lock().unwrap().push((line.clone(), body.clone()));
                answer(&line, &body)
            },
        );
        let stop = CancellationToken::new();
        let server = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
        TaskTracker::new().spawn(server.into_future());
        Self { url, came, _stop: stop.drop_guard() }
    }

    fn lines(&self) -> Vec<String> {
        self.came.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
    }
}

fn agent(streaming: bool, interfaces: &[(&Url, &str, &str)]) -> Agent {
    let interface = |(url, binding, version): &(&Url, &str, &str)| json!({"url": url, "protocolBinding": binding, "protocolVersion": version});
    let card = json!({"name": "Fake", "description": "d", "version": "1", "skills": [],
        "capabilities": {"streaming": streaming},
        "supportedInterfaces": interfaces.iter().map(interface).collect::<Vec<_>>()});
    Agent::from_card(None, "http://a.example".parse().unwrap(), card, vec![]).unwrap()
}

async fn asked(agent: &Agent) -> Reply {
    agents().ask(&tenant(), agent, ask(), &mut |_| {}).await
}

fn sent(events: &[Value]) -> Response {
    let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

fn fine() -> Response {
    Json(json!({"message": {"messageId": "x", "role": "ROLE_AGENT", "parts": [{"text": "fine"}]}}))
        .into_response()
}

#[tokio::test]
async fn an_agent_over_http_and_json_is_streamed_from_followed_and_canceled() {
    let place = Place::start(|line, _| match line {
        "1.0 POST /base/message:stream" => sent(&[
            json!({"task": {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}}}),
            artifact("half", false),
        ]),
        "1.0 GET /base/tasks/t:subscribe" => {
            sent(&[json!({"task": task("WORKING", "half")}), artifact(" and half", true)])
        }
        "1.0 GET /base/tasks/t" => Json(task("WORKING", "half and half")).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    })
    .await;
    let agent = agent(true, &[(&place.url, "HTTP+JSON", "1.0")]);
    let ask = Ask { deadline: Instant::now() + Duration::from_millis(400), ..ask() };
    let reply = agents().ask(&tenant(), &agent, ask, &mut |_| {}).await;
    assert_eq!((reply.state, reply.text.as_str()), (CallState::TimedOut, "half and half"), "{reply:?}");
    let lines = place.lines();
    assert_eq!(
        lines[..3],
        ["1.0 POST /base/message:stream", "1.0 GET /base/tasks/t:subscribe", "1.0 GET /base/tasks/t"]
    );
    assert_eq!(lines.last().unwrap(), "1.0 POST /base/tasks/t:cancel");
    assert_eq!(place.came.lock().unwrap()[0].1["message"]["parts"][0]["text"], "question");
}

#[tokio::test]
async fn what_an_agent_refuses_over_http_and_json_is_read_by_its_reason() {
    let place = Place::start(|_, _| {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "CONTENT_TYPE_NOT_SUPPORTED"}]);
        let error = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no text", "details": details}});
        (StatusCode::BAD_REQUEST, Json(error)).into_response()
    })
    .await;
    let reply = asked(&agent(false, &[(&place.url, "HTTP+JSON", "1.0")])).await;
    assert_eq!(reply.state, CallState::Rejected, "{reply:?}");
    assert!(reply.reason.unwrap().contains("no text"));
}

#[tokio::test]
async fn an_agent_of_0_3_is_asked_in_its_own_words() {
    let place = Place::start(|line, body| {
        let result = |result: Value| json!({"jsonrpc": "2.0", "id": body["id"], "result": result});
        match line {
            "0.3 message/stream" => sent(&[
                result(
                    json!({"kind": "task", "id": "t", "contextId": "c", "status": {"state": "submitted"}}),
                ),
                result(json!({"kind": "artifact-update", "taskId": "t", "artifact": {"artifactId": "a",
                    "parts": [{"kind": "text", "text": "old but "}]}})),
            ]),
            "0.3 tasks/resubscribe" => {
                Json(json!({"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32004, "message": "no"}}))
                    .into_response()
            }
            "0.3 tasks/get" => Json(result(
                json!({"kind": "task", "id": "t", "contextId": "c", "status": {"state": "completed"},
                "artifacts": [{"artifactId": "a", "parts": [{"kind": "text", "text": "old but good"}]}]}),
            ))
            .into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    })
    .await;
    let reply = asked(&agent(true, &[(&place.url, "JSONRPC", "0.3.0")])).await;
    assert_eq!((reply.state, reply.text.as_str()), (CallState::Completed, "old but good"), "{reply:?}");
    let message = &place.came.lock().unwrap()[0].1["params"]["message"];
    assert_eq!((&message["kind"], &message["role"]), (&json!("message"), &json!("user")));
    assert_eq!(message["parts"][0], json!({"kind": "text", "text": "question"}));
}

#[tokio::test]
async fn an_interface_that_is_not_there_gives_way_to_the_next_and_one_that_took_the_question_does_not() {
    let good = Place::start(|_, _| fine()).await;
    let nobody: Url = "http://127.0.0.1:1/".parse().unwrap();
    let fallen = asked(&agent(false, &[(&nobody, "JSONRPC", "1.0"), (&good.url, "HTTP+JSON", "1.0")])).await;
    assert_eq!((fallen.state, fallen.text.as_str()), (CallState::Completed, "fine"), "{fallen:?}");
    let missing = Place::start(|_, _| StatusCode::NOT_FOUND.into_response()).await;
    let fallen =
        asked(&agent(false, &[(&missing.url, "HTTP+JSON", "1.0"), (&good.url, "HTTP+JSON", "1.0")])).await;
    assert_eq!(fallen.text, "fine", "{fallen:?}");
    let other = Place::start(|_, body| {
        Json(json!({"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32009, "message": "no"}}))
            .into_response()
    })
    .await;
    let fallen =
        asked(&agent(false, &[(&other.url, "JSONRPC", "1.0"), (&good.url, "HTTP+JSON", "1.0")])).await;
    assert_eq!(fallen.text, "fine", "{fallen:?}");
    let before = good.lines().len();
    let breaks = Place::start(|_, _| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    let failed =
        asked(&agent(false, &[(&breaks.url, "JSONRPC", "1.0"), (&good.url, "HTTP+JSON", "1.0")])).await;
    assert_eq!((failed.state, good.lines().len()), (CallState::Failed, before), "it may have been worked on");
    let strict = Agents::new(&AgentsConfig { allow_private_addresses: false, ..config() }, sealer()).unwrap();
    let agent = agent(false, &[(&nobody, "JSONRPC", "1.0"), (&good.url, "HTTP+JSON", "1.0")]);
    let refused = strict.ask(&tenant(), &agent, ask(), &mut |_| {}).await;
    assert!(refused.reason.unwrap().contains("allow_private_addresses"));
}

type Fields = &'static [(&'static str, &'static str)];

/// A place that answers whatever comes with these fields and this body.
async fn says(fields: Fields, body: &'static str) -> (Url, DropGuard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let answer = move || async move {
        let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        (fields.collect::<HeaderMap>(), body)
    };
    let stop = CancellationToken::new();
    let server = axum::serve(listener, Router::new().fallback(answer));
    let server = server.with_graceful_shutdown(stop.clone().cancelled_owned());
    TaskTracker::new().spawn(server.into_future());
    (url, stop.drop_guard())
}

#[tokio::test]
async fn what_an_agent_over_grpc_refuses_or_says_wrongly_is_named() {
    const KIND: (&str, &str) = ("content-type", "application/grpc");
    let cases: [(Fields, &str, &str); 6] = [
        (&[KIND, ("grpc-status", "3"), ("grpc-message", "too%20odd")], "", "too odd"),
        (&[KIND, ("grpc-status", "5"), ("grpc-status-details-bin", "%%%")], "", "no longer knows the task"),
        (&[KIND, ("grpc-status", "16")], "", "wants a credential"),
        (&[KIND, ("grpc-status", "14"), ("grpc-message", "away")], "", "away"),
        (&[("content-type", "text/html")], "<html>", "its answer is not gRPC"),
        (&[KIND], "\0\x7f\0\0\0", "sent more than it may"),
    ];
    for (fields, body, why) in cases {
        let (url, _stop) = says(fields, body).await;
        let reply = asked(&agent(true, &[(&url, "GRPC", "1.0")])).await;
        assert_eq!(reply.state, CallState::Failed, "{why}: {reply:?}");
        assert!(reply.reason.as_ref().is_some_and(|reason| reason.contains(why)), "{why}: {reply:?}");
    }
    let good = Place::start(|_, _| fine()).await;
    let (unknown, _stop) = says(&[KIND, ("grpc-status", "12")], "").await;
    let fallen = asked(&agent(false, &[(&unknown, "GRPC", "1.0"), (&good.url, "HTTP+JSON", "1.0")])).await;
    assert_eq!(fallen.text, "fine", "{fallen:?}");
}
