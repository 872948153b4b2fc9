//! Each operation over each binding, which say the same.

use crate::memory::{House, last_goes_on, message, status};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_a2a::wire::TaskState;

#[tokio::test]
async fn a_message_is_answered_by_its_task_over_both_bindings() {
    let house = House::start().await;
    let task = house.call("ann", "SendMessage", message("m1", "say it")).await["task"].clone();
    assert_eq!((&task["id"], &task["status"]["state"]), (&json!("task-0"), &json!("TASK_STATE_COMPLETED")));
    assert_eq!(task["artifacts"][0]["parts"][0]["text"], "said");
    let (code, again) = house.rest("ann", "POST", "/message:send", Some(message("m1", "say it"))).await;
    assert_eq!((code, &again["task"]), (200, &task), "the same message is the same task");
    let fetched = house.call("ann", "GetTask", json!({"id": "task-0"})).await;
    assert_eq!(house.rest("ann", "GET", "/tasks/task-0", None).await, (200, fetched));
    assert_eq!(house.rest("ann", "GET", "/acme/tasks/task-0", None).await.0, 200);
}

#[tokio::test]
async fn a_message_is_waited_for_unless_it_says_otherwise() {
    let house = House::start().await;
    let mut at_once = message("m1", "work");
    at_once["configuration"] = json!({"returnImmediately": true, "historyLength": 0});
    let task = house.call("ann", "SendMessage", at_once).await["task"].clone();
    assert_eq!((&task["status"]["state"], task.get("history")), (&json!("TASK_STATE_WORKING"), None));
    let waited = async { house.call("ann", "SendMessage", message("m2", "work")).await };
    let ends = async {
        while house.memory_tasks() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        house.memory.happens(|task| status(task, TaskState::Working));
        assert!(last_goes_on(&house.memory));
        house.memory.happens(|task| status(task, TaskState::Completed));
    };
    let (answer, ()) = tokio::join!(waited, ends);
    assert_eq!(answer["task"]["status"]["state"], "TASK_STATE_COMPLETED");
}

#[tokio::test]
async fn a_task_that_waits_is_gone_on_with_and_one_that_is_over_is_not() {
    let house = House::start().await;
    let task = house.call("ann", "SendMessage", message("m1", "ask back")).await["task"].clone();
    assert_eq!(task["status"]["state"], "TASK_STATE_INPUT_REQUIRED");
    let mut reply = message("m2", "on Tuesday");
    reply["message"]["taskId"] = task["id"].clone();
    let (code, answer) = house.rest("ann", "POST", "/message:send", Some(reply.clone())).await;
    assert_eq!((code, &answer["task"]["status"]["state"]), (200, &json!("TASK_STATE_COMPLETED")));
    reply["message"]["messageId"] = json!("m3");
    assert_eq!(house.call("ann", "SendMessage", reply.clone()).await["code"], -32004);
    let (code, body) = house.rest("ann", "POST", "/message:send", Some(reply)).await;
    assert_eq!((code, &body["error"]["details"][0]["reason"]), (400, &json!("UNSUPPORTED_OPERATION")));
}

#[tokio::test]
async fn tasks_are_listed_by_page_and_by_owner_and_without_artifacts() {
    let house = House::start().await;
    for i in 0..3 {
        house.call("ann", "SendMessage", message(&format!("m{i}"), "say it")).await;
    }
    house.call("bob", "SendMessage", message("m9", "say it")).await;
    let ids =
        |page: &Value| page["tasks"].as_array().unwrap().iter().map(|t| t["id"].clone()).collect::<Vec<_>>();
    let first = house.call("ann", "ListTasks", json!({"pageSize": 2})).await;
    assert_eq!(ids(&first), ["task-2", "task-1"]);
    assert_eq!((&first["pageSize"], &first["totalSize"]), (&json!(2), &json!(3)));
    assert!(first["tasks"][0].get("artifacts").is_none());
    let next = first["nextPageToken"].as_str().unwrap();
    let path = format!("/tasks?pageSize=2&pageToken={next}&includeArtifacts=true&historyLength=1");
    let (_, second) = house.rest("ann", "GET", &path, None).await;
    assert_eq!((ids(&second), &second["nextPageToken"]), (vec![json!("task-0")], &json!("")));
    assert_eq!(second["tasks"][0]["artifacts"][0]["parts"][0]["text"], "said");
    assert_eq!(second["tasks"][0]["history"].as_array().unwrap().len(), 1);
    let all = house.call("ann", "ListTasks", json!({"pageToken": "", "contextId": "", "tenant": ""})).await;
    assert_eq!(all["pageSize"], 50, "what is empty is not said");
}

#[tokio::test]
async fn a_running_task_is_canceled_once_and_nobody_elses_is() {
    let house = House::start().await;
    let mut at_once = message("m1", "work");
    at_once["configuration"] = json!({"returnImmediately": true});
    house.call("ann", "SendMessage", at_once).await;
    for (user, code) in [("bob", -32001), ("ann", 0), ("ann", -32002)] {
        let answer = house.call(user, "CancelTask", json!({"id": "task-0"})).await;
        assert_eq!(answer["code"].as_i64().unwrap_or_default(), code, "{answer}");
    }
    assert_eq!(house.rest("bob", "POST", "/tasks/task-0:cancel", None).await.0, 404);
    assert_eq!(house.rest("ann", "POST", "/tasks/task-0:cancel", Some(json!({}))).await.0, 400);
}

#[tokio::test]
async fn the_card_is_the_callers_own() {
    let house = House::start().await;
    assert_eq!(house.call("bob", "GetExtendedAgentCard", json!({})).await["name"], "bob");
    assert_eq!(house.rest("ann", "GET", "/extendedAgentCard", None).await.1["name"], "ann");
}
