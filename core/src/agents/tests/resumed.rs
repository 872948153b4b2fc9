//! A running task that another core takes up.

use super::*;

#[tokio::test]
async fn a_running_task_is_resumed_without_sending_the_question() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "SubscribeToTask" => Act::Stream(vec![json!({"task": task("COMPLETED", "done")})]),
        _ => Act::Error(-32601),
    })
    .await;
    let (reply, _) = fake.ask_with(Ask { task_id: Some("t".into()), resume: true, ..ask() }).await;
    assert_eq!((reply.text.as_str(), fake.methods().len()), ("done", 1));
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
