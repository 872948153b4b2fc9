//! Files, however an agent sends them.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};

fn file(name: &str) -> Value {
    json!({"raw": STANDARD.encode(name), "filename": name, "mediaType": "text/plain"})
}

fn names(reply: &Reply) -> Vec<&str> {
    reply.files.iter().map(|file| file.name.as_str()).collect()
}

#[tokio::test]
async fn files_come_with_artifacts_in_pieces_or_anew_and_with_the_last_word() {
    let fake = FakeAgent::start(true, |_, _, _| {
        let part = |append: bool, parts: Value| {
            json!({"artifactUpdate": {"taskId": "t", "append": append, "artifact": {"artifactId": "a", "parts": parts}}})
        };
        let said = |state: &str, parts: Value| {
            let status = json!({"state": format!("TASK_STATE_{state}"), "message": {"role": "ROLE_AGENT", "parts": parts}});
            json!({"statusUpdate": {"taskId": "t", "status": status}})
        };
        Act::StreamAndHang(vec![
            said("WORKING", json!([{"text": "at it"}, file("sketch.txt")])),
            part(false, json!([file("old.txt")])),
            part(false, json!([{"text": "So: "}, file("new.txt")])),
            part(true, json!([file("more.txt")])),
            said("COMPLETED", json!([{"text": "Done."}, file("new.txt"), file("last.txt")])),
        ])
    })
    .await;
    let reply = fake.ask().await;
    assert_eq!(names(&reply), ["new.txt", "more.txt", "last.txt"]);
    assert_eq!((reply.state, reply.reason.as_deref()), (CallState::Completed, None));
    assert!(reply.text.starts_with("So: \n[file new.txt]\n[file more.txt]"), "{}", reply.text);
}

#[tokio::test]
async fn an_answer_may_be_a_file_alone_and_what_is_too_large_is_named() {
    let fake = FakeAgent::start(false, |_, _, _| {
        let large = json!({"raw": STANDARD.encode(vec![7; 2_001]), "filename": "large.bin"});
        Act::Result(
            json!({"message": {"messageId": "x", "role": "ROLE_AGENT", "parts": [file("a.txt"), large]}}),
        )
    })
    .await;
    let reply = fake.ask().await;
    assert_eq!((reply.state, reply.partial, names(&reply)), (CallState::Completed, false, vec!["a.txt"]));
    let why = "1 of its files was left out: large.bin (more than 2000 bytes)";
    assert_eq!(reply.reason.as_deref(), Some(why));
}

#[tokio::test]
async fn a_file_that_came_before_the_time_was_up_is_kept() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "CancelTask" => Act::Error(-32001),
        _ => Act::StreamAndHang(vec![
            json!({"artifactUpdate": {"taskId": "t", "artifact": {"artifactId": "a", "parts": [file("half.txt")]}}}),
        ]),
    })
    .await;
    let reply = fake.ask_with(Ask { deadline: Instant::now() + Duration::from_millis(500), ..ask() }).await.0;
    assert_eq!((reply.state, reply.partial, names(&reply)), (CallState::TimedOut, true, vec!["half.txt"]));
}
