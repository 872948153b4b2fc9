//! A running task, while it is looked after, and when another core takes it up.

use super::*;

#[tokio::test]
async fn a_running_task_is_resumed_without_sending_the_question() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "SubscribeToTask" => Act::Stream(vec![json!({"task": task("COMPLETED", "done")})]),
        _ => Act::Error(-32601),
    })
    .await;
    let (reply, _) = fake.ask_with(Ask { task_id: Some("t".into()), resume: true, ..ask() }).await;
    assert_eq!(reply.text, "done");
    assert_eq!(fake.methods(), ["GetTask", "SubscribeToTask"]);
}

#[tokio::test]
async fn a_running_task_that_is_not_known_any_more_is_asked_for_once_more_under_its_message_id() {
    let knows = FakeAgent::start(true, |method, params, _| match method {
        "SendStreamingMessage" if params["message"]["messageId"] == "m1" => {
            assert_eq!(params["message"]["taskId"], Value::Null);
            Act::Stream(vec![json!({"task": task("COMPLETED", "done")})])
        }
        _ => Act::Error(-32001),
    })
    .await;
    let never = FakeAgent::start(true, |_, _, _| Act::Error(-32001)).await;
    for (fake, state) in [(knows, CallState::Completed), (never, CallState::Failed)] {
        let (reply, _) = fake.ask_with(Ask { task_id: Some("lost".into()), resume: true, ..ask() }).await;
        assert_eq!(reply.state, state, "{reply:?}");
        let sent = fake.methods().iter().filter(|method| *method == "SendStreamingMessage").count();
        assert_eq!(sent, 1, "{:?}", fake.methods());
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_subscribed_to_is_polled() {
    let fake = FakeAgent::start(true, |method, _, nth| match (method, nth) {
        ("SendStreamingMessage", _) => Act::Stream(vec![json!({"task": task("WORKING", "")})]),
        ("GetTask", 0) => Act::Result(task("WORKING", "")),
        ("GetTask", 1) => Act::Status(502),
        ("GetTask", _) => Act::Result(task("COMPLETED", "all")),
        _ => Act::Error(-32004),
    })
    .await;
    assert_eq!(fake.ask().await.text, "all");
    assert_eq!(fake.methods(), ["SendStreamingMessage", "SubscribeToTask", "GetTask", "GetTask", "GetTask"]);
}

#[tokio::test]
async fn an_agent_that_does_not_stream_names_its_work_at_once_and_can_be_canceled() {
    let fake = FakeAgent::start(false, |method, params, nth| match (method, nth) {
        ("SendMessage", _) => {
            assert_eq!(params["configuration"]["returnImmediately"], true);
            Act::Result(json!({"task": task("WORKING", "")}))
        }
        ("GetTask", 0) => Act::Result(json!({"id": "t", "status": {"state": "TASK_STATE_WORKING",
            "message": {"parts": [{"text": "half way"}]}}})),
        ("GetTask", nth) if nth < 3 => Act::Result(task("WORKING", "")),
        ("GetTask", _) => Act::Result(task("COMPLETED", "all")),
        _ => Act::Error(-32001),
    })
    .await;
    let (reply, progress) = fake.ask_with(ask()).await;
    assert_eq!(reply.text, "all");
    assert_eq!(progress[0], Progress::Task("t".into()));
    assert_eq!(fake.methods(), ["SendMessage", "GetTask", "GetTask", "GetTask", "GetTask"]);

    let slow = FakeAgent::start(false, |method, _, _| match method {
        "SendMessage" => Act::Result(json!({"task": task("WORKING", "")})),
        _ => Act::Result(task("WORKING", "")),
    })
    .await;
    let deadline = Instant::now() + Duration::from_millis(200);
    assert_eq!(slow.ask_with(Ask { deadline, ..ask() }).await.0.state, CallState::TimedOut);
    assert_eq!(slow.methods().last().map(String::as_str), Some("CancelTask"));
}

#[tokio::test]
async fn work_that_may_go_on_is_not_canceled_when_its_time_is_over() {
    let slow = FakeAgent::start(false, |method, _, _| match method {
        "SendMessage" => Act::Result(json!({"task": task("WORKING", "")})),
        _ => Act::Result(task("WORKING", "")),
    })
    .await;
    let ask = || Ask { deadline: Instant::now() + Duration::from_millis(200), may_go_on: true, ..ask() };
    let (reply, _) = slow.ask_with(ask()).await;
    assert_eq!((reply.state, reply.task_id.as_deref()), (CallState::Working, Some("t")));
    assert!(slow.methods().iter().all(|method| method != "CancelTask"));
    // What has said nothing may not have the question.
    let silent = FakeAgent::start(false, |_, _, _| Act::Hang).await;
    let (reply, _) = silent.ask_with(Ask { task_id: Some("t".into()), answers: true, ..ask() }).await;
    assert_eq!(reply.state, CallState::TimedOut);
}

#[tokio::test]
async fn a_short_outage_loses_no_task_however_often_it_is_looked_for() {
    let back = FakeAgent::start(true, |method, _, nth| match (method, nth) {
        ("SendStreamingMessage", _) => Act::Stream(vec![json!({"task": task("WORKING", "")})]),
        ("GetTask", nth) if nth > 5 => Act::Result(task("COMPLETED", "all")),
        _ => Act::Status(502),
    })
    .await;
    assert_eq!(back.ask().await.text, "all");
    let sent = back.methods().iter().filter(|method| *method == "SendStreamingMessage").count();
    assert_eq!(sent, 1, "{:?}", back.methods());

    let gone = FakeAgent::start(true, |method, _, _| match method {
        "SendStreamingMessage" => Act::Stream(vec![json!({"task": task("WORKING", "")})]),
        _ => Act::Status(502),
    })
    .await;
    let reply = gone.ask().await;
    assert_eq!((reply.state, reply.is_unsent), (CallState::Failed, false), "{reply:?}");
}

#[tokio::test]
async fn an_answer_that_a_task_has_heard_is_not_said_again() {
    let answer = || Ask { task_id: Some("t".into()), answers: true, resume: true, ..ask() };
    let heard = FakeAgent::start(true, |method, _, nth| match (method, nth) {
        ("GetTask", 0) => Act::Result(json!({"id": "t", "status": {"state": "TASK_STATE_WORKING"},
            "history": [{"messageId": "m1", "role": "ROLE_USER"}]})),
        ("SubscribeToTask", _) => Act::Stream(vec![json!({"task": task("COMPLETED", "done")})]),
        _ => Act::Error(-32601),
    })
    .await;
    assert_eq!(heard.ask_with(answer()).await.0.text, "done");
    assert_eq!(heard.methods(), ["GetTask", "SubscribeToTask"]);

    let unheard = FakeAgent::start(true, |method, params, _| match method {
        "GetTask" => Act::Result(json!({"id": "t", "status": {"state": "TASK_STATE_INPUT_REQUIRED"}})),
        "SendStreamingMessage" if params["message"]["taskId"] == "t" => {
            Act::Stream(vec![json!({"task": task("COMPLETED", "done")})])
        }
        _ => Act::Error(-32601),
    })
    .await;
    assert_eq!(unheard.ask_with(answer()).await.0.text, "done");
    assert_eq!(unheard.methods(), ["GetTask", "SendStreamingMessage"]);
}

#[tokio::test]
async fn an_answer_that_does_not_come_to_its_agent_leaves_it_waiting() {
    let fake = FakeAgent::start(true, |_, _, _| Act::Hang).await;
    let mut agent = fake.agent.clone();
    agent.endpoint.url = "http://127.0.0.1:1/".parse().unwrap();
    let ask = Ask { task_id: Some("t".into()), answers: true, ..ask() };
    let reply = agents().ask(&tenant(), &agent, ask, &mut |_| {}).await;
    assert_eq!((reply.state, reply.is_unsent), (CallState::Failed, true), "{reply:?}");
}
